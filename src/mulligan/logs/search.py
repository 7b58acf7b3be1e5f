"""Search lines of a log for a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from mulligan.logs.lines import LogLine, SearchResult
from mulligan.logs.snapshot import LineRange, Region, Snapshot

# ECMA-48: control sequences (colours, cursor), operating system commands (links, titles), and the
# other escapes of two characters.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")


class MatchLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Say when a search stops: after so many lines found, or so many bytes looked at."""

    lines: int
    scanned_bytes: int


def plain_text(text: str) -> str:
    """Return ``text`` without escape sequences."""
    return _ESCAPES.sub("", text) if "\x1b" in text else text


def search_lines(
    log: Snapshot,
    ranges: Iterable[LineRange],
    pattern: str | re.Pattern[str],
    limits: MatchLimits,
    *,
    ignore_case: bool,
) -> SearchResult:
    """Return the lines in ``ranges`` that match; see ``LogReader.search``."""
    matches = _line_test(pattern, ignore_case=ignore_case)
    may_match = _region_test(pattern, ignore_case=ignore_case)
    found: list[LogLine] = []
    scanned = 0
    for first, last in ranges:
        for region in log.regions(first, last):
            if scanned >= limits.scanned_bytes:
                return SearchResult(lines=found, next_line=max(region[0].line, first))
            scanned += len(region[1])
            if not may_match(region):
                continue
            for line in log.region_lines(region):
                if not first <= line.number <= last or not matches(line.text):
                    continue
                if len(found) == limits.lines:
                    return SearchResult(lines=found, next_line=line.number)
                found.append(line)
    return SearchResult(lines=found, next_line=None)


def _line_test(pattern: str | re.Pattern[str], *, ignore_case: bool) -> Callable[[str], bool]:
    if isinstance(pattern, re.Pattern):
        expression = pattern
        return lambda text: expression.search(plain_text(text)) is not None
    if ignore_case:
        lowered = pattern.lower()
        return lambda text: lowered in plain_text(text).lower()
    literal = pattern
    return lambda text: literal in plain_text(text)


def _region_test(pattern: str | re.Pattern[str], *, ignore_case: bool) -> Callable[[Region], bool]:
    """Return a quick test that is false only for regions without a match.

    It looks at the bytes as a whole, so nothing can be said if they have escape sequences, which
    may stand inside of a match.
    """
    if isinstance(pattern, re.Pattern) or (ignore_case and not pattern.isascii()):
        return lambda _: True
    raw = pattern.encode(errors="replace")
    # Bytes that are not UTF-8 are read as this character.
    if "\ufffd" in pattern:
        return lambda _: True
    if ignore_case:
        lowered = raw.lower()
        return lambda region: b"\x1b" in region[1] or lowered in region[1].lower()
    return lambda region: b"\x1b" in region[1] or raw in region[1]
