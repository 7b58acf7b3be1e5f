"""Who may call what: every endpoint, and everybody from nobody to the admin of the server."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from native_client import NativeClient, step_of
from native_server import NativeServer
from releases import document, only_environment, release

import hook_payloads as h
from mulligan.facades.native.app import ENDPOINTS

Json = dict[str, Any]
WHO = ("nobody", "outsider", "viewer", "runner", "developer", "maintainer", "owner", "admin")

# Below `/projects/{project}`: from which role on somebody may call it.
IN_PROJECT = {
    "viewer": """
        GET
        GET /pipelines
        GET /pipelines/{pipeline}
        GET /pipelines/{pipeline}/definition
        GET /pipelines/{pipeline}/graph
        GET /pipelines/{pipeline}/hooks
        GET /pipelines/{pipeline}/start-form
        GET /pipelines/{pipeline}/triggers
        GET /pipelines/{pipeline}/versions
        GET /pipelines/{pipeline}/versions/{a}/diff/{b}
        POST /lint
        POST /completion
        GET /runs
        GET /runs/{run}
        GET /runs/{run}/artifacts
        GET /runs/{run}/artifacts/{step}/{attempt}/{path}
        GET /runs/{run}/attempts
        GET /runs/{run}/attempts/{a}/diff/{b}
        GET /runs/{run}/failure
        GET /runs/{run}/log/download
        GET /runs/{run}/log/search
        GET /runs/{run}/metrics
        GET /runs/{run}/recovery/modes
        GET /runs/{run}/reports
        GET /runs/{run}/reports/{step}/{attempt}/{path}
        GET /runs/{run}/steps
        GET /runs/{run}/steps/{step}/log
        GET /runs/{run}/steps/{step}/log/diff
        GET /runs/{run}/tests
        GET /runs/{run}/timeline
        GET /environments
        GET /environments/{environment}
        GET /environments/{environment}/deployments
        GET /deployments/{deployment}
        GET /deployments/{a}/diff/{b}
        GET /services
        GET /insights
        GET /hooks
        GET /hooks/{hook}
        GET /hooks/{hook}/deliveries
        GET /hooks/{hook}/deliveries/{delivery}
        GET /members
        GET /packages
        GET /packages/{namespace}/{repository}/{name}/files
        GET /packages/{namespace}/{repository}/{name}/versions
        GET /packages/{namespace}/{repository}/{name}/{version}/{path}
        GET /plugins
        GET /quality-checks
        GET /quality-rules
        GET /quality-rules/{rule}
    """,
    "runner": """
        POST /pipelines/{pipeline}/runs
        PUT /runs/{run}/remark
        POST /runs/{run}/recovery/plan
        POST /runs/{run}/recovery/apply
        POST /runs/{run}/steps/{step}/resume
        POST /hooks/{hook}/deliveries/{delivery}/replay
    """,
    "developer": """
        POST /runs/{run}/stop
        POST /pipelines
        PUT /pipelines/{pipeline}
        DELETE /pipelines/{pipeline}
        POST /pipelines/{pipeline}/hooks
        GET /pipelines/{pipeline}/remote-token
        POST /pipelines/{pipeline}/remote-token
        DELETE /pipelines/{pipeline}/remote-token
        POST /hooks
        DELETE /hooks/{hook}
        GET /secrets
        GET /secrets/{name}
        GET /channels
    """,
    "maintainer": """
        POST /runs/{run}/stages/{stage}/answer
        POST /runs/{run}/steps/{step}/answer
        POST /runs/{run}/stages/{stage}/rollback
        POST /runs/{run}/stages/{stage}/rollback/plan
        POST /environments/{environment}/rollback
        POST /environments/{environment}/rollback/plan
        PUT /packages/{namespace}/{repository}/{name}/{version}/{path}
        PUT /secrets/{name}
        DELETE /secrets/{name}
        PUT /channels/{name}
        DELETE /channels/{name}
        POST /channels/{name}/test
    """,
    "owner": """
        GET /audit
        PUT /members/{user}
        DELETE /members/{user}
        PUT /plugins/{code}
        PUT /quality-rules/{rule}
        DELETE /quality-rules/{rule}
    """,
}
# All others: from whom on. Who is known sees and changes own things there.
ELSEWHERE = {
    "nobody": """
        GET /openapi.json
        POST /hooks/{project}/{hook}
        POST /session
        GET /session
    """,
    "outsider": """
        GET /about
        GET /approvals
        GET /runners
        GET /projects
        GET /events
        GET /schemas/{schema}
        GET /plugins
        GET /plugins/{code}
        GET /tokens
        POST /tokens
        DELETE /tokens/{token}
        GET /access-keys
        POST /access-keys
        DELETE /access-keys/{access}
        DELETE /session
        POST /apps
    """,
    "viewer": """
        GET /runs/{run}
    """,
    "admin": """
        POST /projects
        GET /users
        POST /users
        PATCH /users/{user}
        GET /audit
        POST /plugins
        GET /plugins/{code}/policy
        PUT /plugins/{code}/projects
        PUT /plugins/{code}/settings/{name}
        DELETE /plugins/{code}/settings/{name}
        DELETE /plugins/{code}/{version}
    """,
}
LEFT_OUT = {("GET", "/downloads/{link}"), ("POST", "/dev/clock")}  # by a link; only with --dev
# What is refused before rights are asked: something that everybody must give, or has to be there.
BODIES: dict[str, Json] = {
    "POST /projects": {"name": "theirs"},
    "POST /users": {"name": "theirs"},
    "PATCH /users/{user}": {"disabled": True},
    "PUT /plugins/{code}/projects": {"projects": None},
    "PUT /plugins/{code}/settings/{name}": {"value": "x"},
}


def places() -> Iterator[tuple[str, str, str]]:
    """Yield from whom on, method and path of every line of the tables."""
    for table, prefix in ((IN_PROJECT, "/projects/{project}"), (ELSEWHERE, "")):
        for who, lines in table.items():
            for line in filter(None, map(str.strip, lines.splitlines())):
                method, _, path = line.partition(" ")
                yield who, method, prefix + path


PLACES = tuple(places())


class People:
    """One server with something of most kinds in `shop`, and one client for everybody."""

    def __init__(self, admin: NativeClient) -> None:
        self.admin = admin
        admin.server.executor.fail("test", times=1)
        run = admin.run_to_end()
        admin.server.event_hooks  # noqa: B018 - runs with the server
        made = admin.post(
            "/projects/shop/hooks", {"kind": "github", "secret": h.SECRET}, expect=201
        )
        headers, body = h.github(h.push())
        admin.acting_as("").call(
            "POST", made["url"].partition("/api/v1")[2], content=body, headers=headers, expect=202
        )
        deployed = release(admin, admin.make_pipeline(document()), "v1")
        environment = only_environment(admin)
        admin.put("/projects/shop/secrets/key", {"value": "swordfish"})
        deployment = admin.get(f"/projects/shop/environments/{environment['id']}/deployments")[
            "items"
        ][0]["id"]
        self.known = {
            "project": "shop",
            "run": run["id"],
            "pipeline": run["pipeline"],
            "stage": "stage-2",
            "step": step_of(run, "test")["id"],
            "hook": made["id"],
            "delivery": "1",
            "environment": environment["id"],
            "deployment": deployment,
            "user": "admin",
            "name": "key",
            "attempt": "1",
            "path": "x",
            "a": "1",
            "b": "1",
        }
        self.deployed = deployed["id"]
        roles = ("viewer", "runner", "developer", "maintainer", "owner")
        self.clients = {role: admin.make_user(role, role) for role in roles}
        admin.post("/projects", {"name": "mine"}, expect=201)
        self.clients |= {
            "nobody": admin.acting_as(""),
            "outsider": admin.make_user("outsider", "owner", "mine"),
            "admin": admin,
        }

    def status(self, who: str, method: str, path: str, *, real: bool) -> tuple[int, Json]:
        """Call; return status and problem. `real`: on what is there, else on what is not."""
        names = self.known if real else {"project": "shop", "run": self.known["run"]}
        body = BODIES.get(f"{method} {path}", {})
        for name in re.findall(r"\{(\w+)\}", path):
            path = path.replace(f"{{{name}}}", names.get(name, "nothing"), 1)
        client = self.clients[who]
        headers = {"Authorization": f"Bearer {client.token}"} if client.token else {}
        sent = json.dumps(body).encode() if method in {"POST", "PUT", "PATCH"} else None
        answer = self.admin.http.request(method, f"/api/v1{path}", headers=headers, content=sent)
        is_problem = answer.headers.get("content-type") == "application/problem+json"
        return answer.status_code, dict(answer.json()) if is_problem else {}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """Run one server for all calls."""
    root: Path = tmp_path_factory.mktemp("rights")
    with NativeClient(NativeServer(root)) as admin:
        admin.post("/projects", {"name": "shop"}, expect=201)
        yield People(admin)


def test_every_endpoint_is_in_the_table() -> None:
    """Whoever adds one says who may call it."""
    said = [*LEFT_OUT, *((method, path) for _, method, path in PLACES)]

    assert sorted(said) == sorted((each.method, each.path) for each in ENDPOINTS)


@pytest.mark.parametrize(("who", "method", "path"), PLACES, ids=lambda each: str(each))
def test_who_may(people: People, who: str, method: str, path: str) -> None:
    """Below the role it is refused, even on what is there; from it on it is not for that."""
    first = WHO.index(who)
    below = {*WHO[: min(first, 2)], *WHO[max(first - 1, 0) : first]}  # those between have less
    refused = {each: people.status(each, method, path, real=True)[0] for each in below}
    status, problem = people.status(who, method, path, real=False)

    hides = "/projects/{project}" in path or path == "/runs/{run}"
    for each, found in refused.items():
        expected = {"nobody": 401, "outsider": 404 if hides else 403}.get(each, 403)
        assert found == expected, each
    is_open = path.startswith(("/session", "/hooks/"))  # these ask for a proof of another kind
    assert status not in {401, 403, 500} or is_open, problem
    assert not (status == 404 and "project" in problem.get("detail", "")), problem


IDS = {"run", "pipeline", "hook", "environment", "deployment"}
OF_OTHERS = [
    (method, path)
    for _, method, path in PLACES
    if path.startswith("/projects/{project}/") and IDS & set(re.findall(r"\{(\w+)\}", path))
]


@pytest.mark.parametrize(("method", "path"), OF_OTHERS, ids=lambda each: str(each))
def test_ids_of_another_project(people: People, method: str, path: str) -> None:
    """By a project that one owns nothing of another one is reached, whatever its id."""
    status, problem = people.status(
        "outsider", method, path.replace("{project}", "mine"), real=True
    )

    assert (status, problem["code"]) == (404, "not-found")
