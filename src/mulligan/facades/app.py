"""The ASGI application: which facade answers which path."""

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router

from mulligan.facades.bkci.routes import BkciApp, is_bkci_path
from mulligan.facades.common.errors import RequestError
from mulligan.facades.common.guard import App, Guard, Receive, Scope, Send
from mulligan.facades.common.services import Services
from mulligan.facades.native.app import PREFIX, NativeApp
from mulligan.facades.native.metrics import metrics_route
from mulligan.facades.native.problems import PROBLEM_JSON, encode_problem, problem_of
from mulligan.facades.platform.paths import is_platform_path
from mulligan.facades.swr.paths import is_swr_path

MCP_PATHS = frozenset({"/mcp", "/mcp/"})


def build_app(
    services: Services,
    *,
    page: App | None = None,
    hosts: tuple[str, ...] = (),
    origins: tuple[str, ...] = (),
) -> App:
    """Put the application together; for `hosts` and `origins` see `Guard`.

    Args:
        page: Answers what belongs to no API: the web page, and that there is nothing.
    """
    shell = _Shell(services, page)
    return Guard(
        shell,
        is_dev=services.is_dev,
        hosts=hosts,
        origins=origins,
        header_bytes=services.limits.header_bytes,
        body_bytes=services.limits.body_bytes,
        refuse=_refuse,
        takes_files=_takes_files,
    )


def _takes_files(scope: Scope) -> bool:
    """Tell whether a request uploads a file: of a package, a plugin, or of a running plugin's."""
    method, path = scope["method"], scope["path"]
    if method == "POST":
        return bool(path == f"{PREFIX}/plugins")
    return method == "PUT" and ("/packages/" in path or "/bkrepo/api/build/generic/" in path)


class _Shell:
    """Chooses the facade by the path; a dictionary and two prefixes, no list of patterns."""

    def __init__(self, services: Services, page: App | None) -> None:
        self._bkci = BkciApp(services)
        self._native = NativeApp(services)
        self._services = services
        self._swr: App | None = None
        self._platform: App | None = None
        self._mcp: App | None = None
        self._rest = Router(
            [
                Route("/healthz", _healthz),
                Route("/readyz", _readyz(services)),
                metrics_route(services),
            ],
            default=page,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.startswith(PREFIX + "/") or path == PREFIX:
            await self._native(scope, receive, send)
        elif is_swr_path(path):
            await self._swr_app()(scope, receive, send)
        elif "/api/build/" in path and is_platform_path(path):
            await self._platform_app()(scope, receive, send)
        elif is_bkci_path(path):
            await self._bkci(scope, receive, send)
        elif path in MCP_PATHS:
            await self._mcp_app()(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    def _platform_app(self) -> App:
        """Return the application of the services for plugins; loaded when one calls first."""
        if self._platform is None:
            from mulligan.facades.platform.app import PlatformApp

            self._platform = PlatformApp(self._services)
        return self._platform

    def _mcp_app(self) -> App:
        """Return the application of tools for assistants; loaded when one calls first."""
        if self._mcp is None:
            from mulligan.facades.mcp.app import McpApp

            self._mcp = McpApp(self._services)
        return self._mcp

    def _swr_app(self) -> App:
        """Return the application of the SWR dialect; loaded when it is needed first."""
        if self._swr is None:
            from mulligan.facades.swr.routes import SwrApp  # a fifth of what a start loads

            self._swr = SwrApp(self._services)
        return self._swr


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


def _readyz(services: Services) -> Callable[[Request], object]:
    async def readyz(_request: Request) -> Response:
        try:
            await services.store.last_seq()
        except Exception as error:  # noqa: BLE001 - whatever is wrong, the answer is: not ready
            return JSONResponse({"ready": False, "reason": str(error)}, status_code=503)
        return JSONResponse({"ready": True})

    return readyz


def _refuse(path: str, status: int, message: str) -> tuple[str, bytes]:
    if is_swr_path(path):
        from mulligan.facades.swr.errors import refuse

        return refuse(status, message)
    if is_bkci_path(path):
        body = {"status": status, "message": message}
        return "application/json", msgspec.json.encode(body)
    problem = problem_of(RequestError(status, message))
    return PROBLEM_JSON, encode_problem(problem)
