"""An endpoint is data; one wrapper makes a route of it. No route catches errors itself."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mulligan.core.errors import ForbiddenError, NotFoundError
from mulligan.core.ids import ProjectId, UserName
from mulligan.core.rights import Actor, Permission
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.common.auth import header, origin_of
from mulligan.facades.common.body import read_body, read_json
from mulligan.facades.common.errors import RequestError
from mulligan.facades.common.idempotency import once, replayed
from mulligan.facades.common.services import Services
from mulligan.facades.native.bodies import convert
from mulligan.facades.native.callers import caller_of
from mulligan.facades.native.conditional import JSON as JSON
from mulligan.facades.native.conditional import ValueResponse, finish
from mulligan.facades.native.problem_texts import in_chinese, wants_chinese
from mulligan.facades.native.problems import (
    KNOWN,
    Problem,
    make_problem,
    problem_of,
    problem_response,
    unexpected_problem,
)
from mulligan.facades.native.streams import Stream
from mulligan.log import get_log

log = get_log()

T = TypeVar("T")
OCTETS = "application/octet-stream"
WAY = "api"
_ENCODER = msgspec.json.Encoder()
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_WITH_KEY = frozenset({"POST", "PUT"})
_LOCATED_BYTES = 4 * 1024 * 1024
_NOBODY = Actor(user=UserName(""))


class Query(msgspec.Struct, frozen=True):
    """A parameter of the query, for the description. `schema` is its JSON Schema."""

    name: str
    desc: str
    schema: dict[str, Any] = msgspec.field(default_factory=lambda: {"type": "string"})
    is_required: bool = False


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path, and all that is said about it.

    Args:
        path: Without `/api/v1`; `{project}` in it is entered with the permission `needs`.
        body: Type of the body; None = it has none.
        answer: Type of the answer; None = no body, or none of JSON.
        media: Content type of the answer; with `answer`: the other one that it may have.
        is_open: Answered without a credential.
        takes: Content types of the body.
        precondition: `If-Match` is looked at.
        streams: `act` reads the body itself, of any type and size.
    """

    method: str
    path: str
    act: Callable[["Call"], Awaitable[Response]]
    summary: str
    needs: Permission | None = None
    body: Any = None
    answer: Any = None
    status: int = 200
    media: str = JSON
    query: tuple[Query, ...] = ()
    takes: tuple[str, ...] = (JSON,)
    is_open: bool = False
    streams: bool = False
    precondition: bool = False


class Call:
    """One request to an endpoint: who calls, what for, with which body."""

    def __init__(
        self, request: Request, services: Services, endpoint: Endpoint, actor: Actor
    ) -> None:
        self.request = request
        self.services = services
        self.endpoint = endpoint
        self.actor = actor
        self.body = b""

    def part(self, name: str) -> str:
        """Return a part of the path."""
        return str(self.request.path_params[name])

    @property
    def project(self) -> ProjectId:
        """Return the project of the path."""
        return ProjectId(self.part("project"))

    @property
    def origin(self) -> str:
        """Tell where the request comes from, for the audit trail."""
        return origin_of(self.request, WAY)

    def read(self, kind: type[T]) -> T:
        """Return the body as a value of that type.

        Raises:
            RequestError: 400, no JSON.
            InvalidError: It has another shape.
        """
        return convert(read_json(self.body, self.services.limits, empty={}), kind)

    async def enter(self, project: str, permission: Permission) -> None:
        """Let the actor into a project; see the function of that name."""
        await enter(self.services, self.actor, project, permission)

    async def once(
        self,
        act: Callable[[ReceiptRequest | None], Awaitable[T]],
        render: Callable[[T], object],
        *,
        keep: Callable[[T], object] | None = None,
        stores_receipt: bool = True,
    ) -> Response:
        """Do an act once per `Idempotency-Key`; answer with what `render` makes of its result.

        `keep` makes the answer that is stored for repeats, when the first one holds a secret.
        """

        def rendered(result: Any) -> tuple[int, bytes, str]:
            return self.endpoint.status, _ENCODER.encode(render(result)), JSON

        def kept(result: Any) -> tuple[int, bytes, str]:
            return self.endpoint.status, _ENCODER.encode((keep or render)(result)), JSON

        return await once(
            self.request,
            self.services,
            self.actor,
            self.body,
            act,
            rendered,
            keep=kept if keep else None,
            stores_receipt=stores_receipt,
        )


async def enter(services: Services, actor: Actor, project: str, permission: Permission) -> None:
    """Let somebody into a project.

    Raises:
        NotFoundError: There is no such project, or the actor may not see it.
        ForbiddenError: The credential is bound to other projects, or the permission is missing.
    """
    if actor.projects and project not in actor.projects:
        raise ForbiddenError(actor.user, permission.value, project)
    found = await services.store.find_project(ProjectId(project))
    if found is None or not await services.access.allows(actor, Permission.VIEW, project):
        raise NotFoundError("project", project)
    await services.access.demand(actor, permission, project)


def answer(value: object, status: int = 200) -> Response:
    """Answer with a value as JSON."""
    return ValueResponse(value, status)


NOTHING = 204


class Dispatcher:
    """ASGI application of one path: chooses the endpoint by the method."""

    def __init__(self, services: Services, endpoints: Iterable[Endpoint]) -> None:
        self._services = services
        self._endpoints = {endpoint.method: endpoint for endpoint in endpoints}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        method = "GET" if request.method == "HEAD" else request.method
        endpoint = self._endpoints.get(method)
        if endpoint is None:
            response = await self._not_allowed(request, method)
        else:
            response = await handle(self._services, endpoint, request)
        if request.method == "HEAD" and isinstance(response, Stream | StreamingResponse):
            response = _head_of(response)
        await response(scope, receive, send)

    async def _not_allowed(self, request: Request, method: str) -> Response:
        try:
            if not any(endpoint.is_open for endpoint in self._endpoints.values()):
                await caller_of(request, self._services.access)
        except KNOWN as error:
            return _said(request, None, problem_of(error))
        allowed = ", ".join(sorted(self._endpoints))
        problem = make_problem(405, "method", f"{method} is not possible here; only {allowed}")
        response = problem_response(problem)
        response.headers["Allow"] = allowed
        return response


def _head_of(response: Response) -> Response:
    """Return a streamed answer without its content, which is made while it is sent."""
    head = Response(status_code=response.status_code)
    head.raw_headers = response.raw_headers
    return head


async def handle(services: Services, endpoint: Endpoint, request: Request) -> Response:
    """Answer a request to an endpoint; every error becomes a problem."""
    body = b""
    actor: Actor | None = None
    try:
        actor = _NOBODY if endpoint.is_open else await caller_of(request, services.access)
        call = Call(request, services, endpoint, actor)
        if endpoint.needs is not None:
            await call.enter(call.project, endpoint.needs)
        if endpoint.streams:
            return await endpoint.act(call)
        if endpoint.method not in _WITH_BODY:
            return finish(request, endpoint.answer, await endpoint.act(call))
        _check_media(request, endpoint)
        call.body = body = await read_body(request, services.limits)
        if endpoint.method not in _WITH_KEY:
            return await endpoint.act(call)
        return await replayed(
            request,
            services,
            actor,
            body,
            lambda: endpoint.act(call),
            keeps=not endpoint.is_open,  # nobody's answers are everybody's
        )
    except KNOWN as error:
        if 0 < len(body) <= _LOCATED_BYTES:
            # finding lines and columns takes a while in a large document
            problem = await asyncio.to_thread(problem_of, error, body)
        else:
            problem = problem_of(error)
    except Exception:
        error_id = services.ids.hex32()
        log.exception("call_failed", call=request.scope["path"], error_id=error_id)
        problem = unexpected_problem(error_id)
    return _said(request, actor, problem)


def _said(request: Request, actor: Actor | None, problem: Problem) -> Response:
    """Answer with a problem in the language of who asks."""
    if not wants_chinese(request, actor):
        return problem_response(problem)
    response = problem_response(in_chinese(problem))
    response.headers["Content-Language"] = "zh-CN"
    return response


def _check_media(request: Request, endpoint: Endpoint) -> None:
    media = header(request, "content-type").partition(";")[0].strip().lower()
    if media and media not in endpoint.takes:
        raise RequestError(415, f"{media} is not taken here; only {', '.join(endpoint.takes)}")
