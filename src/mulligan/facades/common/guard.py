"""The guard in front of everything: host, origin, sizes – before any credential is looked at."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
# Answers a refused request in the caller's dialect: (path, status, message) -> (type, body)
Refuse = Callable[[str, int, str], tuple[str, bytes]]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """ASGI middleware.

    Args:
        hosts: Names in `Host` that are answered; empty = any, loopback only with `is_dev`.
        origins: Other sites whose pages may change things, as "https://ci.example.com".
        takes_files: Tells of requests whose body is a file: they have a limit of their own.
    """

    def __init__(
        self,
        app: App,
        *,
        is_dev: bool,
        hosts: tuple[str, ...],
        origins: tuple[str, ...],
        header_bytes: int,
        body_bytes: int,
        refuse: Refuse,
        takes_files: Callable[[Scope], bool] = lambda _scope: False,
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts) or (_LOOPBACK if is_dev else None)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._header_bytes = header_bytes
        self._body_bytes = body_bytes
        self._refuse = refuse
        self._takes_files = takes_files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._judge(scope)
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, message = refusal
        content_type, body = self._refuse(scope["path"], status, message)
        headers = [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        # The connection stays open: what is still coming is read and thrown away, because a
        # connection that is closed on unread data takes the answer with it.
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _judge(self, scope: Scope) -> tuple[int, str] | None:
        size = 0
        found: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            size += len(name) + len(value) + 4
            if name in _LOOKED_AT:
                found[name] = value
        if size > self._header_bytes:
            return 431, f"the headers are larger than {self._header_bytes} bytes"
        length = found.get(b"content-length", b"0")
        is_large = length.isdigit() and int(length) > self._body_bytes
        if is_large and not self._takes_files(scope):
            return 413, f"the body is larger than {self._body_bytes} bytes"
        host = found.get(b"host", b"").decode("latin-1").lower()
        if self._hosts is not None and _name_of(host) not in self._hosts:
            return 421, f"this server does not answer for the host {host!r}"
        if scope["method"] not in _SAFE and self._is_foreign(found, host):
            return 403, "a page of another site may not change anything here"
        return None

    def _is_foreign(self, found: dict[bytes, bytes], host: str) -> bool:
        origin = found.get(b"origin", b"").decode("latin-1").lower().rstrip("/")
        if origin:
            name = origin.partition("://")[2]  # no parser: it raises on what no browser sends
            return not (name and name == host) and origin not in self._origins
        site = found.get(b"sec-fetch-site", b"").decode("latin-1").lower()
        return site in {"cross-site", "same-site"}


_LOOKED_AT = frozenset({b"host", b"origin", b"sec-fetch-site", b"content-length"})


def _name_of(host: str) -> str:
    """Give the name in a `Host` header, without its port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if ":" in host else host
