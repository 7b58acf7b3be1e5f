"""What becomes of a step when the run that it has started begins, can't begin, or ends."""

import msgspec

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft, Effect
from mulligan.core.flow.calls import BEGIN, close_call, give_up_call
from mulligan.core.flow.steps import advance_job, may_retry_by_rule
from mulligan.core.flow.walk import go_on
from mulligan.core.ids import StepId
from mulligan.core.run import Called, Run, Write
from mulligan.core.status import Status

# Error numbers of spec/bkci-model-and-engine.md §2.16: the user's, invalid input, time-out.
_USER = 1
_INVALID = 2199002
_FAILED = 2199004
_TOO_LONG = 2199006
_QUEUE = 2199005


class CallEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How a call ended, in terms of its step."""

    status: Status
    cause: Cause | None = None
    message: str = ""
    error_type: int | None = None
    error_code: int | None = None


GOOD = CallEnd(status=Status.SUCCEEDED)


def refused_call(message: str) -> CallEnd:
    """Say that the run could not be started."""
    return CallEnd(
        status=Status.FAILED,
        cause=Cause.CONFIG,
        message=message,
        error_type=_USER,
        error_code=_INVALID,
    )


def end_of_call(run: Run) -> CallEnd:
    """Say what the end of the other run means for the step that waited for it."""
    head = run.head
    if head.status.is_good:
        return GOOD
    if head.status is Status.CANCELLED:
        return CallEnd(status=Status.CANCELLED, message=f"run #{head.number} was cancelled")
    failed = CallEnd(
        status=Status.FAILED,
        cause=Cause.USER,
        message=_explanation(run) or f"run #{head.number} failed",
        error_type=_USER,
        error_code=_QUEUE if head.cause is Cause.QUEUE_TIMEOUT else _FAILED,
    )
    if not head.errors:
        return failed
    error = head.errors[0]
    return msgspec.structs.replace(
        failed,
        message=error.message or failed.message,
        error_type=failed.error_type if error.error_type is None else error.error_type,
        error_code=failed.error_code if error.error_code is None else error.error_code,
    )


def _explanation(run: Run) -> str:
    """Give the reason of a job that failed before any step of it began."""
    failed = (job for job in run.jobs.values() if job.status is Status.FAILED)
    return next((job.message for job in failed if job.message), "")


def is_waiting(run: Run, step_id: StepId, attempt: int) -> bool:
    """Tell whether that attempt of a step still waits for its run."""
    step = run.step(step_id)
    return step.status is Status.RUNNING and step.attempt == attempt


def note_call(draft: Draft, step_id: StepId, attempt: int, called: Called) -> bool:
    """Note which run a step has started; False if the step has ended meanwhile."""
    if not is_waiting(draft.run, step_id, attempt):
        return False
    if draft.run.step(step_id).called is None:
        draft.emit(e.StepCalled(at=draft.now, node=step_id, called=called))
        _write_outputs(draft, step_id, called)
        draft.effect(Effect(kind=BEGIN, key=step_id, drop=True))
    return True


def _write_outputs(draft: Draft, step_id: StepId, called: Called) -> None:
    """Let later steps find the run: as plugins write their outputs."""
    run = draft.run
    job, spec = run.index.job_of_step(step_id), run.index.steps[step_id]
    space = spec.inputs.get("namespace")
    name = f"{space}_sub_pipeline_buildId" if space else "sub_pipeline_buildId"
    names = [name]
    if job.ref and spec.ref:
        names.append(f"jobs.{job.ref}.steps.{spec.ref}.outputs.{name}")
    attempt = run.step(step_id).attempt
    writes = tuple(
        Write(
            name=name,
            value=called.run,
            writer=step_id,
            attempt=attempt,
            run_attempt=run.head.attempt,
        )
        for name in names
    )
    draft.emit(e.ValuesWritten(at=draft.now, node=step_id, writes=writes))


def finish_call(draft: Draft, step_id: StepId, attempt: int, end: CallEnd) -> bool:
    """End a step whose run has ended or could not begin; False if it does not wait any more."""
    if not is_waiting(draft.run, step_id, attempt):
        return False
    _end_call(draft, step_id, end)
    return True


def time_out_call(draft: Draft, step_id: StepId) -> bool:
    """End a step that has waited too long for its run; the run is stopped."""
    step = draft.run.step(step_id)
    if step.status is not Status.RUNNING:
        return False
    give_up_call(draft, step_id)
    end = CallEnd(
        status=Status.FAILED,
        cause=Cause.TIMEOUT,
        message="the run that was started took longer than the time-out of the step",
        error_type=_USER,
        error_code=_TOO_LONG,
    )
    _end_call(draft, step_id, end)
    return True


def _end_call(draft: Draft, step_id: StepId, end: CallEnd) -> None:
    close_call(draft, step_id)
    draft.emit(
        e.StepFinished(
            at=draft.now,
            node=step_id,
            status=end.status,
            cause=end.cause,
            message=end.message,
            error_type=end.error_type,
            error_code=end.error_code,
        )
    )
    if may_retry_by_rule(draft.run, step_id):
        draft.emit(e.StepRetried(at=draft.now, node=step_id))
        draft.emit(e.ValuesWithdrawn(at=draft.now, node=step_id, writers=(step_id,)))
    advance_job(draft, draft.run.index.step_job[step_id][0], None)
    go_on(draft)
