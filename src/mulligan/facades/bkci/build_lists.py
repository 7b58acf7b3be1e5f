"""Calls that list builds."""

import asyncio
from datetime import datetime, timedelta
from functools import cache

from immutables import Map
from starlette.responses import Response

from mulligan.core.errors import InvalidError
from mulligan.core.ids import ProjectId, RunId
from mulligan.core.posts import index_of
from mulligan.core.records import PipelineVersion
from mulligan.core.rights import Permission
from mulligan.core.run import Run, RunHead
from mulligan.core.status import Status
from mulligan.facades.bkci import wire
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.bodies import read_run_ids
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.model_source import model_of
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
    store = call.services.store
    keys = dict.fromkeys((head.pipeline, head.version) for head in heads)
    found = [await store.find_version(*key) for key in keys]
    versions = {(each.pipeline, each.version): each for each in found if each is not None}
    models = {key: model_of(version) for key, version in versions.items()}
    of_version = cache(lambda key, posts: index_of(versions[key].spec, posts))
    brief = {
        head.id: of_version(key, head.posts)
        for head in heads
        if (key := (head.pipeline, head.version)) in versions and _is_brief(head, versions[key])
    }
    stages = await store.stages_of(tuple(brief))

    async def record(head: RunHead) -> Json:
        model = models.get((head.pipeline, head.version))
        if head.id in brief:
            records = (line.record for line in stages.get(head.id, ()))
            known = Map({each.id: each for each in records if each is not None})
            run = Run(head=head, index=brief[head.id], stages=known)
        elif head.status.is_final and model is None:
            return render_history(head, around)
        elif head.status.is_final:
            run = await store.get_run(head.id)
        else:
            run = await call.services.engine.get_run(head.id)  # in memory: it goes on
        return render_history(run.head, around, view=AttemptView(run), source=model)

    return list(await asyncio.gather(*(record(head) for head in heads)))


def _is_brief(head: RunHead, version: PipelineVersion) -> bool:
    """Tell whether its head and its stages alone say what a list shows of a run.

    Not of one that goes on, nor where only a review or a job tells how it went.
    """
    if not head.status.is_final or any(stage.review for stage in version.spec.stages):
        return False
    return bool(head.errors) or head.status is not Status.FAILED


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
