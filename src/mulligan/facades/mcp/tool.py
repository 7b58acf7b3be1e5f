"""What a tool is, and what it may use while it is called."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request

from mulligan.core.errors import ConflictError
from mulligan.core.records import Receipt
from mulligan.core.refusal import LastAct
from mulligan.core.rights import Actor, Permission
from mulligan.facades.common.auth import WAY, header
from mulligan.facades.common.services import Services
from mulligan.facades.mcp.confirm import Act, Confirmations
from mulligan.facades.mcp.texts import say
from mulligan.facades.native.app import ENDPOINTS
from mulligan.facades.native.bodies import convert
from mulligan.facades.native.endpoints import Call, enter

Json = dict[str, Any]
T = TypeVar("T")
MCP = "mcp"  # the way of all that is done here, in the audit trail
JSON = "application/json"
_CREDENTIALS = ("authorization", "x-bkapi-authorization", "x-devops-uid", "accept-language")
_BY_PLACE = {(endpoint.method, endpoint.path): endpoint for endpoint in ENDPOINTS}


class Args(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the arguments of our own tools: knows no other names than its own."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool answers. `note`: said before the data, which hold text of builds."""

    data: object
    is_error: bool = False
    note: str = ""


class ToolError(Exception):
    """A tool can't do what it is asked for; `data` is said to the caller."""

    def __init__(self, data: Json) -> None:
        super().__init__(str(data.get("message", "")))
        self.data = data


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """One call of a tool: who, in which language, with what."""

    services: Services
    request: Request
    actor: Actor
    language: str
    tool: str
    arguments: Json
    confirmations: Confirmations

    def read(self, kind: type[T]) -> T:
        """Return the arguments as a value of that type.

        Raises:
            InvalidError: They have another shape.
        """
        return convert(self.arguments, kind)

    def said(self, key: str, *values: object) -> str:
        """Give a text in the caller's language."""
        return say(key, self.language, *values)

    async def enter(self, project: str, permission: Permission) -> None:
        """Let the caller into a project, as the own API does."""
        await enter(self.services, self.actor, project, permission)

    def inner(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        marks: Mapping[str, object] | None = None,
        parts: Mapping[str, str] | None = None,
    ) -> Request:
        """Make the request of another API that does what this call asks for.

        It has the credential, the language and the address of the caller.
        """
        content = b"" if body is None else msgspec.json.encode(body)
        fields = {name: header(self.request, name) for name in _CREDENTIALS}
        fields |= {"content-type": JSON, "content-length": str(len(content)), **(headers or {})}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": self.request.scope.get("scheme", "http"),
            "path": path,
            "root_path": "",
            "query_string": urlencode(as_pairs(query or {})).encode(),
            "headers": [(name.encode(), value.encode()) for name, value in fields.items() if value],
            "client": self.request.scope.get("client"),
            "server": self.request.scope.get("server"),
            "path_params": dict(parts or {}),
            WAY: MCP,
            **(marks or {}),
        }

        async def receive() -> Json:
            return {"type": "http.request", "body": content, "more_body": False}

        return Request(scope, receive)

    async def native(
        self,
        method: str,
        path: str,
        parts: Mapping[str, str],
        *,
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Do what an endpoint of the own API does; return its answer, decoded.

        Args:
            path: As the endpoint has it, with names in it.
            parts: What stands for those names; the project is always one of them.

        Raises:
            MulliganError, RequestError: As the endpoint.
        """
        endpoint = _BY_PLACE[method, path]
        request = self.inner(
            method, path, query=_given(query), body=body, headers=headers, parts=parts
        )
        call = Call(request, self.services, endpoint, self.actor)
        if endpoint.needs is not None:
            await call.enter(parts["project"], endpoint.needs)
        call.body = b"" if body is None else await request.body()
        response = await endpoint.act(call)
        return msgspec.json.decode(response.body)

    # --- plan, then confirm -------------------------------------------------------------------

    def act_of(self, arguments: object, state: object, last: LastAct | None = None) -> Act:
        """Return what a confirmation of this call is bound to."""
        return self.act_on(self.tool, arguments, state, last)

    def act_on(
        self, what: str, arguments: object, state: object, last: LastAct | None = None
    ) -> Act:
        """Return the same for an act that has a tool to plan it and another one to do it."""
        return Act(user=self.actor.user, tool=what, arguments=arguments, state=state, last=last)

    def plan(self, shown: Json, act: Act) -> Result:
        """Answer with a plan, and with what confirms it."""
        return Result(
            data={
                "done": False,
                **shown,
                "confirm": self.confirmations.make(act),
                "confirm_good_for_s": self.confirmations.good_for_s,
                "message": self.said("nothing-done"),
            }
        )

    async def demand_unused(self, key: str) -> None:
        """Check that a confirmation was not used before.

        Raises:
            ToolError: It was; tells what came of it.
        """
        first = await self.services.store.find_receipt(self.actor.user, key)
        if first is not None:
            raise self.used(first)

    def used(self, first: Receipt) -> ToolError:
        """Make the error for a confirmation that was used before."""
        is_json = first.content_type.startswith(JSON)
        answer = msgspec.json.decode(first.body) if is_json else None
        return ToolError({"message": self.said("confirm-used"), "first_answer": answer})

    async def note_used(self, key: str, content: bytes) -> None:
        """Note that a confirmation was used, unless the act has stored that itself."""
        if await self.services.store.find_receipt(self.actor.user, key) is not None:
            return
        receipt = Receipt(
            actor=self.actor.user,
            key=key,
            fingerprint=self.tool,
            status=200,
            body=content,
            content_type=JSON,
            created_at=self.services.clock.now(),
        )
        try:
            await self.services.store.put_receipt(receipt)
        except ConflictError as error:
            if error.code != "receipt":
                raise


def _given(query: Mapping[str, object] | None) -> dict[str, object]:
    return {name: value for name, value in (query or {}).items() if value not in {None, ""}}


def as_pairs(query: Mapping[str, object]) -> list[tuple[str, str]]:
    """Give the values of a query as texts; those of a list one after the other."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        values = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, _text(each)) for each in values if each is not None]
    return pairs


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A tool as clients see it, and what it does. `writes`: it changes something when confirmed."""

    name: str
    description: str
    schema: Json
    act: Callable[[ToolCall], Awaitable[Result]]
    writes: bool = False
    answers_reviews: bool = False  # of people: only when a setting allows it
    title: str = ""

    def shown(self) -> Json:
        """Give the tool as `tools/list` shows it."""
        return {
            "name": self.name,
            "title": self.title or self.name,
            "description": self.description,
            "inputSchema": self.schema,
            "annotations": {
                "title": self.title or self.name,
                "readOnlyHint": not self.writes,
                "destructiveHint": self.writes,
                "idempotentHint": not self.writes,
                "openWorldHint": False,
            },
        }


def schema_of(kind: type[Args]) -> Json:
    """Give the JSON Schema of arguments."""
    whole = msgspec.json.schema(kind)
    definitions: Json = whole.pop("$defs", {})
    schema: Json = definitions.pop(kind.__name__)
    schema.pop("title", None)
    schema.pop("description", None)
    return {**schema, "$defs": definitions} if definitions else schema
