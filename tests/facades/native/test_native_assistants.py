"""Tools of assistants: confirmations that are not good do nothing, whoever brings them."""

import pytest
from native_client import NativeApi, NativeClient, step_of, two_steps
from native_server import NativeServer

NUL, LONG, DEEP = "\0", "x" * 100_000, "../../shop"


@pytest.fixture
def failed(api: NativeApi) -> str:
    """Give a run that failed at `test`."""
    api.server.executor.fail("test", times=1)
    return str(api.run_to_end()["id"])


def message(result: dict[str, object]) -> str:
    """Return what a call that must be refused says."""
    assert result["isError"]
    said = result["structuredContent"]
    assert isinstance(said, dict)
    return str(said["message"])


def test_confirmations_of_others(server: NativeServer, api: NativeClient, failed: str) -> None:
    """Of another user, for other arguments, for another run, for another tool, too old: no."""
    rudi = api.make_user("rudi", "maintainer")
    other = str(api.run_to_end(two_steps("other"))["id"])
    place = {"project": "shop", "run": failed}
    confirm = api.tool("plan_recovery", **place)["structuredContent"]["confirm"]
    stop = api.tool(
        "v4_user_build_retry",
        path_param={"projectId": "shop"},
        query_param={"buildId": failed, "pipelineId": api.run(failed)["pipeline"]},
    )["structuredContent"]["confirm"]
    before = api.run(failed)

    answers = [
        rudi.tool("apply_recovery", **place, confirm=confirm),
        api.tool("apply_recovery", **place, confirm=stop),
        api.tool("apply_recovery", **place, confirm=confirm + "x"),
        api.tool("apply_recovery", **place, target="t", confirm=confirm),
        api.tool("apply_recovery", **place | {"run": other}, confirm=confirm),
        api.tool("apply_recovery", **place, reason="other", confirm=confirm),
    ]
    server.clock.advance(16 * 60)
    answers.append(api.tool("apply_recovery", **place, confirm=confirm))

    said = [message(each) for each in answers]
    assert ["was not given out" in each for each in said] == [True] * 3 + [False] * 4
    assert ["other arguments" in each for each in said[3:6]] == [True] * 3
    assert "too old" in said[6]
    assert api.run(failed) == before


def test_rights_are_asked_when_it_is_done(api: NativeApi, failed: str) -> None:
    """Who lost the right after the plan can't do what it says; a plan alone needs it, too."""
    rudi = api.make_user("rudi", "developer")
    eve = api.make_user("eve", "viewer")
    place = {"project": "shop", "run": failed}
    confirm = rudi.tool("plan_recovery", **place)["structuredContent"]["confirm"]
    api.put("/projects/shop/members/rudi", {"role": "viewer"})

    done = rudi.tool("apply_recovery", **place, confirm=confirm)
    planned = eve.tool("plan_recovery", **place)
    elsewhere = eve.tool("apply_recovery", project="mine", run=failed)

    assert done["isError"]
    assert planned["isError"]
    assert elsewhere["isError"]
    assert api.run(failed)["attempt"] == 1


@pytest.mark.parametrize("text", [NUL, LONG, DEEP, "é.é.é.é.é", "1.2.3.4.5", ".", ""])
def test_odd_texts(api: NativeApi, failed: str, text: str) -> None:
    """Whatever stands where a name or confirmation is expected is refused in words."""
    step = step_of(api.run(failed), "test")["id"]

    if text:
        message(api.tool("apply_recovery", project="shop", run=failed, confirm=text))
    for tool, arguments in (
        ("get_run", {"project": "shop", "run": text}),
        ("get_run", {"project": text, "run": failed}),
        ("plan_recovery", {"project": "shop", "run": failed, "target": text or "-"}),
        ("get_log_window", {"project": "shop", "run": failed, "step": step, "attempt": text}),
        ("v4_user_build_status", {"path_param": {"projectId": text}}),
    ):
        assert "server failed" not in message(api.tool(tool, **arguments))
