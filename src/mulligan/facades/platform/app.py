"""Which call of the platform a path means, and who may do it."""

import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from mulligan.core.errors import ConflictError, InfrastructureError, MulliganError, NotFoundError
from mulligan.engine.running_steps import RunningStep, StepKeyError, running_step
from mulligan.facades.bkci.patterns import Patterns
from mulligan.facades.common.auth import header
from mulligan.facades.common.errors import RequestError
from mulligan.facades.common.guard import Receive, Scope, Send
from mulligan.facades.common.services import Services
from mulligan.facades.platform import answers, files
from mulligan.facades.platform.calls import PlatformCall, refuse
from mulligan.facades.platform.paths import PATH
from mulligan.log import get_log
from mulligan.secret_key import UnsealError

log = get_log()

Handler = Callable[[PlatformCall], Awaitable[Response]]

_FILE = re.compile(r"bkrepo/generic/(?P<project>[^/]+)/(?P<repository>[^/]+)/(?P<path>.+)")
_SLASHES = re.compile(r"/{2,}")

_CALLS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "store/store/sensitiveConf/types/{type}/codes/{code}", answers.sensitive_settings),
    ("GET", "ticket/credentials/{credentialId}/detail", answers.credential),
    ("GET", "repository/repositories", answers.repository),
    ("POST", "repository/commit/addCommit", answers.add_commits),
    ("GET", "repository/commit/getLatestCommit", answers.latest_commits),
    ("GET", "process/variable/getBuildVariable", answers.variables),
    ("GET", "process/variable/get_build_context", answers.context),
    ("POST", "process/repository/saveBuildMaterial", answers.add_materials),
    ("GET", "process/reports/{taskId}/rootUrl", files.report_root),
    ("POST", "process/reports/{taskId}", files.add_report),
    ("GET", "artifactory/fileGateway/get", answers.file_gateway),
    ("POST", "quality/metadata/saveHisMetadata", answers.quality),
    ("POST", "monitoring/atom/metrics/report/{atomCode}", answers.metrics),
)
_PATTERNS: Patterns[Handler] = Patterns(_CALLS)
_FILES: dict[str, Handler] = {"GET": files.get_file, "PUT": files.put_file}


class PlatformApp:
    """ASGI application of the services for plugins."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """Do the call that a request means; every error becomes an answer."""
        try:
            caller = await self._caller(request)
            handler, pieces = _find(request)
            call = PlatformCall(
                services=self._services, request=request, caller=caller, pieces=pieces
            )
            return await handler(call)
        except StepKeyError as error:
            return refuse(401, str(error))
        except RequestError as error:
            return refuse(error.status, error.message)
        except UnsealError as error:
            return refuse(500, f"the secret can't be read: {error}")
        except MulliganError as error:
            return refuse(_status(error), str(error))
        except Exception:
            error_id = self._services.ids.hex32()
            log.exception("platform_call_failed", path=request.scope["path"], error_id=error_id)
            return refuse(500, f"the server failed; its log says more, under {error_id}")

    async def _caller(self, request: Request) -> RunningStep:
        """Return the step that calls; it must name itself as its key does.

        Raises:
            StepKeyError: The key is wrong, or over.
            RequestError: 403, it names another build.
        """
        services = self._services
        key = header(request, "x-devops-agent-secret-key")
        found = await running_step(services.engine, services.step_keys, key)
        head = found.run.head
        for name, own in (
            ("x-devops-project-id", head.project),
            ("x-devops-build-id", head.id),
            ("x-devops-vm-sid", found.job),
        ):
            given = header(request, name)
            if given != own:
                raise RequestError(403, f"{name} is {given[:100]!r}, which is not the key's")
        return found


def _find(request: Request) -> tuple[Handler, dict[str, str]]:
    """Find the handler of a path.

    Raises:
        RequestError: 501, there is none.
    """
    found = PATH.fullmatch(request.scope["path"])
    path = "" if found is None else f"{found['service']}/{found['rest']}"
    path = _SLASHES.sub("/", path).rstrip("/")
    file = _FILE.fullmatch(path)
    if file is not None and request.method in _FILES:
        return _FILES[request.method], file.groupdict()
    match = _PATTERNS.find(request.method, path)
    if match is None:
        raise RequestError(501, f"{request.method} {path} is not served for plugins here")
    return match.value, match.pieces


def _status(error: MulliganError) -> int:
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, ConflictError):
        return 409
    return 503 if isinstance(error, InfrastructureError) else 400
