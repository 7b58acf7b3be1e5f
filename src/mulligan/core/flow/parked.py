"""How long a job may be parked: its time goes on while it waits for a review or another run.

Time before it begins (in a queue, for a mutex) is not its own, nor is a pause before a step: after
one it is counted anew, as by the machine that takes the job then.
"""

from datetime import datetime, timedelta

from mulligan.core.decision import Draft, Effect
from mulligan.core.expressions import ExpressionError
from mulligan.core.ids import JobId
from mulligan.core.minutes import LONGEST_MINUTES
from mulligan.core.prepare import job_seconds
from mulligan.core.run import Run
from mulligan.core.variables import Scope

JOB_TIMER = "job"  # timers of the supervisor
LONGEST_S = LONGEST_MINUTES * 60.0  # what may take longer has no limit at all


def job_due_at(run: Run, job_id: JobId) -> datetime | None:
    """Give when the time of a job is over; None = never, or it has not begun."""
    begun = run.job(job_id).counted_from
    try:
        seconds = job_seconds(run.index.jobs[job_id], Scope(run, job_id))
    except ExpressionError:  # its text would get too large
        return None
    if begun is None or seconds > LONGEST_S:
        return None
    return begun + timedelta(seconds=seconds)


def limit_parked(draft: Draft, job_id: JobId) -> None:
    """Have a job that is parked now ended when its time is over."""
    due_at = job_due_at(draft.run, job_id)
    if due_at is not None:
        draft.effect(Effect(kind="timer", key=f"{JOB_TIMER}:{job_id}", due_at=due_at))


def unlimit_parked(draft: Draft, job_id: JobId) -> None:
    """Leave the time of a job to its runner, or to nobody: it is not parked any more."""
    draft.effect(Effect(kind="timer", key=f"{JOB_TIMER}:{job_id}", drop=True))
