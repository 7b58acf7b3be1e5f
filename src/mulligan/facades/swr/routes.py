"""Which call a path means, and the application of this dialect."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response

from mulligan.core.errors import InfrastructureError, MulliganError
from mulligan.core.ids import ProjectId, UserName
from mulligan.core.rights import Actor
from mulligan.facades.common.errors import RequestError
from mulligan.facades.common.guard import Receive, Scope, Send
from mulligan.facades.common.services import Services
from mulligan.facades.swr import (
    auth_calls,
    codehook_calls,
    group_calls,
    hook_calls,
    job_calls,
    package_calls,
    package_files,
    pipeline_calls,
    run_calls,
    template_calls,
)
from mulligan.facades.swr.account import resolve_account
from mulligan.facades.swr.calls import Call, Route
from mulligan.facades.swr.errors import (
    INVALID,
    NO_RIGHT,
    NO_START,
    NO_SUCH_PATH,
    SwrError,
    render_error,
    render_unexpected,
)
from mulligan.facades.swr.query import read_query
from mulligan.log import get_log

log = get_log()

_NOBODY = Actor(user=UserName(""))


ROUTES: tuple[Route, ...] = (
    *auth_calls.ROUTES,
    *group_calls.ROUTES,
    *pipeline_calls.ROUTES,
    *template_calls.ROUTES,
    *run_calls.ROUTES,
    *job_calls.ROUTES,
    *hook_calls.ROUTES,
    *codehook_calls.ROUTES,
    *package_calls.ROUTES,
    *package_files.ROUTES,
)


@dataclass
class _Node:
    """A place in the tree of paths. Keys of `below`: a segment, "{name}", or "{name*}"."""

    below: dict[str, "_Node"] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)  # by method


class Routes:
    """Finds the call for a path: one step per segment, a fixed text before a variable."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._top = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: Route) -> None:
        node = self._top
        for segment in route.path.strip("/").split("/"):
            key = segment
            if segment.startswith("{"):
                key = "*" if segment.endswith("*}") else "{}"
            node = node.below.setdefault(key, _Node())
        if node.routes.get(route.method, route).handler is not route.handler:
            raise ValueError(f"{route.method} {route.path} stands twice")
        node.routes[route.method] = route

    def find(self, method: str, segments: list[str]) -> tuple[Route, dict[str, str]]:
        """Return the call and what stands in the variable parts.

        Raises:
            SwrError: 404, or 405 with the code of a bad request.
        """
        node = self._top
        values: list[str] = []
        for place, segment in enumerate(segments):
            if segment in node.below and segment not in {"{}", "*"}:
                node = node.below[segment]
            elif "{}" in node.below and segment:
                node = node.below["{}"]
                values.append(segment)
            elif "*" in node.below:
                node = node.below["*"]
                values.append("/".join(segments[place:]))
                break
            else:
                raise _unknown(segments)
        if not node.routes:
            raise _unknown(segments)
        route = node.routes.get(method)
        if route is None:
            methods = ", ".join(sorted(node.routes))
            raise SwrError(INVALID, f"this path takes {methods}, not {method}", status=405)
        names = [part.strip("{}*") for part in route.path.split("/") if part.startswith("{")]
        return route, dict(zip(names, values, strict=True))


def _unknown(segments: list[str]) -> SwrError:
    return SwrError(NO_SUCH_PATH, f"there is no call /{'/'.join(segments)}"[:300])


def segments_of(request: Request) -> list[str]:
    """Give the segments of the path, each percent-decoded once; one "/" at the end is ignored.

    Raises:
        SwrError: One is not UTF-8.
    """
    raw: bytes | None = request.scope.get("raw_path")
    if raw is None:
        raw = request.scope["path"].encode()
        parts = raw.split(b"/")
    else:
        parts = [unquote_to_bytes(part) for part in raw.partition(b"?")[0].split(b"/")]
    if len(parts) > 1 and not parts[-1]:
        parts = parts[:-1]
    try:
        return [part.decode() for part in parts[1:]]
    except UnicodeDecodeError:
        raise SwrError(INVALID, "the path is not UTF-8") from None


class SwrApp:
    """ASGI application of this dialect: path, sender, account, call, answer."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._routes = Routes(ROUTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """Do the call that a request means; every error becomes an answer of this dialect."""
        failure = NO_START
        try:
            route, path = self._routes.find(request.method, segments_of(request))
            failure = route.failure
            call = await self._call(request, route, path)
            if route.is_public or route.has_file:
                return await route.handler(call)
            return await call.answer(route.handler)
        except (SwrError, RequestError, MulliganError) as error:
            if isinstance(error, InfrastructureError):
                log.exception("call_failed", call=request.scope["path"])
            return render_error(error, failure=failure)
        except Exception:
            error_id = self._services.ids.hex32()
            log.exception("call_failed", call=request.scope["path"], error_id=error_id)
            return render_unexpected(failure, error_id)

    async def _call(self, request: Request, route: Route, path: dict[str, str]) -> Call:
        actor, account = _NOBODY, ProjectId("")
        if not route.is_public:
            actor, account = await resolve_account(request, self._services)
            if "/manage/" in route.path and not await self._services.store.find_project(account):
                raise SwrError(NO_RIGHT, f"there is no account {account!r}")
        return Call(
            services=self._services,
            request=request,
            actor=actor,
            account=account,
            path=path,
            query=read_query(request.scope["query_string"]),
        )
