"""Lines of a step's log by their numbers."""

import asyncio
from datetime import UTC, datetime

from mulligan.core.ids import StepId
from mulligan.core.run import Run
from mulligan.facades.native import log_shapes
from mulligan.facades.native.endpoints import Call
from mulligan.facades.native.log_sections import StepLog
from mulligan.logs.reader import NumberedLines

MOST_LINES = 10_000  # of one answer, which holds 8 MiB of log at most


async def lines_of(
    call: Call, run: Run, step: StepId, attempt: int, first: int, count: int
) -> log_shapes.LogPage:
    """Return `count` lines from number `first` on."""
    section = StepLog(call, step, attempt)
    reader = await section.reader(run)
    ended = section.is_over(run)  # looked at before the file, so that nothing follows
    found = await asyncio.to_thread(reader.numbered, first, count, section.is_mine)
    return _page(step, attempt, found, ended=ended)


async def last_lines(
    call: Call, run: Run, step: StepId, attempt: int, count: int
) -> log_shapes.LogPage:
    """Return the last `count` lines."""
    section = StepLog(call, step, attempt)
    reader = await section.reader(run)
    ended = section.is_over(run)
    found = await asyncio.to_thread(reader.last_numbered, count, section.is_mine)
    return _page(step, attempt, found, ended=ended)


def _page(step: StepId, attempt: int, found: NumberedLines, *, ended: bool) -> log_shapes.LogPage:
    return log_shapes.LogPage(
        step=step,
        attempt=attempt,
        total=found.total,
        ended=ended,
        offset=found.offset,
        lines=tuple(
            log_shapes.LogLineView(
                number=number,
                at=datetime.fromtimestamp(line.time_ms / 1000, UTC),
                text=line.text,
                complete=line.complete,
                continues=line.continues,
            )
            for number, line in found.lines
        ),
    )
