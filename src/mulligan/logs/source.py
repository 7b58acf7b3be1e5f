"""Read the bytes of a log at any offset, whether it is compressed or not.

The compressed form is the "zstd seekable format": independent frames of 256 KiB and then a
skippable frame with the table of their sizes. ``zstd -d`` reads it like any other file.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from bisect import bisect_right
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from mulligan.logs.format import LogError, compressed_path

FRAME_BYTES = 256 * 1024
"""Bytes of the log in one frame: what must be decompressed to read any line."""

TABLE_MAGIC = 0x184D2A5E
SEEKABLE_MAGIC = 0x8F92EAB1
TABLE_HEAD = struct.Struct("<II")
TABLE_ROW = struct.Struct("<II")
TABLE_FOOT = struct.Struct("<IBI")


class Source(Protocol):
    """Give the bytes of a log. It keeps a file open until ``close``."""

    @property
    def size(self) -> int:
        """Return the length of the log in bytes, as it was when the source was opened."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset``; fewer only at the end."""
        ...

    def may_grow(self) -> bool:
        """Tell whether the last line is unfinished."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class FrameTable:
    """Hold where the frames of a compressed log are. Never changes, so readers keep it.

    Args:
        file: descriptor of the compressed log.
        name: path; messages, which callers see, have its last part.

    Raises:
        LogError: the file is not in the seekable format.
    """

    def __init__(self, file: int, name: str) -> None:
        end = os.fstat(file).st_size
        foot = os.pread(file, TABLE_FOOT.size, max(end - TABLE_FOOT.size, 0))
        if len(foot) < TABLE_FOOT.size:
            raise LogError(f"the log {os.path.basename(name)} is cut off")
        count, _, magic = TABLE_FOOT.unpack(foot)
        start = end - TABLE_FOOT.size - count * TABLE_ROW.size
        if magic != SEEKABLE_MAGIC or start < 0:
            raise LogError(f"the log {os.path.basename(name)} has no table of frames")
        rows = os.pread(file, count * TABLE_ROW.size, start)
        self.positions = array("Q", [0])
        self.offsets = array("Q", [0])
        for compressed, plain in TABLE_ROW.iter_unpack(rows):
            self.positions.append(self.positions[-1] + compressed)
            self.offsets.append(self.offsets[-1] + plain)


class _Descriptor:
    """Close a file descriptor in the end."""

    def __init__(self, file: int) -> None:
        self._file = file

    def close(self) -> None:
        """Close the file. May be called twice."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class PlainSource(_Descriptor):
    """Read a log that is not compressed."""

    def __init__(self, file: int) -> None:
        super().__init__(file)
        self.size = os.fstat(file).st_size

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes; see ``Source``."""
        return os.pread(self._file, max(min(length, self.size - offset), 0), offset)

    def may_grow(self) -> bool:
        """Tell whether the last line is unfinished."""
        return self.read(self.size - 1, 1) != b"\n"


class CompressedSource(_Descriptor):
    """Read a compressed log; keeps the last frame that was read."""

    def __init__(self, file: int, table: FrameTable) -> None:
        super().__init__(file)
        self._table = table
        self.size = table.offsets[-1]
        self._number = -1
        self._frame = b""

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes; see ``Source``."""
        parts = []
        end = min(offset + length, self.size)
        while offset < end:
            number = bisect_right(self._table.offsets, offset) - 1
            start = offset - self._table.offsets[number]
            part = self._load(number)[start : start + end - offset]
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def may_grow(self) -> bool:
        """Return False: a log is finished before it is compressed."""
        return False

    def _load(self, number: int) -> bytes:
        if number != self._number:
            position = self._table.positions[number]
            length = self._table.positions[number + 1] - position
            self._frame = _decompress(os.pread(self._file, length, position))
            self._number = number
        return self._frame


class NoSource:
    """Stand for a log that does not exist yet."""

    size = 0

    def read(self, offset: int, length: int) -> bytes:
        """Return nothing."""
        return b""

    def may_grow(self) -> bool:
        """Return False: there is no line."""
        return False

    def close(self) -> None:
        """Do nothing."""


class SourceOpener:
    """Open the log at ``path`` in the form that it has at the moment."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._table: FrameTable | None = None

    def open(self) -> Source:
        """Return a source; its size is 0 if there is no log.

        It stays valid when the log is compressed meanwhile.
        """
        # The plain file is removed after the compressed one is in place, so one of them is there.
        with suppress(FileNotFoundError):
            return PlainSource(os.open(self._path, os.O_RDONLY | os.O_CLOEXEC))
        name = compressed_path(self._path)
        try:
            file = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return NoSource()
        try:
            if self._table is None:
                self._table = FrameTable(file, name)
            return CompressedSource(file, self._table)
        except LogError:
            os.close(file)
            raise


def _decompress(data: bytes) -> bytes:
    # Imported here because it takes 10 ms, and many servers never read a compressed log at start.
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.decompress(data)
