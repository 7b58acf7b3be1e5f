"""The history of a run's recovery, every way to recover it, and what waits for people."""

from typing import Any

from native_client import NativeApi, step_of, two_steps

from mulligan.testing import models

Json = dict[str, Any]


def repaired(api: NativeApi) -> Json:
    """Let the second step fail, and retry it; return the run."""
    api.server.executor.fail("test", times=1, exit_code=4)
    run = api.run_to_end()
    body = {"target": step_of(run, "test")["id"], "reason": "a hiccup"}
    api.post(f"/projects/shop/runs/{run['id']}/recovery/apply", body)
    return api.wait(run["id"], "succeeded")


def modes_of(api: NativeApi, run: Json, query: str = "") -> dict[str, Json]:
    """Return the ways to recover a run by their words."""
    found = api.get(f"/projects/shop/runs/{run['id']}/recovery/modes{query}")
    return {item["mode"]: item for item in found["items"]}


def test_attempts_tell_what_each_of_them_did(api: NativeApi) -> None:
    """Who asked and why; which steps ran, and which earlier results were kept."""
    run = repaired(api)

    first, second = api.get(f"/projects/shop/runs/{run['id']}/attempts")["items"]

    assert (first["what"], first["status"], first["counts"]["ran"]) == ("start", "failed", 2)
    assert (second["what"], second["actor"], second["reason"]) == ("retry", "admin", "a hiccup")
    assert [step["name"] for step in second["ran"]] == ["test"]
    assert [step["name"] for step in second["kept"]] == ["build"]
    assert second["status"] == "succeeded"


def test_two_attempts_side_by_side(api: NativeApi) -> None:
    """What changed, step by step; an attempt that is not there is not found."""
    run = repaired(api)
    path = f"/projects/shop/runs/{run['id']}/attempts"

    diff = api.get(f"{path}/1/diff/2")

    steps = {step["name"]: step for step in diff["steps"]}
    assert not steps["build"]["changed"]
    assert steps["build"]["after"]["part"] == "kept"
    test = steps["test"]
    assert test["changed"]
    assert (test["before"]["status"], test["before"]["exit_code"]) == ("failed", 4)
    assert (test["after"]["status"], test["after"]["part"]) == ("succeeded", "ran")
    assert test["after"]["attempt"] == 2
    assert isinstance(diff["variables"], list)
    for wrong in ("0/diff/1", "1/diff/3", "x/diff/1"):
        api.get(f"{path}/{wrong}", expect=404)


def test_every_mode_of_a_failed_run(api: NativeApi) -> None:
    """What is allowed says what it would do, and the call that does it works as it is."""
    pipeline = api.make_pipeline()
    api.wait(api.start(pipeline))
    api.server.executor.fail("test", times=1)
    run = api.wait(api.start(pipeline))

    modes = modes_of(api, run)

    retry = modes["retry-step"]
    assert retry["allowed"]
    assert retry["plan"]["counts"] == {"rerun": 1, "keep": 1, "skip": 0}
    assert retry["plan"]["expected_seconds"] is not None
    assert modes["retry-run"]["plan"]["counts"]["rerun"] == 2
    skip = modes["skip-step"]  # its definition does not allow it
    assert not skip["allowed"]
    assert skip["why_not"]["code"] == "skip-not-allowed"
    assert skip["why_not"]["rule"] == "R9"
    assert skip["why_not"]["instead"]
    request = retry["request"]
    done = api.post(request["path"], request["body"], headers={"If-Match": request["etag"]})
    assert done["plan"]["counts"] == retry["plan"]["counts"]
    api.wait(run["id"], "succeeded")


def test_modes_agree_with_the_planner(api: NativeApi) -> None:
    """No mode says anything else than a plan that is asked for by itself."""
    api.server.executor.fail("build")
    stages = [
        models.stage(name, [models.job(name, [models.step(name, "true")])])
        for name in ("build", "ship")
    ]
    run = api.run_to_end(models.pipeline("two stages", stages))
    base = f"/projects/shop/runs/{run['id']}/recovery/plan"
    later = step_of(run, "ship")["id"]

    for mode in (*modes_of(api, run).values(), *modes_of(api, run, f"?step={later}").values()):
        body = mode["request"]["body"]
        if mode["allowed"]:
            plan = api.post(base, body)
            assert plan["counts"] == mode["plan"]["counts"]
            assert plan["etag"] == mode["request"]["etag"]
        else:
            problem = api.call("POST", base, body, expect=409).json()
            assert problem["code"] == mode["why_not"]["code"]
            assert problem["detail"] == mode["why_not"]["message"]
    api.get(f"/projects/shop/runs/{run['id']}/recovery/modes?step=e-none", expect=404)


def test_modes_of_who_may_only_look(api: NativeApi) -> None:
    """Every mode is refused for the missing permission, and says so."""
    api.server.executor.fail("build")
    run = api.run_to_end()
    viewer = api.make_user("vera", "viewer")

    modes = modes_of(viewer, run)

    assert {mode["why_not"]["code"] for mode in modes.values()} == {"forbidden"}


def reviewed(name: str, *reviewers: str) -> Json:
    """Return a model whose second stage is reviewed by these people."""
    make = models.stage("make", [models.job("make", [models.step("build", "true")])])
    ship = models.stage("ship", [models.job("ship", [models.step("deploy", "true")])])
    ship["checkIn"] = {
        "manualTrigger": True,
        "reviewDesc": "let it out?",
        "reviewGroups": [{"name": "QA", "reviewers": list(reviewers)}],
        "reviewParams": [{"key": "replicas", "value": "4", "valueType": "STRING"}],
        "timeout": 24,
    }
    return models.pipeline(name, [make, ship])


def test_approvals_are_found_by_who_is_asked(api: NativeApi) -> None:
    """Everybody of the project sees what waits, `mine` is what one may answer now."""
    ann = api.make_user("ann", "maintainer")
    bob = api.make_user("bob", "viewer")
    run = api.start(api.make_pipeline(reviewed("shop", "ann")))
    api.wait_gate(run)

    (item,) = ann.get("/approvals?mine=true")["items"]

    assert (item["run"], item["kind"], item["stage_name"]) == (run, "stage-review", "ship")
    assert item["desc"] == "let it out?"
    assert item["asked_by"] == "admin"
    assert item["due_at"] is not None
    (group,) = item["groups"]
    assert (group["name"], group["reviewers"], group["state"]) == ("QA", ["ann"], "asked")
    (parameter,) = item["parameters"]
    assert (parameter["key"], parameter["value"]) == ("replicas", "4")
    assert bob.get("/approvals?mine=true")["items"] == []
    assert [each["mine"] for each in bob.get("/approvals")["items"]] == [False]
    ann.post(item["path"], {"approve": True})
    api.wait(run, "succeeded")
    assert ann.get("/approvals")["items"] == []


def test_approvals_of_other_projects_are_not_seen(api: NativeApi) -> None:
    """Who is in no project has no approvals, and may not ask for those of one."""
    run = api.start(api.make_pipeline(reviewed("shop", "admin")))
    api.wait_gate(run)
    api.post("/users", {"name": "eve"}, expect=201)
    token = api.post("/tokens", {"name": "t", "user": "eve"}, expect=201)["token"]
    eve = api.acting_as(token)

    assert eve.get("/approvals")["items"] == []
    eve.get("/approvals?project=shop", expect=404)
    assert len(api.get("/approvals?project=shop&mine=true")["items"]) == 1


def test_approvals_are_paged(api: NativeApi) -> None:
    """Oldest first; the pages hold everything once."""
    pipeline = api.make_pipeline(reviewed("shop", "admin"))
    runs = [api.start(pipeline) for _ in range(3)]
    for run in runs:
        api.wait_gate(run)

    first = api.get("/approvals?limit=2&mine=true")
    rest = api.get(f"/approvals?limit=2&mine=true&cursor={first['next_cursor']}")

    assert [item["run"] for item in (*first["items"], *rest["items"])] == runs
    assert rest["next_cursor"] is None


def test_a_plain_run_has_nothing_to_recover(api: NativeApi) -> None:
    """Of a green run only the whole can be run again."""
    run = api.run_to_end(two_steps())

    modes = modes_of(api, run)

    assert [word for word, mode in modes.items() if mode["allowed"]] == ["retry-run"]
