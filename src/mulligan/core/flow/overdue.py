"""What becomes of waiting jobs and review steps whose time is over."""

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft
from mulligan.core.flow.calls import give_up_call, waiting_call
from mulligan.core.flow.parked import job_due_at
from mulligan.core.flow.split import is_split
from mulligan.core.flow.steps import advance_job, close_step_gate, remind_later
from mulligan.core.flow.walk import go_on
from mulligan.core.ids import JobId, StepId
from mulligan.core.status import Status

_USER = 1  # error numbers of spec/bkci-model-and-engine.md §2.16
_STEP_TOO_LONG, _JOB_TOO_LONG = 2199006, 2199005


def time_out_step(draft: Draft, step_id: StepId) -> bool:
    """Fail a review step that nobody has answered in time; False if it does not wait any more."""
    gate = draft.run.open_gate(step_id)
    if gate is None or gate.due_at is None or gate.due_at > draft.now:
        return False
    minutes = round((gate.due_at - gate.opened_at).total_seconds() / 60)
    close_step_gate(draft, step_id, approved=False)
    _fail(draft, step_id, Cause.TIMEOUT, f"nobody decided within {minutes} minutes", _STEP_TOO_LONG)
    return True


def remind(draft: Draft, step_id: StepId) -> bool:
    """Have those told once more who are asked at a review step; False if nobody is."""
    gate = draft.run.open_gate(step_id)
    if gate is None or gate.kind != "step-review":
        return False
    draft.emit(e.ReviewReminded(at=draft.now, node=step_id))
    remind_later(draft, draft.run.index.steps[step_id])
    return True


def time_out_job(draft: Draft, job_id: JobId) -> bool:
    """End a job whose time is over while it waits; False if it does not, or has time left."""
    run = draft.run
    job = run.job(job_id)
    due_at = job_due_at(run, job_id)
    is_over = due_at is not None and due_at <= draft.now
    if not (is_over and job.status is Status.RUNNING and job.parked) or is_split(run, job_id):
        return False
    step = run.index.jobs[job_id].steps[job.cursor]
    gate = run.open_gate(step.id)
    if gate is not None and gate.kind == "step-review":
        close_step_gate(draft, step.id, approved=False)
    elif waiting_call(run, job_id) is not None:
        give_up_call(draft, step.id)
    else:
        return False
    draft.emit(e.JobStopping(at=draft.now, node=job_id, cause=Cause.JOB_TIMEOUT))
    _fail(draft, step.id, Cause.JOB_TIMEOUT, "the time of the job is over", _JOB_TOO_LONG)
    return True


def _fail(draft: Draft, step_id: StepId, cause: Cause, message: str, code: int) -> None:
    draft.emit(
        e.StepFinished(
            at=draft.now,
            node=step_id,
            status=Status.FAILED,
            cause=cause,
            message=message,
            error_type=_USER,
            error_code=code,
        )
    )
    advance_job(draft, draft.run.index.step_job[step_id][0], None)
    go_on(draft)
