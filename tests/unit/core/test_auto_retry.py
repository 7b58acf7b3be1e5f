"""Steps that are tried again without being asked for (spec/bkci-build-api.md §3.10)."""

from __future__ import annotations

import pytest
from core_specs import broken, job, one_job, pipeline, ran, stage, starts, step, step_words, word
from core_world import World

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.ids import JobId, StepId
from mulligan.core.spec import OnFailure
from mulligan.core.status import Status

A = StepId("a")


def test_the_budget_is_used_up_and_then_the_step_fails() -> None:
    """One try and as many again as the budget says, in the same attempt of run and job."""
    world = ran(one_job(step("a", auto_retries=5)), broken("a"))

    record = world.run.step(A)
    assert (starts(world, "a"), record.attempt, record.auto_retries) == ([6], 6, 5)
    assert (record.run_attempt, record.job_attempt, record.manual_retries) == (1, 1, 0)
    assert word(world.run) == "failed:user"


def test_a_success_ends_the_tries_and_renews_the_budget() -> None:
    """When a try succeeds the job goes on, and nothing is left of the failures."""
    world = ran(one_job(step("a", auto_retries=2), "b"), broken(a=2))

    assert (word(world.run), starts(world, "a", "b")) == ("succeeded", [3, 1])
    assert world.run.step(A).auto_retries == 0
    assert world.run.head.failed_steps == ()


def test_it_is_the_same_runner_that_goes_on() -> None:
    """The next try is given to the runner at once, under the fence that it has."""
    world = World(one_job(step("a", auto_retries=1)), broken(a=1))
    world.claim("1")
    fence = world.run.job(JobId("1")).fence

    following = world.report("1")

    assert (following, world.run.job(JobId("1")).fence) == ("a", fence)
    assert world.offered() == []


def test_a_manual_retry_does_not_renew_a_used_up_budget() -> None:
    """After the budget is gone, each retry by a person is one try."""
    world = ran(one_job(step("a", auto_retries=2)), broken("a"))

    world.retry("a")

    record = world.finish().step(A)
    assert (starts(world, "a"), record.auto_retries, record.manual_retries) == ([4], 2, 1)


def test_a_budget_that_is_left_holds_on_in_a_manual_retry() -> None:
    """The budget is counted over all attempts of the run."""
    world = World(one_job(step("a", auto_retries=2)), broken("a"))
    world.claim("1")
    world.report("1")
    world.report("1", status=Status.FAILED, cause=Cause.CONFIG)
    world.finish()
    assert world.run.step(A).auto_retries == 1

    world.retry("a")

    world.finish()
    assert (starts(world, "a"), world.run.step(A).auto_retries) == ([4], 2)


@pytest.mark.parametrize("cause", [Cause.USER, Cause.TIMEOUT])
def test_failures_of_the_step_itself_are_tried_again(cause: Cause) -> None:
    """A failed program and one that took too long have another chance."""
    world = World(one_job(step("a", auto_retries=1)))
    world.claim("1")

    following = world.report("1", status=Status.FAILED, cause=cause)

    assert following == "a"


@pytest.mark.parametrize("cause", [Cause.CONFIG, Cause.INFRA, Cause.LOST, Cause.TERMINATED])
def test_other_failures_are_not(cause: Cause) -> None:
    """What trying again does not mend, or what was meant to end, is not tried again."""
    world = World(one_job(step("a", auto_retries=1)))
    world.claim("1")

    world.report("1", status=Status.FAILED, cause=cause)

    assert step_words(world.run, "a") == [f"failed:{cause.value}"]
    assert starts(world, "a") == [1]


def test_a_cancelled_step_is_not_tried_again() -> None:
    """A cancel is not a failure, and it clears the budget."""
    world = World(one_job(step("a", auto_retries=3)), broken("a"))
    world.claim("1")
    world.report("1")
    world.stop()

    world.report("1")

    assert (word(world.run), step_words(world.run, "a")) == ("cancelled", ["cancelled"])
    assert world.run.step(A).auto_retries == 0


def test_a_failure_after_the_cancel_is_not_tried_again() -> None:
    """The run is to end: a step that fails by itself in that time has no second chance."""
    world = World(one_job(step("a", auto_retries=3)))
    world.claim("1")
    world.stop()

    world.report("1", status=Status.FAILED, cause=Cause.USER)

    assert starts(world, "a") == [1]
    assert word(world.run) == "cancelled"


def test_no_try_is_begun_when_the_time_of_the_job_is_over() -> None:
    """A job that is to stop starts nothing more."""
    world = World(one_job(step("a", auto_retries=3)))
    world.claim("1")
    world.time_out_job("1")

    world.report("1", status=Status.FAILED, cause=Cause.TIMEOUT)

    assert (starts(world, "a"), word(world.run)) == ([1], "failed:job_timeout")


def test_a_killed_step_has_its_budget_back() -> None:
    """An end by fast kill clears the budget: it says nothing about the step."""
    spec = pipeline(
        stage(2, job(1, step("a", auto_retries=1)), job(2, "b"), fast_kill=True),
    )
    world = World(spec, broken("a", "b"))
    world.claim("1")
    world.report("1")
    world.claim("2")
    world.report("2")

    world.report("1")

    assert step_words(world.run, "a") == ["failed:fast_kill"]
    assert world.run.step(A).auto_retries == 0


def test_going_on_after_a_failure_comes_after_the_budget() -> None:
    """A step that may fail is tried as often as it may be before its job goes on."""
    spec = one_job(step("a", auto_retries=1, on_failure=OnFailure.CONTINUE), "b")

    world = ran(spec, broken("a"))

    assert (starts(world, "a", "b"), word(world.run)) == ([2, 1], "succeeded")


def test_every_try_has_a_record_of_its_own() -> None:
    """The failed tries stay readable."""
    world = ran(one_job(step("a", auto_retries=1)), broken(a=1))

    rows = [row for decision in world.decisions for row in decision.steps]

    finals = [(row.attempt, row.status) for row in rows if row.status.is_final]
    assert finals == [(1, Status.FAILED), (2, Status.SUCCEEDED)]


def test_a_step_that_is_tried_again_still_counts_as_failed_until_it_succeeds() -> None:
    """Scripts of the second try can see that the step has failed before."""
    world = World(one_job(step("a", auto_retries=1)), broken(a=1))
    world.claim("1")

    world.report("1")

    failed = list(world.run.head.failed_steps)
    world.report("1")
    assert (failed, list(world.run.head.failed_steps)) == (["a"], [])


def test_nothing_is_withdrawn_where_nothing_was_written() -> None:
    """A try without writes costs no event about values."""
    world = ran(one_job(step("a", auto_retries=1)), broken(a=1))

    assert not [event for event in world.events() if isinstance(event, e.ValuesWithdrawn)]


def test_outcomes_of_other_steps_do_not_matter() -> None:
    """The budget belongs to one step."""
    spec = one_job(step("a", auto_retries=1), step("b", auto_retries=1))

    world = ran(spec, broken(a=1, b=1))

    assert (starts(world, "a", "b"), word(world.run)) == ([2, 2], "succeeded")
