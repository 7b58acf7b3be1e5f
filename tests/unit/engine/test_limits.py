"""Limits of jobs: so many runs of a pipeline in one job at once, and who goes next."""

import asyncio

import pytest

from builders import job, pipeline, stage, step
from engine_world import ADMIN, World, a_world
from mulligan.core.ids import JobId, RunnerName
from mulligan.core.records import Pipeline
from mulligan.core.run import RunHead
from mulligan.core.spec import MatrixSpec, PipelineSpec
from mulligan.core.status import Status
from mulligan.engine.catalog import Definition
from mulligan.engine.waits import waits_of
from mulligan.ports import Offer, StepEnd

pytestmark = pytest.mark.anyio

NORTH, SOUTH = RunnerName("north"), RunnerName("south")

_TURNS = 200  # of the event loop: everything here is in memory, so no time has to pass


def limited(**limits: int) -> PipelineSpec:
    """Give a pipeline whose job `1` has limits, and whose job `2` has none."""
    first = job("1", "a", hash_id="c-1", **limits)
    return pipeline(stage("s", first, job("2", "b", hash_id="c-2")))


async def claims(world: World, head: RunHead, runner: RunnerName, name: str = "1") -> bool:
    """Let a runner ask for a job; tell whether it got it."""
    order = await world.engine.claim_job(head.id, JobId(name), 1, runner)
    return order is not None


async def offered(world: World) -> list[tuple[str, str]]:
    """Take all offers that wait, once all that follows from what is stored has been done."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    found: list[tuple[str, str]] = []
    while world.dispatcher.depth:
        offer = await world.dispatcher.next()
        found.append((offer.run_id, offer.job_id))
    return found


async def started(world: World, made: Pipeline, count: int) -> list[RunHead]:
    """Start some runs; forget their first offers."""
    heads = [await world.start(made) for _ in range(count)]
    await offered(world)
    return heads


async def runs(world: World, times: int) -> None:
    """Wait until step `a` was started so often."""
    await world.until(lambda: world.scripted.runs("a") == times, f"a runs {times} times")


async def test_limit_over_all_runners(hand: World) -> None:
    """A job that finds the limit reached is offered again when another run has left it."""
    made = await hand.add_pipeline(limited(most_at_once=2))
    first, second, third, fourth = await started(hand, made, 4)

    got = [await claims(hand, head, NORTH) for head in (first, second, third, fourth)]
    other = await claims(hand, third, NORTH, "2")
    early = await offered(hand)
    await hand.stop(first.id)
    again = await offered(hand)

    assert got == [True, True, False, False]
    assert other
    assert early == []
    assert (third.id, "1") not in again  # it was asked to end, but it has not ended
    assert (await hand.run(third.id)).job(JobId("1")).status is Status.QUEUED


async def test_next_one_goes_when_one_ends(hand: World) -> None:
    """Those that had to wait come again in their order; one of them finds a place."""
    made = await hand.add_pipeline(limited(most_at_once=1))
    heads = await started(hand, made, 3)
    order = await hand.claim(heads[0].id)
    assert not await claims(hand, heads[1], NORTH)
    assert not await claims(hand, heads[2], NORTH)

    (wait,) = await waits_of(hand.engine, await hand.run(heads[1].id))
    await hand.report(order)
    again = await offered(hand)
    got = [await claims(hand, head, NORTH) for head in heads[1:]]

    assert (wait.kind, [str(holder) for holder in wait.holders]) == ("limit", ["job 1 of build #1"])
    assert again == [(heads[1].id, "1"), (heads[2].id, "1")]
    assert got == [True, False]


async def test_limit_of_each_runner(hand: World) -> None:
    """One runner that has enough of a job leaves it to the others."""
    made = await hand.add_pipeline(limited(most_per_runner=1, most_at_once=2))
    first, second, third = await started(hand, made, 3)

    got = [
        await claims(hand, first, NORTH),
        await claims(hand, second, NORTH),
        await claims(hand, second, SOUTH),
        await claims(hand, third, SOUTH),
        await claims(hand, third, RunnerName("east")),
    ]

    assert got == [True, False, True, False, False]


async def test_parked_job_takes_no_place(hand: World) -> None:
    """A job that waits for a person is not counted; it is again when it goes on."""
    spec = pipeline(stage("s", job("1", step("a", pause_before=True), most_at_once=1)))
    made = await hand.add_pipeline(spec)
    first, second = await started(hand, made, 2)

    assert not await claims(hand, first, NORTH)  # it stands at the pause at once
    assert (await hand.run(first.id)).job(JobId("1")).parked
    assert not await claims(hand, second, NORTH)
    assert (await hand.run(second.id)).job(JobId("1")).parked


async def test_limit_spans_versions(hand: World) -> None:
    """A job is the same in another version of its pipeline if it has the same global id."""
    made = await hand.add_pipeline(limited(most_at_once=1))
    (first,) = await started(hand, made, 1)
    moved = pipeline(
        stage("s", job("7", "x", hash_id="c-7"), job("1", "a", hash_id="c-1", most_at_once=1)),
    )
    definition = Definition(spec=moved, dialect="bkci", source={"name": "build"})
    await hand.catalog.edit_pipeline(ADMIN, made, definition)
    (second,) = await started(hand, made, 1)

    assert await claims(hand, first, NORTH)
    assert not await claims(hand, second, NORTH)
    assert await claims(hand, second, NORTH, "7")


async def test_runner_works_off_all_of_them(world: World) -> None:
    """With more runners than places, each run gets its turn, one at a time."""
    made = await world.add_pipeline(limited(most_at_once=1))
    world.scripted.hold("a")
    heads = [await world.start(made) for _ in range(3)]
    await world.wait_started("b")

    for turn in range(1, 4):
        await runs(world, turn)
        world.scripted.release("a")
        world.scripted.hold("a")
    world.scripted.release("a")
    ends = [await world.wait_end(head.id) for head in heads]

    assert {run.head.status for run in ends} == {Status.SUCCEEDED}
    assert world.scripted.misuses == []


async def test_waiting_job_survives_its_server(hand: World) -> None:
    """Whoever waited at a limit is offered anew in the next life."""
    made = await hand.add_pipeline(limited(most_at_once=1))
    first, second = await started(hand, made, 2)
    await hand.claim(first.id)
    assert not await claims(hand, second, NORTH)

    async with a_world(store=hand.store, clock=hand.clock) as following:
        ends = [await following.wait_end(head.id) for head in (first, second)]

    assert [run.head.status for run in ends] == [Status.SUCCEEDED] * 2


async def test_job_that_ends_while_it_waits_is_forgotten(hand: World) -> None:
    """It is not offered any more, and stands in nobody's way."""
    made = await hand.add_pipeline(limited(most_at_once=1))
    first, second, third = await started(hand, made, 3)
    order = await hand.claim(first.id)
    for head in (second, third):
        assert not await claims(hand, head, NORTH)

    await hand.stop(second.id)
    await hand.report(order, StepEnd(exit_code=1))

    assert await offered(hand) == [(third.id, "1")]


async def test_copies_of_a_matrix_job_are_counted_together(hand: World) -> None:
    """The limit is that of the job: its copies share it, in one run and over all."""
    matrix = job("1", "a", hash_id="c-1", most_at_once=2, matrix=MatrixSpec(strategy="n: [1, 2]"))
    made = await hand.add_pipeline(pipeline(stage("s", matrix)))
    first, second = await started(hand, made, 2)

    got = [
        await claims(hand, head, NORTH, copy)
        for head in (first, second)
        for copy in ("1001", "1002")
    ]

    assert got == [True, True, False, False]


async def test_limit_that_came_with_a_new_version(hand: World) -> None:
    """Who waits for a job that had no limit when its run began goes on when it ends."""
    made = await hand.add_pipeline(limited())
    (first,) = await started(hand, made, 1)
    definition = Definition(spec=limited(most_at_once=1), dialect="bkci", source={"name": "b"})
    await hand.catalog.edit_pipeline(ADMIN, made, definition)
    (second,) = await started(hand, made, 1)
    order = await hand.claim(first.id)
    assert not await claims(hand, second, NORTH)

    await hand.report(order)

    assert (second.id, "1") in await offered(hand)


async def test_offer_of_a_copy_that_is_gone(hand: World) -> None:
    """The job will be split anew: what was offered before hands nothing out and breaks nothing."""
    matrix = job("2", "b", matrix=MatrixSpec(strategy="n: [1, 2]"))
    made = await hand.add_pipeline(pipeline(stage("p", job("1", "a")), stage("s", matrix)))
    head = await hand.start(made)
    await hand.report(await hand.claim(head.id))
    await offered(hand)
    await hand.stop(head.id)
    await hand.retry(head.id)
    order = await hand.claim(head.id, attempt=2)
    await offered(hand)
    hand.dispatcher.offer(Offer(run_id=head.id, job_id=JobId("2002"), attempt=1))

    gone = await claims(hand, head, NORTH, "2002")
    await hand.report(order, wants_more=True)

    assert not gone
    assert (await hand.run(head.id)).job(JobId("1")).status is Status.SUCCEEDED
