"""Messages of the protocol and confirmations, without a server."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mulligan.facades.mcp import rpc
from mulligan.facades.mcp.confirm import GOOD_FOR, Act, Confirmations, ConfirmError
from mulligan.facades.mcp.rpc import RpcError
from mulligan.secret_key import random_key

Json = dict[str, Any]
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def request(method: str = "ping", **params: object) -> Json:
    """Give a request."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {"method": "ping"},
        {"jsonrpc": "1.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": 5},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]},
    ],
)
def test_no_message(value: object) -> None:
    """What is no message is refused."""
    with pytest.raises(RpcError) as caught:
        rpc.read_message(value)

    assert caught.value.code == rpc.INVALID_REQUEST


def test_kinds_of_messages() -> None:
    """Only a request wants an answer."""
    notice = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    answer = {"jsonrpc": "2.0", "id": 4, "result": {}}

    found = [rpc.read_message(each).is_request for each in (request(), notice, answer)]

    assert found == [True, False, False]


@pytest.mark.parametrize("version", ["", *rpc.HANDSHAKE_VERSIONS])
def test_versions_with_a_handshake(version: str) -> None:
    """Such a version stands in a header, or nowhere."""
    assert not rpc.check_version(rpc.read_message(request()), {rpc.VERSION_HEADER: version})


def modern(method: str, headers: Json, meta: Json | None = None, **params: object) -> bool:
    """Check a message of the newest version."""
    fields = {rpc.VERSION_HEADER: "2026-07-28", "mcp-method": method, **headers}
    message = rpc.read_message(request(method, _meta=META if meta is None else meta, **params))
    return rpc.check_version(message, fields)


def test_modern_requests() -> None:
    """Headers repeat what the request says, a name with other letters in base64."""
    assert modern("tools/list", {})
    assert modern("tools/call", {"mcp-name": "get_run"}, name="get_run")
    assert modern("tools/call", {"mcp-name": "=?base64?5p+l55yL?="}, name="查看")


@pytest.mark.parametrize(
    ("method", "headers", "meta", "code"),
    [
        ("tools/list", {}, {}, rpc.INVALID_PARAMS),
        ("tools/list", {"mcp-method": "ping"}, None, rpc.HEADER_MISMATCH),
        ("tools/list", {rpc.VERSION_HEADER: "2025-11-25"}, None, rpc.HEADER_MISMATCH),
        ("tools/call", {"mcp-name": "other"}, None, rpc.HEADER_MISMATCH),
        ("tools/call", {"mcp-name": "=?base64?!?="}, None, rpc.HEADER_MISMATCH),
    ],
)
def test_modern_requests_that_disagree(
    method: str, headers: Json, meta: Json | None, code: int
) -> None:
    """Headers and body must say the same."""
    with pytest.raises(RpcError) as caught:
        modern(method, headers, meta, name="get_run")

    assert (caught.value.code, caught.value.status) == (code, 400)


def test_unknown_versions() -> None:
    """The versions that there are are named."""
    for headers, meta in (
        ({rpc.VERSION_HEADER: "2031-01-01"}, {}),
        (
            {rpc.VERSION_HEADER: "2031-01-01", "mcp-method": "ping"},
            {**META, "io.modelcontextprotocol/protocolVersion": "2031-01-01"},
        ),
    ):
        message = rpc.read_message(request("ping", _meta=meta))
        with pytest.raises(RpcError) as caught:
            rpc.check_version(message, headers)
        assert caught.value.code == rpc.UNSUPPORTED_VERSION
        assert caught.value.data == {"supported": list(rpc.VERSIONS), "requested": "2031-01-01"}


# --- confirmations ------------------------------------------------------------------------------


class Clock:
    """Stands still until it is moved."""

    instant = datetime(2026, 11, 22, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the instant."""
        return self.instant


def act(**other: object) -> Act:
    """Give an act."""
    fields: Json = {"user": "ann", "tool": "stop", "arguments": {"a": 1, "b": 2}, "state": [3]}
    return Act(**{**fields, **other})


def test_good_for_one_act() -> None:
    """A confirmation is good for what it was made for, in any order of the arguments."""
    confirmations = Confirmations(random_key(), Clock())
    given = confirmations.make(act())

    confirmations.check(given, act(arguments={"b": 2, "a": 1}))

    key = confirmations.receipt_key(given, act())
    assert key == confirmations.receipt_key(given, act(state=None))
    assert key != confirmations.receipt_key(confirmations.make(act()), act())
    with confirmations.in_use(key), pytest.raises(ConfirmError, match="used"):
        confirmations.in_use(key).__enter__()


@pytest.mark.parametrize(
    ("other", "reason"),
    [({"arguments": {}}, "confirm-other"), ({"state": [4]}, "confirm-stale")],
)
def test_not_good_for_others(other: Json, reason: str) -> None:
    """Other arguments and another state are told apart."""
    confirmations = Confirmations(random_key(), Clock())

    with pytest.raises(ConfirmError, match=reason):
        confirmations.check(confirmations.make(act()), act(**other))


def test_not_of_this_server() -> None:
    """Made up, of another server, user or tool."""
    confirmations = Confirmations(random_key(), Clock())
    given = confirmations.make(act())
    foreign = Confirmations(random_key(), Clock()).make(act())

    for text, asked in (
        ("", act()),
        ("yes", act()),
        ("é" * 20, act()),
        (given + "x", act()),
        ("1" + given, act()),
        (foreign, act()),
        (given, act(user="bob")),
        (given, act(tool="start")),
    ):
        with pytest.raises(ConfirmError, match="confirm-malformed"):
            confirmations.receipt_key(text, asked)


def test_over() -> None:
    """After a while one has to plan again."""
    clock = Clock()
    confirmations = Confirmations(random_key(), clock)
    given = confirmations.make(act())
    clock.instant += GOOD_FOR
    confirmations.check(given, act())
    clock.instant += timedelta(seconds=1)

    with pytest.raises(ConfirmError, match="confirm-over"):
        confirmations.check(given, act())
