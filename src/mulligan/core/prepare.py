"""Make the order for a step: everything its runner needs, with all texts substituted. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from mulligan.core.expressions import (
    Context,
    ExpressionError,
    substitute_classic,
    substitute_constrained,
)
from mulligan.core.ids import JobId, PipelineId, ProjectId, RunId, StepId
from mulligan.core.minutes import minutes_of, running_minutes
from mulligan.core.patches import as_changed, changed_names, patched
from mulligan.core.run import Run, Step
from mulligan.core.secrets import ROOT, SecretLookup, SecretObjects
from mulligan.core.spec import ENGINE_KINDS, Dialect, JobSpec, StepSpec
from mulligan.core.values import text_of
from mulligan.core.variables import WORKSPACE, Scope, environment_of, secrets_of

_DEFAULT_JOB_MINUTES = 900  # spec/bkci-model-and-engine.md §2.6
_Replace: TypeAlias = Callable[[str, bool], str]  # a text, and whether it is a script
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class StepOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One step attempt, ready to be run.

    Args:
        fence: Of the claim; comes back with the report.
        job_timeout_s: Seconds that the job may take in all, from `Job.counted_from`.
        workspace: "fresh" or "widened": begin with an empty directory (only at the first step of
            a job attempt); "live": use it as it is.
        inputs: Of the step's kind, substituted.
        secrets: Texts to be masked in the output.
        problem: Set if the step can't be run; it then fails with this message.
        mode: "rollback" if the step takes back what it deployed.
        variables: All that a plugin can read, by old and new names; filled in only for plugins.
        post_of: The step whose post action this is, "" = none.
        notes: Lines for its log before it begins.
        names_workspace: Its texts may name the job's directory, see `in_workspace`.
    """

    run_id: RunId
    project: ProjectId
    pipeline: PipelineId
    run_attempt: int
    job_id: JobId
    job_attempt: int
    fence: int
    step_id: StepId
    step_attempt: int
    step_name: str
    kind: str
    code: str
    inputs: dict[str, Any]
    env: dict[str, str]
    timeout_s: float
    job_timeout_s: float
    workspace: str
    secrets: tuple[str, ...] = ()
    pin: str = ""
    problem: str = ""
    mode: str = ""
    variables: dict[str, str] = {}
    post_of: str = ""
    notes: tuple[str, ...] = ()
    names_workspace: bool = False


def prepare_step(run: Run, step: StepSpec, secrets: SecretLookup | None = None) -> StepOrder:
    """Make the order for a step that was just started.

    Args:
        secrets: Gives the values that texts name as `settings.ID.FIELD`.
    """
    job_id = run.index.step_job[step.id][0]
    job_spec = run.index.jobs[job_id]
    job = run.job(job_id)
    record = run.step(step.id)
    notes = _changes(step, record)
    step = as_changed(run, step)
    scope = Scope(run, job_id, step.id)
    order = StepOrder(
        run_id=run.head.id,
        project=run.head.project,
        pipeline=run.head.pipeline,
        run_attempt=run.head.attempt,
        job_id=job_id,
        job_attempt=job.attempt,
        fence=job.fence,
        step_id=step.id,
        step_attempt=record.attempt,
        step_name=step.name,
        kind=step.kind,
        code=step.code,
        inputs={},
        env={},
        timeout_s=0.0,
        job_timeout_s=float(job_spec.timeout_s),
        workspace="live" if _has_begun(run, job_spec, step) else job.workspace,
        secrets=secrets_of(run),
        pin=record.pin,
        mode=job.mode,
        post_of=step.post_of or "",
        notes=notes,
        names_workspace=run.head.settings.dialect is not Dialect.DECLARED,
    )
    try:
        seconds, problem = step_seconds(step, scope)
        return replace(
            order,
            inputs=_inputs(run, step, scope, secrets),
            env=environment_of(run, job_id, step, secrets),
            timeout_s=seconds,
            job_timeout_s=job_seconds(job_spec, scope),
            problem=problem,
        )
    except ExpressionError as error:  # its texts would get too large, or cost too much
        return replace(order, problem=error.reason)


def in_workspace(order: StepOrder, path: str) -> StepOrder:
    """Put the job's directory in where the texts of an order name it."""
    if not order.names_workspace:
        return order

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(WORKSPACE, path)
        if isinstance(value, list):
            return [walk(item) for item in value]
        return (
            {key: walk(item) for key, item in value.items()} if isinstance(value, dict) else value
        )

    return replace(
        order,
        inputs=walk(order.inputs),
        env=walk(order.env),
        variables=walk(order.variables),
        secrets=tuple(dict.fromkeys((*order.secrets, *map(walk, order.secrets)))),
    )


def _inputs(run: Run, step: StepSpec, scope: Scope, secrets: SecretLookup | None) -> dict[str, Any]:
    inputs = _substitute(step, run.head.settings.dialect, scope, secrets)
    if step.kind == "plugin" and step.post_of is not None:
        # the version that did the work also tidies up after it
        return {**inputs, "version": run.step(step.post_of).pin or inputs.get("version")}
    return inputs


def _changes(defined: StepSpec, record: Step) -> tuple[str, ...]:
    """Tell what of a step somebody changed: for a retry by its names, at its pause as it is."""
    lines: list[str] = []
    names = changed_names(record.patch)
    if names:
        lines.append(f"changed for this run: {', '.join(names)}")
    step = patched(defined, record.patch)
    for name, value in (record.inputs or {}).items():
        before = step.inputs.get(name)
        if value != before:
            lines.append(f"plugin: {step.name}, params {name} updated:")
            lines.append(f"before: {text_of(before)}")
            lines.append(f"after: {text_of(value)}")
    return tuple(lines)


def _has_begun(run: Run, job: JobSpec, step: StepSpec) -> bool:
    """Tell whether an earlier step of this job attempt has run: then there are its files."""
    attempt = run.job(job.id).attempt
    place = run.index.step_job[step.id][1]
    for earlier in reversed(job.steps[:place]):
        record = run.step(earlier.id)
        if earlier.kind in ENGINE_KINDS:
            continue  # they leave no files
        if record.started_at is not None and record.job_attempt == attempt:
            return True
    return False


def _substitute(
    step: StepSpec, dialect: Dialect, plain: Scope, secrets: SecretLookup | None = None
) -> dict[str, Any]:
    """Substitute the inputs of a step. What came in with a value of `plain` names no secret."""
    replace_text = _REPLACERS[dialect](plain, secrets)

    def walk(value: Any, *, is_script: bool) -> Any:
        if isinstance(value, str):
            return replace_text(value, is_script)
        if isinstance(value, list):
            return [walk(item, is_script=False) for item in value]
        if isinstance(value, dict):
            return {key: walk(item, is_script=False) for key, item in value.items()}
        return value

    return {
        name: walk(value, is_script=step.kind == "script" and name == "script")
        for name, value in step.inputs.items()
    }


def _declared(plain: Scope, _secrets: SecretLookup | None) -> _Replace:
    return lambda text, _is_script: substitute_declared(text, plain.parameters)


def _constrained(plain: Scope, secrets: SecretLookup | None) -> _Replace:
    inner = Context.from_flat(plain)
    context = inner if secrets is None else inner.with_root(ROOT, SecretObjects(secrets))
    return lambda text, _is_script: substitute_constrained(text, context, inner=inner)


def _classic(plain: Scope, secrets: SecretLookup | None) -> _Replace:
    scope = plain if secrets is None else plain.with_secrets(secrets)
    return lambda text, is_script: substitute_classic(
        text, scope.get, inner=plain.get, skip_comments=is_script
    )


_REPLACERS: dict[Dialect, Callable[[Scope, SecretLookup | None], _Replace]] = {
    Dialect.DECLARED: _declared,
    Dialect.CONSTRAINED: _constrained,
    Dialect.CLASSIC: _classic,
}


def resolved_inputs(run: Run, step: StepSpec) -> dict[str, Any]:
    """Give the inputs of a step with all texts substituted, as a step that starts now gets them.

    Raises:
        ExpressionError: They would get too large, or cost too much.
    """
    job_id = run.index.step_job[step.id][0]
    scope = Scope(run, job_id, step.id)
    step = as_changed(run, step)
    return _substitute(step, run.head.settings.dialect, scope)


def substitute_declared(text: str, values: Mapping[str, str]) -> str:
    """Replace `${NAME}` of the given names, in one pass; everything else stays as it is."""
    return _REFERENCE.sub(lambda found: values.get(found[1], found[0]), text)


def step_seconds(step: StepSpec, scope: Scope) -> tuple[float, str]:
    """Give the time limit of a step in seconds, and what is wrong with it ("" = nothing)."""
    if not step.timeout_text.strip():
        return float(step.timeout_s), ""
    minutes = minutes_of(step.timeout_text, scope.get)
    if minutes is None:
        return 0.0, f"the time-out {step.timeout_text!r} is not a number of minutes"
    return running_minutes(minutes) * 60.0, ""


def job_seconds(job: JobSpec, scope: Scope) -> float:
    """Give the time limit of a job in seconds."""
    if not job.timeout_text.strip():
        return float(job.timeout_s)
    minutes = minutes_of(job.timeout_text, scope.get)
    return running_minutes(_DEFAULT_JOB_MINUTES if minutes is None else minutes) * 60.0
