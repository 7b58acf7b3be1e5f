"""Calls on templates of pipelines and on the pipelines made from them."""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from mulligan.core.errors import InvalidError
from mulligan.core.ids import ProjectId
from mulligan.core.items import PipelineTemplate
from mulligan.core.rights import Permission
from mulligan.engine.catalog import Definition
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci.calls import Call, done, ok
from mulligan.facades.bkci.definitions import read_definition
from mulligan.facades.bkci.query import blank
from mulligan.facades.bkci.settings_io import NEW_PIPELINE
from mulligan.facades.bkci.template_io import render_detail, render_template
from mulligan.facades.bkci.times import Json
from mulligan.facades.common.sensitive import without_secrets

FIRST_TITLE = "init"
LONGEST_TITLE = 64  # characters of the name of a version
LARGEST_PAGE = 100

_ORDERS: dict[str, Callable[[PipelineTemplate], Any]] = {
    "NAME": lambda template: template.name,
    "CREATOR": lambda template: template.created_by,
    "CREATE_TIME": lambda template: template.created_at,
}


def read_page(call: Call) -> tuple[int, int]:
    """Read the page; this resource refuses sizes that others cut."""
    size = call.query.whole("pageSize")
    if size is not None and not 1 <= size <= LARGEST_PAGE:
        raise InvalidError("pageSize must be 1 to 100", pointer="pageSize", code="page-size")
    return call.query.page()


async def _listed(call: Call) -> tuple[PipelineTemplate, ...]:
    return await call.services.store.list_items(PipelineTemplate, ProjectId(call.project))


async def template_list_all(call: Call) -> Response:
    """List all templates by id."""
    await call.demand(Permission.VIEW)
    page, size = read_page(call)
    found = await _listed(call)
    shown = found[(page - 1) * size : page * size]
    templates = {each.id: await _template(call, each) for each in shown}
    return ok(
        {
            "projectId": call.project,
            "count": len(found),
            "page": page,
            "pageSize": size,
            "templates": templates,
        }
    )


async def template_list(call: Call) -> Response:
    """List the templates of a project."""
    await call.demand(Permission.VIEW)
    page, size = read_page(call)
    kind = call.query.text("templateType")
    found = list(await _listed(call)) if kind in {None, "CUSTOMIZE"} else []
    if call.query.flag("storeFlag"):
        found = []  # there is no shop that templates could come from
    key = call.query.word("orderBy", _ORDERS, _ORDERS["CREATE_TIME"])
    descending = call.query.word("sort", {"ASC": False, "DESC": True}, default=True)
    found.sort(key=key, reverse=descending)
    shown = found[(page - 1) * size : page * size]
    may_edit = await call.services.access.allows(call.actor, Permission.EDIT, call.project)
    return ok(
        {
            "projectId": call.project,
            "hasPermission": may_edit,
            "hasCreatePermission": may_edit,
            "models": [await _template(call, each) for each in shown],
            "count": len(found),
        }
    )


async def _template(call: Call, template: PipelineTemplate) -> Json:
    newest = await call.services.templates.version(template)
    instances = await call.services.templates.instances(template)
    behind = sum(instance.version != newest.version for instance in instances)
    return render_template(template, newest, behind=behind, count=len(instances))


async def template_get(call: Call) -> Response:
    """Give a template with one version, by default the newest."""
    ident = call.query.needed("templateId")
    await call.demand(Permission.VIEW)
    template = await call.services.templates.get(call.project, ident)
    versions = await call.services.templates.versions(template)
    shown = await call.services.templates.version(
        template, call.query.whole("version"), call.query.text("versionName") or ""
    )
    may_edit = await call.services.access.allows(call.actor, Permission.EDIT, call.project)
    sensitive = await call.services.plugins.sensitive_inputs()
    model = shown.source if may_edit else without_secrets(shown.source, sensitive)
    return ok(render_detail(template, versions, shown, model))


async def template_create(call: Call) -> Response:
    """Make a template from a model."""
    await call.demand(Permission.EDIT)
    definition = template_definition(call, call.body())

    async def create(receipt: ReceiptRequest | None) -> PipelineTemplate:
        return await call.services.templates.create(
            call.actor, call.project, definition, NEW_PIPELINE, FIRST_TITLE, receipt
        )

    return await call.change(create, lambda template: {"id": template.id})


def template_definition(call: Call, model: object) -> Definition:
    return read_definition(model, limits=call.services.limits, ids=call.services.ids)


async def template_update(call: Call) -> Response:
    """Add a version to a template."""
    ident, title = call.query.needed("templateId"), call.query.needed("versionName")
    await call.demand(Permission.EDIT)
    if len(title) > LONGEST_TITLE:
        raise InvalidError(
            f"the name of the version has {len(title)} characters",
            pointer="versionName",
            code="text-too-long",
            values=("versionName", str(LONGEST_TITLE)),
        )
    definition = template_definition(call, call.body())

    async def update(receipt: ReceiptRequest | None) -> PipelineTemplate:
        return await call.services.templates.update(
            call.actor, call.project, ident, definition, NEW_PIPELINE, title, receipt
        )

    return await call.change(update, done)


async def template_delete(call: Call) -> Response:
    """Delete a template of which there are no instances."""
    ident = call.query.needed("templateId")
    await call.demand(Permission.EDIT)

    async def drop(receipt: ReceiptRequest | None) -> None:
        await call.services.templates.drop(call.actor, call.project, ident, receipt)

    return await call.change(drop, done)


async def template_version_delete(call: Call) -> Response:
    """Delete a version of which there are no instances."""
    ident, number = call.query.needed("templateId"), read_version(call)
    await call.demand(Permission.EDIT)

    async def drop(receipt: ReceiptRequest | None) -> None:
        await call.services.templates.drop_version(call.actor, call.project, ident, number, receipt)

    return await call.change(drop, done)


def read_version(call: Call) -> int:
    number = call.query.long("version")
    if number is None:
        raise blank("version")
    return number
