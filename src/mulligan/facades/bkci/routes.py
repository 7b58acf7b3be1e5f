"""Which call a path means. All forms of a path (gateways, services, SDKs) are the same handlers."""

import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mulligan.core.errors import MulliganError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.rights import Actor
from mulligan.facades.bkci import (
    artifact_calls,
    atom_calls,
    build_calls,
    build_lists,
    callback_calls,
    credential_calls,
    draft_calls,
    environment_calls,
    label_calls,
    log_calls,
    pipeline_calls,
    pipeline_daily,
    project_calls,
    quality_calls,
    repository_calls,
    template_calls,
    template_instances,
    trigger_calls,
    version_calls,
    view_calls,
)
from mulligan.facades.bkci.bodies import check_media_type
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.errors import (
    NotServedError,
    render_error,
    render_plain,
    render_unexpected,
)
from mulligan.facades.bkci.known_calls import KNOWN_CALLS, UNSERVED_RESOURCES
from mulligan.facades.bkci.old_paths import V3_PATHS
from mulligan.facades.bkci.patterns import Patterns
from mulligan.facades.bkci.query import Query
from mulligan.facades.bkci.remote_calls import remote_token_in, start_remotely
from mulligan.facades.bkci.result import MEDIA_TYPE, encode_body
from mulligan.facades.common.auth import actor_of, header, language_of
from mulligan.facades.common.body import read_body
from mulligan.facades.common.errors import RequestError, UnauthenticatedError
from mulligan.facades.common.guard import Receive, Scope, Send
from mulligan.facades.common.idempotency import replayed
from mulligan.facades.common.services import Services
from mulligan.log import get_log

log = get_log()

Handler = Callable[[Call], Awaitable[Response]]

# Forms of a path: /{type}/v4, /api/{type}/v4, /v4/{type}, /prod/v4/{type}; the services' own
# paths besides. The same with v3.
_TYPES = r"(?P<{0}>[A-Za-z][A-Za-z-]*)"
_PATH = re.compile(
    r"(?:/ms/openapi|/openapi)?(?:"
    rf"/api/{_TYPES.format('one')}/(?P<v1>v[34])|(?:/prod)?/(?P<v2>v[34])/{_TYPES.format('two')}"
    rf"|/{_TYPES.format('three')}/(?P<v3>v[34]))"
    r"/(?P<rest>[A-Za-z].*)"
)
_KNOWN_TYPES = frozenset({"apigw", "apigw-user", "apigw-app"})
_FIRST_SEGMENTS = re.compile(
    r"/(?:api/|(?:prod/)?v[34]/|openapi/|ms/openapi/)?apigw(?:-user|-app)?/"
)

# (method, path after projects/{project}/) -> handler
_IN_PROJECT: dict[tuple[str, str], Handler] = {
    ("POST", "build_start"): build_calls.build_start,
    ("POST", "build_stop"): build_calls.build_stop,
    ("POST", "build_retry"): build_calls.build_retry,
    ("POST", "build_restart"): build_calls.build_restart,
    ("GET", "build_status"): build_calls.build_status,
    ("GET", "build_detail"): build_calls.build_detail,
    ("GET", "build_histories"): build_lists.build_histories,
    ("GET", "build_histories/simple"): build_lists.build_histories_simple,
    ("POST", "batch_get_build_status"): build_lists.batch_get_build_status,
    ("GET", "build_failed_tasks"): build_calls.build_failed_tasks,
    ("POST", "build_variables"): build_calls.build_variables,
    ("POST", "update_remark"): build_calls.update_remark,
    ("POST", "manual_start_build_stage"): build_calls.manual_start_build_stage,
    ("POST", "manual_review"): build_calls.manual_review,
    ("POST", "build_execute_pause"): build_calls.build_execute_pause,
    ("GET", "quality/intercept_list"): quality_calls.intercept_list,
    ("GET", "webhook/pipeline_webhook_list"): trigger_calls.pipeline_webhook_list,
    ("GET", "build_manual_startup_info"): pipeline_calls.build_manual_startup_info,
    ("GET", "logs/init_logs"): log_calls.init_logs,
    ("GET", "logs/more_logs"): log_calls.more_logs,
    ("GET", "logs/after_line_logs"): log_calls.after_line_logs,
    ("GET", "logs/download_logs"): log_calls.download_logs,
    ("GET", "logs/log_mode"): log_calls.log_mode,
    ("GET", "logs/last_line_num"): log_calls.last_line_num,
    ("POST", "pipelines/pipeline"): pipeline_calls.pipeline_create,
    ("PUT", "pipelines/pipeline"): pipeline_calls.pipeline_edit,
    ("GET", "pipelines/pipeline"): pipeline_calls.pipeline_get,
    ("DELETE", "pipelines/pipeline"): pipeline_calls.pipeline_delete,
    ("GET", "pipelines/setting"): pipeline_calls.setting_get,
    ("PUT", "pipelines/setting"): pipeline_calls.setting_save,
    ("GET", "pipelines/pipeline_list"): pipeline_calls.pipeline_list,
    ("GET", "pipelines/pipeline_status"): pipeline_calls.pipeline_status,
    ("POST", "pipelines/pipeline_lock"): pipeline_calls.pipeline_lock,
    ("POST", "credentials/credential"): credential_calls.credential_create,
    ("GET", "credentials/credential"): credential_calls.credential_get,
    ("PUT", "credentials/credential"): credential_calls.credential_edit,
    ("DELETE", "credentials/credential"): credential_calls.credential_delete,
    ("GET", "credentials/credential_list"): credential_calls.credential_list,
    ("POST", "pipelines/pipeline_with_setting"): pipeline_calls.pipeline_upload,
    ("PUT", "pipelines/pipeline_with_setting"): pipeline_calls.pipeline_update,
    ("POST", "pipelines/pipeline_batch_get"): pipeline_daily.pipeline_batch_get,
    ("POST", "pipelines/pipeline_copying"): pipeline_daily.pipeline_copying,
    ("POST", "pipelines/pipeline_name"): pipeline_daily.pipeline_name,
    ("PUT", "pipelines/pipeline_restore"): pipeline_daily.pipeline_restore,
    ("GET", "pipelines/search_by_name"): pipeline_daily.search_by_name,
    ("GET", "pipelines/paging_search_by_name"): pipeline_daily.paging_search_by_name,
    ("POST", "build_manual_startup_options"): pipeline_daily.build_manual_startup_options,
    ("POST", "version/save_draft"): draft_calls.save_draft,
    ("GET", "version/release_prefetch"): draft_calls.release_prefetch,
    ("POST", "version/release_version"): draft_calls.release_version,
    ("POST", "version/rollback_draft"): draft_calls.rollback_draft,
    ("GET", "version/get_version"): version_calls.get_version,
    ("GET", "version/version_list"): version_calls.version_list,
    ("GET", "version/preview_code"): version_calls.preview_code,
    ("GET", "version/export"): version_calls.export,
    ("GET", "version/operation_log"): version_calls.operation_log,
    ("GET", "version/pipeline_detail"): version_calls.pipeline_detail,
    ("GET", "artifactories/file_info"): artifact_calls.file_info,
    ("GET", "artifactories/user_download_url"): artifact_calls.user_download_url,
    ("GET", "environment/third_part_agent_nodes"): environment_calls.node_list,
    ("GET", "environment/third_part_agent_node_status"): environment_calls.node_status,
    ("GET", "environment/third_part_agent_node_detail"): environment_calls.node_detail,
    ("POST", "version/reset_build_no"): version_calls.reset_build_no,
    ("POST", "version/create_with_template"): template_instances.create_with_template,
    ("GET", "templates/all_templates"): template_calls.template_list_all,
    ("GET", "templates/template_detail"): template_calls.template_get,
    ("GET", "templates"): template_calls.template_list,
    ("POST", "templates"): template_calls.template_create,
    ("PUT", "templates"): template_calls.template_update,
    ("DELETE", "templates"): template_calls.template_delete,
    ("DELETE", "templates/template_version"): template_calls.template_version_delete,
    ("GET", "templates/templateInstances"): template_instances.instance_list,
    ("POST", "templates/templateInstances"): template_instances.instance_create,
    ("PUT", "templates/templateInstances"): template_instances.instance_update,
    ("PUT", "templates/templateInstances/update"): template_instances.instance_update_by_name,
    ("GET", "pipelineGroups/group"): label_calls.group_list,
    ("POST", "pipelineGroups/group"): label_calls.group_create,
    ("PUT", "pipelineGroups/group"): label_calls.group_update,
    ("DELETE", "pipelineGroups/group"): label_calls.group_delete,
    ("POST", "pipelineGroups/label"): label_calls.label_create,
    ("PUT", "pipelineGroups/label"): label_calls.label_update,
    ("DELETE", "pipelineGroups/label"): label_calls.label_delete,
    ("GET", "pipelineView"): view_calls.view_get,
    ("POST", "pipelineView"): view_calls.view_create,
    ("PUT", "pipelineView"): view_calls.view_update,
    ("DELETE", "pipelineView"): view_calls.view_delete,
    ("GET", "pipelineView/list"): view_calls.view_list,
    ("GET", "pipelineView/listViewPipelines"): view_calls.view_pipelines,
    ("POST", "pipelineView/bulkAdd"): view_calls.bulk_add,
    ("POST", "pipelineView/bulkRemove"): view_calls.bulk_remove,
    ("GET", "repositoryCommit/commit_data_list"): repository_calls.commit_data_list,
}
# (method, pattern of the whole path, handler): names in a pattern come to the handler as parameters
# of the query would; `{project}` is entered.
_ELSEWHERE: tuple[tuple[str, str, Handler], ...] = (
    *callback_calls.ROUTES,
    ("POST", "projects/project_create", project_calls.project_create),
    ("POST", "projects/project/project_create", project_calls.project_create),
    ("GET", "projects/project_list", project_calls.project_list),
    ("GET", "projects/project/project_list", project_calls.project_list),
    ("GET", "{project}/webhook/pipeline_webhook_list", trigger_calls.pipeline_webhook_list),
    ("GET", "projects/project/{project}", project_calls.project_get),
    ("PUT", "projects/project/{project}", project_calls.project_edit),
    (
        "GET",
        "projects/project/project_name_validation",
        project_calls.project_name_validation,
    ),
    *(
        (method, f"repositories/projects/{{project}}/{tail}", handler)
        for method, tail, handler in (
            ("GET", "repository_info_list", repository_calls.repository_list),
            ("POST", "repository", repository_calls.repository_create),
            ("PUT", "repository", repository_calls.repository_edit),
            ("DELETE", "repository", repository_calls.repository_delete),
            ("GET", "repository", repository_calls.repository_get),
            ("GET", "repository/{repositoryId}", repository_calls.repository_get),
        )
    ),
    ("GET", "environment/projects/{project}/envs/list", environment_calls.env_list),
    ("POST", "environment/projects/{project}/envs", environment_calls.env_create),
    ("DELETE", "environment/projects/{project}/envs", environment_calls.env_delete),
    ("POST", "environment/projects/{project}/env_add_nodes", environment_calls.env_add_nodes),
    (
        "POST",
        "environment/projects/{project}/env_delete_nodes",
        environment_calls.env_delete_nodes,
    ),
    (
        "GET",
        "environment/projects/{project}/envs/{envHashId}/nodes_list",
        environment_calls.env_nodes_list,
    ),
    ("GET", "atoms/atom_info", atom_calls.atom_info),
    ("GET", "atoms/atom_detail", atom_calls.atom_detail),
    ("GET", "atoms/atom_search", atom_calls.atom_search),
    ("GET", "atoms/atom_list", atom_calls.atom_list),
)
_PATTERNS: Patterns[Handler | str] = Patterns([*_ELSEWHERE, *KNOWN_CALLS])
_OLD_PATHS = Patterns(V3_PATHS)
_CHANGING = frozenset({"POST", "PUT", "DELETE"})
_LOG_CALLS = frozenset(tail for _, tail in _IN_PROJECT if tail.startswith("logs/"))


def is_bkci_path(path: str) -> bool:
    """Tell whether a path belongs to this API."""
    if _FIRST_SEGMENTS.match(path):
        return True
    found = _PATH.fullmatch(path)
    return (found is not None and found["one"] is not None) or bool(remote_token_in(path))


class BkciApp:
    """ASGI application of this dialect: path, sender, project, call, answer."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """Do the call that a request means; every error becomes an answer of this dialect."""
        name = request.scope["path"].rsplit("/", 1)[-1]
        actor: Actor | None = None
        try:
            token = remote_token_in(request.scope["path"])
            if token and request.method == "POST":
                return ok(await start_remotely(self._services, request, token))
            actor = await actor_of(request, self._services.access, gateway=True)
            found = self._find(request)
            name = found.name
            call = await self._call(request, actor, found)
            if request.method not in _CHANGING:
                return await found.handler(call)
            return await replayed(
                request, self._services, actor, call.raw_body, lambda: found.handler(call)
            )
        except _PathTypeError as error:
            return PlainTextResponse(str(error), status_code=400)
        except (MulliganError, RequestError) as error:
            answer = self._render(error, request, actor, name)
        except Exception:
            error_id = self._services.ids.hex32()
            log.exception("call_failed", call=name, error_id=error_id)
            answer = render_unexpected(language_of(request, actor), error_id)
        status, body = answer
        return Response(encode_body(body), status_code=status, media_type=MEDIA_TYPE)

    @staticmethod
    def _render(
        error: Exception, request: Request, actor: Actor | None, name: str
    ) -> tuple[int, dict[str, object]]:
        if isinstance(error, UnauthenticatedError):
            return render_plain(401, error.message)
        call = "logs" if f"logs/{name}" in _LOG_CALLS else name
        return render_error(error, language_of(request, actor), call=call)

    def _find(self, request: Request) -> "_Found":
        found = _PATH.fullmatch(request.scope["path"])
        if found is None:
            raise RequestError(404, "there is no such call")
        if (found["one"] or found["two"] or found["three"]) not in _KNOWN_TYPES:
            raise _PathTypeError(request.scope["path"])
        path = found["rest"].rstrip("/")
        if (found["v1"] or found["v2"] or found["v3"]) == "v3":
            return find_old(request.method, path)
        return find(request.method, path)

    async def _call(self, request: Request, actor: Actor, found: "_Found") -> Call:
        services = self._services
        project = found.project
        body = b""
        if request.method in {"POST", "PUT"}:
            body = await read_body(request, services.limits)
            check_media_type(header(request, "content-type"), body)
        if project and await services.store.find_project(ProjectId(project)) is None:
            raise NotFoundError("project", project)
        return Call(
            services=services,
            request=request,
            actor=actor,
            project=project,
            name=found.name,
            query=Query([*found.pieces.items(), *request.query_params.multi_items()]),
            raw_body=body,
            language=language_of(request, actor),
        )


class _Found(NamedTuple):
    """The handler of a path, its project, the call's name, and what else stands in the path."""

    handler: Handler
    project: str
    name: str
    pieces: dict[str, str]


def find(method: str, path: str) -> _Found:
    """Find the handler of a path.

    Raises:
        NotServedError: The API has that call, this server has not.
        RequestError: 404 or 405.
    """
    parts = path.split("/")
    in_project = "/".join(parts[2:]) if parts[0] == "projects" else ""
    handler = _IN_PROJECT.get((method, in_project))
    if handler is not None:
        return _Found(handler, parts[1], parts[-1], {})
    match = _PATTERNS.find(method, path)
    if match is not None:
        if isinstance(match.value, str):
            raise NotServedError(match.value)
        project = match.pieces.pop("project", "")
        return _Found(match.value, project, parts[-1], match.pieces)
    if parts[0] in UNSERVED_RESOURCES:
        raise NotServedError(path)
    known = [each for each, tail in _IN_PROJECT if tail == in_project]
    others = dict.fromkeys((*known, *_PATTERNS.methods(path)))
    raise _not_there(method, in_project or path, tuple(others))


def find_old(method: str, path: str) -> _Found:
    """Find the handler of a path of the version before, which names what v4 has in the query."""
    match = _OLD_PATHS.find(method, path)
    if match is None:
        raise _not_there(method, path, _OLD_PATHS.methods(path))
    project = match.pieces.pop("project", "")
    new_method, name = match.value
    found = find(new_method, f"projects/{project}/{name}")
    return found._replace(pieces={**found.pieces, **match.pieces})


def _not_there(method: str, name: str, others: tuple[str, ...]) -> RequestError:
    if others:
        return RequestError(405, f"{name} takes {' or '.join(others)}, not {method}")
    return RequestError(404, f"there is no call {name!r}")


class _PathTypeError(Exception):
    """The path names no known kind of gateway."""

    def __init__(self, path: str) -> None:
        super().__init__(f"Devops OpenAPI Auth fail: path({path}) illegal!")
