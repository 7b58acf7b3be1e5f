"""Speak HTTP to a server over one kept connection, and count every answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from bench.errors import CallError

Json = dict[str, Any]

REQUEST_TIMEOUT_S = 30.0
# Servers commonly close an idle connection after 5 s: a POST must not meet that moment.
REUSE_CONNECTION_S = 2.0
SHOWN_BYTES = 300  # of an unexpected answer, in an error message
PREFIX = "/api/apigw-user/v4/projects"
FINISHED = frozenset({"SUCCEED", "FAILED", "CANCELED", "TERMINATE", "QUEUE_TIMEOUT"})


class Tally:
    """Count the answers of all connections by their HTTP status; safe between threads."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._lock = threading.Lock()
        self._answers: Counter[int] = Counter()

    def add(self, status: int) -> None:
        """Count one answer."""
        with self._lock:
            self._answers[status] += 1

    @property
    def requests(self) -> int:
        """Return how many answers there were."""
        return sum(self._answers.values())

    @property
    def server_errors(self) -> int:
        """Return how many of them were a 5xx."""
        worst = HTTPStatus.INTERNAL_SERVER_ERROR
        return sum(count for status, count in self._answers.items() if status >= worst)


class Connection:
    """Send requests to one server; not for use by two threads."""

    def __init__(self, url: str, tally: Tally) -> None:
        """Prepare a connection to `http://HOST:PORT`; it is opened by the first request."""
        self._address = urlsplit(url).netloc
        self._tally = tally
        self._connection: http.client.HTTPConnection | None = None
        self._last_use = 0.0

    def request(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Send one request, `body` as JSON, and return HTTP status and content."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"X-DEVOPS-UID": "admin", "Content-Type": "application/json"}
        connection = self._open()
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            received = response.read()
        except BaseException:
            self.close()
            raise
        self._last_use = time.monotonic()
        self._tally.add(response.status)
        return response.status, received

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON of an answer that must be 2xx; CallError when it is not."""
        status, content = self.request(method, path, body)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            shown = content[:SHOWN_BYTES].decode(errors="replace")
            raise CallError(f"{method} {path.partition('?')[0]}: HTTP {status} {shown}")
        return json.loads(content) if content else None

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> http.client.HTTPConnection:
        if time.monotonic() - self._last_use > REUSE_CONNECTION_S:
            self.close()
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._address, timeout=REQUEST_TIMEOUT_S)
            self._connection.connect()
            self._last_use = time.monotonic()
        return self._connection


class Api:
    """Call Mulligan through the BK-CI dialect, in one project."""

    def __init__(self, connection: Connection, project: str = "bench") -> None:
        """Use `project`, which `create_project` makes."""
        self.connection = connection
        self.project = project

    def call(self, method: str, tail: str, body: object = None, **query: object) -> Any:
        """Return `data` of a call below the project; CallError when it is refused."""
        path = f"{PREFIX}/{self.project}/{tail}?{urlencode(query, doseq=True)}"
        answer = self.connection.ask(method, path, body)
        if answer.get("status") != 0:
            raise CallError(f"{tail}: {answer}")
        return answer.get("data")

    def create_project(self) -> None:
        """Make the project."""
        names = {"projectName": self.project, "englishName": self.project, "description": "bench"}
        self.connection.ask("POST", f"{PREFIX}/project_create", names)

    def create_pipeline(self, model: Json) -> str:
        """Make a pipeline and return its id."""
        return str(self.call("POST", "pipelines/pipeline", model)["id"])

    def start(self, pipeline: str) -> str:
        """Start a build and return its id."""
        return str(self.call("POST", "build_start", {}, pipelineId=pipeline)["id"])

    def retry(self, build: str, task: str) -> str:
        """Run one failed task again, in place; return the id of the build, which stays."""
        return str(self.call("POST", "build_retry", buildId=build, taskId=task)["id"])

    def stop(self, build: str) -> None:
        """Cancel a build."""
        self.call("POST", "build_stop", buildId=build)

    def status(self, build: str) -> Json:
        """Return the status of a build."""
        return dict(self.call("GET", "build_status", buildId=build))

    def wait(self, build: str, wanted: str = "SUCCEED", interval_s: float = 0.02) -> Json:
        """Return the status of a build once it has ended; CallError if not as `wanted`.

        The build is asked for every `interval_s` seconds; the row's time limit ends the wait.
        """
        while True:
            status = self.status(build)
            if status["status"] in FINISHED:
                if status["status"] != wanted:
                    found = f"{status['status']} {status.get('errorInfoList') or ''}"
                    raise CallError(f"a build ended {found}, not {wanted}")
                return status
            time.sleep(interval_s)


class LimitApi:
    """Call the engine limit."""

    def __init__(self, connection: Connection) -> None:
        """Speak over `connection`."""
        self.connection = connection

    def start(self, *steps: str) -> str:
        """Start a run and return its id."""
        return str(self.connection.ask("POST", "/run", {"steps": steps})["id"])

    def wait(self, run: str, interval_s: float = 0.02) -> float:
        """Return when (seconds since 1970) a run ended, once it has; CallError if it failed."""
        while True:
            answer = self.connection.ask("GET", f"/run/{run}")
            if answer["ended_at"] is not None:
                if answer["state"] != "succeeded":
                    raise CallError(f"the engine limit's run is {answer['state']}")
                return float(answer["ended_at"])
            time.sleep(interval_s)
