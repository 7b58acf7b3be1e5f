"""Calls on logs. Reading files blocks, so it is done in threads."""

import asyncio
import time
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from mulligan.core.errors import NotFoundError
from mulligan.core.rights import Permission
from mulligan.core.run import Run
from mulligan.core.spec import JobSpec
from mulligan.facades.bkci import log_wire
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.log_wire import LogQuery, ShownLine
from mulligan.logs.lines import SectionFilter, SectionKey
from mulligan.logs.merge import LinePage


async def _asked(call: Call, permission: Permission = Permission.VIEW_LOG) -> tuple[LogQuery, Run]:
    query = log_wire.read_log_query(call.query, call.name)
    run = await call.run(query.run, query.pipeline)
    await call.demand(permission)
    return query, run


def _sections(query: LogQuery, run: Run) -> SectionFilter:
    """Choose the sections of a log that a query is about."""
    places = log_wire.Places(run.index)

    def chosen(key: SectionKey) -> bool:
        if key.run_attempt != query.attempt:
            return False
        if query.step:
            return key.step_id == query.step
        jobs, step = places.of(key)
        if query.step_ref:
            return step is not None and step.ref == query.step_ref
        return any(_is_asked_for(query, job) for job in jobs) or not (
            query.job_ref or query.job_hash
        )

    return chosen


def _is_asked_for(query: LogQuery, job: JobSpec) -> bool:
    if query.job_ref and query.job_ref not in {job.ref, job.id}:
        return False
    return not query.job_hash or job.hash_id == query.job_hash


def _is_finished(query: LogQuery, run: Run) -> bool:
    """Tell whether what was asked for writes no more lines."""
    if query.attempt < run.head.attempt or run.head.status.is_final:
        return True
    for step_id, spec in run.index.steps.items():
        if step_id == query.step or (query.step_ref and spec.ref == query.step_ref):
            return run.step(step_id).status.is_final
    for job in run.index.all_jobs():
        if query.job_ref and query.job_ref in {job.ref, job.id}:
            return run.job(job.id).status.is_final
        if query.job_hash and query.job_hash == job.hash_id:
            return run.job(job.id).status.is_final
    return False


async def _page(
    call: Call, query: LogQuery, run: Run, *, first: int, last: int | None, from_end: bool
) -> LinePage:
    return await asyncio.to_thread(
        call.services.logs.read_page,
        run.head.id,
        from_run_line=max(1, first),
        to_run_line=last,
        limit=query.count,
        from_end=from_end,
        section=_sections(query, run),
    )


async def _wanted_lines(
    call: Call, query: LogQuery, run: Run, *, from_end: bool
) -> tuple[list[ShownLine], bool]:
    """Give as many lines as asked for, hidden ones not counted, and whether there are more."""
    first, last = query.start, query.end
    places = log_wire.Places(run.index)
    found: list[ShownLine] = []
    while True:
        page = await _page(call, query, run, first=first, last=last, from_end=from_end)
        shown = [
            log_wire.shown_line(line, places)
            for line in page.lines
            if log_wire.wants(query, line.text)
        ]
        found = [*shown, *found] if from_end else [*found, *shown]
        if len(found) > query.count:
            return (found[-query.count :] if from_end else found[: query.count]), True
        if not page.has_more or not page.lines or len(found) == query.count:
            return found, page.has_more
        if from_end:
            last = page.lines[0].run_number - 1
        else:
            first = page.lines[-1].run_number + 1


async def _answer(call: Call, *, from_end: bool) -> Response:
    began = time.monotonic()
    query, run = await _asked(call)
    # asked before reading: a line written in between is then promised by `finished: false`
    finished = _is_finished(query, run)
    lines, has_more = await _wanted_lines(call, query, run, from_end=from_end)
    return ok(
        log_wire.render_logs(
            run.head.id,
            lines,
            finished=finished,
            has_more=has_more,
            time_used_ms=int((time.monotonic() - began) * 1000),
        )
    )


async def init_logs(call: Call) -> Response:
    """Give the first page of a log, or its last one."""
    return await _answer(call, from_end=log_wire.read_log_query(call.query, call.name).reverse)


async def more_logs(call: Call) -> Response:
    """Give lines of a range."""
    query = log_wire.read_log_query(call.query, call.name)
    return await _answer(call, from_end=not query.from_start)


async def after_line_logs(call: Call) -> Response:
    """Give the lines from a number on; clients poll with the last number + 1."""
    return await _answer(call, from_end=False)


async def log_mode(call: Call) -> Response:
    """Tell where a task's log is kept."""
    query, run = await _asked(call)
    finished = _is_finished(query, run)
    return ok(log_wire.render_log_mode(run.head.id, finished=finished))


async def last_line_num(call: Call) -> Response:
    """Tell the largest line number of a build."""
    _query, run = await _asked(call)
    number = await asyncio.to_thread(call.services.logs.last_line_number, run.head.id)
    finished = run.head.status.is_final
    return ok(log_wire.render_last_line(run.head.id, finished=finished, line_number=number))


async def download_logs(call: Call) -> Response:
    """Give a whole log as text, streamed."""
    query, run = await _asked(call, Permission.DOWNLOAD)
    first = await _page(call, query, run, first=1, last=None, from_end=False)
    if not first.lines:
        raise NotFoundError("log", run.head.id)
    headers = {"Content-Disposition": log_wire.download_name(run.head.pipeline, run.head.id)}
    return StreamingResponse(
        _download(call, query, run, first),
        media_type="application/octet-stream",
        headers=headers,
    )


async def _download(call: Call, query: LogQuery, run: Run, page: LinePage) -> AsyncIterator[bytes]:
    places = log_wire.Places(run.index)
    while True:
        lines: list[ShownLine] = [
            log_wire.shown_line(line, places)
            for line in page.lines
            if log_wire.wants(query, line.text)
        ]
        yield "".join(log_wire.download_line(line) for line in lines).encode()
        if not page.has_more or not page.lines:
            return
        following = page.lines[-1].run_number + 1
        page = await _page(call, query, run, first=following, last=None, from_end=False)
