"""`mulligan mcp`: the server's tools for assistants that start programs and speak over pipes."""

import base64
import json
import sys
from typing import Any

import click

from mulligan.cli.client import Client
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.options import Session, with_session
from mulligan.cli.problems import UnreachableError, problem_in

_PATH = "/mcp"
_VERSION = "io.modelcontextprotocol/protocolVersion"
_FAILED = -32000  # of a message that the server did not answer as the protocol says


@click.command(
    help="Hand messages of the Model Context Protocol on: from stdin to the server's /mcp, its "
    "answers to stdout, one a line. For assistants that start a program.\n\n"
    + EXAMPLE
    + "mulligan mcp --url https://ci.example.com --token TOKEN"
)
@with_session
def mcp(session: Session) -> None:
    """Hand messages on until stdin ends."""
    client = session.client
    for line in sys.stdin.buffer:
        if line.strip():
            answer = _answer(client, line)
            if answer:
                sys.stdout.buffer.write(answer + b"\n")
                sys.stdout.buffer.flush()


def _answer(client: Client, line: bytes) -> bytes:
    """Give the server's answer to a message; empty if there is none."""
    try:
        message = json.loads(line)
    except ValueError:
        message = None  # the server says what is wrong with it
    try:
        status, data = client.exchange(_PATH, line, _headers(message))
    except UnreachableError as error:
        return _error(message, error.message)
    if status < 400 or b'"jsonrpc"' in data:
        return data.strip()
    return _error(message, str(problem_in(data).get("detail") or f"the server answers {status}"))


def _error(message: Any, text: str) -> bytes:
    ident = message.get("id") if isinstance(message, dict) else None
    if ident is None:
        return b""
    error = {"code": _FAILED, "message": text}
    return json.dumps({"jsonrpc": "2.0", "id": ident, "error": error}).encode()


def _headers(message: Any) -> dict[str, str]:
    """Say in headers what newer versions want to have there; older ones know none."""
    params = message.get("params") if isinstance(message, dict) else None
    if not isinstance(params, dict) or not isinstance(params.get("_meta"), dict):
        return {}
    version = params["_meta"].get(_VERSION)
    if not isinstance(version, str):
        return {}
    fields = {"MCP-Protocol-Version": version, "Mcp-Method": str(message.get("method"))}
    if isinstance(name := params.get("name"), str):
        fields["Mcp-Name"] = name if name.isascii() and name.isprintable() else _encoded(name)
    return fields


def _encoded(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="
