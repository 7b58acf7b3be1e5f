"""Deployments when the store fails, the server dies, or somebody ends them by force."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from mulligan.core.cause import Cause
from mulligan.core.deployments import Act, Outcome
from mulligan.core.errors import InfrastructureError, StaleRevisionError
from mulligan.core.ids import JobId, RunId, StepId
from mulligan.core.prepare import StepOrder
from mulligan.core.run import Run
from mulligan.core.status import Status
from mulligan.engine import changes, deployments, runner
from mulligan.engine.starting import StartPolicy
from mulligan.facades.swr.status import standing_of
from mulligan.ports import LateEnd, StepEnd
from release_world import (
    ONLY,
    Releases,
    definition,
    deploy,
    releases,
    stage,
)

pytestmark = pytest.mark.anyio

AWAY = InfrastructureError("the store is away")
LOST = StaleRevisionError("somebody else was quicker")
GOOD = (Act.DEPLOY, Outcome.SUCCEEDED)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once what failed."""
    monkeypatch.setattr(runner, "_RETRY_REPORT_S", 0.001)
    monkeypatch.setattr(changes, "TRY_AGAIN_S", 0.001)
    monkeypatch.setattr(deployments, "_LOOK_AGAIN_S", 0.01)


@pytest.fixture
async def world() -> AsyncIterator[Releases]:
    """Give a world with a runner."""
    async with releases() as made:
        yield made


def shown(run: Run, world: Releases) -> str:
    """Return the status that the SWR dialect shows."""
    return standing_of(run.head, run.index.spec, world.clock.now()).status


# --- commits that fail ----------------------------------------------------------------------------


@pytest.mark.parametrize("error", [AWAY, LOST])
async def test_beginning_that_can_not_be_stored(world: Releases, error: Exception) -> None:
    """A deployment that can't be written down begins later; memory and store agree."""
    pipeline = await world.add(ONLY)
    world.disk.ledger_failing = [error, error]

    run = await world.release(pipeline, "v1")

    assert run.head.status is Status.SUCCEEDED
    await world.settled()
    assert world.acts() == [GOOD]
    assert world.scripted.runs("deploy") == 1


@pytest.mark.parametrize("error", [AWAY, LOST])
@pytest.mark.parametrize("times", [1, 2, 4])
async def test_end_that_can_not_be_stored(world: Releases, error: Exception, times: int) -> None:
    """The end of a deployment is written later, with what its driver said; the lock is free."""
    pipeline = await world.add(ONLY)
    result = {"state": {"service": {"name": "web"}}, "manifest": "kind: x"}
    world.scripted.end_with("deploy", StepEnd(exit_code=0, result=result))
    run_id = await world.begin_release(pipeline, "v1")
    world.disk.failing = [error] * times

    world.scripted.release("deploy")
    run = await world.wait_end(run_id)

    assert run.head.status is Status.SUCCEEDED
    await world.settled()
    assert await world.live_version() == "v1"
    assert world.disk.ledger[0].result == result
    assert not (await world.environment()).holder


async def test_late_settlement_that_can_not_be_stored(world: Releases) -> None:
    """When the environment had to be read again and the store is away then, it is tried again."""
    pipeline = await world.add(ONLY)
    run_id = await world.begin_release(pipeline, "v1")
    world.read_environment_again()
    world.disk.ledger_failing = [AWAY, LOST, AWAY]

    world.scripted.release("deploy")
    await world.wait_end(run_id)

    await world.settled()
    assert await world.live_version() == "v1"
    assert (await world.release(pipeline, "v2")).head.status is Status.SUCCEEDED


async def test_write_that_is_told_to_have_failed(world: Releases) -> None:
    """A write that was stored although it was told to have failed does not hold the lock."""
    pipeline = await world.add(ONLY)
    run_id = await world.begin_release(pipeline, "v1")
    world.disk.lying = [AWAY]

    world.scripted.release("deploy")
    await world.wait_end(run_id)

    assert (await world.release(pipeline, "v2")).head.status is Status.SUCCEEDED
    await world.settled()
    assert await world.live_version() == "v2"
    assert world.acts() == [GOOD, GOOD]


async def test_beginning_that_is_told_to_have_failed(world: Releases) -> None:
    """A lock that was taken by a write that was told to have failed is one's own."""
    pipeline = await world.add(ONLY)
    world.disk.ledger_lying = [AWAY]

    run = await world.release(pipeline, "v1")

    assert run.head.status is Status.SUCCEEDED
    await world.settled()
    assert world.acts() == [GOOD]
    assert (await world.release(pipeline, "v2")).head.status is Status.SUCCEEDED


@pytest.mark.parametrize("error", [AWAY, LOST])
async def test_rollback_that_can_not_be_stored(world: Releases, error: Exception) -> None:
    """A rollback whose commit fails is refused or done again; nothing half is left."""
    pipeline = await world.add(ONLY)
    for version in ("v1", "v2"):
        run = await world.release(pipeline, version)
    world.disk.failing = [error]

    if error is AWAY:
        with pytest.raises(InfrastructureError):
            await world.roll_back(run.head.id)
        await world.settled()
        assert not (await world.environment()).holder
    after = await world.rolled_back(run.head.id) if error is AWAY else None
    if after is None:
        await world.roll_back(run.head.id)
        after = await world.wait_end(run.head.id)

    assert shown(after, world) == "rollback_success"
    await world.settled()
    assert await world.live_version() == "v1"
    assert world.acts()[2:] == [(Act.ROLLBACK, Outcome.SUCCEEDED)]


# --- retries after it -----------------------------------------------------------------------------


async def test_retry_before_the_end_is_settled(world: Releases) -> None:
    """A retry that comes before the ledger knows of the end waits, and deploys its own release."""
    pipeline = await world.add(ONLY)
    world.scripted.fail("deploy", times=1)
    run_id = await world.begin_release(pipeline, "v1")
    world.read_environment_again()
    world.disk.ledger_failing = [AWAY] * 5

    world.scripted.release("deploy")
    await world.wait_end(run_id)
    await world.retry_stage(run_id, 0)
    run = await world.wait_end(run_id)

    assert run.head.status is Status.SUCCEEDED
    await world.settled()
    assert world.acts() == [(Act.DEPLOY, Outcome.FAILED), GOOD]
    assert [each.job_attempt for each in world.disk.ledger] == [1, 2]


# --- ends by force --------------------------------------------------------------------------------


async def test_forced_stop(world: Releases) -> None:
    """A stop by force settles the ledger at once, and the next deployment gets the lock."""
    pipeline = await world.add(ONLY)
    run_id = await world.begin_release(pipeline, "v1")
    world.scripted.hold("deploy", is_stubborn=True)
    await world.stop(run_id)
    world.clock.advance(minutes=2)

    await world.stop(run_id)
    await world.wait_end(run_id)

    await world.settled()
    assert world.acts() == [(Act.DEPLOY, Outcome.FAILED)]
    assert not (await world.environment()).live
    world.scripted.release("deploy")
    assert (await world.release(pipeline, "v2")).head.status is Status.SUCCEEDED


async def test_stop_while_the_lock_is_taken_keeps_the_driver_from_beginning(
    world: Releases,
) -> None:
    """A stop that comes while the environment is being taken is heeded: no driver begins."""
    pipeline = await world.add(ONLY)
    world.disk.ledger_answers.clear()
    head = await world.start(pipeline, values={"VERSION": "v1"})
    await world.until(lambda: bool(world.disk.ledger), "the lock is taken")

    await world.stop(head.id)
    world.disk.ledger_answers.set()
    run = await world.wait_end(head.id)

    assert run.head.status is Status.CANCELLED
    assert world.scripted.runs("deploy") == 0
    await world.settled()
    assert world.acts() == [(Act.DEPLOY, Outcome.CANCELLED)]


async def test_lost_budget(world: Releases) -> None:
    """A deployment that is lost again and again is unreachable in the end; the lock is free."""
    async with releases(start_policy=StartPolicy(lost_budget=2)) as made:
        pipeline = await made.add(ONLY)
        for _ in range(3):
            made.scripted.end_with("deploy", StepEnd(cause="lost"))

        run = await made.release(pipeline, "v1")

        assert run.job(JobId("100")).cause is Cause.LOST
        assert shown(run, made) == "runtime_exception"
        await made.settled()
        assert made.acts() == [(Act.DEPLOY, Outcome.UNREACHABLE)]
        resumed = [order.inputs["order"]["resume"] for order in made.scripted.orders]
        assert resumed == [False, True, True]
        assert len({order.inputs["order"]["deployment"] for order in made.scripted.orders}) == 1


async def test_lost_rollback(world: Releases) -> None:
    """A rollback that is lost too often ends as its exception; what was live still is."""
    async with releases(start_policy=StartPolicy(lost_budget=0)) as made:
        pipeline = await made.add(ONLY)
        for version in ("v1", "v2"):
            run = await made.release(pipeline, version)
        made.scripted.end_with("deploy", StepEnd(cause="lost"))

        after = await made.rolled_back(run.head.id)

        assert shown(after, made) == "rollback_exception"
        await made.settled()
        assert await made.live_version() == "v2"
        assert made.acts()[-1] == (Act.ROLLBACK, Outcome.UNREACHABLE)
        again = await made.rolled_back(run.head.id)
        assert shown(again, made) == "rollback_success"
        assert await made.live_version() == "v1"


# --- restarts -------------------------------------------------------------------------------------


async def test_restart_while_a_deployment_runs(world: Releases) -> None:
    """After a crash the same deployment is tried again, told that it was begun before."""
    pipeline = await world.add(ONLY)
    run_id = await world.begin_release(pipeline, "v1")

    following = await world.again()
    await following.open()

    run = await following.wait_end(run_id)
    assert run.head.status is Status.SUCCEEDED
    await following.settled()
    assert following.acts() == [GOOD]
    assert following.disk.ledger[0].tries == 2
    assert following.scripted.orders[0].inputs["order"]["resume"] is True
    await following.close()


async def test_restart_with_the_result_in_the_spool(world: Releases) -> None:
    """A deployment that ended while the server was down is settled with what it said."""
    pipeline = await world.add(ONLY)
    run_id = await world.begin_release(pipeline, "v1")
    order = world.scripted.orders[0]
    following = await world.again()
    following.scripted.late = [
        LateEnd(
            run_id=run_id,
            job_id=order.job_id,
            step_id=order.step_id,
            step_attempt=order.step_attempt,
            fence=order.fence,
            end=StepEnd(exit_code=0, result={"state": {"a": 1}}),
        )
    ]

    await following.open()

    run = await following.wait_end(run_id)
    assert run.head.status is Status.SUCCEEDED
    await following.settled()
    assert following.disk.ledger[0].result == {"state": {"a": 1}}
    assert following.scripted.runs("deploy") == 0
    await following.close()


async def test_restart_between_acceptance_and_claim_of_a_rollback() -> None:
    """A rollback that was accepted but not claimed is carried out by the next life."""
    async with releases() as world:
        pipeline = await world.add(ONLY)
        for version in ("v1", "v2"):
            run = await world.release(pipeline, version)
        await world.crash()
        await world.roll_back(run.head.id)

        following = await world.again()
        await following.open()

        after = await following.wait_end(run.head.id)
        assert shown(after, following) == "rollback_success"
        await following.settled()
        assert await following.live_version() == "v1"
        assert following.scripted.orders[0].inputs["order"]["resume"] is False
        await following.close()


async def test_restart_with_an_ended_job_and_an_open_ledger() -> None:
    """A job that ended before its ledger was settled is settled at the next start."""
    async with releases() as world:
        pipeline = await world.add(ONLY)
        world.scripted.fail("deploy", times=1)
        run_id = await world.begin_release(pipeline, "v1")
        world.read_environment_again()
        world.disk.ledger_failing = [AWAY] * 10_000
        world.scripted.release("deploy")
        await world.wait_end(run_id)

        world.disk.ledger_failing = []
        following = await world.again()
        await following.open()

        await following.settled()
        assert following.acts() == [(Act.DEPLOY, Outcome.FAILED)]
        await following.close()


async def test_restart_after_a_retry_of_what_is_not_settled() -> None:
    """An open deployment of an earlier attempt is settled as that attempt ended."""
    async with releases() as world:
        pipeline = await world.add(ONLY)
        world.scripted.fail("deploy", times=1)
        run_id = await world.begin_release(pipeline, "v1")
        world.read_environment_again()
        world.disk.ledger_failing = [AWAY] * 10_000
        world.scripted.release("deploy")
        await world.wait_end(run_id)
        await world.retry_stage(run_id, 0)
        await world.crash()

        world.disk.ledger_failing = []
        following = await world.again()
        await following.open()
        run = await following.wait_end(run_id)

        assert run.head.status is Status.SUCCEEDED
        await following.settled()
        assert following.acts() == [(Act.DEPLOY, Outcome.FAILED), GOOD]
        await following.close()


# --- reports that come too late -------------------------------------------------------------------


async def test_report_after_a_rollback_cut_its_job() -> None:
    """What a job came to that a rollback cut changes nothing, and the rollback goes on."""
    spec = definition(
        deploy(0, "stable"),
        deploy(1, "gray", act="gray"),
        stage(2, "check"),
        deploy(3, "promote", after_gray=f"e-{101:032x}"),
    )
    async with releases() as world:
        pipeline = await world.add(spec)
        world.scripted.hold("check")
        world.scripted.hold("gray-never")
        head = await world.start(pipeline, values={"VERSION": "v1"})
        await world.wait_started("check")
        order = next(each for each in world.scripted.orders if each.step_name == "check")
        world.scripted.hold("gray")

        await world.roll_back(head.id, 1)
        with pytest.raises(Exception, match="fence"):
            await world.report(order)
        await world.until(lambda: world.scripted.runs("gray") == 2, "the abort runs")
        world.scripted.release("gray")
        run = await world.wait_end(head.id)

        assert shown(run, world) == "rollback_success"
        assert run.job(JobId("102")).status is Status.CANCELLED
        assert run.step(StepId(f"e-{102:032x}")).status is Status.CANCELLED
        await world.settled()
        assert not (await world.environment()).gray
        assert await world.live_version() == "v1"


# --- judged by what is not stored yet -------------------------------------------------------------


async def begun_by_hand(world: Releases) -> tuple[RunId, StepOrder]:
    """Have a deployment under way that the test reports itself."""
    await world.crash()
    pipeline = await world.add(ONLY)
    head = await world.start(pipeline, values={"VERSION": "v1"})
    order = await world.claim(head.id, "100")
    begun = await world.engine.begin_deployment(order, lambda: False)
    assert begun is not None
    return head.id, begun


async def on_its_way(world: Releases, run_id: RunId) -> None:
    """Wait until a decision about a run is on its way to the store."""
    line = world.engine.lines.find(run_id)
    assert line is not None
    async with asyncio.timeout(30):
        while line.in_flight == 0:  # noqa: ASYNC110 - it is so for one turn of the loop only
            await asyncio.sleep(0)


async def test_report_while_a_stop_can_not_be_stored(world: Releases) -> None:
    """A report is not taken for too late because of a stop by force that is never stored."""
    run_id, order = await begun_by_hand(world)
    await world.stop(run_id)
    world.clock.advance(minutes=2)
    world.disk.failing = [AWAY]

    stop = asyncio.create_task(world.stop(run_id))
    await on_its_way(world, run_id)
    await world.report(order)

    with pytest.raises(InfrastructureError):
        await stop
    assert (await world.run(run_id)).head.status.is_final
    await world.settled()
    assert world.acts() == [GOOD]


async def test_claim_while_a_stop_can_not_be_stored(world: Releases) -> None:
    """An offer is not dropped because of a stop that is never stored."""
    await world.crash()
    pipeline = await world.add(ONLY)
    head = await world.start(pipeline, values={"VERSION": "v1"})
    world.disk.failing = [AWAY]

    stop = asyncio.create_task(world.stop(head.id))
    await on_its_way(world, head.id)
    order = await world.claim(head.id, "100")

    with pytest.raises(InfrastructureError):
        await stop
    assert order.step_name == "deploy"
    assert (await world.run(head.id)).job(JobId("100")).status is Status.RUNNING
