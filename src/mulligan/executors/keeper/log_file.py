"""Keep the output of a service from filling the disk.

The service has the file open itself and can't be told to take another one. So what is too long is
copied aside and the file is emptied; what is written between the two is lost.
"""

from __future__ import annotations

import contextlib
import os

# A file may grow to this; as much of its end is kept beside it as `FILE.1`.
MAX_LOG_BYTES = 8 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024


def bound_log(path: str) -> None:
    """Empty the file if it is too long, after its end was copied to `FILE.1`."""
    try:
        size = os.stat(path, follow_symlinks=False).st_size
        if size <= MAX_LOG_BYTES:
            return
        with contextlib.suppress(OSError):  # a full disk: all the more the file must be emptied
            _copy_end(path, size)
        os.truncate(path, 0)
    except OSError:
        return  # it is gone


def _copy_end(path: str, size: int) -> None:
    aside = path + ".1"
    beside = aside + ".tmp"
    left = MAX_LOG_BYTES
    try:
        with open(path, "rb") as source, open(beside, "wb") as target:
            source.seek(size - left)
            while left > 0 and (chunk := source.read(min(_CHUNK_BYTES, left))):
                target.write(chunk)
                left -= len(chunk)
        os.replace(beside, aside)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
