"""Read bodies within bounds."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request

from mulligan.facades.common.auth import header
from mulligan.facades.common.errors import BodyTooLargeError, RequestError
from mulligan.facades.common.ways import Limits

_DECODER = msgspec.json.Decoder()
_WHOLE_PASSES = 4
_OPENING = ord("[")
_BRACKETS = bytes.maketrans(b"{}", b"[]")  # which is which does not matter for the depth
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


async def read_body(request: Request, limits: Limits) -> bytes:
    """Read the whole body.

    Raises:
        BodyTooLargeError: It is over the limit; the rest of it is not read.
        RequestError: 400, the client went away in the middle of it.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limits.body_bytes:
                raise BodyTooLargeError(limits.body_bytes)
            parts.append(part)
    except ClientDisconnect:
        raise RequestError(400, "the body ended before its announced length") from None
    return b"".join(parts)


def read_json(body: bytes, limits: Limits, *, empty: Any = None) -> Any:
    """Decode a JSON body; a blank one is `empty`.

    Raises:
        RequestError: 400, malformed or nested too deep.
    """
    if not body.strip():
        return empty
    if _is_deeper(body, limits.json_depth):
        raise RequestError(400, f"the JSON is nested deeper than {limits.json_depth} levels")
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(400, f"the body is not valid JSON: {error}") from None


def _is_deeper(body: bytes, limit: int) -> bool:
    """Tell whether brackets are nested deeper than `limit`; those inside texts do not count.

    Works on whole bodies at once, byte by byte only on what is left: 16 MiB must not keep the
    other requests waiting.
    """
    if body.count(b"[") + body.count(b"{") <= limit:
        return False
    no_escapes = body.replace(rb"\\", b"").replace(rb"\"", b"")
    outside = b"".join(no_escapes.split(b'"')[::2])
    brackets = outside.translate(_BRACKETS, _NO_BRACKETS)
    depth = min(_WHOLE_PASSES, limit)
    for _ in range(depth):  # each takes exactly the innermost level away
        brackets = brackets.replace(b"[]", b"")
    for byte in brackets:
        depth += 1 if byte == _OPENING else -1
        if depth > limit:
            return True
        if depth < 0:
            return False  # not JSON at all: the decoder says where
    return False


def announced_size(request: Request) -> int | None:
    """Return how many bytes the body is said to have, if it is said."""
    length = header(request, "content-length")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None


async def body_chunks(request: Request) -> AsyncIterator[bytes]:
    """Yield the body as it comes, whatever its size.

    Raises:
        RequestError: It ended before its announced length.
    """
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect:
        raise RequestError(400, "the body ended before its announced length") from None
