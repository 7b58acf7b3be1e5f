"""A run that waits for its turn: it begins, or it never does."""

from datetime import timedelta

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft, Effect
from mulligan.core.flow.walk import begin_run, end_run
from mulligan.core.spec import TRIGGER_STAGE
from mulligan.core.status import Status

QUEUE_TIMER = "queue"
REVIEW_TIMER = "review:"


def wait_in_queue(draft: Draft, minutes: int) -> None:
    """Let the run wait, but not for ever."""
    due_at = draft.now + timedelta(minutes=minutes)
    draft.effect(Effect(kind="timer", key=QUEUE_TIMER, due_at=due_at))


def begin_queued(draft: Draft, version_number: int | None = None) -> bool:
    """Let a waiting run begin; False if it does not wait any more.

    `version_number`: what its recommended version ends with now, if it has grown meanwhile.
    """
    if draft.run.head.status is not Status.QUEUED or draft.run.awaits_trigger:
        return False
    draft.effect(Effect(kind="timer", key=QUEUE_TIMER, drop=True))
    begin_run(draft, version_number)
    return True


def close_trigger(draft: Draft, *, approved: bool) -> None:
    """End the asking whether the run may begin."""
    draft.emit(e.GateClosed(at=draft.now, node=TRIGGER_STAGE, approved=approved))
    draft.effect(Effect(kind="timer", key=REVIEW_TIMER + TRIGGER_STAGE, drop=True))


def leave_queue(draft: Draft, status: Status, cause: Cause | None) -> None:
    """End a run that never began: no stage of it runs, not even the last."""
    draft.effect(Effect(kind="timer", key=QUEUE_TIMER, drop=True))
    if draft.run.awaits_trigger:
        close_trigger(draft, approved=False)
    end_run(draft, status, cause)


def drop_from_queue(draft: Draft) -> None:
    """Cancel a waiting run that has to make room for a newer one."""
    if draft.run.head.status is Status.QUEUED:
        leave_queue(draft, Status.CANCELLED, None)


def time_out_queue(draft: Draft) -> None:
    """End a run that waited too long."""
    if draft.run.head.status is Status.QUEUED:
        leave_queue(draft, Status.FAILED, Cause.QUEUE_TIMEOUT)
