"""Calls on views, and the list of pipelines that a view shows."""

from starlette.responses import Response

from mulligan.core.errors import NotFoundError
from mulligan.core.ids import PipelineId, ProjectId
from mulligan.core.items import View
from mulligan.core.rights import Permission
from mulligan.core.views import Row, SortBy, in_order, passes, shows
from mulligan.engine.arrangement import demand_own
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci.bodies import needed, read_names, read_object
from mulligan.facades.bkci.calls import Call, done, ok
from mulligan.facades.bkci.pipeline_facts import pipeline_records
from mulligan.facades.bkci.query import blank
from mulligan.facades.bkci.run_out import render_page
from mulligan.facades.bkci.view_io import (
    list_filters,
    read_form,
    render_view,
    render_view_summary,
)
from mulligan.ports import RunFilter

MOST_PIPELINES = 10_000  # of a project that views look at
MOST_RECENT_RUNS = 500  # of a user that "recently used" looks at
MOST_AT_ONCE = 100  # pipelines or views in one bulk call
_SORTS = {
    "NAME": SortBy.NAME,
    "CREATE_TIME": SortBy.CREATED,
    "UPDATE_TIME": SortBy.UPDATED,
    "LAST_EXEC_TIME": SortBy.LAST_RUN,
}
_COLLATIONS = {"ASC": False, "DESC": True}


async def view_list(call: Call) -> Response:
    """List the views of the project and those of the caller."""
    await call.demand(Permission.VIEW)
    views = await call.services.arrangement.views(call.actor, call.project)
    if call.query.text("projected") is not None:
        wanted = call.query.flag("projected")
        views = tuple(view for view in views if (view.parent == "") == wanted)
    kind = call.query.whole("viewType")
    if kind is not None:
        views = tuple(view for view in views if view.is_dynamic == (kind == 1))
    labels = await call.services.arrangement.labels(call.project)
    rows = await _rows(call) if views else ()
    return ok(
        [
            render_view_summary(view, sum(shows(view, row[0], labels) for row in rows))
            for view in views
        ]
    )


async def view_get(call: Call) -> Response:
    """Give a view."""
    await call.demand(Permission.VIEW)
    view = await _view(call)
    labels = await call.services.arrangement.labels(call.project)
    shown = [row[0].id for row in await _rows(call) if shows(view, row[0], labels)]
    return ok(render_view(view, shown))


async def view_create(call: Call) -> Response:
    """Make a view."""
    await call.demand(Permission.VIEW)
    form = read_form(read_object(call.body()))
    if form.is_projects:
        await call.demand(Permission.EDIT)

    async def save(receipt: ReceiptRequest | None) -> View:
        return await call.services.arrangement.save_view(
            call.actor, call.project, form, receipt=receipt
        )

    return await call.change(save, lambda view: {"id": view.id})


async def view_update(call: Call) -> Response:
    """Replace what a view selects."""
    await call.demand(Permission.VIEW)
    form = read_form(read_object(call.body()))
    view = await _view(call)
    await _demand_change(call, view)
    if form.is_projects:
        await call.demand(Permission.EDIT)

    async def save(receipt: ReceiptRequest | None) -> View:
        return await call.services.arrangement.save_view(
            call.actor, call.project, form, view.id, receipt
        )

    return await call.change(save, done)


async def view_delete(call: Call) -> Response:
    """Delete a view; its pipelines stay."""
    await call.demand(Permission.VIEW)
    view = await _view(call)
    await _demand_change(call, view)

    async def drop(receipt: ReceiptRequest | None) -> None:
        await call.services.arrangement.drop(call.actor, View, call.project, view.id, receipt)

    return await call.change(drop, done)


async def bulk_add(call: Call) -> Response:
    """Put pipelines into static views."""
    await call.demand(Permission.VIEW)
    given = read_object(call.body())
    pipelines = read_names(given.items("pipelineIds"), most=MOST_AT_ONCE)
    views = [
        await _own_view(call, ident)
        for ident in read_names(given.items("viewIds"), most=MOST_AT_ONCE)
    ]
    return await _fill(call, views, add=tuple(map(PipelineId, pipelines)))


async def bulk_remove(call: Call) -> Response:
    """Take pipelines out of a static view."""
    await call.demand(Permission.VIEW)
    given = read_object(call.body())
    pipelines = read_names(given.items("pipelineIds"), most=MOST_AT_ONCE)
    view = await _own_view(call, needed(given, "viewId"))
    return await _fill(call, [view], remove=tuple(map(PipelineId, pipelines)))


async def _fill(
    call: Call,
    views: list[View],
    *,
    add: tuple[PipelineId, ...] = (),
    remove: tuple[PipelineId, ...] = (),
) -> Response:
    for view in views:
        await _demand_change(call, view)

    async def fill(receipt: ReceiptRequest | None) -> None:
        await call.services.arrangement.fill_views(
            call.actor, views, add=add, remove=remove, receipt=receipt
        )

    return await call.change(fill, done)


async def _demand_change(call: Call, view: View) -> None:
    """Demand what a view of the project needs; one's own may be changed by who may look."""
    if view.parent == "":
        await call.demand(Permission.EDIT)


async def _own_view(call: Call, ident: str) -> View:
    view = await call.services.arrangement.get(View, call.project, ident)
    demand_own(call.actor, view)
    return view


async def _view(call: Call) -> View:
    """Return the view that `viewId`, or `viewName` and `isProject`, names."""
    query = call.query
    ident, name = query.text("viewId"), query.text("viewName")
    if ident is not None:
        return await _own_view(call, ident)
    if name is None:
        raise blank("viewId")
    owner = "" if query.flag("isProject", default=True) else call.actor.user
    for view in await call.services.arrangement.views(call.actor, call.project):
        if (view.name, view.parent) == (name, owner):
            return view
    raise NotFoundError("view", name)


async def _rows(call: Call) -> tuple[Row, ...]:
    rows, _ = await call.services.store.list_group_pipelines(
        ProjectId(call.project), limit=MOST_PIPELINES
    )
    return rows


# --- the pipelines of a view ----------------------------------------------------------------------


async def view_pipelines(call: Call) -> Response:
    """List the pipelines of a view, filtered and sorted."""
    await call.demand(Permission.VIEW)
    query = call.query
    page, size = query.page(is_unlimited=call.is_unlimited)
    by = query.word("sortType", _SORTS, SortBy.CREATED)
    descending = query.word("collation", _COLLATIONS, by is not SortBy.NAME)
    rows = await _wanted(call, await _shown(call))
    found = in_order(rows, by, descending=descending)
    part = [pipeline for pipeline, _ in found[(page - 1) * size : page * size]]
    records = await pipeline_records(call, part)
    return ok(render_page(records, count=len(found), page=page, page_size=size))


async def _shown(call: Call) -> list[Row]:
    """Return the pipelines that the view of the query shows."""
    ident = call.query.text("viewId")
    rows = list(await _rows(call))
    if call.query.flag("showDelete"):
        gone, _ = await call.services.store.list_pipelines(
            ProjectId(call.project), limit=MOST_PIPELINES, deleted=True
        )
        rows += [(pipeline, None) for pipeline in gone]
    has_name = call.query.text("viewName") is not None
    match ident or ("" if has_name else "allPipeline"):
        case "allPipeline":
            return rows
        case "collect":
            return []  # nobody can mark pipelines over this API
        case "myPipeline":
            return [row for row in rows if row[0].created_by == call.actor.user]
        case "recentUse":
            recent = await _recently_used(call)
            return [row for row in rows if row[0].id in recent]
        case _:
            view = await _view(call)
    labels = await call.services.arrangement.labels(call.project)
    return [row for row in rows if shows(view, row[0], labels)]


async def _recently_used(call: Call) -> frozenset[PipelineId]:
    where = RunFilter(project=ProjectId(call.project), actors=(call.actor.user,))
    page = await call.services.store.list_runs(where, limit=MOST_RECENT_RUNS)
    return frozenset(head.pipeline for head in page.items)


async def _wanted(call: Call, rows: list[Row]) -> list[Row]:
    """Keep what all filters of the query let through."""
    labels = await call.services.arrangement.labels(call.project)
    for condition in list_filters(call.query):
        rows = [row for row in rows if passes(condition, row[0], labels)]
    for ident in _listed(call.query.text("filterByViewIds")):
        view = await _own_view(call, ident)
        rows = [row for row in rows if shows(view, row[0], labels)]
    return rows


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(",") if part.strip()]
