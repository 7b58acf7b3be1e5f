"""What the server tells a plugin: settings, secrets, repositories, variables."""

from typing import Any

from starlette.responses import Response

from mulligan.core.ids import PipelineId, StepId
from mulligan.core.quality import is_boundless
from mulligan.core.values import text_of
from mulligan.core.variables import values_for_plugin
from mulligan.engine.step_records import step_records
from mulligan.facades.bkci.repository_io import render_repository
from mulligan.facades.common.errors import RequestError
from mulligan.facades.platform.calls import MOST_ITEMS, PlatformCall, good
from mulligan.ports import RunFilter

_BUILDS_LOOKED_AT = 20  # back from the newest, for the last commits of a checkout


async def sensitive_settings(call: PlatformCall) -> Response:
    """Give the private settings of a plugin to a step of its own; of another one none."""
    code = call.pieces["code"]
    if code != call.caller.step.code:
        return good([])
    settings = await call.services.plugins.policies.settings(code)
    return good([{"fieldName": name, "fieldValue": value} for name, value in settings.items()])


async def credential(call: PlatformCall) -> Response:
    """Give the values of a secret of the project; logs of the project mask them anyway."""
    return good(await call.services.secrets.detail(call.project, call.pieces["credentialId"]))


async def repository(call: PlatformCall) -> Response:
    """Give a linked repository, by id or by name."""
    by = call.query("repositoryType").upper() or "ID"
    if by not in ("ID", "NAME"):
        raise RequestError(400, f"repositoryType is {by[:50]!r}; ID or NAME was expected")
    found = await call.services.repositories.get(call.project, call.needed("repositoryId"), by=by)
    return good(render_repository(found))


async def variables(call: PlatformCall) -> Response:
    """Give all variables of the build as they are now."""
    return good(_values(call))


async def context(call: PlatformCall) -> Response:
    """Give the value of one name, null if there is none."""
    return good(_values(call).get(call.needed("contextName")))


def _values(call: PlatformCall) -> dict[str, str]:
    caller = call.caller
    return values_for_plugin(caller.run, caller.job, caller.step)


async def file_gateway(call: PlatformCall) -> Response:
    """Tell where files go: here."""
    gateway = call.services.plugins.gateway
    return good({"fileDevnetGateway": gateway, "fileIdcGateway": gateway})


async def add_commits(call: PlatformCall) -> Response:
    """Keep the commits that a checkout has brought."""
    await _extend(call, "commit")
    return good(0)


async def add_materials(call: PlatformCall) -> Response:
    """Keep what a build was made of."""
    return good(await _extend(call, "material"))


async def _extend(call: PlatformCall, kind: str) -> int:
    given = await call.json(empty=[])
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise RequestError(400, "the body must be a list of objects")
    before: list[Any] = [item for each in await call.kept(kind) for item in each.data["items"]]
    items = [*before, *given]
    if len(items) > MOST_ITEMS:
        raise RequestError(400, f"a step keeps at most {MOST_ITEMS} of them")
    await call.keep(kind, kind, data={"items": items})
    return len(given)


async def latest_commits(call: PlatformCall) -> Response:
    """Give the commits that a checkout brought when it last did."""
    pipeline = await call.services.catalog.get_pipeline(call.project, call.needed("pipelineId"))
    step = StepId(call.needed("elementId"))
    where = RunFilter(pipeline=PipelineId(pipeline.id))
    page = await call.services.store.list_runs(where, limit=_BUILDS_LOOKED_AT)
    for head in page.items:
        newest = None
        async for record in step_records(call.services.store, head.id, "commit", step=step):
            newest = record
        if newest is not None:
            return good(newest.data["items"])
    return good([])


async def quality(call: PlatformCall) -> Response:
    """Keep metrics of a task."""
    given = await call.json(empty={})
    if not isinstance(given, dict):
        raise RequestError(400, "the body must be an object")
    call.own_task(call.query("taskId") or call.caller.step.id)
    name = call.query("elementType") or call.caller.step.code
    metrics = {str(key): value for key, value in given.items()}
    for key, value in metrics.items():
        if is_boundless(text_of(value)):
            raise RequestError(
                400, f"the metric {key[:100]!r} is {text_of(value)[:20]}; a finite number counts"
            )
    await call.keep("quality", name[:256], data=metrics)
    return good(data=True)


async def metrics(call: PlatformCall) -> Response:
    """Keep what a plugin tells of itself."""
    given = await call.json(empty={})
    if not isinstance(given, dict):
        raise RequestError(400, "the body must be an object")
    await call.keep("metrics", call.pieces["atomCode"][:256], data=given)
    return good(data=True)
