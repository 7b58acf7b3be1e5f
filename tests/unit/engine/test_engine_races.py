"""Read, decide, write: lost races, repeated requests, and callers that go away."""

import asyncio

import pytest

from builders import job, one_job, pipeline, stage, step
from engine_world import ANN, BOB, World, pipeline_id
from mulligan.core.errors import (
    ConflictError,
    InfrastructureError,
    NotFoundError,
    RefusedError,
    StaleRevisionError,
)
from mulligan.core.refusal import RefusalCode
from mulligan.core.status import Status
from mulligan.engine.commands import ReceiptRequest, SetRemark
from mulligan.ports import RunFilter, StepEnd

pytestmark = pytest.mark.anyio

SIMPLE = one_job("a", "b")


def receipt(key: str, fingerprint: str = "same") -> ReceiptRequest:
    """Ask for a receipt that holds the text of the answer."""
    return ReceiptRequest(
        key=key,
        fingerprint=fingerprint,
        render=lambda result: (200, b"first", type(result).__name__),
    )


async def test_lost_race_is_decided_again(hand: World) -> None:
    """Whoever loses a race reads again and decides again; the act happens once."""
    made = await hand.add_pipeline(SIMPLE)
    head = await hand.start(made)
    hand.unruly.races = 4

    marked = await hand.engine.set_remark(SetRemark(actor=ANN, run_id=head.id, text="x"))

    remarks = [entry for entry in await hand.store.list_audit() if entry.action == "run.remark"]
    assert marked.remark == "x"
    assert (await hand.run(head.id)).head.revision == head.revision + 1
    assert len(remarks) == 1


async def test_five_lost_races_are_told(hand: World) -> None:
    """After the fifth lost race the caller is told; nothing has changed."""
    made = await hand.add_pipeline(SIMPLE)
    head = await hand.start(made)
    hand.unruly.races = 5

    with pytest.raises(StaleRevisionError):
        await hand.engine.set_remark(SetRemark(actor=ANN, run_id=head.id, text="x"))

    assert hand.unruly.races == 0
    assert (await hand.run(head.id)).head.remark == ""


async def test_readers_see_only_what_is_stored(hand: World) -> None:
    """A decision that is still on its way to the disk is not shown to anybody."""
    made = await hand.add_pipeline(SIMPLE)
    head = await hand.start(made)
    hand.unruly.hold_answers()

    act = asyncio.create_task(
        hand.engine.set_remark(SetRemark(actor=ANN, run_id=head.id, text="x"))
    )
    await hand.until(lambda: len(hand.unruly.appended) == 2)
    before = (await hand.run(head.id)).head.remark
    hand.unruly.release_answers()
    await act
    after = (await hand.run(head.id)).head.remark

    assert (before, after) == ("", "x")


async def test_run_is_not_found_before_it_is_stored(hand: World) -> None:
    """A run whose first commit is on its way does not exist yet."""
    made = await hand.add_pipeline(SIMPLE)
    hand.unruly.hold_answers()

    starting = asyncio.create_task(hand.start(made))
    await hand.until(lambda: hand.unruly.appended != [])
    run_id = hand.unruly.appended[0].run.head.id
    with pytest.raises(NotFoundError):
        await hand.run(run_id)
    hand.unruly.release_answers()
    head = await starting

    assert head.id == run_id
    assert (await hand.run(run_id)).head.number == 1


async def test_decisions_of_a_run_share_a_commit(hand: World) -> None:
    """The next decision builds on one that is not stored yet, without waiting for it."""
    made = await hand.add_pipeline(SIMPLE)
    head = await hand.start(made)
    hand.unruly.hold_answers()

    acts = [
        asyncio.create_task(hand.engine.set_remark(SetRemark(actor=ANN, run_id=head.id, text=text)))
        for text in ("one", "two", "three")
    ]
    await hand.until(lambda: len(hand.unruly.appended) == 4)
    hand.unruly.release_answers()
    heads = await asyncio.gather(*acts)

    assert [done.remark for done in heads] == ["one", "two", "three"]
    assert (await hand.run(head.id)).head.revision == head.revision + 3


async def test_decision_on_top_of_a_failed_one_is_made_again(hand: World) -> None:
    """If a commit fails, what was decided on top of it reads again and still happens."""
    made = await hand.add_pipeline(SIMPLE)
    head = await hand.start(made)
    hand.unruly.failing = [InfrastructureError("disk full")]

    first, second = await asyncio.gather(
        hand.engine.set_remark(SetRemark(actor=ANN, run_id=head.id, text="one")),
        hand.engine.set_remark(SetRemark(actor=BOB, run_id=head.id, text="two")),
        return_exceptions=True,
    )

    assert isinstance(first, InfrastructureError)
    assert not isinstance(second, BaseException)
    assert (await hand.run(head.id)).head.remark == "two"
    assert (await hand.run(head.id)).head.revision == head.revision + 1


async def test_failed_commit_leaves_everything_as_it_was(hand: World) -> None:
    """An act that could not be stored has done nothing: no event, no effect, no snapshot."""
    made = await hand.add_pipeline(SIMPLE)
    head = await hand.start(made)
    order = await hand.claim(head.id)
    events = await hand.store.last_seq()
    hand.unruly.outages = 1

    with pytest.raises(InfrastructureError):
        await hand.stop(head.id)

    run = await hand.run(head.id)
    assert run.head.cancel is None
    assert await hand.store.last_seq() == events
    assert hand.scripted.kills == []
    assert await hand.report(order) is not None


async def test_caller_that_goes_away_stops_nothing(hand: World) -> None:
    """A request that is cancelled in the middle of its commit still has its effects."""
    made = await hand.add_pipeline(SIMPLE)
    hand.unruly.hold_answers()

    starting = asyncio.create_task(hand.start(made))
    await hand.until(lambda: hand.unruly.appended != [])
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    offers_before = hand.dispatcher.depth
    hand.unruly.release_answers()
    await hand.until(lambda: hand.dispatcher.depth == 1)

    page = await hand.store.list_runs(RunFilter())
    assert offers_before == 0
    assert (await hand.run(page.items[0].id)).head.status is Status.RUNNING


async def test_cancelled_retry_still_goes_on(world: World) -> None:
    """A retry whose caller went away is offered to runners and comes to its end."""
    made = await world.add_pipeline(SIMPLE)
    world.scripted.fail("b", times=1)
    head = await world.start(made)
    await world.wait_end(head.id)
    stored = len(world.unruly.appended)
    world.unruly.hold_answers()

    retrying = asyncio.create_task(world.retry(head.id, "b"))
    await world.until(lambda: len(world.unruly.appended) > stored)
    retrying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await retrying
    world.unruly.release_answers()
    await world.wait_started("b", 2)
    run = await world.wait_end(head.id)

    assert (run.head.status, run.head.attempt) == (Status.SUCCEEDED, 2)


async def test_two_retries_at_once_make_one_attempt(world: World) -> None:
    """Of two retries at the same time exactly one makes an attempt, the other is refused (R14)."""
    made = await world.add_pipeline(SIMPLE)
    world.scripted.fail("b", times=1)
    world.scripted.hold("b")
    head = await world.start(made)
    await world.wait_started("b")
    world.scripted.release("b")
    await world.wait_end(head.id)
    world.scripted.hold("b")

    both = await asyncio.gather(
        world.retry(head.id, "b"),
        world.retry(head.id, "b", actor=BOB),
        return_exceptions=True,
    )
    world.scripted.release("b")
    run = await world.wait_end(head.id)

    refused = [answer for answer in both if isinstance(answer, RefusedError)]
    assert len(refused) == 1
    assert refused[0].refusal.code is RefusalCode.JOB_NOT_FINISHED
    assert run.head.attempt == 2
    assert world.scripted.runs("b") == 2


async def test_number_that_another_server_took_is_asked_for_again(hand: World) -> None:
    """A taken run number costs another look, not the start."""
    made = await hand.add_pipeline(SIMPLE)
    hand.unruly.failing = [ConflictError("taken", code="run-number")]

    head = await hand.start(made)

    assert head.number == 1
    assert (await hand.run(head.id)).head.status is Status.RUNNING


async def test_start_gives_up_when_every_number_is_taken(hand: World) -> None:
    """A start that finds every number taken is told so, and leaves nothing behind."""
    made = await hand.add_pipeline(SIMPLE)
    hand.unruly.failing = [ConflictError("taken", code="run-number")] * 5

    with pytest.raises(StaleRevisionError):
        await hand.start(made)

    assert (await hand.store.list_runs(RunFilter())).items == ()
    assert hand.engine.lines.load(made.id).running == 0


async def test_numbers_have_no_gaps_and_no_doubles(hand: World) -> None:
    """Starts at the same time get the numbers one after the other."""
    made = await hand.add_pipeline(SIMPLE)

    heads = await asyncio.gather(*(hand.start(made) for _ in range(8)))

    assert sorted(head.number for head in heads) == list(range(1, 9))


async def test_start_that_was_not_stored_gives_its_number_back(hand: World) -> None:
    """A start that fails leaves no gap in the numbers of the runs."""
    made = await hand.add_pipeline(SIMPLE)
    hand.unruly.outages = 1

    with pytest.raises(InfrastructureError):
        await hand.start(made)
    head = await hand.start(made)

    assert head.number == 1


async def test_retry_and_last_report_at_once_agree(hand: World) -> None:
    """A retry in the moment of the last report is judged before or after it, never between."""
    both = pipeline(stage("s", job("1", "a"), job("2", step("b"))))
    made = await hand.add_pipeline(both)
    head = await hand.start(made)
    first = await hand.claim(head.id, "1")
    second = await hand.claim(head.id, "2")
    await hand.report(first, StepEnd(exit_code=1))

    _, outcome = await asyncio.gather(hand.report(second), hand.retry(head.id, "a"))

    run = await hand.run(head.id)
    assert outcome.head.attempt == 2  # the report came first: the run had ended
    assert run.head.status is Status.RUNNING
    assert run.job(first.job_id).attempt == 2
    assert run.job(second.job_id).attempt == 1


async def test_failed_start_does_not_take_the_number_of_another(hand: World) -> None:
    """Of two starts at once the first fails: the second keeps its number, nobody gets it again."""
    made = await hand.add_pipeline(SIMPLE)
    hand.unruly.failing = [InfrastructureError("disk full")]

    failed, second = await asyncio.gather(
        hand.start(made), hand.start(made), return_exceptions=True
    )
    third = await hand.start(made)

    assert isinstance(failed, InfrastructureError)
    assert not isinstance(second, BaseException)
    assert (second.number, third.number) == (2, 3)


async def test_compiled_definitions_are_bounded(hand: World) -> None:
    """Only so many definitions stay compiled in memory."""
    for number in range(300):
        hand.engine._index(pipeline_id(number), 1, SIMPLE)

    assert len(hand.engine._indexes) <= 257
