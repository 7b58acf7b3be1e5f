"""Clients of the own API for tests: every error must have the one right shape."""

import json
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

from native_server import NativeServer
from starlette.testclient import TestClient

from mulligan.testing import models
from mulligan.testing.http_client import HttpClient
from mulligan.testing.server import poll_until

Json = dict[str, Any]
Headers = Mapping[str, str]
FINAL = {"succeeded", "failed", "cancelled", "skipped"}


class Answer:
    """An answer, however it came; header names in lower case."""

    def __init__(self, status: int, headers: Headers, content: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content = content

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.content.decode()

    def json(self) -> Any:
        """Return the body, decoded."""
        return json.loads(self.content)


Transport = Callable[[str, str, Headers, bytes | None], Answer]


class NativeApi:
    """Calls as one user; `acting_as` gives another one on the same server."""

    def __init__(self, server: NativeServer, send: Transport, token: str) -> None:
        self.server = server
        self.token = token
        self._send = send

    def acting_as(self, token: str) -> "NativeApi":
        """Return a client with another token, "" for none."""
        return NativeApi(self.server, self._send, token)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        expect: int = 200,
        headers: Headers | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Send a request; return the answer, which must have the status `expect`."""
        fields = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            content = json.dumps(body).encode()
            fields["Content-Type"] = "application/json"
        url = path if path.startswith("/metrics") else f"/api/v1{path}"
        answer = self._send(method, url, {**fields, **(headers or {})}, content)
        assert answer.status == expect, answer.text
        if answer.status >= 400:
            assert_problem(answer)
        return answer

    def get(self, path: str, *, expect: int = 200, **more: Any) -> Any:
        """GET; return the decoded body."""
        return self.call("GET", path, expect=expect, **more).json()

    def post(self, path: str, body: object = None, *, expect: int = 200, **more: Any) -> Any:
        """POST; return the decoded body."""
        return self.call("POST", path, body, expect=expect, **more).json()

    def put(self, path: str, body: object = None, *, expect: int = 200, **more: Any) -> Any:
        """PUT; return the decoded body."""
        return self.call("PUT", path, body, expect=expect, **more).json()

    def tool(self, name: str, **arguments: Any) -> Json:
        """Call a tool of assistants; return its result."""
        message = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": name, "arguments": arguments},
        }
        fields = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en"}
        answer = self._send("POST", "/mcp", fields, json.dumps(message).encode())
        assert answer.status == 200, answer.text
        return dict(answer.json()["result"])

    # --- people -------------------------------------------------------------------------------

    def make_user(self, name: str, role: str = "", project: str = "shop") -> "NativeApi":
        """Make a user with a token, and give it a role; return a client that acts as that user."""
        self.post("/users", {"name": name}, expect=201)
        if role:
            self.put(f"/projects/{project}/members/{name}", {"role": role})
        token = self.post("/tokens", {"name": "test", "user": name}, expect=201)["token"]
        return self.acting_as(token)

    # --- runs ---------------------------------------------------------------------------------

    def make_pipeline(self, model: Json | None = None, project: str = "shop") -> str:
        """Store a pipeline; return its id."""
        given = model or two_steps()
        return str(self.post(f"/projects/{project}/pipelines", given, expect=201)["id"])

    def start(self, pipeline: str, values: Json | None = None) -> str:
        """Start a run; return its id."""
        path = f"/projects/shop/pipelines/{pipeline}/runs"
        return str(self.post(path, {"values": values or {}}, expect=201)["id"])

    def run(self, run: str, query: str = "") -> Json:
        """Return the state of a run."""
        return dict(self.get(f"/projects/shop/runs/{run}{query}"))

    def wait(self, run: str, *statuses: str) -> Json:
        """Wait until a run has one of the statuses, by default until it has ended."""
        wanted = set(statuses) or FINAL

        def reached() -> Json | None:
            state = self.run(run)
            return state if state["status"] in wanted else None

        return poll_until(reached, what=f"{run} is {wanted}")

    def wait_started(self, name: str, times: int = 1) -> None:
        """Wait until a step was started so often."""
        executor = self.server.executor
        poll_until(lambda: executor.runs(name) >= times, what=f"{name} started {times} times")

    def wait_gate(self, run: str) -> Json:
        """Wait until a run waits for somebody; return where."""

        def reached() -> Json | None:
            gates = self.run(run)["gates"]
            return gates[0] if gates else None

        return poll_until(reached, what=f"{run} waits")

    def run_to_end(self, model: Json | None = None) -> Json:
        """Store a pipeline, run it to its end, return its state."""
        return self.wait(self.start(self.make_pipeline(model)))


class NativeClient(NativeApi):
    """A client of an application in this process; starts and ends it."""

    def __init__(self, server: NativeServer) -> None:
        self.http = TestClient(server.app())
        super().__init__(server, self._request, "")

    def __enter__(self) -> Self:
        """Start the server; act as its admin."""
        self.http.__enter__()
        self.token = self.server.admin_token
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the server."""
        self.http.__exit__(kind, error, trace)

    def in_loop(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run something in the event loop of the server."""
        assert self.http.portal is not None
        self.http.portal.call(work)

    def _request(self, method: str, path: str, headers: Headers, content: bytes | None) -> Answer:
        answer = self.http.request(method, path, headers=dict(headers), content=content)
        return Answer(answer.status_code, answer.headers, answer.content)


def http_api(server: NativeServer, url: str) -> NativeApi:
    """Return a client of a server on a real socket, as admin, with a project `shop`."""

    def send(method: str, path: str, headers: Headers, content: bytes | None) -> Answer:
        client = HttpClient(url)
        body = None if content is None else json.loads(content)
        answer = client.request(method, path, body=body, headers=headers)
        client.close()
        return Answer(answer.http, answer.headers, answer.content)

    api = NativeApi(server, send, server.admin_token)
    api.post("/projects", {"name": "shop"}, expect=201)
    return api


def two_steps(name: str = "two") -> Json:
    """Return a model with the steps `build` and `test` in one job."""
    steps = [
        models.step("build", "true", step_id="b", manualSkip=True, manualRetry=True),
        models.step("test", "true", step_id="t"),
    ]
    return models.one_job(name, steps)


def step_of(state: Json, name: str) -> Json:
    """Return the step of that name in the state of a run."""
    found = [
        step
        for stage in state["stages"]
        for job in stage["jobs"]
        for step in job["steps"]
        if step["name"] == name
    ]
    assert len(found) == 1
    return dict(found[0])


def assert_problem(answer: Answer) -> None:
    """Check the one shape that every error has (RFC 9457)."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status
    assert {"type", "title", "detail", "code"} <= problem.keys()
    assert all(problem[key] for key in ("type", "title", "detail", "code"))
    assert problem["type"] == f"urn:mulligan:problem:{problem['code']}"
    for item in problem.get("errors", ()):
        assert item["detail"]
