"""Calls on pipelines that people use now and then: copy, rename, restore, search, options."""

from starlette.responses import Response

from mulligan.core.errors import InvalidError
from mulligan.core.ids import PipelineId, ProjectId
from mulligan.core.records import Pipeline
from mulligan.core.rights import Permission
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci import wire
from mulligan.facades.bkci.bodies import read_name, read_names, read_object
from mulligan.facades.bkci.calls import Call, done, ok
from mulligan.facades.bkci.definitions import DIALECT, read_definition
from mulligan.facades.bkci.document import value_text
from mulligan.facades.bkci.model_source import model_of
from mulligan.facades.bkci.pipeline_calls import make_pipeline
from mulligan.facades.bkci.pipeline_facts import facts_of
from mulligan.facades.bkci.pipeline_out import render_pipeline
from mulligan.facades.bkci.run_out import render_page
from mulligan.facades.bkci.times import Json, millis
from mulligan.facades.common.sensitive import without_secrets

CHANNEL = "BS"
MOST_PIPELINES = 100  # that one call of pipeline_batch_get may ask for
MOST_FOUND = 100  # that a search without pages gives
LONGEST_COPY_NAME = 128  # characters
MOST_OPTIONS = 1_000


async def pipeline_batch_get(call: Call) -> Response:
    """Give several pipelines with their models; unknown ones are just missing."""
    ids = read_names(call.body(), most=MOST_PIPELINES)
    await call.demand(Permission.VIEW)
    may_edit = await call.services.access.allows(call.actor, Permission.EDIT, call.project)
    records = []
    sensitive = await call.services.plugins.sensitive_inputs()
    for ident in dict.fromkeys(ids):
        pipeline = await call.services.store.find_pipeline(PipelineId(ident))
        if pipeline is None or pipeline.project != call.project or pipeline.deleted_at:
            continue
        record = render_pipeline(pipeline, await facts_of(call, pipeline))
        version = await call.services.store.find_version(pipeline.id, pipeline.version)
        if version is not None:
            model = model_of(version)
            record["model"] = model if may_edit else without_secrets(model, sensitive)
        records.append(record)
    return ok(records)


async def pipeline_copying(call: Call) -> Response:
    """Make a pipeline with the newest version and the settings of another one."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.EDIT)
    given = read_object(call.body())
    name = read_name(call.body(), longest=LONGEST_COPY_NAME)
    services = call.services
    version = await services.catalog.get_version(pipeline)
    if version.dialect != DIALECT:
        raise InvalidError(
            "the pipeline was made through another API; copy it there",
            code="unsupported",
            values=(f"{version.dialect} pipeline copy",),
        )
    document = {**version.source, "name": name, "desc": given.text("desc")}
    definition = read_definition(
        document, limits=services.limits, ids=services.ids, dialect=pipeline.settings.dialect
    )
    return await make_pipeline(call, definition, pipeline.settings, given, like=pipeline.settings)


async def pipeline_name(call: Call) -> Response:
    """Give a pipeline another name."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.EDIT)
    name = read_name(call.body())

    async def rename(receipt: ReceiptRequest | None) -> Pipeline:
        return await call.services.catalog.save_settings(
            call.actor, pipeline, pipeline.settings, name=name, receipt=receipt
        )

    return await call.change(rename, done)


async def pipeline_restore(call: Call) -> Response:
    """Take a pipeline back from the recycle bin."""
    ident = wire.read_pipeline_id(call.query)
    await call.demand(Permission.EDIT)

    async def restore(receipt: ReceiptRequest | None) -> Pipeline:
        return await call.services.catalog.restore_pipeline(
            call.actor, call.project, ident, receipt
        )

    return await call.change(restore, done)


async def search_by_name(call: Call) -> Response:
    """Find pipelines by a part of their name."""
    await call.demand(Permission.VIEW)
    found, _ = await call.services.store.list_pipelines(
        ProjectId(call.project),
        name_contains=call.query.text("pipelineName") or "",
        limit=MOST_FOUND,
    )
    return ok([_id_and_name(pipeline) for pipeline in found])


def _id_and_name(pipeline: Pipeline) -> Json:
    return {
        "pipelineId": pipeline.id,
        "pipelineName": pipeline.name,
        "channelCode": CHANNEL,
    }


def _info(pipeline: Pipeline) -> Json:
    return {
        **_id_and_name(pipeline),
        "projectId": pipeline.project,
        "pipelineDesc": pipeline.description,
        "creator": pipeline.created_by,
        "createTime": millis(pipeline.created_at),
        "updateTime": millis(pipeline.updated_at),
        "lastModifyUser": pipeline.updated_by,
        "version": pipeline.version,
        "locked": pipeline.locked,
    }


async def paging_search_by_name(call: Call) -> Response:
    """Find pipelines by a part of their name, page by page."""
    await call.demand(Permission.VIEW)
    page, size = call.query.page(is_unlimited=call.is_unlimited)
    found, count = await call.services.store.list_pipelines(
        ProjectId(call.project),
        name_contains=call.query.text("pipelineName") or "",
        limit=size,
        offset=(page - 1) * size,
    )
    records = [_info(pipeline) for pipeline in found]
    return ok(render_page(records, count=count, page=page, page_size=size))


async def build_manual_startup_options(call: Call) -> Response:
    """Give the options of a start parameter that contain a text."""
    await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.VIEW)
    given = read_object(call.body())
    wanted = (call.query.text("search") or "").lower()
    if (given.part("payload") or given).value.get("url"):
        raise InvalidError(
            "options that come from another server are not fetched",
            pointer="payload/url",
            code="unsupported",
            values=("remote options",),
        )
    if given.text("type").strip().upper() == "SUB_PIPELINE":
        pipelines, _ = await call.services.store.list_pipelines(
            ProjectId(call.project), limit=MOST_OPTIONS
        )
        options = [(each.name, each.name) for each in pipelines]
    else:
        options = [
            (part.text("key"), value_text(part.value.get("value"), part.at("value")))
            for part in given.parts("options")
        ]
    found = [pair for pair in options if any(wanted in text.lower() for text in pair)]
    return ok([{"key": key, "value": value} for key, value in found[:MOST_OPTIONS]])
