"""Compile a stored document to what the engine runs. Pure.

Stage i becomes stage `stage-(i+2)` with one job (its id: that of the SWR stage) with one step.
"""

import msgspec
from msgspec.structs import replace

from mulligan.core.hooks import Hook, HookKind
from mulligan.core.ids import PipelineId, ProjectId, StageId
from mulligan.core.records import PipelineSettings
from mulligan.core.spec import (
    AfterFailure,
    Dialect,
    JobSpec,
    MessageSpec,
    ParameterSpec,
    PipelineSpec,
    SignalSpec,
    StageSpec,
    StepSpec,
)
from mulligan.facades.swr import names
from mulligan.facades.swr.compile_inputs import (
    KINDS,
    MULTI_DEPLOY,
    job_id,
    limit_of,
    step_id,
    task_inputs,
)
from mulligan.facades.swr.fields import Json

DIALECT = "swr"
SETTINGS = PipelineSettings(run_lock="EXCLUSIVE", dialect=Dialect.DECLARED)
_HOUR_S = 3600
_COMPUTED = {names.SYS_INCREMENT: "number", names.SYS_TIMESTAMP: "timestamp"}
_NOBODY = PipelineId("")


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """What a document means. The hooks do not know their project and pipeline yet."""

    spec: PipelineSpec
    hooks: tuple[Hook, ...]


def compile_document(document: Json) -> Compiled:
    """Give what a stored document, whose stages have their ids, means."""
    hooks: list[Hook] = _incoming(document.get("pre_operation"), "")
    stages = []
    for index, stage in enumerate(document["stages"]):
        own = _incoming(stage.get("pre_operation"), str(stage["id"]))
        stages.append(_stage(index, stage, document["stages"], own))
        hooks += own + _pushes(stage)
    starters = tuple(hook.id for hook in hooks if not hook.stage)
    needs_all = document.get("pre_operation", {}).get("operator") == "and"
    spec = PipelineSpec(
        name=document["name"],
        signals=SignalSpec(signals=starters, needs_all=needs_all) if starters else None,
        stages=tuple(stages),
        parameters=tuple(_parameter(each) for each in document["params"]),
        messages=_notifications(document.get("post_operation")),
    )
    return Compiled(spec=spec, hooks=tuple(hooks))


# --- stages ---------------------------------------------------------------------------------------


def _stage(index: int, stage: Json, stages: list[Json], own: list[Hook]) -> StageSpec:
    handler = stage["exception_handler"]
    after = {"timeout_reset": AfterFailure.HOLD, "return_to_start": AfterFailure.RESET}
    kind = handler["type"]
    timespan = handler["params"]["timespan"] if kind == "timeout_reset" else 0
    needs_all = stage.get("pre_operation", {}).get("operator") == "and"
    return StageSpec(
        id=StageId(f"stage-{index + 2}"),
        name=stage["name"],
        signals=SignalSpec(signals=tuple(h.id for h in own), needs_all=needs_all) if own else None,
        after_failure=after.get(kind, AfterFailure.END),
        hold_s=timespan * _HOUR_S,
        messages=_messages(stage.get("post_operation")),
        jobs=_jobs(index, stage, stages, is_ignored=kind == "ignore_error"),
    )


def _jobs(index: int, stage: Json, stages: list[Json], *, is_ignored: bool) -> tuple[JobSpec, ...]:
    first = _job(index, stage, stages, is_ignored=is_ignored)
    if stage["service_name"] != MULTI_DEPLOY:
        return (first,)
    jobs: list[JobSpec] = []
    for place, task in enumerate(stage["params"]["tasks"]):
        waits = jobs[-1:] if stage["params"]["mode"] == "serial" else []
        step = replace(
            first.steps[0],
            id=step_id(stage["id"], place),
            name=task["name"],
            inputs=task_inputs(stage, task),
        )
        job = replace(
            first,
            id=job_id(stage["id"], place),
            name=task["name"],
            hash_id=f"c-{place:08x}{stage['id']:024x}",
            depends_on=tuple(job.id for job in waits),
            steps=(step,),
        )
        jobs.append(job)
    return tuple(jobs)


def _job(index: int, stage: Json, stages: list[Json], *, is_ignored: bool) -> JobSpec:
    service = stage["service_name"]
    kind, make_inputs = KINDS[service]
    seconds = limit_of(kind)
    step = StepSpec(
        id=step_id(stage["id"]),
        name=stage["name"],
        kind=kind,
        code=service,
        inputs=make_inputs(index, stage, stages),
        timeout_s=seconds,
    )
    return JobSpec(
        id=job_id(stage["id"]),
        name=stage["name"],
        continue_on_failure=is_ignored,
        hash_id=f"c-{stage['id']:032x}",
        timeout_s=seconds,
        steps=(step,),
    )


# --- variables, triggers, messages ----------------------------------------------------------------


def _parameter(variable: Json) -> ParameterSpec:
    computed = _COMPUTED.get(variable["name"], "")
    return ParameterSpec(
        name=variable["name"],
        default=variable["value"],
        constant=bool(computed),
        desc=variable["description"],
        computed=computed,
    )


def _incoming(operation: Json | None, stage: str) -> list[Hook]:
    hooks = []
    for position, trigger in enumerate(operation["triggers"] if operation else []):
        is_channel = "channel" in trigger
        what = trigger["channel" if is_channel else "webhook"]
        hook = Hook(
            id=what["id"],
            kind=HookKind.CHANNEL if is_channel else HookKind.WEBHOOK,
            project=ProjectId(""),
            pipeline=_NOBODY,
            stage=stage,
            position=position,
            name=what.get("name", ""),
            converts=_pairs(trigger),
        )
        hooks.append(hook)
    return hooks


def _pushes(stage: Json) -> list[Hook]:
    code_hook = stage["params"].get("code_hook")
    if code_hook is None:
        return []
    hook = Hook(
        id=code_hook["id"],
        kind=HookKind.CODE,
        project=ProjectId(""),
        pipeline=_NOBODY,
        stage=str(stage["id"]),
        secret=code_hook["secret"],
        extra=dict(stage["params"]["code_trigger"]),
    )
    return [hook]


def _pairs(trigger: Json) -> tuple[tuple[str, str], ...]:
    return tuple(
        (each["name"], each["pipeline_param_name"])
        for each in trigger.get("pipeline_param_converts", [])
    )


def _messages(operation: Json | None) -> tuple[MessageSpec, ...]:
    return tuple(
        MessageSpec(
            kind="channel" if "channel" in trigger else "webhook",
            on_success=trigger.get("condition", 0) != 2,
            on_failure=trigger.get("condition", 0) != 1,
            values=_pairs(trigger),
            config=dict(trigger.get("channel") or trigger["webhook"]),
        )
        for trigger in (operation["triggers"] if operation else [])
    )


def _notifications(operation: Json | None) -> tuple[MessageSpec, ...]:
    given = operation["notification"]["notifications"] if operation else []
    return tuple(
        MessageSpec(
            kind="notification",
            on_success=each["config"]["condition"] != 2,
            on_failure=each["config"]["condition"] != 1,
            config=dict(each["config"]),
        )
        for each in given
    )
