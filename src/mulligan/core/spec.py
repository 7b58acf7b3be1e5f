"""The definition of a pipeline: PipelineSpec > StageSpec > JobSpec > StepSpec. Frozen values.

A dialect translates its own document into these; nothing below the facades knows where it came
from. The trigger part of a foreign document is not a stage here: its parameters are
`PipelineSpec.parameters`.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import msgspec
from immutables import Map

from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.quality import Rule
from mulligan.core.triggers.spec import TriggerSpec


class RunWhen(StrEnum):
    """On which facts a step, job or stage runs."""

    SUCCESS = "success"  # steps: everything before it went well (default)
    UNLESS_CANCELLED = "unless-cancelled"  # also after a failure
    ALWAYS = "always"  # also after a failure or a cancel
    FAILURE = "failure"  # only after a failure, a continued one included
    HARD_FAILURE = "hard-failure"  # only after a failure that was not continued
    VARIABLES = "variables"  # all named variables have the given values
    UNLESS_VARIABLES = "unless-variables"  # not all of them have
    EXPRESSION = "expression"  # the expression is true
    PARENT_ENDED = "parent-ended"  # post actions: the step that they belong to really ran
    PARENT_CUT = "parent-cut"  # post actions: that step was cancelled or timed out
    PREVIOUS_SUCCEEDED = "previous-succeeded"  # jobs of the finally stage
    PREVIOUS_FAILED = "previous-failed"
    PREVIOUS_CANCELLED = "previous-cancelled"


class Condition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When a node runs. `variables` are pairs (name, wanted value)."""

    when: RunWhen = RunWhen.SUCCESS
    variables: tuple[tuple[str, str], ...] = ()
    expression: str = ""


PLAIN = Condition()


class OnFailure(StrEnum):
    """What a failed step means for its job."""

    STOP = "stop"
    CONTINUE = "continue"  # go on as if it had succeeded, but remember
    ASK = "ask"  # the job fails and a person may skip the step


# Kinds of steps that the engine carries out itself: no program, no workspace.
REVIEW = "review"
CALL = "call"
QUALITY = "quality"
ENGINE_KINDS = frozenset({REVIEW, CALL, QUALITY})


class StepSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One unit of work of a job.

    Args:
        kind: What does the work: "script", "checkout", "archive", "download", "review", "call"
            (a run of another pipeline), "quality" (rules around a plugin), "plugin" (any other).
        ref: The author's own id, unique in its job; "" when absent.
        timeout_s: Seconds for one attempt; `timeout_text` (a number or one variable) wins.
        auto_retries: Tries after the first that happen without being asked for, 0 to 5.
        inputs: What the kind needs, in the names of the definition.
    """

    id: StepId
    name: str = ""
    kind: str = "script"
    ref: str = ""
    enabled: bool = True
    condition: Condition = PLAIN
    on_failure: OnFailure = OnFailure.STOP
    may_skip: bool = False
    may_retry: bool = True
    auto_retries: int = 0
    timeout_s: int = 6000
    timeout_text: str = ""
    pause_before: bool = False
    env: tuple[tuple[str, str], ...] = ()
    code: str = ""  # name of the plugin, for people and error lists
    post_of: StepId | None = None
    if_modify: tuple[str, ...] = ()  # paths: switched off when an event changed none of them
    inputs: dict[str, Any] = {}


class MutexSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A lock of the project that one job holds at a time, from before its start to its end.

    Args:
        name: Variables are substituted.
        places: Jobs that may wait for it at once; 0: a job that finds it taken fails.
        timeout_s: How long a job may wait, 0 = not at all; `timeout_text` (minutes, or one
            variable) wins.
    """

    name: str
    places: int = 0
    timeout_s: int = 0
    timeout_text: str = ""


class MatrixSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job that stands for many: one copy for each combination of values.

    Args:
        strategy: YAML or JSON: the values of each dimension. Expressions in all texts are computed
            when the job's turn comes.
        include, exclude: Lists of combinations to be added or completed, and to be left out.
        fast_kill: The first copy that fails ends the others.
        max_parallel: Copies that are under way at once, 1 to 50.
    """

    strategy: str = ""
    include: str = ""
    exclude: str = ""
    fast_kill: bool = False
    max_parallel: int = 5


class JobSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One unit of placement: one workspace, steps in order.

    Args:
        matrix: The job itself never runs: its copies do, see `core/matrix.py`.
        matrix_values: Of such a copy: its combination.
        depends_text: Names of jobs with variables in them, for what is only known at the start.
        most_per_runner, most_at_once: How many runs of the pipeline may be in this job at once, on
            one runner and over all; 0 = any number.
    """

    id: JobId
    name: str = ""
    ref: str = ""
    enabled: bool = True
    condition: Condition = PLAIN
    depends_on: tuple[JobId, ...] = ()
    depends_text: str = ""
    timeout_s: int = 54000
    timeout_text: str = ""
    continue_on_failure: bool = False
    labels: tuple[str, ...] = ()
    mutex: MutexSpec | None = None
    most_per_runner: int = 0
    most_at_once: int = 0
    env: tuple[tuple[str, str], ...] = ()
    steps: tuple[StepSpec, ...] = ()
    hash_id: str = ""  # globally unique "c-…", the key of logs
    if_modify: tuple[str, ...] = ()  # as of a step
    matrix: MatrixSpec | None = None
    matrix_values: tuple[tuple[str, str], ...] = ()


class ReviewParam(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value that a reviewer may change; `kind` is one of the review value types."""

    key: str
    value: Any = None
    kind: str = "STRING"
    required: bool = False
    desc: str = ""


class ReviewGroup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """People of whom any one decides; groups are asked one after the other.

    `groups`: roles of the project; whoever has one when the review opens is asked.
    """

    id: str
    name: str = "Flow 1"
    reviewers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class ReviewSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What must be approved before a stage begins. `timeout_s`: default 24 h."""

    groups: tuple[ReviewGroup, ...] = ()
    params: tuple[ReviewParam, ...] = ()
    desc: str = ""
    timeout_s: int = 86400


class SignalSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Signals from outside that a stage waits for before it begins.

    Args:
        signals: Ids of the hooks that bring them, in the order of the definition.
        needs_all: All of them, else one is enough.
    """

    signals: tuple[str, ...] = ()
    needs_all: bool = False


class AfterFailure(StrEnum):
    """What the failure of a stage means for the run, besides that it ends."""

    END = ""  # it stays failed and can be retried for as long as runs can
    HOLD = "hold"  # it can be retried for `hold_s`, and holds automatic starts off
    RESET = "reset"  # it can't be retried; the pipeline stands at its start again


class MessageSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message that is sent when a stage or the run has its result.

    Args:
        kind: "webhook", "channel" or "notification".
        on_success, on_failure: For which results it is sent.
        values: Pairs (name in the message, variable whose value it carries).
        config: What the kind needs: method, url, headers, body, params; name; or who and how.
    """

    kind: str
    on_success: bool = True
    on_failure: bool = True
    values: tuple[tuple[str, str], ...] = ()
    config: dict[str, Any] = {}


class StageSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Jobs that run side by side; stages follow one another."""

    id: StageId
    name: str = ""
    ref: str = ""
    enabled: bool = True
    condition: Condition = PLAIN
    fast_kill: bool = False
    is_finally: bool = False
    review: ReviewSpec | None = None
    check_in: tuple[str, ...] = ()  # ids of quality rules that must hold before it begins
    check_out: tuple[str, ...] = ()  # … and when all its jobs went well
    rules: tuple[Rule, ...] = ()  # its own; others are kept in the project
    signals: SignalSpec | None = None
    after_failure: AfterFailure = AfterFailure.END
    hold_s: int = 0
    messages: tuple[MessageSpec, ...] = ()
    if_modify: tuple[str, ...] = ()  # as of a step
    jobs: tuple[JobSpec, ...] = ()


class ParameterSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A start parameter. `constant`: always the default; `must_have`: refused when empty.

    `computed`: the start gives the value: "timestamp" (18 digits: local time to the second, then
    four of its fraction) or "number" (that of the run).
    """

    name: str
    default: str = ""
    kind: str = "STRING"
    constant: bool = False
    read_only: bool = False
    must_have: bool = False
    sensitive: bool = False
    desc: str = ""
    computed: str = ""
    options: tuple[str, ...] = ()  # the only values it may have; empty = any
    shown_when: tuple[tuple[str, str], ...] = ()  # (parameter, value): else it may stay empty


class Dialect(StrEnum):
    """How texts are substituted (bkci-model-and-engine.md §1.9, swr-pipeline-api.md §3.0)."""

    CLASSIC = "classic"
    CONSTRAINED = "constrained"
    DECLARED = "declared"  # only declared parameters, in one pass


class Counting(StrEnum):
    """After which runs the last part of the recommended version grows by one."""

    NEVER = "never"
    SUCCESS = "success"  # of its first attempt
    EVERY = "every"  # at the start


class CounterSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last part of the recommended version; `first`: of the first run."""

    first: int = 0
    counting: Counting = Counting.NEVER


class PipelineSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One immutable version of a pipeline."""

    name: str
    stages: tuple[StageSpec, ...] = ()
    parameters: tuple[ParameterSpec, ...] = ()
    manual_start: bool = True
    steps_optional: bool = False  # a start may leave steps out
    signals: SignalSpec | None = None  # start it without a person
    messages: tuple[MessageSpec, ...] = ()
    counter: CounterSpec | None = None
    trigger_steps: tuple[StepId, ...] = ()  # ids that name what starts the pipeline, not work
    triggers: tuple[TriggerSpec, ...] = ()


# Every document counts what starts the pipeline as its first stage and job.
TRIGGER_STAGE = StageId("stage-1")
TRIGGER_JOB = JobId("0")


_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class _Layers(Mapping[_Key, _Value]):
    """A mapping of a definition with what a run adds to it. The keys of both are others."""

    __slots__ = ("_added", "_defined")

    def __init__(self, defined: Mapping[_Key, _Value], added: "Map[_Key, _Value]") -> None:
        self._defined = defined
        self._added = added

    def __getitem__(self, key: _Key) -> _Value:
        found = self._added.get(key)
        return self._defined[key] if found is None else found

    def __iter__(self) -> Iterator[_Key]:
        yield from self._defined
        yield from self._added

    def __len__(self) -> int:
        return len(self._defined) + len(self._added)


class _Added(msgspec.Struct, frozen=True):
    """What the copies of matrix jobs add to the index of a definition."""

    jobs: "Map[JobId, JobSpec]" = Map()
    job_stage: "Map[JobId, int]" = Map()
    steps: "Map[StepId, StepSpec]" = Map()
    step_job: "Map[StepId, tuple[JobId, int]]" = Map()
    parents: "Map[JobId, JobId]" = Map()
    children: "Map[JobId, tuple[JobSpec, ...]]" = Map()


class SpecIndex:
    """Positions of all nodes of a definition: every look-up is one dictionary access.

    Built once per version and shared by all its runs; must not be changed. A run whose matrix
    jobs are split has an index of its own, which holds the copies over the shared one.

    Attributes:
        children: The copies of each matrix job that is split, in order.
        parents: The matrix job of each copy.
        definition: The index without any copies.
    """

    __slots__ = (
        "_added",
        "children",
        "definition",
        "dependents",
        "deploy_steps",
        "job_stage",
        "jobs",
        "parents",
        "spec",
        "stages",
        "step_job",
        "steps",
    )

    def __init__(self, spec: PipelineSpec) -> None:
        jobs: dict[JobId, JobSpec] = {}
        job_stage: dict[JobId, int] = {}
        steps: dict[StepId, StepSpec] = {}
        step_job: dict[StepId, tuple[JobId, int]] = {}
        self.spec = spec
        self.definition: SpecIndex = self
        self.stages: dict[StageId, int] = {}
        self.jobs: Mapping[JobId, JobSpec] = jobs
        self.job_stage: Mapping[JobId, int] = job_stage
        self.steps: Mapping[StepId, StepSpec] = steps
        self.step_job: Mapping[StepId, tuple[JobId, int]] = step_job
        self.dependents: dict[JobId, list[JobId]] = {}
        self.deploy_steps: list[StepId] = []
        self.children: Mapping[JobId, tuple[JobSpec, ...]] = {}
        self.parents: Mapping[JobId, JobId] = {}
        self._added = _Added()
        for position, stage in enumerate(spec.stages):
            self.stages[stage.id] = position
            for job in stage.jobs:
                jobs[job.id] = job
                job_stage[job.id] = position
                for needed in job.depends_on:
                    self.dependents.setdefault(needed, []).append(job.id)
                for place, step in enumerate(job.steps):
                    steps[step.id] = step
                    step_job[step.id] = (job.id, place)
                    if step.kind == "deploy":
                        self.deploy_steps.append(step.id)

    def __eq__(self, other: object) -> bool:
        """Compare: the same definition object, split in the same way."""
        if not isinstance(other, SpecIndex):
            return NotImplemented
        same = self.definition is other.definition
        return same and self._added.children == other._added.children

    def __hash__(self) -> int:
        return id(self.definition)

    def with_children(self, job_id: JobId, children: tuple[JobSpec, ...]) -> "SpecIndex":
        """Return the index of a run in which that matrix job has these copies; () = none."""
        old = self.children.get(job_id, ())
        if not old and not children:
            return self
        added = self._added
        position = self.job_stage[job_id]
        with (
            added.jobs.mutate() as jobs,
            added.job_stage.mutate() as job_stage,
            added.steps.mutate() as steps,
            added.step_job.mutate() as step_job,
            added.parents.mutate() as parents,
        ):
            for child in old:
                del jobs[child.id], job_stage[child.id], parents[child.id]
                for step in child.steps:
                    del steps[step.id], step_job[step.id]
            for child in children:
                jobs[child.id] = child
                job_stage[child.id] = position
                parents[child.id] = job_id
                for place, step in enumerate(child.steps):
                    steps[step.id] = step
                    step_job[step.id] = (child.id, place)
            split = added.children.set(job_id, children)
            more = _Added(
                jobs.finish(),
                job_stage.finish(),
                steps.finish(),
                step_job.finish(),
                parents.finish(),
                split if children else split.delete(job_id),
            )
        return self.definition._grown(more)

    def _grown(self, added: _Added) -> "SpecIndex":
        index = SpecIndex.__new__(SpecIndex)
        for name in ("spec", "definition", "stages", "dependents", "deploy_steps"):
            setattr(index, name, getattr(self, name))
        index.jobs = _Layers(self.jobs, added.jobs)
        index.job_stage = _Layers(self.job_stage, added.job_stage)
        index.steps = _Layers(self.steps, added.steps)
        index.step_job = _Layers(self.step_job, added.step_job)
        index.children = added.children
        index.parents = added.parents
        index._added = added
        return index

    def stage_of_job(self, job_id: JobId) -> StageSpec:
        """Return the stage that holds the job."""
        return self.spec.stages[self.job_stage[job_id]]

    def job_of_step(self, step_id: StepId) -> JobSpec:
        """Return the job that holds the step."""
        return self.jobs[self.step_job[step_id][0]]

    def finally_position(self) -> int | None:
        """Return the position of the finally stage, if there is one."""
        last = len(self.spec.stages) - 1
        return last if last >= 0 and self.spec.stages[last].is_finally else None

    def jobs_of(self, stage: StageSpec) -> Iterator[JobSpec]:
        """Yield the jobs of a stage in the order of the definition, copies behind their job."""
        for job in stage.jobs:
            yield job
            yield from self.children.get(job.id, ())

    def all_jobs(self) -> Iterator[JobSpec]:
        """Yield all jobs in the order of the definition, copies behind their job."""
        for stage in self.spec.stages:
            yield from self.jobs_of(stage)
