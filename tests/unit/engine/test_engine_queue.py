"""The queue of a pipeline: who begins, who waits, who has to go, and who is never forgotten."""

import asyncio

import pytest

from builders import job, one_job, pipeline, review, stage
from engine_world import ADMIN, ANN, BOB, DEADLINE_S, World, a_world
from mulligan.core.cause import Cause
from mulligan.core.errors import ConflictError, InfrastructureError, RefusedError
from mulligan.core.flow.votes import Answer
from mulligan.core.ids import StageId
from mulligan.core.records import PipelineSettings
from mulligan.core.refusal import RefusalCode
from mulligan.core.run import RunHead
from mulligan.core.status import Status
from mulligan.engine import changes
from mulligan.engine.commands import AnswerStage, ReceiptRequest, RetryRun, SetRemark, StartRun
from mulligan.engine.starting import StartPolicy
from mulligan.ports import StepEnd

pytestmark = pytest.mark.anyio

SINGLE = PipelineSettings(run_lock="SINGLE", max_queue_size=2, wait_queue_minutes=10)
WORK = one_job("a")
REVIEWED = pipeline(stage("one", job("1", "a")), stage("two", job("2", "b"), review=review("bob")))


def receipt(key: str) -> ReceiptRequest:
    """Ask for a receipt."""
    return ReceiptRequest(key=key, fingerprint="f", render=lambda _: (200, b"", ""))


async def statuses(world: World, *heads: RunHead) -> list[Status]:
    """Return where the runs stand."""
    return [(await world.run(head.id)).head.status for head in heads]


async def end(world: World, head: RunHead) -> None:
    """Carry a run with one step to its end."""
    await world.report(await world.claim(head.id))


async def test_single_pipeline_runs_one_after_the_other(hand: World) -> None:
    """Under SINGLE the next run begins at once when the one before it has ended."""
    made = await hand.add_pipeline(WORK, SINGLE)
    first = await hand.start(made)
    second = await hand.start(made)
    third = await hand.start(made)
    before = await statuses(hand, first, second, third)

    await end(hand, first)
    await hand.wait_status(second.id, Status.RUNNING)
    between = await statuses(hand, first, second, third)
    await end(hand, second)
    await hand.wait_status(third.id, Status.RUNNING)

    assert before == [Status.RUNNING, Status.QUEUED, Status.QUEUED]
    assert between == [Status.SUCCEEDED, Status.RUNNING, Status.QUEUED]


async def test_full_queue_drops_its_oldest(hand: World) -> None:
    """A run that finds the queue full takes the place of the one that waited longest."""
    made = await hand.add_pipeline(WORK, SINGLE)
    first = await hand.start(made)
    second = await hand.start(made)
    third = await hand.start(made)

    fourth = await hand.start(made)
    await hand.wait_end(second.id)

    assert await statuses(hand, first, second, third, fourth) == [
        Status.RUNNING,
        Status.CANCELLED,
        Status.QUEUED,
        Status.QUEUED,
    ]


async def test_start_that_was_not_stored_drops_nobody(hand: World) -> None:
    """A run only has to make room for one that exists."""
    made = await hand.add_pipeline(WORK, SINGLE)
    runs = [await hand.start(made) for _ in range(3)]
    hand.unruly.failing = [InfrastructureError("disk full")]

    with pytest.raises(InfrastructureError):
        await hand.start(made)
    await asyncio.sleep(0)

    assert await statuses(hand, *runs) == [Status.RUNNING, Status.QUEUED, Status.QUEUED]


async def test_repeated_start_under_one_key_drops_nobody(hand: World) -> None:
    """A start whose key was used before makes no run, so nobody has to go for it."""
    made = await hand.add_pipeline(WORK, SINGLE)
    first = await hand.start(made)
    command = StartRun(actor=ANN, pipeline=made.id, receipt=receipt("k"))
    second = await hand.engine.start_run(command)
    third = await hand.start(made)

    with pytest.raises(ConflictError):
        await hand.engine.start_run(command)
    await asyncio.sleep(0)

    assert await statuses(hand, first, second, third) == [
        Status.RUNNING,
        Status.QUEUED,
        Status.QUEUED,
    ]


async def test_queue_of_no_places_refuses(hand: World) -> None:
    """Without places in the queue a second run is refused, and gets no number."""
    made = await hand.add_pipeline(WORK, PipelineSettings(run_lock="SINGLE", max_queue_size=0))
    first = await hand.start(made)

    with pytest.raises(RefusedError) as refused:
        await hand.start(made)
    await end(hand, first)
    following = await hand.start(made)

    assert refused.value.refusal.code is RefusalCode.QUEUE_FULL
    assert following.number == 2


async def test_multiple_runs_as_many_as_allowed(hand: World) -> None:
    """Under MULTIPLE runs wait beyond `max_running`, and begin when a place is free."""
    made = await hand.add_pipeline(WORK, PipelineSettings(max_running=2))
    first, second, third = [await hand.start(made) for _ in range(3)]
    before = await statuses(hand, first, second, third)

    await end(hand, second)
    await hand.wait_status(third.id, Status.RUNNING)

    assert before == [Status.RUNNING, Status.RUNNING, Status.QUEUED]


async def test_full_pipeline_refuses_starts_and_retries() -> None:
    """A pipeline with as many unfinished runs as the floor allows takes no more."""
    async with a_world(works=False, start_policy=StartPolicy(queue_floor=2)) as world:
        made = await world.add_pipeline(WORK, PipelineSettings(max_running=1))
        ended = await world.start(made)
        await end(world, ended)
        await world.start(made)
        await world.start(made)

        with pytest.raises(RefusedError) as started:
            await world.start(made)
        with pytest.raises(RefusedError) as retried:
            await world.retry(ended.id)

        assert started.value.refusal.code is RefusalCode.QUEUE_FULL
        assert retried.value.refusal.code is RefusalCode.QUEUE_FULL
        assert (await world.run(ended.id)).head.attempt == 1


async def test_retry_waits_for_its_turn_and_runs(hand: World) -> None:
    """A retry under SINGLE waits behind the run that goes on, and then runs."""
    made = await hand.add_pipeline(WORK, SINGLE)
    first = await hand.start(made)
    await end(hand, first)
    second = await hand.start(made)

    outcome = await hand.retry(first.id)
    before = await statuses(hand, first, second)
    await end(hand, second)
    await hand.wait_status(first.id, Status.RUNNING)

    assert outcome.head.status is Status.QUEUED
    assert before == [Status.QUEUED, Status.RUNNING]
    assert (await hand.run(first.id)).head.attempt == 2


async def test_retry_takes_the_place_of_the_oldest(hand: World) -> None:
    """A retry that finds the queue full drops the run that waited longest."""
    made = await hand.add_pipeline(WORK, SINGLE)
    ended = await hand.start(made)
    await end(hand, ended)
    running, second, third = [await hand.start(made) for _ in range(3)]

    await hand.retry(ended.id)
    await hand.wait_end(second.id)

    assert await statuses(hand, running, second, third, ended) == [
        Status.RUNNING,
        Status.CANCELLED,
        Status.QUEUED,
        Status.QUEUED,
    ]


async def test_run_that_waits_too_long_fails(world: World) -> None:
    """A waiting run ends with its own cause when its time in the queue is over."""
    made = await world.add_pipeline(WORK, SINGLE)
    world.scripted.hold("a")
    first = await world.start(made)
    second = await world.start(made)
    await world.wait_started("a")

    world.clock.advance(minutes=9)
    world.supervisor.clock_moved()
    await asyncio.sleep(0)
    (early,) = await statuses(world, second)
    world.clock.advance(minutes=1)
    world.supervisor.clock_moved()
    run = await world.wait_end(second.id)

    assert early is Status.QUEUED
    assert (run.head.status, run.head.cause) == (Status.FAILED, Cause.QUEUE_TIMEOUT)
    assert await statuses(world, first) == [Status.RUNNING]


async def test_stopped_waiting_run_never_runs(hand: World) -> None:
    """A run that is stopped in the queue is cancelled, and the one behind it moves up."""
    made = await hand.add_pipeline(WORK, SINGLE)
    first, second, third = [await hand.start(made) for _ in range(3)]

    await hand.stop(second.id)
    await end(hand, first)
    await hand.wait_status(third.id, Status.RUNNING)

    run = await hand.run(second.id)
    assert run.head.status is Status.CANCELLED
    assert run.stages == type(run.stages)()


async def test_review_frees_the_place(hand: World) -> None:
    """A run that waits for a review does not keep others from running."""
    made = await hand.add_pipeline(REVIEWED, SINGLE)
    first = await hand.start(made)
    second = await hand.start(made)
    before = await statuses(hand, second)

    await end(hand, first)
    await hand.wait_status(second.id, Status.RUNNING)

    assert before == [Status.QUEUED]
    assert (await hand.run(first.id)).awaits_review


async def test_refused_review_does_not_start_two(hand: World) -> None:
    """The end of a reviewed run lets nobody in while another one has the place."""
    made = await hand.add_pipeline(REVIEWED, SINGLE)
    first, second, third = [await hand.start(made) for _ in range(3)]
    await end(hand, first)
    await hand.wait_status(second.id, Status.RUNNING)

    no = Answer(user=BOB, approve=False)
    await hand.engine.answer_stage(
        AnswerStage(actor=BOB, run_id=first.id, stage=StageId("two"), answer=no)
    )
    await asyncio.sleep(0)

    assert await statuses(hand, first, second, third) == [
        Status.FAILED,
        Status.RUNNING,
        Status.QUEUED,
    ]


async def test_waiting_run_is_served_after_an_outage(
    hand: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the store is away just when a place gets free, the next run still begins."""
    monkeypatch.setattr(changes, "TRY_AGAIN_S", 0.0)
    made = await hand.add_pipeline(WORK, SINGLE)
    first = await hand.start(made)
    second = await hand.start(made)
    order = await hand.claim(first.id)
    hand.unruly.hold_answers()

    reporting = asyncio.create_task(hand.report(order))
    await hand.until(lambda: hand.unruly.appended[-1].run.head.status.is_final)
    hand.unruly.outages = 3
    hand.unruly.release_answers()
    await reporting
    run = await hand.wait_status(second.id, Status.RUNNING)

    assert run.head.number == 2
    assert hand.unruly.outages == 0


async def test_waiting_run_is_not_forgotten_after_a_conflict(hand: World) -> None:
    """A conflict of keys on a waiting run does not lose its place in the queue."""
    made = await hand.add_pipeline(WORK, SINGLE)
    first = await hand.start(made)
    second = await hand.start(made)
    command = SetRemark(actor=ANN, run_id=second.id, text="x", receipt=receipt("k"))
    await hand.engine.set_remark(command)

    with pytest.raises(ConflictError):
        await hand.engine.set_remark(command)
    await end(hand, first)

    assert (await hand.wait_status(second.id, Status.RUNNING)).head.number == 2


async def test_place_is_not_given_away_after_a_failed_report(hand: World) -> None:
    """A report that could not be stored does not make the pipeline look idle."""
    made = await hand.add_pipeline(WORK, SINGLE)
    first = await hand.start(made)
    order = await hand.claim(first.id)
    hand.unruly.outages = 1

    with pytest.raises(InfrastructureError):
        await hand.report(order)
    second = await hand.start(made)

    assert second.status is Status.QUEUED


async def test_new_settings_count_for_who_waits(hand: World) -> None:
    """Waiting runs are judged by the settings that the pipeline has now."""
    made = await hand.add_pipeline(WORK, SINGLE)
    runs = [await hand.start(made) for _ in range(3)]
    await hand.catalog.save_settings(ADMIN, made, PipelineSettings(max_running=2))

    await hand.engine.queues.serve_all()

    assert await statuses(hand, *runs) == [Status.RUNNING, Status.RUNNING, Status.QUEUED]


async def test_retry_while_running_needs_no_place(hand: World) -> None:
    """A step that is retried while its run goes on is not counted against the queue."""
    spec = pipeline(stage("s", job("1", "a"), job("2", "b")))
    made = await hand.add_pipeline(spec, PipelineSettings(run_lock="SINGLE", max_queue_size=0))
    head = await hand.start(made)
    order = await hand.claim(head.id)
    await hand.report(order, StepEnd(exit_code=1))

    outcome = await hand.engine.retry_run(RetryRun(actor=ANN, run_id=head.id, target="a"))

    assert outcome.plan.while_running
    assert outcome.head.attempt == 1


async def test_run_that_could_not_be_dropped_waits_on(hand: World, logged: list[str]) -> None:
    """If making room fails, the new run has its place and the old one keeps its own."""
    made = await hand.add_pipeline(WORK, SINGLE)
    runs = [await hand.start(made) for _ in range(3)]
    stored = len(hand.unruly.appended)
    hand.unruly.hold_answers()

    starting = asyncio.create_task(hand.start(made))
    await hand.until(lambda: len(hand.unruly.appended) > stored)
    hand.unruly.outages = 1
    hand.unruly.release_answers()
    fourth = await starting
    await hand.until(lambda: "background_failed" in logged)

    assert await statuses(hand, *runs[1:], fourth) == [Status.QUEUED] * 3


async def test_retry_whose_caller_went_away_makes_room_too(hand: World) -> None:
    """A retry that was stored takes its place although nobody waits for the answer."""
    made = await hand.add_pipeline(WORK, SINGLE)
    ended = await hand.start(made)
    await end(hand, ended)
    _, oldest, _ = [await hand.start(made) for _ in range(3)]
    stored = len(hand.unruly.appended)
    hand.unruly.hold_answers()

    retrying = asyncio.create_task(hand.retry(ended.id))
    await hand.until(lambda: len(hand.unruly.appended) > stored)
    retrying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await retrying
    hand.unruly.release_answers()
    run = await hand.wait_end(oldest.id)

    assert run.head.status is Status.CANCELLED


async def test_retry_on_its_way_to_the_store_is_a_load(hand: World) -> None:
    """An ended run that goes on again stands in the way of a start before it is stored."""
    made = await hand.add_pipeline(WORK, PipelineSettings(run_lock="EXCLUSIVE"))
    first = await hand.start(made)
    await hand.report(await hand.claim(first.id), StepEnd(exit_code=1))
    await hand.wait_end(first.id)
    hand.unruly.hold_answers()
    retry = asyncio.create_task(hand.retry(first.id))
    await hand.until(lambda: hand.unruly.appended[-1].run.head.attempt == 2, "retry is decided")

    with pytest.raises(RefusedError) as caught:
        async with asyncio.timeout(DEADLINE_S):
            await hand.start(made)

    assert caught.value.refusal.code is RefusalCode.RUN_ACTIVE
    hand.unruly.release_answers()
    await retry
    assert await statuses(hand, first) == [Status.RUNNING]


async def test_retry_that_was_not_stored_is_no_load(hand: World) -> None:
    """An ended run whose retry could not be stored stands in nobody's way."""
    made = await hand.add_pipeline(WORK, PipelineSettings(run_lock="EXCLUSIVE"))
    first = await hand.start(made)
    await hand.report(await hand.claim(first.id), StepEnd(exit_code=1))
    await hand.wait_end(first.id)
    hand.unruly.failing = [InfrastructureError("the disk is full")]

    with pytest.raises(InfrastructureError):
        await hand.retry(first.id)

    second = await hand.start(made)
    assert await statuses(hand, first, second) == [Status.FAILED, Status.RUNNING]


async def test_run_in_place_of_a_stopped_one_waits_for_its_end(hand: World) -> None:
    """Where no run may wait, the one that replaces another may: it begins when that has gone."""
    made = await hand.add_pipeline(WORK, PipelineSettings(run_lock="SINGLE", max_queue_size=0))
    first = await hand.start(made)
    order = await hand.claim(first.id)
    await hand.stop(first.id)

    with pytest.raises(RefusedError):
        await hand.start(made)
    second = await hand.start(made, replaces=first.id)
    with pytest.raises(RefusedError):
        await hand.start(made, replaces=first.id)
    before = await statuses(hand, first, second)
    await hand.report(order, StepEnd(cause="cancelled"))
    await hand.wait_status(second.id, Status.RUNNING)

    assert before == [Status.RUNNING, Status.QUEUED]
    assert await statuses(hand, first) == [Status.CANCELLED]


async def test_run_in_place_of_a_stopped_one_takes_no_more_than_that(hand: World) -> None:
    """Without a need to wait nothing is different, and others that wait come first."""
    made = await hand.add_pipeline(WORK, SINGLE)
    first, second = await hand.start(made), await hand.start(made)

    third = await hand.start(made, replaces=first.id)
    parallel = await hand.add_pipeline(pipeline(stage("s", job("1", "b")), name="many"))
    alone = await hand.start(parallel, replaces=(await hand.start(parallel)).id)

    assert await statuses(hand, first, second, third) == [
        Status.RUNNING,
        Status.QUEUED,
        Status.QUEUED,
    ]
    assert alone.status is Status.RUNNING
