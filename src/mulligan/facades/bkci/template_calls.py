"""Calls on templates of pipelines and on the pipelines made from them."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response

from mulligan.core.errors import InvalidError, MulliganError
from mulligan.core.ids import ProjectId
from mulligan.core.items import PipelineTemplate, TemplateInstance, TemplateVersion
from mulligan.core.records import Pipeline
from mulligan.core.rights import Permission
from mulligan.engine.catalog import Definition
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci.bodies import read_object
from mulligan.facades.bkci.calls import Call, done, ok
from mulligan.facades.bkci.definitions import read_definition
from mulligan.facades.bkci.document import Part, bad_type
from mulligan.facades.bkci.errors import render_error
from mulligan.facades.bkci.pipeline_calls import deployed
from mulligan.facades.bkci.query import blank
from mulligan.facades.bkci.run_out import render_page
from mulligan.facades.bkci.settings_io import NEW_PIPELINE
from mulligan.facades.bkci.template_io import (
    instance_model,
    render_detail,
    render_instance,
    render_template,
    render_version,
)
from mulligan.facades.bkci.times import Json
from mulligan.facades.common.errors import RequestError
from mulligan.facades.common.sensitive import without_secrets

FIRST_TITLE = "init"
LONGEST_TITLE = 64  # characters of the name of a version
MOST_AT_ONCE = 100  # instances in one call
LARGEST_PAGE = 100

_ORDERS: dict[str, Callable[[PipelineTemplate], Any]] = {
    "NAME": lambda template: template.name,
    "CREATOR": lambda template: template.created_by,
    "CREATE_TIME": lambda template: template.created_at,
}
_INSTANCE_ORDERS: dict[str, Callable[[Json], Any]] = {
    "PIPELINE_NAME": lambda row: row["pipelineName"],
    "UPDATE_TIME": lambda row: row["updateTime"],
    "STATUS": lambda row: row["status"],
}


def _page(call: Call) -> tuple[int, int]:
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
    page, size = _page(call)
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
    page, size = _page(call)
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
    definition = _definition(call, call.body())

    async def create(receipt: ReceiptRequest | None) -> PipelineTemplate:
        return await call.services.templates.create(
            call.actor, call.project, definition, NEW_PIPELINE, FIRST_TITLE, receipt
        )

    return await call.change(create, lambda template: {"id": template.id})


def _definition(call: Call, model: object) -> Definition:
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
    definition = _definition(call, call.body())

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
    ident, number = call.query.needed("templateId"), _version_number(call)
    await call.demand(Permission.EDIT)

    async def drop(receipt: ReceiptRequest | None) -> None:
        await call.services.templates.drop_version(call.actor, call.project, ident, number, receipt)

    return await call.change(drop, done)


def _version_number(call: Call) -> int:
    number = call.query.long("version")
    if number is None:
        raise blank("version")
    return number


# --- instances ------------------------------------------------------------------------------------


async def instance_list(call: Call) -> Response:
    """List the pipelines made from a template."""
    ident = call.query.needed("templateId")
    await call.demand(Permission.VIEW)
    page, size = _page(call)
    template = await call.services.templates.get(call.project, ident)
    versions = {each.version: each for each in await call.services.templates.versions(template)}
    wanted = (call.query.text("searchKey") or "").lower()
    rows = [
        render_instance(instance, pipeline, template, versions)
        for instance, pipeline in await _instances(call, template)
        if wanted in pipeline.name.lower()
    ]
    key = call.query.word("sortType", _INSTANCE_ORDERS, _INSTANCE_ORDERS["UPDATE_TIME"])
    rows.sort(key=key, reverse=call.query.flag("desc"))
    fields = render_page(
        rows[(page - 1) * size : page * size], count=len(rows), page=page, page_size=size
    )
    newest = versions[max(versions)]
    return ok(
        {
            "projectId": call.project,
            "templateId": template.id,
            "instances": fields["records"],
            "latestVersion": render_version(newest),
            "count": len(rows),
            "page": page,
            "pageSize": size,
        }
    )


async def _instances(
    call: Call, template: PipelineTemplate
) -> list[tuple[TemplateInstance, Pipeline]]:
    found = []
    for instance in await call.services.templates.instances(template):
        pipeline = await call.services.store.find_pipeline(instance.pipeline)
        if pipeline is not None and pipeline.deleted_at is None:
            found.append((instance, pipeline))
    return found


async def instance_create(call: Call) -> Response:
    """Make pipelines from a version of a template; what can't be made is told one by one."""
    version, parts = await _asked(call, by_title=False)

    async def make(part: Part) -> Pipeline:
        name = part.text("pipelineName").strip()
        if not name:
            raise blank("pipelineName")
        return await call.services.templates.instantiate(
            call.actor, version, _instance(call, version, part, name), version.settings
        )

    return await _each(call, parts, make)


async def instance_update(call: Call) -> Response:
    """Bring instances to a version of their template."""
    return await _update(call, by_title=False)


async def instance_update_by_name(call: Call) -> Response:
    """Bring instances to the newest version with a name."""
    return await _update(call, by_title=True)


async def _update(call: Call, *, by_title: bool) -> Response:
    version, parts = await _asked(call, by_title=by_title)
    settings = version.settings if call.query.flag("useTemplateSettings") else None

    async def update(part: Part) -> Pipeline:
        pipeline = await call.pipeline(part.text("pipelineId").strip())
        name = part.text("pipelineName").strip() or pipeline.name
        definition = _instance(call, version, part, name)
        return await call.services.templates.update_instance(
            call.actor, pipeline, version, definition, settings
        )

    return await _each(call, parts, update)


async def _asked(call: Call, *, by_title: bool) -> tuple[TemplateVersion, list[Part]]:
    """Read which version the call is about, and what is asked for each pipeline."""
    ident = call.query.needed("templateId")
    title = call.query.needed("versionName") if by_title else ""
    number = None if by_title else _version_number(call)
    await call.demand(Permission.EDIT)
    body = call.body()
    if not isinstance(body, list) or not all(isinstance(each, dict) for each in body):
        raise bad_type("", "a list of objects")
    if not 1 <= len(body) <= MOST_AT_ONCE:
        raise InvalidError(
            f"{len(body)} items; 1 to {MOST_AT_ONCE} are allowed",
            code="item-count",
            values=("1", str(MOST_AT_ONCE)),
        )
    template = await call.services.templates.get(call.project, ident)
    version = await call.services.templates.version(template, number, title)
    return version, [Part(each, f"/{place}") for place, each in enumerate(body)]


def _instance(call: Call, version: TemplateVersion, part: Part, name: str) -> Definition:
    return _definition(call, instance_model(version, part, name))


async def _each(
    call: Call, parts: list[Part], do: Callable[[Part], Awaitable[Pipeline]]
) -> Response:
    """Do something for each pipeline; answer with what went well and what did not."""

    async def act(_receipt: ReceiptRequest | None) -> Json:
        made: list[Pipeline] = []
        failures: dict[str, str] = {}
        for part in parts:
            try:
                made.append(await do(part))
            except (MulliganError, RequestError) as error:
                _, body = render_error(error, call.language, call=call.name)
                failures[_called(part)] = str(body["message"])
        return {
            "successPipelines": [pipeline.name for pipeline in made],
            "successPipelinesId": [pipeline.id for pipeline in made],
            "failurePipelines": list(failures),
            "failureMessages": failures,
        }

    return await call.once(act, stores_receipt=False)


def _called(part: Part) -> str:
    name = part.value.get("pipelineName") or part.value.get("pipelineId")
    return str(name) if name else part.pointer


async def create_with_template(call: Call) -> Response:
    """Make one pipeline from a template: bound to it (CONSTRAINT), or only once (FREEDOM)."""
    given = read_object(call.body())
    await call.demand(Permission.EDIT)
    name = given.text("pipelineName").strip()
    if not name:
        raise blank("pipelineName")
    is_bound = given.word("instanceType", {"CONSTRAINT": True, "FREEDOM": False}, default=False)
    templates = call.services.templates
    template = await templates.get(call.project, given.text("templateId").strip())
    number = given.whole("templateVersion", 0)
    version = await templates.version(template, number or None)
    definition = _instance(call, version, given, name)

    async def make(receipt: ReceiptRequest | None) -> Pipeline:
        if is_bound:
            return await templates.instantiate(
                call.actor, version, definition, version.settings, receipt
            )
        return await call.services.catalog.create_pipeline(
            call.actor, call.project, definition, version.settings, receipt
        )

    return await call.change(make, deployed)
