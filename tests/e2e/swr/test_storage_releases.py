"""A disk that takes nothing any more while releases, packages and webhooks are under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.definitions import build, definition, release_only, triggers, webhook
from e2e.swr.scenario import (
    ACCEPTED,
    SERVER_ERROR,
    Pipeline,
    assert_empty_object,
    new_name,
    wait_ran,
)
from e2e.swr.test_packages import files_path, upload
from e2e.swr.test_storage import NO_START, full_disk
from mulligan.testing.server import poll_until, processes_carrying

if TYPE_CHECKING:
    from e2e.swr.scenario import World
    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

pytestmark = pytest.mark.slow

CONTENT = b"\0" * 200_000


@pytest.fixture
def release(own_world: World, target: Target) -> Pipeline:
    """Give a pipeline that only deploys, with v1 and v2."""
    pipeline = Pipeline(own_world.login("dev1"), release_only(target, status=target.exact_status()))
    for version in ("v1", "v2"):
        pipeline.run("success", VERSION=version)
    return pipeline


@pytest.mark.parametrize("act", ["deploy", "rollback"])
def test_act_that_ends_on_a_full_disk(
    own_world: World, release: Pipeline, target: Target, act: str
) -> None:
    """The end of an act is stored when there is space again; nothing is done twice for that."""
    target.set(f"{act}.hold")
    if act == "deploy":
        release.start(VERSION="v3")
    else:
        assert_empty_object(release.rollback(0))
    cut = target.wait_act(act, 3 if act == "deploy" else 1)

    with full_disk(own_world.server.pid):
        target.clear(f"{act}.hold")
        poll_until(lambda: not processes_carrying(cut.deployment), what=f"{act} has ended")
        between = release.status()["status"]

    assert between == ("running" if act == "deploy" else "rollbacking")
    release.settle("success" if act == "deploy" else "rollback_success")
    assert target.live == ("v3" if act == "deploy" else "v1")
    assert len({run.deployment for run in target.acts()}) == 3
    assert len(target.acts()) == 3
    release.run("success", VERSION="v4")
    release.roll_back()
    assert target.live == ("v3" if act == "deploy" else "v1")


def test_rollback_of_a_chosen_job_on_a_full_disk(
    own_world: World, release: Pipeline, target: Target
) -> None:
    """Refused rollbacks hold no environment: the next deployment and rollback go through."""
    first = release.jobs(0)[-1]["id"]

    with full_disk(own_world.server.pid):
        refused = [
            release.rollback(0),
            release.rollback(0, f"rollback::true|job_id::{first}"),
            release.try_start({"VERSION": "v3"}),
        ]

    assert [answer.http for answer in refused] == [SERVER_ERROR] * 3
    assert [len(target.acts("deploy")), len(target.acts("rollback"))] == [2, 0]
    release.run("success", VERSION="v4")
    assert_empty_object(release.rollback(0, f"rollback::true|job_id::{first}"))
    release.settle("rollback_success")
    assert target.live == "v1"


def test_upload_on_a_full_disk(own_world: World) -> None:
    """A file that can't be stored is refused by 500; what was there stays, and it works later."""
    client = own_world.login("dev1")
    name = new_name("tool")
    upload(client, name, "/a.bin", b"old")

    with full_disk(own_world.server.pid):
        refused = [upload(client, name, f"/{file}.bin", CONTENT) for file in ("a", "b")]
        between = client.raw("GET", files_path(name, "/a.bin"))
    listed = [entry["filename"] for entry in client.get(files_path(name)).json]
    again = upload(client, name, "/b.bin", CONTENT)

    assert [answer.error[0] for answer in refused] == [SERVER_ERROR] * 2
    assert between.content == b"old"
    assert listed == ["a.bin"]
    assert again.http == 201
    assert client.raw("GET", files_path(name, "/b.bin")).content == CONTENT
    assert list((own_world.server.data / "artifacts").glob(".partial*")) == []


def test_latches_on_a_full_disk(own_world: World, bench: Workbench) -> None:
    """A webhook of an `and` that can't be stored doesn't count."""
    given = definition(
        [build("one", bench.script("one"))],
        pre_operation=triggers("and", webhook(), webhook()),
    )
    pipeline = Pipeline(own_world.login("dev1"), given)

    with full_disk(own_world.server.pid):
        refused = pipeline.fire(0)
    second = pipeline.fire(1)

    assert refused.error == NO_START
    assert second.http == ACCEPTED
    assert pipeline.jobs(0) == []
    assert_empty_object(pipeline.fire(0))
    pipeline.settle("success")
    assert bench.ran("one") == 1


def test_webhook_of_a_stage_on_a_full_disk(own_world: World, bench: Workbench) -> None:
    """A webhook that a stage waits for and that can't be stored doesn't let it begin."""
    waiting = build("two", bench.script("two"), pre_operation=triggers("or", webhook()))
    pipeline = Pipeline(
        own_world.login("dev1"), definition([build("one", bench.script("one")), waiting])
    )
    pipeline.start()
    wait_ran(bench, "one")
    poll_until(lambda: pipeline.stage(0)["status"] == "success", what="stage 0 ended")

    with full_disk(own_world.server.pid):
        refused = pipeline.fire_stage(1)

    assert refused.error[0] == SERVER_ERROR
    assert bench.ran("two") == 0
    assert_empty_object(pipeline.fire_stage(1))
    pipeline.settle("success")
    assert bench.counts("one", "two") == [1, 1]
