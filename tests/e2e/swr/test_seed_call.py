"""The published call "retry or roll back a stage" as its document writes it."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.client import CREATED
from e2e.swr.definitions import builds, release_only
from e2e.swr.scenario import BUSY, OK, Pipeline, assert_empty_object

if TYPE_CHECKING:
    from e2e.swr.client import Reply, SwrClient
    from e2e.swr.scenario import World
    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

SOURCES = ["rollback::true", "rollback%3A%3Atrue", "rollback%3a%3atrue"]


@pytest.fixture
def release(dev1: SwrClient, target: Target) -> Pipeline:
    """Give a pipeline that only deploys, with v1 and then v2 deployed."""
    return two_versions(dev1, target)


def two_versions(client: SwrClient, target: Target) -> Pipeline:
    """Deploy v1 and then v2."""
    pipeline = Pipeline(client, release_only(target))
    for version in ("v1", "v2"):
        pipeline.run("success", VERSION=version)
    return pipeline


def seed_target(pipeline: Pipeline, index: int, mode: str, source: str) -> str:
    """Return path and query of the document with every parameter filled in."""
    return f"/v3/manage/pipelines/{pipeline.id}/stages/{index}?mode={mode}&source={source}"


@pytest.mark.parametrize("source", SOURCES)
def test_seed_rollback(release: Pipeline, target: Target, source: str) -> None:
    """The call with mode=rollback is 201 `{}`; polling sees rollbacking, then rollback_success."""
    target.set("rollback.hold")

    answer = release.client.raw("POST", seed_target(release, 0, "rollback", source))

    assert_empty_object(answer)
    target.wait_act("rollback")
    assert release.status()["status"] == "rollbacking"
    target.clear("rollback.hold")
    assert release.settle("rollback_success")["stages"][0]["status"] == "rollback_success"
    assert target.live == "v1"


@pytest.mark.parametrize("source", ["", *SOURCES])
def test_seed_retry(dev1: SwrClient, bench: Workbench, source: str) -> None:
    """The call with mode=retry is 201 `{}`, whatever the source."""
    pipeline = Pipeline(dev1, builds(bench, "one", "two"))
    bench.break_steps("two")
    pipeline.run("stage_exception")
    bench.repair("two")

    answer = dev1.raw("POST", seed_target(pipeline, 1, "retry", source))

    assert_empty_object(answer)
    pipeline.settle("success")
    assert bench.counts("one", "two") == [1, 2]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_seed_call_by_curl(release: Pipeline, target: Target) -> None:
    """The call sent by curl with nothing but the token of the document."""
    address = release.client.url + seed_target(release, 0, "rollback", "rollback::true")
    token = release.client.headers["X-Auth-Token"]

    command = ["curl", "-s", "-w", "\n%{http_code}", "-X", "POST", address]
    done = subprocess.run(
        [*command, "-H", f"X-Auth-Token: {token}"], capture_output=True, check=True, timeout=60
    )

    body, _, code = done.stdout.decode().rpartition("\n")
    assert (int(code), json.loads(body)) == (CREATED, {})
    release.settle("rollback_success")
    assert target.live == "v1"


def test_seed_call_ignores_a_body(release: Pipeline, target: Target) -> None:
    """Only query parameters count."""
    body = {"mode": "retry", "source": "rollback::false"}

    answer = release.client.post(seed_target(release, 0, "rollback", "rollback::true"), body)

    assert_empty_object(answer)
    release.settle("rollback_success")
    assert target.live == "v1"


def test_seed_call_with_a_bearer_token(release: Pipeline, target: Target) -> None:
    """`Authorization: Bearer` is a synonym of the token header."""
    token = release.client.headers["X-Auth-Token"]
    headers = {"X-Auth-Token": "", "Authorization": f"Bearer {token}"}

    answer = release.client.raw(
        "POST", seed_target(release, 0, "rollback", "rollback::true"), None, headers
    )

    assert_empty_object(answer)
    release.settle("rollback_success")
    assert target.live == "v1"


def test_seed_call_repeated_with_its_key(release: Pipeline, target: Target) -> None:
    """The same call with the same Idempotency-Key gets the first answer and does nothing."""
    call = seed_target(release, 0, "rollback", "rollback::true")
    headers = {"Idempotency-Key": uuid.uuid4().hex}

    first = release.client.raw("POST", call, None, headers)
    release.settle("rollback_success")
    again = release.client.raw("POST", call, None, headers)

    assert_empty_object(first)
    assert_empty_object(again)
    assert again.headers["idempotency-replayed"] == "true"
    assert release.status()["status"] == "rollback_success"
    assert len(target.acts("rollback")) == 1


def test_two_rollbacks_at_once(world: World, target: Target) -> None:
    """Of two rollbacks at one moment one is taken, the other 409; one deployment is recorded."""
    project = world.account(f"p{uuid.uuid4().hex[:10]}")
    pipeline = two_versions(world.login("dev1", project), target)
    [before] = deployments(world, project)
    target.set("rollback.hold")
    barrier = Barrier(2)

    def call() -> Reply:
        barrier.wait()
        return pipeline.rollback(0)

    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(call) for _ in range(2)]
        found = sorted((each.result() for each in calls), key=lambda answer: answer.http)

    assert_empty_object(found[0])
    assert found[1].error == BUSY
    target.clear("rollback.hold")
    pipeline.settle("rollback_success")
    [after] = deployments(world, project)
    assert (len(before), len(after)) == (2, 3)
    added = [each for each in after if each["id"] not in {old["id"] for old in before}]
    assert [each["kind"] for each in added] == ["rollback"]
    assert all(isinstance(each["status"], str) for each in after)
    assert len(target.acts("rollback")) == 1


def deployments(world: World, project: str) -> list[list[Json]]:
    """Return the deployments of each environment of an account."""
    base = f"/api/v1/projects/{project}/environments"
    environments = world.admin.get(base)
    assert environments.http == OK, environments
    found = []
    for environment in environments.json["items"]:
        answer = world.admin.get(f"{base}/{environment['id']}/deployments")
        assert answer.http == OK, answer
        found.append(list(answer.json["items"]))
    return found
