"""Values for the tests of the ledger, the software center, groups and hooks."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from conformance.store_builders import ANN, NOW, SHOP, at, pipeline_id, run_id
from mulligan.core.deployments import Act, Deployment, Environment, LedgerChange
from mulligan.core.hooks import AccessKey, Group, Hook, HookKind, Note, Template
from mulligan.core.ids import JobId, ProjectId, RunId, UserName
from mulligan.core.packages import PackageFile, PackagePlace
from mulligan.ports import Store

PROD = "shop/prod/web"


def build_environment(
    key: str = PROD, *, revision: int = 1, holder: str = "", project: ProjectId = SHOP
) -> Environment:
    """Give an environment at a revision."""
    return Environment(
        key=key, project=project, name=key, driver="process", holder=holder, revision=revision
    )


def build_deployment(
    number: int, *, environment: str = PROD, act: Act = Act.DEPLOY, run: int = 1
) -> Deployment:
    """Give a deployment under way that is not stored yet; `number` is only for its id."""
    return Deployment(
        id=f"d-{number}",
        environment=environment,
        act=act,
        actor=ANN,
        run=run_id(run),
        job=JobId("1"),
        job_attempt=1,
        pipeline=pipeline_id(1),
        started_at=at(number),
        run_queued_at=NOW,
    )


def change(*environments: Environment, deployments: Sequence[Deployment] = ()) -> LedgerChange:
    """Give a change of the ledger."""
    return LedgerChange(environments=environments, deployments=tuple(deployments))


async def stored_deployment(store: Store, ident: str) -> Deployment:
    """Return a deployment that must be there."""
    found = await store.find_deployment(ident)
    assert found is not None
    return found


def place(
    filename: str = "app.tar.gz",
    *,
    package: str = "app",
    version: str = "1.0",
    namespace: str = "team",
    repository: str = "main",
    project: ProjectId = SHOP,
) -> PackagePlace:
    """Give where a file of a package is."""
    return PackagePlace(
        project=project,
        namespace=namespace,
        repository=repository,
        package=package,
        version=version,
        folder="",
        filename=filename,
    )


def build_file(size: int = 10, *, second: float = 0, creator: UserName = ANN) -> PackageFile:
    """Give a file whose place, version and number are still to be filled in."""
    return PackageFile(
        version=0,
        folder="",
        filename="",
        size=size,
        digest=f"{size:064x}",
        sha512=f"{size:0128x}",
        creator=creator,
        created_at=at(second),
        updated_at=at(second),
    )


def build_hook(
    number: int,
    kind: HookKind = HookKind.WEBHOOK,
    *,
    pipeline: int = 1,
    stage: str = "",
    position: int = 0,
    name: str = "",
    values: Mapping[str, str] | None = None,
) -> Hook:
    """Give a hook; with values it is latched."""
    return Hook(
        id=f"h-{number}",
        kind=kind,
        project=SHOP,
        pipeline=pipeline_id(pipeline),
        stage=stage,
        position=position,
        name=name,
        latched=values is not None,
        values=dict(values or {}),
    )


def latched(hook: Hook, values: Mapping[str, str]) -> Hook:
    """Give the hook with what it brought."""
    return replace(hook, latched=True, values=dict(values))


def build_group(name: str, *, project: ProjectId = SHOP) -> Group:
    """Give a group that is not stored yet."""
    return Group(project=project, name=name, created_by=ANN, created_at=NOW)


def build_template(name: str, *, project: ProjectId = SHOP) -> Template:
    """Give a template that is not stored yet."""
    return Template(
        project=project,
        name=name,
        label="java",
        created_by=ANN,
        created_at=NOW,
        source={"stages": [{"name": name}]},
    )


def build_key(number: int, user: UserName = ANN) -> AccessKey:
    """Give an access key."""
    return AccessKey(access=f"AK{number}", user=user, project=SHOP, created_at=at(number))


def build_note(text: str, *, run: RunId | None = None, attempt: int = 1) -> Note:
    """Give a line on an attempt of job 1."""
    return Note(run=run or run_id(1), job="1", attempt=attempt, at=NOW, text=text)
