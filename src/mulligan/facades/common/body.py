"""Read bodies within bounds."""

from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request

from mulligan.facades.common.errors import BodyTooLargeError, RequestError
from mulligan.facades.common.ways import Limits

_DECODER = msgspec.json.Decoder()


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
    if _depth(body) > limits.json_depth:
        raise RequestError(400, f"the JSON is nested deeper than {limits.json_depth} levels")
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(400, f"the body is not valid JSON: {error}") from None


def _depth(body: bytes) -> int:
    """Give an upper bound of the nesting; brackets inside texts do not count."""
    if body.count(b"[") + body.count(b"{") < 5:
        return 0
    depth = deepest = 0
    in_text = False
    escaped = False
    for byte in body:
        if in_text:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_text = False
        elif byte == 0x22:
            in_text = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest
