"""The dialect as the standard client library of its token service sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.definitions import builds, triggers
from e2e.swr.scenario import PASSWORD, new_name
from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from e2e.swr.scenario import World
    from mulligan.testing.models import Workbench

MISSING = "keystoneauth1 is not installed"
sessions = pytest.importorskip("keystoneauth1.session", reason=MISSING)
v3 = pytest.importorskip("keystoneauth1.identity.v3", reason=MISSING)
exceptions = pytest.importorskip("keystoneauth1.exceptions", reason=MISSING)

CREATED, NO_CONTENT = 201, 204


class Session:
    """Own an authenticated session of keystoneauth1 with an explicit endpoint."""

    def __init__(self, world: World, password: str = PASSWORD) -> None:
        """Prepare a session of dev1; the token is fetched with the first call."""
        self.url = world.server.url
        self.auth = v3.Password(
            auth_url=f"{self.url}/v3",
            username="dev1",
            password=password,
            user_domain_name="acme",
            project_name="cn-north-4",
            project_domain_name="acme",
        )
        self._session = sessions.Session(auth=self.auth)

    def call(self, method: str, path: str, **more: Any) -> Any:
        """Send a call with the session's token; `Accept` has to be asked for by the caller."""
        headers = {"Accept": "application/json", **more.pop("headers", {})}
        override: dict[str, Any] = {"endpoint_override": self.url, "headers": headers}
        return self._session.request(path, method, **override, **more)

    def token(self) -> str:
        """Return the token of the session."""
        return str(self._session.get_token())


def test_pipeline_by_a_session_alone(world: World, bench: Workbench) -> None:
    """Create, start by webhook, poll, retry and delete with nothing but the session."""
    session = Session(world)
    group = new_name("team")
    bench.break_steps("two")

    made = session.call("POST", "/v3/manage/pipelinegroups", json={"group": group})
    given = {**builds(bench, "one", "two", pre_operation=triggers("or")), "name": "web"}
    pipeline = session.call("POST", f"/v3/manage/pipelinegroups/{group}/pipelines", json=given)
    path = f"/v3/manage/pipelines/{pipeline.json()['id']}"
    hook = pipeline.json()["pre_operation"]["triggers"][0]["webhook"]["url"]
    started = session.call("POST", hook.removeprefix(session.url))

    assert [made.status_code, pipeline.status_code, started.status_code] == [CREATED] * 3
    wait(session, path, "stage_exception")
    bench.repair("two")
    retried = session.call("POST", f"{path}/stages/1?mode=retry")
    assert (retried.status_code, retried.json()) == (CREATED, {})
    wait(session, path, "success")
    assert bench.counts("one", "two") == [1, 2]
    assert session.call("DELETE", path).status_code == NO_CONTENT


def test_refusals_by_a_session(world: World) -> None:
    """Refusals arrive as the library's own errors with their HTTP status."""
    session = Session(world)

    with pytest.raises(exceptions.NotFound):
        session.call("GET", "/v3/manage/pipelines/999999")
    with pytest.raises(exceptions.BadRequest):
        session.call("GET", "/v3/manage/pipelines?limit=0&offset=0")
    with pytest.raises(exceptions.Unauthorized):
        Session(world, "wrong").token()


def test_session_renews_a_revoked_token(world: World) -> None:
    """A token that was revoked is 401, upon which the library fetches a new one by itself."""
    session = Session(world)
    token = session.token()
    headers = {"X-Subject-Token": token}
    gone = session.call("DELETE", "/v3/auth/tokens", headers=headers)

    answer = session.call("GET", "/v3/manage/pipelinegroups")

    assert gone.status_code == NO_CONTENT
    assert answer.ok
    assert session.token() != token


def wait(session: Session, path: str, wanted: str) -> None:
    """Wait until the pipeline has a status."""

    def reached() -> bool:
        return bool(session.call("GET", path).json()["status"]["status"] == wanted)

    poll_until(reached, what=f"{path} is {wanted}", timeout_s=40.0)
