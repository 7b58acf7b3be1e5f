"""Runners that vanish: what becomes of the work that they had (contract-ops.md, rule 4)."""

from __future__ import annotations

from typing import Any

import pytest
from core_specs import (
    broken,
    job,
    last,
    one_job,
    pipeline,
    stage,
    starts,
    step,
    step_words,
    word,
)
from core_world import World

from mulligan.core.cause import Cause
from mulligan.core.errors import StaleFenceError
from mulligan.core.flow import steps
from mulligan.core.ids import JobId, StepId
from mulligan.core.run import RunSettings
from mulligan.core.spec import OnFailure
from mulligan.core.status import Status

A = StepId("a")


def test_a_lost_step_gets_an_attempt_of_its_own() -> None:
    """The job is offered again; the lost attempt stays on record as lost."""
    world = World(one_job("a", "b"))
    world.claim("1")

    world.lose("1")

    rows = [row for row in world.decisions[-1].steps if row.id == "a"]
    assert [(row.attempt, word(row)) for row in rows] == [(1, "failed:lost"), (2, "queued")]
    assert (world.offered(), world.run.job(JobId("1")).runner) == (["1"], None)
    world.finish()
    assert (word(world.run), starts(world, "a", "b")) == ("succeeded", [2, 1])


def test_finished_steps_of_the_job_do_not_run_again() -> None:
    """The next runner begins where the last one was."""
    world = World(one_job("a", "b"))
    world.claim("1")
    world.report("1")

    world.lose("1")

    assert world.claim("1") == "b"
    assert world.run.job(JobId("1")).attempt == 1


def test_the_report_of_the_lost_runner_bounces() -> None:
    """It comes too late for the job that the next runner holds."""
    world = World(one_job("a", "b"))
    world.claim("1")
    old = world.held[JobId("1")]
    world.lose("1")
    world.claim("1")

    world.report_stale(old)

    assert word(world.run.step(A)) == "running"


def test_a_step_is_lost_at_most_as_often_as_the_budget_says() -> None:
    """Three new attempts, then the step has failed; that can be retried like any failure."""
    world = World(one_job("a"))
    for _ in range(4):
        world.claim("1")
        world.lose("1")

    assert (word(world.run), step_words(world.run, "a")) == ("failed:lost", ["failed:lost"])
    assert starts(world, "a") == [4]
    world.retry("a")
    assert world.run.step(A).lost == 0
    assert word(world.finish()) == "succeeded"


def test_only_losses_in_a_row_count() -> None:
    """A try that came to an end begins the count anew."""
    world = World(one_job(step("a", auto_retries=1)), broken("a"))
    world.claim("1")
    world.lose("1")
    world.claim("1")

    world.report("1")

    assert (world.run.step(A).lost, world.run.step(A).auto_retries) == (0, 1)


@pytest.mark.parametrize("by", ["setting", "step", "budget"])
def test_a_lost_step_fails_where_it_must_not_be_repeated(by: str) -> None:
    """By the setting of the run, the step's own rule, or because no attempt is left."""
    settings = RunSettings(
        on_lost="fail" if by == "setting" else "rerun", lost_budget=0 if by == "budget" else 3
    )
    inputs = {"on_lost": "fail"} if by == "step" else {}
    world = World(one_job(step("a", inputs=inputs), "b"), settings=settings)
    world.claim("1")

    world.lose("1")

    assert step_words(world.run, "a", "b") == ["failed:lost", "skipped:unreached"]
    assert (word(world.run), world.run.step(A).error_code) == ("failed:lost", 2199502)


def test_steps_after_a_lost_one_run_by_their_conditions() -> None:
    """A lost step is a failure: its job goes on with what runs after one."""
    spec = one_job("a", step("b", "failure"))
    world = World(spec, settings=RunSettings(on_lost="fail"))
    world.claim("1")

    world.lose("1")

    assert world.offered() == ["1"]
    assert step_words(world.finish(), "a", "b") == ["failed:lost", "succeeded"]


def test_a_pause_after_a_lost_step_parks_the_job() -> None:
    """The job waits for a person without a runner having told it so."""
    spec = one_job(step("a", on_failure=OnFailure.CONTINUE), step("p", pause_before=True))
    world = World(spec, settings=RunSettings(on_lost="fail"))
    world.claim("1")

    world.lose("1")

    assert (world.open_gates(), world.run.job(JobId("1")).parked) == (["p"], True)
    assert word(world.finish()) == "succeeded"


def test_a_lost_step_of_a_cancelled_stage_is_cancelled() -> None:
    """Its runner was asked to end it anyway."""
    world = World(one_job("a", step("z", "always")))
    world.claim("1")
    world.stop()

    world.lose("1")

    assert (step_words(world.run, "a"), world.offered()) == (["cancelled"], ["1"])
    assert word(world.finish()) == "cancelled"


def test_the_finally_stage_of_a_cancelled_run_gets_its_step_back() -> None:
    """The cancel belongs to an earlier stage: what is lost in the last one is tried again."""
    world = World(pipeline(stage(2, job(1, "a")), last(3, job(2, "z"))))
    world.claim("1")
    world.stop()
    world.report("1")
    world.claim("2")

    world.lose("2")

    assert (step_words(world.run, "z"), world.offered()) == (["queued"], ["2"])
    assert step_words(world.finish(), "z") == ["succeeded"]


def test_a_lost_step_of_a_job_that_is_to_stop_is_not_tried_again() -> None:
    """The time of the job was over: it ends with that cause, and the step shows its loss."""
    world = World(one_job("a", "b"))
    world.claim("1")
    world.time_out_job("1")

    world.lose("1")

    assert step_words(world.run, "a", "b") == ["failed:lost", "skipped:unreached"]
    assert (word(world.run), world.run.head.failed_steps) == ("failed:job_timeout", (A,))


def test_losing_what_nobody_holds_changes_nothing() -> None:
    """A job that is offered, parked or over can't be lost."""
    world = World(pipeline(stage(2, job(1, "a"), job(2, step("p", pause_before=True)))))
    world.claim("2")
    before = world.run

    for number in ("1", "2"):
        draft = world.draft()
        steps.lose_job(draft, JobId(number))
        assert not draft.has_events

    assert world.run is before


# --- reports that come late -------------------------------------------------------------------


def test_a_report_found_after_the_end_of_its_runner_is_taken() -> None:
    """The result counts; what is next is offered to another runner."""
    world = World(one_job("a", "b"))
    world.claim("1")

    world.report("1", runner_gone=True)

    assert (step_words(world.run, "a", "b"), world.offered()) == (["succeeded", "queued"], ["1"])
    world.finish()
    assert starts(world, "a", "b") == [1, 1]


@pytest.mark.parametrize(
    "changes",
    [{"fence": 0}, {"fence": 2}, {"attempt": 2}, {"step": StepId("b")}, {"job": JobId("2")}],
)
def test_a_report_that_does_not_fit_bounces(changes: dict[str, Any]) -> None:
    """Fence, attempt, step and job must be those that were handed out."""
    world = World(pipeline(stage(2, job(1, "a"), job(2, "b"))))
    world.claim("1")
    world.claim("2")
    before = world.run

    with pytest.raises(StaleFenceError):
        world.report("1", **changes)

    assert world.run is before


def test_a_report_from_before_the_pause_bounces() -> None:
    """A parked job is nobody's."""
    world = World(one_job("a", step("p", pause_before=True)))
    world.claim("1")
    old = world.held[JobId("1")]
    world.report("1")

    world.report_stale(old)

    assert world.open_gates() == ["p"]


def test_a_report_of_an_earlier_attempt_never_touches_the_next() -> None:
    """After a retry the runner of attempt 1 has nothing to say any more."""
    world = World(one_job("a"), broken(a=1))
    world.claim("1")
    old = world.held[JobId("1")]
    world.report("1")
    world.retry("a")
    world.claim("1")

    world.report_stale(old)

    assert word(world.run.step(A)) == "running"


def test_only_the_holder_may_say_that_the_time_is_over() -> None:
    """The fence is looked at there, too."""
    world = World(one_job("a"))
    world.claim("1")
    draft = world.draft()

    with pytest.raises(StaleFenceError, match="does not hold"):
        steps.stop_job(draft, JobId("1"), 7, Cause.JOB_TIMEOUT)

    assert not draft.has_events
    assert world.report("1", status=Status.SUCCEEDED) is None


def test_every_claim_has_a_higher_fence() -> None:
    """Over lost runners, pauses and retries alike."""
    world = World(one_job(step("a", pause_before=True)), broken(a=1))
    fences = []
    for act in (lambda: world.vote("a"), lambda: world.lose("1"), lambda: world.report("1")):
        world.claim("1")
        fences.append(world.run.job(JobId("1")).fence)
        act()
    world.retry("")
    world.claim("1")

    fences.append(world.run.job(JobId("1")).fence)

    assert fences == [1, 2, 3, 4]
