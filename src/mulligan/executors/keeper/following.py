"""Copy what a service prints to the output of the program that started it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

_CHUNK_BYTES = 65536
# Who prints without end must not keep the one who looks from anything else.
MOST_BYTES_AT_ONCE = 8 * 1024 * 1024


class Follower:
    """Follows a log file from its present end.

    Args:
        path: of the file; it need not exist yet.
        output: takes the bytes; None is the standard output.
    """

    def __init__(self, path: Path, output: BinaryIO | None = None) -> None:
        self._path = path
        self._output = output if output is not None else sys.stdout.buffer
        self._offset = self._size()
        self._is_in_line = False

    def copy(self) -> None:
        """Copy what came since the last call."""
        if self._size() < self._offset:
            self._offset = 0  # the keeper has emptied the file
        try:
            with self._path.open("rb") as source:
                source.seek(self._offset)
                left = MOST_BYTES_AT_ONCE
                while left > 0 and (chunk := source.read(min(_CHUNK_BYTES, left))):
                    self._output.write(chunk)
                    self._is_in_line = not chunk.endswith(b"\n")
                    self._offset += len(chunk)
                    left -= len(chunk)
        except FileNotFoundError:
            return
        self._output.flush()

    def end_line(self) -> None:
        """Copy what came, and end a line that has no end, before something else is written."""
        self.copy()
        if self._is_in_line:
            self._output.write(b"\n")
            self._output.flush()
            self._is_in_line = False

    def _size(self) -> int:
        try:
            return os.stat(self._path).st_size
        except FileNotFoundError:
            return 0
