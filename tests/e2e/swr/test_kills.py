"""Kill the server in the middle of its work: what comes out is true and final."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.definitions import build, builds, definition, gray_release, release_only, review
from e2e.swr.scenario import BAD, Pipeline, assert_empty_object, results, wait_ran
from mulligan.testing.server import poll_until, processes_carrying

if TYPE_CHECKING:
    from e2e.swr.scenario import World, wait_ran
    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

pytestmark = pytest.mark.slow


@pytest.fixture
def release(own_world: World, target: Target) -> Pipeline:
    """Give a pipeline that only deploys and whose target can say what is live, with v1 and v2."""
    status = target.exact_status()
    pipeline = Pipeline(own_world.login("dev1"), release_only(target, status=status))
    for version in ("v1", "v2"):
        pipeline.run("success", VERSION=version)
    return pipeline


def assert_final(world: World, pipeline: Pipeline) -> None:
    """Assert that another kill changes nothing of the outcome."""
    before = (pipeline.status(), pipeline.jobs(0))
    world.restart()

    assert (pipeline.status(), pipeline.jobs(0)) == before


def test_kill_in_a_deployment(own_world: World, release: Pipeline, target: Target) -> None:
    """A deployment cut off before its effect is done under the same id, or fails and is retried."""
    target.set("deploy.hold")
    release.start(VERSION="v3")
    cut = target.wait_act("deploy", 3)

    own_world.server.kill()
    own_world.resume()
    target.clear("deploy.hold")

    status = release.settle("success", "runtime_exception")
    if status["status"] == "success":
        tries = [act.deployment for act in target.acts("deploy")[2:]]
        assert tries == [cut.deployment] * 2
    else:
        assert target.live == "v2"
        assert_empty_object(release.retry(0))
        release.settle("success")
    assert target.live == "v3"
    assert_final(own_world, release)
    release.roll_back()
    assert target.live == "v2"


def test_no_two_deployments_side_by_side(
    own_world: World, release: Pipeline, target: Target
) -> None:
    """Before a deployment that was cut off runs again, all its processes have ended."""
    target.set("deploy.hold")
    release.start(VERSION="v3")
    cut = target.wait_act("deploy", 3)
    before = set(processes_carrying(cut.deployment))

    own_world.restart()

    def is_again_or_over() -> bool:
        return len(target.acts("deploy")) > 3 or release.status()["status"] != "running"

    poll_until(is_again_or_over, what="the deployment runs again or is over")
    after = set(processes_carrying(cut.deployment))
    target.clear("deploy.hold")
    assert before
    assert before & after == set()
    release.settle("success", "runtime_exception")


def test_kill_after_the_effect_of_a_deployment(
    own_world: World, release: Pipeline, target: Target
) -> None:
    """A deployment that is already true when the server comes back is not done again."""
    target.set("deploy.stuck")
    release.start(VERSION="v3")
    target.wait_live("v3")

    own_world.server.kill()
    own_world.resume()
    target.clear("deploy.stuck")

    release.settle("success")
    assert target.live == "v3"
    assert [act.version for act in target.acts("deploy")] == ["v1", "v2", "v3"]
    assert_final(own_world, release)
    release.roll_back()
    assert target.live == "v2"


def test_kill_in_a_rollback(own_world: World, release: Pipeline, target: Target) -> None:
    """A rollback cut off before its effect is finished, or ends with what was live before."""
    first = release.jobs(0)[-1]["id"]
    target.set("rollback.hold")
    assert_empty_object(release.rollback(0))
    cut = target.wait_act("rollback")

    own_world.server.kill()
    own_world.resume()
    target.clear("rollback.hold")

    status = release.settle("rollback_success", "rollback_exception")
    if status["status"] == "rollback_success":
        assert {act.deployment for act in target.acts("rollback")} == {cut.deployment}
    else:
        assert target.live == "v2"
        release.roll_back()
    assert target.live == "v1"
    assert release.jobs(0)[0]["target_job_id"] == first
    assert_final(own_world, release)


def test_kill_after_the_effect_of_a_rollback(
    own_world: World, release: Pipeline, target: Target
) -> None:
    """A rollback that is already true when the server comes back is not done again."""
    target.set("rollback.stuck")
    assert_empty_object(release.rollback(0))
    target.wait_live("v1")

    own_world.server.kill()
    own_world.resume()
    target.clear("rollback.stuck")

    release.settle("rollback_success")
    assert [act.version for act in target.acts("rollback")] == ["v1"]
    assert len(release.jobs(0)) == 3
    assert_final(own_world, release)


def test_kill_right_after_the_answer(own_world: World, release: Pipeline, target: Target) -> None:
    """A rollback that was answered by 201 is carried out, or told to have failed."""
    answer = release.rollback(0)

    own_world.server.kill()
    own_world.resume()

    assert_empty_object(answer)
    assert len(release.jobs(0)) == 3
    if release.settle("rollback_success", "rollback_exception")["status"] != "rollback_success":
        assert target.live == "v2"
        release.roll_back()
    assert target.live == "v1"


def test_kill_while_a_review_asks(own_world: World, bench: Workbench) -> None:
    """An open review survives with its votes, and goes on with the missing one."""
    stages = [
        build("before", bench.script("before")),
        review("all", "dev1", "dev2"),
        build("after", bench.script("after")),
    ]
    pipeline = Pipeline(own_world.login("dev1"), definition(stages))
    dev2 = own_world.login("dev2")
    pipeline.start()
    pipeline.wait_asking(1)
    pipeline.vote(1, "pass")
    before = pipeline.status()

    own_world.restart()

    assert pipeline.status() == before
    assert results(pipeline.stage(1)) == {"dev1": "pass", "dev2": "waiting"}
    assert_empty_object(pipeline.vote(1, "pass", dev2))
    pipeline.settle("success")
    assert bench.counts("before", "after") == [1, 1]


def test_kill_while_a_run_is_held(own_world: World, bench: Workbench) -> None:
    """A held run survives and can be retried; what had succeeded does not run again."""
    pipeline = Pipeline(own_world.login("dev1"), builds(bench, "one", "two", "three"))
    bench.break_steps("two")
    pipeline.run("stage_exception")
    bench.repair("two")
    before = pipeline.status()

    own_world.restart()

    assert pipeline.status() == before
    assert_empty_object(pipeline.retry(1))
    pipeline.settle("success")
    assert bench.counts("one", "two", "three") == [1, 2, 1]


def test_kill_in_a_build(own_world: World, bench: Workbench) -> None:
    """A build stage cut off runs again by itself, or is held and can be retried."""
    pipeline = Pipeline(own_world.login("dev1"), builds(bench, "one", "two"))
    bench.hold("two")
    pipeline.start()
    wait_ran(bench, "two")

    own_world.server.kill()
    bench.release("two")
    own_world.resume()

    if pipeline.settle("success", "runtime_exception")["status"] != "success":
        assert pipeline.status()["stage_index"] == 1
        assert_empty_object(pipeline.retry(1))
        pipeline.settle("success")
    assert bench.ran("one") == 1
    assert pipeline.stage_statuses() == ["success", "success"]
    assert_final(own_world, pipeline)


def test_kill_while_a_gray_release_is_out(own_world: World, target: Target) -> None:
    """A grey release with its open review survives a kill and can still be rolled back."""
    dev1 = own_world.login("dev1")
    Pipeline(dev1, release_only(target)).run("success", VERSION="v1")
    pipeline = Pipeline(dev1, gray_release(target))
    pipeline.start(VERSION="v2")
    pipeline.wait_asking(1)

    own_world.restart()

    assert_empty_object(pipeline.rollback(0))
    pipeline.settle("rollback_success")
    assert (target.live, target.gray) == ("v1", "")


def asking(world: World, target: Target, *flags: str) -> Pipeline:
    """Deploy v1, set flags, and start a grey release of v2.

    There is no text `status`: it could not tell a grey release from a live one.
    """
    client = world.login("dev1")
    Pipeline(client, release_only(target)).run("success", VERSION="v1")
    target.set(*flags)
    pipeline = Pipeline(client, gray_release(target, status=None))
    pipeline.start(VERSION="v2")
    return pipeline


@pytest.mark.parametrize("flag", ["gray.hold", "gray.stuck"])
def test_kill_in_a_gray_release(own_world: World, target: Target, flag: str) -> None:
    """A grey release cut off is done under the same id, or fails and is retried."""
    pipeline = asking(own_world, target, flag)
    cut = target.wait_act("gray")

    own_world.server.kill()
    own_world.resume()
    target.clear(flag)

    stage = pipeline.wait_stage(0, "success", "runtime_exception")
    if stage["status"] == "success":
        assert {act.deployment for act in target.acts("gray")} == {cut.deployment}
    else:
        assert_empty_object(pipeline.retry(0))
    pipeline.wait_asking(1)
    assert (target.live, target.gray) == ("v1", "v2")
    assert_empty_object(pipeline.vote(1, "pass"))
    pipeline.settle("success")
    assert (target.live, target.gray) == ("v2", "")


def test_kill_in_a_promotion(own_world: World, target: Target) -> None:
    """A promotion cut off is done, or fails and is retried; the way back is the stable version."""
    pipeline = asking(own_world, target)
    pipeline.wait_asking(1)
    target.set("deploy.hold")
    pipeline.vote(1, "pass")
    cut = target.wait_act("deploy", 2)

    own_world.server.kill()
    own_world.resume()
    target.clear("deploy.hold")

    if pipeline.settle("success", "runtime_exception")["status"] == "success":
        assert {act.deployment for act in target.acts("deploy")[1:]} == {cut.deployment}
    else:
        assert_empty_object(pipeline.retry(2))
        pipeline.settle("success")
    assert (target.live, target.gray) == ("v2", "")
    pipeline.roll_back(2)
    assert target.live == "v1"


def test_kill_in_the_rollback_of_a_gray_release(own_world: World, target: Target) -> None:
    """The end of a grey release cut off is finished, or can be asked for again."""
    pipeline = asking(own_world, target, "abort.hold")
    pipeline.wait_asking(1)
    assert_empty_object(pipeline.rollback(0))
    target.wait_act("abort")

    own_world.server.kill()
    own_world.resume()
    target.clear("abort.hold")

    if pipeline.settle("rollback_success", "rollback_exception")["status"] != "rollback_success":
        pipeline.roll_back(0)
    assert pipeline.stage_statuses()[1:] == ["cancel", "waiting"]
    assert (target.live, target.gray) == ("v1", "")


def test_polite_end_in_a_deployment(own_world: World, release: Pipeline, target: Target) -> None:
    """SIGTERM in the middle of a deployment leaves what a kill leaves: a true outcome."""
    target.set("deploy.hold")
    release.start(VERSION="v3")
    target.wait_act("deploy", 3)

    own_world.server.terminate()
    own_world.resume()
    target.clear("deploy.hold")

    if release.settle("success", "runtime_exception")["status"] != "success":
        assert target.live == "v2"
        assert_empty_object(release.retry(0))
        release.settle("success")
    assert target.live == "v3"
    assert_final(own_world, release)


def test_kill_twice_in_a_rollback(own_world: World, release: Pipeline, target: Target) -> None:
    """Two kills in the same rollback leave one job, one id and one outcome."""
    target.set("rollback.hold")
    assert_empty_object(release.rollback(0))
    cut = target.wait_act("rollback")

    for _ in range(2):
        own_world.restart()
    target.clear("rollback.hold")

    if release.settle("rollback_success", "rollback_exception")["status"] != "rollback_success":
        assert target.live == "v2"
        release.roll_back()
    else:
        assert {act.deployment for act in target.acts("rollback")} == {cut.deployment}
    assert target.live == "v1"


def test_key_of_a_call_survives_a_kill(own_world: World, release: Pipeline, target: Target) -> None:
    """A rollback repeated with its key after a kill gets the first answer and does nothing."""
    call = f"{release.stage_path(0)}?mode=rollback&source=rollback::true"
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = release.client.raw("POST", call, None, headers)
    release.settle("rollback_success")

    own_world.restart()
    again = release.client.raw("POST", call, None, headers)
    other = release.client.raw("POST", f"{release.stage_path(0)}?mode=retry", None, headers)

    assert_empty_object(first)
    assert_empty_object(again)
    assert again.headers["idempotency-replayed"] == "true"
    assert other.http == BAD
    assert release.status()["status"] == "rollback_success"
    assert len(target.acts("rollback")) == 1
