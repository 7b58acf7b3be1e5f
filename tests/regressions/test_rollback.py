"""What other servers got wrong about rollbacks."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine_world import SHOP
from mulligan.core.cause import Cause
from mulligan.core.decision import Effect
from mulligan.core.deployments import Act, Outcome
from mulligan.core.errors import RefusedError
from mulligan.core.ids import StageId
from mulligan.core.refusal import RefusalCode
from mulligan.core.run import Run
from mulligan.core.spec import MessageSpec
from mulligan.core.status import Status
from mulligan.facades.swr.jobs_out import state_of
from mulligan.facades.swr.status import stage_status, standing_of
from mulligan.ports import StepEnd
from release_world import ONLY, Releases, definition, deploy, releases, stage

pytestmark = pytest.mark.anyio

TOLD = (MessageSpec(kind="webhook", config={"url": "http://127.0.0.1:1/"}),)
TWO = definition(
    stage(0, "build"),
    deploy(1, "test", environment="test", messages=TOLD),
    stage(2, "check"),
    deploy(3, "prod", messages=TOLD),
    stage(4, "announce", messages=TOLD),
    messages=TOLD,
)


@pytest.fixture
async def world() -> AsyncIterator[Releases]:
    """Give a world with a runner."""
    async with releases() as made:
        yield made


def shown(run: Run, world: Releases) -> str:
    """Return the status of the pipeline."""
    return standing_of(run.head, run.index.spec, world.clock.now()).status


def told(world: Releases, run: Run) -> list[tuple[str, bool]]:
    """Return of which stages messages were sent ("" = the run), and whether they were good."""
    effects: list[Effect] = [
        effect
        for decision in world.disk.appended
        if decision.run.head.id == run.head.id
        for effect in decision.effects
        if effect.kind == "notify"
    ]
    return [(str(effect.data["stage"]), bool(effect.data["good"])) for effect in effects]


# 44 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "status", "cause", "outcome"),
    [
        (StepEnd(exit_code=1), "rollback_failed", Cause.USER, Outcome.FAILED),
        (StepEnd(cause="timeout"), "rollback_failed", Cause.TIMEOUT, Outcome.FAILED),
        (
            StepEnd(cause="unreachable", message="no route to it"),
            "rollback_exception",
            Cause.UNREACHABLE,
            Outcome.UNREACHABLE,
        ),
    ],
)
async def test_failure_of_a_rollback_shows_nothing(
    world: Releases, end: StepEnd, status: str, cause: Cause, outcome: Outcome
) -> None:
    """It shows at the pipeline, its stage, the job, the step, the attempt and in the ledger."""
    pipeline = await world.add(definition(deploy(0, messages=TOLD, job_timeout_s=6000)))
    for version in ("v1", "v2"):
        run = await world.release(pipeline, version)
    world.scripted.end_with("deploy", end)

    after = await world.rolled_back(run.head.id)

    spec = after.index.spec.stages[0]
    job, step = after.job(spec.jobs[0].id), after.step(spec.jobs[0].steps[0].id)
    assert shown(after, world) == stage_status(after, spec) == status
    assert state_of(job) == ("Timeout" if cause is Cause.TIMEOUT else "Failed")
    assert (after.head.status, after.head.cause) == (Status.FAILED, cause)
    assert after.head.attempts[-1].status is Status.FAILED
    assert (step.status, step.cause) == (Status.FAILED, cause)
    assert step.message
    assert [error.step for error in after.head.errors] == [step.id]
    assert world.disk.ledger[-1].outcome is outcome
    assert told(world, run)[-1] == (spec.id, False)
    assert await world.live_version() == "v2"


async def test_rollback_that_failed_is_taken_for_done(world: Releases) -> None:
    """After a failed rollback the version that it was to leave is still what is live."""
    pipeline = await world.add(ONLY)
    for version in ("v1", "v2"):
        run = await world.release(pipeline, version)
    world.scripted.end_with("deploy", StepEnd(exit_code=1))

    await world.rolled_back(run.head.id)
    again = await world.rolled_back(run.head.id)

    assert shown(again, world) == "rollback_success"
    assert await world.live_version() == "v1"


# 45 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("index", "step", "place"), [(1, "test", "test"), (3, "prod", "prod")])
async def test_rollback_starts_at_the_wrong_stage(
    world: Releases, index: int, step: str, place: str
) -> None:
    """Exactly the stage that was named is rolled back, in its environment; nothing else runs."""
    pipeline = await world.add(TWO)
    for version in ("v1", "v2"):
        run = await world.release(pipeline, version)
    before = list(world.scripted.started)

    after = await world.rolled_back(run.head.id, index)

    versions = {name: await world.live_version(f"shop/{name}/web") for name in ("test", "prod")}
    assert [name for name, _ in world.scripted.started[len(before) :]] == [step]
    assert after.head.stage == index
    assert versions == {"test": "v2", "prod": "v2", place: "v1"}


async def test_rollback_starts_at_the_failed_stage_instead(world: Releases) -> None:
    """The stage that was named is rolled back, although another one has failed since."""
    pipeline = await world.add(TWO)
    await world.release(pipeline, "v1")
    world.scripted.fail("announce", times=1)
    run = await world.release(pipeline, "v2")

    after = await world.rolled_back(run.head.id, 1)

    assert shown(run, world) == "stage_exception"
    assert world.scripted.started[-1][0] == "test"
    assert after.head.stage == 1
    assert stage_status(after, after.index.spec.stages[4]) == "stage_exception"


# 46 ---------------------------------------------------------------------------------------------


async def test_rolled_back_is_taken_for_succeeded(world: Releases) -> None:
    """A run that was rolled back is not a success: later stages stay, nobody is told of one."""
    pipeline = await world.add(TWO)
    await world.release(pipeline, "v1")
    world.scripted.fail("announce", times=1)
    run = await world.release(pipeline, "v2")
    sent = told(world, run)

    after = await world.rolled_back(run.head.id, 3)

    assert (after.head.status, after.head.cause) == (Status.CANCELLED, Cause.ROLLED_BACK)
    assert shown(after, world) == "rollback_success"
    assert told(world, run) == sent
    assert world.scripted.runs("announce") == 2


async def test_stage_before_a_rolled_back_one_goes_on_behind_it(world: Releases) -> None:
    """What waits behind a rolled-back stage is not run, not even when it is asked for."""
    pipeline = await world.add(TWO)
    await world.release(pipeline, "v1")
    world.scripted.fail("check", times=1)
    run = await world.release(pipeline, "v2")
    await world.rolled_back(run.head.id, 1)

    with pytest.raises(RefusedError) as refused:
        await world.retry_stage(run.head.id, 2)

    assert refused.value.refusal.code is RefusalCode.NOT_RETRYABLE
    assert world.scripted.runs("prod") == 1


async def test_rollback_is_taken_for_a_version(world: Releases) -> None:
    """A rollback is no version: it is not gone back to, and can't be chosen."""
    pipeline = await world.add(ONLY)
    for version in ("v1", "v2"):
        run = await world.release(pipeline, version)
    await world.rolled_back(run.head.id)
    rollback = world.disk.ledger[-1]
    run = await world.release(pipeline, "v3")

    with pytest.raises(RefusedError) as refused:
        await world.roll_back(run.head.id, chosen=rollback.id)
    await world.rolled_back(run.head.id)

    assert rollback.act is Act.ROLLBACK
    assert refused.value.refusal.code is RefusalCode.NO_ROLLBACK_TARGET
    assert await world.live_version() == "v1"


# of our own -------------------------------------------------------------------------------------


async def test_retry_after_the_rollback_of_a_stage_that_was_not_reached(world: Releases) -> None:
    """What the run never got to is not "deployed again": the retry is refused, not a void run."""
    pipeline = await world.add(definition(stage(0, "build"), deploy(1)))
    for version in ("v1", "v2"):
        await world.release(pipeline, version)
    world.scripted.fail("build", times=1)
    run = await world.release(pipeline, "v3")
    await world.give_up(run.head.id)
    await world.rolled_back(run.head.id, 1)

    with pytest.raises(RefusedError) as refused:
        await world.retry_stage(run.head.id, 1)

    assert refused.value.refusal.code is RefusalCode.NOT_RETRYABLE
    assert await world.live_version() == "v1"


async def test_deployment_that_a_stop_reached_too_late_is_forgotten(world: Releases) -> None:
    """What a driver has done although a stop came is live: the ledger does not deny it."""
    pipeline = await world.add(ONLY)
    await world.release(pipeline, "v1")
    await world.crash()  # jobs are claimed and reported by hand
    head = await world.start(pipeline, values={"VERSION": "v2"})
    order = await world.claim(head.id, "100")
    begun = await world.engine.begin_deployment(order, lambda: False)
    assert begun is not None

    await world.stop(head.id)
    await world.report(begun, StepEnd(exit_code=0, result={"state": {"n": 2}}))
    run = await world.run(head.id)

    assert shown(run, world) == "cancel"
    assert await world.live_version() == "v2"
    assert world.disk.ledger[-1].result == {"state": {"n": 2}}
    assert run.stage(StageId("stage-2")).status is Status.CANCELLED


async def test_lock_of_an_environment_is_never_released(world: Releases) -> None:
    """Whatever ends a deployment, the next one gets the environment."""
    ends = [
        StepEnd(exit_code=1),
        StepEnd(cause="timeout"),
        StepEnd(cause="unreachable"),
        StepEnd(cause="spawn"),
        StepEnd(cause="config"),
        *[StepEnd(cause="lost")] * 4,
    ]
    for end in ends:
        world.scripted.end_with("deploy", end)
    world.scripted.raising["deploy"] = RuntimeError("a bug of the executor")
    pipeline = await world.add(ONLY)

    async with asyncio.timeout(30):
        for number in range(8):
            run = await world.release(pipeline, f"v{number}")
            await world.settled()

    assert run.head.status is Status.SUCCEEDED
    assert not (await world.environment()).holder
    assert run.head.project == SHOP
