"""Stop a run: gracefully at the first asking, by force at the second."""

from datetime import timedelta

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft
from mulligan.core.flow.calls import answer_caller, give_up_call, waiting_call
from mulligan.core.flow.parked import unlimit_parked
from mulligan.core.flow.quality import waiting_gate
from mulligan.core.flow.queue import leave_queue
from mulligan.core.flow.split import is_split, split_result
from mulligan.core.flow.steps import advance_job, close_step_gate
from mulligan.core.flow.walk import (
    ask_kill,
    end_run,
    finish_jobs,
    go_on,
    reject_stage,
    stop_waiting,
)
from mulligan.core.hold import is_held
from mulligan.core.ids import JobId, UserName
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Run
from mulligan.core.spec import StageSpec
from mulligan.core.status import Status

# A second request within this time is taken for a double click (spec/bkci-build-api.md §2.2.2).
FORCE_AFTER = timedelta(seconds=60)


def stop_run(draft: Draft, actor: UserName) -> Refusal | None:
    """Stop the run. The first request lets always-steps and the finally stage run."""
    run = draft.run
    if run.head.status.is_final:
        return Refusal(
            code=RefusalCode.RUN_FINISHED,
            message=f"run {run.head.number} has ended: it is {run.head.status}",
        )
    cancel = run.head.cancel
    if cancel is not None:
        left = FORCE_AFTER - (draft.now - cancel.at)
        if left > timedelta(0):
            seconds = str(max(1, round(left.total_seconds())))
            return Refusal(
                code=RefusalCode.ALREADY_CANCELLED,
                message=f"{cancel.by} is stopping the run; force it in {seconds} seconds",
                values=(cancel.by, seconds),
            )
        _terminate(draft, actor)
        return None
    if run.head.status is Status.QUEUED:
        draft.emit(e.CancelRequested(at=draft.now, actor=actor))
        leave_queue(draft, Status.CANCELLED, None)
        return None
    if run.head.is_rollback:
        return Refusal(
            code=RefusalCode.NOT_STOPPABLE,
            message="a rollback can't be stopped half way; wait for its end",
            rule="R11",
        )
    if run.awaits_review:
        _reject_review(draft, actor)
    elif (node := _quality_node(run)) is not None:
        draft.emit(e.CancelRequested(at=draft.now, actor=actor))
        draft.emit(e.GateClosed(at=draft.now, node=node, approved=False))
        stage_id = run.index.spec.stages[run.head.stage].id
        draft.emit(e.StageFinished(at=draft.now, node=stage_id, status=Status.CANCELLED))
    elif (stage := run.awaits_signals) is not None:
        draft.emit(e.CancelRequested(at=draft.now, actor=actor))
        draft.emit(e.GateClosed(at=draft.now, node=stage, approved=False))
        draft.emit(e.StageFinished(at=draft.now, node=stage, status=Status.CANCELLED))
    else:
        draft.emit(e.CancelRequested(at=draft.now, actor=actor))
        _cancel_jobs(draft)
    go_on(draft)
    return None


def make_way(draft: Draft, actor: UserName) -> None:
    """Stop the run for a newer one; once is enough, and a rollback comes to its end."""
    head = draft.run.head
    if head.cancel is None and not head.status.is_final:
        stop_run(draft, actor)


def release_hold(draft: Draft, actor: UserName) -> Refusal | None:
    """Give up a failed run that is held for a retry."""
    if not is_held(draft.run, draft.now):
        return Refusal(
            code=RefusalCode.NOT_STOPPABLE,
            message=f"run {draft.run.head.number} is {draft.run.head.status} and not held",
        )
    draft.emit(e.HoldReleased(at=draft.now, actor=actor))
    answer_caller(draft)
    return None


def _current(run: Run) -> StageSpec | None:
    return run.index.spec.stages[run.head.stage] if run.head.stage >= 0 else None


def _quality_node(run: Run) -> str | None:
    """Return the node of the quality gate that the run stands at."""
    stage = _current(run)
    quality = waiting_gate(run, stage.id) if stage is not None else None
    return None if quality is None else quality[1].node


def _reject_review(draft: Draft, actor: UserName) -> None:
    stage = _current(draft.run)
    if stage is None:
        return
    draft.emit(
        e.GateVoted(at=draft.now, node=stage.id, user=actor, approve=False, suggestion="CANCEL")
    )
    reject_stage(draft, stage.id)


def _cancel_jobs(draft: Draft) -> None:
    stage = _current(draft.run)
    if stage is None:
        return
    for spec in list(draft.run.index.jobs_of(stage)):
        job = draft.run.job(spec.id)
        if job.status.is_final or is_split(draft.run, spec.id):
            continue
        if job.status is Status.RUNNING and not job.parked:
            ask_kill(draft, spec.id, None)
        elif job.started_at is None:
            finish_jobs(draft, [(spec.id, Status.CANCELLED, None)])
        else:
            _cancel_parked(draft, spec.id)


def _cancel_parked(draft: Draft, job_id: JobId) -> None:
    job = draft.run.job(job_id)
    step = draft.run.index.jobs[job_id].steps[job.cursor]
    if draft.run.open_gate(step.id) is not None:
        close_step_gate(draft, step.id, approved=False)
        draft.emit(e.StepFinished(at=draft.now, node=step.id, status=Status.CANCELLED))
    elif waiting_call(draft.run, job_id) is not None:
        give_up_call(draft, step.id)
        draft.emit(e.StepFinished(at=draft.now, node=step.id, status=Status.CANCELLED))
    if draft.run.job(job_id).status is Status.QUEUED:
        # requeued, but not claimed yet: what may run after a cancel is decided at the claim
        return
    advance_job(draft, job_id, None)


def _terminate(draft: Draft, actor: UserName) -> None:
    draft.emit(e.CancelRequested(at=draft.now, actor=actor, forced=True))
    stage = _current(draft.run)
    if stage is not None and draft.run.stage(stage.id).status is Status.RUNNING:
        for spec in stage.jobs:
            for copy in draft.run.index.children.get(spec.id, ()):
                _terminate_job(draft, copy.id)
            _terminate_job(draft, spec.id)
        draft.emit(
            e.StageFinished(
                at=draft.now, node=stage.id, status=Status.FAILED, cause=Cause.TERMINATED
            )
        )
    end_run(draft, Status.FAILED, Cause.TERMINATED)


def _terminate_job(draft: Draft, job_id: JobId) -> None:
    job = draft.run.job(job_id)
    if job.status.is_final:
        return
    held = job.status is Status.RUNNING and not job.parked
    if held:
        ask_kill(draft, job_id, Cause.TERMINATED)
    call = waiting_call(draft.run, job_id)
    if call is not None:
        give_up_call(draft, call.id)
    for step in draft.run.index.jobs[job_id].steps:
        if draft.run.open_gate(step.id) is not None:
            close_step_gate(draft, step.id, approved=False)
        if draft.run.step(step.id).status is Status.RUNNING:
            draft.emit(
                e.StepFinished(
                    at=draft.now,
                    node=step.id,
                    status=Status.FAILED,
                    cause=Cause.TERMINATED,
                    message="ended by force",
                )
            )
    result = split_result(draft.run, job_id) if is_split(draft.run, job_id) else None
    status, cause = result or (
        (Status.FAILED, Cause.TERMINATED) if held else (Status.CANCELLED, None)
    )
    stop_waiting(draft, job_id)
    if job.parked:
        unlimit_parked(draft, job_id)
    draft.emit(e.JobFinished(at=draft.now, node=job_id, status=status, cause=cause))
