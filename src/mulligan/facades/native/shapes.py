"""What answers look like. Instants are RFC 3339 in UTC; absent things are null, never left out."""

from datetime import datetime
from typing import Any

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all answers."""


# --- people -----------------------------------------------------------------------------------


class NewToken(Shape, frozen=True, kw_only=True):
    """A new token; `token` is stored nowhere: a repeat after a restart gets it empty."""

    id: str
    token: str


class TokenView(Shape, frozen=True, kw_only=True):
    """A token, without its secret."""

    id: str
    name: str
    user: str
    projects: tuple[str, ...]
    role: str | None
    created_at: datetime
    expires_at: datetime | None


class UserView(Shape, frozen=True, kw_only=True):
    """A user."""

    name: str
    is_admin: bool
    disabled: bool
    language: str
    email: str
    created_at: datetime


class SessionView(Shape, frozen=True, kw_only=True):
    """Who calls.

    Args:
        user: None: nobody, no credential was sent.
        way: "session" (signed in to the page), "token", "login" or "dev" (nobody is asked).
        is_dev: The server is one for development.
        version: Of the server; "" for nobody.
    """

    user: str | None
    language: str
    is_admin: bool
    way: str
    is_dev: bool
    version: str


class MemberView(Shape, frozen=True, kw_only=True):
    """A user's place in a project."""

    user: str
    role: str
    permissions: tuple[str, ...]


class NewApp(Shape, frozen=True, kw_only=True):
    """A new application; `secret` is stored nowhere: a repeat after a restart gets it empty."""

    code: str
    secret: str


class AuditView(Shape, frozen=True, kw_only=True):
    """Who did what, when, from where and why."""

    id: int
    at: datetime
    actor: str
    action: str
    target: str
    outcome: str
    origin: str
    reason: str
    detail: dict[str, Any]


# --- projects and pipelines -------------------------------------------------------------------


class ProjectView(Shape, frozen=True, kw_only=True):
    """A project."""

    id: str
    number: int
    name: str
    description: str
    disabled: bool
    created_by: str
    created_at: datetime


class ProjectDetail(ProjectView, frozen=True, kw_only=True):
    """A project, and how far the caller may go in it.

    Args:
        permissions: What the caller may do here, sorted: "start", "retry", "skip" …; names as in
            the table of roles. A page disables what is not among them.
    """

    permissions: tuple[str, ...]


class Caution(Shape, frozen=True, kw_only=True):
    """A part of a definition that was taken in but can't run here.

    Args:
        pointer: JSON pointer into the document that was sent.
        line, column: In a pipeline file in YAML, from 1.
    """

    pointer: str
    detail: str
    line: int | None = None
    column: int | None = None


class PipelineSaved(Shape, frozen=True, kw_only=True):
    """A stored version of a pipeline, and how much work is in it."""

    id: str
    version: int
    name: str
    stages: int
    jobs: int
    steps: int
    warnings: tuple[Caution, ...]


class PipelineView(Shape, frozen=True, kw_only=True):
    """A pipeline."""

    id: str
    number: int
    project: str
    name: str
    description: str
    version: int
    locked: bool
    created_by: str
    created_at: datetime
    updated_by: str
    updated_at: datetime
    labels: tuple[str, ...] = ()  # as GROUP/LABEL


class StartField(Shape, frozen=True, kw_only=True):
    """A parameter that a start may be given.

    Args:
        kind: STRING, TEXTAREA, BOOLEAN, ENUM, MULTIPLE, PASSWORD … of BK-CI models.
        default: "" for a sensitive one, whether it has one or not.
        options: The only values it may have; empty = any. Of MULTIPLE any of them, with commas.
        read_only: Always the default.
        shown_when: Parameters and the values they must have; else it may stay empty.
    """

    name: str
    kind: str
    default: str
    has_default: bool
    options: tuple[str, ...]
    required: bool
    read_only: bool
    sensitive: bool
    desc: str
    shown_when: dict[str, str]


class StartForm(Shape, frozen=True, kw_only=True):
    """What a start may be given. `manual_start`: people may start it."""

    version: int
    manual_start: bool
    locked: bool
    parameters: tuple[StartField, ...]


# --- runs -------------------------------------------------------------------------------------


class RunSummary(Shape, frozen=True, kw_only=True):
    """A run as lists show it."""

    id: str
    number: int
    project: str
    pipeline: str
    pipeline_name: str
    version: int
    status: str
    cause: str | None
    attempt: int
    revision: int
    actor: str
    start_kind: str
    message: str
    remark: str
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class AttemptView(Shape, frozen=True, kw_only=True):
    """One pass over a run.

    Args:
        what: start, retry, skip or rollback.
        target: Id of a node; "" = the whole run.
    """

    number: int
    what: str
    target: str
    actor: str
    reason: str
    status: str | None
    cause: str | None
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class StepView(Shape, frozen=True, kw_only=True):
    """A step of a run.

    Args:
        ref: Its author's own id.
        run_attempt: The attempt of the run that this is from; an earlier one: it was kept.
        called: Id of the run of another pipeline that it has started.
        progress: How far it says it is: a number from 0 to 1, or JSON; "" = it did not say.
    """

    id: str
    name: str
    ref: str
    kind: str
    status: str
    cause: str | None
    attempt: int
    run_attempt: int
    exit_code: int | None
    message: str
    reason: str
    progress: str
    called: str | None
    started_at: datetime | None
    ended_at: datetime | None


class JobView(Shape, frozen=True, kw_only=True):
    """A job of a run.

    Args:
        copy_of: Of a copy of a matrix job: the id of that job, which itself has no steps.
        values: Of such a copy: its combination.
        mode: "" or rollback: this attempt takes back what the job deployed.
        needs: Ids of jobs of the stage that it waits for.
        message: Why it ended, where no step of it says so.
        workspace: fresh, live or widened.
        queued_at: Since when it waited for a runner.
    """

    id: str
    name: str
    ref: str
    copy_of: str | None
    values: dict[str, str]
    needs: tuple[str, ...]
    status: str
    cause: str | None
    attempt: int
    run_attempt: int
    mode: str
    message: str
    runner: str | None
    workspace: str
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    steps: tuple[StepView, ...]


class StageView(Shape, frozen=True, kw_only=True):
    """A stage of a run."""

    id: str
    name: str
    ref: str
    is_finally: bool
    status: str
    cause: str | None
    attempt: int
    started_at: datetime | None
    ended_at: datetime | None
    jobs: tuple[JobView, ...]


class GateView(Shape, frozen=True, kw_only=True):
    """The run waits here.

    Args:
        kind: stage-review, step-review, pause, signal (a webhook or channel), quality (rules
            of the stage that is the node; gatekeepers answer as to a review) or trigger-review
            (may the run begin that an event has started? The node is stage-1).
        signals: Of a signal: how many have come, and how many are needed.
    """

    node: str
    kind: str
    group: str
    reviewers: tuple[str, ...]
    signals: tuple[int, int] | None
    opened_at: datetime
    due_at: datetime | None


class HolderView(Shape, frozen=True, kw_only=True):
    """A run that has what others wait for; `job`: the job of it that has a mutex, else ""."""

    run: str
    number: int
    pipeline: str
    pipeline_name: str
    job: str
    job_name: str


class WaitView(Shape, frozen=True, kw_only=True):
    """Something that the run or a job of it waits for, and no person gives.

    Args:
        node: A job; "" = the run.
        kind: mutex, limit (of runs in one job), group (concurrency group) or queue (other runs of
            the pipeline).
        name: Of the mutex or group.
        ahead: How many others are in front of it.
        holders: Who has it now; at most 20 are named.
        due_at: When the waiting ends in vain; null if that is not known.
    """

    node: str
    kind: str
    name: str
    ahead: int
    holders: tuple[HolderView, ...]
    due_at: datetime | None


class ParameterView(Shape, frozen=True, kw_only=True):
    """A start parameter; sensitive values are `******`.

    `started_with`: the value at the start, if a retry has changed it; else null.
    """

    name: str
    value: str
    started_with: str | None


class Waiver(Shape, frozen=True, kw_only=True):
    """A step that a person skipped."""

    step: str
    by: str
    reason: str


class CallerView(Shape, frozen=True, kw_only=True):
    """The step of another run that has started a run; `waits`: for its end."""

    run: str
    number: int
    pipeline: str
    pipeline_name: str
    step: str
    waits: bool


class RecoveredView(Shape, frozen=True, kw_only=True):
    """How a run that has succeeded in the end was repaired.

    Args:
        by, at: Who did the last retry or skip, and when.
        seconds_saved: What the work took that was kept instead of being run again.
        seconds_to_recover: From the first bad end to the good one.
    """

    by: str
    at: datetime
    seconds_saved: float
    seconds_to_recover: float | None


class RunState(RunSummary, frozen=True, kw_only=True):
    """A run with all its nodes.

    Args:
        verdict: The result in words; "" while it goes on.
        branch, commit: Of the event that started it; "" of others.
        recovery: How it was repaired, if it succeeded only then; of its newest attempt alone.
    """

    verdict: str
    branch: str
    commit: str
    recovery: RecoveredView | None
    caller: CallerView | None
    attempts: tuple[AttemptView, ...]
    parameters: tuple[ParameterView, ...]
    waivers: tuple[Waiver, ...]
    gates: tuple[GateView, ...]
    waits: tuple[WaitView, ...]
    stages: tuple[StageView, ...]


class StepAttempt(Shape, frozen=True, kw_only=True):
    """One try of a step."""

    number: int
    status: str
    cause: str | None
    runner: str | None
    started_at: datetime | None
    ended_at: datetime | None


class StepAttempts(Shape, frozen=True, kw_only=True):
    """A step with all its tries."""

    id: str
    name: str
    status: str
    cause: str | None
    attempt: int
    attempts: tuple[StepAttempt, ...]


class StepList(Shape, frozen=True, kw_only=True):
    """The steps of a run, in the order of the definition."""

    items: tuple[StepAttempts, ...]


# --- recovery ---------------------------------------------------------------------------------


class PlanTarget(Shape, frozen=True, kw_only=True):
    """What was asked for. `node`: "" = the whole run."""

    scope: str
    node: str


class PlanNode(Shape, frozen=True, kw_only=True):
    """What would happen to a node, and why.

    Args:
        kind: stage, job or step.
        action: rerun, keep or skip.
        workspace: Of a job that runs again: fresh, live or widened.
    """

    kind: str
    id: str
    name: str
    action: str
    reason: str
    workspace: str | None = None


class PlanCounts(Shape, frozen=True, kw_only=True):
    """How many steps get each action."""

    rerun: int
    keep: int
    skip: int


class PlanApprovals(Shape, frozen=True, kw_only=True):
    """Stages whose approval holds, and those that are asked again.

    `asked`: stages and steps at which it will stop until people have answered.
    """

    kept: tuple[str, ...]
    void: tuple[str, ...]
    asked: tuple[str, ...]


class ChangedRef(Shape, frozen=True, kw_only=True):
    """What somebody changed for an attempt, without its value.

    Args:
        kind: input, env, timeout or parameter.
        step: Id of the step; null = a parameter of the run.
    """

    kind: str
    step: str | None
    step_name: str
    name: str


class ChangeView(ChangedRef, frozen=True, kw_only=True):
    """What is otherwise than before. `before` and `after`: null = not there.

    A time-out is in seconds, or the text that gives its minutes. `secret`: values are `******`.
    """

    before: Any
    after: Any
    secret: bool


class PlanView(Shape, frozen=True, kw_only=True):
    """What a recovery would do. Good for one revision; `etag` goes into `If-Match`.

    `expected_seconds`: what runs again usually takes so long; null if that is not known, or when
    it was done. `changes`: what was asked for otherwise and makes a difference.
    """

    run: str
    revision: int
    etag: str
    run_attempt: int
    target: PlanTarget
    skip: bool
    while_running: bool
    counts: PlanCounts
    approvals: PlanApprovals
    seconds_saved: float
    expected_seconds: float | None
    changes: tuple[ChangeView, ...]
    nodes: tuple[PlanNode, ...]


class Recovered(Shape, frozen=True, kw_only=True):
    """What a recovery did."""

    run: RunSummary
    plan: PlanView


class ClockView(Shape, frozen=True, kw_only=True):
    """The time that the server believes in."""

    now: datetime


# --- lists ------------------------------------------------------------------------------------


class ProjectList(Shape, frozen=True, kw_only=True):
    """A page of projects."""

    items: tuple[ProjectView, ...]
    next_cursor: str | None


class UserList(Shape, frozen=True, kw_only=True):
    """A page of users."""

    items: tuple[UserView, ...]
    next_cursor: str | None


class TokenList(Shape, frozen=True, kw_only=True):
    """A page of tokens."""

    items: tuple[TokenView, ...]
    next_cursor: str | None


class MemberList(Shape, frozen=True, kw_only=True):
    """A page of members."""

    items: tuple[MemberView, ...]
    next_cursor: str | None


class AuditList(Shape, frozen=True, kw_only=True):
    """A page of the audit trail, newest first."""

    items: tuple[AuditView, ...]
    next_cursor: str | None
