"""Read the section file of a log."""

from __future__ import annotations

import os

from mulligan.logs.format import SectionRecord, parse_records, section_path
from mulligan.logs.lines import Section, SectionKey


class SectionFile:
    """Keep the sections of a log; reads only what was added since the last time.

    Args:
        path: of the log.
        nobody: a key with the job's fields set, from which the others are made.
    """

    def __init__(self, path: str, nobody: SectionKey) -> None:
        self._path = section_path(path)
        self._nobody = nobody
        self._forget()

    def _forget(self) -> None:
        self._consumed = 0
        self._closed: list[Section] = []
        self._open: SectionRecord | None = None

    def read(self, line_count: int, log_size: int) -> list[Section]:
        """Return all sections.

        Args:
            line_count, log_size: of the log; where a section that is still open ends.
        """
        self._read_more()
        if self._open is None:
            return self._closed
        return [*self._closed, self._make(self._open, line_count + 1, log_size, None)]

    def _read_more(self) -> None:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._forget()
            return
        try:
            size = os.fstat(file).st_size
            if size < self._consumed:
                self._forget()
            data = os.pread(file, size - self._consumed, self._consumed)
        finally:
            os.close(file)
        records, ends = parse_records(data)
        if not records:
            return
        # A new list, because the old one may be in use.
        closed = list(self._closed)
        for record in records:
            if self._open is not None:
                ended_ms = None if record.is_begin else record.time_ms
                closed.append(self._make(self._open, record.line, record.offset, ended_ms))
            self._open = record if record.is_begin else None
        self._closed = closed
        self._consumed += ends[-1]

    def _make(
        self, record: SectionRecord, next_line: int, offset_end: int, ended_ms: int | None
    ) -> Section:
        key = SectionKey(
            step_id=record.step_id,
            step_attempt=record.step_attempt,
            run_attempt=record.run_attempt,
            tag=record.tag,
            job_id=self._nobody.job_id,
            job_attempt=self._nobody.job_attempt,
        )
        return Section(
            key=key,
            first_line=record.line,
            last_line=max(next_line, record.line) - 1,
            offset=record.offset,
            offset_end=max(offset_end, record.offset),
            began_ms=record.time_ms,
            ended_ms=ended_ms,
        )
