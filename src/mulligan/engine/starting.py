"""What a new run begins with: the checks of a start, its parameters and settings. Pure."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from immutables import Map
from msgspec.structs import replace

from mulligan.core.admission import concurrency_of
from mulligan.core.alias import number_alias
from mulligan.core.changed_paths import unmatched
from mulligan.core.decision import Draft
from mulligan.core.events import ValuesWritten
from mulligan.core.evolve import evolve
from mulligan.core.ids import RunId
from mulligan.core.needs import circle_of, settled_needs
from mulligan.core.posts import PostAction, index_of
from mulligan.core.quality import Rule
from mulligan.core.records import Pipeline, PipelineVersion, Project
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Run, RunAttempt, RunHead, RunSettings, Write
from mulligan.core.spec import PipelineSpec, SpecIndex
from mulligan.core.start_parameters import start_parameters
from mulligan.core.values import text_of
from mulligan.core.variables import Scope, caller_facts, start_writes, starter_fact
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
    posts: tuple[PostAction, ...] = (),
    run_id: RunId,
    number: int,
    now: datetime,
    policy: StartPolicy,
    of_day: int = 1,
    version_number: int | None = None,
    rules: tuple[Rule, ...] = (),
) -> tuple[Run, tuple[Write, ...]] | Refusal:
    """Make the first snapshot of a run and its start values, or say why it may not start.

    Args:
        of_day: Which run of its day it is, from 1.
        version_number: What its recommended version ends with.
        rules: The quality rules that its stages name.
    """
    refusal = _check(command, pipeline, project, version)
    if refusal is not None or version is None or index is None:
        return refusal or _no_version(pipeline)
    computed = {"number": str(number), "timestamp": timestamp_digits(now, policy)}
    parameters = start_parameters(
        version.spec.parameters, command.values, pipeline.settings, computed
    )
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
        unmatched=unmatched(version.spec, command.changed_paths),
        chain=command.chain,
        caller=command.caller,
        version_number=version_number,
        rules=rules,
        posts=posts,
        origin=command.trigger,
    )
    facts = {
        "BK_CI_PROJECT_NAME_CN": project.name if project is not None else pipeline.project,
        "BK_CI_PIPELINE_NAME": pipeline.name,
        "BK_CI_PIPELINE_CREATE_USER": pipeline.created_by,
        "BK_CI_PIPELINE_UPDATE_USER": pipeline.updated_by,
        "BK_CI_START_CHANNEL": "BS",
        "BK_CI_IS_MOBILE": "false",
        "BK_CI_BUILD_URL": f"{policy.public_url}/runs/{run_id}",
        "BK_CI_AUTHORIZER": pipeline.updated_by,
        "BK_CI_PIPELINE_DIALECT": settings.dialect.value.upper(),
        "BK_CI_FAIL_IF_VARIABLE_INVALID_FLAG": text_of(settings.fail_on_long_values),
        "BK_CI_START_TASK_ID": next(iter(version.spec.trigger_steps), ""),
        **starter_fact(command.start_kind, command.actor),
        **caller_facts(command.caller),
        **command.facts,
    }
    writes = start_writes(head, facts, parameters)
    settled = _with_needs(Run(head=head, index=index), version.spec, writes)
    if isinstance(settled, Refusal):
        return settled
    head, index = settled.head, settled.index
    concurrency = concurrency_of(pipeline.settings, Run(head=head, index=index), writes)
    run = Run(head=replace(head, concurrency=concurrency), index=index)
    rule = pipeline.settings.alias_rule
    if rule:
        values = Scope(evolve(run, ValuesWritten(at=now, writes=writes)))
        alias = number_alias(rule, _local(now, policy), of_day, values.get)
        run = replace(run, head=replace(run.head, alias=alias))
    return run, writes


def _with_needs(run: Run, spec: PipelineSpec, writes: tuple[Write, ...]) -> Run | Refusal:
    """Settle what jobs wait for by names with variables, or say that they wait for each other."""
    needs = settled_needs(replace(run, writes=Map({write.name: (write,) for write in writes})))
    if not needs:
        return run
    posts = (*run.head.posts, *needs)
    index = index_of(spec, posts)
    circle = circle_of({job.id: job.depends_on for job in index.jobs.values()})
    if circle:
        names = " -> ".join(index.jobs[job].ref for job in sorted(circle))
        return Refusal(
            code=RefusalCode.PARAMETER_INVALID,
            message=f"by these parameters jobs depend on each other in a circle: {names}",
            values=(names,),
        )
    return replace(run, head=replace(run.head, posts=posts), index=index)


def _local(now: datetime, policy: StartPolicy) -> datetime:
    return now + timedelta(hours=policy.utc_offset_hours)


def start_of_day(now: datetime, policy: StartPolicy) -> datetime:
    """Give the instant at which the present day began, in the server's time zone for days."""
    offset = timedelta(hours=policy.utc_offset_hours)
    return (now + offset).replace(hour=0, minute=0, second=0, microsecond=0) - offset


def timestamp_digits(now: datetime, policy: StartPolicy) -> str:
    """Give an instant as 18 digits: local time to the second, then four of its fraction."""
    local = _local(now, policy)
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
    if command.disabled_steps and not version.spec.steps_optional:
        step = min(command.disabled_steps)
        return Refusal(
            code=RefusalCode.STEPS_NOT_OPTIONAL,
            message=f"step {step} can't be left out: the pipeline's manual trigger must allow it",
            node=step,
            instead=("start with all steps",),
        )
    return None
