"""All that the engine needs from outside. Adapters implement these; one suite tests them all.

Common rules: every method may be called from several tasks at once. A method that returns has
done its work durably; one that raises has done nothing. `InfrastructureError` (disk full, database
gone) may come from any of them, the caller may try again later.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from mulligan.core.decision import Decision, Effect
from mulligan.core.deployments import Deployment, Environment, LedgerChange
from mulligan.core.events import Event
from mulligan.core.hooks import AccessKey, Group, GroupGrant, Hook, Note, Template
from mulligan.core.ids import JobId, PipelineId, ProjectId, RunId, StepId, UserName
from mulligan.core.packages import (
    Package,
    PackageFile,
    PackagePlace,
    PackageSummary,
    PackageVersion,
)
from mulligan.core.prepare import StepOrder
from mulligan.core.records import (
    App,
    Artifact,
    AuditEntry,
    Member,
    Pipeline,
    PipelineVersion,
    Project,
    Receipt,
    Token,
    User,
)
from mulligan.core.report import ArchivedFile, StepNote
from mulligan.core.run import Gate, Job, Run, RunHead, Stage, Step
from mulligan.core.status import Status
from mulligan.ports.acts import NO_ACTS as NO_ACTS
from mulligan.ports.acts import Acts as Acts
from mulligan.ports.items import ItemStore
from mulligan.ports.mutexes import MutexStore
from mulligan.ports.overview import OverviewStore as OverviewStore
from mulligan.ports.plugins import PluginStore as PluginStore
from mulligan.ports.postings import PostingStore
from mulligan.ports.quality import QualityStore
from mulligan.ports.secrets import SecretStore
from mulligan.ports.tallies import TallyStore
from mulligan.ports.traces import TraceStore
from mulligan.ports.triggers import TriggerStore


class Clock(Protocol):
    """The time of day; tests and `--dev` may move it forward."""

    def now(self) -> datetime:
        """Return the present instant, aware, UTC."""
        ...


class Ids(Protocol):
    """New identifiers; never one twice."""

    def hex32(self) -> str:
        """Return 32 random lower-case hexadecimal digits."""
        ...


class OutboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """A stored effect that is not done yet."""

    run_id: RunId
    effect: Effect
    created_at: datetime


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """A stored event. `seq` ascends over the whole server, without order between runs."""

    seq: int
    run_id: RunId
    project: ProjectId
    pipeline: PipelineId
    revision: int
    event: Event


class NodeHistory(msgspec.Struct, frozen=True, kw_only=True):
    """All attempts of all nodes of a run, by node, oldest first."""

    stages: dict[str, tuple[Stage, ...]]
    jobs: dict[str, tuple[Job, ...]]
    steps: dict[str, tuple[Step, ...]]
    gates: dict[str, tuple[Gate, ...]]


class RunFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs to list; every field narrows. Instants are inclusive bounds."""

    project: ProjectId | None = None
    pipeline: PipelineId | None = None
    statuses: tuple[Status, ...] = ()
    causes: tuple[str, ...] = ()  # with statuses: Cause values, "" = none
    start_kinds: tuple[str, ...] = ()
    actors: tuple[UserName, ...] = ()
    number_from: int | None = None
    number_to: int | None = None
    queued_from: datetime | None = None
    queued_to: datetime | None = None
    started_from: datetime | None = None
    started_to: datetime | None = None
    ended_from: datetime | None = None
    ended_to: datetime | None = None
    remark: str | None = None  # substring
    message: str | None = None  # substring
    ids: tuple[RunId, ...] = ()
    branches: tuple[str, ...] = ()  # whose event started it; "" = none did
    recovered: bool | None = None


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of runs. `cursor` continues after it; "" = no more. `total` only when asked for."""

    items: tuple[RunHead, ...]
    cursor: str = ""
    total: int | None = None


class RunStore(Protocol):
    """Runs: snapshots, history, events, outbox.

    Order of calls: `open` once, then any, then `close` once.
    """

    async def open(self) -> None:
        """Make or migrate the storage; take it for this process alone."""
        ...

    async def close(self) -> None:
        """Finish what was accepted and let the storage go. May be called twice."""
        ...

    async def append(self, decision: Decision, acts: Acts = NO_ACTS) -> None:
        """Store a decision: events, changed rows, effects, next revision – all or nothing.

        `base_revision` 0 makes a new run. Events `ValuesWritten` / `ValuesWithdrawn` also change
        the table of writes.

        Raises:
            StaleRevisionError: The stored revision is not `base_revision`.
            ConflictError: The number of a new run is taken (code "run-number"), or the receipt's
                key exists (code "receipt").
        """
        ...

    async def get_run(self, run_id: RunId) -> Run:
        """Return the newest snapshot, derived fields filled in.

        Raises:
            NotFoundError: No such run.
        """
        ...

    async def find_head(self, run_id: RunId) -> RunHead | None:
        """Return the head of a run, if it exists."""
        ...

    async def find_run_by_number(self, pipeline: PipelineId, number: int) -> RunId | None:
        """Return the run with that number."""
        ...

    async def last_number(self, pipeline: PipelineId) -> int:
        """Return the greatest run number of the pipeline, 0 without runs."""
        ...

    async def list_runs(
        self,
        where: RunFilter,
        *,
        limit: int = 50,
        cursor: str = "",
        offset: int = 0,
        by_update: bool = False,
        with_total: bool = False,
    ) -> RunPage:
        """Return a page of heads, newest first (by number in a pipeline, else by queued_at).

        `by_update`: by the instant of the last change instead. `cursor` wins over `offset`.
        """
        ...

    async def count_unfinished(self, pipeline: PipelineId) -> tuple[int, int]:
        """Return how many runs of the pipeline are (queued, running)."""
        ...

    async def history(self, run_id: RunId) -> NodeHistory:
        """Return all attempts of all nodes that have a record."""
        ...

    async def step_attempts(self, run_id: RunId, step_id: StepId) -> tuple[Step, ...]:
        """Return the attempts of one step, oldest first."""
        ...

    async def events_after(
        self,
        seq: int,
        *,
        project: ProjectId | None = None,
        run_id: RunId | None = None,
        pipeline: PipelineId | None = None,
        limit: int = 500,
    ) -> tuple[EventRow, ...]:
        """Return stored events with a greater `seq`, ascending."""
        ...

    async def last_seq(self) -> int:
        """Return the greatest `seq` stored, 0 without events."""
        ...

    async def outbox(self) -> tuple[OutboxRow, ...]:
        """Return all effects that are not done yet, oldest first."""
        ...

    async def drop_effect(self, run_id: RunId, kind: str, key: str) -> None:
        """Forget an effect that is done. Dropping a missing one is no error."""
        ...

    async def held_jobs(self) -> tuple[tuple[RunId, JobId], ...]:
        """Return the jobs that a runner holds: running and not parked."""
        ...

    async def add_artifacts(self, artifacts: Sequence[Artifact]) -> None:
        """Store what a step archived; the same (run, step, attempt, path) again replaces it."""
        ...

    async def list_artifacts(self, run_id: RunId) -> tuple[Artifact, ...]:
        """Return all artifacts of a run, oldest first."""
        ...


class AdminStore(Protocol):
    """Projects, pipelines, people. Every `put_…` takes `acts` into the same transaction."""

    async def put_project(self, project: Project, acts: Acts = NO_ACTS) -> Project:
        """Insert (number 0: the next one is given) or replace a project.

        Raises:
            ConflictError: Inserting an id or name that exists (code "project").
        """
        ...

    async def find_project(self, project_id: ProjectId) -> Project | None:
        """Return a project."""
        ...

    async def list_projects(
        self, *, user: UserName | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[Project, ...]:
        """Return projects by number; with `user` only those that the user is a member of."""
        ...

    async def put_pipeline(
        self,
        pipeline: Pipeline,
        version: PipelineVersion | None = None,
        acts: Acts = NO_ACTS,
        *,
        hooks: Sequence[Hook] | None = None,
    ) -> Pipeline:
        """Insert (number 0: the next one is given) or replace a pipeline, with a new version.

        `hooks`: all that the pipeline has from now on; None = as they are. One that was there
        before (same id) keeps what it has latched.

        Raises:
            NotFoundError: The group of a new one is gone.
            ConflictError: Another pipeline of the group that is not deleted has the name
                (code "pipeline-name"), or the version exists (code "version").
        """
        ...

    async def find_pipeline(self, pipeline_id: PipelineId) -> Pipeline | None:
        """Return a pipeline, also a deleted one."""
        ...

    async def find_pipeline_by_name(self, project: ProjectId, name: str) -> Pipeline | None:
        """Return the live pipeline of that name."""
        ...

    async def list_pipelines(
        self,
        project: ProjectId,
        *,
        name_contains: str = "",
        limit: int = 50,
        offset: int = 0,
        deleted: bool = False,
    ) -> tuple[tuple[Pipeline, ...], int]:
        """Return live (or deleted) pipelines, newest first, and how many there are in all."""
        ...

    async def find_version(self, pipeline: PipelineId, version: int) -> PipelineVersion | None:
        """Return one version."""
        ...

    async def drop_versions(self, pipeline: PipelineId, keep: int) -> int:
        """Delete the oldest versions beyond `keep` that no unfinished run uses; return how many."""
        ...

    async def put_user(self, user: User, acts: Acts = NO_ACTS) -> None:
        """Insert or replace a user."""
        ...

    async def find_user(self, name: UserName) -> User | None:
        """Return a user."""
        ...

    async def list_users(self, *, limit: int = 100, offset: int = 0) -> tuple[User, ...]:
        """Return users by name."""
        ...

    async def put_member(self, member: Member, acts: Acts = NO_ACTS) -> None:
        """Insert or replace a membership."""
        ...

    async def drop_member(self, project: ProjectId, user: UserName, acts: Acts = NO_ACTS) -> bool:
        """Remove a membership; tell whether there was one."""
        ...

    async def find_member(self, project: ProjectId, user: UserName) -> Member | None:
        """Return a membership."""
        ...

    async def list_members(self, project: ProjectId) -> tuple[Member, ...]:
        """Return the members of a project by name."""
        ...

    async def put_token(self, token: Token, acts: Acts = NO_ACTS) -> None:
        """Insert a token."""
        ...

    async def find_token(self, digest: str) -> Token | None:
        """Return the token with that SHA-256."""
        ...

    async def list_tokens(self, user: UserName | None = None) -> tuple[Token, ...]:
        """Return tokens, oldest first."""
        ...

    async def drop_token(self, token_id: str, acts: Acts = NO_ACTS) -> bool:
        """Revoke a token; tell whether there was one."""
        ...

    async def put_app(self, app: App, acts: Acts = NO_ACTS) -> None:
        """Insert or replace an application."""
        ...

    async def find_app(self, code: str) -> App | None:
        """Return an application."""
        ...

    async def find_receipt(self, actor: UserName, key: str) -> Receipt | None:
        """Return the first answer given to that key."""
        ...

    async def put_receipt(self, receipt: Receipt) -> None:
        """Store an answer whose act had no transaction of its own.

        Raises:
            ConflictError: The key exists (code "receipt").
        """
        ...

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append to the audit trail."""
        ...

    async def list_audit(
        self, *, project: str | None = None, limit: int = 50, before: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """Return entries, newest first; `before`: with a smaller id."""
        ...


class LedgerStore(Protocol):
    """Environments and their deployments. `Acts.ledger` of any act changes them too."""

    async def put_ledger(self, change: LedgerChange, acts: Acts = NO_ACTS) -> None:
        """Store the rows of a change, all or nothing; new deployments get the next `number`.

        Raises:
            StaleRevisionError: An environment is not at the revision before the given one.
        """
        ...

    async def find_environment(self, key: str) -> Environment | None:
        """Return an environment by its key."""
        ...

    async def list_environments(
        self, project: ProjectId, *, limit: int = 100, offset: int = 0
    ) -> tuple[Environment, ...]:
        """Return the environments of a project by key."""
        ...

    async def find_deployment(self, deployment_id: str) -> Deployment | None:
        """Return a deployment."""
        ...

    async def list_deployments(
        self, environment: str, *, limit: int = 50, before: int | None = None
    ) -> tuple[Deployment, ...]:
        """Return the deployments of an environment, newest first; `before`: a smaller number."""
        ...

    async def deployments_of(self, run_id: RunId) -> tuple[Deployment, ...]:
        """Return the deployments of a run, oldest first."""
        ...

    async def open_deployments(self) -> tuple[Deployment, ...]:
        """Return the deployments that have not ended."""
        ...


class PackageStore(Protocol):
    """The software center."""

    async def put_package_file(
        self, place: PackagePlace, file: PackageFile, acts: Acts = NO_ACTS
    ) -> PackageFile:
        """Store a file of a package; package and version are made when missing.

        A file at the same place is replaced (it keeps its number and `created_at`). `file.version`
        and `file.number` are filled in.
        """
        ...

    async def find_package_file(self, place: PackagePlace) -> PackageFile | None:
        """Return a file by its place."""
        ...

    async def list_packages(
        self,
        project: ProjectId,
        *,
        namespace: str = "",
        repository: str = "",
        name: str = "",
        limit: int = 1000,
        offset: int = 0,
    ) -> tuple[tuple[PackageSummary, ...], int]:
        """Return packages by number, "" = any, and how many there are in all."""
        ...

    async def find_package(
        self, project: ProjectId, namespace: str, repository: str, name: str
    ) -> Package | None:
        """Return a package."""
        ...

    async def list_package_versions(
        self, package: int, *, limit: int = 1000, offset: int = 0
    ) -> tuple[tuple[PackageSummary, ...], int]:
        """Return the versions of a package by number, and how many there are in all."""
        ...

    async def find_package_version(self, package: int, version: str) -> PackageVersion | None:
        """Return a version."""
        ...

    async def list_package_files(
        self, version: int, *, limit: int = 1000, offset: int = 0
    ) -> tuple[tuple[PackageFile, ...], int]:
        """Return the files of a version by number, and how many there are in all."""
        ...


class StageJob(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a job, found by its number. `head` is the present head of its run."""

    number: int  # ascends over the server
    head: RunHead
    job: Job


class GroupStore(Protocol):
    """Groups of pipelines, hooks, templates, access keys, notes."""

    async def take_numbers(self, kind: str, count: int) -> int:
        """Return the first of `count` numbers that nobody gets again; from 1, per kind."""
        ...

    async def put_group(self, group: Group, acts: Acts = NO_ACTS) -> Group:
        """Insert (number 0: the next one is given) or replace a group.

        Raises:
            ConflictError: The project has a group of that name (code "group").
        """
        ...

    async def find_group(self, project: ProjectId, name: str) -> Group | None:
        """Return a group by name."""
        ...

    async def list_groups(self, project: ProjectId) -> tuple[tuple[Group, int], ...]:
        """Return the groups of a project by number, each with its count of live pipelines.

        Pipelines with group 0 count for the group named "default".
        """
        ...

    async def drop_group(self, number: int, acts: Acts = NO_ACTS) -> None:
        """Delete a group and its grants.

        Raises:
            ConflictError: It still has live pipelines (code "group-not-empty").
        """
        ...

    async def put_grant(self, grant: GroupGrant, acts: Acts = NO_ACTS) -> None:
        """Insert or replace a user's right in a group."""
        ...

    async def drop_grant(self, group: int, user: UserName, acts: Acts = NO_ACTS) -> bool:
        """Remove a right; tell whether there was one."""
        ...

    async def list_grants(self, group: int) -> tuple[GroupGrant, ...]:
        """Return the rights of a group by user."""
        ...

    async def list_group_pipelines(
        self,
        project: ProjectId,
        *,
        name_contains: str = "",
        groups: Sequence[int] | None = None,
        released: bool = False,
        limit: int = 1000,
        offset: int = 0,
    ) -> tuple[tuple[tuple[Pipeline, RunHead | None], ...], int]:
        """Return live pipelines with the head of their newest run, and how many there are in all.

        Last changed (the pipeline itself or its newest run) first. `groups`: only of these
        (0 = without group); `released`: only those with a version, not those with a draft alone;
        `name_contains` ignores the case of ASCII letters.
        """
        ...

    async def newest_run(self, pipeline: PipelineId) -> RunHead | None:
        """Return the head of the run with the greatest number."""
        ...

    async def pipeline_by_number(self, number: int) -> Pipeline | None:
        """Return a pipeline by its integer id, also a deleted one."""
        ...

    async def list_stage_jobs(
        self, pipeline: PipelineId, job_id: JobId, *, limit: int = 20
    ) -> tuple[StageJob, ...]:
        """Return the newest executions of a job over all runs of the pipeline, newest first."""
        ...

    async def find_stage_job(self, number: int) -> StageJob | None:
        """Return an execution by its number."""
        ...

    async def find_hook(self, hook_id: str) -> Hook | None:
        """Return a hook."""
        ...

    async def list_hooks(self, pipeline: PipelineId) -> tuple[Hook, ...]:
        """Return the hooks of a pipeline: those of the pipeline itself, then by stage."""
        ...

    async def channel_hooks(self, project: ProjectId, name: str) -> tuple[Hook, ...]:
        """Return the hooks that listen to a channel, of pipelines that are not deleted."""
        ...

    async def put_latch(self, hook_id: str, values: dict[str, str] | None) -> None:
        """Latch a hook with what it brought; None clears it."""
        ...

    async def put_template(self, template: Template, acts: Acts = NO_ACTS) -> Template:
        """Insert a template (number 0: the next one is given, from 1000).

        Raises:
            ConflictError: The project has a template of that name (code "template").
        """
        ...

    async def find_template(self, number: int) -> Template | None:
        """Return a template of whichever project."""
        ...

    async def list_templates(self, project: ProjectId) -> tuple[Template, ...]:
        """Return the templates of a project by number."""
        ...

    async def put_access_key(self, key: AccessKey, acts: Acts = NO_ACTS) -> None:
        """Insert an access key."""
        ...

    async def find_access_key(self, access: str) -> AccessKey | None:
        """Return an access key."""
        ...

    async def drop_access_key(self, access: str, acts: Acts = NO_ACTS) -> bool:
        """Delete an access key; tell whether there was one."""
        ...

    async def list_access_keys(self, user: UserName) -> tuple[AccessKey, ...]:
        """Return the keys of a user, oldest first."""
        ...

    async def add_note(self, note: Note) -> None:
        """Add a line to the notes of a job attempt."""
        ...

    async def list_notes(self, run: str, job: str, attempt: int) -> tuple[Note, ...]:
        """Return the notes of a job attempt, oldest first."""
        ...

    async def drop_tokens_of(
        self, user: UserName, project: ProjectId | None = None, acts: Acts = NO_ACTS
    ) -> int:
        """Revoke what a user has made with a password (`Token.is_by_password`); return how many.

        With `project` only those bound to exactly that project.
        """
        ...


class StepEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How a step attempt ended, as the executor saw it.

    Args:
        cause: "exit", "signal", "timeout", "cancelled", "spawn" (it could not be started; the
            step's own fault), "config", "plugin" (nothing here can run it), "lost" (the executor
            went away, or the step was interrupted: it is tried again), anything else (the
            executor's own fault).
        message: For people: why it could not be started.
        variables, outputs: Set by the script, in order.
        error: Code and text that the script or plugin gave for its failure.
        error_type: That it gave, a number of spec/bkci-model-and-engine.md §2.16.
        sensitive: Names among variables and outputs whose values are secret.
        pin: The commit that a checkout resolved.
    """

    exit_code: int | None = None
    signal: int | None = None
    cause: str = "exit"
    message: str = ""
    variables: tuple[tuple[str, str], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    remark: str | None = None
    error: tuple[int, str] | None = None
    error_type: int | None = None
    sensitive: tuple[str, ...] = ()
    metrics: tuple[tuple[str, str], ...] = ()
    progress: str = ""
    pin: str = ""
    artifacts: tuple[ArchivedFile, ...] = ()
    notes: tuple[StepNote, ...] = ()
    result: dict[str, Any] | None = None  # what a deployment left for the ledger


class Executor(Protocol):
    """Runs steps. One job attempt has one workspace; its steps come one after the other.

    Life cycle: `open`; for each job attempt any number of `run_step` (never two at once), then
    `end_job`; `close`. Job attempts may run side by side.
    """

    async def open(self) -> None:
        """Get ready. Processes left over from an earlier life are ended first."""
        ...

    async def run_step(self, order: StepOrder, timeout_s: float) -> StepEnd:
        """Run a step to its end. Never raises for what the step does."""
        ...

    async def explain(self, order: StepOrder, message: str) -> None:
        """Write into the log of its job why a step is not run; never raises."""
        ...

    def kill_step(self, order: StepOrder, cause: str, grace_s: float) -> None:
        """Ask a running step to end: TERM, after `grace_s` KILL. Too late is no error."""
        ...

    async def end_job(self, order: StepOrder) -> None:
        """End every process that is left of the job attempt."""
        ...

    async def late_ends(self) -> tuple["LateEnd", ...]:
        """Return ends of steps that an earlier life saw, but could not report any more."""
        ...

    async def forget_late_ends(self) -> None:
        """Drop them; they have been taken in."""
        ...

    async def close(self) -> None:
        """End all steps that still run."""
        ...


class LateEnd(msgspec.Struct, frozen=True, kw_only=True):
    """An end of a step that was never reported."""

    run_id: RunId
    job_id: JobId
    fence: int
    step_id: StepId
    step_attempt: int
    end: StepEnd


class Files(Protocol):
    """What runs leave on disk besides the store."""

    def live_workspaces(self, run: Run) -> frozenset[JobId]:
        """Return the jobs whose directory is still as their last attempt left it."""
        ...

    def discard_workspaces(self, run: Run) -> None:
        """Drop the directories of a run. Does not wait: they are out of sight at once."""
        ...

    async def sweep(self, max_age_s: float) -> int:
        """Delete directories of runs that nothing has written to for so long; return how many."""
        ...

    async def compress_logs(self, run: Run) -> None:
        """Compress the logs of ended job attempts. May be repeated."""
        ...


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A job attempt that may be claimed. Only a hint: the claim decides."""

    run_id: RunId
    job_id: JobId
    attempt: int
    labels: tuple[str, ...] = ()


class Dispatcher(Protocol):
    """Brings offers to runners. May lose, double or delay them; the store knows the truth."""

    def offer(self, offer: Offer) -> None:
        """Let runners know."""
        ...

    async def next(self) -> Offer:
        """Wait for an offer that this runner can take."""
        ...


class Store(
    RunStore,
    AdminStore,
    LedgerStore,
    PackageStore,
    GroupStore,
    ItemStore,
    MutexStore,
    SecretStore,
    PluginStore,
    TriggerStore,
    PostingStore,
    QualityStore,
    OverviewStore,
    TallyStore,
    TraceStore,
    Protocol,
):
    """Everything that is kept."""
