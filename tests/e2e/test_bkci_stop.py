"""Stopping a build: once, twice, and while it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.scenario import BAD_REQUEST, OK, Scenario, assert_refused
from mulligan.testing.models import (
    finally_stage,
    job,
    pipeline,
    retry_model,
    stage,
    step,
)

if TYPE_CHECKING:
    from mulligan.testing.bkci import BkciClient, Json
    from mulligan.testing.models import Workbench


@pytest.fixture
def demo(client: BkciClient, bench: Workbench) -> Scenario:
    """Give the shared pipeline in a project of its own."""
    return Scenario(client, bench, retry_model(bench))


def test_stop_of_a_running_build(demo: Scenario) -> None:
    """A stop cancels what runs, starts nothing more but the finally stage, and is then over."""
    demo.bench.hold("e12")
    build = demo.start()
    build.wait_ran("e12")
    build.wait_job("2", "SUCCEED")

    http, body = build.stop()
    view = build.wait()
    again = build.stop()

    assert (http, body["data"]) == (OK, True)
    assert (view.status, view.data["cancelUserId"]) == ("CANCELED", "alice")
    assert view.statuses("e11", "e12") == ["SUCCEED", "CANCELED"]
    assert view.stage_statuses() == ["CANCELED", "UNEXEC", "SUCCEED"]
    assert demo.bench.counts("e13", "e31", "e41") == [0, 0, 1]
    assert_refused(again, BAD_REQUEST, 2101182)


def stubborn_model(bench: Workbench) -> Json:
    """Return a pipeline whose step ignores the polite signal, and a finally stage."""
    first = step("stubborn", "trap '' TERM\n" + bench.script("stubborn"))
    return pipeline(
        "stubborn",
        [
            stage("build", [job("build", [first])]),
            finally_stage([job("clean", [step("clean", bench.script("clean"))])]),
        ],
    )


def test_second_stop_within_a_minute_is_refused(client: BkciClient, bench: Workbench) -> None:
    """While a cancel is under way a second one has to wait, and is told who came first."""
    scenario = Scenario(client, bench, stubborn_model(bench))
    bench.hold("stubborn")
    build = scenario.start()
    build.wait_ran("stubborn")

    first = build.stop()
    second = build.stop()
    bench.release("stubborn")
    build.wait()

    assert first[0] == OK
    assert_refused(second, BAD_REQUEST, 2101019, "alice")


def test_second_stop_after_a_minute_ends_at_once(own_client: BkciClient, bench: Workbench) -> None:
    """A second stop a minute later terminates the build without its finally stage."""
    scenario = Scenario(own_client, bench, stubborn_model(bench))
    bench.hold("stubborn")
    build = scenario.start()
    build.wait_ran("stubborn")
    first = build.stop()

    own_client.advance_clock(61)
    second = build.stop()

    view = build.wait()
    assert (first[0], second[0]) == (OK, OK)
    assert view.status == "TERMINATE"
    assert bench.ran("clean") == 0


def test_stop_of_a_queued_build(client: BkciClient, bench: Workbench) -> None:
    """A queued build that is stopped never runs, not even its finally stage."""
    scenario = Scenario(client, bench, retry_model(bench))
    client.change_setting(scenario.project, scenario.pipeline, runLockType="SINGLE")
    bench.hold("e11")
    running = scenario.start()
    running.wait_ran("e11")
    queued = scenario.start()
    before = queued.status()["status"]

    reply = queued.stop()
    view = queued.wait()
    bench.release("e11")

    assert before in {"QUEUE", "QUEUE_CACHE"}
    assert reply[0] == OK
    assert view.status == "CANCELED"
    assert running.wait().status == "SUCCEED"
    assert bench.counts("e11", "e41") == [1, 1]
