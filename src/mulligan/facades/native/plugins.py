"""Plugins: installed and removed by server admins, listed for everybody."""

from starlette.responses import Response

from mulligan.core.plugins import Plugin, name_of
from mulligan.engine.commands import ReceiptRequest
from mulligan.engine.software_center import FileTooLargeError
from mulligan.facades.common.body import announced_size, body_chunks
from mulligan.facades.common.errors import RequestError
from mulligan.facades.native import plugin_shapes as shapes
from mulligan.facades.native import queries
from mulligan.facades.native.endpoints import NOTHING, Call, Endpoint, Query, answer

ZIP = "application/zip"


async def install_plugin(call: Call) -> Response:
    """Install the body, the zip of a release."""
    plugins, software = call.services.plugins, call.services.software
    await plugins.demand_admin(call.actor)
    try:
        kept = await software.keep(body_chunks(call.request), announced_size(call.request))
    except FileTooLargeError:
        most = software.most_bytes // (1024 * 1024)
        raise RequestError(413, f"a plugin has at most {most} MiB") from None
    version = queries.text(call.request, "version")
    call.body = f"{kept.digest} {version}".encode()  # stands for the body

    async def act(_receipt: ReceiptRequest | None) -> Plugin:
        return await plugins.install(call.actor, kept, version)

    return await call.once(
        act,
        lambda plugin: shapes.InstalledPlugin(atomCode=plugin.code, version=plugin.version),
        stores_receipt=False,
    )


async def list_plugins(call: Call) -> Response:
    """List all installed versions, by code."""
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    found = await call.services.store.list_plugins(limit=wanted + 1, offset=offset)
    page, cursor = queries.page_of(found, offset, wanted)
    return answer(shapes.PluginList(items=tuple(map(_view, page)), next_cursor=cursor))


async def show_plugin(call: Call) -> Response:
    """Show a plugin with its versions, the newest first, and the newest one's task.json."""
    found = await call.services.plugins.versions(call.part("code"))
    newest = found[0]
    return answer(
        shapes.PluginDetails(
            atomCode=newest.code,
            name=name_of(newest),
            versions=tuple(map(_view, found)),
            manifest=newest.manifest,
        )
    )


async def remove_plugin(call: Call) -> Response:
    """Remove a version."""
    await call.services.plugins.remove(call.actor, call.part("code"), call.part("version"))
    return Response(status_code=NOTHING)


def _view(plugin: Plugin) -> shapes.PluginView:
    return shapes.PluginView(
        atomCode=plugin.code,
        version=plugin.version,
        name=name_of(plugin),
        language=plugin.manifest["execution"]["language"],
        size=plugin.size,
        digest=plugin.digest,
        installed_by=plugin.installed_by,
        installed_at=plugin.installed_at,
    )


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/plugins",
        act=install_plugin,
        summary="Install a plugin (server admins)",
        answer=shapes.InstalledPlugin,
        status=201,
        query=(Query("version", "Its version, three numbers; absent: as task.json says"),),
        takes=(ZIP,),
        streams=True,
    ),
    Endpoint(
        method="GET",
        path="/plugins",
        act=list_plugins,
        summary="Installed plugins",
        answer=shapes.PluginList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="GET",
        path="/plugins/{code}",
        act=show_plugin,
        summary="One plugin with its versions",
        answer=shapes.PluginDetails,
    ),
    Endpoint(
        method="DELETE",
        path="/plugins/{code}/{version}",
        act=remove_plugin,
        summary="Remove a version of a plugin (server admins)",
        status=204,
    ),
)
