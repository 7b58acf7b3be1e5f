"""Reports and metrics that steps leave: which there are, and the pages of reports."""

import asyncio
import mimetypes
from collections.abc import Sequence
from urllib.parse import quote

from starlette.responses import FileResponse, Response

from mulligan.core.errors import InfrastructureError, NotFoundError
from mulligan.core.ids import RunId, StepId
from mulligan.core.records import StepRecord
from mulligan.core.rights import Permission
from mulligan.engine.step_records import step_records
from mulligan.facades.native import plugin_shapes as shapes
from mulligan.facades.native import queries
from mulligan.facades.native.endpoints import OCTETS, Call, Endpoint, answer

_REPORT, _QUALITY = "report", "quality"
_MOST_DIGITS = 9  # of the number of an attempt
# Pages come from programs of users: they must not act in the name of who looks at them.
_HEADERS = {
    "Content-Security-Policy": "sandbox allow-scripts",
    "X-Content-Type-Options": "nosniff",
}


async def list_reports(call: Call) -> Response:
    """List the reports of a run, oldest first."""
    page, cursor = await _page(call, _REPORT)
    items = tuple(_view(call, record) for record in page)
    return answer(shapes.ReportList(items=items, next_cursor=cursor))


async def list_metrics(call: Call) -> Response:
    """List the metrics of a run, oldest first."""
    page, cursor = await _page(call, _QUALITY)
    items = tuple(
        shapes.MetricsView(
            step=record.step,
            attempt=record.attempt,
            name=record.name,
            values=record.data,
            created_at=record.created_at,
        )
        for record in page
    )
    return answer(shapes.MetricsList(items=items, next_cursor=cursor))


async def _page(call: Call, kind: str) -> tuple[Sequence[StepRecord], str | None]:
    """Read a page from the store; its cursor is the number of its last record."""
    run_id = await _run(call)
    after, wanted = queries.offset(call.request), queries.limit(call.request)
    found = await call.services.store.list_step_records(run_id, kind, after=after, limit=wanted + 1)
    page = found[:wanted]
    return page, str(page[-1].number) if len(found) > wanted else None


async def show_page(call: Call) -> Response:
    """Give a page of a report."""
    run_id, path, number = await _run(call), call.part("path"), call.part("attempt")
    if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
        raise NotFoundError("page", path)
    step, attempt = StepId(call.part("step")), int(number)
    async for record in step_records(
        call.services.store, run_id, _REPORT, step=step, attempt=attempt
    ):
        for file in record.files:
            if file.path == path:
                return await _send(call, path, file.digest)
    raise NotFoundError("page", path)


async def _send(call: Call, path: str, digest: str) -> Response:
    bytes_at = call.services.software.path_of(digest)
    if not await asyncio.to_thread(bytes_at.is_file):
        raise InfrastructureError("the page is registered, but its bytes are gone")
    media, _ = mimetypes.guess_type(path, strict=False)
    return FileResponse(bytes_at, media_type=media or OCTETS, headers=_HEADERS)


async def _run(call: Call) -> RunId:
    """Return the id of the run, which must be of the project."""
    run_id = RunId(call.part("run"))
    run = await call.services.engine.get_run(run_id)
    if run.head.project != call.project:
        raise NotFoundError("run", run_id)
    return run_id


def _view(call: Call, record: StepRecord) -> shapes.ReportView:
    index = record.data.get("index")
    pages = f"/api/v1/projects/{quote(call.project)}/runs/{record.run}/reports"
    return shapes.ReportView(
        step=record.step,
        attempt=record.attempt,
        name=record.name,
        index=index,
        pages=f"{pages}/{quote(record.step)}/{record.attempt}" if index else None,
        url=record.data.get("url"),
        files=len(record.files),
        created_at=record.created_at,
    )


_REPORTS = "/projects/{project}/runs/{run}/reports"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_REPORTS,
        act=list_reports,
        summary="List the reports that the steps of a run left",
        needs=Permission.VIEW,
        answer=shapes.ReportList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="GET",
        path="/projects/{project}/runs/{run}/metrics",
        act=list_metrics,
        summary="List the metrics of quality that the steps of a run left",
        needs=Permission.VIEW,
        answer=shapes.MetricsList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="GET",
        path=_REPORTS + "/{step}/{attempt}/{path}",
        act=show_page,
        summary="Give a page of a report; its path may hold slashes",
        needs=Permission.DOWNLOAD,
        media=OCTETS,
    ),
)
