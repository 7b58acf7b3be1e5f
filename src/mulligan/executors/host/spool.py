"""Keep the results of steps on disk until the server says that it has them.

One JSON object a line. A result is written before it is sent, so the server that is started
after a `kill -9` finds it. Nothing is forced to the disk: when the machine itself stops, all
steps of it are lost anyway and run again.
"""

from __future__ import annotations

import contextlib
import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ACKNOWLEDGED_BYTES = 1024 * 1024


class Spool:
    """The spool file of one host; see the module."""

    __slots__ = ("_file", "_has_torn_line", "_old", "_size", "_waiting")

    def __init__(self, path: str) -> None:
        """Open or make the file; what an earlier host left in it stays until it is forgotten."""
        self._waiting = set(_read_tokens(path))
        self._old = bool(self._waiting)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o600)
        if not self._waiting:
            os.ftruncate(self._file, 0)
        self._size = os.fstat(self._file).st_size
        self._has_torn_line = self._size > 0  # an empty line does no harm

    def write(self, token: str, payload: bytes) -> bool:
        """Append the result of the step `token`; return whether the disk took it.

        Without it the result still reaches a server that lives, so a full disk ends nothing.
        """
        line = b"%b%b\n" % (b"\n" if self._has_torn_line else b"", payload)
        try:
            written = os.write(self._file, line)
        except OSError:
            return False
        self._has_torn_line = written < len(line)
        self._size += written
        self._waiting.add(token)
        return not self._has_torn_line

    def forget(self, tokens: Iterable[str]) -> None:
        """Drop results that the server has; empty the file when none is left and it is worth it."""
        self._waiting.difference_update(tokens)
        if not self._waiting and (self._old or self._size > MAX_ACKNOWLEDGED_BYTES):
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, 0)
                self._size = 0
                self._old = False
                self._has_torn_line = False


def read_lines(path: str) -> list[bytes]:
    """Read the complete lines of the spool file at `path`; none if there is no such file."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        return []
    return [line for line in content.split(b"\n")[:-1] if line]


def _read_tokens(path: str) -> list[str]:
    tokens = []
    for line in read_lines(path):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            tokens.append(json.loads(line)["token"])
    return tokens
