"""Carry a plan out: the events that reset what runs again, then the run goes on."""

from collections.abc import Iterable

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft
from mulligan.core.errors import StaleRevisionError
from mulligan.core.flow.queue import wait_in_queue
from mulligan.core.flow.walk import (
    begin_run,
    enter_stage,
    go_on,
    open_signal_gate,
    release_jobs,
)
from mulligan.core.ids import JobId, StageId
from mulligan.core.recovery.changes import changed_names
from mulligan.core.recovery.plan import Action, Plan
from mulligan.core.recovery.request import RetryRequest
from mulligan.core.run import RunAttempt, StartParameter
from mulligan.core.variables import parameter_writes


def apply_plan(
    draft: Draft, plan: Plan, request: RetryRequest, *, queue_minutes: int | None = None
) -> None:
    """Apply a plan to the run that it was made for.

    Args:
        queue_minutes: The run has to wait for its turn, at most so long; None = it begins.

    Raises:
        StaleRevisionError: The run has moved on since the plan was made.
    """
    if draft.run.head.revision != plan.revision:
        raise StaleRevisionError(f"the plan was made at revision {plan.revision}")
    what = "skip" if plan.skip else "retry"
    changed = changed_names(plan.changes)
    if plan.while_running and plan.signals_waived is not None:
        _begin_without_signals(draft, plan.signals_waived, request)
        return
    if plan.while_running:
        draft.emit(
            e.RunRepaired(
                at=draft.now,
                actor=request.actor,
                what=what,
                target=plan.target.node,
                reason=request.reason,
                seconds_saved=plan.seconds_saved,
                changes=changed,
            )
        )
        _withdraw(draft, plan)
        _reset_jobs(draft, plan, request)
        _patch_steps(draft, plan)
        release_jobs(draft, _rerun_jobs(plan))
        go_on(draft)
        return
    attempt = RunAttempt(
        number=plan.run_attempt,
        actor=request.actor,
        queued_at=draft.now,
        what=what,
        target=plan.target.node,
        reason=request.reason,
        seconds_saved=plan.seconds_saved,
        changes=changed,
    )
    draft.emit(
        e.RunRetried(
            at=draft.now,
            attempt=attempt,
            renew_start=plan.renew_start,
            retry_target=plan.retry_target,
            version=plan.version,
        )
    )
    _withdraw(draft, plan)
    _change_parameters(draft, plan)
    if plan.reapply_parameters:
        _apply_parameters(draft, draft.run.head.parameters)
    for stage_id, node in plan.stages.items():
        if node.action is Action.RERUN and stage_id in draft.run.stages:
            draft.emit(e.StageReset(at=draft.now, node=stage_id, run_attempt=plan.run_attempt))
    for stage_id in plan.approvals_kept:
        draft.emit(e.GateCarried(at=draft.now, node=stage_id, run_attempt=plan.run_attempt))
    if plan.signals_waived is not None:
        _waive_signals(draft, plan.signals_waived)
    _reset_jobs(draft, plan, request)
    _patch_steps(draft, plan)
    if queue_minutes is None:
        begin_run(draft)
    else:
        wait_in_queue(draft, queue_minutes)


def _begin_without_signals(draft: Draft, stage_id: StageId, request: RetryRequest) -> None:
    draft.emit(e.RunRepaired(at=draft.now, actor=request.actor, what="retry", target=stage_id))
    _waive_signals(draft, stage_id)
    enter_stage(draft, draft.run.index.stages[stage_id])
    go_on(draft)


def _waive_signals(draft: Draft, stage_id: StageId) -> None:
    """Let the stage begin without the signals that it waits for."""
    gate = draft.run.open_gate(stage_id)
    if gate is None or gate.run_attempt != draft.run.head.attempt:
        open_signal_gate(draft, stage_id)
    draft.emit(e.GateClosed(at=draft.now, node=stage_id, approved=True))


def _rerun_jobs(plan: Plan) -> list[JobId]:
    return [job_id for job_id, node in plan.jobs.items() if node.action is Action.RERUN]


def _withdraw(draft: Draft, plan: Plan) -> None:
    if plan.wipe_variables:
        # facts of the pipeline that the start wrote; its parameters are applied again anyway
        started_with = tuple(
            write
            for stack in draft.run.writes.values()
            for write in stack
            if write.writer == "start"
        )
        draft.emit(e.ValuesWithdrawn(at=draft.now, everything=True))
        if started_with:
            draft.emit(e.ValuesWritten(at=draft.now, writes=started_with))
    elif plan.withdrawn:
        draft.emit(e.ValuesWithdrawn(at=draft.now, writers=plan.withdrawn))


def _apply_parameters(draft: Draft, parameters: Iterable[StartParameter]) -> None:
    writes = parameter_writes(parameters, draft.run.head.attempt)
    if writes:
        draft.emit(e.ValuesWritten(at=draft.now, writes=writes))


def _change_parameters(draft: Draft, plan: Plan) -> None:
    """Give parameters their new values, on top of what kept steps have written (R5)."""
    parameters = plan.changes.parameters
    if not parameters:
        return
    before = draft.run.head.parameters
    draft.emit(e.ParametersApplied(at=draft.now, parameters=parameters))
    _apply_parameters(draft, (each for each in parameters if each not in before))


def _patch_steps(draft: Draft, plan: Plan) -> None:
    for step_id, patch in plan.changes.patches.items():
        draft.emit(e.StepPatched(at=draft.now, node=step_id, patch=patch))


def _reset_jobs(draft: Draft, plan: Plan, request: RetryRequest) -> None:
    for job_id in _rerun_jobs(plan):
        steps = draft.run.index.jobs[job_id].steps
        for step in steps:
            if plan.steps[step.id].action is not Action.KEEP and step.id in draft.run.steps:
                asked = step.id == plan.retry_target
                draft.emit(
                    e.StepReset(
                        at=draft.now, node=step.id, run_attempt=plan.run_attempt, asked=asked
                    )
                )
        if job_id in draft.run.jobs:  # after its steps: it settles on those that are kept
            draft.emit(
                e.JobReset(
                    at=draft.now,
                    node=job_id,
                    run_attempt=plan.run_attempt,
                    workspace=plan.workspaces.get(job_id, "fresh"),
                    keeps_split=job_id in plan.splits_kept,
                )
            )
        for step in steps:
            if plan.steps[step.id].action is Action.SKIP:
                draft.emit(
                    e.StepSkipped(
                        at=draft.now,
                        node=step.id,
                        cause=Cause.WAIVED,
                        actor=request.actor,
                        reason=request.reason,
                    )
                )
