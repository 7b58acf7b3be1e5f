"""Search the index of a log without loading it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from mulligan.logs.format import ENTRY_BYTES, index_path, unpack_entries


class Entry(NamedTuple):
    """Say where ``lines`` consecutive lines begin; see ``format.pack_entry``."""

    offset: int
    line: int
    run_line: int
    time_ms: int
    lines: int


class Index:
    """Look things up in an index file as it was when it was opened.

    Each look-up reads about 20 entries of a file with a million; nothing is kept.

    Args:
        path: of the log. A missing index is an empty one.
    """

    def __init__(self, path: str) -> None:
        self._file = -1
        self._size = 0
        try:
            self._file = os.open(index_path(path), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        self._size = os.fstat(self._file).st_size // ENTRY_BYTES
        # Zeros at the end are what a power cut leaves until the log is repaired.
        while self._size and self.entry(self._size - 1).line == 0:
            self._size -= 1

    def __len__(self) -> int:
        return self._size

    @property
    def line_count(self) -> int:
        """Return how many lines the index counts."""
        if not self._size:
            return 0
        last = self.entry(self._size - 1)
        return last.line + last.lines - 1

    def close(self) -> None:
        """Close the file. May be called twice."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def entry(self, position: int) -> Entry:
        """Return the entry at ``position``, from 0."""
        return self.entries(position, 1)[0]

    def entries(self, position: int, count: int) -> list[Entry]:
        """Return up to ``count`` entries from ``position``."""
        count = min(count, self._size - position)
        data = os.pread(self._file, count * ENTRY_BYTES, position * ENTRY_BYTES)
        return [Entry(*fields) for fields in unpack_entries(data)]

    def find_line(self, line: int) -> int:
        """Return the position of the entry that counts ``line``; -1 if it is before the first."""
        return self._find(lambda entry: entry.line <= line)

    def find_offset(self, offset: int) -> int:
        """Return the position of the last entry at or before ``offset``; -1 if there is none."""
        return self._find(lambda entry: entry.offset <= offset)

    def line_from_run_line(self, run_line: int) -> int:
        """Return the number in the file of the first line whose number in the run is not below."""
        position = self._find(lambda entry: entry.run_line <= run_line)
        if position < 0:
            return 1
        entry = self.entry(position)
        return entry.line + min(run_line - entry.run_line, entry.lines)

    def run_line_of(self, line: int) -> int:
        """Return the number in the run of a line that the index counts."""
        entry = self.entry(self.find_line(line))
        return entry.run_line + line - entry.line

    def _find(self, is_before: Callable[[Entry], bool]) -> int:
        """Return the last position for which ``is_before`` is true."""
        low, high = 0, self._size
        while low < high:
            middle = (low + high) // 2
            if is_before(self.entry(middle)):
                low = middle + 1
            else:
                high = middle
        return low - 1


def last_run_line(path: str) -> int:
    """Return the highest line number of the run in the log at ``path``, 0 if it has no line."""
    index = Index(path)
    try:
        if not len(index):
            return 0
        last = index.entry(len(index) - 1)
        return last.run_line + last.lines - 1
    finally:
        index.close()
