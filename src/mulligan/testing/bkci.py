"""Speak the BK-CI v4 API over HTTP, as a client would: for tests, benchmarks and the demo."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

from mulligan.testing.http_client import Answer, HttpClient
from mulligan.testing.models import BuildView
from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from mulligan.testing.http_client import Query, QueryValue

Json = dict[str, Any]

DEFAULT_PREFIX = "/api/apigw-user/v4"
FINISHED = frozenset({"SUCCEED", "FAILED", "CANCELED", "TERMINATE", "QUEUE_TIMEOUT"})
WAIT_TIMEOUT_S = 60.0


class BkciCallError(Exception):
    """Say that a call which a test takes for granted was refused."""


class BkciClient:
    """Call one server as one user over one kept connection; not for use by two threads.

    Methods named after a call return its `data` and raise `BkciCallError` on a refusal. Those
    whose refusals are the matter of tests (`retry`, `stop`, `try_start`, `review`) return the
    pair (HTTP status, body) instead.
    """

    def __init__(
        self,
        url: str,
        user: str = "alice",
        prefix: str = DEFAULT_PREFIX,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            url: `http://HOST:PORT` as the server printed it.
            user: sent as `X-DEVOPS-UID` in UTF-8; none is sent when empty.
            prefix: all before `/projects/…`.
            headers: sent with every call, e.g. `Authorization`.
        """
        self.user = user
        self.prefix = prefix
        self.http = HttpClient(url, {"X-DEVOPS-UID": user, **(headers or {})})

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        self.http.close()

    def acting_as(self, user: str) -> BkciClient:
        """Return a second client of the same server for another user (or another thread)."""
        headers = {**self.http.headers, "X-DEVOPS-UID": user}
        return BkciClient(self.http.url, user, self.prefix, headers=headers)

    def call(
        self,
        method: str,
        project: str,
        tail: str,
        *,
        query: Query | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request below the project's path and return its answer."""
        path = f"{self.prefix}/projects/{project}/{tail}"
        return self.http.request(method, path, query=query, body=body, headers=headers)

    def data(
        self,
        method: str,
        project: str,
        tail: str,
        *,
        query: Query | None = None,
        body: object = None,
    ) -> Any:
        """Return `data` of a call that must succeed; BkciCallError when it does not."""
        return _data_of(self.call(method, project, tail, query=query, body=body))

    def project_create(self, project: str) -> None:
        """Make a project; `project` is its id and name."""
        body = {"projectName": project, "englishName": project, "description": project}
        path = f"{self.prefix}/projects/project_create"
        _data_of(self.http.request("POST", path, body=body))

    def pipeline_create(self, project: str, model: Json) -> str:
        """Make a pipeline from a model and return its id."""
        return str(self.data("POST", project, "pipelines/pipeline", body=model)["id"])

    def pipeline_edit(self, project: str, pipeline_id: str, model: Json) -> None:
        """Replace the model of a pipeline."""
        query: Query = {"pipelineId": pipeline_id}
        self.data("PUT", project, "pipelines/pipeline", query=query, body=model)

    def pipeline_get(self, project: str, pipeline_id: str) -> Json:
        """Return the latest model of a pipeline."""
        query: Query = {"pipelineId": pipeline_id}
        return dict(self.data("GET", project, "pipelines/pipeline", query=query))

    def pipeline_delete(self, project: str, pipeline_id: str) -> None:
        """Move a pipeline to the recycle bin."""
        self.data("DELETE", project, "pipelines/pipeline", query={"pipelineId": pipeline_id})

    def pipeline_lock(self, project: str, pipeline_id: str, *, enable: bool) -> None:
        """Lock (`enable=False`) or unlock a pipeline."""
        query: Query = {"pipelineId": pipeline_id, "enable": enable}
        self.data("POST", project, "pipelines/pipeline_lock", query=query)

    def setting(self, project: str, pipeline_id: str) -> Json:
        """Return the settings of a pipeline."""
        query: Query = {"pipelineId": pipeline_id}
        return dict(self.data("GET", project, "pipelines/setting", query=query))

    def change_setting(self, project: str, pipeline_id: str, **changes: object) -> None:
        """Save the settings of a pipeline with `changes` on top of what they are."""
        query: Query = {"pipelineId": pipeline_id}
        body = {**self.setting(project, pipeline_id), **changes}
        self.data("PUT", project, "pipelines/setting", query=query, body=body)

    def start(
        self, project: str, pipeline_id: str, params: Mapping[str, str] | None = None
    ) -> Json:
        """Start a build and return its `BuildId`."""
        query: Query = {"pipelineId": pipeline_id}
        body = dict(params or {})
        return dict(self.data("POST", project, "build_start", query=query, body=body))

    def try_start(
        self, project: str, pipeline_id: str, params: Mapping[str, str] | None = None
    ) -> tuple[int, Json]:
        """Call `build_start`; return HTTP status and body."""
        query: Query = {"pipelineId": pipeline_id}
        body = dict(params or {})
        return self.call("POST", project, "build_start", query=query, body=body).pair

    def status(self, project: str, build_id: str) -> Json:
        """Return the status of a build with its variables."""
        return dict(self.data("GET", project, "build_status", query={"buildId": build_id}))

    def detail(self, project: str, build_id: str, execute_count: int | None = None) -> BuildView:
        """Return the model of one attempt of a build, the latest by default."""
        query: Query = {"buildId": build_id, "executeCount": execute_count}
        return BuildView(self.data("GET", project, "build_detail", query=query))

    def histories(self, project: str, pipeline_id: str, **filters: QueryValue) -> Json:
        """Return one page of the builds of a pipeline."""
        query: Query = {"pipelineId": pipeline_id, **filters}
        return dict(self.data("GET", project, "build_histories", query=query))

    def retry(
        self,
        project: str,
        *,
        headers: Mapping[str, str] | None = None,
        **query: QueryValue,
    ) -> tuple[int, Json]:
        """Call `build_retry` with the query names of the API; return HTTP status and body."""
        return self.call("POST", project, "build_retry", query={**query}, headers=headers).pair

    def stop(self, project: str, build_id: str) -> tuple[int, Json]:
        """Call `build_stop`; return HTTP status and body."""
        return self.call("POST", project, "build_stop", query={"buildId": build_id}).pair

    def failed_tasks(self, project: str, build_id: str, **query: QueryValue) -> list[Json]:
        """Return the failed tasks of a build."""
        given: Query = {"buildId": build_id, **query}
        return list(self.data("GET", project, "build_failed_tasks", query=given))

    def variables(self, project: str, build_id: str, *names: str) -> dict[str, str]:
        """Return the values of the named variables of a build."""
        query: Query = {"buildId": build_id}
        return dict(self.data("POST", project, "build_variables", query=query, body=[*names]))

    def review(
        self, project: str, build_id: str, stage_id: str, *, cancel: bool = False, **values: str
    ) -> tuple[int, Json]:
        """Approve, or with `cancel` refuse, a stage that waits for review, with these values."""
        query: Query = {"buildId": build_id, "stageId": stage_id, "cancel": cancel}
        params = [{"key": key, "value": value} for key, value in values.items()]
        body = {"reviewParams": params, "suggest": "checked"}
        tail = "manual_start_build_stage"
        return self.call("POST", project, tail, query=query, body=body).pair

    def logs(self, project: str, kind: str, build_id: str, **query: QueryValue) -> Json:
        """Return `data` of one of the log calls.

        Args:
            project: project id.
            kind: `init`, `more` or `after_line` (lines), `last_line_num` or `log_mode`.
            build_id: build id.
            **query: further parameters by their names in the API.
        """
        tail = {"last_line_num": "last_line_num", "log_mode": "log_mode"}.get(kind, f"{kind}_logs")
        given: Query = {"buildId": build_id, **query}
        return dict(self.data("GET", project, f"logs/{tail}", query=given))

    def download(self, project: str, build_id: str, **query: QueryValue) -> Answer:
        """Download the log of a build as text."""
        given: Query = {"buildId": build_id, **query}
        return self.call("GET", project, "logs/download_logs", query=given)

    def advance_clock(self, seconds: int) -> None:
        """Move the clock of a development server forward."""
        answer = self.http.request("POST", "/api/v1/dev/clock", body={"advance": seconds})
        if answer.http != HTTPStatus.OK:
            raise BkciCallError(str(answer))

    def wait_finished(
        self, project: str, build_id: str, timeout_s: float = WAIT_TIMEOUT_S
    ) -> BuildView:
        """Wait until a build has ended and return its latest attempt."""

        def ended() -> bool:
            status = self.status(project, build_id)
            rejected = status["status"] == "STAGE_SUCCESS" and status.get("endTime") is not None
            return status["status"] in FINISHED or rejected

        poll_until(ended, what=f"end of build {build_id}", timeout_s=timeout_s)
        return self.detail(project, build_id)

    def wait_status(
        self, project: str, build_id: str, *wanted: str, timeout_s: float = WAIT_TIMEOUT_S
    ) -> Json:
        """Wait until a build has one of the statuses `wanted` and return its status."""

        def reached() -> Json | None:
            status = self.status(project, build_id)
            return status if status["status"] in wanted else None

        return poll_until(reached, what=f"{build_id} is {wanted}", timeout_s=timeout_s)


def _data_of(answer: Answer) -> Any:
    if answer.http != HTTPStatus.OK or answer.body.get("status") != 0:
        raise BkciCallError(str(answer))
    return answer.data
