"""`/mcp`: the Model Context Protocol over streamable HTTP, without state and without streams.

A client posts one message and gets its answer as JSON (as one server-sent event, if it takes
nothing else). Who calls is known as everywhere: every request brings its credential.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from mulligan import __version__
from mulligan.core.errors import MulliganError, RefusedError
from mulligan.core.refusal import LastAct
from mulligan.core.rights import Actor
from mulligan.facades.bkci.errors import render_error
from mulligan.facades.common.auth import actor_of, header, language_of
from mulligan.facades.common.body import read_body, read_json
from mulligan.facades.common.errors import RequestError
from mulligan.facades.common.services import Services
from mulligan.facades.mcp import rpc
from mulligan.facades.mcp.confirm import Confirmations, ConfirmError
from mulligan.facades.mcp.rpc import Message, RpcError
from mulligan.facades.mcp.texts import INSTRUCTIONS, say
from mulligan.facades.mcp.tool import Json, Result, Tool, ToolCall, ToolError
from mulligan.facades.mcp.tools import tools_of
from mulligan.facades.native.problems import KNOWN, make_problem, problem_of, problem_response
from mulligan.log import get_log

log = get_log()
PAGE = 100  # tools on a page
MOST_MESSAGES = 20  # in a batch, which only the oldest version has
_ENCODER = msgspec.json.Encoder()
_JSON, _EVENTS = "application/json", "text/event-stream"
_SERVER = {"name": "mulligan", "title": "Mulligan", "version": __version__}
_CAPABILITIES: Json = {"tools": {"listChanged": False}}
_CACHE_MS = 60_000  # for which a client may remember the list of tools


class McpApp:
    """ASGI application of the path `/mcp`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._confirmations = Confirmations(services.secret_key, services.clock)
        self._tools = {tool.name: tool for tool in tools_of(services)}
        self._methods: dict[str, Callable[[_Asked], Awaitable[Json]]] = {
            "initialize": self._initialize,
            "server/discover": self._discover,
            "ping": _ping,
            "tools/list": self._list,
            "tools/call": self._call,
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            actor = await actor_of(request, self._services.access, gateway=True)
            if request.method != "POST":
                return _no_stream()
            body = await read_body(request, self._services.limits)
        except KNOWN as error:
            return problem_response(problem_of(error))
        try:
            value = read_json(body, self._services.limits)
        except RequestError as error:
            return _json(request, rpc.error_of(None, RpcError(rpc.PARSE_ERROR, error.message)), 400)
        if not isinstance(value, list):
            status, answer = await self._one(request, actor, value)
            return _json(request, answer, status) if answer else Response(status_code=status)
        if not 0 < len(value) <= MOST_MESSAGES:
            wrong = RpcError(rpc.INVALID_REQUEST, f"a batch has 1 to {MOST_MESSAGES} messages")
            return _json(request, rpc.error_of(None, wrong), 400)
        answers = [(await self._one(request, actor, each))[1] for each in value]
        found = [answer for answer in answers if answer]
        return _json(request, found, 200) if found else Response(status_code=202)

    async def _one(self, request: Request, actor: Actor, value: object) -> tuple[int, Json | None]:
        """Answer one message: with a status, and None if there is nothing to be said."""
        message = Message()
        is_modern = False
        try:
            message = rpc.read_message(value)
            is_modern = rpc.check_version(message, _headers(request))
            if not message.is_request:
                return 202, None
            method = self._methods.get(message.method, _unknown)
            result = await method(_Asked(request, actor, message))
        except RpcError as error:
            said = rpc.error_of(message.ident, error)
            rejects = is_modern or not message.is_request or error.code == rpc.UNSUPPORTED_VERSION
            return (error.status if rejects or error.code == rpc.HEADER_MISMATCH else 200), said
        if is_modern:
            result = {**result, "resultType": "complete", "_meta": {rpc.SERVER_INFO_KEY: _SERVER}}
        return 200, rpc.result_of(message, result)

    # --- methods ------------------------------------------------------------------------------

    async def _initialize(self, asked: "_Asked") -> Json:
        return {
            "protocolVersion": rpc.chosen_version(asked.message.params.get("protocolVersion")),
            "capabilities": _CAPABILITIES,
            "serverInfo": _SERVER,
            "instructions": INSTRUCTIONS,
        }

    async def _discover(self, _asked: "_Asked") -> Json:
        return {
            "supportedVersions": list(rpc.VERSIONS),
            "capabilities": _CAPABILITIES,
            "instructions": INSTRUCTIONS,
            "ttlMs": _CACHE_MS,
            "cacheScope": "private",
        }

    async def _list(self, asked: "_Asked") -> Json:
        cursor = asked.message.params.get("cursor") or "0"
        if not (isinstance(cursor, str) and cursor.isascii() and cursor.isdigit()):
            raise RpcError(rpc.INVALID_PARAMS, "`cursor` is not one of this server's")
        first = int(cursor[:9])
        page = list(self._tools.values())[first : first + PAGE]
        result: Json = {
            "tools": [tool.shown() for tool in page],
            "ttlMs": _CACHE_MS,
            "cacheScope": "private",
        }
        if first + PAGE < len(self._tools):
            result["nextCursor"] = str(first + PAGE)
        return result

    async def _call(self, asked: "_Asked") -> Json:
        name = asked.message.params.get("name")
        arguments = asked.message.params.get("arguments") or {}
        tool = self._tools.get(name) if isinstance(name, str) else None
        if tool is None:
            raise RpcError(rpc.INVALID_PARAMS, f"Unknown tool: {str(name)[:80]}")
        if not isinstance(arguments, dict):
            raise RpcError(rpc.INVALID_PARAMS, "`arguments` must be an object")
        call = ToolCall(
            services=self._services,
            request=asked.request,
            actor=asked.actor,
            language=language_of(asked.request, asked.actor),
            tool=tool.name,
            arguments=arguments,
            confirmations=self._confirmations,
        )
        return _shown(await _done(tool, call))


class _Asked(msgspec.Struct, frozen=True):
    """A request, and who sends it."""

    request: Request
    actor: Actor
    message: Message


async def _ping(_asked: _Asked) -> Json:
    return {}


async def _unknown(asked: _Asked) -> Json:
    raise RpcError(rpc.METHOD_NOT_FOUND, f"there is no method {asked.message.method[:80]!r}")


async def _done(tool: Tool, call: ToolCall) -> Result:
    """Call a tool; whatever is wrong is said as its result, so that a model can do better."""
    try:
        return await tool.act(call)
    except ToolError as error:
        return Result(data=error.data, is_error=True)
    except ConfirmError as error:
        return Result(data={"message": call.said(error.reason), **_last(error.last)}, is_error=True)
    except RefusedError as error:
        problem = problem_of(error)
        shown = {"detail": problem.detail, "instead": problem.instead, **_last(problem.last)}
        return Result(data=render_error(error, call.language)[1] | shown, is_error=True)
    except (MulliganError, RequestError) as error:
        return Result(data=render_error(error, call.language)[1], is_error=True)
    except KNOWN as error:
        problem = problem_of(error)
        data = {"message": problem.detail, "errors": msgspec.to_builtins(problem.errors)}
        return Result(data=data, is_error=True)
    except Exception:
        log.exception("tool_failed", tool=tool.name)
        return Result(data={"message": say("internal", call.language)}, is_error=True)


def _last(act: LastAct | None) -> Json:
    """Say what was done last to what the call is about, so that one sees who was faster."""
    return {} if act is None else {"last": msgspec.to_builtins(act)}


def _shown(result: Result) -> Json:
    """Give a result as the protocol has it: as data, and the same as text."""
    encoded = _ENCODER.encode(result.data)
    notes = [result.note] if result.note else []
    texts = [*notes, encoded.decode()]
    data = result.data if isinstance(result.data, dict) else {"items": result.data}
    return {
        "content": [{"type": "text", "text": text} for text in texts],
        "structuredContent": data,
        "isError": result.is_error,
    }


def _headers(request: Request) -> dict[str, str]:
    names = (rpc.VERSION_HEADER, "mcp-method", "mcp-name")
    return {name: header(request, name) for name in names}


def _no_stream() -> Response:
    response = problem_response(make_problem(405, "method", "there is no stream here; only POST"))
    response.headers["Allow"] = "POST"
    return response


def _json(request: Request, value: object, status: int) -> Response:
    body = _ENCODER.encode(value)
    accepted = header(request, "accept")
    if status == 200 and _EVENTS in accepted and not ({_JSON, "*/*"} & _types(accepted)):
        return Response(b"event: message\ndata: " + body + b"\n\n", media_type=_EVENTS)
    return Response(body, status, media_type=_JSON)


def _types(accepted: str) -> set[str]:
    return {part.partition(";")[0].strip() for part in accepted.split(",")}
