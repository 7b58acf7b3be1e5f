"""The host's end of the socket to the server: frames in, frames out, never waiting."""

from __future__ import annotations

import json
import os

from mulligan.executors.host.messages import FrameError, FrameReader, frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mulligan.executors.host.reactor import Reactor

_READ_BYTES = 64 * 1024

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def encode(message: dict[str, Any]) -> bytes:
    """Turn a message into the bytes of one line."""
    return _encode(message).encode("utf-8", "replace")


class Connection:
    """One socket; `on_gone` is called once, when the server is no longer there."""

    def __init__(
        self,
        file: int,
        reactor: Reactor,
        on_message: Callable[[dict[str, Any]], None],
        on_gone: Callable[[], None],
    ) -> None:
        os.set_blocking(file, False)
        self._file = file
        self._reactor = reactor
        self._on_message = on_message
        self._on_gone = on_gone
        self._frames = FrameReader()
        self._waiting = bytearray()
        reactor.watch(file, self._ready)

    @property
    def is_idle(self) -> bool:
        """Tell whether everything that was sent is on its way."""
        return not self._waiting

    def send(self, payload: bytes) -> None:
        """Send one message; what the socket doesn't take now is sent when it can.

        At most one message for each request waits here, and each is limited in size.
        """
        was_idle = not self._waiting
        self._waiting += frame(payload)
        if was_idle:
            self._write()
            if self._waiting:
                self._reactor.watch_writing(self._file, on=True)

    def _ready(self) -> None:
        if self._waiting:
            self._write()
            if not self._waiting:
                self._reactor.watch_writing(self._file, on=False)
        self._read()

    def _write(self) -> None:
        try:
            del self._waiting[: os.write(self._file, self._waiting)]
        except BlockingIOError:
            return
        except OSError:
            self._waiting.clear()  # reading tells that the server is gone

    def _read(self) -> None:
        try:
            data = os.read(self._file, _READ_BYTES)
            payloads = self._frames.feed(data)
        except BlockingIOError:
            return
        except (OSError, FrameError):
            data, payloads = b"", []
        if not data:
            self._on_gone()
            return
        for payload in payloads:
            self._on_message(json.loads(payload))
