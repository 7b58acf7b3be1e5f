"""The definition of a pipeline: PipelineSpec > StageSpec > JobSpec > StepSpec. Frozen values.

A dialect translates its own document into these; nothing below the facades knows where it came
from. The trigger part of a foreign document is not a stage here: its parameters are
`PipelineSpec.parameters`.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import msgspec

from mulligan.core.ids import JobId, StageId, StepId
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
ENGINE_KINDS = frozenset({REVIEW, CALL})


class StepSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One unit of work of a job.

    Args:
        kind: What does the work: "script", "checkout", "archive", "download", "review", "call"
            (a run of another pipeline), "plugin" (any other).
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


class JobSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One unit of placement: one workspace, steps in order."""

    id: JobId
    name: str = ""
    ref: str = ""
    enabled: bool = True
    condition: Condition = PLAIN
    depends_on: tuple[JobId, ...] = ()
    timeout_s: int = 54000
    timeout_text: str = ""
    continue_on_failure: bool = False
    labels: tuple[str, ...] = ()
    mutex: MutexSpec | None = None
    env: tuple[tuple[str, str], ...] = ()
    steps: tuple[StepSpec, ...] = ()
    hash_id: str = ""  # globally unique "c-…", the key of logs


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
    signals: SignalSpec | None = None
    after_failure: AfterFailure = AfterFailure.END
    hold_s: int = 0
    messages: tuple[MessageSpec, ...] = ()
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
    signals: SignalSpec | None = None  # start it without a person
    messages: tuple[MessageSpec, ...] = ()
    counter: CounterSpec | None = None
    trigger_steps: tuple[StepId, ...] = ()  # ids that name what starts the pipeline, not work
    triggers: tuple[TriggerSpec, ...] = ()


# Every document counts what starts the pipeline as its first stage and job.
TRIGGER_STAGE = StageId("stage-1")
TRIGGER_JOB = JobId("0")


class SpecIndex:
    """Positions of all nodes of a definition: every look-up is one dictionary access.

    Built once per version and shared by all its runs; must not be changed.
    """

    __slots__ = (
        "dependents",
        "deploy_steps",
        "job_stage",
        "jobs",
        "spec",
        "stages",
        "step_job",
        "steps",
    )

    def __init__(self, spec: PipelineSpec) -> None:
        self.spec = spec
        self.stages: dict[StageId, int] = {}
        self.jobs: dict[JobId, JobSpec] = {}
        self.job_stage: dict[JobId, int] = {}
        self.steps: dict[StepId, StepSpec] = {}
        self.step_job: dict[StepId, tuple[JobId, int]] = {}
        self.dependents: dict[JobId, list[JobId]] = {}
        self.deploy_steps: list[StepId] = []
        for position, stage in enumerate(spec.stages):
            self.stages[stage.id] = position
            for job in stage.jobs:
                self._add_job(position, job)

    def _add_job(self, position: int, job: JobSpec) -> None:
        self.jobs[job.id] = job
        self.job_stage[job.id] = position
        for needed in job.depends_on:
            self.dependents.setdefault(needed, []).append(job.id)
        for place, step in enumerate(job.steps):
            self.steps[step.id] = step
            self.step_job[step.id] = (job.id, place)
            if step.kind == "deploy":
                self.deploy_steps.append(step.id)

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

    def all_jobs(self) -> Iterator[JobSpec]:
        """Yield all jobs in the order of the definition."""
        for stage in self.spec.stages:
            yield from stage.jobs
