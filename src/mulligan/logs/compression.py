"""Compress a finished log."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from mulligan.logs.format import compressed_path
from mulligan.logs.index import last_run_line
from mulligan.logs.repair import repair
from mulligan.logs.source import (
    FRAME_BYTES,
    SEEKABLE_MAGIC,
    TABLE_FOOT,
    TABLE_HEAD,
    TABLE_MAGIC,
    TABLE_ROW,
)
from mulligan.logs.writer import LineCounter

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SMALL_BYTES = 8 * 1024
"""A log below this stays as it is: on disk it would take as many blocks."""

LEVEL = 3
"""zstd's default: a log shrinks to about a tenth, at the speed of a disk."""


def compress(path: str | os.PathLike[str], counter: LineCounter | None = None) -> bool:
    """Finish the log at ``path`` and replace it by its compressed form; in 3 ms per MB.

    Its writer must be closed or dead; what a dead one left is repaired first. After a crash at any
    moment the log can be read, and the same call finishes the work. Readers notice nothing.

    Args:
        path: of the log, ends in ``.log``.
        counter: of the run, for lines that a killed writer did not number. Without one they get
            the numbers after the last one of this log.

    Returns:
        Whether the log is compressed now: False if it is small (finished, but as it was) or there
        is none.

    Raises:
        OSError: no space, for example. The log is as before.
    """
    path = os.fspath(path)
    target = compressed_path(path)
    if os.path.exists(target):
        # A crash came between the two steps below, or everything is done.
        with suppress(FileNotFoundError):
            os.unlink(path)
        return True
    if not os.path.exists(path):
        return False
    restored = repair(path, counter or LineCounter(last_run_line(path) + 1))
    if restored.open_length:
        _finish_line(path)
    if os.path.getsize(path) < SMALL_BYTES:
        return False
    partial = target + ".tmp"
    try:
        _write_frames(path, partial)
        os.rename(partial, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(partial)
        raise
    _sync_directory(path)
    os.unlink(path)
    return True


def _finish_line(path: str) -> None:
    """Give the last line the newline that a killed writer owes it."""
    with open(path, "ab") as log:
        log.write(b"\n")


def _write_frames(path: str, target: str) -> None:
    """Write the frames of a log and their table, and sync them."""
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: LEVEL,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    rows = []
    with open(path, "rb") as source, open(target, "wb", opener=_private) as output:
        while data := source.read(FRAME_BYTES):
            frame = zstd.compress(data, options=options)
            output.write(frame)
            rows.append(TABLE_ROW.pack(len(frame), len(data)))
        table = b"".join(rows)
        output.write(TABLE_HEAD.pack(TABLE_MAGIC, len(table) + TABLE_FOOT.size))
        output.write(table + TABLE_FOOT.pack(len(rows), 0, SEEKABLE_MAGIC))
        output.flush()
        os.fsync(output.fileno())


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_directory(path: str) -> None:
    """Make the new name durable before the old file goes."""
    directory = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
