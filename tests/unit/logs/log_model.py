"""A simple model of a log, and short ways to make one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from mulligan.logs.lines import LogLine
from mulligan.logs.masking import Masker
from mulligan.logs.writer import LineCounter, LogWriter

PIECE = 16_384
_HALF_CHARACTER = re.compile(rb"(?:[\xc0-\xff]|[\xe0-\xff][\x80-\xbf]|[\xf0-\xff][\x80-\xbf]{2})\Z")


def model_lines(output: bytes) -> list[tuple[bytes, bool]]:
    """Return the lines of the output of one section, and whether each goes on with the next."""
    lines: list[tuple[bytes, bool]] = []
    parts = output.split(b"\n")
    if not parts[-1]:
        parts.pop()
    for part in parts:
        rest = part
        while len(rest) > PIECE:
            half = _HALF_CHARACTER.search(rest[:PIECE])
            cut = half.start() if half else PIECE
            lines.append((rest[:cut], True))
            rest = rest[cut:]
        lines.append((rest, False))
    return lines


def model_texts(output: bytes) -> list[str]:
    """Return what a reader shows of the output of one section that has ended."""
    return [
        (line if goes_on else line.removesuffix(b"\r")).decode(errors="replace")
        for line, goes_on in model_lines(output)
    ]


def ticking(start: int = 1_000) -> Callable[[], float]:
    """Return a clock that is one second later at each look; the first look gives ``start``."""
    state = [start - 1]

    def now() -> float:
        state[0] += 1
        return float(state[0])

    return now


def write_log(
    path: Path,
    sections: Iterable[tuple[str, Iterable[bytes]]],
    *,
    counter: LineCounter | None = None,
    masker: Masker | None = None,
) -> None:
    """Write a finished log: for each section its step id and its chunks."""
    writer = LogWriter(path, counter or LineCounter(), masker, ticking())
    for step_id, chunks in sections:
        writer.begin_section(step_id, 1, 1)
        for chunk in chunks:
            writer.write(chunk)
        writer.end_section()
    writer.close()


def texts(lines: Iterable[LogLine]) -> list[str]:
    """Return the texts of lines."""
    return [line.text for line in lines]


def numbers(lines: Iterable[LogLine]) -> list[int]:
    """Return the numbers in the file of lines."""
    return [line.number for line in lines]


def run_numbers(lines: Iterable[LogLine]) -> list[int]:
    """Return the numbers in the run of lines."""
    return [line.run_number for line in lines]
