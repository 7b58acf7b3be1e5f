"""One client of the keeper: JSON lines in both directions."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import Any

    from mulligan.executors.host.reactor import Reactor

_CHUNK_BYTES = 65536
# A client that sends a longer line, or leaves as much unread, is dropped.
MAX_LINE_BYTES = 4 * 1024 * 1024


class Connection:
    """A connected client.

    Args:
        reactor: the loop.
        socket: of the client; this object closes it.
        on_request: gets every request with this object to reply to.
    """

    def __init__(
        self,
        reactor: Reactor,
        connected: socket.socket,
        on_request: Callable[[Connection, dict[str, Any]], None],
    ) -> None:
        self._reactor = reactor
        self._socket = connected
        self._on_request = on_request
        self._received = bytearray()
        self._unsent = bytearray()
        self._is_open = True
        connected.settimeout(0)
        reactor.watch(connected.fileno(), self._ready)

    def reply(self, message: dict[str, Any]) -> None:
        """Send a message; without effect when the client has gone."""
        if self._is_open:
            self._unsent += json.dumps(message).encode() + b"\n"
            self._send()

    def close(self) -> None:
        """Drop the client."""
        if self._is_open:
            self._is_open = False
            self._reactor.unwatch(self._socket.fileno())
            self._socket.close()

    def _ready(self) -> None:
        if self._unsent:
            self._send()
        if not self._is_open:
            return
        try:
            chunk = self._socket.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if chunk:
            self._take(chunk)
        else:
            self.close()

    def _take(self, chunk: bytes) -> None:
        self._received += chunk
        while self._is_open and (end := self._received.find(b"\n")) >= 0:
            line = bytes(self._received[:end])
            del self._received[: end + 1]
            try:
                request = json.loads(line)
            except (ValueError, RecursionError):
                request = None
            if not isinstance(request, dict):
                self.close()
                return
            self._on_request(self, request)
        if len(self._received) > MAX_LINE_BYTES:
            self.close()

    def _send(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        del self._unsent[:sent]
        if len(self._unsent) > MAX_LINE_BYTES:
            self.close()
            return
        self._reactor.watch_writing(self._socket.fileno(), on=bool(self._unsent))
