"""Define what readers of logs return."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class SectionKey(msgspec.Struct, frozen=True, kw_only=True):
    """Name a section: one attempt of a step, and the job attempt whose log it is in.

    Args:
        tag: what the writer added, empty for an ordinary step.
        job_id: empty when the reader was not told.
    """

    step_id: str
    step_attempt: int
    run_attempt: int
    tag: str = ""
    job_id: str = ""
    job_attempt: int = 0


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """Describe a section as it was when it was read.

    Args:
        first_line: number in the file, from 1.
        last_line: ``first_line - 1`` if there is no line yet.
        offset: where it begins in the file, in bytes.
        offset_end: where it ends; for an open one the end of the file.
        began_ms: epoch milliseconds.
        ended_ms: None if it is still open, or its writer was killed.
    """

    key: SectionKey
    first_line: int
    last_line: int
    offset: int
    offset_end: int
    began_ms: int
    ended_ms: int | None


class LogLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Hold one line of a log.

    Args:
        number: in the file, from 1 without gaps.
        run_number: in the run, ascending over all its jobs and attempts, with gaps.
        time_ms: when its first bytes came, epoch milliseconds.
        text: without newline (nor the CR before it), ANSI kept, wrong UTF-8 as U+FFFD.
        section: what it belongs to.
        offset: where it begins in the file, in bytes.
        offset_end: where it ends, newline included.
        complete: False for the last line of the log while its newline has not come: it may grow.
        continues: True for a piece of a line over 16 KiB that goes on with the next number.
    """

    number: int
    run_number: int
    time_ms: int
    text: str
    section: SectionKey
    offset: int
    offset_end: int
    complete: bool
    continues: bool


class SearchResult(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the lines that a search found, and where to go on.

    Args:
        next_line: number from which to search next, None if the end was reached.
    """

    lines: list[LogLine]
    next_line: int | None


SectionFilter = SectionKey | Callable[[SectionKey], bool] | None
"""Which sections to read: all (None), those with the same step and attempts as the key, or those
for which the function is true."""


def is_selected(key: SectionKey, wanted: SectionFilter) -> bool:
    """Tell whether a section passes the filter. A key in it is compared without tag and job."""
    if wanted is None:
        return True
    if isinstance(wanted, SectionKey):
        return (key.step_id, key.step_attempt, key.run_attempt) == (
            wanted.step_id,
            wanted.step_attempt,
            wanted.run_attempt,
        )
    return wanted(key)
