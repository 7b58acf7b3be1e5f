"""Who comes second is told who was faster: what they did, to what, and when."""

import pytest
from native_client import NativeApi, step_of, two_steps

Json = dict[str, object]
NOON = "2026-11-22T12:00:00Z"


@pytest.fixture
def failed(api: NativeApi) -> str:
    """Give a run that failed at `test`; its retry is under way when it was asked for."""
    api.server.executor.fail("test", times=1)
    run = str(api.run_to_end()["id"])
    api.server.executor.hold("test")
    return run


def last(what: str, target: str, name: str) -> Json:
    """Give what rudi has done."""
    return {"what": what, "target": target, "name": name, "by": "rudi", "at": NOON}


def id_of_test(api: NativeApi, run: str) -> str:
    """Return the id of the step that failed."""
    return str(step_of(api.run(run), "test")["id"])


def test_with_the_same_plan(api: NativeApi, failed: str) -> None:
    """Two apply one plan: the second one gets 412 with who and when, and nothing is done."""
    rudi = api.make_user("rudi", "developer")
    path = f"/projects/shop/runs/{failed}/recovery"
    plan = {"If-Match": api.post(path + "/plan", {"target": "t"})["etag"]}

    rudi.post(path + "/apply", {"target": "t"}, headers=plan)
    problem = api.post(path + "/apply", {"target": "t"}, headers=plan, expect=412)

    assert problem["last"] == last("retry", id_of_test(api, failed), "test")
    assert problem["detail"].endswith("last: retry of test by rudi at 2026-11-22 12:00:00Z")
    assert api.run(failed)["attempt"] == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [("t", "t"), ("t", ""), ("", ""), ("", "stage-2"), ("stage-2", "stage-2"), ("stage-2", "b")],
)
def test_without_a_plan(api: NativeApi, failed: str, first: str, second: str) -> None:
    """Whatever the two ask for, the second one gets 409 with who and when."""
    rudi = api.make_user("rudi", "developer")
    path = f"/projects/shop/runs/{failed}/recovery/apply"

    rudi.post(path, {"target": first})
    problem = api.post(path, {"target": second}, expect=409)

    name = {"t": "test", "stage-2": "build"}.get(first, "")
    assert problem["last"] == last(
        "retry", id_of_test(api, failed) if first == "t" else first, name
    )
    assert "by rudi at 2026-11-22 12:00:00Z" in problem["detail"]
    chinese = api.post(path, {"target": second}, expect=409, headers={"Accept-Language": "zh"})
    assert "by rudi at 2026-11-22 12:00:00Z" in chinese["detail"]


def test_who_skipped(api: NativeApi, failed: str) -> None:
    """Not only retries are named; a run that was only started names nobody."""
    api.server.executor.release("test")
    rudi = api.make_user("rudi", "maintainer")
    skip = {"target": "b", "skip": True, "reason": "flaky"}

    rudi.post(f"/projects/shop/runs/{failed}/recovery/apply", skip)
    api.wait(failed, "succeeded")
    problem = api.post(
        f"/projects/shop/runs/{failed}/recovery/apply", {"target": "stage-2"}, expect=409
    )
    other = api.run_to_end(two_steps("other"))["id"]
    started = api.post(
        f"/projects/shop/runs/{other}/recovery/apply", {"target": "stage-2"}, expect=409
    )

    assert problem["last"] == last("skip", step_of(api.run(failed), "build")["id"], "build")
    assert "last" not in started


def test_assistants(api: NativeApi, failed: str) -> None:
    """A confirmation that comes too late says who was faster, possible or not."""
    rudi = api.make_user("rudi", "developer")
    place = {"project": "shop", "run": failed, "target": "t"}
    planned = api.tool("plan_recovery", **place)["structuredContent"]
    gateway = {
        "path_param": {"projectId": "shop"},
        "query_param": {"buildId": failed, "pipelineId": api.run(failed)["pipeline"]},
    }
    retry = api.tool("v4_user_build_retry", **gateway)["structuredContent"]

    rudi.post(f"/projects/shop/runs/{failed}/recovery/apply", {"target": "t"})
    refused = api.tool("apply_recovery", **place, confirm=planned["confirm"])
    api.server.executor.release("test")
    api.wait(failed, "succeeded")
    late = api.tool("apply_recovery", **place, confirm=planned["confirm"])
    stale = api.tool("v4_user_build_retry", **gateway, confirm=retry["confirm"])

    assert [each["isError"] for each in (refused, late, stale)] == [True] * 3
    for each in (refused, late, stale):
        assert each["structuredContent"]["last"] == last("retry", id_of_test(api, failed), "test")
    assert "by rudi at 2026-11-22 12:00:00Z" in refused["structuredContent"]["detail"]
    assert api.run(failed)["attempt"] == 2
