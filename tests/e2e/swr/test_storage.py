"""A disk that takes nothing any more: calls are refused, change nothing, and work again later."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.definitions import build, builds, definition, release_only, triggers
from e2e.swr.scenario import (
    SERVER_ERROR,
    Pipeline,
    assert_empty_object,
    new_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.swr.scenario import World
    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

pytestmark = pytest.mark.slow

NO_JOB = (SERVER_ERROR, "SWR.5001110")
NO_START = (SERVER_ERROR, "SWR.5001109")
NO_CREATE = (SERVER_ERROR, "SWR.5001099")
NO_UPDATE = (SERVER_ERROR, "SWR.5001100")
NO_GROUP = (SERVER_ERROR, "SWR.5007006")


@contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """Let every write of a process to a file fail, as on a full disk."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


def test_retry_on_a_full_disk(own_world: World, bench: Workbench) -> None:
    """A retry that can't be stored is 500 SWR.5001110 and leaves the run held."""
    pipeline = Pipeline(own_world.login("dev1"), builds(bench, "one"))
    bench.break_steps("one")
    before = pipeline.run("stage_exception")
    bench.repair("one")

    with full_disk(own_world.server.pid):
        refused = [pipeline.retry(0), pipeline.client.post(pipeline.stage_path(0), mode="retry")]
        between = pipeline.status()

    assert [answer.error for answer in refused] == [NO_JOB, NO_JOB]
    assert between == before
    assert len(pipeline.jobs(0)) == 1
    assert_empty_object(pipeline.retry(0))
    pipeline.settle("success")
    assert bench.ran("one") == 2


def test_rollback_on_a_full_disk(own_world: World, target: Target) -> None:
    """A rollback that can't be stored is 500 SWR.5001110 and leaves what is live."""
    pipeline = Pipeline(own_world.login("dev1"), release_only(target))
    for version in ("v1", "v2"):
        pipeline.run("success", VERSION=version)
    before = pipeline.status()

    with full_disk(own_world.server.pid):
        refused = pipeline.rollback(0)
        between = pipeline.status()

    assert refused.error == NO_JOB
    assert between == before
    assert target.acts("rollback") == []
    pipeline.roll_back()
    assert target.live == "v1"


def test_other_calls_on_a_full_disk(own_world: World, bench: Workbench) -> None:
    """Each call that can't be stored is 500 with its own code, and works again later."""
    client = own_world.login("dev1")
    pipeline = Pipeline(client, builds(bench, "one", pre_operation=triggers("or")))
    before = pipeline.detail()
    body = {**definition([build("a", "true")]), "name": new_name("late")}
    create = f"/v3/manage/pipelinegroups/{pipeline.group}/pipelines"

    with full_disk(own_world.server.pid):
        found = [
            pipeline.try_start(),
            pipeline.fire(),
            client.post(create, body),
            pipeline.update(description="new"),
            client.post("/v3/manage/pipelinegroups", {"group": new_name("late")}),
        ]
        removed = pipeline.delete()
        between = pipeline.detail()

    assert [answer.error for answer in found] == [
        NO_START,
        NO_START,
        NO_CREATE,
        NO_UPDATE,
        NO_GROUP,
    ]
    assert removed.error[0] == SERVER_ERROR
    assert between == before
    assert client.post(create, body).http == 201
    pipeline.run("success")
    assert bench.ran("one") == 1
