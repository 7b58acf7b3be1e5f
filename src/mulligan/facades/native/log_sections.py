"""The log of one attempt of a step, which is part of the log of a job attempt."""

import asyncio
from collections.abc import AsyncGenerator

import msgspec
from msgspec.structs import replace

from mulligan.core.errors import NotFoundError
from mulligan.core.ids import StepId
from mulligan.core.rights import Permission
from mulligan.core.run import Run, Step
from mulligan.facades.native.endpoints import Call
from mulligan.facades.native.events import check_rights
from mulligan.facades.native.run_views import Snapshot
from mulligan.facades.native.runs import run_of
from mulligan.facades.native.streams import HEARTBEAT, HEARTBEAT_S, Waker, frame
from mulligan.logs.lines import LogLine, SectionKey
from mulligan.logs.reader import LogReader


class _Part(msgspec.Struct, frozen=True):
    """Some lines of a section. `at_end`: there are no more at the moment."""

    lines: list[LogLine]
    offset: int
    at_end: bool


async def having_step(call: Call, run: Run) -> tuple[Run, StepId]:
    """Return the step of the path, and the run with it.

    A matrix job that was split anew has fewer copies, or others; the logs of those that are gone
    stay: the run is then given as it was split when it had the step last.

    Raises:
        NotFoundError: The run never had it.
    """
    step = StepId(call.part("step"))
    if step in run.index.steps:
        return run, step
    history = await call.services.store.history(run.head.id)
    records = history.steps.get(step, ())
    # each look puts the whole run together: none for a step that never was
    for number in range(run.head.attempt - 1, 0, -1) if records else ():
        index = Snapshot(run, history, number).index
        if step in index.steps:
            return replace(run, index=index, steps=run.steps.set(step, records[-1])), step
    raise NotFoundError("step", step)


class StepLog:
    """The log of one attempt of a step: sections of the log of a job attempt."""

    def __init__(self, call: Call, step: StepId, number: int) -> None:
        self._call = call
        self._step = step
        self._number = number

    def is_mine(self, key: SectionKey) -> bool:
        """Tell whether a section belongs to the attempt."""
        return key.step_id == self._step and key.step_attempt == self._number

    async def reader(self, run: Run) -> LogReader:
        """Return a reader of the log that holds it."""
        record = await self._record(run)
        job = run.index.step_job[self._step][0]
        # one that has not begun will be in the log of the attempt that its job is at by now
        begun = record.started_at is not None or record.status.is_final
        number = record.job_attempt if begun else run.job(job).attempt
        return self._call.services.logs.reader(run.head.id, job, number)

    async def _record(self, run: Run) -> Step:
        latest = run.step(self._step)
        if latest.attempt == self._number:
            return latest
        found = await self._call.services.store.step_attempts(run.head.id, self._step)
        for record in found:
            if record.attempt == self._number:
                return record
        raise NotFoundError("attempt", str(self._number))

    async def follow(self, after: int | None, tail: int | None) -> AsyncGenerator[bytes, None]:
        """Yield the lines as events until the attempt is over.

        Args:
            after: Offset behind the last line that the reader has.
            tail: Begin with so many lines; None = with the first.
        """
        services = self._call.services
        ident = (await run_of(self._call)).head.id
        waker = Waker(
            lambda seconds: services.live.wait_log(ident, seconds),
            lambda seconds: services.live.wait_run(ident, seconds),
        )
        offset = after
        is_checked = after is None
        try:
            while True:
                await waker.arm()
                run, _ = await having_step(self._call, await services.engine.get_run(ident))
                ended = self.is_over(run)
                reader = await self.reader(run)
                if offset is None and tail is not None:
                    offset = await asyncio.to_thread(_tail_offset, reader, tail, self)
                if not is_checked:  # one that lies ahead would wait for it in silence
                    offset = await asyncio.to_thread(_bounded, reader, offset or 0, self)
                    is_checked = True
                part = await asyncio.to_thread(read_part, reader, self, offset or 0, whole=ended)
                if part.lines:
                    await check_rights(self._call, run.head.project, Permission.VIEW_LOG)
                    offset = part.offset
                    yield b"".join(frame(line.text, ident=line.offset_end) for line in part.lines)
                if part.at_end and ended:
                    yield await self._end(run, offset)
                    return
                if part.at_end and not await waker.wait(HEARTBEAT_S):
                    await check_rights(self._call, run.head.project, Permission.VIEW_LOG)
                    yield HEARTBEAT
        finally:
            waker.close()

    def is_over(self, run: Run) -> bool:
        """Tell whether nothing will be added to it."""
        latest = run.step(self._step)
        over = latest.attempt > self._number or latest.status.is_final
        return over or run.head.status.is_final

    async def _end(self, run: Run, offset: int | None) -> bytes:
        status = (await self._record(run)).status
        data = {"attempt": self._number, "status": status.value}
        return frame(msgspec.json.encode(data), ident=offset or 0, event="end")


def _tail_offset(reader: LogReader, tail: int, section: StepLog) -> int | None:
    mine = [found for found in reader.sections() if section.is_mine(found.key)]
    if not mine:
        return None
    lines = reader.tail(tail, section.is_mine) if tail else []
    return lines[0].offset if lines else mine[-1].offset_end


def _bounded(reader: LogReader, offset: int, section: StepLog) -> int:
    """Give an offset that a reader has told, or the end of what there is if it lies behind that."""
    ends = [found.offset_end for found in reader.sections() if section.is_mine(found.key)]
    return min(offset, ends[-1] if ends else 0)


def read_part(reader: LogReader, section: StepLog, offset: int, *, whole: bool) -> _Part:
    """Read the next lines of a section. Blocks.

    Args:
        offset: Where to begin, in bytes of the file.
        whole: Nothing will follow: the last line is complete even without a newline.
    """
    mine = [found for found in reader.sections() if section.is_mine(found.key)]
    if not mine:
        return _Part([], offset, at_end=True)
    begin = max(offset, mine[0].offset)
    end = mine[-1].offset_end
    if begin >= end:
        return _Part([], begin, at_end=True)
    lines, _ = reader.read_from(begin)
    taken = [
        line
        for line in lines
        if section.is_mine(line.section) and line.offset < end and (line.complete or whole)
    ]
    following = max([begin, *(line.offset_end for line in lines if line.complete or whole)])
    return _Part(taken, min(following, end), at_end=following == begin or following >= end)
