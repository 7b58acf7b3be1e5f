"""Runs that begin only when somebody lets them: before that they take nobody's place."""

import pytest

from builders import one_job
from engine_world import ADMIN, ANN, BOB, SHOP, World
from mulligan.core.cause import Cause
from mulligan.core.errors import RefusedError
from mulligan.core.flow.votes import Answer
from mulligan.core.ids import RunId, UserName
from mulligan.core.records import PipelineSettings
from mulligan.core.refusal import RefusalCode
from mulligan.core.run import RunHead
from mulligan.core.spec import TRIGGER_STAGE
from mulligan.core.status import Status
from mulligan.core.triggers.spec import TriggerReview
from mulligan.engine.commands import AnswerStage
from mulligan.engine.waits import waits_of

pytestmark = pytest.mark.anyio

QUEUED, RUNNING, CANCELLED, FAILED = (
    Status.QUEUED,
    Status.RUNNING,
    Status.CANCELLED,
    Status.FAILED,
)
ASKED = TriggerReview(reviewers=(BOB,), timeout_s=3600)
SINGLE = PipelineSettings(run_lock="SINGLE", max_queue_size=5, wait_queue_minutes=10)
GROUP = PipelineSettings(run_lock="GROUP_LOCK", concurrency_group="pr", concurrency_cancel=True)


async def answer(
    world: World, run_id: RunId, user: UserName = BOB, *, approve: bool = True
) -> RunHead:
    """Answer whether a run may begin."""
    given = Answer(user=user, approve=approve, suggestion="looked at it")
    command = AnswerStage(actor=user, run_id=run_id, stage=TRIGGER_STAGE, answer=given)
    return await world.engine.answer_stage(command)


async def statuses(world: World, *heads: RunHead) -> list[Status]:
    """Return where the runs stand."""
    return [(await world.run(head.id)).head.status for head in heads]


async def test_it_takes_no_place_before_it_is_let_go(hand: World) -> None:
    """Later runs pass by; once approved it waits for its turn like any other."""
    made = await hand.add_pipeline(one_job("a"), SINGLE)
    asked = await hand.start(made, review=ASKED)
    other = await hand.start(made)
    run = await hand.run(asked.id)

    assert await statuses(hand, asked, other) == [QUEUED, RUNNING]
    assert run.awaits_trigger
    assert await waits_of(hand.engine, run) == ()
    with pytest.raises(RefusedError) as nobody:
        await answer(hand, asked.id, ANN)  # who has started it, too
    assert nobody.value.refusal.code is RefusalCode.NOT_A_REVIEWER

    await answer(hand, asked.id)
    assert await statuses(hand, asked) == [QUEUED]
    assert [wait.kind for wait in await waits_of(hand.engine, await hand.run(asked.id))] == [
        "queue"
    ]
    with pytest.raises(RefusedError) as again:
        await answer(hand, asked.id)
    assert again.value.refusal.code is RefusalCode.NOT_AWAITING

    await hand.report(await hand.claim(other.id))
    await hand.wait_status(asked.id, RUNNING)
    await hand.report(await hand.claim(asked.id))
    assert (await hand.run(asked.id)).head.status is Status.SUCCEEDED


async def test_refused_and_retried(hand: World) -> None:
    """A refused run has failed, nothing of it ran; a retry begins without asking again."""
    made = await hand.add_pipeline(one_job("a"))
    asked = await hand.start(made, review=ASKED)

    head = await answer(hand, asked.id, approve=False)
    assert (head.status, head.cause, head.started_at) == (FAILED, Cause.TRIGGER_REFUSED, None)
    assert not (await hand.run(asked.id)).jobs

    await hand.retry(asked.id)
    await hand.report(await hand.claim(asked.id))
    assert (await hand.run(asked.id)).head.status is Status.SUCCEEDED


async def test_nobody_answers_in_time(world: World) -> None:
    """Its time is over by the clock of the server, also after a crash."""
    made = await world.add_pipeline(one_job("a"))
    asked = await world.start(made, review=ASKED)
    await world.crash()
    world.clock.advance(seconds=3601)
    await world.open()

    run = await world.wait_end(asked.id)
    assert (run.head.status, run.head.cause) == (FAILED, Cause.TRIGGER_REFUSED)
    [vote] = run.gates[TRIGGER_STAGE].votes
    assert (vote.approve, vote.suggestion) == (False, "TIMEOUT")


async def test_stopped_while_it_is_asked_for(hand: World) -> None:
    """Somebody stops it: it is cancelled, and can't be let go any more."""
    made = await hand.add_pipeline(one_job("a"))
    asked = await hand.start(made, review=ASKED)

    await hand.stop(asked.id)
    run = await hand.run(asked.id)
    assert (run.head.status, run.gates[TRIGGER_STAGE].state) == (CANCELLED, "rejected")
    with pytest.raises(RefusedError):
        await answer(hand, asked.id)


async def test_groups(hand: World) -> None:
    """In a group it stops others only once it is let go, and makes way for newer ones."""
    made = await hand.add_pipeline(one_job("a"), GROUP)
    first = await hand.start(made)
    hand.clock.advance(seconds=1)
    asked = await hand.start(made, review=ASKED)
    assert await statuses(hand, first, asked) == [RUNNING, QUEUED]

    await answer(hand, asked.id)
    await hand.until(lambda: hand.engine.lines.group_load((SHOP, "pr")).running == 1)
    stopped = await hand.run(first.id)
    assert stopped.head.cancel is not None

    hand.clock.advance(seconds=1)
    late = await hand.start(made, review=ASKED)
    hand.clock.advance(seconds=1)
    await hand.start(made)
    await hand.wait_status(late.id, CANCELLED)


async def test_not_without_end(hand: World) -> None:
    """What is asked for is bounded: strangers can't fill the server."""
    made = await hand.add_pipeline(one_job("a"))
    for _ in range(200):
        await hand.start(made, review=ASKED)

    with pytest.raises(RefusedError) as full:
        await hand.start(made, review=ASKED)
    assert full.value.refusal.code is RefusalCode.QUEUE_FULL
    await hand.start(made)


async def test_a_locked_pipeline_begins_nothing(hand: World) -> None:
    """A lock that came meanwhile holds: the review stays open."""
    made = await hand.add_pipeline(one_job("a"))
    asked = await hand.start(made, review=ASKED)
    await hand.catalog.save_settings(ADMIN, made, PipelineSettings(run_lock="LOCK"))
    with pytest.raises(RefusedError) as locked:
        await answer(hand, asked.id)
    assert locked.value.refusal.code is RefusalCode.PIPELINE_LOCKED
    assert (await hand.run(asked.id)).awaits_trigger
