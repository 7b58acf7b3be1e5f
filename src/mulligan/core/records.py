"""What the server keeps besides runs: projects, pipelines, people, tokens, receipts, artifacts."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from mulligan.core.ids import PipelineId, ProjectId, RunId, StepId, UserName
from mulligan.core.report import ArchivedFile
from mulligan.core.spec import Dialect, PipelineSpec


class Role(StrEnum):
    """Bundles of permissions, each holding those of the one before (see core/rights.py)."""

    VIEWER = "viewer"
    RUNNER = "runner"
    DEVELOPER = "developer"
    MAINTAINER = "maintainer"
    OWNER = "owner"


class User(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person or a machine account. `password` is an argon2 hash, never the text."""

    name: UserName
    created_at: datetime
    is_admin: bool = False
    password: str = ""
    disabled: bool = False
    language: str = ""  # "" = by the request
    email: str = ""  # where notices go to


LOGIN = "login"  # name of what a login or a session by password is kept as
LOGIN_ID = "l-"
SESSION_ID = "s-"


class Token(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A bearer token; only its SHA-256 is kept. Empty `projects` = all of its user's."""

    id: str
    name: str
    user: UserName
    digest: str  # 64 hex
    created_at: datetime
    projects: tuple[ProjectId, ...] = ()
    role: Role | None = None  # never more than this
    expires_at: datetime | None = None
    only_dev: bool = False  # made by somebody without a credential: good under `--dev` alone

    # Of which kind it is, its id says: users give names, to their own tokens any they like.

    @property
    def is_login(self) -> bool:
        """Tell whether a login made it."""
        return self.id.startswith(LOGIN_ID)

    @property
    def is_session(self) -> bool:
        """Tell whether it is a session of the page: good as a cookie, never as a bearer token."""
        return self.id.startswith(SESSION_ID)

    @property
    def is_by_password(self) -> bool:
        """Tell whether it was made with a password, so that a new password ends it."""
        return self.is_login or (self.is_session and self.name == LOGIN)


class App(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An application that acts for its users within some projects."""

    code: str
    digest: str  # SHA-256 of the secret, 64 hex
    projects: tuple[ProjectId, ...]
    created_by: UserName
    created_at: datetime


class Member(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user's place in a project; `permissions` are granted besides the role's."""

    project: ProjectId
    user: UserName
    role: Role
    permissions: tuple[str, ...] = ()


class Project(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A project. `number`: its integer id, ascending from 1 over the server."""

    id: ProjectId
    name: str
    created_by: UserName
    created_at: datetime
    number: int = 0
    description: str = ""
    disabled: bool = False
    extra: dict[str, Any] = {}  # what a dialect gave and only that dialect reads


class PipelineSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Settings of a pipeline. Sizes are numbers of runs, waits are minutes."""

    run_lock: str = "MULTIPLE"  # MULTIPLE | SINGLE | SINGLE_LOCK | GROUP_LOCK | LOCK | EXCLUSIVE
    wait_queue_minutes: int = 10
    max_queue_size: int = 10
    max_running: int = 50
    concurrency_group: str = "${{ci.pipeline_id}}"
    concurrency_cancel: bool = False
    fail_on_long_values: bool = False
    cancel_policy: str = "RESTRICTED"  # EXECUTE_PERMISSION | RESTRICTED
    kept_versions: int = 50
    clean_variables_on_retry: bool = False
    dialect: Dialect = Dialect.CLASSIC
    labels: tuple[str, ...] = ()  # ids; one that has been deleted says nothing
    alias_rule: str = ""  # how runs are called besides their number, see `core.alias`
    extra: dict[str, Any] = {}  # what a dialect gave and only that dialect reads


class Pipeline(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pipeline. `number`: its integer id, ascending from 1 over the server."""

    id: PipelineId
    project: ProjectId
    name: str
    created_by: UserName
    created_at: datetime
    updated_by: UserName
    updated_at: datetime
    number: int = 0
    description: str = ""
    version: int = 1  # the newest released one
    locked: bool = False
    deleted_at: datetime | None = None
    group: int = 0  # number of its group; 0 = the project's default group
    settings: PipelineSettings = PipelineSettings()


class PipelineVersion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An immutable version: what was given (`source`, in that dialect) and what it means."""

    pipeline: PipelineId
    version: int
    spec: PipelineSpec
    dialect: str  # facade that made it: "bkci"
    source: dict[str, Any]
    created_by: UserName
    created_at: datetime
    reset_run: int = 0  # runs up to this number can't go on: the stages have become others since
    note: str = ""  # what its author said about the change
    made_from: int = 0  # the version that it began as; 0 = none


class Receipt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first answer to a request with a key; stored in the transaction of the act (R14).

    `fingerprint`: hash of method, path, query and body; the same key with another one is an error.
    """

    actor: UserName
    key: str
    fingerprint: str
    status: int
    body: bytes
    content_type: str
    created_at: datetime


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who did what, when, from where and why (R13). `id` ascends; 0 before it is stored."""

    at: datetime
    actor: UserName
    action: str  # "run.retry", "user.create" …
    project: str = ""
    target: str = ""
    outcome: str = "done"  # done | refused
    origin: str = ""  # address, and the way: "127.0.0.1 bkci"
    reason: str = ""
    detail: dict[str, Any] = {}
    id: int = 0


class Artifact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One archived file; its bytes lie under the SHA-256 `digest` in the artifact store."""

    run: RunId
    step: StepId
    attempt: int
    run_attempt: int
    path: str  # as the consumer sees it, "/"-separated
    size: int  # bytes
    digest: str
    created_at: datetime


class StepRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that a step attempt left besides artifacts.

    Args:
        kind: "report" (pages, or an address elsewhere), "quality" (metrics), "commit",
            "material", "metrics".
        name: One of a kind in its step attempt.
        files: Of a report: paths below its folder.
        number: Ascends over the server; 0 = not stored yet.
    """

    run: RunId
    step: StepId
    attempt: int
    kind: str
    name: str
    created_at: datetime
    files: tuple[ArchivedFile, ...] = ()
    data: dict[str, Any] = {}
    number: int = 0
