"""An HTTP client of the own API on the standard library."""

import contextlib
import http.client
import json
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from mulligan.cli.exits import EXIT_USAGE, FailureError
from mulligan.cli.language import is_chinese
from mulligan.cli.problems import (
    Json,
    OverdueError,
    PreviewError,
    ProblemError,
    UnreachableError,
    problem_in,
)

_TIMEOUT_S = 60.0
_STREAM_TIMEOUT_S = 45.0  # three heartbeats of the server
_RECONNECT_S = 60.0  # how long a server may be away in the middle of a stream
_STARTING = 503
_LOST = (ConnectionError, http.client.HTTPException, TimeoutError)


class StreamEvent(NamedTuple):
    """One server-sent event."""

    ident: str
    name: str
    data: str


class Client:
    """Calls one server. `path`: behind `/api/v1`, or from `/api/` on; parts quoted with `part`.

    Args:
        embedded: The server ends with this command.
        borrowed_from: It ends with the command of that process.

        timeout_s: How long an answer may take.

    Attributes:
        is_preview: What would change something ends with `PreviewError` instead of being sent.
        until: Monotonic instant at which streams end with `OverdueError`; None = never.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        embedded: bool = False,
        borrowed_from: int | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self.url = url.rstrip("/")
        self.timeout_s = timeout_s
        self.embedded = embedded
        self.borrowed_from = borrowed_from
        self.is_preview = False
        self.until: float | None = None
        self._parts = _parts_of(url)
        if token and not (token.isascii() and token.isprintable()):
            raise FailureError("the token has characters that no token has", EXIT_USAGE)
        self._token = token
        self._kept: http.client.HTTPConnection | None = None

    @property
    def fingerprint(self) -> str:
        """Tell callers apart without telling their token."""
        import hashlib

        return hashlib.sha256((self._token or "").encode()).hexdigest()[:16]

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, object] | None = None,
        media: str = "application/json",
        headers: Mapping[str, str] | None = None,
        reads: bool = False,
    ) -> Any:
        """Send a request; return the decoded answer, None if it has none.

        Args:
            reads: It changes nothing, whatever its method is.
            body: Sent as JSON, bytes as they are; None = no body.
            media: Content type of the body.
            headers: More of them.

        Raises:
            ProblemError: The server refused.
            UnreachableError: There is no answer.
        """
        if self.is_preview and not reads and method != "GET":
            raise PreviewError(method, _target(path, query), body)
        content = body if isinstance(body, bytes) else None
        if content is None and body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
        fields = {**self._headers(), **(headers or {})}
        if content is not None:
            fields["Content-Type"] = media
        if method in {"POST", "PUT"}:
            # makes it safe to send it again when the connection breaks before the answer
            fields["Idempotency-Key"] = os.urandom(16).hex()
        return self._decoded(*self._send(method, _target(path, query), content, fields))

    def upload(
        self,
        path: str,
        file: BinaryIO,
        size: int,
        *,
        method: str = "PUT",
        media: str = "application/octet-stream",
        query: Mapping[str, object] | None = None,
    ) -> Any:
        """Send the content of a file; return the decoded answer. Raises as `call`."""
        if self.is_preview:
            raise PreviewError(method, _target(path, query), f"{size} bytes")
        fields = self._headers() | {
            "Content-Type": media,
            "Content-Length": str(size),
            "Idempotency-Key": os.urandom(16).hex(),
        }
        connection = self._connection(_TIMEOUT_S)
        try:
            # who refuses before it has read everything says why in its answer
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, _target(path, query), file, fields)
            answer = connection.getresponse()
            return self._decoded(answer.status, answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(self.url, error) from None
        finally:
            connection.close()

    def _decoded(self, status: int, data: bytes) -> Any:
        if status >= 400:
            raise ProblemError(status, problem_in(data))
        try:
            return json.loads(data) if data else None
        except ValueError:
            raise UnreachableError(self.url, "what answers is no Mulligan server") from None

    def exchange(
        self, target: str, content: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """POST JSON to a path of the server; return status and body as they are.

        Raises:
            UnreachableError: There is no answer.
        """
        fields = {**self._headers(), "Content-Type": "application/json", **headers}
        return self._send("POST", target, content, fields)

    def get(self, path: str, **query: object) -> Any:
        """GET with the given query; absent values are left out."""
        return self.call("GET", path, query=query)

    def pages(self, path: str, most: int, **query: object) -> list[Json]:
        """Return up to `most` items of a list, from as many pages as needed."""
        items: list[Json] = []
        cursor: object = None
        while len(items) < most:
            page = self.get(path, **query, limit=min(most - len(items), 200), cursor=cursor)
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return items

    def read(self, path: str, **query: object) -> Iterator[bytes]:
        """Yield the body of an answer piece by piece."""
        connection, answer = self._open(_target(path, query), {}, _TIMEOUT_S)
        try:
            while piece := answer.read1(65_536):
                yield piece
        except _LOST as error:
            raise UnreachableError(self.url, error) from None
        finally:
            answer.close()
            connection.close()

    def stream(self, path: str, **query: object) -> Iterator[StreamEvent]:
        """Yield events. The first step connects; a broken connection is resumed where it broke.

        Ends when the server says `end`.
        """
        last = ""
        deadline = 0.0
        while True:
            try:
                for event in self._stream_once(_target(path, query), last):
                    last = event.ident or last
                    deadline = 0.0
                    yield event
                    if event.name == "end":
                        return
            except (UnreachableError, ProblemError, *_LOST) as error:
                if isinstance(error, ProblemError) and error.status != _STARTING:
                    raise
                self._check_until()
                now = time.monotonic()
                deadline = deadline or now + _RECONNECT_S
                if self.embedded or now > deadline:
                    raise UnreachableError(self.url, error) from None
            time.sleep(0.2)

    def _stream_once(self, target: str, last: str) -> Iterator[StreamEvent]:
        headers = {"Last-Event-ID": last} if last else {}
        connection, answer = self._open(target, headers, self._patience())
        yield StreamEvent("", "open", "")
        fields: dict[str, list[str]] = {}
        try:
            while line := self._line(connection, answer):
                text = line.decode().rstrip("\n")
                if text:
                    name, _, value = text.partition(":")
                    fields.setdefault(name, []).append(value.removeprefix(" "))
                    continue
                if "data" in fields:
                    ident, name = fields.get("id", [""])[-1], fields.get("event", [""])[-1]
                    yield StreamEvent(ident, name, "\n".join(fields["data"]))
                fields = {}
        finally:
            answer.close()
            connection.close()

    def _line(
        self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse
    ) -> bytes:
        """Return the next line, or end at `until`."""
        self._check_until()
        if self.until is not None and connection.sock is not None:
            connection.sock.settimeout(self._patience())
        return answer.readline()

    def _patience(self) -> float:
        if self.until is None:
            return _STREAM_TIMEOUT_S
        return max(0.01, min(_STREAM_TIMEOUT_S, self.until - time.monotonic()))

    def _check_until(self) -> None:
        if self.until is not None and time.monotonic() >= self.until:
            raise OverdueError

    # --- connections --------------------------------------------------------------------------

    def _headers(self) -> dict[str, str]:
        # what the server refuses is said in the language of the other remarks
        headers = {
            "Accept": "application/json",
            "Accept-Language": "zh" if is_chinese() else "en",
        }
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers

    def _send(
        self, method: str, target: str, content: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Send a request over the kept connection, once more if that had been closed."""
        for attempt in (1, 2):
            connection = self._kept or self._connection(self.timeout_s)
            fresh = self._kept is None
            self._kept = None
            try:
                connection.request(method, target, content, dict(headers))
                answer = connection.getresponse()
                data = answer.read()
            except OSError as error:
                connection.close()
                if attempt == 2 or fresh or isinstance(error, TimeoutError):
                    raise UnreachableError(self.url, error) from None
                continue
            except http.client.HTTPException as error:
                connection.close()
                if attempt == 2:
                    raise UnreachableError(self.url, repr(error)) from None
                continue
            if answer.will_close:
                connection.close()
            else:
                self._kept = connection
            return answer.status, data
        raise AssertionError  # pragma: no cover - the loop ends before

    def _open(
        self, target: str, headers: Mapping[str, str], timeout_s: float
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """Send a GET on a connection of its own; the answer is read by the caller."""
        connection = self._connection(timeout_s)
        try:
            connection.request("GET", target, headers={**self._headers(), **headers})
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise UnreachableError(self.url, error) from None
        if answer.status >= 400:
            problem = problem_in(answer.read())
            connection.close()
            raise ProblemError(answer.status, problem)
        return connection, answer

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=timeout_s)
        return http.client.HTTPConnection(host, port, timeout=timeout_s)

    def close(self) -> None:
        """Close the kept connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None


def _parts_of(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.rstrip("/"))
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # a port that is no number
        pass
    raise FailureError(f"{url!r} is no URL of a server, like http://HOST:8710", EXIT_USAGE)


def part(text: str) -> str:
    """Quote a part of a path."""
    return quote(text, safe="")


def _target(path: str, query: Mapping[str, object] | None) -> str:
    given = {name: _word(value) for name, value in (query or {}).items() if value is not None}
    prefix = "" if path.startswith("/api/") else "/api/v1"
    return f"{prefix}{path}" + (f"?{urlencode(given)}" if given else "")


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
