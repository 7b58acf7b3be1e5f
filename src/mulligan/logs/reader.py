"""Read the log of a job attempt: while it is written, finished, or compressed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import msgspec

from mulligan.logs.find import Found, find
from mulligan.logs.index import Index, last_run_line
from mulligan.logs.lines import (
    LogLine,
    SearchResult,
    Section,
    SectionFilter,
    SectionKey,
    is_selected,
)
from mulligan.logs.query import LogQuery
from mulligan.logs.search import MatchLimits, search_lines
from mulligan.logs.sections import SectionFile
from mulligan.logs.snapshot import LineRange, Snapshot
from mulligan.logs.source import SourceOpener

PAGE_BYTES = 8 * 1024 * 1024
"""The most that one call returns, in bytes of the log: 10,000 lines could have 160 MB."""

FOLLOW_BYTES = 256 * 1024
SEARCH_BYTES = 32 * 1024 * 1024
SEARCH_MATCHES = 1_000


class NumberedLines(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of some sections, counted from 1 over these.

    Args:
        total: How many there are in all.
        offset: Behind the last of ``lines`` that is complete: where to go on with ``read_from``.
    """

    total: int
    offset: int
    lines: list[tuple[int, LogLine]]


class LogReader:
    """Read one log. Every call opens the files, looks at what is there at that moment, and closes.

    So a reader costs nothing while it is kept, works before the log exists (it is empty then), and
    does not mind that the log is compressed meanwhile. All calls block for a few milliseconds.

    Lists of lines are cut when they exceed ``limit_bytes`` of the log, but have at least one line
    if there is one; what is missing is seen from the numbers.

    Args:
        path: of the log, ends in ``.log`` also when it is compressed.
        job_id, job_attempt: put into the section keys.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, job_id: str = "", job_attempt: int = 0
    ) -> None:
        self.path = os.fspath(path)
        self.job_id = job_id
        self.job_attempt = job_attempt
        self._nobody = SectionKey(
            step_id="", step_attempt=0, run_attempt=0, job_id=job_id, job_attempt=job_attempt
        )
        self._opener = SourceOpener(self.path)
        self._sections = SectionFile(self.path, self._nobody)

    @contextmanager
    def _snapshot(self) -> Iterator[Snapshot]:
        index = Index(self.path)
        try:
            source = self._opener.open()
            try:
                sections = self._sections.read(index.line_count, source.size)
                yield Snapshot(index, sections, source, self._nobody)
            finally:
                source.close()
        finally:
            index.close()

    @property
    def line_count(self) -> int:
        """Return the lines in the log, an unfinished one included."""
        with self._snapshot() as log:
            return log.line_count

    @property
    def size(self) -> int:
        """Return the bytes of the log, before compression."""
        with self._snapshot() as log:
            return log.source.size

    @property
    def last_run_line(self) -> int:
        """Return the highest line number of the run in this log, 0 if it has no line."""
        return last_run_line(self.path)

    def last_and_settled(self) -> tuple[int, int]:
        """Return the highest line number of the run, and that up to which lines are complete.

        Both of the same moment; a little lower than necessary while the log is being written.
        """
        last = last_run_line(self.path)
        if not last:
            return 0, 0
        # The index was read first: a newline at the end now has ended the last line of then.
        source = self._opener.open()
        try:
            return last, last - source.may_grow()
        finally:
            source.close()

    def sections(self) -> list[Section]:
        """Return the sections in the order of the file."""
        with self._snapshot() as log:
            return log.sections

    def has_section(self, section: SectionFilter) -> bool:
        """Tell whether a section passes the filter, without looking at the lines."""
        return section is None or any(is_selected(s.key, section) for s in self.sections())

    def lines(
        self,
        first: int,
        count: int,
        section: SectionFilter = None,
        *,
        limit_bytes: int = PAGE_BYTES,
    ) -> list[LogLine]:
        """Return up to ``count`` lines from number ``first`` of the file on.

        Args:
            section: return only lines of these sections.
        """
        with self._snapshot() as log:
            return _forward(log, log.ranges(section, first, log.line_count), count, limit_bytes)

    def numbered(
        self,
        first: int,
        count: int,
        section: SectionFilter = None,
        *,
        limit_bytes: int = PAGE_BYTES,
    ) -> NumberedLines:
        """Return up to ``count`` lines, numbered within the sections, from number ``first`` on."""
        with self._snapshot() as log:
            ranges = log.ranges(section, 1, log.line_count)
            lines = _forward(log, _skipped(ranges, first - 1), count, limit_bytes)
            return _numbered(log, ranges, section, lines, first)

    def last_numbered(
        self, count: int, section: SectionFilter = None, *, limit_bytes: int = PAGE_BYTES
    ) -> NumberedLines:
        """Return the last ``count`` lines, numbered like those of ``numbered``."""
        with self._snapshot() as log:
            ranges = log.ranges(section, 1, log.line_count)
            lines = _backward(log, ranges, count, limit_bytes)
            return _numbered(log, ranges, section, lines, _total(ranges) - len(lines) + 1)

    def find(
        self,
        query: LogQuery,
        *,
        first: int = 1,
        limit: int,
        deadline: float,
        is_wanted: Callable[[SectionKey], bool],
    ) -> Found:
        """Return lines that match from line ``first`` of the file on; see ``find.find``."""
        with self._snapshot() as log:
            return find(
                log, query, first=first, limit=limit, deadline=deadline, is_wanted=is_wanted
            )

    def tail(
        self, count: int, section: SectionFilter = None, *, limit_bytes: int = PAGE_BYTES
    ) -> list[LogLine]:
        """Return the last ``count`` lines, ascending; of the last sections that pass the filter."""
        with self._snapshot() as log:
            return _backward(log, log.ranges(section, 1, log.line_count), count, limit_bytes)

    def by_run_line(
        self,
        first: int,
        last: int | None = None,
        *,
        limit: int,
        from_end: bool = False,
        section: SectionFilter = None,
        limit_bytes: int = PAGE_BYTES,
    ) -> list[LogLine]:
        """Return lines whose number in the run is from ``first`` to ``last``, ascending.

        Args:
            last: inclusive; None for no end.
            limit: the most lines to return.
            from_end: if there are more, return the last ones.
        """
        with self._snapshot() as log:
            ranges = _run_ranges(log, first, last, section)
            select = _backward if from_end else _forward
            return select(log, ranges, limit, limit_bytes)

    def next_run_line(
        self,
        first: int,
        last: int | None = None,
        *,
        from_end: bool = False,
        section: SectionFilter = None,
    ) -> int | None:
        """Return the lowest (or highest) number in the run from ``first`` to ``last``.

        Reads only the index. None if there is no such line.
        """
        with self._snapshot() as log:
            ranges = _run_ranges(log, first, last, section)
            if not ranges:
                return None
            return log.index.run_line_of(ranges[-1][1] if from_end else ranges[0][0])

    def read_from(self, offset: int, limit_bytes: int = FOLLOW_BYTES) -> tuple[list[LogLine], int]:
        """Return lines that begin at ``offset`` or later, and the offset for the next call.

        To follow a log, begin with 0, or after a list of lines with the last one's ``offset_end``
        (its ``offset``, if it is not complete). A last line that is not complete is returned as far
        as it is there, and again by the next call, under the same number, until it is.
        """
        with self._snapshot() as log:
            position = log.index.find_offset(offset)
            start = log.index.entry(position).line if position >= 0 else 1
            lines: list[LogLine] = []
            following = offset
            for line in log.lines(start, log.line_count):
                if line.offset < offset:
                    continue
                lines.append(line)
                following = line.offset_end if line.complete else line.offset
                if line.offset_end - offset >= limit_bytes:
                    break
            return lines, following

    def raw(
        self, section: SectionFilter = None, *, chunk_bytes: int = FOLLOW_BYTES
    ) -> Iterator[bytes]:
        """Yield the stored bytes, of the whole log or of sections, as they are at the first step.

        Keeps one file open until it is exhausted or closed.
        """
        with self._snapshot() as log:
            if section is None:
                spans = [(0, log.source.size)]
            else:
                spans = [(s.offset, s.offset_end) for s in log.selected_sections(section)]
            for start, end in spans:
                for offset in range(start, end, chunk_bytes):
                    yield log.source.read(offset, min(chunk_bytes, end - offset))

    def search(
        self,
        pattern: str | re.Pattern[str],
        *,
        first: int = 1,
        section: SectionFilter = None,
        ignore_case: bool = False,
        limit: int = SEARCH_MATCHES,
        limit_bytes: int = SEARCH_BYTES,
    ) -> SearchResult:
        """Return lines whose text without escape sequences contains ``pattern``.

        A match that goes over a cut at 16 KiB is not found.

        Args:
            pattern: a text to find literally, or a compiled regular expression. An expression
                from a user can run for hours on one line; it is the caller's to prevent that.
            first: number in the file to begin at.
            ignore_case: for a literal text.
            limit: the most lines to return.
            limit_bytes: the most bytes of the log to look at.
        """
        limits = MatchLimits(lines=limit, scanned_bytes=limit_bytes)
        with self._snapshot() as log:
            ranges = log.ranges(section, first, log.line_count)
            return search_lines(log, ranges, pattern, limits, ignore_case=ignore_case)


def _run_ranges(
    log: Snapshot, first: int, last: int | None, section: SectionFilter
) -> list[LineRange]:
    """Return the lines whose number in the run is in an inclusive range."""
    start = log.index.line_from_run_line(first)
    end = log.line_count if last is None else log.index.line_from_run_line(last + 1) - 1
    return log.ranges(section, start, end)


def _skipped(ranges: Iterable[LineRange], count: int) -> Iterator[LineRange]:
    """Yield what is left of ranges without their first ``count`` lines."""
    for first, last in ranges:
        skipped = min(count, last - first + 1)
        count -= skipped
        if first + skipped <= last:
            yield first + skipped, last


def _total(ranges: Iterable[LineRange]) -> int:
    return sum(last - first + 1 for first, last in ranges)


def _numbered(
    log: Snapshot,
    ranges: list[LineRange],
    section: SectionFilter,
    lines: list[LogLine],
    first: int,
) -> NumberedLines:
    """Number lines, which are part of ``ranges``, from ``first`` on."""
    offset = next((line.offset_end for line in reversed(lines) if line.complete), None)
    if offset is None:
        offset = lines[0].offset if lines else _offset_at(log, ranges, section)
    return NumberedLines(
        total=_total(ranges), offset=offset, lines=list(enumerate(lines, start=first))
    )


def _offset_at(log: Snapshot, ranges: list[LineRange], section: SectionFilter) -> int:
    """Return where lines after the last one will begin."""
    mine = log.selected_sections(section) if section is not None else []
    if ranges or not mine:
        return mine[-1].offset_end if mine else log.source.size
    return mine[-1].offset


def _forward(
    log: Snapshot, ranges: Iterable[LineRange], count: int, limit_bytes: int
) -> list[LogLine]:
    """Return the first ``count`` lines of ``ranges``."""
    lines: list[LogLine] = []
    for first, last in ranges:
        missing = count - len(lines)
        if missing <= 0:
            break
        for line in log.lines(first, min(last, first + missing - 1)):
            lines.append(line)
            limit_bytes -= line.offset_end - line.offset
            if limit_bytes <= 0:
                return lines
    return lines


def _backward(
    log: Snapshot, ranges: list[LineRange], count: int, limit_bytes: int
) -> list[LogLine]:
    """Return the last ``count`` lines of ``ranges``, ascending."""
    parts: list[list[LogLine]] = []
    for first, last in reversed(ranges):
        if count <= 0 or limit_bytes <= 0:
            break
        wanted = max(first, last - count + 1)
        start = log.first_line_within(wanted, last, limit_bytes)
        part = list(log.lines(start, last))
        parts.append(part)
        if start > wanted or not part:
            break
        count -= len(part)
        limit_bytes -= part[-1].offset_end - part[0].offset
    return [line for part in reversed(parts) for line in part]
