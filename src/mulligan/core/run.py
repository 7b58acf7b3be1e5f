"""One snapshot of a run, frozen. Only `evolve` makes the next one.

A run keeps, for every node, the record of its latest attempt. A node that nothing has happened to
yet has no record at all: `Run.stage`, `Run.job` and `Run.step` give its initial value. Records of
earlier attempts stay in the store and are never changed again.

`run_attempt` of a record is the attempt of the run (1 for the start, +1 for each retry of a
finished run) in which the record was made: what an attempt N of the run looked like is, for each
node, its latest record with `run_attempt` <= N.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from immutables import Map

from mulligan.core.cause import Cause
from mulligan.core.ids import (
    SYSTEM,
    JobId,
    PipelineId,
    ProjectId,
    RunId,
    RunnerName,
    StageId,
    StepId,
    UserName,
)
from mulligan.core.posts import PostAction
from mulligan.core.quality import Rule
from mulligan.core.spec import TRIGGER_STAGE, Dialect, SpecIndex
from mulligan.core.status import Status
from mulligan.core.triggers.origin import Origin

Record = dict[str, Any]

# Kind of the gate at which a run stands before it may wait for its turn; its node is that of the
# trigger, which is no stage of ours.
ROLLBACK = "rollback"  # Job.mode
TRIGGER_REVIEW = "trigger-review"


class Weather(StrEnum):
    """What the steps of a job amount to so far; conditions of later steps look at it."""

    OK = "ok"
    SOFT = "soft"  # only failures that were continued
    FAILED = "failed"
    CANCELLED = "cancelled"


class CancelRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody asked to stop the run while `stage` (a position) was the current one."""

    by: UserName
    at: datetime
    stage: int
    forced: bool = False


class ChangedName(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody changed when they asked for a retry, without its value.

    Args:
        kind: "input", "env", "timeout" or "parameter".
        step: Whose it is; "" = the run's.
    """

    kind: str
    name: str = ""
    step: StepId | None = None


class Repair(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A retry or skip of a step while the run went on; `seconds_saved`: by what was kept."""

    at: datetime
    actor: UserName
    what: str  # retry | skip
    target: str
    reason: str = ""
    seconds_saved: float = 0.0
    changes: tuple[ChangedName, ...] = ()


class RunAttempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One pass over the run: who caused it and how it went.

    Args:
        seconds_saved: What the work took that a retry kept.
        repairs: Of steps of it while it went on, oldest first.
        changes: What was changed for it: not the definition, and not the attempts before it.
    """

    number: int
    actor: UserName
    queued_at: datetime
    what: str = "start"  # start | retry | skip | rollback
    target: str = ""  # node that was asked for; "" = the whole run
    reason: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    status: Status | None = None
    cause: Cause | None = None
    seconds_saved: float = 0.0
    repairs: tuple[Repair, ...] = ()
    changes: tuple[ChangedName, ...] = ()


class RunSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Rules that hold for a run, fixed when it starts (peers: a later edit must not change it)."""

    dialect: Dialect = Dialect.CLASSIC
    only_current_attempt: bool = False  # verdict "as-upstream" instead of R8
    fail_on_long_values: bool = False
    on_lost: str = "rerun"  # rerun | fail
    lost_budget: int = 3
    cancel_policy: str = "EXECUTE_PERMISSION"


class Concurrency(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The concurrency group of a run: of its project, over all pipelines, one run goes at a time.

    `group`: its name as evaluated at the start; `supersedes`: older runs of the group are stopped.
    """

    group: str
    supersedes: bool = False


class NewValue(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The value of a parameter from an attempt of the run on; None = as it was started with."""

    run_attempt: int
    value: str | None = None


class StartParameter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A parameter as the run was started with; `changes`: for later attempts, oldest first."""

    name: str
    value: str
    kind: str = "STRING"
    read_only: bool = False
    sensitive: bool = False
    default: str = ""
    desc: str = ""
    changes: tuple[NewValue, ...] = ()

    def at(self, attempt: int) -> str:
        """Return the value that it has in an attempt of the run."""
        for change in reversed(self.changes):
            if change.run_attempt <= attempt:
                return self.value if change.value is None else change.value
        return self.value

    @property
    def present(self) -> str:
        """Return the value that it has in the newest attempt."""
        return self.at(self.changes[-1].run_attempt) if self.changes else self.value


class Called(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The run of another pipeline that a step has started."""

    project: ProjectId
    pipeline: PipelineId
    run: RunId
    number: int


class Caller(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The step that started the run.

    Args:
        step_attempt, run_attempt: In which it was started.
        waits: The step ends as this run ends; else it has ended already.
        pipelines: Those that led to this run, each started by the one before; the last is the
            pipeline of the step.
    """

    project: ProjectId
    pipeline: PipelineId
    pipeline_name: str
    run: RunId
    number: int
    step: StepId
    step_attempt: int
    run_attempt: int
    waits: bool = True
    pipelines: tuple[PipelineId, ...] = ()


class RunError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A failed step as the last end of the run left it. `job`: of a copy of a matrix job."""

    step: StepId
    job: JobId | None = None
    message: str = ""
    error_type: int | None = None
    error_code: int | None = None


class RunHead(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is true of the run as a whole."""

    id: RunId
    project: ProjectId
    pipeline: PipelineId
    version: int
    number: int
    started_by: UserName
    queued_at: datetime
    attempts: tuple[RunAttempt, ...]
    revision: int = 1
    attempt: int = 1
    status: Status = Status.QUEUED
    cause: Cause | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    start_kind: str = "service"
    message: str = ""
    remark: str = ""
    cancel: CancelRequest | None = None
    stage: int = -1  # position of the stage that the run is in; -1 before the first
    settings: RunSettings = RunSettings()
    concurrency: Concurrency | None = None
    parameters: tuple[StartParameter, ...] = ()
    disabled_steps: frozenset[StepId] = frozenset()  # switched off at this start
    unmatched: frozenset[str] = frozenset()  # patterns of `if_modify` that no changed path matches
    failed_steps: tuple[StepId, ...] = ()  # in order of failing; leaves when it succeeds later
    errors: tuple[RunError, ...] = ()  # as of the last end; kept until the next end
    chain: int = 0  # how many runs led to this one, each by a message of the one before
    retry_target: str = ""  # first node of the newest partial retry, for the scripts to see
    origin: Origin | None = None  # the trigger that started it, if one did
    released_at: datetime | None = None  # somebody gave the failed run up before its hold was over
    released_by: UserName | None = None
    caller: Caller | None = None
    rules: tuple[Rule, ...] = ()  # that its stages name, as they were at the start
    alias: str = ""  # of its number, by the rule of its pipeline
    version_number: int | None = None  # the last part of the recommended version
    posts: tuple[PostAction, ...] = ()  # of the plugins that were installed when it started

    @property
    def is_rollback(self) -> bool:
        """Tell whether the newest attempt is a rollback: it begins and ends with its target."""
        return self.attempts[-1].what == "rollback"


class Gate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The run waits at a node for a person (or for the time-out of waiting)."""

    node: str  # StageId or StepId
    number: int
    kind: str  # stage-review | step-review | pause | signal | quality | trigger-review
    run_attempt: int
    opened_at: datetime
    state: str = "open"  # open | approved | rejected
    group: int = 0  # position of the review group that is asked
    reviewers: tuple[str, ...] = ()  # of that group, variables substituted
    due_at: datetime | None = None
    votes: tuple["Vote", ...] = ()
    values: Record = {}  # parameters as changed so far; of a signal gate: hook -> what it brought
    closed_at: datetime | None = None
    carried: bool = False  # an approval of an earlier attempt that still holds (R10)


class Vote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One person's answer for one review group."""

    group: int
    user: UserName
    approve: bool
    at: datetime
    suggestion: str = ""
    values: Record = {}


class Stage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Latest record of a stage. `open_jobs` is derived: jobs of it that aren't final."""

    id: StageId
    attempt: int = 1
    run_attempt: int = 1
    status: Status = Status.QUEUED
    cause: Cause | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    open_jobs: int = 0


class MutexTicket(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A mutex that a job has asked for; it is the job's own once the job is queued.

    `places`: how many may wait for it when this one does; `due_at`: until when it waits.
    """

    name: str
    asked_at: datetime
    places: int = 0
    due_at: datetime | None = None
    held: bool = False


class Job(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Latest attempt of a job. `cursor` and `weather` are derived from its steps."""

    id: JobId
    attempt: int = 1
    run_attempt: int = 1
    status: Status = Status.QUEUED
    cause: Cause | None = None
    queued_at: datetime | None = None  # None: not released yet (stage or dependency)
    started_at: datetime | None = None
    counted_from: datetime | None = None  # when its time began; anew after a loss or a pause
    ended_at: datetime | None = None
    fence: int = 0
    runner: RunnerName | None = None
    parked: bool = False  # running, but no runner holds it: a gate is open in it, or it is split
    stopping: Cause | None = None  # no further step may start, for this reason
    mutex: MutexTicket | None = None
    message: str = ""  # why it ended, where no step of it says so
    workspace: str = "fresh"  # fresh | live | widened
    mode: str = ""  # "" or ROLLBACK: it takes back what it deployed
    combinations: tuple[dict[str, str], ...] = ()  # of a matrix job that is split, see `copies_of`
    cursor: int = 0
    weather: Weather = Weather.OK


class StepPatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a step has otherwise than its definition, because a retry was asked for with it.

    Args:
        inputs: By name; those of a plugin are the members of its own `input`.
        env: Variables of its process besides or instead of those that are defined.
        timeout_s: Seconds for one attempt; None = as defined.
    """

    inputs: dict[str, Any] = {}
    env: dict[str, str] = {}
    timeout_s: int | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Latest attempt of a step.

    `error_type` and `error_code` are numbers of the dialects' common table
    (spec/bkci-model-and-engine.md §2.16); None when there is no error.
    """

    id: StepId
    attempt: int = 1
    run_attempt: int = 1
    job_attempt: int = 1
    status: Status = Status.QUEUED
    cause: Cause | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    signal: int | None = None
    message: str = ""
    error_type: int | None = None
    error_code: int | None = None
    runner: RunnerName | None = None
    auto_retries: int = 0  # budget used since it last succeeded, over all run attempts
    manual_retries: int = 0
    lost: int = 0  # attempts lost in a row
    pin: str = ""  # what a retry must use again: the commit that a checkout resolved
    actor: UserName = SYSTEM  # who waived or decided
    reason: str = ""
    called: Called | None = None  # of kind "call": the run that it waits for, or has started
    inputs: Record | None = None  # instead of those of its definition: changed at its pause
    patch: StepPatch | None = None  # changed for a retry; holds for the rest of the run
    parameters_of: int = 0  # attempt of the run that has changed parameters last, before it ran
    metrics: tuple[tuple[str, str], ...] = ()  # what quality rules look at, in the order told
    progress: str = ""  # the last rate that it told: a number from 0 to 1, or JSON


class Write(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One value of a variable and who wrote it (R5). `writer`: "start" or a step id."""

    name: str
    value: str
    writer: str = "start"
    attempt: int = 0  # of the step that wrote it
    run_attempt: int = 1
    read_only: bool = False
    sensitive: bool = False


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Snapshot of a run at `head.revision`. `index`: of its pipeline version and `head.posts`."""

    head: RunHead
    index: SpecIndex
    stages: Map[StageId, Stage] = Map()
    jobs: Map[JobId, Job] = Map()
    steps: Map[StepId, Step] = Map()
    gates: Map[str, Gate] = Map()
    writes: Map[str, tuple[Write, ...]] = Map()  # per name, oldest first, withdrawn ones left out

    def stage(self, stage_id: StageId) -> Stage:
        """Return the latest record of a stage."""
        return self.stages.get(stage_id) or Stage(id=stage_id)

    def job(self, job_id: JobId) -> Job:
        """Return the latest attempt of a job."""
        return self.jobs.get(job_id) or Job(id=job_id)

    def step(self, step_id: StepId) -> Step:
        """Return the latest attempt of a step."""
        return self.steps.get(step_id) or Step(id=step_id)

    def open_gate(self, node: str) -> Gate | None:
        """Return the gate at which the run waits at that node, if it does."""
        gate = self.gates.get(node)
        return gate if gate is not None and gate.state == "open" else None

    def value(self, name: str) -> str | None:
        """Return the present value of a variable: the last write that holds."""
        stack = self.writes.get(name)
        return stack[-1].value if stack else None

    def awaited_mutex(self, job_id: JobId) -> MutexTicket | None:
        """Return the mutex that a job waits for, if it does."""
        job = self.job(job_id)
        waits = job.status is Status.QUEUED and job.mutex is not None and not job.mutex.held
        return job.mutex if waits else None

    def rule(self, ident: str) -> Rule | None:
        """Return a quality rule that the run knows: as the project had it, or of one's own."""
        own = (rule for stage in self.index.spec.stages for rule in stage.rules)
        return next((rule for rule in (*self.head.rules, *own) if rule.id == ident), None)

    @property
    def awaits_trigger(self) -> bool:
        """Tell whether somebody is asked whether the run may begin, for the event's sake."""
        gate = self.open_gate(TRIGGER_STAGE)
        is_asked = gate is not None and gate.kind == TRIGGER_REVIEW
        return is_asked and self.head.status is Status.QUEUED

    def has_reviews_at(self, stage_id: StageId) -> bool:
        """Tell whether people may be asked there: at a stage, or before the first one."""
        return stage_id in self.index.stages or (
            stage_id == TRIGGER_STAGE and stage_id in self.gates
        )

    @property
    def awaits_signals(self) -> StageId | None:
        """Return the stage that the run stands before until signals come, if it does."""
        position = self.head.stage
        if position < 0 or self.head.status is not Status.RUNNING:
            return None
        stage = self.index.spec.stages[position]
        if stage.signals is None or self.stage(stage.id).status is not Status.QUEUED:
            return None
        return stage.id

    @property
    def awaits_review(self) -> bool:
        """Tell whether the run stands at the review of a stage."""
        position = self.head.stage
        if position < 0 or self.head.status is not Status.RUNNING:
            return False
        stage = self.index.spec.stages[position]
        return stage.review is not None and self.open_gate(stage.id) is not None
