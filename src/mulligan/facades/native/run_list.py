"""The list of runs, filtered and page by page."""

from collections.abc import Sequence

from starlette.responses import Response

from mulligan.core.durations import seconds_between
from mulligan.core.ids import PipelineId, UserName
from mulligan.core.rights import Permission
from mulligan.core.run import RunHead
from mulligan.core.status import Status
from mulligan.facades.native import overview_shapes as shapes
from mulligan.facades.native import queries, run_views
from mulligan.facades.native.endpoints import Call, Endpoint, Query, answer
from mulligan.ports import RunFilter
from mulligan.ports.overview import StageLine

RUNS = "/projects/{project}/runs"
_WHOLE = {"type": "integer", "minimum": 1}


async def list_runs(call: Call) -> Response:
    """List runs, newest first."""
    request = call.request
    page = await call.services.store.list_runs(
        _filter(call),
        limit=queries.limit(request),
        cursor=queries.text(request, "cursor"),
    )
    names = await pipeline_names(call, {head.pipeline for head in page.items})
    stages = await call.services.store.stages_of([head.id for head in page.items])
    items = tuple(
        _item(head, names.get(head.pipeline, ""), stages.get(head.id, ())) for head in page.items
    )
    return answer(shapes.RunList(items=items, next_cursor=page.cursor or None))


def _filter(call: Call) -> RunFilter:
    request = call.request
    pipeline = queries.text(request, "pipeline")
    number = queries.whole(request, "number", least=1)
    is_recovered = queries.text(request, "recovered")
    return RunFilter(
        project=call.project,
        pipeline=PipelineId(pipeline) if pipeline else None,
        statuses=queries.words(request, "status", Status),
        actors=tuple(UserName(name) for name in queries.names(request, "actor")),
        start_kinds=queries.names(request, "trigger"),
        branches=queries.names(request, "branch"),
        queued_from=queries.instant(request, "since"),
        queued_to=queries.instant(request, "until"),
        message=queries.text(request, "message") or None,
        recovered=queries.flag(request, "recovered") if is_recovered else None,
        number_from=number,
        number_to=number,
    )


async def pipeline_names(call: Call, idents: set[PipelineId]) -> dict[PipelineId, str]:
    """Return the names of pipelines, also of deleted ones."""
    found = [await call.services.store.find_pipeline(ident) for ident in idents]
    return {pipeline.id: pipeline.name for pipeline in found if pipeline is not None}


def _item(head: RunHead, name: str, stages: Sequence[StageLine]) -> shapes.RunItem:
    recovery = run_views.recovered_view(head)
    return shapes.RunItem(
        **run_views.summary_fields(head, name),
        attempts=head.attempt,
        **run_views.origin_fields(head),
        recovered=recovery is not None,
        recovery=recovery,
        queue_seconds=seconds_between(head.queued_at, head.started_at),
        run_seconds=seconds_between(head.started_at, head.ended_at),
        stages=tuple(_stage(head, line) for line in stages),
    )


def _stage(head: RunHead, line: StageLine) -> shapes.StageMini:
    status, cause = run_views.stage_end(line.record, head.status)
    return shapes.StageMini(
        id=line.id,
        name=line.name,
        is_finally=line.is_finally,
        status=status.value,
        cause=run_views.word(cause),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=RUNS,
        act=list_runs,
        summary="List runs, newest first",
        needs=Permission.VIEW,
        answer=shapes.RunList,
        query=(
            Query("status", "Only these, separated by commas."),
            Query("pipeline", "Only of this pipeline (p-…)."),
            Query("actor", "Only those that one of these users started."),
            Query("trigger", "Only those started so: manual, service, timer, webhook …"),
            Query("branch", "Only those that an event on one of these branches started."),
            Query("since", "Only those asked for at or after this instant (RFC 3339)."),
            Query("until", "Only those asked for at or before this instant (RFC 3339)."),
            Query("message", "Only those with this text in the message."),
            Query("recovered", "Only those that were recovered, or were not.", {"type": "boolean"}),
            Query("number", "Only those with this number.", _WHOLE),
            *queries.PAGED,
        ),
    ),
)
