"""Send HTTP requests: to checked addresses, without redirects, bounded in time and size."""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from mulligan.fair_slots import FairSlots
from mulligan.notify.addresses import resolve

_MOST_AT_ONCE = 64
_MOST_PER_HOST = 16
_MOST_READ = 64 * 1024  # bytes of an answer
_CONNECT_S = 2.0  # for an address that is not the last of its host
_DRAIN_S = 1.0  # for the rest of an answer whose status is known
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: |\r|\n)")
_PORTS = {"http": 80, "https": 443}
_NO_FINAL = range(100, 200)

T = TypeVar("T")


class WebSender:
    """Sends requests; of most answers only the status is of interest.

    Args:
        private_targets: This machine and private networks may be called.
        trust: For HTTPS; None = the certificates that the system trusts.
    """

    def __init__(self, *, private_targets: bool, trust: ssl.SSLContext | None = None) -> None:
        self._private_targets = private_targets
        self._trust = trust
        self._slots = FairSlots(most=_MOST_AT_ONCE, per_host=_MOST_PER_HOST)

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        timeout_s: float = 10.0,
    ) -> int:
        """Send a request and return the status of the answer. Redirects are not followed.

        Args:
            url: As it goes over the wire: ASCII, percent-encoded; a login in it is not used.
            headers: Without those of the connection and the length of the body.
            timeout_s: For all of it, from the look-up of the host on; not for the turn before.

        Raises:
            PermissionError: The host is at an address that must not be called.
            OSError: No connection, or no answer in time (TimeoutError).
        """
        return await self._in_time(
            urlsplit(url),
            lambda parts: self._exchange(method, parts, headers, body, _read_only_status),
            timeout_s,
        )

    async def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        timeout_s: float = 10.0,
    ) -> tuple[int, bytes]:
        """Send a request like `send`; return status and body of the answer, up to 64 KiB.

        Raises:
            PermissionError, OSError: As `send`, or the answer is too large.
        """
        return await self._in_time(
            urlsplit(url),
            lambda parts: self._exchange(method, parts, headers, body, _read_answer),
            timeout_s,
        )

    async def _in_time(
        self, parts: SplitResult, exchange: Callable[[SplitResult], Awaitable[T]], timeout_s: float
    ) -> T:
        host = parts.netloc.rpartition("@")[2].lower()
        async with self._slots.of(host):
            try:
                async with asyncio.timeout(timeout_s):
                    found = await exchange(parts)
            except TimeoutError:
                self._slots.missed(host)
                raise TimeoutError(f"no answer within {timeout_s:g} s") from None
            self._slots.answered(host)
            return found

    async def _exchange(
        self,
        method: str,
        parts: SplitResult,
        headers: Mapping[str, str],
        body: bytes,
        read: Callable[[asyncio.StreamReader], Awaitable[T]],
    ) -> T:
        try:
            host = (parts.hostname or "").encode("idna").decode()
        except UnicodeError:
            raise OSError(f"{parts.hostname!r} is no name of a host") from None
        port = parts.port or _PORTS[parts.scheme]
        addresses = await resolve(host, port, private_targets=self._private_targets)
        trust = await self._tls() if parts.scheme == "https" else None
        reader, writer = await _connect(addresses, port, host, trust)
        try:
            writer.write(_head(method, parts, host, headers, len(body)) + body)
            # who refuses a request may answer and close before it has read all of it
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            return await read(reader)
        finally:
            writer.transport.abort()

    async def _tls(self) -> ssl.SSLContext:
        if self._trust is None:  # some hundred certificates: not in the event loop
            self._trust = await asyncio.to_thread(ssl.create_default_context)
        return self._trust


async def _connect(
    addresses: tuple[str, ...], port: int, host: str, trust: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the first address that answers; all but the last get little time."""
    for address in addresses[:-1]:
        with contextlib.suppress(OSError):  # TimeoutError is one
            async with asyncio.timeout(_CONNECT_S):
                return await _connect_to(address, port, host, trust)
    return await _connect_to(addresses[-1], port, host, trust)


async def _connect_to(
    address: str, port: int, host: str, trust: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(
        address,
        port,
        limit=_MOST_READ,
        ssl=trust,
        server_hostname=host if trust is not None else None,
    )


def _head(
    method: str, parts: SplitResult, host: str, headers: Mapping[str, str], length: int
) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    name = f"[{host}]" if ":" in host else host
    lines = [
        f"{method} {target} HTTP/1.1",
        f"Host: {name}" + (f":{parts.port}" if parts.port else ""),
        *(f"{key}: {value}" for key, value in headers.items()),
    ]
    if length or method != "GET":
        lines.append(f"Content-Length: {length}")
    lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _read_only_status(reader: asyncio.StreamReader) -> int:
    status = await _read_status(reader)
    await _read_rest(reader)
    return status


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read a whole answer, however its length is told."""
    import h11  # few need it

    peer = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_READ)
    peer.send(h11.Request(method="POST", target="/", headers=[("Host", "-")]))  # of any kind
    peer.send(h11.EndOfMessage())
    status, body = 0, b""
    try:
        while not isinstance(event := peer.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                peer.receive_data(await reader.read(_MOST_READ))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > _MOST_READ:
                    raise ConnectionError("the answer is too large")
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionError("closed without an answer")
    except h11.RemoteProtocolError as error:
        raise ConnectionError(f"the answer is not HTTP: {error}") from None
    return status, body


async def _read_status(reader: asyncio.StreamReader) -> int:
    """Read the head of the answer; those that only announce it are skipped."""
    read = 0
    while True:
        line, status = await _read_line(reader), 0
        found = _STATUS.match(line)
        if found is None:
            raise ConnectionError("the answer is not HTTP" if line else "closed without an answer")
        status = int(found[1])
        while line.strip():
            read += len(line)
            if read > _MOST_READ:
                raise ConnectionError("the head of the answer is too large")
            line = await _read_line(reader)
        if status not in _NO_FINAL:
            return status


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:
        raise ConnectionError("the head of the answer is too large") from None


async def _read_rest(reader: asyncio.StreamReader) -> None:
    """Let the other side finish its answer, for a moment."""
    with contextlib.suppress(OSError):  # TimeoutError is one
        async with asyncio.timeout(_DRAIN_S):
            left = _MOST_READ
            while left > 0 and (part := await reader.read(left)):
                left -= len(part)
