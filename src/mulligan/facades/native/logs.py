"""Logs of steps: whole, the last lines, or as they are being written."""

import asyncio
from collections.abc import AsyncGenerator, Iterator

from starlette.responses import PlainTextResponse, Response, StreamingResponse

from mulligan.core.errors import NotFoundError
from mulligan.core.rights import Permission
from mulligan.facades.native import log_shapes, queries
from mulligan.facades.native.endpoints import Call, Endpoint, Query, answer
from mulligan.facades.native.events import resume_point
from mulligan.facades.native.log_lines import MOST_LINES, last_lines, lines_of
from mulligan.facades.native.log_search import file_name
from mulligan.facades.native.log_sections import StepLog, having_step
from mulligan.facades.native.runs import ONE_RUN, run_of
from mulligan.facades.native.streams import Stream
from mulligan.logs.lines import LogLine

MOST_TAIL = 100_000  # lines; one answer holds 8 MiB of log at most
_LINES = 1_000  # of a page, if it is not said
_NOSNIFF = {"X-Content-Type-Options": "nosniff"}


async def get_log(call: Call) -> Response:
    """Give the log of a step's attempt."""
    run, step = await having_step(call, await run_of(call))
    number = queries.whole(call.request, "attempt", least=1) or run.step(step).attempt
    tail = queries.whole(call.request, "tail", least=0, most=MOST_TAIL)
    if number > run.step(step).attempt:
        raise NotFoundError("attempt", str(number))
    first = queries.whole(call.request, "from", least=1)
    count = queries.whole(call.request, "count", most=MOST_LINES)
    section = StepLog(call, step, number)
    if queries.flag(call.request, "follow"):
        return Stream(section.follow(resume_point(call), tail))
    if first is not None or count is not None:
        many = _LINES if count is None else count
        if tail is not None and first is None:
            return answer(await last_lines(call, run, step, number, min(tail, many)))
        return answer(await lines_of(call, run, step, number, first or 1, many))
    headers = dict(_NOSNIFF)
    if queries.flag(call.request, "download"):
        name = file_name(run, step, number)
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
    reader = await section.reader(run)
    if tail is not None:
        lines = await asyncio.to_thread(reader.tail, tail, section.is_mine) if tail else []
        return PlainTextResponse(_text(lines), headers=headers)
    return StreamingResponse(
        _chunks(reader.raw(section.is_mine)), media_type="text/plain", headers=headers
    )


def _text(lines: list[LogLine]) -> str:
    return "".join(line.text + ("" if line.continues else "\n") for line in lines)


async def _chunks(chunks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    while chunk := await asyncio.to_thread(next, chunks, b""):
        yield chunk


_WHOLE = {"type": "integer", "minimum": 1}

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=ONE_RUN + "/steps/{step}/log",
        act=get_log,
        summary="Give the log of a step as text, some lines of it (JSON), or follow it (SSE)",
        needs=Permission.VIEW_LOG,
        answer=log_shapes.LogPage,
        media="text/plain",
        query=(
            Query("attempt", "Which attempt of the step; the newest if absent.", _WHOLE),
            Query(
                "tail",
                f"Only so many last lines, at most {MOST_TAIL}; in JSON together with `count`.",
                {"type": "integer"},
            ),
            Query(
                "from",
                "Answer in JSON with the lines from this number on, counted from 1.",
                {"type": "integer", "minimum": 1},
            ),
            Query(
                "count",
                f"Answer in JSON with so many lines, at most {MOST_LINES}; {_LINES} if absent.",
                {"type": "integer", "minimum": 0, "maximum": MOST_LINES},
            ),
            Query("download", "As a file to be kept.", {"type": "boolean"}),
            Query(
                "follow",
                "Stream lines as they are written; the id of an event is the offset of the "
                "line's end. Ends with the event `end` when the attempt is over.",
                {"type": "boolean"},
            ),
            Query(
                "after",
                "Follow from this offset on, like Last-Event-ID.",
                {"type": "integer", "minimum": 0},
            ),
        ),
    ),
)
