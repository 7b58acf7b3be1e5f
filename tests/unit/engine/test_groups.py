"""Concurrency groups: runs of several pipelines of a project that go one at a time."""

import asyncio
from typing import Any

import pytest

from builders import job, last, pipeline, review, stage
from engine_world import ADMIN, ANN, BOB, SHOP, World, a_world
from mulligan.core.cause import Cause
from mulligan.core.errors import InfrastructureError, RefusedError
from mulligan.core.flow.votes import Answer
from mulligan.core.ids import ProjectId, RunId, StageId
from mulligan.core.records import Pipeline, PipelineSettings
from mulligan.core.refusal import RefusalCode
from mulligan.core.run import RunHead
from mulligan.core.spec import ParameterSpec, PipelineSpec
from mulligan.core.status import Status
from mulligan.engine.catalog import Definition
from mulligan.engine.commands import AnswerStage
from mulligan.engine.waits import Wait, waits_of
from mulligan.ports import StepEnd

pytestmark = pytest.mark.anyio

QUEUED, RUNNING, CANCELLED = Status.QUEUED, Status.RUNNING, Status.CANCELLED
SUCCEEDED, FAILED = Status.SUCCEEDED, Status.FAILED


def grouped(
    group: str = "prod", *, cancels: bool = False, queue: int = 10, minutes: int = 10
) -> PipelineSettings:
    """Give the settings of a pipeline whose runs are of a group."""
    return PipelineSettings(
        run_lock="GROUP_LOCK",
        concurrency_group=group,
        concurrency_cancel=cancels,
        max_queue_size=queue,
        wait_queue_minutes=minutes,
    )


def work(name: str) -> PipelineSpec:
    """Give a pipeline with one job and a parameter `where`."""
    parameters = (ParameterSpec(name="where", default="north"),)
    return pipeline(stage("s", job("1", "a")), parameters=parameters, name=name)


async def add(world: World, name: str, settings: PipelineSettings | None = None) -> Pipeline:
    """Make a pipeline of the group."""
    return await world.add_pipeline(work(name), settings or grouped())


async def begin(world: World, made: Pipeline, **fields: Any) -> RunHead:
    """Start a run a moment after the one before it: age decides."""
    world.clock.advance(seconds=1)
    return await world.start(made, **fields)


async def statuses(world: World, *heads: RunHead) -> list[Status]:
    """Return where the runs stand."""
    return [(await world.run(head.id)).head.status for head in heads]


async def at_rest() -> None:
    """Let all that follows from what was done happen: nothing here waits for real time."""
    for _ in range(50):
        await asyncio.sleep(0)


async def end(world: World, head: RunHead) -> None:
    """Carry a run with one step to its end."""
    await world.report(await world.claim(head.id))
    await at_rest()


async def approve(world: World, head: RunHead, stage_id: str) -> None:
    """Approve a stage as bob."""
    answer = Answer(user=BOB, approve=True)
    await world.engine.answer_stage(
        AnswerStage(actor=BOB, run_id=head.id, stage=StageId(stage_id), answer=answer)
    )


async def test_runs_of_two_pipelines_go_one_after_the_other(hand: World) -> None:
    """They begin in the order of their starts, whichever pipeline they are of."""
    one, two = await add(hand, "one"), await add(hand, "two")
    runs = [await begin(hand, made) for made in (one, two, two, one)]
    seen = [await statuses(hand, *runs)]

    for head in runs[:3]:
        await end(hand, head)
        seen.append(await statuses(hand, *runs))

    assert seen == [
        [RUNNING, QUEUED, QUEUED, QUEUED],
        [SUCCEEDED, RUNNING, QUEUED, QUEUED],
        [SUCCEEDED, SUCCEEDED, RUNNING, QUEUED],
        [SUCCEEDED, SUCCEEDED, SUCCEEDED, RUNNING],
    ]


async def test_group_is_evaluated_at_the_start(hand: World) -> None:
    """Its name may hold variables of the run; runs of other groups don't wait for each other."""
    made = await add(hand, "one", grouped("${{ ci.pipeline_name }}-${where}"))
    north = await begin(hand, made)
    south = await begin(hand, made, values={"where": "south"})
    again = await begin(hand, made)

    assert north.concurrency is not None
    assert north.concurrency.group == "one-north"
    assert await statuses(hand, north, south, again) == [RUNNING, RUNNING, QUEUED]


async def test_default_group_is_the_pipeline(hand: World) -> None:
    """The default name is the pipeline's id, and so is one that evaluates to nothing."""
    settings = PipelineSettings(run_lock="GROUP_LOCK")
    one = await begin(hand, await add(hand, "one", settings))
    two = await begin(hand, await add(hand, "two", settings))
    blank = await begin(hand, await add(hand, "three", grouped("${where}")), values={"where": " "})

    for head in (one, two, blank):
        assert head.concurrency is not None
        assert head.concurrency.group == head.pipeline
    assert await statuses(hand, one, two, blank) == [RUNNING] * 3


async def test_other_projects_have_their_own_groups(hand: World) -> None:
    """A group is that of a project."""
    bank = ProjectId("bank")
    await hand.catalog.create_project(ADMIN, bank, "Bank")
    definition = Definition(spec=work("one"), dialect="bkci", source={"name": "one"})
    other = await hand.catalog.create_pipeline(ADMIN, bank, definition, grouped())

    heads = [await begin(hand, await add(hand, "one")), await begin(hand, other)]

    assert await statuses(hand, *heads) == [RUNNING, RUNNING]


async def test_places_are_those_of_the_own_pipeline(hand: World) -> None:
    """A full queue of one pipeline drops its own oldest run, and nobody else's."""
    one = await add(hand, "one", grouped(queue=1))
    two = await add(hand, "two", grouped(queue=1))
    runs = [await begin(hand, made) for made in (one, two, one)]

    newest = await begin(hand, two)
    await at_rest()

    assert await statuses(hand, *runs, newest) == [RUNNING, CANCELLED, QUEUED, QUEUED]


async def test_no_place_to_wait(hand: World) -> None:
    """Without a queue a start is refused while a run of another pipeline has the group."""
    await begin(hand, await add(hand, "one"))
    two = await add(hand, "two", grouped(queue=0))

    with pytest.raises(RefusedError) as refused:
        await begin(hand, two)

    assert refused.value.refusal.code is RefusalCode.QUEUE_FULL


async def test_waiting_for_the_group_has_an_end(world: World) -> None:
    """The time in the queue is that of the waiting run's own pipeline."""
    world.scripted.hold("a")
    first = await begin(world, await add(world, "one", grouped(minutes=60)))
    second = await begin(world, await add(world, "two", grouped(minutes=5)))
    await world.wait_started("a")

    world.clock.advance(minutes=5)
    world.supervisor.clock_moved()
    run = await world.wait_end(second.id)

    assert (run.head.status, run.head.cause) == (FAILED, Cause.QUEUE_TIMEOUT)
    assert await statuses(world, first) == [RUNNING]


async def test_newer_run_supersedes_the_group(hand: World) -> None:
    """All other unfinished runs are stopped, those that wait at once; then the newer one goes."""
    one, two = await add(hand, "one"), await add(hand, "two", grouped(cancels=True, queue=0))
    running, waiting = await begin(hand, one), await begin(hand, one)
    order = await hand.claim(running.id)

    newer = await begin(hand, two)
    await at_rest()
    before = await statuses(hand, running, waiting, newer)
    request = (await hand.run(running.id)).head.cancel
    await hand.report(order, StepEnd(cause="cancelled"))
    await at_rest()

    assert before == [RUNNING, CANCELLED, QUEUED]
    assert request is not None
    assert request.by == ANN
    assert await statuses(hand, running, waiting, newer) == [CANCELLED, CANCELLED, RUNNING]


async def test_superseded_run_ends_with_its_finally_stage(hand: World) -> None:
    """It is stopped as a person would: not by force, also when yet another run comes."""
    spec = pipeline(stage("s", job("1", "a")), last(job("9", "z")), name="one")
    made = await hand.add_pipeline(spec, grouped(cancels=True))
    first = await begin(hand, made)
    order = await hand.claim(first.id)

    second, third = await begin(hand, made), await begin(hand, made)
    await at_rest()
    await hand.report(order, StepEnd(cause="cancelled"))
    await at_rest()
    before = await statuses(hand, first, second, third)
    await hand.report(await hand.claim(first.id, "9"))
    await at_rest()

    assert before == [RUNNING, CANCELLED, QUEUED]
    assert await statuses(hand, first, second, third) == [CANCELLED, CANCELLED, RUNNING]


async def test_run_at_a_review_is_superseded_too(hand: World) -> None:
    """It keeps nobody waiting, but it is unfinished: its review is refused."""
    spec = pipeline(stage("s", job("1", "a"), review=review("bob")), name="reviewed")
    first = await begin(hand, await hand.add_pipeline(spec, grouped()))

    second = await begin(hand, await add(hand, "two", grouped(cancels=True)))
    await at_rest()

    run = await hand.run(first.id)
    assert (run.head.status, run.head.cause) == (FAILED, Cause.REJECTED)
    assert await statuses(hand, second) == [RUNNING]


async def test_run_that_was_not_stored_supersedes_nobody(hand: World) -> None:
    """A start that fails leaves the group as it was."""
    one, two = await add(hand, "one"), await add(hand, "two", grouped(cancels=True))
    first, waiting = await begin(hand, one), await begin(hand, one)
    hand.unruly.failing = [InfrastructureError("disk full")]

    with pytest.raises(InfrastructureError):
        await begin(hand, two)
    await at_rest()

    assert await statuses(hand, first, waiting) == [RUNNING, QUEUED]


async def test_retry_waits_for_the_group(hand: World) -> None:
    """A run that goes on again is still of the group that it was started in."""
    one, two = await add(hand, "one"), await add(hand, "two")
    first = await begin(hand, one)
    await hand.report(await hand.claim(first.id), StepEnd(exit_code=1))
    second = await begin(hand, two)

    outcome = await hand.retry(first.id)
    await end(hand, second)

    assert outcome.head.status is QUEUED
    assert await statuses(hand, second, first) == [SUCCEEDED, RUNNING]


async def test_review_frees_the_group(hand: World) -> None:
    """A run that waits for a review lets the next one begin, and goes on beside it."""
    spec = pipeline(
        stage("s", job("1", "a")), stage("t", job("2", "b"), review=review("bob")), name="reviewed"
    )
    first = await begin(hand, await hand.add_pipeline(spec, grouped()))
    second = await begin(hand, await add(hand, "two"))
    third = await begin(hand, await add(hand, "three"))

    await hand.report(await hand.claim(first.id))
    await at_rest()
    between = await statuses(hand, second, third)
    await approve(hand, first, "t")
    await hand.report(await hand.claim(first.id, "2"))
    await at_rest()

    assert between == [RUNNING, QUEUED]
    assert await statuses(hand, first, second, third) == [SUCCEEDED, RUNNING, QUEUED]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (PipelineSettings(run_lock="LOCK"), RefusalCode.PIPELINE_LOCKED),
        (PipelineSettings(run_lock="SINGLE", max_queue_size=0), RefusalCode.QUEUE_FULL),
    ],
    ids=["locked", "full"],
)
async def test_approval_that_the_pipeline_does_not_take(
    hand: World, settings: PipelineSettings, code: RefusalCode
) -> None:
    """An approval of a run that may not go on now is refused and changes nothing."""
    spec = pipeline(stage("s", job("1", "a"), review=review("bob", "ann")), name="reviewed")
    made = await hand.add_pipeline(spec)
    first, second = await begin(hand, made), await begin(hand, made)
    await approve(hand, second, "s")
    await hand.catalog.save_settings(ADMIN, made, settings)

    with pytest.raises(RefusedError) as refused:
        await approve(hand, first, "s")

    assert refused.value.refusal.code is code
    assert (await hand.run(first.id)).awaits_review
    no = Answer(user=BOB, approve=False)  # a refusal is always taken
    await hand.engine.answer_stage(
        AnswerStage(actor=BOB, run_id=first.id, stage=StageId("s"), answer=no)
    )
    assert await statuses(hand, first) == [FAILED]


async def test_next_life_serves_the_group(hand: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last thing that was stored may have been an end, or a run that supersedes."""
    one, two = await add(hand, "one"), await add(hand, "two", grouped(cancels=True))
    first, waiting = await begin(hand, one), await begin(hand, one)
    order = await hand.claim(first.id)
    monkeypatch.setattr(hand.engine.queues, "committed", lambda _decision: None)  # it dies
    newer = await begin(hand, two)
    await hand.report(order)
    assert await statuses(hand, first, waiting, newer) == [SUCCEEDED, QUEUED, QUEUED]

    async with a_world(store=hand.store, clock=hand.clock) as following:
        run = await following.wait_end(newer.id)
        other = await following.wait_end(waiting.id)

        assert run.head.status is SUCCEEDED
        assert other.head.status is CANCELLED


async def test_stop_of_a_superseded_run_is_on_record(hand: World) -> None:
    """The audit trail says in whose name a run was stopped, and why."""
    made = await add(hand, "one", grouped(cancels=True))
    first = await begin(hand, made)
    await begin(hand, made)
    await at_rest()

    entries = await hand.store.list_audit(project=SHOP)
    stops = [entry for entry in entries if entry.action == "run.stop"]
    assert [(RunId(entry.target), entry.actor, entry.origin) for entry in stops] == [
        (first.id, ANN, "concurrency group")
    ]


async def test_waiting_run_says_for_whom(hand: World) -> None:
    """What a run waits for: its group, or its turn in its pipeline; who has it, who is first."""
    one, two = await add(hand, "one"), await add(hand, "two")
    single = await hand.add_pipeline(work("alone"), PipelineSettings(run_lock="SINGLE"))
    runs = [await begin(hand, made) for made in (one, two, one, single, single)]

    waits = [await waits_of(hand.engine, await hand.run(head.id)) for head in runs]

    def shown(wait: Wait) -> tuple[object, ...]:
        return wait.kind, wait.name, wait.ahead, [str(holder) for holder in wait.holders]

    assert [[shown(wait) for wait in found] for found in waits] == [
        [],
        [("group", "prod", 0, ["one #1"])],
        [("group", "prod", 1, ["one #1"])],
        [],
        [("queue", "", 0, ["alone #1"])],
    ]


async def test_group_shows_no_secret(hand: World) -> None:
    """A name that would show one is taken as it is written: all such runs are of one group."""
    parameters = (ParameterSpec(name="word", default="hunter2", sensitive=True),)
    spec = pipeline(stage("s", job("1", "a")), parameters=parameters, name="one")

    head = await begin(hand, await hand.add_pipeline(spec, grouped("prod-${word}")))

    assert head.concurrency is not None
    assert head.concurrency.group == "prod-${word}"


async def test_retry_supersedes_the_group_as_a_start_does(hand: World) -> None:
    """A run that goes on again is the newest of its group: it stops the one that runs."""
    made = await add(hand, "one", grouped(cancels=True))
    first = await begin(hand, made)
    await hand.report(await hand.claim(first.id), StepEnd(exit_code=1))
    second = await begin(hand, made)
    order = await hand.claim(second.id)
    hand.clock.advance(seconds=1)

    await hand.retry(first.id)
    await at_rest()
    before = await statuses(hand, first, second)
    await hand.report(order, StepEnd(cause="cancelled"))
    await at_rest()

    assert before == [QUEUED, RUNNING]
    assert await statuses(hand, first, second) == [RUNNING, CANCELLED]
