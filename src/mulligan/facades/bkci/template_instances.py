"""Calls on the pipelines made from templates."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response

from mulligan.core.errors import InvalidError, MulliganError
from mulligan.core.items import PipelineTemplate, TemplateInstance, TemplateVersion
from mulligan.core.records import Pipeline
from mulligan.core.rights import Permission
from mulligan.engine.catalog import Definition
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci.bodies import needed, read_object
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.document import Part, bad_type
from mulligan.facades.bkci.errors import render_error
from mulligan.facades.bkci.pipeline_calls import deployed
from mulligan.facades.bkci.run_out import render_page
from mulligan.facades.bkci.template_calls import read_page, read_version, template_definition
from mulligan.facades.bkci.template_io import (
    instance_model,
    render_instance,
    render_version,
)
from mulligan.facades.bkci.times import Json
from mulligan.facades.common.errors import RequestError

MOST_AT_ONCE = 100  # instances in one call
_INSTANCE_ORDERS: dict[str, Callable[[Json], Any]] = {
    "PIPELINE_NAME": lambda row: row["pipelineName"],
    "UPDATE_TIME": lambda row: row["updateTime"],
    "STATUS": lambda row: row["status"],
}


async def instance_list(call: Call) -> Response:
    """List the pipelines made from a template."""
    ident = call.query.needed("templateId")
    await call.demand(Permission.VIEW)
    page, size = read_page(call)
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
        name = needed(part, "pipelineName")
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
    number = None if by_title else read_version(call)
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
    return template_definition(call, instance_model(version, part, name))


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
    name = needed(given, "pipelineName")
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
