"""Find lines in a large log: whole blocks are looked through by RE2, which takes linear time.

An expression of a user can't make it run for ever, a look at the clock between blocks bounds the
rest, and a search goes on where it stopped.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mulligan.logs.format import REGION_BYTES, split_lines
from mulligan.logs.index import Entry
from mulligan.logs.lines import Section, SectionKey
from mulligan.logs.query import ESCAPES, LogQuery

if TYPE_CHECKING:
    from mulligan.logs.snapshot import Snapshot

BLOCK_BYTES = 1024 * 1024
SNIPPET = 300  # characters of a line that are shown
_BEFORE = 80  # of these, before the match
# Lines of a block that only seemed to match; after so many it is quicker to take all sequences out.
_MISSES = 1_000
_LINE = attrgetter("line")
_FIRST_LINE = attrgetter("first_line")

_Match = tuple[int, int, int, bytes]
"""Number of a line, begin and end of the match in it, its bytes without escape sequences."""


class _Block(NamedTuple):
    """Consecutive whole lines: their number, their bytes, and what the index knows of them."""

    first: int
    lines: int
    data: bytes
    entries: list[Entry]


class LineHit(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was found.

    Args:
        number: In the file, from 1.
        place: In the attempt of the step that it belongs to, from 1.
        text: About SNIPPET characters around the match, without escape sequences.
        begin, end: Of the match in `text`, in characters.
    """

    number: int
    place: int
    time_ms: int
    section: SectionKey
    text: str
    begin: int
    end: int


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found, and the line of the file from which to go on; None = to its end."""

    hits: list[LineHit]
    next_line: int | None


def find(
    log: Snapshot,
    query: LogQuery,
    *,
    first: int,
    limit: int,
    deadline: float,
    is_wanted: Callable[[SectionKey], bool],
) -> Found:
    """Return lines of a log that match, from a line on.

    Args:
        deadline: When to stop, on `time.monotonic`; one block is always looked through.
    """
    hits: list[LineHit] = []
    places = Places(log.sections)
    for block in _blocks(log, first):
        for number, begin, end, line in _matches(query, block):
            if number < first:
                continue
            section = log.key_at(number)
            if not is_wanted(section):
                continue
            if len(hits) == limit:
                return Found(hits=hits, next_line=number)
            entry = block.entries[bisect_right(block.entries, number, key=_LINE) - 1]
            text, left, right = _snippet(line, begin, end)
            hits.append(
                LineHit(
                    number=number,
                    place=places.of(number),
                    time_ms=entry.time_ms,
                    section=section,
                    text=text,
                    begin=left,
                    end=right,
                )
            )
        following = block.first + block.lines
        if time.monotonic() >= deadline and following <= log.line_count:
            return Found(hits=hits, next_line=following)
    return Found(hits=hits, next_line=None)


class Places:
    """Where lines of a file are in the attempt of their step, which may have several sections."""

    def __init__(self, sections: list[Section]) -> None:
        self._sections = sections
        self._before: list[int] = []
        counts: dict[tuple[str, int], int] = {}
        for section in sections:
            owner = (section.key.step_id, section.key.step_attempt)
            self._before.append(counts.get(owner, 0))
            lines = max(section.last_line - section.first_line + 1, 0)
            counts[owner] = counts.get(owner, 0) + lines

    def of(self, number: int) -> int:
        """Return the place of a line of the file; its number where no section is known."""
        position = bisect_right(self._sections, number, key=_FIRST_LINE) - 1
        if position < 0:
            return number
        return self._before[position] + number - self._sections[position].first_line + 1


def _blocks(log: Snapshot, first: int) -> Iterator[_Block]:
    """Yield the log from the entry of a line on in blocks of about BLOCK_BYTES."""
    index = log.index
    position = max(index.find_line(first), 0)
    while position < len(index):
        offset = index.entry(position).offset
        following = max(index.find_offset(offset + BLOCK_BYTES), position + 1)
        entries = index.entries(position, following - position + 1)
        if following < len(index):
            after = entries.pop()
            end, count = after.offset, after.line - entries[0].line
        else:
            end, count = entries[-1].offset + REGION_BYTES, log.line_count - entries[0].line + 1
        yield _Block(entries[0].line, count, log.source.read(offset, end - offset), entries)
        position = following


def _matches(query: LogQuery, block: _Block) -> Iterator[_Match]:
    """Yield the lines of a block that match."""
    data = block.data
    if data.count(b"\n") + (not data.endswith(b"\n")) != block.lines:
        return _matches_by_line(query, block)
    if b"\x1b" not in data:
        return _matches_in_plain(query, data, block.first, block.lines)
    if query.loose is not None and _is_utf8(data):
        return _matches_in_coloured(query, block)
    return _matches_in_plain(query, ESCAPES.sub(b"", data), block.first, block.lines)


def _is_utf8(data: bytes) -> bool:
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


def _matches_in_plain(query: LogQuery, data: bytes, first: int, count: int) -> Iterator[_Match]:
    """Yield those of `count` lines without escape sequences that match."""
    for number, begin, end, line in _lines_found(query.exact, data, first, count):
        yield number, begin - line.start, end - line.start, data[line]


def _matches_in_coloured(query: LogQuery, block: _Block) -> Iterator[_Match]:
    """Yield the lines that match, taking the sequences only out of lines that may do so."""
    first, count, data, _ = block
    misses = 0
    for number, _, _, place in _lines_found(query.loose, data, first, count):
        line = ESCAPES.sub(b"", data[place])
        match = query.exact.search(line)
        if match is not None:
            yield number, *match.span(), line
            continue
        misses += 1
        if misses == _MISSES:
            rest = ESCAPES.sub(b"", data[place.stop + 1 :])
            yield from _matches_in_plain(query, rest, number + 1, first + count - number - 1)
            return


def _lines_found(
    pattern: Any, data: bytes, first: int, count: int
) -> Iterator[tuple[int, int, int, slice]]:
    """Yield number, begin and end of the match, and place of each line in which one begins."""
    position, number = 0, first
    while position <= len(data):
        match = pattern.search(data, position)
        if match is None:
            return
        begin, end = match.span()
        number += data.count(b"\n", position, begin)
        if number >= first + count:
            return
        line_end = data.find(b"\n", begin)
        line_end = len(data) if line_end < 0 else line_end
        yield number, begin, end, slice(data.rfind(b"\n", 0, begin) + 1, line_end)
        position, number = line_end + 1, number + 1


def _matches_by_line(query: LogQuery, block: _Block) -> Iterator[_Match]:
    """Do the same where lines were cut, so that newlines do not count them."""
    numbers = range(block.first, block.first + block.lines)
    for number, (line, _, _) in zip(numbers, split_lines(block.data), strict=False):
        plain = ESCAPES.sub(b"", line)
        match = query.exact.search(plain)
        if match is not None:
            yield number, *match.span(), plain


def _snippet(line: bytes, begin: int, end: int) -> tuple[str, int, int]:
    before = line[:begin].decode(errors="replace")
    match = line[begin:end].decode(errors="replace")[:SNIPPET]
    left = before[-_BEFORE:]
    rest = line[end : end + SNIPPET * 4].decode(errors="replace").removesuffix("\r")
    text = left + match + rest[: max(SNIPPET - len(left) - len(match), 0)]
    return text, len(left), len(left) + len(match)
