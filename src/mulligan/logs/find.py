"""Find lines in a large log: whole blocks are looked through by RE2, which takes linear time.

An expression of a user can't make it run for ever, a look at the clock between blocks bounds the
rest, and a search goes on where it stopped.
"""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from mulligan.logs.format import REGION_BYTES, LogError, split_lines
from mulligan.logs.lines import Section, SectionKey

if TYPE_CHECKING:
    from mulligan.logs.snapshot import Snapshot

BLOCK_BYTES = 1024 * 1024
LONGEST_QUERY = 1_000  # characters
SNIPPET = 300  # characters of a line that are shown
_BEFORE = 80  # of these, before the match
_MEMORY = 8 * 1024 * 1024  # of RE2 for one expression
# As `search.py` knows them, on bytes, and never over the end of a line.
_ESCAPES = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])"
)
_FIRST_LINE = attrgetter("first_line")


class PatternError(LogError, ValueError):
    """The expression can't be read."""


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


def compile_query(text: str, *, is_regexp: bool, ignore_case: bool) -> Any:
    """Make of a query what `find` takes.

    Raises:
        PatternError: It is empty, too long, or no expression.
    """
    import re2  # 10 ms that a server without searches need not wait for

    if not text or len(text) > LONGEST_QUERY:
        raise PatternError(f"a query has 1 to {LONGEST_QUERY} characters")
    options = re2.Options()
    options.never_nl = True
    options.log_errors = False
    options.max_mem = _MEMORY
    options.case_sensitive = not ignore_case
    options.literal = not is_regexp
    raw = text.encode(errors="replace")
    try:
        return re2.compile(b"(?m)" + raw if is_regexp else raw, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else "it can't be read"
        raise PatternError(f"the expression can't be read: {reason}") from None


def find(
    log: Snapshot,
    pattern: Any,
    *,
    first: int,
    limit: int,
    deadline: float,
    is_wanted: Callable[[SectionKey], bool],
) -> Found:
    """Return lines of a log that match, from a line on.

    Args:
        pattern: Made by `compile_query`.
        deadline: When to stop, on `time.monotonic`; one block is always looked through.
    """
    hits: list[LineHit] = []
    places = Places(log.sections)
    for start, data, count in _blocks(log, first):
        for number, begin, end, line in _matches(pattern, data, start, count):
            if number < first:
                continue
            section = log.key_at(number)
            if not is_wanted(section):
                continue
            if len(hits) == limit:
                return Found(hits=hits, next_line=number)
            entry = log.index.entry(log.index.find_line(number))
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
        if time.monotonic() >= deadline and start + count <= log.line_count:
            return Found(hits=hits, next_line=start + count)
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


def _blocks(log: Snapshot, first: int) -> Iterator[tuple[int, bytes, int]]:
    """Yield the number of the first line, the bytes and the count of lines of each block."""
    index = log.index
    position = max(index.find_line(first), 0)
    while position < len(index):
        entry = index.entry(position)
        following = max(index.find_offset(entry.offset + BLOCK_BYTES), position + 1)
        if following < len(index):
            after = index.entry(following)
            end, count = after.offset, after.line - entry.line
        else:
            last = index.entry(len(index) - 1)
            end, count = last.offset + REGION_BYTES, log.line_count - entry.line + 1
        yield entry.line, log.source.read(entry.offset, end - entry.offset), count
        position = following


def _matches(
    pattern: Any, data: bytes, start: int, count: int
) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield number, begin and end of the match, and bytes of each line of a block that matches."""
    plain = _ESCAPES.sub(b"", data) if b"\x1b" in data else data
    if plain.count(b"\n") + (not plain.endswith(b"\n")) != count:
        yield from _matches_by_line(pattern, data, start, count)
        return
    position, counted, number = 0, 0, start
    while position <= len(plain):
        match = pattern.search(plain, position)
        if match is None:
            return
        begin, end = match.span()
        number += plain.count(b"\n", counted, begin)
        if number >= start + count:
            return
        line_begin = plain.rfind(b"\n", 0, begin) + 1
        line_end = plain.find(b"\n", begin)
        line_end = len(plain) if line_end < 0 else line_end
        yield number, begin - line_begin, end - line_begin, plain[line_begin:line_end]
        position, counted, number = line_end + 1, line_end + 1, number + 1


def _matches_by_line(
    pattern: Any, data: bytes, start: int, count: int
) -> Iterator[tuple[int, int, int, bytes]]:
    """Do the same where lines were cut, so that newlines do not count them."""
    for number, (line, _, _) in zip(range(start, start + count), split_lines(data), strict=False):
        plain = _ESCAPES.sub(b"", line)
        match = pattern.search(plain)
        if match is not None:
            yield number, *match.span(), plain


def _snippet(line: bytes, begin: int, end: int) -> tuple[str, int, int]:
    before = line[:begin].decode(errors="replace")
    match = line[begin:end].decode(errors="replace")[:SNIPPET]
    left = before[-_BEFORE:]
    rest = line[end : end + SNIPPET * 4].decode(errors="replace").removesuffix("\r")
    text = left + match + rest[: max(SNIPPET - len(left) - len(match), 0)]
    return text, len(left), len(left) + len(match)
