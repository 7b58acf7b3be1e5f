"""Calls on pipelines: make, change, look, lock, delete."""

from collections.abc import Sequence

from msgspec.structs import replace
from starlette.responses import Response

from mulligan.core.errors import ForbiddenError, InvalidError, NotFoundError
from mulligan.core.ids import PipelineId, ProjectId
from mulligan.core.items import Item
from mulligan.core.records import Pipeline, PipelineSettings
from mulligan.core.rights import Permission
from mulligan.engine.catalog import Definition
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci import wire
from mulligan.facades.bkci.bodies import read_object
from mulligan.facades.bkci.calls import Call, done, ok
from mulligan.facades.bkci.definitions import DIALECT, read_definition
from mulligan.facades.bkci.document import Part
from mulligan.facades.bkci.model_source import model_of
from mulligan.facades.bkci.pipeline_facts import facts_of, pipeline_records
from mulligan.facades.bkci.pipeline_out import (
    render_deployed,
    render_pipeline,
    render_pipeline_id,
    render_start_form,
)
from mulligan.facades.bkci.query import blank
from mulligan.facades.bkci.run_out import render_page
from mulligan.facades.bkci.settings_io import NEW_PIPELINE, read_setting, render_setting
from mulligan.facades.bkci.times import Json, present
from mulligan.facades.bkci.trigger_calls import with_remote_token
from mulligan.facades.common.sensitive import without_secrets
from mulligan.ports import RunFilter


async def pipeline_create(call: Call) -> Response:
    """Make a pipeline and release its first version."""
    await call.demand(Permission.EDIT)
    body = call.body()
    definition = read_definition(body, limits=call.services.limits, ids=call.services.ids)
    return await make_pipeline(call, definition, NEW_PIPELINE, read_object(body))


async def pipeline_upload(call: Call) -> Response:
    """Make a pipeline with its settings."""
    await call.demand(Permission.EDIT)
    body = call.body()
    definition, settings = read_both(call, body, NEW_PIPELINE)
    return await make_pipeline(call, definition, settings, read_object(body).part("model"))


async def make_pipeline(
    call: Call,
    definition: Definition,
    settings: PipelineSettings,
    asks: Part | None,
    like: PipelineSettings | None = None,
) -> Response:
    """Store a new pipeline, with its labels and in its views.

    Args:
        asks: Names labels, besides those of the settings that count without, and views: in the
            members `labels` and `staticViews`.
        like: Settings of the pipeline that it is a copy of.
    """
    services = call.services
    views = asks.texts("staticViews") if asks is not None else ()
    if asks is not None and asks.texts("labels"):
        settings = replace(settings, labels=asks.texts("labels"))
    settings = await services.arrangement.with_labels(call.project, settings, like)

    async def in_views(pipeline: Pipeline) -> Sequence[Item]:
        return await services.arrangement.with_pipeline(call.actor, call.project, views, pipeline)

    async def create(receipt: ReceiptRequest | None) -> Pipeline:
        return await services.catalog.create_pipeline(
            call.actor, call.project, definition, settings, receipt, items=in_views
        )

    return await call.change(create, render_pipeline_id)


async def pipeline_edit(call: Call) -> Response:
    """Replace the model: a new version."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.EDIT)
    await demand_dialect(call, pipeline)
    services = call.services
    definition = read_definition(
        call.body(),
        limits=services.limits,
        ids=services.ids,
        dialect=pipeline.settings.dialect,
    )

    async def edit(receipt: ReceiptRequest | None) -> Pipeline:
        return await services.catalog.edit_pipeline(
            call.actor, pipeline, definition, receipt=receipt
        )

    return await call.change(edit, done)


async def pipeline_update(call: Call) -> Response:
    """Replace the model and the settings: a new version."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.EDIT)
    await demand_dialect(call, pipeline)
    services = call.services
    definition, settings = read_both(call, call.body(), pipeline.settings)
    settings = await services.arrangement.with_labels(call.project, settings, pipeline.settings)

    async def edit(receipt: ReceiptRequest | None) -> Pipeline:
        return await services.catalog.edit_pipeline(
            call.actor, pipeline, definition, settings=settings, receipt=receipt
        )

    return await call.change(edit, deployed)


def deployed(pipeline: Pipeline) -> Json:
    """Return the `DeployPipelineResult` of a stored pipeline."""
    return render_deployed(pipeline.id, pipeline.name, pipeline.version)


async def demand_dialect(call: Call, pipeline: Pipeline) -> None:
    """Check that a pipeline was made through this API.

    Raises:
        InvalidError: It can only be edited where it was made (code "unsupported").
    """
    if pipeline.version == 0:
        return  # drafts are of this API alone
    version = await call.services.catalog.get_version(pipeline)
    if version.dialect != DIALECT:
        raise InvalidError(
            "the pipeline was made through another API; edit it there",
            code="unsupported",
            values=(f"{version.dialect} pipeline edit",),
        )


def read_both(
    call: Call, body: object, present_settings: PipelineSettings
) -> tuple[Definition, PipelineSettings]:
    """Read a `PipelineModelAndSetting`; name and description of the settings win.

    Raises:
        InvalidError: A rule of saving is broken, or a value out of its range.
    """
    given = read_object(body)
    setting = given.part("setting") or Part({})
    change = read_setting(setting.value, present_settings)
    model = given.part("model")
    if model is None:
        raise blank("model")
    wanted = {"name": change.name, "desc": change.description}
    document = {**model.value, **present(wanted)}
    definition = read_definition(
        document,
        limits=call.services.limits,
        ids=call.services.ids,
        dialect=change.settings.dialect,
    )
    return definition, change.settings


async def pipeline_get(call: Call) -> Response:
    """Give the model of the newest version."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.VIEW)
    version = await call.services.catalog.get_version(pipeline)
    may_edit = await call.services.access.allows(call.actor, Permission.EDIT, call.project)
    model = model_of(version)
    if may_edit:
        source = await with_remote_token(call, pipeline, model)
    else:
        source = without_secrets(model, await call.services.plugins.sensitive_inputs())
    return ok(source | {"name": pipeline.name, "latestVersion": pipeline.version})


async def pipeline_delete(call: Call) -> Response:
    """Delete a pipeline; its builds stay readable."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    if not await call.services.access.allows(call.actor, Permission.EDIT, call.project):
        raise ForbiddenError(call.actor.user, Permission.EDIT.value, call.project)

    async def delete(receipt: ReceiptRequest | None) -> Pipeline:
        return await call.services.catalog.delete_pipeline(call.actor, pipeline, receipt)

    return await call.change(delete, done)


async def pipeline_lock(call: Call) -> Response:
    """Lock or unlock a pipeline."""
    pipeline_id, locked = wire.read_lock(call.query)
    pipeline = await call.pipeline(pipeline_id)
    await call.demand(Permission.EDIT)

    async def lock(receipt: ReceiptRequest | None) -> Pipeline:
        return await call.services.catalog.lock_pipeline(
            call.actor, pipeline, locked=locked, receipt=receipt
        )

    return await call.change(lock, done)


async def setting_get(call: Call) -> Response:
    """Give the settings of a pipeline."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.VIEW)
    labels = await call.services.arrangement.labels(call.project)
    names = {ident: label.name for ident, label in labels.items()}
    return ok(render_setting(pipeline, names))


async def setting_save(call: Call) -> Response:
    """Save the settings of a pipeline; may rename it."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.EDIT)
    change = read_setting(call.body(), pipeline.settings)
    settings = await call.services.arrangement.with_labels(
        call.project, change.settings, pipeline.settings
    )

    async def save(receipt: ReceiptRequest | None) -> Pipeline:
        return await call.services.catalog.save_settings(
            call.actor,
            pipeline,
            settings,
            name=change.name,
            description=change.description,
            receipt=receipt,
        )

    return await call.change(save, done)


async def pipeline_list(call: Call) -> Response:
    """List the pipelines of a project, with their newest builds."""
    await call.demand(Permission.VIEW)
    query = wire.read_pipeline_list(call.query, is_unlimited=call.is_unlimited)
    pipelines, count = await call.services.store.list_pipelines(
        ProjectId(call.project),
        name_contains=query.name_contains,
        limit=query.page_size,
        offset=(query.page - 1) * query.page_size,
    )
    records = await pipeline_records(call, pipelines)
    return ok(render_page(records, count=count, page=query.page, page_size=query.page_size))


async def pipeline_status(call: Call) -> Response:
    """Give a pipeline with its newest build; nothing if there is no such pipeline."""
    pipeline_id = wire.read_pipeline_id(call.query)
    await call.demand(Permission.VIEW)
    try:
        pipeline = await call.pipeline(pipeline_id)
    except NotFoundError:
        return ok(None)
    return ok(render_pipeline(pipeline, await facts_of(call, pipeline)))


async def build_manual_startup_info(call: Call) -> Response:
    """Give the form with which a pipeline is started."""
    query = wire.read_start(call.query)
    pipeline = await call.pipeline(query.pipeline)
    await call.demand(Permission.VIEW)
    version = await call.services.catalog.get_version(pipeline, query.version)
    page = await call.services.store.list_runs(RunFilter(pipeline=PipelineId(pipeline.id)), limit=1)
    latest = page.items[0] if page.items else None
    call.services.catalog.demand_unlocked(pipeline)
    counted = await call.services.engine.counters.peek(pipeline, version.spec)
    return ok(render_start_form(model_of(version), latest, counted))
