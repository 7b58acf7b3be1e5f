"""The web page: files that the build of `web/` left in `dist`, served from memory.

Names of assets hold a hash of their content, so browsers keep them for ever; `index.html` is asked
for each time. Paths of the page itself (`/projects/…`) all get `index.html`: the page reads them.

All files are read together, when the server starts: an upgrade that replaces them under it changes
nothing until it is started again, and index and assets always fit. A server of developers reads
them each time instead, so that it shows what was built last.
"""

import asyncio
import hashlib
import html
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DIST = Path(__file__).with_name("dist")
INDEX = "index.html"
# First parts of the paths that the page has; all other unknown paths stay unknown.
OWN_PATHS = frozenset(
    {
        "",
        "sign-in",
        "projects",
        "runs",
        "approvals",
        "environments",
        "agents",
        "settings",
        "account",
        "admin",
        "gallery",
    }
)
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
_ALWAYS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
)
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
    ".png": "image/png",
}
_CODINGS = (("br", ".br"), ("gzip", ".gz"))  # the better one first
_PACKED = tuple(suffix for _, suffix in _CODINGS)
_MISSING = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mulligan</title>
</head><body><h1>Mulligan</h1>
<p>The server runs, but its web page was not built in this checkout. <code>./dev page</code> builds
it; the API and the <code>mulligan</code> command work without it.</p>
<p lang="zh-CN">服务器正在运行，但此检出目录中尚未构建网页。运行 <code>./dev page</code> 即可构建；
API 与 <code>mulligan</code> 命令无需网页即可使用。</p></body></html>
"""


@dataclass(frozen=True)
class File:
    """One file, as it is sent. `packed`: the same by content coding."""

    body: bytes
    media: str
    etag: bytes
    packed: dict[str, bytes]


class Page:
    """ASGI application for what no API answers.

    Args:
        base: Path below which a proxy shows this server, "" = none. The proxy takes it away.
        root: Where the built files are.
        follows: Read them for each request.
    """

    def __init__(self, *, base: str = "", root: Path = DIST, follows: bool = False) -> None:
        self._base = "/" + base.strip("/") + "/" if base.strip("/") else "/"
        self._root = root
        self._kept = None if follows else {name: self._load(name) for name in self._names()}

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        headers = {key: bytes(value).decode("latin-1") for key, value in scope["headers"]}
        found = None
        if scope["method"] in {"GET", "HEAD"}:
            found = await self._find(scope["path"].lstrip("/"), headers)
        if found is None:
            await _send(send, 404, b"Not Found", [(b"content-type", b"text/plain; charset=utf-8")])
            return
        name, file = found
        status, body, more = _answer(file, headers)
        more.append((b"cache-control", _caching(name)))
        await _send(send, status, b"" if scope["method"] == "HEAD" else body, more, len(body))

    async def _find(self, name: str, headers: dict[bytes, str]) -> tuple[str, File] | None:
        """Return the file that is meant, and its name."""
        if self._kept is None:
            files = await asyncio.to_thread(self._read, name)
        else:
            files = self._kept
        if name not in files or name == INDEX:
            if not _is_for_page(name, headers):
                return None
            name = INDEX
        return name, files[name]

    def _read(self, name: str) -> dict[str, File]:
        """Read the index, and the file of that name if it is one of those that there are."""
        return {each: self._load(each) for each in self._names() & {INDEX, name}}

    def _names(self) -> frozenset[str]:
        """Return the names of all files but those packed beside them: no other is ever opened."""
        if not self._root.is_dir():
            return frozenset({INDEX})
        found = (path for path in self._root.rglob("*") if path.is_file())
        names = (path.relative_to(self._root).as_posix() for path in found)
        return frozenset({INDEX, *(name for name in names if not name.endswith(_PACKED))})

    def _load(self, name: str) -> File:
        media = _TYPES.get(Path(name).suffix, "application/octet-stream")
        if name == INDEX:
            return _file(self._index(), media, {})
        packed = {
            coding: path.read_bytes()
            for coding, suffix in _CODINGS
            if (path := self._root / (name + suffix)).is_file()
        }
        return _file((self._root / name).read_bytes(), media, packed)

    def _index(self) -> bytes:
        try:
            text = (self._root / INDEX).read_text("utf-8")
        except FileNotFoundError:
            return _MISSING.encode()
        base = f'<base href="{html.escape(self._base)}">'
        return text.replace('<base href="/">', base, 1).encode()


def _file(body: bytes, media: str, packed: dict[str, bytes]) -> File:
    digest = hashlib.sha256(body).hexdigest()[:32]
    return File(body, media, f'"{digest}"'.encode(), packed)


def _is_for_page(name: str, headers: dict[bytes, str]) -> bool:
    if name.partition("/")[0] not in OWN_PATHS and name != INDEX:
        return False
    # a browser that follows a link says so; a program that took a wrong path is told
    return name == "" or "text/html" in headers.get(b"accept", "")


def _answer(file: File, headers: dict[bytes, str]) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    sent = [(b"content-type", file.media.encode()), (b"etag", file.etag)]
    if file.packed:
        sent.append((b"vary", b"accept-encoding"))
    if file.etag.decode() in headers.get(b"if-none-match", ""):
        return 304, b"", sent
    taken = {part.partition(";")[0].strip() for part in _codings(headers)}
    for coding, _ in _CODINGS:
        if coding in taken and coding in file.packed:
            return 200, file.packed[coding], [*sent, (b"content-encoding", coding.encode())]
    return 200, file.body, sent


def _codings(headers: dict[bytes, str]) -> list[str]:
    given = headers.get(b"accept-encoding", "").lower().replace(" ", "").split(",")
    return [part for part in given if not part.endswith((";q=0", ";q=0.0"))]


def _caching(name: str) -> bytes:
    is_hashed = name.startswith("assets/")
    return b"public, max-age=31536000, immutable" if is_hashed else b"no-cache"


async def _send(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]], length: int = -1
) -> None:
    size = len(body) if length < 0 else length
    if status != 304:
        headers = [*headers, (b"content-length", str(size).encode())]
    start = {"type": "http.response.start", "status": status, "headers": [*headers, *_ALWAYS]}
    await send(start)
    await send({"type": "http.response.body", "body": body})
