"""Calls on projects."""

from starlette.responses import Response

from mulligan.core.errors import InvalidError
from mulligan.core.rights import Permission
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci import wire
from mulligan.facades.bkci.bodies import read_object, read_project
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.pipeline_out import render_project
from mulligan.facades.bkci.times import present

_DONE = True


async def project_create(call: Call) -> Response:
    """Make a project; with `--dev` any user may, else administrators."""
    given = read_project(call.body())
    services = call.services
    if not call.actor.is_open:
        await services.access.demand(call.actor, Permission.ADMINISTER, "")

    async def act(_receipt: ReceiptRequest | None) -> bool:
        await services.catalog.create_project(
            call.actor, given.id, given.name, given.description, given.extra
        )
        return _DONE

    return await call.once(act, stores_receipt=False)


async def project_get(call: Call) -> Response:
    """Give a project."""
    await call.demand(Permission.VIEW)
    return ok(render_project(await call.services.catalog.get_project(call.project)))


async def project_list(call: Call) -> Response:
    """List the projects that the caller can see."""
    page, size = wire.read_project_list(call.query, is_unlimited=call.is_unlimited)
    sees_all = call.actor.is_open or call.actor.is_admin
    projects = await call.services.store.list_projects(
        user=None if sees_all else call.actor.user, limit=size, offset=(page - 1) * size
    )
    bound = call.actor.projects
    return ok([render_project(each) for each in projects if not bound or each.id in bound])


async def project_edit(call: Call) -> Response:
    """Change the name and the description of a project; its id stays."""
    body = read_object(call.body()).value
    await call.demand(Permission.MANAGE)
    catalog = call.services.catalog
    project = await catalog.get_project(call.project)
    as_it_is = {"projectName": project.name, "description": project.description}
    given = read_project({**as_it_is, **present(body), "englishName": call.project})

    async def act(_receipt: ReceiptRequest | None) -> bool:
        extra = {**project.extra, **given.extra}
        await catalog.demand_free_project_name(given.name, call.project)
        await catalog.edit_project(call.actor, call.project, given.name, given.description, extra)
        return _DONE

    return await call.once(act, stores_receipt=False)


async def project_name_validation(call: Call) -> Response:
    """Tell whether a project may have a name or an id; if not, the answer says why."""
    kind, name = call.query.needed("validateType"), call.query.needed("name")
    catalog = call.services.catalog
    match kind:
        case "project_name":
            own = call.query.text("english_name") or ""
            await catalog.demand_free_project_name(name, own)
        case "english_name":
            await catalog.demand_free_project_id(name)
        case _:
            raise InvalidError(
                "validateType is project_name or english_name", pointer="validateType"
            )
    return ok(_DONE)
