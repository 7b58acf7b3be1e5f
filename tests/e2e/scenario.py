"""One pipeline of a running server, its builds, and the workbench that steers its steps."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from mulligan.testing.models import BuildView, Workbench, element_ids
from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mulligan.testing.bkci import BkciClient
    from mulligan.testing.http_client import QueryValue

Json = dict[str, Any]
Reply = tuple[int, Json]

BAD_REQUEST = 400
FORBIDDEN = 403
NOT_FOUND = 404
OK = 200


def new_project(client: BkciClient) -> str:
    """Make a project with a name that no other test uses and return its id."""
    project = f"p{uuid.uuid4().hex[:12]}"
    client.project_create(project)
    return project


def assert_refused(reply: Reply, http: int, code: int, text: str = "") -> None:
    """Assert the one error shape of the dialect: HTTP status, code, and a message.

    Args:
        reply: HTTP status and body.
        http: the HTTP status expected.
        code: the `status` expected in the body.
        text: what the message must hold.
    """
    got_http, body = reply

    assert (got_http, body["status"]) == (http, code), body
    assert isinstance(body["message"], str), body
    assert body["message"], body
    assert text in body["message"], body
    assert body.get("data") is None, body


def assert_retried(reply: Reply, execute_count: int) -> None:
    """Assert that a retry was accepted and names this attempt."""
    http, body = reply

    assert (http, body["status"]) == (OK, 0), body
    assert body["data"]["executeCount"] == execute_count, body


class Scenario:
    """Own one pipeline in a project of its own."""

    def __init__(
        self, client: BkciClient, bench: Workbench, model: Json, project: str = ""
    ) -> None:
        """Create the pipeline of `model`, in a new project unless one is named."""
        self.client = client
        self.bench = bench
        self.ids = element_ids(model)
        self.project = project or new_project(client)
        self.pipeline = client.pipeline_create(self.project, model)

    def start(self, params: Mapping[str, str] | None = None) -> Build:
        """Start a build."""
        return Build(self, self.client.start(self.project, self.pipeline, params))

    def run(self, params: Mapping[str, str] | None = None) -> Build:
        """Start a build and wait for its end."""
        build = self.start(params)
        build.wait()
        return build

    def run_broken(self, *steps: str) -> Build:
        """Break `steps`, run a build, and make sure that it failed."""
        self.bench.break_steps(*steps)
        build = self.start()
        assert build.wait().status == "FAILED"
        return build


class Build:
    """Watch and repair one build; tasks are called by their names in the model."""

    def __init__(self, scenario: Scenario, started: Json) -> None:
        """Wrap the answer of `build_start`."""
        self.scenario = scenario
        self.id: str = started["id"]
        self.num: int = started["num"]
        self._client = scenario.client
        self._project = scenario.project

    def retry(
        self, task: str | None = None, *, user: str | None = None, **query: QueryValue
    ) -> Reply:
        """Call `build_retry` on this build.

        Args:
            task: name of a task of the model, or anything else to be sent as `taskId` as it is.
            user: acting user when it is another than that of the scenario.
            **query: further parameters of the call.
        """
        given: dict[str, QueryValue] = {"buildId": self.id, **query}
        if task is not None:
            given["taskId"] = self.scenario.ids.get(task, task)
        headers = {"X-DEVOPS-UID": user} if user else None
        return self._client.retry(self._project, headers=headers, **given)

    def repair(self, task: str | None = None, **query: QueryValue) -> BuildView:
        """Retry, which must be accepted, and return the attempt after its end."""
        http, body = self.retry(task, user=None, **query)
        assert (http, body["status"]) == (OK, 0), body
        return self.wait()

    def status(self) -> Json:
        """Return `build_status`."""
        return self._client.status(self._project, self.id)

    def detail(self, execute_count: int | None = None) -> BuildView:
        """Return `build_detail`, of the latest attempt by default."""
        return self._client.detail(self._project, self.id, execute_count)

    def stop(self) -> Reply:
        """Call `build_stop`."""
        return self._client.stop(self._project, self.id)

    def wait(self) -> BuildView:
        """Wait for the end of the build and return its latest attempt."""
        return self._client.wait_finished(self._project, self.id)

    def wait_status(self, *wanted: str) -> Json:
        """Wait until `build_status` shows one of `wanted`."""
        return self._client.wait_status(self._project, self.id, *wanted)

    def wait_ran(self, task: str, times: int = 1) -> None:
        """Wait until the task was started for the `times`-th time."""
        bench = self.scenario.bench
        poll_until(lambda: bench.ran(task) >= times, what=f"{task} was started {times} times")

    def wait_job(self, container_id: str, status: str) -> BuildView:
        """Wait until a job has this status and return the attempt."""

        def reached() -> BuildView | None:
            view = self.detail()
            return view if view.job(container_id).get("status") == status else None

        return poll_until(reached, what=f"job {container_id} is {status}")

    def wait_task(self, task: str, status: str) -> BuildView:
        """Wait until a task has this status and return the attempt."""

        def reached() -> BuildView | None:
            view = self.detail()
            return view if view.task(task).get("status") == status else None

        return poll_until(reached, what=f"task {task} is {status}")
