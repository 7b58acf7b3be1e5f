"""Read the lines of a log as it is at one moment."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from operator import attrgetter

from mulligan.logs.format import REGION_BYTES, split_lines
from mulligan.logs.index import Entry, Index
from mulligan.logs.lines import LogLine, Section, SectionFilter, SectionKey, is_selected
from mulligan.logs.source import Source

READ_BYTES = 256 * 1024
"""What is read from the log at once."""

READ_ENTRIES = 256
"""What is read from the index at once: 8 KiB."""

Region = tuple[Entry, bytes]
"""An entry and the bytes of the log from its offset to that of the next entry."""

_LINE = attrgetter("line")
_OFFSET = attrgetter("offset")
_FIRST_LINE = attrgetter("first_line")

LineRange = tuple[int, int]
"""First and last number of lines in the file."""


class Snapshot:
    """Find lines and sections in an open log.

    Args:
        index: opened before the sections and the source were, so that both hold what it counts.
        sections: of the whole log.
        source: of the log.
        nobody: the key of lines whose section record is lost.
    """

    def __init__(
        self, index: Index, sections: list[Section], source: Source, nobody: SectionKey
    ) -> None:
        self.index = index
        self.sections = sections
        self.source = source
        self.line_count = index.line_count
        self._nobody = nobody

    def selected_sections(self, wanted: SectionFilter) -> list[Section]:
        """Return the sections that pass the filter, in the order of the file."""
        return [section for section in self.sections if is_selected(section.key, wanted)]

    def ranges(self, wanted: SectionFilter, first: int, last: int) -> list[LineRange]:
        """Return the lines from ``first`` to ``last`` that pass the filter, ascending."""
        last = min(last, self.line_count)
        if wanted is None:
            candidates = [(1, self.line_count)]
        else:
            candidates = [(s.first_line, s.last_line) for s in self.selected_sections(wanted)]
        clipped = ((max(a, first), min(b, last)) for a, b in candidates)
        return [(a, b) for a, b in clipped if a <= b]

    def key_at(self, line: int) -> SectionKey:
        """Return which section a line is in; a nameless one if the section file is lost."""
        after = bisect_right(self.sections, line, key=_FIRST_LINE)
        return self.sections[after - 1].key if after else self._nobody

    def regions(self, first: int, last: int) -> Iterator[Region]:
        """Yield what must be read for the lines ``first`` to ``last``, at most 256 KiB at once."""
        position = max(self.index.find_line(first), 0)
        while position < len(self.index):
            entries = self.index.entries(position, READ_ENTRIES + 1)
            taken = bisect_left(entries, entries[0].offset + READ_BYTES, key=_OFFSET)
            taken = max(min(taken, bisect_right(entries, last, key=_LINE), READ_ENTRIES), 1)
            if taken < len(entries):
                end = entries[taken].offset
            else:
                # The last line of the log may still grow, so it has no end but the file's.
                end = entries[-1].offset + REGION_BYTES
            start = entries[0].offset
            data = self.source.read(start, end - start)
            for number, entry in enumerate(entries[:taken], start=1):
                stop = entries[number].offset if number < taken else end
                yield entry, data[entry.offset - start : stop - start]
            if taken < len(entries) and entries[taken].line > last:
                return
            position += taken

    def lines(self, first: int, last: int) -> Iterator[LogLine]:
        """Yield the lines ``first`` to ``last``."""
        for region in self.regions(first, last):
            for line in self.region_lines(region):
                if line.number > last:
                    return
                if line.number >= first:
                    yield line

    def region_lines(self, region: Region) -> Iterator[LogLine]:
        """Yield the lines of a region."""
        entry, data = region
        key = self.key_at(entry.line)
        offset = entry.offset
        run_gap = entry.run_line - entry.line
        # Lines that follow were left by a writer that is dead, or are about to be counted.
        numbers = range(entry.line, entry.line + entry.lines)
        for number, (raw, length, ended) in zip(numbers, split_lines(data), strict=False):
            text = raw.removesuffix(b"\r") if ended else raw
            followed = number < self.line_count
            yield LogLine(
                number=number,
                run_number=number + run_gap,
                time_ms=entry.time_ms,
                text=text.decode(errors="replace"),
                section=key,
                offset=offset,
                offset_end=offset + length,
                complete=ended or followed,
                continues=followed and not ended,
            )
            offset += length

    def first_line_within(self, first: int, last: int, limit_bytes: int) -> int:
        """Return from which line on the lines up to ``last`` have about ``limit_bytes`` in all.

        Never below ``first``, and off by the lines of one entry at most (80 KiB).
        """
        position = self.index.find_line(last)
        if position + 1 < len(self.index):
            end = self.index.entry(position + 1).offset
        else:
            end = self.source.size
        start = self.index.find_offset(end - limit_bytes)
        if start < 0:
            return first
        return min(max(self.index.entry(start).line, first), last)
