"""The protocol: JSON-RPC 2.0 messages, and which versions of MCP there are. Pure.

There are two families. Up to 2025-11-25 a client begins with `initialize`. From 2026-07-28 on
there is no beginning: every request says its version in `_meta` and in its headers, and a client
may ask with `server/discover` what the server is. The server remembers nothing in either.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import msgspec

Json = dict[str, Any]

HANDSHAKE_VERSIONS: Final = ("2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSIONS: Final = ("2026-07-28",)
VERSIONS: Final = (*HANDSHAKE_VERSIONS, *MODERN_VERSIONS)

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
HEADER_MISMATCH: Final = -32020
UNSUPPORTED_VERSION: Final = -32022

VERSION_HEADER: Final = "mcp-protocol-version"
_METHOD_HEADER, _NAME_HEADER = "mcp-method", "mcp-name"
_META: Final = "io.modelcontextprotocol/"
_VERSION_KEY, _CAPABILITIES_KEY = _META + "protocolVersion", _META + "clientCapabilities"
SERVER_INFO_KEY: Final = _META + "serverInfo"
# From 2026-07-28 on an error has a status of its own; before, every answer is a 200.
_STATUS: Final = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
}


class RpcError(Exception):
    """A message that can't be taken."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    @property
    def status(self) -> int:
        """Return the HTTP status that goes with it."""
        return _STATUS.get(self.code, 200)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A request, a notification (`is_request` is false) or the answer to a request of ours."""

    method: str = ""
    params: Json = {}
    ident: int | float | str | None = None
    is_request: bool = False

    @property
    def meta(self) -> Json:
        """Return what the request says besides its parameters."""
        found = self.params.get("_meta")
        return found if isinstance(found, dict) else {}


def read_message(value: object) -> Message:
    """Read a decoded message.

    Raises:
        RpcError: It is none.
    """
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        raise RpcError(INVALID_REQUEST, "a JSON-RPC 2.0 message was expected")
    method = value.get("method")
    if method is None and ("result" in value or "error" in value):
        return Message()
    params = value.get("params") or {}
    if not isinstance(method, str) or not isinstance(params, dict):
        raise RpcError(INVALID_REQUEST, "`method` must be a text and `params` an object")
    if "id" not in value:
        return Message(method=method, params=params)
    ident = value["id"]
    if isinstance(ident, bool) or not isinstance(ident, int | float | str):
        raise RpcError(INVALID_REQUEST, "`id` must be a text or a number")
    return Message(method=method, params=params, ident=ident, is_request=True)


def check_version(message: Message, headers: Mapping[str, str]) -> bool:
    """Check the version that a message is of; tell whether it is a modern one.

    Args:
        headers: With names in lower case.

    Raises:
        RpcError: It is unknown, or what headers and body say differs.
    """
    told = headers.get(VERSION_HEADER, "")
    inside = message.meta.get(_VERSION_KEY)
    if inside is not None or told in MODERN_VERSIONS:
        _check_modern(message, headers, told, inside)
        return True
    if told and told not in VERSIONS:
        raise _unsupported(told)
    return False


def _check_modern(message: Message, headers: Mapping[str, str], told: str, inside: object) -> None:
    if not message.is_request:
        return
    if not isinstance(inside, str) or _CAPABILITIES_KEY not in message.meta:
        raise RpcError(
            INVALID_PARAMS, f"params._meta needs {_VERSION_KEY!r} and {_CAPABILITIES_KEY!r}"
        )
    if told != inside:
        raise _mismatch(VERSION_HEADER)
    if headers.get(_METHOD_HEADER) != message.method:
        raise _mismatch(_METHOD_HEADER)
    name = message.params.get("name")
    if message.method == "tools/call" and _plain(headers.get(_NAME_HEADER, "")) != name:
        raise _mismatch(_NAME_HEADER)
    if inside not in MODERN_VERSIONS:
        raise _unsupported(inside)


def _mismatch(name: str) -> RpcError:
    return RpcError(HEADER_MISMATCH, f"the header {name} does not say what the request says")


def _unsupported(version: str) -> RpcError:
    data = {"supported": list(VERSIONS), "requested": version}
    return RpcError(UNSUPPORTED_VERSION, f"version {version[:40]!r} is not supported", data)


def _plain(value: str) -> str | None:
    """Decode the value of a header, which may be in base64."""
    if not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return base64.b64decode(value[9:-2], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def chosen_version(asked: object) -> str:
    """Return the version that `initialize` agrees on."""
    return str(asked) if asked in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]


def result_of(message: Message, result: Json) -> Json:
    """Make the answer to a request."""
    return {"jsonrpc": "2.0", "id": message.ident, "result": result}


def error_of(ident: object, error: RpcError) -> Json:
    """Make the answer that says what is wrong. `ident` is None if it could not be read."""
    body: Json = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", "id": ident, "error": body}
