"""The own API: all its endpoints, as routes and as an application under `/api/v1`."""

from collections import defaultdict
from typing import Any

import msgspec
from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response
from starlette.routing import Route, Router

from mulligan.core.errors import NotFoundError
from mulligan.facades.common.services import Services
from mulligan.facades.native import (
    access_keys,
    answers,
    approvals,
    attempt_history,
    channels,
    downloads,
    editor,
    environments,
    events,
    failures,
    hooks,
    insight_views,
    log_diff,
    log_search,
    logs,
    modes,
    packages,
    people,
    pipeline_list,
    pipelines,
    plugins,
    projects,
    quality_checks,
    quality_rules,
    recovery,
    reports,
    results,
    rollbacks,
    run_list,
    runs,
    secrets,
    server_info,
    service_matrix,
    sessions,
    start_forms,
    timelines,
    triggers,
)
from mulligan.facades.native.endpoints import JSON, Call, Dispatcher, Endpoint
from mulligan.facades.native.metrics import metrics_route
from mulligan.facades.native.openapi import make_document
from mulligan.facades.native.problems import make_problem, problem_response

PREFIX = "/api/v1"
SCHEMA_JSON = "application/schema+json"

_documents: list[bytes] = []


async def describe(_call: Call) -> Response:
    """Give the OpenAPI document."""
    if not _documents:
        _documents.append(msgspec.json.encode(make_document(ENDPOINTS, PREFIX)))
    return Response(_documents[0], media_type=JSON)


async def show_schema(call: Call) -> Response:
    """Give the JSON Schema of pipeline files."""
    from mulligan.pipeline_yaml.json_schema import make_schema
    from mulligan.pipeline_yaml.shapes import V2, V3

    versions = {"pipeline-v2.json": V2, "pipeline-v3.json": V3}
    version = versions.get(call.part("schema"))
    if version is None:
        raise NotFoundError("schema", call.part("schema"))
    return Response(msgspec.json.encode(make_schema(version)), media_type=SCHEMA_JSON)


ENDPOINTS: tuple[Endpoint, ...] = (
    *run_list.ENDPOINTS,
    *runs.ENDPOINTS,
    *recovery.ENDPOINTS,
    *modes.ENDPOINTS,
    *rollbacks.ENDPOINTS,
    *environments.ENDPOINTS,
    *service_matrix.ENDPOINTS,
    *insight_views.ENDPOINTS,
    *server_info.ENDPOINTS,
    *attempt_history.ENDPOINTS,
    *timelines.ENDPOINTS,
    *approvals.ENDPOINTS,
    *answers.ENDPOINTS,
    *failures.ENDPOINTS,
    *logs.ENDPOINTS,
    *log_search.ENDPOINTS,
    *log_diff.ENDPOINTS,
    *events.ENDPOINTS,
    *pipeline_list.ENDPOINTS,
    *pipelines.ENDPOINTS,
    *editor.ENDPOINTS,
    *start_forms.ENDPOINTS,
    *packages.ENDPOINTS,
    *downloads.ENDPOINTS,
    *plugins.ENDPOINTS,
    *reports.ENDPOINTS,
    *results.ENDPOINTS,
    *hooks.ENDPOINTS,
    *triggers.ENDPOINTS,
    *projects.ENDPOINTS,
    *secrets.ENDPOINTS,
    *quality_rules.ENDPOINTS,
    *quality_checks.ENDPOINTS,
    *channels.ENDPOINTS,
    *people.ENDPOINTS,
    *sessions.ENDPOINTS,
    *access_keys.ENDPOINTS,
    Endpoint(
        method="GET",
        path="/schemas/{schema}",
        act=show_schema,
        summary="The JSON Schema of pipeline files: pipeline-v3.json, pipeline-v2.json",
        media=SCHEMA_JSON,
    ),
    Endpoint(
        method="GET",
        path="/openapi.json",
        act=describe,
        summary="This description",
        is_open=True,
    ),
)


class _Rest(Convertor[str]):
    """The rest of a path, line breaks and all: a step may name its files as it likes."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        """Give the text of the path."""
        return value

    def to_string(self, value: str) -> str:
        """Give the path of the text."""
        return value


register_url_convertor("rest", _Rest())


def routes(services: Services) -> list[Route]:
    """Make one route for each path, without the prefix."""
    by_path: defaultdict[str, list[Endpoint]] = defaultdict(list)
    for endpoint in ENDPOINTS:
        by_path[endpoint.path].append(endpoint)
    # what stands at the end of a path as {path} may hold slashes
    return [
        Route(path.replace("{path}", "{path:rest}"), Dispatcher(services, found))
        for path, found in by_path.items()
    ]


class NativeApp:
    """ASGI application for every path under the prefix."""

    def __init__(self, services: Services) -> None:
        self._router = Router(routes(services), default=_not_found, redirect_slashes=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request whose path begins with the prefix."""
        inner = {**scope, "root_path": scope.get("root_path", "") + PREFIX}
        await self._router(inner, receive, send)


async def _not_found(scope: Any, receive: Any, send: Any) -> None:
    problem = make_problem(404, "not-found", f"there is nothing at {scope['path']}")
    await problem_response(problem)(scope, receive, send)


__all__ = ["ENDPOINTS", "PREFIX", "NativeApp", "metrics_route", "routes"]
