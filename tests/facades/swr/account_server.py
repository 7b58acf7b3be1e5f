"""The whole server in this process, with accounts and people, for calls of the SWR dialect."""

import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest import mock

import httpx2
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from mulligan.bootstrap import ServeOptions, Server
from mulligan.config import Settings
from mulligan.engine import passwords

Json = dict[str, Any]
ADDRESS = "http://127.0.0.1"
WRONG = "mlg_" + "x" * 43
PASSWORDS = {"dev1": "S3cret!", "dev2": "pw-dev2", "dev3": "pw-dev3", "other": "pw-other"}
# user → role in the account acme; `other` owns the account globex
ROLES = {"dev1": "maintainer", "dev2": "runner", "dev3": "viewer"}


class AccountServer:
    """A server with the accounts acme and globex; see `ROLES`."""

    def __init__(self, data: Path, *, is_dev: bool = False) -> None:
        options = ServeOptions(data=data, settings=Settings(), runners=1, is_dev=is_dev)
        self.server = Server(options)
        self.data = data
        self._stack = contextlib.ExitStack()
        self._client: TestClient

    def __enter__(self) -> Self:
        # with little memory and time: the tests are about answers, not about cost
        cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self._stack.enter_context(mock.patch.object(passwords, "hash_password", cheap.hash))
        self._stack.enter_context(mock.patch.object(passwords, "_NOBODY", []))
        self._client = self._stack.enter_context(
            TestClient(self._app(), base_url=ADDRESS, raise_server_exceptions=False)
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _app(self) -> Callable[[Any, Any, Any], Awaitable[None]]:
        inner = self.server.app()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "lifespan":
                await inner(scope, receive, send)
                return
            await receive()
            await self.server.open()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self.server.close(at_once=True)
            await send({"type": "lifespan.shutdown.complete"})

        return app

    @property
    def admin_token(self) -> str:
        """The token of `admin`; empty with `--dev`."""
        path = self.data / "admin-token"
        return path.read_text().strip() if path.exists() else ""

    def advance(self, seconds: float) -> None:
        """Move the clock of the server forward."""
        self.server.clock.advance(seconds)

    def staff(self) -> Self:
        """Make the accounts and the people."""
        for account in ("acme", "globex"):
            self.native("POST", "/projects", {"name": account})
        for name, password in PASSWORDS.items():
            self.native("POST", "/users", {"name": name, "password": password})
        for name, role in ROLES.items():
            self.native("PUT", f"/projects/acme/members/{name}", {"role": role})
        self.native("PUT", "/projects/globex/members/other", {"role": "owner"})
        return self

    def native(
        self, method: str, path: str, body: object = None, *, token: str | None = None
    ) -> Any:
        """Call the own API, as admin unless a token is given; it must succeed."""
        answer = self.raw(
            method,
            "/api/v1" + path,
            None if body is None else json.dumps(body).encode(),
            _bearer(self.admin_token if token is None else token),
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def raw(
        self,
        method: str,
        target: str,
        content: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Send a request as it is; headers go as UTF-8."""
        fields = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        return self._client.request(method, target, content=content, headers=fields)

    def call(
        self, method: str, target: str, *, token: str = "", content: Any = None, **headers: str
    ) -> httpx2.Response:
        """Send a request with `X-Auth-Token`."""
        fields = {"Accept": "application/json", **headers}
        if token:
            fields["X-Auth-Token"] = token
        return self.raw(method, target, content, fields)

    def ask_token(self, body: object, query: str = "") -> httpx2.Response:
        """Make the token call with any body."""
        fields = {"Content-Type": "application/json;charset=utf8"}
        return self.raw("POST", "/v3/auth/tokens" + query, json.dumps(body).encode(), fields)

    def log_in(self, name: str, domain: str = "acme") -> str:
        """Return a new token of a user."""
        answer = self.ask_token(token_body(name, PASSWORDS[name], domain))
        assert answer.status_code == 201, answer.text
        return str(answer.headers["X-Subject-Token"])


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def token_body(name: str, password: str, domain: str, scope: Json | None = None) -> Json:
    """Return a body of the token call, for the region `cn-north-4` unless a scope is given."""
    user = {"name": name, "password": password, "domain": {"name": domain}}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": scope or {"project": {"name": "cn-north-4"}}}}


def assert_error(answer: httpx2.Response, status: int, code: str) -> str:
    """Check for an error in the dialect's shape; return its detail."""
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, "SVCSTG." + code)
    assert len(answer.json()) == 1
    assert answer.json()[0]["errorMessage"]
    return str(answer.json()[0]["detail"])


def assert_refusal(answer: httpx2.Response, status: int) -> None:
    """Check for an error in the shape of the token service."""
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, status)
    assert set(error) == {"code", "message", "title"}
    assert error["message"]
    assert error["title"]
