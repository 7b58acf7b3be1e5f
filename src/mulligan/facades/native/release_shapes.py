"""What answers about environments, deployments, rollbacks and packages look like."""

from datetime import datetime

from mulligan.facades.native.shapes import Shape


class StagePlace(Shape, frozen=True, kw_only=True):
    """A stage of a definition. `index`: its place, from 0."""

    index: int
    id: str
    name: str


class DeploymentView(Shape, frozen=True, kw_only=True):
    """One act on an environment.

    Args:
        number: Ascends over the server.
        kind: deploy, gray, promote, rollback, abort, or base (what was there before the first).
        status: running, succeeded, failed, unreachable or cancelled.
        stage: None when its definition is gone.
        image: `namespace/repository:tag`, "" without.
        files: Package files by name, each with its SHA-256.
        previous: Id of the deployment that was live before.
        target: Id of the deployment that a rollback restores, or that is promoted or aborted.
        is_live: What it brought is what is there now.
    """

    id: str
    number: int
    kind: str
    status: str
    actor: str
    run: str
    pipeline: str
    stage: StagePlace | None
    started_at: datetime
    ended_at: datetime | None
    image: str
    files: dict[str, str]
    previous: str | None
    target: str | None
    is_live: bool


class DeploymentDetail(DeploymentView, frozen=True, kw_only=True):
    """A deployment with what was deployed; secrets in it are `******`.

    Args:
        environment: Id.
        tries: How often it was begun; more than once after a crash.
        info: Settings of the target as they were resolved.
        manifest: What the driver applied, for people.
    """

    environment: str
    tries: int
    deploy_mode: str
    gray_mode: str
    info: str
    manifest: str | None


class EnvironmentView(Shape, frozen=True, kw_only=True):
    """Where releases live. `holder`: the deployment that is under way."""

    id: str
    name: str
    key: str
    driver: str
    application: str
    live: DeploymentView | None
    gray: DeploymentView | None
    holder: DeploymentView | None
    updated_at: datetime | None


class RollbackPlanView(Shape, frozen=True, kw_only=True):
    """What a rollback would do. `etag` goes into `If-Match`.

    Args:
        run_attempt: The attempt of the run that it would be.
        action: rollback, or abort of a grey release.
        restores: The deployment that would be live again; for an abort the grey one that goes.
        cuts: Stages that are under way and would be cancelled.
        version: Of the pipeline, when it goes by a newer one than the run; else 0.
    """

    run: str
    revision: int
    etag: str
    run_attempt: int
    stage: StagePlace
    action: str
    environment: EnvironmentView
    restores: DeploymentView
    cuts: tuple[StagePlace, ...]
    version: int


class PackageView(Shape, frozen=True, kw_only=True):
    """A package. `size`: of all its files, in bytes."""

    namespace: str
    repository: str
    name: str
    description: str
    visibility: str
    versions: int
    size: int
    created_by: str
    created_at: datetime
    updated_at: datetime


class PackageVersionView(Shape, frozen=True, kw_only=True):
    """A version of a package. `files`: how many."""

    version: str
    files: int
    size: int
    created_by: str
    created_at: datetime
    updated_at: datetime


class PackageFileView(Shape, frozen=True, kw_only=True):
    """A file of a version. `path`: folders and name, joined by `/`."""

    path: str
    size: int
    sha256: str
    sha512: str
    created_by: str
    created_at: datetime
    updated_at: datetime


class EnvironmentList(Shape, frozen=True, kw_only=True):
    """A page of environments."""

    items: tuple[EnvironmentView, ...]
    next_cursor: str | None


class DeploymentList(Shape, frozen=True, kw_only=True):
    """A page of deployments, newest first."""

    items: tuple[DeploymentView, ...]
    next_cursor: str | None


class PackageList(Shape, frozen=True, kw_only=True):
    """A page of packages."""

    items: tuple[PackageView, ...]
    next_cursor: str | None


class PackageVersionList(Shape, frozen=True, kw_only=True):
    """A page of versions."""

    items: tuple[PackageVersionView, ...]
    next_cursor: str | None


class PackageFileList(Shape, frozen=True, kw_only=True):
    """A page of files."""

    items: tuple[PackageFileView, ...]
    next_cursor: str | None
