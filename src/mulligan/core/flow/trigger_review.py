"""A run that an event has started, and that begins only when somebody lets it.

It stands before the queue: until it is let go it takes no place of it, nor of a concurrency group.
"""

from datetime import timedelta

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft, Effect
from mulligan.core.flow import reviewers
from mulligan.core.flow.queue import REVIEW_TIMER, close_trigger, leave_queue, wait_in_queue
from mulligan.core.flow.votes import Answer
from mulligan.core.flow.walk import begin_run
from mulligan.core.ids import SYSTEM
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import TRIGGER_REVIEW, Run
from mulligan.core.spec import TRIGGER_STAGE
from mulligan.core.status import Status
from mulligan.core.triggers.spec import TriggerReview


def ask_first(draft: Draft, review: TriggerReview) -> None:
    """Ask whether the run may begin."""
    due_at = draft.now + timedelta(seconds=review.timeout_s)
    draft.emit(
        e.GateOpened(
            at=draft.now,
            node=TRIGGER_STAGE,
            kind=TRIGGER_REVIEW,
            run_attempt=draft.run.head.attempt,
            reviewers=review.reviewers,
            due_at=due_at,
        )
    )
    draft.effect(Effect(kind="timer", key=REVIEW_TIMER + TRIGGER_STAGE, due_at=due_at))


def may_answer(run: Run, answer: Answer) -> Refusal | None:
    """Say why somebody can't let the run begin or refuse it, whoever started it."""
    gate = run.open_gate(TRIGGER_STAGE)
    if gate is None or not run.awaits_trigger:
        return Refusal(
            code=RefusalCode.NOT_AWAITING,
            message="the run does not wait for a review of its trigger",
            node=TRIGGER_STAGE,
            values=(TRIGGER_STAGE,),
        )
    return reviewers.may_answer(gate, answer.user)


def let_go(draft: Draft, answer: Answer, queue_minutes: int | None, number: int | None) -> None:
    """Let the run begin.

    Args:
        queue_minutes: How long it may wait for its turn; None = it is its turn.
        number: What its recommended version ends with now, if that has grown meanwhile.
    """
    _vote(draft, answer)
    close_trigger(draft, approved=True)
    if queue_minutes is None:
        begin_run(draft, number)
    else:
        wait_in_queue(draft, queue_minutes)


def refuse(draft: Draft, answer: Answer) -> None:
    """End the run, of which nothing has begun: no stage of it runs, not even the last."""
    _vote(draft, answer)
    leave_queue(draft, Status.FAILED, Cause.TRIGGER_REFUSED)


def time_out(draft: Draft) -> bool:
    """Refuse a run that nobody has let begin in time; False if nobody is asked any more."""
    gate = draft.run.open_gate(TRIGGER_STAGE)
    if gate is None or not draft.run.awaits_trigger:
        return False
    if gate.due_at is None or gate.due_at > draft.now:
        return False
    refuse(draft, Answer(user=SYSTEM, approve=False, suggestion="TIMEOUT"))
    return True


def _vote(draft: Draft, answer: Answer) -> None:
    draft.emit(
        e.GateVoted(
            at=draft.now,
            node=TRIGGER_STAGE,
            user=answer.user,
            approve=answer.approve,
            suggestion=answer.suggestion,
        )
    )
