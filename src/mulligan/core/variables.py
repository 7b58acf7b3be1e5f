"""Variables and contexts of a run: what a name means at a step, and who may write it.

The names are those that users' scripts and expressions have (spec/bkci-model-and-engine.md §2.15).
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from mulligan.core.cause import Cause
from mulligan.core.expressions import (
    Context,
    ExpressionError,
    substitute_classic,
    substitute_constrained,
)
from mulligan.core.ids import JobId, StepId, UserName
from mulligan.core.patches import as_changed
from mulligan.core.report import StepReport
from mulligan.core.run import Caller, Run, RunHead, StartParameter, Step, Write
from mulligan.core.secrets import ROOT, SecretLookup
from mulligan.core.spec import Dialect, JobSpec, OnFailure, StepSpec
from mulligan.core.start_parameters import expanded
from mulligan.core.status import Status
from mulligan.core.triggers.values import CI_NAMES
from mulligan.core.values import LONGEST_VALUE
from mulligan.core.verdict import result_word

# (stored name, old name, name in the context `ci`); "" = there is none
_BUILT_IN: tuple[tuple[str, str, str], ...] = (
    ("BK_CI_PROJECT_NAME", "project.name", "project_id"),
    ("BK_CI_PROJECT_NAME_CN", "project.name.chinese", "project_name"),
    ("BK_CI_PIPELINE_ID", "pipeline.id", "pipeline_id"),
    ("BK_CI_PIPELINE_NAME", "pipeline.name", "pipeline_name"),
    ("BK_CI_PIPELINE_VERSION", "pipeline.version", "pipeline_version"),
    ("BK_CI_PIPELINE_CREATE_USER", "", "pipeline_creator"),
    ("BK_CI_PIPELINE_UPDATE_USER", "", "pipeline_modifier"),
    ("BK_CI_BUILD_ID", "pipeline.build.id", "build_id"),
    ("BK_CI_BUILD_NUM", "pipeline.build.num", "build_num"),
    ("BK_CI_BUILD_MSG", "", "build_msg"),
    ("BK_CI_BUILD_REMARK", "", "remark"),
    ("BK_CI_BUILD_START_TIME", "pipeline.time.start", "pipeline_start_time"),
    ("BK_CI_BUILD_END_TIME", "pipeline.time.end", ""),
    ("BK_CI_BUILD_TOTAL_TIME", "pipeline.time.duration", "pipeline_execute_time"),
    ("BK_CI_BUILD_FAIL_TASKS", "", "failed_tasks"),
    ("BK_CI_BUILD_FAIL_TASKNAMES", "", "failed_tasknames"),
    ("BK_CI_BUILD_URL", "", "build_url"),
    ("BK_CI_START_TYPE", "pipeline.start.type", "build_start_type"),
    ("BK_CI_START_USER_ID", "pipeline.start.user.id", ""),
    ("BK_CI_START_USER_NAME", "pipeline.start.user.name", "actor"),
    ("BK_CI_START_CHANNEL", "pipeline.start.channel", ""),
    ("BK_CI_IS_MOBILE", "pipeline.start.isMobile", ""),
    ("BK_CI_RETRY_COUNT", "pipeline.retry.count", ""),
    ("BK_CI_RETRY_BUILD_ID", "", ""),
    ("BK_CI_RETRY_TASK_ID", "", ""),
    ("BK_CI_BUILD_NUM_ALIAS", "", ""),
    ("BK_CI_BUILD_NO", "BuildNo", "build_no"),
    ("BK_CI_MAJOR_VERSION", "MajorVersion", ""),
    ("BK_CI_MINOR_VERSION", "MinorVersion", ""),
    ("BK_CI_FIX_VERSION", "FixVersion", ""),
    ("BK_CI_BUILD_STATUS", "", "build_status"),
    ("BK_CI_AUTHORIZER", "", "authorizer"),
    ("BK_CI_START_TASK_ID", "pipeline.start.task.id", ""),
    ("BK_CI_PIPELINE_DIALECT", "", ""),
    ("BK_CI_FAIL_IF_VARIABLE_INVALID_FLAG", "", ""),
    ("BK_CI_BUILD_JOB_ID", "pipeline.job.id", ""),
    ("BK_CI_BUILD_TASK_ID", "pipeline.task.id", ""),
    ("BK_CI_PARENT_PROJECT_ID", "pipeline.start.parent.project.id", ""),
    ("BK_CI_PARENT_PIPELINE_ID", "pipeline.start.parent.pipeline.id", ""),
    ("BK_CI_PARENT_PIPELINE_NAME", "pipeline.start.parent.pipeline.name", ""),
    ("BK_CI_PARENT_BUILD_ID", "pipeline.start.parent.build.id", ""),
    ("BK_CI_PARENT_BUILD_NUM", "pipeline.start.parent.build.num", ""),
    ("BK_CI_PARENT_BUILD_TASK_ID", "pipeline.start.parent.build.task.id", ""),
    ("BK_CI_PARENT_EXECUTE_COUNT", "pipeline.start.parent.execute.count", ""),
)
_OLD = {old: name for name, old, _ in _BUILT_IN if old}
_CI = {f"ci.{short}": name for name, _, short in _BUILT_IN if short}
_CI["ci.build-no"] = "BK_CI_BUILD_NO"
_CI |= {f"ci.{short}": name for short, name in CI_NAMES.items()}
OLD_NAMES = frozenset(_OLD)
# Parameters of older definitions, which are found by their new names too.
_BY_OLD_NAME = {
    f"BK_CI_{part}_VERSION": f"{part.capitalize()}Version" for part in ("MAJOR", "MINOR", "FIX")
}
# Names that neither a start nor a script may set.
PROTECTED = frozenset(name for name, _, _ in _BUILT_IN) - {
    "BK_CI_START_USER_ID",
    "BK_CI_START_USER_NAME",
    "BK_CI_PIPELINE_NAME",
    "BK_CI_BUILD_MSG",
    "BK_CI_BUILD_REMARK",
    "BK_CI_MAJOR_VERSION",
    "BK_CI_MINOR_VERSION",
    "BK_CI_FIX_VERSION",
}
SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VARIABLES = "variables."
# What stands before the first dot of names that are no variables of a user.
_ROOTS = frozenset({"ci", "envs", "job", "jobs", "matrix", "stages", "step", "steps", "variables"})


# Only the machine of a job knows the job's directory: it puts it in where texts hold this.
WORKSPACE = "${{ ci.workspace }}"
_WORKSPACE_NAMES = frozenset({"ci.workspace", "WORKSPACE"})


def millis(head_time: object) -> str:
    """Give an instant (aware datetime) as epoch milliseconds, "" for None."""
    timestamp: Callable[[], float] | None = getattr(head_time, "timestamp", None)
    return "" if timestamp is None else str(int(timestamp() * 1000))


def built_in_values(run: Run) -> dict[str, str]:
    """Give the built-in values that follow from the state of the run."""
    head = run.head
    values = {
        "BK_CI_BUILD_ID": head.id,
        "BK_CI_BUILD_NUM": str(head.number),
        "BK_CI_PIPELINE_ID": head.pipeline,
        "BK_CI_PROJECT_NAME": head.project,
        "BK_CI_PIPELINE_VERSION": str(head.version),
        "BK_CI_START_TYPE": _START_TYPES.get(head.start_kind, "SERVICE"),
        "BK_CI_START_USER_ID": head.attempts[-1].actor,
        "BK_CI_START_USER_NAME": _starter(run),
        "BK_CI_BUILD_START_TIME": millis(head.started_at or head.queued_at),
    }
    if head.alias:
        values["BK_CI_BUILD_NUM_ALIAS"] = head.alias
    if head.version_number is not None:
        values["BK_CI_BUILD_NO"] = str(head.version_number)
    word = result_word(run)
    if word:
        values["BK_CI_BUILD_STATUS"] = word
    if head.remark:
        values["BK_CI_BUILD_REMARK"] = head.remark
    if head.message:
        values["BK_CI_BUILD_MSG"] = head.message
    if head.attempt > 1:
        values["BK_CI_RETRY_COUNT"] = str(head.attempt - 1)
        values["BK_CI_RETRY_BUILD_ID"] = head.id
        if head.retry_target:
            values["BK_CI_RETRY_TASK_ID"] = head.retry_target
    if head.failed_steps:
        values["BK_CI_BUILD_FAIL_TASKS"] = _failed_lines(run)
        names = (run.index.steps[step_id].name for step_id in head.failed_steps)
        values["BK_CI_BUILD_FAIL_TASKNAMES"] = ",".join(names)
    if head.ended_at is not None and head.started_at is not None:
        values["BK_CI_BUILD_END_TIME"] = millis(head.ended_at)
        total = head.ended_at - head.started_at
        values["BK_CI_BUILD_TOTAL_TIME"] = str(int(total.total_seconds() * 1000))
    return values


# Which part of `BK_CI_START_…_USER_ID` says who started a run of that kind.
_STARTERS = {
    "service": "SERVICE",
    "manual": "MANUAL",
    "timer": "TIME_TRIGGER",
    "webhook": "WEBHOOK",
    "remote": "REMOTE",
    "pipeline": "PIPELINE",
    "trigger_event": "TRIGGER_EVENT",
}


def starter_fact(start_kind: str, user: UserName) -> dict[str, str]:
    """Give the variable that names who started a run, by the kind of its start."""
    word = _STARTERS.get(start_kind)
    return {} if word is None else {f"BK_CI_START_{word}_USER_ID": user}


def _starter(run: Run) -> str:
    """Tell who is behind a start: of an event its author, not who the run is in the name of."""
    known = map(run.value, starter_fact(run.head.start_kind, run.head.started_by))
    return next(filter(None, known), run.head.started_by)


_START_TYPES = {
    "service": "SERVICE",
    "manual": "MANUAL",
    "timer": "TIME_TRIGGER",
    "webhook": "WEB_HOOK",
    "remote": "REMOTE",
    "pipeline": "PIPELINE",
}


def _failed_lines(run: Run) -> str:
    lines = []
    for step_id in run.head.failed_steps:
        job_id = run.index.step_job[step_id][0]
        stage = run.index.stage_of_job(job_id)
        job = run.index.jobs[job_id]
        lines.append(f"[{stage.name}][{job.name}]{run.index.steps[step_id].name} \n")
    return "".join(lines)


class Scope(Mapping[str, str]):
    """All names that can be read at a place of a run: the run, a job, a step.

    A look-up costs no walk over the run; only iterating lists everything – but secrets, which
    are there only if it is given how to look them up.
    """

    __slots__ = ("_built_in", "_job", "_run", "_secrets", "_step")

    def __init__(
        self,
        run: Run,
        job_id: JobId | None = None,
        step_id: StepId | None = None,
        secrets: SecretLookup | None = None,
    ) -> None:
        self._run = run
        self._secrets = secrets
        self._job = run.index.jobs[job_id] if job_id is not None else None
        step = run.index.steps[step_id] if step_id is not None else None
        self._step = as_changed(run, step) if step is not None else None
        self._built_in: dict[str, str] | None = None

    def with_secrets(self, secrets: SecretLookup) -> "Scope":
        """Give the names of the same place, and the secrets besides."""
        job, step = self._job, self._step
        return Scope(self._run, job.id if job else None, step.id if step else None, secrets=secrets)

    @property
    def parameters(self) -> dict[str, str]:
        """Return the present values of the parameters that the pipeline declares."""
        names = (parameter.name for parameter in self._run.head.parameters)
        return {name: self._run.value(name) or "" for name in names}

    def _known(self, name: str) -> str | None:
        value = self._run.value(name)
        if value is not None and name not in PROTECTED:
            return value
        if self._built_in is None:
            self._built_in = built_in_values(self._run) | place_values(self._job, self._step)
        return self._built_in.get(name, value)

    def __getitem__(self, name: str) -> str:
        value = self._find(name)
        if value is None:
            raise KeyError(name)
        return value

    def _find(self, name: str) -> str | None:
        value = self._known(name)
        if value is not None:
            return value
        if name.startswith(_VARIABLES):
            return self._known(name[len(_VARIABLES) :])
        stored = _CI.get(name) or _OLD.get(name) or _BY_OLD_NAME.get(name)
        if stored is not None:
            return self._known(stored)
        if name in _WORKSPACE_NAMES:
            return WORKSPACE
        root, _, rest = name.partition(".")
        finder = _CONTEXTS.get(root)
        return finder(self, rest) if finder is not None and rest else None

    def __iter__(self) -> Iterator[str]:
        seen = dict.fromkeys(self._run.writes)
        seen.update(dict.fromkeys(built_in_values(self._run)))
        seen.update(dict.fromkeys(place_values(self._job, self._step)))
        names = list(seen)
        own = (name for name in names if name.partition(".")[0] not in _ROOTS)
        seen.update(dict.fromkeys(f"{_VARIABLES}{name}" for name in own))
        seen.update(dict.fromkeys(name for name in _CI if self._find(name) is not None))
        seen.update(dict.fromkeys(name for name in _OLD if self._find(name) is not None))
        seen.update(dict.fromkeys(self._context_names()))
        return iter(seen)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _context_names(self) -> Iterator[str]:
        yield from gathered_outputs(self._run)
        if self._job is not None:
            yield from (f"matrix.{name}" for name, _ in self._job.matrix_values)
            yield from (f"job.{key}" for key in ("id", "name", "status", "outcome", "index"))
            if self._run.job(self._job.id).runner is not None:
                yield "job.container.node_alias"
            yield from (f"envs.{name}" for name, _ in self._job.env)
            for step in self._job.steps:
                if step.ref:
                    yield from (f"steps.{step.ref}.{key}" for key in _STEP_KEYS)
            prefix = f"jobs.{self._job.ref}.steps."
            for name in self._run.writes:
                if name.startswith(prefix):
                    yield name[len(f"jobs.{self._job.ref}.") :]
        if self._step is not None:
            yield from (f"step.{key}" for key in _STEP_KEYS)
            yield from (f"envs.{name}" for name, _ in self._step.env)
        for job in self._run.index.all_jobs():
            if job.ref:
                yield f"jobs.{job.ref}.status"
                refs = (step.ref for step in job.steps if step.ref)
                yield from (f"jobs.{job.ref}.steps.{ref}.status" for ref in refs)

    def _find_env(self, rest: str) -> str | None:
        for pairs in (self._step.env if self._step else (), self._job.env if self._job else ()):
            for name, value in pairs:
                if name == rest:
                    return substitute_classic(
                        value, self._find_but_envs, inner=self._find_but_secrets
                    )
        return None

    def _find_but_envs(self, name: str) -> str | None:
        """Find a name for the text of an environment variable, which must not lead to itself."""
        return None if name.startswith("envs.") else self._find(name)

    def _find_but_secrets(self, name: str) -> str | None:
        """Find a name that came in with a value: values name no secrets."""
        return None if name.startswith(f"{ROOT}.") else self._find_but_envs(name)

    def _find_secret(self, rest: str) -> str | None:
        return self._secrets(rest) if self._secrets is not None else None

    def _find_job(self, rest: str) -> str | None:
        return job_fact(self._run, self._job, rest) if self._job is not None else None

    def _find_step(self, rest: str) -> str | None:
        return step_fact(self._run, self._step, rest) if self._step is not None else None

    def _find_steps(self, rest: str) -> str | None:
        if self._job is None:
            return None
        return self._in_job(self._job, rest)

    def _in_job(self, job: JobSpec, rest: str) -> str | None:
        ref, _, key = rest.partition(".")
        if key.startswith("outputs."):
            name = f"steps.{ref}.{key}"
            value = self._run.value(f"jobs.{job.ref}.{name}")
            return _gathered(self._run, job, name) if value is None else value
        for step in job.steps:
            if step.ref == ref:
                return step_fact(self._run, step, key)
        return None

    def _find_jobs(self, rest: str) -> str | None:
        ref, _, key = rest.partition(".")
        for job in self._run.index.definition.all_jobs():
            if job.ref == ref:
                place, _, inner = key.partition(".")
                copy = self._copy(job, place)
                return self._of_job(job, key) if copy is None else self._of_job(copy, inner)
        return None

    def _copy(self, job: JobSpec, place: str) -> JobSpec | None:
        """Find a copy of a matrix job by its place from 0."""
        copies = self._run.index.children.get(job.id, ())
        known = place.isascii() and place.isdecimal() and len(place) <= _MOST_DIGITS
        return copies[int(place)] if known and int(place) < len(copies) else None

    def _of_job(self, job: JobSpec, key: str) -> str | None:
        if key.startswith("steps."):
            return self._in_job(job, key[len("steps.") :])
        return job_fact(self._run, job, key)

    def _find_matrix(self, rest: str) -> str | None:
        return dict(self._job.matrix_values).get(rest) if self._job is not None else None


_MOST_DIGITS = 3  # of the place of a copy
_OF_COPY = re.compile(r"jobs\.(.+)\.[0-9]+\.(steps\..+\.outputs\..+)")


def gathered_outputs(run: Run) -> dict[str, str]:
    """Give the outputs of matrix jobs: for each of their copies' a list of its values, as JSON."""
    if not run.index.children:
        return {}
    split = {run.index.jobs[job_id].ref: run.index.jobs[job_id] for job_id in run.index.children}
    found: dict[str, str] = {}
    for name in run.writes:
        match = _OF_COPY.fullmatch(name)
        if match is None or match[1] not in split:
            continue
        whole = f"jobs.{match[1]}.{match[2]}"
        if whole not in found:
            found[whole] = _gathered(run, split[match[1]], match[2]) or ""
    return found


def _gathered(run: Run, job: JobSpec, name: str) -> str | None:
    """Give what the copies of a matrix job have under a name as a JSON array; None: nothing."""
    copies = run.index.children.get(job.id, ())
    values = (run.value(f"jobs.{copy.ref}.{name}") for copy in copies)
    found = [value for value in values if value is not None]
    return msgspec.json.encode(found).decode() if found else None


_CONTEXTS: dict[str, Callable[[Scope, str], str | None]] = {
    "envs": Scope._find_env,
    "job": Scope._find_job,
    "step": Scope._find_step,
    "steps": Scope._find_steps,
    "jobs": Scope._find_jobs,
    ROOT: Scope._find_secret,
    "matrix": Scope._find_matrix,
}
_STEP_KEYS = (
    "name",
    "id",
    "status",
    "outcome",
    "retry-count-manual",
    "retry-count-auto",
)
_WORDS = {
    Status.QUEUED: "UNEXEC",
    Status.RUNNING: "RUNNING",
    Status.SUCCEEDED: "SUCCEED",
    Status.FAILED: "FAILED",
    Status.CANCELLED: "CANCELED",
    Status.SKIPPED: "SKIP",
}


def _outcome(status: Status, cause: Cause | None) -> str:
    if status is Status.SKIPPED and cause is Cause.UNREACHED:
        return "UNEXEC"
    return _WORDS[status]


def step_fact(run: Run, spec: StepSpec, key: str) -> str | None:
    """Give one fact of the contexts `step` and `steps.<ref>`; None for unknown keys."""
    step: Step = run.step(spec.id)
    continued = step.status is Status.FAILED and spec.on_failure is OnFailure.CONTINUE
    facts: dict[str, Callable[[], str]] = {
        "name": lambda: spec.name,
        "id": lambda: spec.ref,
        "status": lambda: "SUCCEED" if continued else _outcome(step.status, step.cause),
        "outcome": lambda: _outcome(step.status, step.cause),
        "retry-count-manual": lambda: str(step.manual_retries),
        "retry-count-auto": lambda: str(step.auto_retries),
        "atom_code": lambda: spec.code,
        "atom_version": lambda: str(spec.inputs.get("version", "")),
        "error_code": lambda: "" if step.error_code is None else str(step.error_code),
        "error_message": lambda: step.message,
    }
    fact = facts.get(key)
    return fact() if fact is not None else None


def job_fact(run: Run, spec: JobSpec, key: str) -> str | None:
    """Give one fact of the contexts `job` and `jobs.<ref>`; None for unknown keys."""
    job = run.job(spec.id)
    stage = run.index.stage_of_job(spec.id)
    continued = job.status is Status.FAILED and spec.continue_on_failure
    facts: dict[str, Callable[[], str | None]] = {
        "id": lambda: spec.ref,
        "name": lambda: spec.name,
        "container.node_alias": lambda: job.runner,  # None: no machine has it yet
        "index": lambda: str(_place_of(run, spec)),
        "status": lambda: "SUCCEED" if continued else _outcome(job.status, job.cause),
        "outcome": lambda: _outcome(job.status, job.cause),
        "stage_id": lambda: stage.ref or stage.id,
        "stage_name": lambda: stage.name,
        "os": lambda: "LINUX",
        "retry_task_id": lambda: run.head.retry_target,
    }
    fact = facts.get(key)
    return fact() if fact is not None else None


def _place_of(run: Run, job: JobSpec) -> int:
    """Tell how many jobs of its stage stand before it; of a copy, how many copies."""
    parent = run.index.parents.get(job.id)
    if parent is None:
        stage = run.index.stage_of_job(job.id)
        return [other.id for other in stage.jobs].index(job.id)
    return [other.id for other in run.index.children[parent]].index(job.id)


def substitute_people(names: Iterable[str], scope: Mapping[str, str]) -> tuple[str, ...]:
    """Substitute variables in names of people and split lists ("a,b;c") – no name twice.

    A text that gets too large by it names nobody.
    """
    found: dict[str, None] = {}
    for name in names:
        with contextlib.suppress(ExpressionError):
            for part in re.split(r"[,;]", substitute_classic(name, scope.get)):
                if part.strip():
                    found[part.strip()] = None
    return tuple(found)


def open_text(run: Run, text: str, job_id: JobId | None = None) -> str | None:
    """Substitute variables in a text that everybody may see; None if that would show a secret.

    Expressions are computed where the dialect of the run has them.

    Raises:
        ExpressionError: It would get too large, or cost too much.
    """
    scope = Scope(run, job_id)
    value = text
    if run.head.settings.dialect is Dialect.CONSTRAINED and "${{" in text:
        value = substitute_constrained(text, Context.from_flat(scope))
    value = substitute_classic(value, scope.get)
    shows = (secret in value and secret not in text for secret in secrets_of(run))
    return None if any(shows) else value


def shown_text(run: Run, text: str) -> str:
    """Substitute variables in a text that people read; as it is if that can't be done."""
    with contextlib.suppress(ExpressionError):
        value = open_text(run, text)
        if value is not None:
            return value
    return text


def environment_of(
    run: Run, job_id: JobId, step: StepSpec, secrets: SecretLookup | None = None
) -> dict[str, str]:
    """Give the variables that a step's process gets: those whose names a shell can hold."""
    plain = Scope(run, job_id, step.id)
    scope = plain if secrets is None else plain.with_secrets(secrets)
    values = {
        name: stack[-1].value for name, stack in run.writes.items() if SHELL_NAME.fullmatch(name)
    }
    built_in = built_in_values(run).items()
    values.update((name, value) for name, value in built_in if _is_fixed(name, values))
    job = run.index.jobs[job_id]
    values.update((f"matrix.{name}", value) for name, value in job.matrix_values)
    for pairs in (job.env, step.env):
        for name, value in pairs:
            values[name] = substitute_classic(value, scope.get, inner=plain.get)
    values |= place_values(run.index.jobs[job_id], step)
    return {name: value.replace("\0", "") for name, value in values.items()}


def place_values(job: JobSpec | None, step: StepSpec | None) -> dict[str, str]:
    """Give the built-in values that tell where in a run something is."""
    values = {} if job is None else {"BK_CI_BUILD_JOB_ID": str(job.id)}
    if step is not None:
        values |= {
            "BK_CI_BUILD_TASK_ID": step.id,
            "BK_CI_STEP_ID": step.ref,
            "BK_CI_TASK_NAME": step.name,
            "BK_CI_ATOM_CODE": step.code,
            "BK_CI_ATOM_NAME": step.name,
            "BK_CI_ATOM_VERSION": str(step.inputs.get("version", "")),
            "BK_CI_ATOM_TIMEOUT": str(step.timeout_s // 60),
        }
    return values


def values_for_plugin(
    run: Run, job_id: JobId, step: StepSpec, secrets: SecretLookup | None = None
) -> dict[str, str]:
    """Give everything that can be read at a step, under old and new names, and its environment."""
    step = as_changed(run, step)
    return dict(Scope(run, job_id, step.id)) | environment_of(run, job_id, step, secrets)


def _is_fixed(name: str, written: Mapping[str, str]) -> bool:
    """Tell whether the built-in value of a name counts: a few may be written, see `PROTECTED`."""
    return name in PROTECTED or name not in written


def secrets_of(run: Run) -> tuple[str, ...]:
    """Give the values that must not appear in logs: those of sensitive parameters.

    One that was changed for a retry stays a secret: files that were kept may hold it.
    """
    written = (write for stack in run.writes.values() for write in stack if write.sensitive)
    changed = (each for each in run.head.parameters if each.sensitive and each.changes)
    values = dict.fromkeys(write.value for write in written)
    for parameter in changed:
        values |= dict.fromkeys(
            (parameter.value, *(each.value or "" for each in parameter.changes))
        )
    return tuple(value for value in values if value)


def parameter_writes(parameters: Iterable[StartParameter], run_attempt: int) -> tuple[Write, ...]:
    """Give the writes with which the parameters of a start are applied, and what they hold."""
    return tuple(
        Write(
            name=name,
            value=value,
            run_attempt=run_attempt,
            read_only=parameter.read_only,
            sensitive=parameter.sensitive,
        )
        for parameter in parameters
        for name, value in ((parameter.name, parameter.present), *expanded(parameter))
    )


def caller_facts(caller: Caller | None) -> dict[str, str]:
    """Give what a run can read of the step that started it."""
    if caller is None:
        return {}
    return {
        "BK_CI_PARENT_PROJECT_ID": caller.project,
        "BK_CI_PARENT_PIPELINE_ID": caller.pipeline,
        "BK_CI_PARENT_PIPELINE_NAME": caller.pipeline_name,
        "BK_CI_PARENT_BUILD_ID": caller.run,
        "BK_CI_PARENT_BUILD_NUM": str(caller.number),
        "BK_CI_PARENT_BUILD_TASK_ID": caller.step,
        "BK_CI_PARENT_EXECUTE_COUNT": str(caller.run_attempt),
    }


def start_writes(
    head: RunHead, facts: Mapping[str, str], parameters: Iterable[StartParameter]
) -> tuple[Write, ...]:
    """Give the writes of a new run: facts of its pipeline (read-only), then its parameters."""
    built_in = tuple(
        Write(name=name, value=value, run_attempt=head.attempt, read_only=name in PROTECTED)
        for name, value in facts.items()
    )
    return (*built_in, *parameter_writes(parameters, head.attempt))


def writes_of_report(run: Run, report: StepReport) -> tuple[Write, ...]:
    """Give the writes of a step that ended; forbidden, over-long and secret ones are left out."""
    if not report.variables and not report.outputs:
        return ()
    secrets = secrets_of(run)
    sensitive = frozenset(report.sensitive)
    job = run.index.job_of_step(report.step)
    step = run.index.steps[report.step]
    named = [(name, value, name in sensitive) for name, value in report.variables]
    if job.ref and step.ref:
        prefix = f"jobs.{job.ref}.steps.{step.ref}.outputs."
        named.extend((prefix + name, value, name in sensitive) for name, value in report.outputs)
    return tuple(
        Write(
            name=name,
            value=value,
            writer=report.step,
            attempt=report.attempt,
            run_attempt=run.head.attempt,
            sensitive=is_secret,
        )
        for name, value, is_secret in named
        if _may_write(run, name, value, secrets)
    )


_STRICT_NAME = re.compile(r"[A-Za-z_0-9.-]*")


def problem_of_writes(run: Run, report: StepReport) -> str:
    """Say which value a step was not allowed to write, if that fails it; "" = none.

    Values that are only left out (secrets, built-in names) fail nothing.
    """
    settings = run.head.settings
    is_strict = settings.dialect is Dialect.CONSTRAINED
    for name, value in (*report.variables, *report.outputs):
        if settings.fail_on_long_values and len(value) > LONGEST_VALUE:
            return f"the value of {name} is longer than {LONGEST_VALUE} characters"
        if is_strict and not _STRICT_NAME.fullmatch(name):
            return f"{name!r} can't be the name of a variable"
    for name, _ in report.variables:
        stack = run.writes.get(name)
        if stack and stack[-1].read_only and name not in PROTECTED:
            return f"the variable {name} is read-only"
    return ""


def _may_write(run: Run, name: str, value: str, secrets: tuple[str, ...]) -> bool:
    if not name.strip() or name in PROTECTED or len(value) > LONGEST_VALUE:
        return False
    stack = run.writes.get(name)
    if stack and stack[-1].read_only:
        return False
    return not any(secret in value for secret in secrets)
