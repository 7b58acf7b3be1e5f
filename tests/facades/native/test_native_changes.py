"""Changes for the next attempt over the own API: planned, done, told afterwards, and by whom."""

from typing import Any

from native_client import Json, NativeApi

from mulligan.testing import models

NEW_SCRIPT = "echo repaired"


def model() -> Json:
    """Return a model with the steps `build` and `test`, and parameters."""
    steps = [
        models.step("build", "true", step_id="b"),
        models.step(
            "test",
            "false",
            step_id="t",
            manualSkip=True,
            customEnv=[{"key": "MODE", "value": "fast"}],
        ),
    ]
    built = models.one_job("changes", steps)
    built["stages"][0]["containers"][0]["params"] = [
        models.parameter("color", "red", required=False),
        models.parameter("token", "s3cret-old", type="PASSWORD"),
        models.parameter("fixed", "1", constant=True),
    ]
    return built


def failed_run(api: NativeApi, times: int = 1) -> str:
    """Run the model; its step `test` fails so often; return the id of the run."""
    api.server.executor.fail("test", times=times)
    return str(api.run_to_end(model())["id"])


def recovery(run: str, act: str) -> str:
    """Return the path of `plan` or `apply`."""
    return f"/projects/shop/runs/{run}/recovery/{act}"


def of_test(**step: Any) -> Json:
    """Return the body of a retry of the step `test` with changes of it."""
    return {"target": "t", "changes": {"steps": {"t": step}}}


def test_a_change_is_shown_done_and_told(api: NativeApi) -> None:
    """The plan shows what is otherwise; the attempt has it; history and comparison tell of it."""
    run = failed_run(api)
    body = of_test(inputs={"script": NEW_SCRIPT}, env={"MODE": "slow", "MORE": "1"}, timeout_s=60)
    body["changes"]["parameters"] = {"color": "blue", "token": "s3cret-new"}

    plan = api.post(recovery(run, "plan"), body)
    headers = {"If-Match": plan["etag"]}
    done = api.post(recovery(run, "apply"), body, headers=headers)

    state = api.wait(run, "succeeded")
    told = [(each["kind"], each["name"], each["before"], each["after"]) for each in plan["changes"]]
    assert told == [
        ("input", "script", "false", NEW_SCRIPT),
        ("env", "MODE", "fast", "slow"),
        ("env", "MORE", None, "1"),
        ("timeout", "timeout_s", 6000, 60),
        ("parameter", "color", "red", "blue"),
        ("parameter", "token", "******", "******"),
    ]
    assert done["plan"]["changes"] == plan["changes"]
    order = api.server.executor.orders[-1]
    assert (order.inputs["script"], order.timeout_s) == (NEW_SCRIPT, 60)
    assert [order.env[name] for name in ("MODE", "MORE", "color")] == ["slow", "1", "blue"]
    assert {"s3cret-old", "s3cret-new"} <= set(order.secrets)
    assert {each["name"]: each["started_with"] for each in state["parameters"]} == {
        "color": "red",
        "token": "******",
        "fixed": None,
    }
    before = api.run(run, "?attempt=1")["parameters"]
    assert [each["value"] for each in before] == ["red", "******", "1"]
    first, second = api.get(f"/projects/shop/runs/{run}/attempts")["items"]
    assert (first["changes"], second["actor"]) == ([], "admin")
    assert {(each["kind"], each["step_name"], each["name"]) for each in second["changes"]} == {
        (each["kind"], each["step_name"], each["name"]) for each in plan["changes"]
    }
    diff = api.get(f"/projects/shop/runs/{run}/attempts/1/diff/2")
    assert diff["changes"] == plan["changes"]
    changed = next(step for step in diff["steps"] if step["name"] == "test")
    assert changed["inputs"] == ["env.MODE", "env.MORE", "script", "timeout_s"]
    back = api.get(f"/projects/shop/runs/{run}/attempts/2/diff/1")["changes"]
    assert (back[0]["before"], back[0]["after"]) == (NEW_SCRIPT, "false")


def test_a_change_stays_until_it_is_set_back(api: NativeApi) -> None:
    """A later retry without changes has it; null means as defined; the definition stays."""
    run = failed_run(api, times=3)
    api.post(recovery(run, "apply"), of_test(inputs={"script": NEW_SCRIPT}))
    api.wait(run, "failed")
    api.post(recovery(run, "apply"), {"target": "t"})
    api.wait(run, "failed")

    api.post(recovery(run, "apply"), of_test(inputs={"script": None}))

    api.wait(run, "succeeded")
    scripts = [o.inputs["script"] for o in api.server.executor.orders if o.step_name == "test"]
    assert scripts == ["false", NEW_SCRIPT, NEW_SCRIPT, "false"]
    again = api.start(api.run(run)["pipeline"])
    api.wait(again)
    assert api.server.executor.orders[-1].inputs["script"] == "false"


def test_secrets_are_neither_shown_nor_audited(api: NativeApi) -> None:
    """Not in the plan, the run, its events, its history or the audit trail: that has the names."""
    run = failed_run(api)
    body = of_test(env={"API_TOKEN": "hidden-1"})
    body["changes"]["parameters"] = {"token": "hidden-2"}

    texts = [api.call("POST", recovery(run, act), body).text for act in ("plan", "apply")]
    api.wait(run, "succeeded")
    for path in ("", "/attempts", "/attempts/1/diff/2", "/recovery/modes?changes=true"):
        texts.append(api.call("GET", f"/projects/shop/runs/{run}{path}").text)
    audit = api.call("GET", "/projects/shop/audit?limit=1").text

    assert not any("hidden-" in text for text in (*texts, audit))
    assert "steps.t.env.API_TOKEN" in audit
    assert "parameters.token" in audit


def test_who_may_change_what(api: NativeApi) -> None:
    """Whoever may start may give parameters; a step is code: that needs the right to edit."""
    run = failed_run(api)
    rudi = api.make_user("rudi", "runner")
    parameters = {"target": "t", "changes": {"parameters": {"color": "blue"}}}

    for act in ("plan", "apply"):
        problem = rudi.post(recovery(run, act), of_test(inputs={"script": "evil"}), expect=403)
        assert problem["code"] == "forbidden"
        assert problem["errors"][0]["pointer"] == "/changes/steps"
    api.make_user("vera", "viewer").post(recovery(run, "plan"), parameters, expect=403)
    seen = rudi.get(f"/projects/shop/runs/{run}/recovery/modes?changes=true")["changeable"]
    rudi.post(recovery(run, "apply"), parameters)

    api.wait(run, "succeeded")
    assert api.server.executor.orders[-1].env["color"] == "blue"
    assert (seen["may_change_steps"], seen["may_change_parameters"]) == (False, True)


REFUSED: tuple[tuple[Json, str, str], ...] = (
    ({"steps": {"b": {"inputs": {"script": "x"}}}}, "step-kept", "/steps/b"),
    ({"steps": {"x/y": {}}}, "target-unknown", "/steps/x~1y"),
    ({"steps": {"t": {"inputs": {"no": 1}}}}, "input-unknown", "/steps/t/inputs/no"),
    ({"steps": {"t": {"inputs": {"script": 1}}}}, "input-invalid", "/steps/t/inputs/script"),
    ({"steps": {"t": {"inputz": {}}}}, "bad-shape", "/steps"),
    ({"steps": {"t": {"timeout_s": "1"}}}, "bad-shape", "/steps"),
    ({"parameters": {"no": "1"}}, "parameter-unknown", "/parameters/no"),
    ({"parameters": {"fixed": "2"}}, "parameter-fixed", "/parameters/fixed"),
)


def test_what_can_not_be_changed(api: NativeApi) -> None:
    """The problem points at it, in both calls and in both languages, and nothing is run."""
    run = failed_run(api)
    chinese = {"Accept-Language": "zh"}

    for changes, code, pointer in REFUSED:
        body = {"target": "t", "changes": changes}
        for act in ("plan", "apply"):
            problem = api.post(recovery(run, act), body, expect=422)
            assert problem["code"] == code
            assert problem["errors"][0]["pointer"] == "/changes" + pointer
        said = api.post(recovery(run, "plan"), body, expect=422, headers=chinese)
        assert not said["detail"].isascii()
    skip = {"target": "t", "changes": {"parameters": {"color": "x"}}, "skip": True}
    assert api.post(recovery(run, "plan"), skip, expect=422)["code"] == "changes-with-skip"
    assert api.server.executor.runs("test") == 1


def test_what_can_be_changed(api: NativeApi) -> None:
    """The failed step's inputs and the parameters, as they are now; only if it is asked for."""
    run = failed_run(api, times=2)
    api.post(recovery(run, "apply"), of_test(inputs={"script": NEW_SCRIPT}))
    api.wait(run, "failed")
    path = f"/projects/shop/runs/{run}/recovery/modes"

    found = api.get(f"{path}?changes=true")["changeable"]

    assert api.get(path)["changeable"] is None
    (step,) = found["steps"]
    inputs = {each["name"]: each for each in step["inputs"]}
    assert (step["name"], step["fixed"], step["timeout_s"]) == ("test", False, 6000)
    assert inputs["script"] == {
        "name": "script",
        "type": "text",
        "value": NEW_SCRIPT,
        "secret": False,
        "changed": True,
    }
    assert inputs["continueNoneZero"]["type"] == "flag"
    assert [(each["name"], each["value"]) for each in step["env"]] == [("MODE", "fast")]
    parameters = {each["name"]: each for each in found["parameters"]}
    assert (parameters["color"]["default"], parameters["color"]["fixed"]) == ("red", "")
    assert parameters["token"]["default"] == ""
    assert "constant" in parameters["fixed"]["fixed"]


def test_an_assistant_changes_something(api: NativeApi) -> None:
    """Its plan shows the change; the confirmation is good for that change and no other."""
    run = failed_run(api)
    place = {"project": "shop", "run": run, **of_test(inputs={"script": NEW_SCRIPT})}
    other = {**place, **of_test(inputs={"script": "rm -r /"})}

    planned = api.tool("plan_recovery", **place)["structuredContent"]
    refused = api.tool("apply_recovery", **other, confirm=planned["confirm"])
    done = api.tool("apply_recovery", **place, confirm=planned["confirm"])

    api.wait(run, "succeeded")
    assert [each["after"] for each in planned["plan"]["changes"]] == [NEW_SCRIPT]
    assert (refused["isError"], done["isError"]) == (True, False)
    assert api.server.executor.orders[-1].inputs["script"] == NEW_SCRIPT
