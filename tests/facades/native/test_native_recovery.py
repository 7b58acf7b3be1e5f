"""Recovery over the own API: plan first, then apply; what is refused, and how."""

from native_client import NativeApi, step_of, two_steps

from mulligan.testing import models
from mulligan.testing.server import poll_until


def failed_run(api: NativeApi) -> str:
    """Run a pipeline whose step `test` fails once; return the id of the run."""
    api.server.executor.fail("test", times=1)
    state = api.run_to_end()
    assert state["status"] == "failed"
    return str(state["id"])


def test_plan_changes_nothing(api: NativeApi) -> None:
    """A plan names every node with action and reason, and the run stays as it is."""
    run = failed_run(api)
    before = api.run(run)

    plan = api.post(f"/projects/shop/runs/{run}/recovery/plan", {"target": "t"})

    assert api.run(run) == before
    steps = {node["name"]: node for node in plan["nodes"] if node["kind"] == "step"}
    assert (steps["build"]["action"], steps["build"]["reason"]) == ("keep", "has succeeded")
    assert (steps["test"]["action"], steps["test"]["reason"]) == ("rerun", "asked for")
    assert plan["counts"] == {"rerun": 1, "keep": 1, "skip": 0}
    assert plan["target"]["scope"] == "step"
    assert plan["run_attempt"] == 2
    assert plan["revision"] == before["revision"]
    assert plan["etag"] == f'"{before["revision"]}"'
    assert plan["approvals"] == {"kept": [], "void": [], "asked": []}
    assert [node["kind"] for node in plan["nodes"]] == ["stage", "job", "step", "step"]
    assert next(n for n in plan["nodes"] if n["kind"] == "job")["workspace"] == "live"


def test_apply_runs_only_what_the_plan_says(api: NativeApi) -> None:
    """After a retry of a step the same run is green and the kept step ran once."""
    run = failed_run(api)

    done = api.post(f"/projects/shop/runs/{run}/recovery/apply", {"target": "t"})

    assert done["run"]["id"] == run
    assert done["run"]["attempt"] == 2
    assert done["plan"]["counts"]["rerun"] == 1
    assert api.wait(run, "succeeded")["number"] == 1
    assert api.server.executor.runs("build") == 1
    assert api.server.executor.runs("test") == 2


def test_apply_of_a_whole_run(api: NativeApi) -> None:
    """An empty body means the whole run."""
    run = failed_run(api)

    api.post(f"/projects/shop/runs/{run}/recovery/apply")

    api.wait(run, "succeeded")
    assert api.server.executor.runs("build") == 2


def test_stale_plan_is_refused(api: NativeApi) -> None:
    """A plan is applied only to the revision that it was made at: 412, and nothing is done."""
    run = failed_run(api)
    etag = api.post(f"/projects/shop/runs/{run}/recovery/plan", {"target": "t"})["etag"]
    api.put(f"/projects/shop/runs/{run}/remark", {"remark": "moved on"})
    path = f"/projects/shop/runs/{run}/recovery/apply"

    problem = api.post(path, {"target": "t"}, headers={"If-Match": etag}, expect=412)

    assert problem["code"] == "plan-stale"
    assert api.server.executor.runs("test") == 1
    fresh = api.post(f"/projects/shop/runs/{run}/recovery/plan", {"target": "t"})["etag"]
    api.post(path, {"target": "t"}, headers={"If-Match": fresh})
    api.wait(run, "succeeded")


def test_malformed_if_match(api: NativeApi) -> None:
    """An entity tag that is none of ours is an error, never "any"."""
    path = f"/projects/shop/runs/{failed_run(api)}/recovery/apply"

    api.post(path, {"target": "t"}, headers={"If-Match": '"abc"'}, expect=400)

    assert api.server.executor.runs("test") == 1


def test_etag_of_a_run_is_that_of_its_plan(api: NativeApi) -> None:
    """The entity tag of a shown run may be used to apply a plan."""
    run = failed_run(api)

    shown = api.call("GET", f"/projects/shop/runs/{run}")

    plan = api.post(f"/projects/shop/runs/{run}/recovery/plan", {})
    assert shown.headers["etag"] == plan["etag"]


def test_skip_needs_a_reason(api: NativeApi) -> None:
    """A skip is a decision of a named person with a reason (R9)."""
    api.server.executor.fail("build", times=1)
    run = api.run_to_end()["id"]
    path = f"/projects/shop/runs/{run}/recovery/apply"

    problem = api.post(path, {"target": "b", "skip": True, "reason": " "}, expect=422)
    api.post(path, {"target": "b", "skip": True, "reason": "known to be flaky"})

    assert problem["errors"][0]["pointer"] == "/reason"
    state = api.wait(run, "succeeded")
    assert state["verdict"] == "succeeded with waivers"
    assert state["waivers"] == [
        {"step": step_of(state, "build")["id"], "by": "admin", "reason": "known to be flaky"}
    ]
    assert step_of(state, "build")["cause"] == "waived"


def test_refusals_have_their_code(api: NativeApi) -> None:
    """A rule that refuses is a conflict with the code of the rule and a way out."""
    run = failed_run(api)
    path = f"/projects/shop/runs/{run}/recovery/apply"

    body = {"target": "t", "skip": True, "reason": "why not"}
    not_allowed = api.post(path, body, expect=409)
    unknown = api.post(path, {"target": "nonsense"}, expect=422)

    assert not_allowed["code"] == "skip-not-allowed"
    assert not_allowed["rule"] == "R9"
    assert not_allowed["instead"] == ["retry the step"]
    assert unknown["code"] == "target-unknown"


def test_granted_operator_may_skip_anything(api: NativeApi) -> None:
    """`api_operate` lets somebody skip a step whose definition does not allow it."""
    run = failed_run(api)
    member = {"role": "owner", "permissions": ["api_operate"]}
    api.put("/projects/shop/members/admin", member)

    body = {"target": "t", "skip": True, "reason": "granted"}
    api.post(f"/projects/shop/runs/{run}/recovery/apply", body)

    assert api.wait(run, "succeeded")["waivers"][0]["reason"] == "granted"


def test_runner_may_retry_but_not_skip(api: NativeApi) -> None:
    """Retry and skip are permissions of their own."""
    api.server.executor.fail("build", times=1)
    run = api.run_to_end()["id"]
    rudi = api.make_user("rudi", "runner")
    path = f"/projects/shop/runs/{run}/recovery"

    skip = {"target": "b", "skip": True, "reason": "no"}
    rudi.post(f"{path}/plan", skip, expect=403)
    rudi.post(f"{path}/apply", skip, expect=403)
    rudi.post(f"{path}/apply", {"target": "b"})

    assert api.wait(run, "succeeded")["attempts"][1]["actor"] == "rudi"


def test_only_failed_jobs_of_a_stage(api: NativeApi) -> None:
    """`only_failed` leaves the good jobs of a stage as they are."""
    jobs = [
        models.job("one", [models.step("a", "true")]),
        models.job("two", [models.step("b", "true")]),
    ]
    api.server.executor.fail("b", times=1)
    run = api.run_to_end(models.pipeline("jobs", [models.stage("s", jobs)]))["id"]
    body = {"target": "stage-2", "only_failed": True}

    api.post(f"/projects/shop/runs/{run}/recovery/apply", body)

    api.wait(run, "succeeded")
    assert api.server.executor.runs("a") == 1
    assert api.server.executor.runs("b") == 2


def test_widened_when_the_directory_is_gone(api: NativeApi) -> None:
    """Without the workspace the plan says that the job starts over."""
    run = failed_run(api)
    job = api.run(run)["stages"][0]["jobs"][0]["id"]
    api.server.files.gone.add(job)

    plan = api.post(f"/projects/shop/runs/{run}/recovery/plan", {"target": "t"})

    nodes = {node["name"]: node for node in plan["nodes"] if node["kind"] != "stage"}
    assert nodes["build"]["action"] == "rerun"
    assert "workspace is gone" in nodes["build"]["reason"]
    assert plan["counts"] == {"rerun": 2, "keep": 0, "skip": 0}


def test_approval_is_asked_and_answered(api: NativeApi) -> None:
    """A run waits for the review of a stage until a reviewer answers it."""
    stage = models.stage("deploy", [models.job("d", [models.step("deploy", "true")])])
    model = models.pipeline("gate", [{**stage, "checkIn": models.review(["admin"])}])
    run = api.start(api.make_pipeline(model))
    state = api.wait(run, "running")

    (gate,) = state["gates"]
    path = f"/projects/shop/runs/{run}/stages/{gate['node']}/answer"
    maya = api.make_user("maya", "maintainer")
    rudi = api.make_user("rudi", "runner")
    assert gate["kind"] == "stage-review"
    assert gate["reviewers"] == ["admin"]
    assert maya.post(path, {"approve": True}, expect=403)["code"] == "not-a-reviewer"
    assert rudi.post(path, {"approve": True}, expect=403)["code"] == "forbidden"
    api.post(f"/projects/shop/runs/{run}/stages/stage-9/answer", {"approve": True}, expect=404)
    api.post(path, {"approve": True, "suggestion": "go"})

    assert api.wait(run, "succeeded")["gates"] == []
    assert api.post(path, {"approve": True}, expect=409)["code"] == "not-awaiting"


def test_pause_is_resumed(api: NativeApi) -> None:
    """A paused step waits until somebody lets it run."""
    model = two_steps()
    element = model["stages"][1]["containers"][0]["elements"][1]
    element["additionalOptions"] = {"enable": True, "pauseBeforeExec": True}
    run = api.start(api.make_pipeline(model))
    state = api.wait(run, "running")
    test = step_of(state, "test")["id"]
    api.wait_started("build")

    def paused() -> bool:
        return [gate["kind"] for gate in api.run(run)["gates"]] == ["pause"]

    poll_until(paused, what="the pause")
    api.post(f"/projects/shop/runs/{run}/steps/{test}/resume", {"go_ahead": True})

    api.wait(run, "succeeded")
    again = api.post(f"/projects/shop/runs/{run}/steps/{test}/resume", {}, expect=409)
    assert again["code"] == "run-finished"
