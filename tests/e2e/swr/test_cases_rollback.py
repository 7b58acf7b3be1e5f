"""Cases 24 to 29 of the thirty: rollback of official and grey releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.swr.definitions import gray_release, release_only, shop
from e2e.swr.scenario import (
    BUSY,
    INVALID,
    NO_TARGET,
    NOT_STOPPABLE,
    SERVER_ERROR,
    UNKNOWN,
    ZERO_TIME,
    Pipeline,
    assert_empty_object,
    results,
)

if TYPE_CHECKING:
    from e2e.swr.client import SwrClient
    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench


@pytest.fixture
def release(dev1: SwrClient, target: Target) -> Pipeline:
    """Give a pipeline that only deploys, with v1 and then v2 deployed."""
    pipeline = Pipeline(dev1, release_only(target))
    for version in ("v1", "v2"):
        pipeline.run("success", VERSION=version)
    return pipeline


def test_24_rollback(release: Pipeline, target: Target) -> None:
    """A rollback restores v1 by a job of its own; it can't be stopped, nor doubled."""
    first = release.jobs(0)[-1]
    target.set("rollback.hold")

    answer = release.rollback(0)

    assert_empty_object(answer)
    target.wait_act("rollback")
    during = release.status()
    assert (during["status"], during["stage_index"]) == ("rollbacking", 0)
    assert during["stages"][0]["status"] == "rollbacking"
    assert during["end_time"] == ZERO_TIME
    assert target.live == "v2"
    busy = [release.stop(), release.rollback(0), release.retry(0), release.try_start()]
    assert [each.error for each in busy] == [NOT_STOPPABLE, BUSY, BUSY, BUSY]
    assert [release.update().error, release.delete().error] == [
        BUSY,
        (SERVER_ERROR, "SWR.5001140"),
    ]
    assert [job["state"] for job in release.jobs(0)] == ["Building", "Successful", "Successful"]
    target.clear("rollback.hold")
    after = release.settle("rollback_success")
    assert after["stages"][0]["status"] == "rollback_success"
    assert after["end_time"] > after["start_time"]
    assert target.live == "v1"
    job = release.jobs(0)[0]
    assert (job["mode"], job["target_job_id"]) == ("rollback", first["id"])
    assert job["state"] == "Successful"


def test_24_what_the_texts_are_told(release: Pipeline, target: Target) -> None:
    """Deploy and rollback know their action, image, the image before, and an id of the act."""
    release.roll_back()

    acts = target.acts()

    assert [(act.text, act.action) for act in acts] == [
        ("deploy", "deploy"),
        ("deploy", "deploy"),
        ("rollback", "rollback"),
    ]
    assert [act.version for act in acts] == ["v1", "v2", "v1"]
    assert [act.previous for act in acts] == ["", "v1", "v2"]
    assert len({act.deployment for act in acts} - {""}) == 3


def test_24_retry_after_rollback_deploys_the_new_version(release: Pipeline, target: Target) -> None:
    """After a rollback a retry of the stage deploys the new version again."""
    release.roll_back()

    answer = release.retry(0)

    assert_empty_object(answer)
    release.settle("success")
    assert target.live == "v2"
    assert len(release.jobs(0)) == 4


def test_24_rollback_without_rollback_text(dev1: SwrClient, target: Target) -> None:
    """Without a text `rollback` the text `deploy` of the target release is called."""
    pipeline = Pipeline(dev1, release_only(target, rollback=None))
    for version in ("v1", "v2"):
        pipeline.run("success", VERSION=version)

    pipeline.roll_back()

    assert target.live == "v1"
    assert [act.version for act in target.acts("deploy")] == ["v1", "v2", "v1"]


def test_25_undo_chain(release: Pipeline, target: Target) -> None:
    """Rollbacks go back one version each; a new deployment follows what is live then."""
    release.run("success", VERSION="v3")
    seen = []

    for _ in range(2):
        release.roll_back()
        seen.append(target.live)
    at_the_end = release.rollback(0)
    release.run("success", VERSION="v4")
    seen.append(target.live)
    release.roll_back()
    seen.append(target.live)

    assert seen == ["v2", "v1", "v4", "v1"]
    assert at_the_end.error == NO_TARGET


def test_25_chosen_version(release: Pipeline, target: Target) -> None:
    """A job id chooses a version; live ones, rollbacks and unknown jobs are refused."""
    release.run("success", VERSION="v3")
    third, _, first = (job["id"] for job in release.jobs(0))

    answer = release.rollback(0, f"rollback::true|job_id::{first}")

    assert_empty_object(answer)
    release.settle("rollback_success")
    assert target.live == "v1"
    undo = release.jobs(0)[0]
    assert undo["target_job_id"] == first
    refused = [
        release.rollback(0, f"rollback::true|job_id::{first}"),
        release.rollback(0, f"rollback::true|job_id::{undo['id']}"),
        release.rollback(0, "rollback::true|job_id::99999999"),
    ]
    assert [each.error for each in refused] == [NO_TARGET, NO_TARGET, UNKNOWN]
    assert_empty_object(release.rollback(0, f"rollback::true|job_id::{third}"))
    release.settle("rollback_success")
    assert target.live == "v3"


@pytest.mark.parametrize("source", [None, "", "rollback::false", "rollback:true", "true"])
def test_26_wrong_source(release: Pipeline, target: Target, source: str | None) -> None:
    """Without the exact source a rollback is refused and nothing happens."""
    answer = release.rollback(0, source)

    assert answer.error == INVALID
    assert (release.status()["status"], target.live) == ("success", "v2")
    assert len(release.jobs(0)) == 2


def test_26_build_stage(dev1: SwrClient, bench: Workbench, target: Target, repository: str) -> None:
    """Only deploy stages can be rolled back."""
    pipeline = Pipeline(dev1, shop(bench, target, repository))
    pipeline.run("success")

    answers = [pipeline.rollback(index) for index in range(3)]

    assert [answer.error for answer in answers] == [INVALID] * 3


def test_26_first_deployment(dev1: SwrClient, target: Target) -> None:
    """After the first deployment of a new workload there is nothing to go back to."""
    pipeline = Pipeline(dev1, release_only(target))
    never = pipeline.rollback(0)
    pipeline.run("success", VERSION="v1")

    answer = pipeline.rollback(0)

    assert never.error == INVALID  # waiting, and no live record
    assert answer.error == NO_TARGET
    assert target.live == "v1"


def test_26_failed_deployment_is_no_version(release: Pipeline, target: Target) -> None:
    """After a failed deployment the rollback applies what is live again, then goes back."""
    target.set("deploy.broken")
    release.run("stage_exception", VERSION="v3")
    second = release.jobs(0)[1]

    release.roll_back()

    assert target.live == "v2"
    assert [act.version for act in target.acts("rollback")] == ["v2"]
    assert release.jobs(0)[0]["target_job_id"] == second["id"]
    release.roll_back()
    assert target.live == "v1"


@pytest.fixture
def gray_pipeline(dev1: SwrClient, target: Target) -> Pipeline:
    """Give a canary pipeline whose workload runs v1 by another pipeline, and that asks for v2."""
    return started_gray(dev1, target)


def started_gray(
    dev1: SwrClient, target: Target, strategy: str = "canary", mode: str = "service"
) -> Pipeline:
    """Deploy v1, then make and start a grey release of v2 and wait for its review."""
    Pipeline(dev1, release_only(target)).run("success", VERSION="v1")
    pipeline = Pipeline(dev1, gray_release(target, strategy, mode))
    pipeline.start(VERSION="v2")
    pipeline.wait_asking(1)
    return pipeline


def test_27_rollback_of_the_gray_stage(gray_pipeline: Pipeline, target: Target) -> None:
    """A grey release that is refused goes back to what was before; the review is closed."""
    assert (target.live, target.gray) == ("v1", "v2")

    answer = gray_pipeline.rollback(0)

    assert_empty_object(answer)
    status = gray_pipeline.settle("rollback_success")
    assert status["stage_index"] == 0
    statuses = [stage["status"] for stage in status["stages"]]
    assert statuses == ["rollback_success", "cancel", "waiting"]
    assert (target.live, target.gray) == ("v1", "")
    assert results(status["stages"][1]) == {"dev1": "waiting"}
    refused = [gray_pipeline.vote(1, "pass"), gray_pipeline.retry(1)]
    assert [each.error for each in refused] == [INVALID, INVALID]


def test_27_retry_of_the_gray_stage(gray_pipeline: Pipeline, target: Target) -> None:
    """After the rollback a retry releases the grey version again and asks again."""
    gray_pipeline.rollback(0)
    gray_pipeline.settle("rollback_success")

    answer = gray_pipeline.retry(0)

    assert_empty_object(answer)
    stage = gray_pipeline.wait_asking(1)
    assert results(stage) == {"dev1": "waiting"}
    assert (target.live, target.gray) == ("v1", "v2")
    assert_empty_object(gray_pipeline.vote(1, "pass"))
    gray_pipeline.settle("success")
    assert (target.live, target.gray) == ("v2", "")


def test_27_second_rollback_of_the_gray_stage(gray_pipeline: Pipeline) -> None:
    """A grey release that was rolled back already has no target."""
    gray_pipeline.roll_back(0)

    answer = gray_pipeline.rollback(0)

    assert answer.error == NO_TARGET


def test_27_gray_needs_a_live_release(dev1: SwrClient, target: Target) -> None:
    """A grey release of a workload that does not exist fails."""
    pipeline = Pipeline(dev1, gray_release(target))

    status = pipeline.run("stage_exception", VERSION="v1")

    assert status["stage_index"] == 0
    assert (target.live, target.gray) == ("", "")


def test_28_promoted_canary(gray_pipeline: Pipeline, target: Target) -> None:
    """After promotion the grey stage stays, the official one goes back to the stable version."""
    gray_pipeline.vote(1, "pass")
    gray_pipeline.settle("success")
    promoted = (target.live, target.gray)

    refused = gray_pipeline.rollback(0)
    answer = gray_pipeline.rollback(2)

    assert promoted == ("v2", "")
    assert refused.error == INVALID
    assert_empty_object(answer)
    gray_pipeline.settle("rollback_success")
    assert target.live == "v1"


@pytest.mark.parametrize(
    ("strategy", "mode"), [("canary", "istio"), ("blue_green", "service")], ids=["istio", "blue"]
)
def test_28_promoted_without_way_back(
    dev1: SwrClient, target: Target, strategy: str, mode: str
) -> None:
    """With Istio or blue-green neither stage can be rolled back after promotion."""
    pipeline = started_gray(dev1, target, strategy, mode)
    pipeline.vote(1, "pass")
    pipeline.settle("success")

    answers = [pipeline.rollback(0), pipeline.rollback(2)]

    assert [answer.error for answer in answers] == [INVALID, INVALID]
    assert target.live == "v2"


def test_28_chosen_version_with_a_gray_stage(gray_pipeline: Pipeline) -> None:
    """Where there is a grey stage no version can be chosen."""
    gray_pipeline.vote(1, "pass")
    gray_pipeline.settle("success")
    job = gray_pipeline.jobs(2)[0]["id"]

    answer = gray_pipeline.rollback(2, f"rollback::true|job_id::{job}")

    assert answer.error in {INVALID, NO_TARGET}  # 5.7 and 5.5 of the specification differ
    assert gray_pipeline.status()["status"] == "success"


@pytest.mark.parametrize(
    ("flag", "outcome"),
    [
        ("unhealthy", "rollback_failed"),
        ("rollback.broken", "rollback_failed"),
        ("rollback.unreachable", "rollback_exception"),
    ],
)
def test_29_restore_that_fails(release: Pipeline, target: Target, flag: str, outcome: str) -> None:
    """A restore that fails shows only in the status; the next one has the same target."""
    first = release.jobs(0)[-1]["id"]
    target.set(flag)

    answer = release.rollback(0)

    assert_empty_object(answer)
    status = release.settle(outcome)
    assert status["stages"][0]["status"] == outcome
    assert status["end_time"] > status["start_time"]
    assert release.jobs(0)[0]["state"] == "Failed"
    target.clear(flag)
    assert_empty_object(release.rollback(0))
    release.settle("rollback_success")
    assert [job["target_job_id"] for job in release.jobs(0)[:2]] == [first, first]
    assert target.live == "v1"


@pytest.mark.parametrize(
    ("flag", "outcome"),
    [
        ("unhealthy", "stage_exception"),
        ("deploy.broken", "stage_exception"),
        ("deploy.unreachable", "runtime_exception"),
    ],
)
def test_29_deployment_that_fails(
    release: Pipeline, target: Target, flag: str, outcome: str
) -> None:
    """A deployment that fails is held with its kind of failure and can be retried."""
    target.set(flag)

    status = release.run(outcome, VERSION="v3")

    assert (status["end_time"], status["stage_index"]) == (ZERO_TIME, 0)
    target.clear(flag)
    assert_empty_object(release.retry(0))
    release.settle("success")
    assert target.live == "v3"
