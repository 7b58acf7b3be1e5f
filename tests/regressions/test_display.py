"""What other servers showed wrongly after a retry or a skip."""

import asyncio
from collections.abc import Iterator

import pytest

from builders import failing, job, last, one_job, pipeline, review, stage, step
from engine_world import a_world
from mulligan.core.cause import Cause
from mulligan.core.errors import RefusedError
from mulligan.core.ids import StepId
from mulligan.core.records import PipelineSettings
from mulligan.core.recovery.plan import Plan
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Run
from mulligan.core.status import Status
from mulligan.engine.commands import RetryRun
from mulligan.ports import RunFilter, StepEnd
from mulligan.testing.simulate import ALICE, Simulation

BAD = {Status.FAILED, Status.CANCELLED}


def children(run: Run) -> Iterator[tuple[str, Status, set[Status]]]:
    """Yield the run and each stage with the statuses of what is in them."""
    stages = run.index.spec.stages
    yield "run", run.head.status, {run.stage(each.id).status for each in stages}
    for spec in stages:
        yield spec.id, run.stage(spec.id).status, {run.job(each.id).status for each in spec.jobs}


# 40 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["a", "1", "b", "2", "s"])
def test_green_parent_with_a_red_child(first: str) -> None:
    """After each retry a stage and the run are green exactly if everything in them is."""
    spec = pipeline(
        stage("s", job("1", "a"), job("2", "b")), stage("t", job("3", "c")), last(job("9", "z"))
    )
    sim = Simulation(spec, failing(("a", 1), ("b", 1), ("b", 2)))
    sim.finish()
    seen: list[tuple[str, Status, set[Status]]] = list(children(sim.run))

    for target in (first, "b", "a", "b"):
        if isinstance(sim.retry(target), Plan):
            seen += children(sim.finish())

    assert sim.run.head.status is Status.SUCCEEDED
    for name, status, inside in seen:
        assert (status in BAD) == bool(inside & BAD), (name, status, inside)
        assert status is not Status.RUNNING


def test_later_stage_runs_although_one_before_it_is_red() -> None:
    """The repair of one of two red jobs is not enough to go on; that of the last one is."""
    spec = pipeline(stage("s", job("1", "a"), job("2", "b")), stage("t", job("3", "c")))
    sim = Simulation(spec, failing(("a", 1), ("b", 1)))
    sim.finish()

    sim.retry("a")
    halfway = sim.finish()
    sim.retry("b")
    repaired = sim.finish()

    assert (halfway.head.status, halfway.step(StepId("c")).cause) == (Status.FAILED, None)
    assert halfway.stages["t"].cause is Cause.UNREACHED  # type: ignore[index]
    assert repaired.head.status is Status.SUCCEEDED
    assert sim.started[-1] == ("c", 1)


# 41 ---------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_queued_retry_is_invisible() -> None:
    """A retry that waits for its turn shows as queued, with its attempt and who asked for it."""
    async with a_world(works=False) as world:
        made = await world.add_pipeline(one_job("a"), PipelineSettings(run_lock="SINGLE"))
        old = await world.start(made)
        await world.report(await world.claim(old.id), StepEnd(exit_code=1))
        await world.start(made)
        world.clock.advance(minutes=5)

        await world.retry(old.id, "a", reason="again")

        where = RunFilter(pipeline=made.id, statuses=(Status.QUEUED,))
        (head,) = (await world.store.list_runs(where, by_update=True)).items
        attempt = head.attempts[-1]
        assert head.id == old.id
        assert (attempt.number, attempt.actor, attempt.reason) == (2, "ann", "again")
        assert head.queued_at == attempt.queued_at == world.clock.now()


# 42 ---------------------------------------------------------------------------------------------

EVERYTHING = ("", "s", "t", "last", "1", "2", "3", "9", "a", "off", "b", "c", "z", "nothing", "0")


@pytest.mark.anyio
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("is_running", [False, True])
async def test_retry_is_offered_although_it_can_not_work(skip: bool, is_running: bool) -> None:
    """What the plan says is possible works, and what it refuses is refused for the same reason."""
    spec = pipeline(
        stage("s", job("1", "a", step("off", enabled=False)), job("2", "b")),
        stage("t", job("3", "c"), review=review("bob")),
        last(job("9", "z")),
    )
    for target in EVERYTHING:
        async with a_world(works=False) as world:
            head = await world.start(await world.add_pipeline(spec))
            await world.report(await world.claim(head.id, "1"), StepEnd(exit_code=1))
            if not is_running:
                await world.report(await world.claim(head.id, "2"))
                await world.report(await world.claim(head.id, "9"))
            command = RetryRun(actor=ALICE, run_id=head.id, target=target, skip=skip)

            try:
                planned: object = (await world.engine.plan_retry(command)).steps
            except RefusedError as error:
                planned = error.refusal
            try:
                done: object = (await world.engine.retry_run(command)).plan.steps
            except RefusedError as error:
                done = error.refusal

            assert done == planned, target
            await asyncio.sleep(0)


# 43 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["z", "last"])
def test_skip_in_the_last_stage_leaves_it_running(target: str) -> None:
    """A skip in the finally stage ends the run; nothing in it shows as running."""
    spec = pipeline(stage("s", job("1", "a")), last(job("9", step("z", may_skip=True), "y")))
    sim = Simulation(spec, failing(("z", 1)))
    sim.finish()

    plan = sim.retry(target, skip=True)
    run = sim.finish()

    assert isinstance(plan, Plan)
    waived = run.step(StepId("z"))
    assert (waived.status, waived.cause) == (Status.SKIPPED, Cause.WAIVED)
    assert run.head.status is Status.SUCCEEDED
    assert run.head.ended_at is not None
    assert all(stage.status.is_final for stage in run.stages.values())
    assert all(job.status.is_final for job in run.jobs.values())


def test_skip_of_the_last_step_leaves_its_job_running() -> None:
    """A skip of the very last step ends its job, its stage and the run."""
    sim = Simulation(one_job("a", step("b", may_skip=True)), failing(("b", 1)))
    sim.finish()

    sim.retry("b", skip=True)
    run = sim.finish()

    assert run.head.status is Status.SUCCEEDED
    assert all(job.status.is_final for job in run.jobs.values())


# 47 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("may_skip", "may_operate"), [(False, False), (False, True), (True, False)]
)
def test_required_step_is_offered_for_skipping(may_skip: bool, may_operate: bool) -> None:
    """A step is skipped only if its definition or a special right allows it."""
    sim = Simulation(one_job(step("a", may_skip=may_skip)), failing(("a", 1)))
    sim.finish()

    answer = sim.retry("a", skip=True, may_operate=may_operate)

    if may_skip or may_operate:
        assert isinstance(answer, Plan)
    else:
        assert isinstance(answer, Refusal)
        assert (answer.code, answer.node) == (RefusalCode.SKIP_NOT_ALLOWED, "a")
        assert sim.run.head.attempt == 1
