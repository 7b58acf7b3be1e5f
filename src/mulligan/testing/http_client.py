"""Send plain HTTP requests over one kept connection."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json = dict[str, Any]
QueryValue = str | int | bool | None
Query = dict[str, "QueryValue | Sequence[str]"]

REQUEST_TIMEOUT_S = 30.0
# Below the 5 s after which servers commonly close an idle connection: a POST must never meet
# a connection that is just being closed, because it could not be sent again safely.
REUSE_CONNECTION_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Hold one HTTP answer; header names in lower case."""

    http: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.content.decode("utf-8")

    @property
    def body(self) -> Json:
        """Return the body as a JSON object; ValueError when it is anything else."""
        value = json.loads(self.content)
        if not isinstance(value, dict):
            raise ValueError(f"not an object: {self.text[:200]}")  # noqa: TRY004 - a bad value
        return value

    @property
    def data(self) -> Any:
        """Return `data` of the result wrapper, None when it is absent."""
        return self.body.get("data")

    @property
    def pair(self) -> tuple[int, Json]:
        """Return the HTTP status and the body."""
        return self.http, self.body

    def __str__(self) -> str:
        """Return the status and the start of the body, for error messages."""
        return f"HTTP {self.http} {self.content[:2000].decode(errors='replace')}"


class HttpClient:
    """Send requests to one server over one connection; not for use by two threads."""

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        """Prepare a client of `http://HOST:PORT`; `headers` go with every request."""
        self.url = url
        self.headers = dict(headers or {})
        self._connection: http.client.HTTPConnection | None = None
        self._last_use = 0.0

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and return its answer, whatever its status.

        Args:
            method: HTTP method.
            path: absolute path of the URL.
            query: parameters; None is left out, a list repeats its key.
            body: sent as JSON; None sends no body.
            headers: on top of those of the client, sent as UTF-8; an empty value removes one.
        """
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        fields = {"Content-Type": "application/json", **(headers or {})}
        return self.send(method, path + _query_text(query), content, fields)

    def send(
        self, method: str, target: str, content: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Send one request with a body of any kind; see `request`."""
        fields = {**self.headers, **headers}
        connection = self._open()
        encoded = {name: value.encode() for name, value in fields.items() if value}
        try:
            connection.request(method, target, content, encoded)
            response = connection.getresponse()
            received = response.read()
        except BaseException:
            self.close()
            raise
        self._last_use = time.monotonic()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(http=response.status, headers=names, content=received)

    def _open(self) -> http.client.HTTPConnection:
        if time.monotonic() - self._last_use > REUSE_CONNECTION_S:
            self.close()
        if self._connection is None:
            parts = urlsplit(self.url)
            host, port = parts.hostname or "", parts.port
            self._connection = http.client.HTTPConnection(host, port, timeout=REQUEST_TIMEOUT_S)
        return self._connection


def _query_text(query: Query | None) -> str:
    pairs: list[tuple[str, str]] = []
    for name, value in (query or {}).items():
        if isinstance(value, bool):
            pairs.append((name, str(value).lower()))
        elif isinstance(value, (str, int)):
            pairs.append((name, str(value)))
        elif value is not None:
            pairs.extend((name, each) for each in value)
    return f"?{urlencode(pairs)}" if pairs else ""
