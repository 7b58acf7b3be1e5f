"""The whole server in this process, called as clients of this API do."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from bkci.scenes import minimal_model
from mulligan.bootstrap import ServeOptions, Server
from mulligan.config import Settings

Json = dict[str, Any]


class RefusedCallError(AssertionError):
    """A call that a test takes for granted was refused."""


class Caller:
    """Calls as one user in one project."""

    def __init__(self, http: TestClient, server: Server, user: str, project: str) -> None:
        self.http = http
        self.server = server
        self.user = user
        self.project = project

    def acting_as(self, user: str, *, token: str = "") -> "Caller":
        """Return a caller as another user; with a token as its user."""
        other = Caller(self.http, self.server, user, self.project)
        other.token = token
        return other

    def as_viewer(self) -> "Caller":
        """Return somebody with a token that reaches no further than looking."""
        response = self.http.post(
            "/api/v1/tokens",
            json={"name": "look", "role": "viewer"},
            headers={"X-DEVOPS-UID": self.user},
        )
        return self.acting_as("", token=str(response.json()["token"]))

    token = ""

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        /,
        *,
        api: str = "v4",
        headers: Mapping[str, str] | None = None,
        **query: object,
    ) -> tuple[int, Any]:
        """Send any call; return HTTP status and decoded body. `{p}` in the path: the project."""
        fields = {"X-DEVOPS-UID": self.user, **(headers or {})}
        if self.token:
            fields["Authorization"] = f"Bearer {self.token}"
        response = self.http.request(
            method,
            f"/api/apigw-user/{api}/{path.format(p=self.project)}",
            params={name: _text(value) for name, value in query.items()},
            content=None if body is None else json.dumps(body),
            headers=fields if body is None else {**fields, "Content-Type": "application/json"},
        )
        is_json = response.headers.get("content-type", "").startswith("application/json")
        return response.status_code, response.json() if is_json else response.content

    def call(self, method: str, path: str, body: object = None, /, **query: Any) -> Any:
        """Return the data of a call that must succeed."""
        status, answer = self.send(method, path, body, **query)
        if status != 200 or answer["status"] != 0:
            raise RefusedCallError(f"{method} {path}: {status} {answer}")
        return answer.get("data")

    def refused(
        self, method: str, path: str, body: object = None, /, **query: Any
    ) -> tuple[int, int]:
        """Return (HTTP status, code) of a call that must be refused."""
        status, answer = self.send(method, path, body, **query)
        assert status != 200, answer
        assert "data" not in answer
        assert answer["message"]
        return status, answer["status"]

    def make_pipeline(self, name: str = "demo", **changes: object) -> str:
        """Make a pipeline; return its id."""
        model = {**minimal_model(), "name": name, **changes}
        made = self.call("POST", "projects/{p}/pipelines/pipeline", model)
        return str(made["id"])


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@contextlib.contextmanager
def called(data: Path, *, runners: int = 0, is_dev: bool = True) -> Iterator[Caller]:
    """Open a server for a while; give a caller as alice in the project `default`."""
    options = ServeOptions(data=data, settings=Settings(), runners=runners, is_dev=is_dev)
    server = Server(options)
    whole = server.app()

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await server.open()
        try:
            yield
        finally:
            await server.close(at_once=True)

    async def passed(scope: Any, receive: Any, send: Any) -> None:
        await whole({**scope, "root_path": ""}, receive, send)

    app = Starlette(routes=[Mount("/", passed)], lifespan=lifespan)
    with TestClient(app, base_url="http://127.0.0.1") as http:
        yield Caller(http, server, "alice", "default")
