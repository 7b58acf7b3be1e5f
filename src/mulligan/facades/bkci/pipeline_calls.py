"""Calls on projects and pipelines."""

from starlette.responses import Response

from mulligan.core.errors import ForbiddenError, InvalidError
from mulligan.core.ids import PipelineId, ProjectId
from mulligan.core.records import Pipeline
from mulligan.core.rights import Permission
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci import wire
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.bodies import read_project
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.definitions import DIALECT, read_definition
from mulligan.facades.bkci.model_source import model_of
from mulligan.facades.bkci.pipeline_out import (
    PipelineFacts,
    render_pipeline,
    render_pipeline_id,
    render_project,
    render_start_form,
)
from mulligan.facades.bkci.run_out import render_page
from mulligan.facades.bkci.settings_io import NEW_PIPELINE, read_setting, render_setting
from mulligan.facades.bkci.times import Json
from mulligan.facades.common.sensitive import without_secrets
from mulligan.ports import RunFilter

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


async def pipeline_create(call: Call) -> Response:
    """Make a pipeline and release its first version."""
    await call.demand(Permission.EDIT)
    services = call.services
    definition = read_definition(call.body(), limits=services.limits, ids=services.ids)

    async def act(_receipt: ReceiptRequest | None) -> Json:
        pipeline = await services.catalog.create_pipeline(
            call.actor, call.project, definition, NEW_PIPELINE
        )
        return render_pipeline_id(pipeline)

    return await call.once(act, stores_receipt=False)


async def pipeline_edit(call: Call) -> Response:
    """Replace the model: a new version."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.EDIT)
    services = call.services
    version = await services.catalog.get_version(pipeline)
    if version.dialect != DIALECT:
        raise InvalidError(
            "the pipeline was made through another API; edit it there",
            code="unsupported",
            values=(f"{version.dialect} pipeline edit",),
        )
    definition = read_definition(
        call.body(),
        limits=services.limits,
        ids=services.ids,
        dialect=pipeline.settings.dialect,
    )

    async def act(_receipt: ReceiptRequest | None) -> bool:
        await services.catalog.edit_pipeline(call.actor, pipeline, definition)
        return _DONE

    return await call.once(act, stores_receipt=False)


async def pipeline_get(call: Call) -> Response:
    """Give the model of the newest version."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.VIEW)
    version = await call.services.catalog.get_version(pipeline)
    may_edit = await call.services.access.allows(call.actor, Permission.EDIT, call.project)
    model = model_of(version)
    source = model if may_edit else without_secrets(model)
    return ok(source | {"name": pipeline.name, "latestVersion": pipeline.version})


async def pipeline_delete(call: Call) -> Response:
    """Delete a pipeline; its builds stay readable."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    if not await call.services.access.allows(call.actor, Permission.EDIT, call.project):
        raise ForbiddenError(call.actor.user, Permission.EDIT.value, call.project)

    async def act(_receipt: ReceiptRequest | None) -> bool:
        await call.services.catalog.delete_pipeline(call.actor, pipeline)
        return _DONE

    return await call.once(act, stores_receipt=False)


async def pipeline_lock(call: Call) -> Response:
    """Lock or unlock a pipeline."""
    pipeline_id, locked = wire.read_lock(call.query)
    pipeline = await call.pipeline(pipeline_id)
    await call.demand(Permission.EDIT)

    async def act(_receipt: ReceiptRequest | None) -> bool:
        await call.services.catalog.lock_pipeline(call.actor, pipeline, locked=locked)
        return _DONE

    return await call.once(act, stores_receipt=False)


async def setting_get(call: Call) -> Response:
    """Give the settings of a pipeline."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.VIEW)
    return ok(render_setting(pipeline))


async def setting_save(call: Call) -> Response:
    """Save the settings of a pipeline; may rename it."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.EDIT)
    change = read_setting(call.body(), pipeline.settings)

    async def act(_receipt: ReceiptRequest | None) -> bool:
        await call.services.catalog.save_settings(
            call.actor,
            pipeline,
            change.settings,
            name=change.name,
            description=change.description,
        )
        return _DONE

    return await call.once(act, stores_receipt=False)


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
    records = [render_pipeline(each, await _facts(call, each)) for each in pipelines]
    return ok(render_page(records, count=count, page=query.page, page_size=query.page_size))


async def pipeline_status(call: Call) -> Response:
    """Give a pipeline with its newest build."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.VIEW)
    return ok(render_pipeline(pipeline, await _facts(call, pipeline)))


async def _facts(call: Call, pipeline: Pipeline) -> PipelineFacts:
    store = call.services.store
    version = await store.find_version(pipeline.id, pipeline.version)
    page = await store.list_runs(RunFilter(pipeline=pipeline.id), limit=1)
    head = page.items[0] if page.items else None
    view = None
    source = None
    if head is not None:
        run = await call.services.engine.get_run(head.id)
        view, source = AttemptView(run), await call.source(run)
        head = run.head
    _queued, running = await store.count_unfinished(pipeline.id)
    return PipelineFacts(
        now=call.services.clock.now(),
        spec=version.spec if version is not None else None,
        latest=head,
        view=view,
        source=source,
        run_count=head.number if head is not None else 0,
        running_count=running,
        language=call.language,
    )


async def build_manual_startup_info(call: Call) -> Response:
    """Give the form with which a pipeline is started."""
    query = wire.read_start(call.query)
    pipeline = await call.pipeline(query.pipeline)
    await call.demand(Permission.VIEW)
    version = await call.services.catalog.get_version(pipeline, query.version)
    page = await call.services.store.list_runs(RunFilter(pipeline=PipelineId(pipeline.id)), limit=1)
    latest = page.items[0] if page.items else None
    call.services.catalog.demand_unlocked(pipeline)
    return ok(render_start_form(model_of(version), latest))
