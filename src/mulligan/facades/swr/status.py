"""The twelve statuses: what a run amounts to in the words of this dialect (§4.1, §2.7).

Nothing of it is stored: run, definition and clock give it (core/hold.py decides what is held).
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from mulligan.core.cause import Cause
from mulligan.core.hold import failed_stage, head_is_held, hold_until
from mulligan.core.hooks import Hook, HookKind
from mulligan.core.ids import StepId
from mulligan.core.records import Pipeline
from mulligan.core.run import Job, Run, RunHead
from mulligan.core.spec import AfterFailure, PipelineSpec, StageSpec
from mulligan.core.status import Status
from mulligan.facades.swr.fields import Json
from mulligan.facades.swr.times import ZERO_TIME, time_text

WAITING = "waiting"
_FOREIGN_KINDS = {"checkout", "archive", "download", "plugin"}
_TIMED_OUT = {Cause.TIMEOUT, Cause.JOB_TIMEOUT}
_ENGINES_FAULT = {Cause.INFRA, Cause.LOST, Cause.UNREACHABLE, Cause.QUEUE_TIMEOUT}


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What a status is made from.

    Args:
        spec: The present definition.
        run: The newest one; None if there is none, or it counts no more (the stages changed).
        hooks: Of the pipeline, with what they have latched.
    """

    pipeline: Pipeline
    spec: PipelineSpec
    now: datetime
    run: Run | None = None
    hooks: Sequence[Hook] = ()


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline's status with its place and times."""

    status: str
    stage_index: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    hold_until: datetime | None = None
    is_reset: bool = False  # the failed run stands at the start again


def failure_of(cause: Cause | None) -> str:
    """Name a failure by its cause; an end by force is a stop."""
    if cause is Cause.TERMINATED:
        return "cancel"
    if cause in _TIMED_OUT:
        return "timeout"
    if cause is Cause.UNAUTHORIZED:
        return "unauthorized"
    return "runtime_exception" if cause in _ENGINES_FAULT else "stage_exception"


def failed_rollback_of(cause: Cause | None) -> str:
    """Name the failure of a rollback by its cause."""
    return "rollback_exception" if cause in _ENGINES_FAULT else "rollback_failed"


def standing_of(head: RunHead, spec: PipelineSpec, now: datetime) -> Standing:
    """Tell where a pipeline stands, from the head of its newest run."""
    place = max(0, head.stage)
    open_run = Standing(
        status="rollbacking" if head.is_rollback else "running",
        stage_index=place,
        started_at=head.started_at,
    )
    if not head.status.is_final:
        return open_run
    ended = msgspec.structs.replace(open_run, ended_at=head.ended_at)
    if head.status is Status.CANCELLED:
        status = "rollback_success" if head.is_rollback else "cancel"
        return msgspec.structs.replace(ended, status=status)
    if head.status is Status.FAILED:
        return _failed(head, spec, now, ended)
    last = max(0, len(spec.stages) - 1)
    return msgspec.structs.replace(ended, status="success", stage_index=last)


def _failed(head: RunHead, spec: PipelineSpec, now: datetime, ended: Standing) -> Standing:
    if head.is_rollback:
        return msgspec.structs.replace(ended, status=failed_rollback_of(head.cause))
    stage = failed_stage(head, spec)
    if stage is None:
        return msgspec.structs.replace(ended, status=failure_of(head.cause))
    if stage.after_failure is AfterFailure.RESET:
        return Standing(status=WAITING, is_reset=True)
    if head.released_at is not None:
        return msgspec.structs.replace(ended, status="cancel", ended_at=head.released_at)
    until = hold_until(head, spec)
    if not head_is_held(head, spec, now):
        return msgspec.structs.replace(ended, status="timeout", ended_at=until)
    status = failure_of(head.cause)
    return msgspec.structs.replace(ended, status=status, ended_at=None, hold_until=until)


def status_of_list(head: RunHead | None, look: Look) -> Json:
    """Give the status of a pipeline in lists: without its stages and triggers (§2.8)."""
    standing = Standing(status=WAITING)
    if head is not None:
        standing = standing_of(head, look.spec, look.now)
    return _times(standing, look, head) | {"stages": None}


def render_status(look: Look) -> Json:
    """Give the status of a pipeline in its detail (§2.7)."""
    run = look.run
    standing = Standing(status=WAITING)
    if run is not None:
        standing = standing_of(run.head, run.index.spec, look.now)
    shown_run = None if standing.is_reset else run
    answer = _times(standing, look, run.head if run is not None else None)
    answer["pre_operation"] = _pipeline_triggers(look)
    answer["stages"] = [
        _stage(position, stage, shown_run, look.hooks)
        for position, stage in enumerate(look.spec.stages)
    ]
    answer["hold_until"] = time_text(standing.hold_until)
    if run is not None:
        answer["params"] = [
            {"name": parameter.name, "value": run.value(parameter.name) or ""}
            for parameter in run.head.parameters
            if not parameter.sensitive
        ]
        if standing.is_reset:
            answer["last_run"] = _last_run(run)
    return answer


def _times(standing: Standing, look: Look, head: RunHead | None) -> Json:
    changed = [look.pipeline.updated_at]
    if head is not None:
        known = (head.queued_at, head.started_at, head.ended_at, standing.ended_at)
        changed += [instant for instant in known if instant is not None]
    return {
        "status": standing.status,
        "stage_index": standing.stage_index,
        "created_time": time_text(look.pipeline.created_at),
        "updated_time": time_text(max(changed)),
        "start_time": time_text(standing.started_at),
        "end_time": time_text(standing.ended_at),
    }


def _last_run(run: Run) -> Json:
    head = run.head
    return {
        "status": failure_of(head.cause),
        "stage_index": max(0, head.stage),
        "start_time": time_text(head.started_at),
        "end_time": time_text(head.ended_at),
    }


# --- stages ---------------------------------------------------------------------------------------


def stage_status(run: Run | None, stage: StageSpec) -> str:
    """Give the status of one stage."""
    if run is None:
        return WAITING
    if run.awaits_signals == stage.id:
        return "running"
    record = run.stage(stage.id)
    if len(stage.jobs) == 1 and stage.jobs[0].id in run.jobs:
        job = run.job(stage.jobs[0].id)
        # ended before its job began again: stopped while it waited for signals
        if job.queued_at is not None or not record.status.is_final or job.status.is_final:
            return _of_job(job)
    match record.status:
        case Status.RUNNING:
            return "running"
        case Status.SUCCEEDED:
            return "success"
        case Status.FAILED:
            return failure_of(record.cause)
        case Status.CANCELLED:
            return "cancel"
        case _:
            gate = run.open_gate(stage.id)  # one that collects early signals is no work yet
            return WAITING if gate is None or gate.kind == "signal" else "running"


def _of_job(job: Job) -> str:
    is_rollback = job.mode == "rollback"
    match job.status:
        case Status.QUEUED if job.queued_at is None:
            return WAITING
        case Status.QUEUED | Status.RUNNING:
            return "rollbacking" if is_rollback else "running"
        case Status.SUCCEEDED:
            return "rollback_success" if is_rollback else "success"
        case Status.CANCELLED:
            return "cancel"
        case Status.SKIPPED:
            return WAITING
        case Status.FAILED:
            return failed_rollback_of(job.cause) if is_rollback else failure_of(job.cause)


def _stage(position: int, stage: StageSpec, run: Run | None, hooks: Sequence[Hook]) -> Json:
    if run is not None and position < len(run.index.spec.stages):
        stage = run.index.spec.stages[position]
    status = stage_status(run, stage)
    started = ended = ZERO_TIME
    if run is not None and status != WAITING:
        record = run.stage(stage.id)
        started = time_text(record.started_at)
        is_over = status not in {"running", "rollbacking"}
        ended = time_text(record.ended_at) if is_over else ZERO_TIME
    answer: Json = {
        "status": status,
        "pre_operation": {"triggers_status": _stage_triggers(stage, run, hooks)},
        "start_time": started,
        "end_time": ended,
        "tasks": _tasks(stage, run) if has_tasks(stage) else None,
    }
    review = [step for job in stage.jobs for step in job.steps if step.kind == "review"]
    if len(stage.jobs) == 1 and review and "decide" in review[0].inputs:
        people = [str(name) for name in review[0].inputs.get("reviewUsers") or ()]
        answer["state"] = {"review_results": _votes(people, run, review[0].id, status)}
    return answer


def has_tasks(stage: StageSpec) -> bool:
    """Tell whether a stage has tasks: several deployments, or work of another dialect."""
    steps = [step for job in stage.jobs for step in job.steps]
    if len(stage.jobs) != 1 or len(steps) != 1:
        return True
    return steps[0].kind in _FOREIGN_KINDS or bool(steps[0].inputs.get("is_task"))


def _tasks(stage: StageSpec, run: Run | None) -> list[Json]:
    return [
        {"name": job.name or job.id, "status": WAITING if run is None else _of_job(run.job(job.id))}
        for job in stage.jobs
    ]


def _votes(people: list[str], run: Run | None, step_id: StepId, status: str) -> list[Json]:
    gate = run.gates.get(step_id) if run is not None and status != WAITING else None
    if gate is not None and status == "running" and gate.state != "open":
        gate = None  # of the execution before: everybody is about to be asked again
    votes = gate.votes if gate is not None else ()
    given: dict[str, bool] = {vote.user: vote.approve for vote in votes}
    names = list(dict.fromkeys([*people, *(gate.reviewers if gate else ())]))
    words: dict[bool | None, str] = {True: "pass", False: "refuse", None: WAITING}
    return [{"user_name": name, "result": words[given.get(name)]} for name in names]


# --- triggers -------------------------------------------------------------------------------------


def _pipeline_triggers(look: Look) -> Json:
    own = [hook for hook in look.hooks if not hook.stage and hook.kind is not HookKind.CODE]
    if not own:
        return {}
    return {"triggers_status": [_trigger(hook, hook.latched, hook.values) for hook in own]}


def _stage_triggers(stage: StageSpec, run: Run | None, hooks: Sequence[Hook]) -> list[Json]:
    if stage.signals is None:
        return []
    by_id = {hook.id: hook for hook in hooks}
    gate = run.open_gate(stage.id) if run is not None and not run.head.status.is_final else None
    values = gate.values if gate is not None else {}
    return [
        _trigger(by_id[hook_id], hook_id in values, values.get(hook_id, {}))
        for hook_id in stage.signals.signals
        if hook_id in by_id
    ]


def _trigger(hook: Hook, is_satisfied: bool, values: dict[str, str]) -> Json:  # noqa: FBT001 - private, in the order of the words
    what = "channel" if hook.kind is HookKind.CHANNEL else "webhook"
    brought = {"input_params": dict(values)} if what == "webhook" or values else {}
    return {"is_satisfied": is_satisfied, what: brought}
