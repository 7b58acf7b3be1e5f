"""What else is written of rollbacks: when they are allowed, what they restore, what they leave."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.definitions import (
    build,
    definition,
    deploy,
    gray,
    release_only,
    review,
    triggers,
)
from e2e.swr.scenario import (
    BUSY,
    FOREIGN,
    INVALID,
    NO_TARGET,
    UNKNOWN,
    Pipeline,
    assert_empty_object,
    wait_ran,
)
from e2e.swr.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2e.swr.client import Reply, SwrClient
    from mulligan.testing.models import Workbench

Json = dict[str, Any]


def build_then_release(client: SwrClient, bench: Workbench, target: Target) -> Pipeline:
    """Make build, release and deploy v1 and v2 by it."""
    stages = [build("one", bench.script("one")), deploy(target.info())]
    pipeline = Pipeline(client, definition(stages, pre_operation=triggers("or")))
    for version in ("v1", "v2"):
        pipeline.run("success", VERSION=version)
    return pipeline


def test_stage_that_the_held_run_did_not_reach(
    dev1: SwrClient, bench: Workbench, target: Target
) -> None:
    """While a run is held before it a release can't be rolled back; after a stop it can."""
    pipeline = build_then_release(dev1, bench, target)
    bench.break_steps("one")
    pipeline.run("stage_exception", VERSION="v3")

    refused = pipeline.rollback(1)
    pipeline.stop()
    pipeline.settle("cancel")
    answer = pipeline.rollback(1)

    assert refused.error == INVALID
    assert_empty_object(answer)
    status = pipeline.settle("rollback_success")
    assert status["stages"][0]["status"] == "stage_exception"
    assert target.live == "v1"


def test_stage_that_the_running_run_did_not_reach(
    dev1: SwrClient, bench: Workbench, target: Target
) -> None:
    """While an earlier stage executes a rollback is 409."""
    pipeline = build_then_release(dev1, bench, target)
    bench.hold("one")
    pipeline.start(VERSION="v3")
    wait_ran(bench, "one", 3)

    answer = pipeline.rollback(1)

    assert answer.error == BUSY
    bench.release("one")
    pipeline.settle("success")
    assert target.live == "v3"


def test_rollback_ends_a_hold_behind_it(dev1: SwrClient, bench: Workbench, target: Target) -> None:
    """A release is rolled back while the run is held behind it: the hold is over then."""
    stages = [deploy(target.info()), build("smoke", bench.script("smoke"))]
    pipeline = Pipeline(dev1, definition(stages, pre_operation=triggers("or")))
    pipeline.run("success", VERSION="v1")
    bench.break_steps("smoke")
    pipeline.run("stage_exception", VERSION="v2")
    bench.repair("smoke")

    pipeline.roll_back(0)

    status = pipeline.status()
    assert [each["status"] for each in status["stages"]] == ["rollback_success", "stage_exception"]
    assert target.live == "v1"
    assert_empty_object(pipeline.fire())  # automatic triggers are allowed again
    pipeline.settle("success")


def test_retry_after_rollback_runs_what_follows(
    dev1: SwrClient, bench: Workbench, target: Target
) -> None:
    """A retry of the rolled-back stage deploys the new version and goes on with the rest."""
    stages = [deploy(target.info()), build("smoke", bench.script("smoke"))]
    pipeline = Pipeline(dev1, definition(stages))
    for version in ("v1", "v2"):
        pipeline.run("success", VERSION=version)
    variables = pipeline.variables()
    pipeline.roll_back(0)
    after_rollback = bench.ran("smoke")

    answer = pipeline.retry(0)

    assert_empty_object(answer)
    pipeline.settle("success")
    assert target.live == "v2"
    assert (after_rollback, bench.ran("smoke")) == (2, 3)
    assert pipeline.variables() == variables


def test_texts_of_the_restored_release_run(dev1: SwrClient, tmp_path: Path) -> None:
    """A rollback runs the texts that the restored release was deployed with."""
    first, second = Target(tmp_path / "first"), Target(tmp_path / "second")
    second.application = first.application
    pipeline = Pipeline(dev1, release_only(first))
    pipeline.run("success", VERSION="v1")
    [stage] = pipeline.detail()["stages"]
    stage["params"]["input_info"] = second.info()
    pipeline.update(stages=[stage])
    pipeline.run("success", VERSION="v2")

    pipeline.roll_back(0)

    assert [act.version for act in first.acts("rollback")] == ["v1"]
    assert second.acts("rollback") == []
    assert (first.live, second.live) == ("v1", "v2")


def test_record_of_another_workload_is_no_target(dev1: SwrClient, tmp_path: Path) -> None:
    """After the target of a stage was changed, what ran on the old one is no version of it."""
    old, new = Target(tmp_path / "old"), Target(tmp_path / "new")
    pipeline = Pipeline(dev1, release_only(old))
    for version in ("v1", "v2"):
        pipeline.run("success", VERSION=version)
    first = pipeline.jobs(0)[-1]["id"]
    [stage] = pipeline.detail()["stages"]
    stage["params"]["input_info"] = new.info()
    pipeline.update(stages=[stage])
    pipeline.run("success", VERSION="v3")

    refused = [pipeline.rollback(0), pipeline.rollback(0, f"rollback::true|job_id::{first}")]

    assert [answer.error for answer in refused] == [NO_TARGET, NO_TARGET]
    assert (old.live, new.live) == ("v2", "v3")


def test_failed_deployment_is_no_chosen_version(dev1: SwrClient, target: Target) -> None:
    """The job of a failed deployment can't be chosen, one of another stage is unknown."""
    pipeline = Pipeline(dev1, release_only(target))
    pipeline.run("success", VERSION="v1")
    target.set("deploy.broken")
    pipeline.run("stage_exception", VERSION="v2")
    failed = pipeline.jobs(0)[0]["id"]
    target.clear("deploy.broken")
    pipeline.run("success", VERSION="v3")
    other = Pipeline(dev1, release_only(target))
    other.run("success", VERSION="v4")
    foreign = other.jobs(0)[0]["id"]

    refused = [
        pipeline.rollback(0, f"rollback::true|job_id::{failed}"),
        pipeline.rollback(0, "rollback::true|job_id::x"),
        pipeline.rollback(0, "rollback::true|version::1"),
        pipeline.rollback(0, f"rollback::true|job_id::{foreign}"),
    ]

    assert refused[0].error == NO_TARGET
    assert [answer.error for answer in refused[1:3]] == [INVALID, INVALID]
    assert refused[3].error in {NO_TARGET, UNKNOWN}
    assert target.live == "v4"


def test_environment_without_a_name(dev1: SwrClient, tmp_path: Path) -> None:
    """Without `environment` the workload names it: same workload, same ledger."""
    target = Target(tmp_path / "plain", environment=None)
    first, second = (Pipeline(dev1, release_only(target)) for _ in range(2))
    first.run("success", VERSION="v1")
    second.run("success", VERSION="v2")

    second.roll_back()

    assert target.live == "v1"


def test_environments_of_two_accounts(dev1: SwrClient, eve: SwrClient, tmp_path: Path) -> None:
    """The same name in another account is another environment."""
    mine, theirs = Target(tmp_path / "mine"), Target(tmp_path / "theirs")
    theirs.application = mine.application
    ours, other = Pipeline(dev1, release_only(mine)), Pipeline(eve, release_only(theirs))
    ours.run("success", VERSION="v1")

    other.run("success", VERSION="v2")

    assert [act.previous for act in theirs.acts("deploy")] == [""]
    assert other.rollback(0).error == NO_TARGET
    assert ours.rollback(0, client=eve).error == FOREIGN


# --- grey releases ----------------------------------------------------------------------------


def test_gray_rollback_cancels_the_stage_between(
    dev1: SwrClient, bench: Workbench, target: Target
) -> None:
    """While a stage between grey and official release executes, the grey one is rolled back."""
    Pipeline(dev1, release_only(target)).run("success", VERSION="v1")
    stages = [
        gray(target.gray_info()),
        build("check", bench.script("check")),
        review("one", "dev1"),
        deploy("", tag=None),
    ]
    pipeline = Pipeline(dev1, definition(stages))
    bench.hold("check")
    pipeline.start(VERSION="v2")
    wait_ran(bench, "check")

    answer = pipeline.rollback(0)

    assert_empty_object(answer)
    pipeline.settle("rollback_success")
    statuses = pipeline.stage_statuses()
    assert statuses == ["rollback_success", "cancel", "waiting", "waiting"]
    assert pipeline.jobs(1)[0]["state"] == "Cancel"
    assert (target.live, target.gray) == ("v1", "")
    assert pipeline.retry(1).error == INVALID


def test_gray_rollback_while_the_promotion_executes(
    dev1: SwrClient, bench: Workbench, target: Target
) -> None:
    """From the official release on the grey stage can't be rolled back any more."""
    Pipeline(dev1, release_only(target)).run("success", VERSION="v1")
    stages = [gray(target.gray_info()), deploy("", tag=None)]
    target.set("deploy.hold")
    pipeline = Pipeline(dev1, definition(stages))
    pipeline.start(VERSION="v2")
    target.wait_act("deploy", 2)

    answer = pipeline.rollback(0)

    assert answer.error == BUSY
    target.clear("deploy.hold")
    pipeline.settle("success")
    assert (target.live, target.gray) == ("v2", "")


def test_failed_gray_release(dev1: SwrClient, target: Target) -> None:
    """A grey release that fails leaves the stable version alone and can be retried."""
    Pipeline(dev1, release_only(target)).run("success", VERSION="v1")
    pipeline = Pipeline(dev1, definition([gray(target.gray_info()), deploy("", tag=None)]))
    target.set("gray.broken")

    status = pipeline.run("stage_exception", VERSION="v2")

    assert status["stage_index"] == 0
    assert target.live == "v1"
    target.clear("gray.broken")
    assert_empty_object(pipeline.retry(0))
    pipeline.settle("success")
    assert (target.live, target.gray) == ("v2", "")


def test_gray_texts_are_told_their_action(dev1: SwrClient, target: Target) -> None:
    """The texts of a grey release are called with the actions `gray` and `abort`."""
    Pipeline(dev1, release_only(target)).run("success", VERSION="v1")
    stages = [gray(target.gray_info()), review("one", "dev1"), deploy("", tag=None)]
    pipeline = Pipeline(dev1, definition(stages))
    pipeline.start(VERSION="v2")
    pipeline.wait_asking(1)

    pipeline.roll_back(0)

    acts = target.acts("gray", "abort")
    assert [(act.action, act.text) for act in acts] == [("gray", "gray"), ("abort", "abort")]
    assert (acts[0].version, acts[0].previous) == ("v2", "v1")
    assert acts[0].deployment != acts[1].deployment


# --- races ------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", ["start", "retry", "delete"])
def test_rollback_against_another_call(dev1: SwrClient, target: Target, other: str) -> None:
    """Of a rollback and another act at one moment exactly one is taken."""
    pipeline = Pipeline(dev1, release_only(target))
    pipeline.run("success", VERSION="v1")
    target.set("deploy.broken")
    pipeline.run("stage_exception", VERSION="v2")
    target.clear("deploy.broken")
    target.set("deploy.hold", "rollback.hold")
    calls: dict[str, Callable[[], Reply]] = {
        "start": pipeline.try_start,
        "retry": lambda: pipeline.retry(0),
        "delete": pipeline.delete,
    }
    barrier = Barrier(2)

    def together(call: Callable[[], Reply]) -> int:
        barrier.wait()
        return call().http

    with ThreadPoolExecutor(2) as pool:
        futures = [
            pool.submit(together, call) for call in (lambda: pipeline.rollback(0), calls[other])
        ]
        found = [future.result() for future in futures]

    assert sum(http < 300 for http in found) == 1, found
    target.clear("deploy.hold", "rollback.hold")
    if found[0] < 300:
        pipeline.settle("rollback_success")
        assert target.live == "v1"
    elif other != "delete":
        pipeline.settle("success")


def test_rollback_after_the_stages_have_changed(
    dev1: SwrClient, bench: Workbench, target: Target
) -> None:
    """What is live can go back although no run has gone through the new stages yet."""
    pipeline = build_then_release(dev1, bench, target)
    before = pipeline.detail()["stages"]
    added = build("two", bench.script("two"))
    assert pipeline.update(stages=[before[0], added, before[1]]).http == 201
    assert pipeline.status()["status"] == "waiting"

    answer = pipeline.rollback(2)

    assert_empty_object(answer)
    status = pipeline.settle("rollback_success")
    assert [stage["status"] for stage in status["stages"]] == [
        "waiting",
        "waiting",
        "rollback_success",
    ]
    assert target.live == "v1"
    assert pipeline.jobs(2)[0]["mode"] == "rollback"
    assert pipeline.rollback(2).error == NO_TARGET
    assert bench.counts("one", "two") == [2, 0]
