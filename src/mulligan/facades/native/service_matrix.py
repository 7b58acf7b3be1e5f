"""Which release of what is where, and how two deployments differ."""

import msgspec
from starlette.responses import Response

from mulligan.core.rights import Permission
from mulligan.facades.native import release_shapes as shapes
from mulligan.facades.native.endpoints import Call, Endpoint, answer
from mulligan.facades.native.environments import Ledger, deployment_of
from mulligan.facades.native.masking import masked_text
from mulligan.facades.native.shapes import Shape
from mulligan.facades.native.text_diff import TextDiff, diff_texts

MOST_CELLS = 500  # environments of a project that are shown


class ServiceCell(Shape, frozen=True, kw_only=True):
    """A service in one environment. `column`: name of the environment."""

    column: str
    environment: shapes.EnvironmentView


class ServiceRow(Shape, frozen=True, kw_only=True):
    """A service (an application that is deployed) with the environments that it is in."""

    service: str
    cells: tuple[ServiceCell, ...]


class ServiceMatrix(Shape, frozen=True, kw_only=True):
    """What runs where. `columns`: names of environments; `complete`: false if there are more."""

    columns: tuple[str, ...]
    items: tuple[ServiceRow, ...]
    complete: bool


class FileDiff(Shape, frozen=True, kw_only=True):
    """A file of a package that differs. Absent on one side: null."""

    name: str
    before: str | None
    after: str | None


class DeploymentDiff(Shape, frozen=True, kw_only=True):
    """How two deployments differ, secrets masked.

    Args:
        commit_before, commit_after: Of the events that started their runs; "" if none did.
        settings: Of the target, as they were resolved.
        manifest: What the driver applied.
        files: Package files that are others, by name, with their SHA-256.
    """

    before: shapes.DeploymentView
    after: shapes.DeploymentView
    same_environment: bool
    image_changed: bool
    commit_before: str
    commit_after: str
    message_before: str
    message_after: str
    files: tuple[FileDiff, ...]
    settings: TextDiff
    manifest: TextDiff


async def show_services(call: Call) -> Response:
    """Show which release of each service is live in which environment."""
    found = await call.services.store.list_environments(call.project, limit=MOST_CELLS + 1)
    ledger = Ledger(call.services)
    rows: dict[str, list[ServiceCell]] = {}
    for environment in found[:MOST_CELLS]:
        cell = ServiceCell(
            column=environment.name, environment=await ledger.environment(environment)
        )
        rows.setdefault(environment.application or environment.name, []).append(cell)
    return answer(
        ServiceMatrix(
            columns=tuple(dict.fromkeys(environment.name for environment in found[:MOST_CELLS])),
            items=tuple(
                ServiceRow(service=service, cells=tuple(cells))
                for service, cells in sorted(rows.items())
            ),
            complete=len(found) <= MOST_CELLS,
        )
    )


async def diff_deployments(call: Call) -> Response:
    """Compare what two deployments brought."""
    ledger = Ledger(call.services)
    found = [await deployment_of(call, call.part(name)) for name in ("a", "b")]
    views = [await ledger.detail(*each) for each in found]
    heads = [await call.services.store.find_head(each.run) for each, _ in found]
    old, new = (deployment.release for deployment, _ in found)
    commits = [head.origin.commit if head is not None and head.origin else "" for head in heads]
    messages = [head.message if head is not None else "" for head in heads]
    return answer(
        DeploymentDiff(
            before=views[0],
            after=views[1],
            same_environment=found[0][0].environment == found[1][0].environment,
            image_changed=old.image != new.image,
            commit_before=commits[0],
            commit_after=commits[1],
            message_before=messages[0],
            message_after=messages[1],
            files=tuple(
                FileDiff(name=name, before=old.files.get(name), after=new.files.get(name))
                for name in sorted(old.files.keys() | new.files.keys())
                if old.files.get(name) != new.files.get(name)
            ),
            settings=await diff_texts(_readable(old.info), _readable(new.info)),
            manifest=await diff_texts(*(_readable(view.manifest or "") for view in views)),
        )
    )


def _readable(text: str) -> str:
    """Give a text without the secrets in it; JSON with a line for each value, to be compared."""
    masked = masked_text(text)
    try:
        return msgspec.json.format(masked)
    except msgspec.MsgspecError:
        return masked  # a manifest in another form


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/projects/{project}/services",
        act=show_services,
        summary="Show which release of each service is live in which environment",
        needs=Permission.VIEW,
        answer=ServiceMatrix,
    ),
    Endpoint(
        method="GET",
        path="/projects/{project}/deployments/{a}/diff/{b}",
        act=diff_deployments,
        summary="Compare what two deployments brought: image, files, settings, manifest",
        needs=Permission.VIEW,
        answer=DeploymentDiff,
    ),
)
