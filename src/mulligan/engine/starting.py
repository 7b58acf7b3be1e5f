"""What a new run begins with: the checks of a start, its parameters and settings. Pure."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from mulligan.core.decision import Draft
from mulligan.core.ids import RunId
from mulligan.core.records import Pipeline, PipelineSettings, PipelineVersion, Project
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Run, RunAttempt, RunHead, RunSettings, StartParameter, Write
from mulligan.core.spec import ParameterSpec, SpecIndex
from mulligan.core.values import LONGEST_VALUE
from mulligan.core.variables import caller_facts, start_writes
from mulligan.engine.commands import StartRun


class StartPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Server-wide rules that a run takes with it."""

    only_current_attempt: bool = False
    on_lost: str = "rerun"
    lost_budget: int = 3
    queue_floor: int = 200  # unfinished runs at which a pipeline is full, at least
    public_url: str = ""
    utc_offset_hours: float = 8  # of computed timestamps


class SpecialStart(msgspec.Struct, frozen=True, kw_only=True):
    """How a run begins that does something else than to go through its stages."""

    attempt: RunAttempt
    begin: Callable[[Draft], None]


def new_run(
    command: StartRun,
    *,
    pipeline: Pipeline,
    project: Project | None,
    version: PipelineVersion | None,
    index: SpecIndex | None,
    run_id: RunId,
    number: int,
    now: datetime,
    policy: StartPolicy,
) -> tuple[Run, tuple[Write, ...]] | Refusal:
    """Make the first snapshot of a run and its start values, or say why it may not start."""
    refusal = _check(command, pipeline, project, version)
    if refusal is not None or version is None or index is None:
        return refusal or _no_version(pipeline)
    computed = {"number": str(number), "timestamp": timestamp_digits(now, policy)}
    parameters = _parameters(version.spec.parameters, command.values, pipeline.settings, computed)
    if isinstance(parameters, Refusal):
        return parameters
    settings = RunSettings(
        dialect=pipeline.settings.dialect,
        only_current_attempt=policy.only_current_attempt,
        fail_on_long_values=pipeline.settings.fail_on_long_values,
        on_lost=policy.on_lost,
        lost_budget=policy.lost_budget,
        cancel_policy=pipeline.settings.cancel_policy,
    )
    head = RunHead(
        id=run_id,
        project=pipeline.project,
        pipeline=pipeline.id,
        version=pipeline.version,
        number=number,
        started_by=command.actor,
        queued_at=now,
        attempts=(RunAttempt(number=1, actor=command.actor, queued_at=now),),
        start_kind=command.start_kind,
        message=command.message,
        settings=settings,
        parameters=parameters,
        disabled_steps=command.disabled_steps,
        chain=command.chain,
        caller=command.caller,
    )
    facts = {
        "BK_CI_PROJECT_NAME_CN": project.name if project is not None else pipeline.project,
        "BK_CI_PIPELINE_NAME": pipeline.name,
        "BK_CI_PIPELINE_CREATE_USER": pipeline.created_by,
        "BK_CI_PIPELINE_UPDATE_USER": pipeline.updated_by,
        "BK_CI_START_CHANNEL": "BS",
        "BK_CI_IS_MOBILE": "false",
        "BK_CI_BUILD_URL": f"{policy.public_url}/runs/{run_id}",
        **caller_facts(command.caller),
    }
    return Run(head=head, index=index), start_writes(head, facts, parameters)


def timestamp_digits(now: datetime, policy: StartPolicy) -> str:
    """Give an instant as 18 digits: local time to the second, then four of its fraction."""
    local = now + timedelta(hours=policy.utc_offset_hours)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 100:04d}"


def _no_version(pipeline: Pipeline) -> Refusal:
    return Refusal(
        code=RefusalCode.NO_RELEASED_VERSION,
        message=f"pipeline {pipeline.id} has no released version; release one first",
    )


def _check(
    command: StartRun,
    pipeline: Pipeline,
    project: Project | None,
    version: PipelineVersion | None,
) -> Refusal | None:
    if pipeline.deleted_at is not None:
        return Refusal(
            code=RefusalCode.PIPELINE_DELETED,
            message=f"pipeline {pipeline.id} is deleted; restore it first",
            values=(pipeline.id,),
        )
    if pipeline.locked or pipeline.settings.run_lock == "LOCK":
        return Refusal(
            code=RefusalCode.PIPELINE_LOCKED,
            message=f"pipeline {pipeline.id} is locked; enable it first",
        )
    if project is None or project.disabled:
        return Refusal(
            code=RefusalCode.PROJECT_DISABLED,
            message=f"project {pipeline.project} is disabled",
            values=(pipeline.project,),
        )
    if version is None:
        return _no_version(pipeline)
    if command.needs_manual_trigger and not version.spec.manual_start:
        return Refusal(
            code=RefusalCode.NOT_STARTABLE,
            message="the pipeline has no enabled manual trigger",
        )
    return None


def _parameters(
    specs: tuple[ParameterSpec, ...],
    given: dict[str, str],
    settings: PipelineSettings,
    computed: dict[str, str],
) -> tuple[StartParameter, ...] | Refusal:
    """Take the defined parameters; other given names are dropped (build-api §2.2.1)."""
    found: list[StartParameter] = []
    for spec in specs:
        value = spec.default if spec.constant else given.get(spec.name, spec.default)
        if spec.computed:
            value = computed[spec.computed]
        if spec.must_have and not value.strip():
            return Refusal(
                code=RefusalCode.PARAMETER_REQUIRED,
                message=f"parameter {spec.name} must have a value",
                values=(spec.name,),
            )
        if len(value) > LONGEST_VALUE:
            if settings.fail_on_long_values:
                return Refusal(
                    code=RefusalCode.PARAMETER_TOO_LONG,
                    message=f"parameter {spec.name} is longer than {LONGEST_VALUE} characters",
                    values=(spec.name,),
                )
            value = value[:LONGEST_VALUE]
        found.append(
            StartParameter(
                name=spec.name,
                value=value,
                kind=spec.kind,
                read_only=spec.constant or spec.read_only,
                sensitive=spec.sensitive,
                default=spec.default,
                desc=spec.desc,
            )
        )
    return tuple(found)
