"""Plugins: looked after by server admins, listed for everybody, switched on and off by projects."""

from starlette.responses import Response

from mulligan.core.plugins import Plugin, PluginPolicy, name_of
from mulligan.core.rights import Permission
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


# --- who may use it, private settings -----------------------------------------------------------


async def show_policy(call: Call) -> Response:
    """Show what is laid down about a plugin."""
    await call.services.plugins.demand_admin(call.actor)
    return answer(_policy(await call.services.plugins.policies.of(call.part("code"))))


async def release_plugin(call: Call) -> Response:
    """Release a plugin for some projects only, or for all."""
    given = call.read(shapes.ProjectsBody)
    policies = call.services.plugins.policies
    return answer(
        _policy(await policies.release_for(call.actor, call.part("code"), given.projects))
    )


async def put_setting(call: Call) -> Response:
    """Set a private setting."""
    given = call.read(shapes.SettingBody)
    policies = call.services.plugins.policies
    await policies.set_setting(call.actor, call.part("code"), call.part("name"), given.value)
    return Response(status_code=NOTHING)


async def delete_setting(call: Call) -> Response:
    """Remove a private setting."""
    policies = call.services.plugins.policies
    await policies.drop_setting(call.actor, call.part("code"), call.part("name"))
    return Response(status_code=NOTHING)


async def list_in_project(call: Call) -> Response:
    """List the plugins as a project sees them."""
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    plugins = call.services.plugins
    found = (await plugins.newest())[offset : offset + wanted + 1]
    page, cursor = queries.page_of(found, offset, wanted)
    policies = plugins.policies
    items = [_in_project(each, await policies.of(each.code), call.project) for each in page]
    return answer(shapes.PluginsInProject(items=tuple(items), next_cursor=cursor))


async def switch_plugin(call: Call) -> Response:
    """Switch a plugin on or off in a project."""
    given, code = call.read(shapes.SwitchBody), call.part("code")
    plugins = call.services.plugins
    newest = (await plugins.versions(code))[0]
    policy = await plugins.policies.switch(call.actor, call.project, code, is_on=given.enabled)
    return answer(_in_project(newest, policy, call.project))


def _policy(policy: PluginPolicy) -> shapes.PluginPolicyView:
    return shapes.PluginPolicyView(
        atomCode=policy.code,
        projects=policy.only,
        off_in=policy.off_in,
        settings=tuple(sorted(policy.settings)),
    )


def _in_project(plugin: Plugin, policy: PluginPolicy, project: str) -> shapes.PluginInProject:
    reason = policy.problem_in(project)
    return shapes.PluginInProject(
        atomCode=plugin.code,
        version=plugin.version,
        name=name_of(plugin),
        enabled=not reason,
        reason=reason,
    )


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
        method="GET",
        path="/plugins/{code}/policy",
        act=show_policy,
        summary="What is laid down about a plugin (server admins)",
        answer=shapes.PluginPolicyView,
    ),
    Endpoint(
        method="PUT",
        path="/plugins/{code}/projects",
        act=release_plugin,
        summary="Release a plugin for some projects only, or for all (server admins)",
        body=shapes.ProjectsBody,
        answer=shapes.PluginPolicyView,
    ),
    Endpoint(
        method="PUT",
        path="/plugins/{code}/settings/{name}",
        act=put_setting,
        summary="Set a private setting, which only steps of the plugin read (server admins)",
        body=shapes.SettingBody,
        status=204,
    ),
    Endpoint(
        method="DELETE",
        path="/plugins/{code}/settings/{name}",
        act=delete_setting,
        summary="Remove a private setting of a plugin (server admins)",
        status=204,
    ),
    Endpoint(
        method="GET",
        path="/projects/{project}/plugins",
        act=list_in_project,
        summary="The installed plugins, and whether the project can use them",
        needs=Permission.VIEW,
        answer=shapes.PluginsInProject,
        query=queries.PAGED,
    ),
    Endpoint(
        method="PUT",
        path="/projects/{project}/plugins/{code}",
        act=switch_plugin,
        summary="Switch a plugin on or off in a project",
        needs=Permission.MANAGE,
        body=shapes.SwitchBody,
        answer=shapes.PluginInProject,
    ),
    Endpoint(  # behind those whose last segment is a word
        method="DELETE",
        path="/plugins/{code}/{version}",
        act=remove_plugin,
        summary="Remove a version of a plugin (server admins)",
        status=204,
    ),
)
