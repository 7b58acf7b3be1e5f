"""Read the logs of a whole run as one, in the order of its line numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import islice

import msgspec

from mulligan.logs.lines import LogLine, SectionFilter
from mulligan.logs.reader import PAGE_BYTES, LogReader

_BUFFERS_BYTES = 4 * 1024 * 1024
_MAX_BUFFER_BYTES = 64 * 1024
_MIN_BUFFER_BYTES = 2 * 1024
_BUFFER_LINES = 512


class LinePage(msgspec.Struct, frozen=True, kw_only=True):
    """Hold lines in ascending order, and whether the range has more of them."""

    lines: list[LogLine]
    has_more: bool


class _Cursor:
    """Walk through the lines of one log that are in the range, up or down."""

    def __init__(
        self,
        reader: LogReader,
        *,
        first: int,
        last: int | None,
        reverse: bool,
        section: SectionFilter,
        buffer_bytes: int,
    ) -> None:
        self._reader = reader
        self._first = first
        self._last = last
        self._reverse = reverse
        self._section = section
        self._buffer_bytes = buffer_bytes
        self._buffer: list[LogLine] = []

    def peek(self) -> int | None:
        """Return the number of the next line; does not read it unless it is in the buffer."""
        if self._buffer:
            return self._buffer[-1].run_number
        return self._reader.next_run_line(
            self._first, self._last, from_end=self._reverse, section=self._section
        )

    def take(self) -> LogLine | None:
        """Return the next line, None if there is none."""
        if not self._buffer:
            self._fill()
        return self._buffer.pop() if self._buffer else None

    def _fill(self) -> None:
        lines = self._reader.by_run_line(
            self._first,
            self._last,
            limit=_BUFFER_LINES,
            from_end=self._reverse,
            section=self._section,
            limit_bytes=self._buffer_bytes,
        )
        if not lines:
            return
        if self._reverse:
            self._last = lines[0].run_number - 1
        else:
            self._first = lines[-1].run_number + 1
            lines.reverse()
        self._buffer = lines


def merge(
    readers: Iterable[LogReader],
    from_run_line: int = 1,
    limit: int | None = None,
    *,
    to_run_line: int | None = None,
    reverse: bool = False,
    section: SectionFilter = None,
) -> Iterator[LogLine]:
    """Yield the lines of several logs in ascending order of their number in the run.

    Holds at most some 4 MB of lines, however many and large the logs are (with more than 2,000
    that are read at the same place, 2 KB for each or one line).

    Args:
        from_run_line: lowest number.
        limit: the most lines to yield; None for all.
        to_run_line: highest number, inclusive; None for no end.
        reverse: begin at the highest number and go down.
        section: yield only lines of these sections.
    """
    readers = list(readers)
    buffer_bytes = _BUFFERS_BYTES // max(len(readers), 1)
    buffer_bytes = min(max(buffer_bytes, _MIN_BUFFER_BYTES), _MAX_BUFFER_BYTES)
    cursors = [
        _Cursor(
            reader,
            first=from_run_line,
            last=to_run_line,
            reverse=reverse,
            section=section,
            buffer_bytes=buffer_bytes,
        )
        for reader in readers
    ]
    return islice(_merged(cursors, sign=-1 if reverse else 1), limit)


def _merged(cursors: list[_Cursor], sign: int) -> Iterator[LogLine]:
    """Yield from the cursor that is next, again and again."""
    heap = [
        (sign * number, position)
        for position, cursor in enumerate(cursors)
        if (number := cursor.peek()) is not None
    ]
    heapify(heap)
    while heap:
        _, position = heappop(heap)
        cursor = cursors[position]
        # Numbers come in blocks, so mostly the next line is of the same log.
        bound = heap[0] if heap else None
        while (line := cursor.take()) is not None:
            yield line
            number = cursor.peek()
            if number is None:
                break
            if bound is not None and (sign * number, position) > bound:
                heappush(heap, (sign * number, position))
                break


def read_page(
    readers: Iterable[LogReader],
    *,
    from_run_line: int = 1,
    to_run_line: int | None = None,
    limit: int,
    from_end: bool = False,
    section: SectionFilter = None,
    limit_bytes: int = PAGE_BYTES,
) -> LinePage:
    """Return up to ``limit`` lines of a range of numbers of the run, always ascending.

    While the logs are being written, use ``LogFiles.read_page``, which misses no line.

    Args:
        from_end: take the last lines of the range instead of the first.
        limit_bytes: the page ends after so many bytes of log, but has at least one line.
    """
    found = merge(
        readers, from_run_line, to_run_line=to_run_line, reverse=from_end, section=section
    )
    lines: list[LogLine] = []
    has_more = False
    for line in found:
        if len(lines) >= limit or limit_bytes <= 0:
            has_more = True
            break
        lines.append(line)
        limit_bytes -= line.offset_end - line.offset
    if from_end:
        lines.reverse()
    return LinePage(lines=lines, has_more=has_more)
