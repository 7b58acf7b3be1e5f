"""Times of a run beside those of the last one that went well."""

import pytest
from native_client import NativeClient, step_of

from mulligan.facades.native import timelines


def test_timeline_of_a_run(api: NativeClient) -> None:
    """The last green run before it is compared with; what was tried again has all its tries."""
    pipeline = api.make_pipeline()
    first = api.wait(api.start(pipeline), "succeeded")
    api.server.executor.fail("test", times=2)
    failed = api.wait(api.start(pipeline), "failed")["id"]
    again = api.start(pipeline)
    api.wait(again, "failed")
    api.post(f"/projects/shop/runs/{again}/recovery/apply", {})
    state = api.wait(again, "succeeded")

    alone = api.get(f"/projects/shop/runs/{first['id']}/timeline")
    found = api.get(f"/projects/shop/runs/{again}/timeline")

    assert alone == {"run": first["id"], "green": None, "nodes": [], "is_whole": True}
    green = {"id": first["id"], "number": 1, "branch": "", "ended_at": first["ended_at"]}
    assert found["green"] == green
    assert api.get(f"/projects/shop/runs/{failed}/timeline")["green"] == green
    nodes = {each["id"]: each for each in found["nodes"]}
    build, test = step_of(state, "build"), step_of(state, "test")
    (job,) = [each["id"] for each in found["nodes"] if each["kind"] == "job"]
    assert set(nodes) == {job, build["id"], test["id"]}
    # the clock of the test stands still
    assert {each["usual_seconds"] for each in nodes.values()} == {0.0}
    tries = nodes[test["id"]]["tries"]
    facts = ("number", "run_attempt", "status")
    assert [tuple(each[name] for name in facts) for each in tries] == [
        (1, 1, "failed"),
        (2, 2, "succeeded"),
    ]
    assert [each["status"] for each in nodes[job]["tries"]] == ["failed", "succeeded"]


def test_nodes_that_are_too_many(api: NativeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of them are given, and it is said that there are more."""
    monkeypatch.setattr(timelines, "MOST_NODES", 2)
    pipeline = api.make_pipeline()
    api.wait(api.start(pipeline), "succeeded")
    second = api.wait(api.start(pipeline), "succeeded")["id"]

    found = api.get(f"/projects/shop/runs/{second}/timeline")

    assert ([each["kind"] for each in found["nodes"]], found["is_whole"]) == (
        ["job", "step"],
        False,
    )
