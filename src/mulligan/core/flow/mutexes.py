"""A job that waits for a mutex: it takes it, may not have it, or has waited too long."""

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft
from mulligan.core.flow.walk import enqueue, finish_jobs, go_on, stop_waiting
from mulligan.core.ids import JobId
from mulligan.core.status import Status


def take_mutex(draft: Draft, job_id: JobId) -> bool:
    """Give the job the mutex that it waits for; False if it does not wait any more."""
    if draft.run.awaited_mutex(job_id) is None:
        return False
    stop_waiting(draft, job_id)
    enqueue(draft, job_id)
    return True


def refuse_mutex(draft: Draft, job_id: JobId, holder: str) -> bool:
    """Fail a job that may not wait for its mutex; False if it does not wait any more."""
    ticket = draft.run.awaited_mutex(job_id)
    if ticket is None:
        return False
    too_many = "all places of its queue are taken" if ticket.places else "the job may not wait"
    _give_up(draft, job_id, f"mutex {ticket.name} is held by {holder}, and {too_many}")
    return True


def refuse_circle(draft: Draft, job_id: JobId, holder: str) -> bool:
    """Fail a job whose mutex is held by a job that waits for the end of this very run."""
    ticket = draft.run.awaited_mutex(job_id)
    if ticket is None:
        return False
    _give_up(
        draft,
        job_id,
        f"mutex {ticket.name} is held by {holder}, which has started this run and waits for it: "
        "neither could ever go on",
    )
    return True


def time_out_mutex(draft: Draft, job_id: JobId) -> bool:
    """Fail a job that has waited too long for its mutex; False if it does not wait any more."""
    ticket = draft.run.awaited_mutex(job_id)
    if ticket is None or ticket.due_at is None or ticket.due_at > draft.now:
        return False
    minutes = round((ticket.due_at - ticket.asked_at).total_seconds() / 60)
    _give_up(draft, job_id, f"waited {minutes} minutes for mutex {ticket.name}")
    return True


def _give_up(draft: Draft, job_id: JobId, message: str) -> None:
    draft.emit(e.JobExplained(at=draft.now, node=job_id, message=message))
    finish_jobs(draft, [(job_id, Status.FAILED, Cause.LOCKED)])
    go_on(draft)
