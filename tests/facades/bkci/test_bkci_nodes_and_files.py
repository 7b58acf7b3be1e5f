"""Environments, machines, artifacts and their signed links."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bkci.calling import Caller, called
from mulligan.core.ids import ProjectId, RunId, StepId, UserName
from mulligan.core.records import Artifact, Member, Role, User

ENVS = "environment/projects/{p}/envs"
AGENTS = "projects/{p}/environment"
URL = "projects/{p}/artifactories/user_download_url"
BYTES = b"what was built"


@pytest.fixture(scope="module")
def with_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """Run a server that runs jobs itself: one machine."""
    with called(tmp_path_factory.mktemp("nodes") / "data", runners=2) as caller:
        yield caller


def test_the_embedded_runner_is_a_machine(with_runner: Caller) -> None:
    """It is the only one; others are not there."""
    (node,) = with_runner.call("GET", f"{AGENTS}/third_part_agent_nodes")
    assert (node["name"], node["nodeStatus"], node["agentStatus"]) == ("local", "NORMAL", True)

    status = with_runner.call(
        "GET", f"{AGENTS}/third_part_agent_node_status", nodeHashId=node["nodeHashId"]
    )
    assert status["canUse"] is True
    detail = with_runner.call("GET", f"{AGENTS}/third_part_agent_node_detail", nodeName="local")
    assert (detail["parallelTaskCount"], detail["busyTaskSize"]) == ("2", 0)
    path = f"{AGENTS}/third_part_agent_node_detail"
    assert with_runner.call("GET", path, nodeName="other") is None
    assert with_runner.refused("GET", path) == (400, 400)


def test_environments(with_runner: Caller) -> None:
    """Names for machines that there are."""
    (node,) = with_runner.call("GET", f"{AGENTS}/third_part_agent_nodes")
    ident = node["nodeHashId"]
    body = {"name": "build farm", "envType": "BUILD", "nodeHashIds": [ident], "desc": "x"}

    env = with_runner.call("POST", ENVS, body)["hashId"]

    (shown,) = with_runner.call("GET", f"{ENVS}/list")
    assert (shown["name"], shown["nodeCount"], shown["envHashId"]) == ("build farm", 1, env)
    listed = f"{ENVS}/{env}/nodes_list"
    assert with_runner.call("GET", listed)["records"][0]["nodeHashId"] == ident
    assert with_runner.call("GET", listed, displayName="x")["count"] == 0
    with_runner.call("POST", _nodes("delete"), [ident], envHashId=env)
    assert with_runner.call("GET", listed)["count"] == 0
    with_runner.call("POST", _nodes("add"), [ident, ident], envHashId=env)
    assert with_runner.call("GET", f"{ENVS}/list", nodeHashId=ident)[0]["nodeCount"] == 1
    assert with_runner.call("GET", f"{ENVS}/list", envType="PROD") == []
    assert with_runner.refused("POST", _nodes("add"), ["no"], envHashId=env) == (404, 404)
    assert with_runner.refused("POST", ENVS, {**body, "nodeHashIds": ["no"]}) == (404, 404)
    assert with_runner.refused("POST", ENVS, body) == (409, 409)
    assert with_runner.refused("POST", ENVS, {"envType": "BUILD"}) == (400, 400)
    variables = {**body, "name": "y", "envVars": [{"name": "A", "value": "1"}]}
    assert with_runner.refused("POST", ENVS, variables) == (400, 2100015)
    with_runner.call("DELETE", ENVS, envHashId=env)
    assert with_runner.refused("GET", listed) == (404, 404)


def _nodes(verb: str) -> str:
    return f"environment/projects/{{p}}/env_{verb}_nodes"


def test_a_server_without_runners_has_no_machines(alice: Caller) -> None:
    """Nothing is made up."""
    assert alice.call("GET", f"{AGENTS}/third_part_agent_nodes") == []


# --- artifacts ------------------------------------------------------------------------------------


@pytest.fixture
def kept(alice: Caller) -> dict[str, Any]:
    """Keep a file as one of a build; return the ids and its path."""
    pipeline = alice.make_pipeline()
    build = alice.call("POST", "projects/{p}/build_start", pipelineId=pipeline)["id"]
    digest = hashlib.sha256(BYTES).hexdigest()
    server = alice.server
    place: Path = server.software.path_of(digest)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(BYTES)
    for attempt, path in ((1, "dist/app.bin"), (2, "dist/app.bin"), (1, "notes.txt")):
        artifact = Artifact(
            run=RunId(build),
            step=StepId("e-" + "1" * 32),
            attempt=attempt,
            run_attempt=1,
            path=path,
            size=len(BYTES) + attempt,
            digest=digest,
            created_at=server.clock.now(),
        )
        run_there(alice, server.store.add_artifacts([artifact]))
    return {"pipeline": pipeline, "build": build, "path": f"/{pipeline}/{build}/dist/app.bin"}


def run_there(alice: Caller, work: Any) -> Any:
    """Run something on the server's own loop."""
    assert alice.http.portal is not None

    async def act() -> Any:
        return await work

    return alice.http.portal.call(act)


def test_artifacts_of_a_build(alice: Caller, kept: dict[str, Any]) -> None:
    """Of each path the newest, with the path that downloads take."""
    page = alice.call("GET", "projects/{p}/artifactories/file_info", buildId=kept["build"])

    assert [row["name"] for row in page["records"]] == ["app.bin", "notes.txt"]
    first = page["records"][0]
    assert (first["fullPath"], first["size"]) == (kept["path"], len(BYTES) + 2)
    assert alice.refused(
        "GET", "projects/{p}/artifactories/file_info", buildId="b-" + "0" * 32
    ) == (404, 2101163)


def test_a_signed_link(alice: Caller, kept: dict[str, Any]) -> None:
    """It is its own credential, for a while, for one file."""
    url = alice.call("GET", URL, artifactoryType="PIPELINE", path=kept["path"])["url"]
    place = urlsplit(url).path

    got = alice.http.get(place)
    assert (got.status_code, got.content) == (200, BYTES)
    assert got.headers["content-disposition"] == 'attachment; filename="app.bin"'
    part = alice.http.get(place, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, BYTES[:4])
    for broken in (place[:-2] + "AA", place[:-10], "/api/v1/downloads/x", place + "A"):
        assert alice.http.get(broken).status_code == 401

    alice.server.clock.advance(31 * 60)
    assert alice.http.get(place).status_code == 401


def test_a_link_ends_with_the_right(alice: Caller, kept: dict[str, Any]) -> None:
    """Who may not download any more gets nothing by an old link."""
    store, project = alice.server.store, ProjectId(alice.project)
    now = alice.server.clock.now()
    run_there(alice, store.put_user(User(name=UserName("dan"), created_at=now)))
    member = Member(project=project, user=UserName("dan"), role=Role.VIEWER)
    run_there(alice, store.put_member(member))
    made = alice.http.post(
        "/api/v1/tokens", json={"name": "t", "user": "dan"}, headers={"X-DEVOPS-UID": "admin"}
    )
    dan = alice.acting_as("", token=made.json()["token"])
    url = dan.call("GET", URL, artifactoryType="PIPELINE", path=kept["path"])["url"]
    assert alice.http.get(urlsplit(url).path).content == BYTES

    run_there(alice, store.drop_member(project, UserName("dan")))

    assert alice.http.get(urlsplit(url).path).status_code == 403
    assert dan.refused("GET", URL, artifactoryType="PIPELINE", path=kept["path"]) == (403, 403)


def test_links_that_are_refused(alice: Caller, kept: dict[str, Any]) -> None:
    """Files that are not there, other stores, other projects."""
    missing = kept["path"].replace("app.bin", "none.bin")
    for kind, path, wanted in (
        ("PIPELINE", missing, 404),
        ("CUSTOM_DIR", kept["path"], 404),
        ("COLOUR", kept["path"], 400),
        ("PIPELINE", "/somewhere/else", 400),
    ):
        assert alice.refused("GET", URL, artifactoryType=kind, path=path)[0] == wanted
    other = Caller(alice.http, alice.server, "alice", "default")
    assert other.refused("GET", URL, artifactoryType="PIPELINE", path=kept["path"])[0] == 404
