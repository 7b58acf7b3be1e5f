"""Calls that list builds."""

import asyncio
from datetime import datetime, timedelta

from starlette.responses import Response

from mulligan.core.errors import InvalidError
from mulligan.core.ids import ProjectId, RunId
from mulligan.core.rights import Permission
from mulligan.core.run import RunHead
from mulligan.facades.bkci import wire
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.bodies import read_run_ids
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.run_out import (
    Surroundings,
    render_history,
    render_history_page,
    render_page,
)
from mulligan.facades.bkci.times import Json
from mulligan.ports import RunFilter

_LOCAL_TIME = "%Y-%m-%d %H:%M:%S"
# So these two parameters are called in the API itself.
_STARTED_FROM, _STARTED_TO = "构建开始时间", "构建结束时间"
_LARGEST_SIMPLE_PAGE = 100


async def build_histories(call: Call) -> Response:
    """List builds of a pipeline."""
    query = wire.read_histories(call.query, ProjectId(call.project), is_unlimited=call.is_unlimited)
    pipeline = await call.pipeline(query.where.pipeline or "")
    await call.demand(Permission.VIEW)
    heads: tuple[RunHead, ...] = ()
    count = 0
    if not query.nothing:
        page = await call.services.store.list_runs(
            query.where,
            limit=query.page_size,
            offset=(query.page - 1) * query.page_size,
            by_update=query.by_update,
            with_total=True,
        )
        heads, count = page.items, page.total or 0
    around = await call.surroundings(None, pipeline.id)
    chosen = [head for head in heads if _lasted(head, query.total_min_ms, query.total_max_ms)]
    return ok(
        render_history_page(
            await _records(call, chosen, around),
            count=count,
            page=query.page,
            page_size=query.page_size,
            latest_version=pipeline.version,
        )
    )


async def _records(call: Call, heads: list[RunHead], around: Surroundings) -> list[Json]:
    return list(await asyncio.gather(*(_record(call, head, around) for head in heads)))


async def _record(call: Call, head: RunHead, around: Surroundings) -> Json:
    if head.status.is_final:
        return render_history(head, around)
    run = await call.services.engine.get_run(head.id)  # in memory: it goes on
    return render_history(run.head, around, view=AttemptView(run), source=await call.source(run))


def _lasted(head: RunHead, least_ms: int | None, most_ms: int | None) -> bool:
    if least_ms is None and most_ms is None:
        return True
    if head.started_at is None or head.ended_at is None:
        return False
    lasted = head.ended_at - head.started_at
    longest = timedelta(milliseconds=most_ms) if most_ms is not None else timedelta.max
    return timedelta(milliseconds=least_ms or 0) <= lasted <= longest


async def batch_get_build_status(call: Call) -> Response:
    """Give the status of up to 100 builds; unknown ones are just missing."""
    ids = read_run_ids(call.body())
    await call.demand(Permission.VIEW)
    page = await call.services.store.list_runs(
        RunFilter(
            project=ProjectId(call.project),
            ids=tuple(RunId(each) for each in dict.fromkeys(ids)),
            started_from=call.query.some_time(_STARTED_FROM),
            started_to=call.query.some_time(_STARTED_TO),
        ),
        limit=len(ids),
    )
    if not page.items:
        return ok([])
    around = await call.surroundings(None, page.items[0].pipeline)
    return ok(await _records(call, list(page.items), around))


async def build_histories_simple(call: Call) -> Response:
    """List builds of a pipeline with few fields and times as texts of the server's zone."""
    page_number, size = call.query.whole("page"), call.query.whole("pageSize")
    if page_number is None or size is None or not 1 <= size <= _LARGEST_SIMPLE_PAGE:
        raise InvalidError("pageSize must be 1 to 100", pointer="pageSize", code="page-size")
    query = wire.read_simple_histories(call.query, ProjectId(call.project))
    pipeline = await call.pipeline(query.where.pipeline or "")
    await call.demand(Permission.VIEW)
    if query.nothing:
        return ok(render_page([], count=0, page=page_number, page_size=size))
    page = await call.services.store.list_runs(
        query.where,
        limit=size,
        offset=(max(page_number, 1) - 1) * size,
        by_update=query.by_update,
        with_total=True,
    )
    around = await call.surroundings(None, pipeline.id)
    records = [_light(record) for record in await _records(call, list(page.items), around)]
    return ok(render_page(records, count=page.total or 0, page=page_number, page_size=size))


_LIGHT = (
    "id",
    "userId",
    "buildNum",
    "status",
    "remark",
    "executeTime",
    "retry",
    "trigger",
    "errorInfoList",
    "buildParameters",
)


def _light(record: Json) -> Json:
    light = {name: record[name] for name in _LIGHT if name in record}
    for name in ("startTime", "endTime"):
        if name in record:
            instant = datetime.fromtimestamp(record[name] / 1000).astimezone()
            light[name] = instant.strftime(_LOCAL_TIME)
    return light
