"""Stopping a run: once gracefully, twice by force (spec/bkci-model-and-engine.md §2.7)."""

from __future__ import annotations

import pytest
from core_specs import (
    broken,
    job,
    job_words,
    last,
    one_job,
    pipeline,
    ran,
    refused,
    review_step,
    stage,
    stage_words,
    starts,
    step,
    step_words,
    word,
)
from core_start import ALICE
from core_world import World

from mulligan.core.cause import Cause
from mulligan.core.errors import StaleFenceError
from mulligan.core.ids import JobId, StepId
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.spec import ReviewGroup, ReviewSpec
from mulligan.core.status import Status


def kills(world: World) -> list[tuple[str, object]]:
    """Return the jobs whose runner the last decision asks to end its step, and why."""
    return [
        (effect.key, effect.data["cause"])
        for effect in world.decisions[-1].effects
        if effect.kind == "kill" and not effect.drop
    ]


def drops(world: World, kind: str) -> list[str]:
    """Return the keys of the outbox rows of a kind that the last decision removes."""
    effects = world.decisions[-1].effects
    return [effect.key for effect in effects if effect.kind == kind and effect.drop]


def test_the_running_step_is_asked_to_end_and_waiting_jobs_end_at_once() -> None:
    """The runner is told; what has not begun is cancelled without it."""
    world = World(pipeline(stage(2, job(1, "a"), job(2, "b"), job(3, "c", needs=[1]))))
    world.claim("1")

    world.stop()

    assert kills(world) == [("1", "cancelled")]
    assert job_words(world.run, 1, 2, 3) == ["running", "cancelled", "cancelled"]
    assert drops(world, "offer") == ["2", "3"]
    assert world.run.head.cancel is not None
    assert world.run.head.cancel.by == ALICE


def test_steps_that_always_run_do_so_after_a_cancel() -> None:
    """The cancelled step leads to the always-steps of its job; the rest is not reached."""
    world = World(one_job("a", "b", step("c", "always"), "d"))
    world.claim("1")
    world.stop()

    world.finish()

    assert step_words(world.run, "a", "b", "c", "d") == [
        "cancelled",
        "skipped:unreached",
        "succeeded",
        "skipped:unreached",
    ]
    assert (job_words(world.run, 1), word(world.run)) == (["cancelled"], "cancelled")


def test_a_cancel_between_two_steps_shows_at_the_next() -> None:
    """If the running step still succeeds, the first one that may not run is the cancelled one."""
    world = World(one_job("a", "b", "c"))
    world.claim("1")
    world.stop()

    world.report("1", status=Status.SUCCEEDED)

    assert step_words(world.run, "a", "b", "c") == ["succeeded", "cancelled", "skipped:unreached"]
    assert word(world.run) == "cancelled"


def test_a_step_that_fails_during_the_cancel_leaves_its_job_cancelled() -> None:
    """A cancel that arrives while a step fails is a cancel."""
    world = World(one_job("a", step("b", "failure")))
    world.claim("1")
    world.stop()

    world.report("1", status=Status.FAILED, cause=Cause.USER)

    assert (step_words(world.run, "a", "b"), job_words(world.run, 1)) == (
        ["failed:user", "cancelled"],
        ["cancelled"],
    )


def test_a_second_request_within_a_minute_is_refused() -> None:
    """It is taken for a double click; the refusal says who was first and for how long."""
    world = World(one_job("a"))
    world.claim("1")
    world.stop()

    answer = world.stop(after=18.5)

    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.ALREADY_CANCELLED
    assert answer.values == (ALICE, "42")
    assert word(world.run) == "running"


def test_a_second_request_after_a_minute_ends_the_run_by_force() -> None:
    """Everything that is left ends at once, no finally stage runs."""
    spec = pipeline(
        stage(2, job(1, "a", step("z", "always")), job(2, review_step("ok", "ann")), job(3, "c")),
        stage(3, job(4, "d")),
        last(4, job(5, "e")),
    )
    world = World(spec)
    for number in ("1", "2"):
        world.claim(number)
    world.stop()

    world.terminate()

    assert word(world.run) == "failed:terminated"
    assert stage_words(world.run, 2, 3, 4) == ["failed:terminated", "queued", "queued"]
    assert job_words(world.run, 1, 2, 3) == ["failed:terminated", "cancelled", "cancelled"]
    assert step_words(world.run, "a") == ["failed:terminated"]
    assert kills(world) == [("1", "terminated")]
    assert world.offered() == []


def test_a_report_after_the_end_by_force_bounces() -> None:
    """The runner that is still busy changes nothing any more."""
    world = World(one_job("a"))
    world.claim("1")
    report = world.held[JobId("1")]

    world.terminate()

    world.report_stale(report)
    assert world.stale == [report]


def test_a_job_that_waits_for_a_person_ends_by_force_too() -> None:
    """Its gate is closed as not approved."""
    world = World(pipeline(stage(2, job(1, "a"), job(2, step("p", "always", pause_before=True)))))
    world.claim("1")
    world.stop()  # job 2 was only offered: it ends at once
    other = World(one_job(step("x", "always"), step("p", "always", pause_before=True)))
    other.claim("1")
    other.stop()
    other.report("1")
    assert other.open_gates() == ["p"]

    other.terminate()

    assert (other.open_gates(), other.run.gates["p"].state) == ([], "rejected")
    assert job_words(other.run, 1) == ["cancelled"]
    assert word(other.run) == "failed:terminated"
    assert job_words(world.run, 2) == ["cancelled"]


def test_a_queued_run_is_cancelled_at_once() -> None:
    """No stage of it runs, not even the last."""
    world = World(pipeline(stage(2, job(1, "a")), last(3, job(2, "b"))), waits=True)

    world.stop()

    assert (word(world.run), stage_words(world.run, 2, 3)) == ("cancelled", ["queued", "queued"])
    assert drops(world, "timer") == ["queue"]


def test_a_run_that_has_ended_is_not_stopped() -> None:
    """The refusal says how it ended."""
    world = ran(one_job("a"), broken("a"))

    answer = world.stop()

    assert refused(answer) is RefusalCode.RUN_FINISHED
    assert isinstance(answer, Refusal)
    assert "failed" in answer.message


def test_stopping_at_a_review_refuses_it() -> None:
    """The stage is rejected and the finally stage runs; the run is not cancelled."""
    review = ReviewSpec(groups=(ReviewGroup(id="g", reviewers=("ann",)),))
    world = World(pipeline(stage(2, job(1, "a"), review=review), last(3, job(2, "z"))))

    world.stop()

    run = world.finish()
    assert (stage_words(run, 2, 3), word(run)) == (
        ["failed:rejected", "succeeded"],
        "failed:rejected",
    )
    assert run.gates["stage-2"].votes[-1].suggestion == "CANCEL"
    assert run.head.cancel is None


def test_stopping_while_the_finally_stage_runs_stops_that() -> None:
    """The finally stage is cancelled like any other."""
    world = World(pipeline(stage(2, job(1, "a")), last(3, job(2, "z", "y"))))
    world.claim("1")
    world.report("1")
    world.claim("2")

    world.stop()

    run = world.finish()
    assert (stage_words(run, 2, 3), word(run)) == (["succeeded", "cancelled"], "cancelled")


def test_the_finally_stage_of_a_cancelled_run_is_not_cancelled() -> None:
    """A cancel belongs to the stage in which it was asked for."""
    world = World(pipeline(stage(2, job(1, "a")), last(3, job(2, "z", "y"))))
    world.claim("1")
    world.stop()
    world.report("1")

    world.finish()

    assert step_words(world.run, "z", "y") == ["succeeded", "succeeded"]
    assert word(world.run) == "cancelled"


@pytest.mark.parametrize("kind", ["review", "script"])
def test_a_parked_job_is_cancelled_without_a_runner(kind: str) -> None:
    """The step that waits for a person is cancelled, and its job with it."""
    waiting = review_step("p", "ann") if kind == "review" else step("p", pause_before=True)
    world = World(one_job(waiting, "b"))
    world.claim("1")

    world.stop()

    assert (step_words(world.run, "p", "b"), world.open_gates()) == (
        ["cancelled", "skipped:unreached"],
        [],
    )
    assert word(world.run) == "cancelled"


def test_a_parked_job_with_an_always_step_is_offered_for_it() -> None:
    """Somebody has to run it."""
    world = World(one_job(step("p", pause_before=True), step("z", "always")))
    world.claim("1")

    world.stop()

    assert world.offered() == ["1"]
    assert step_words(world.finish(), "p", "z") == ["cancelled", "succeeded"]


def test_a_job_that_was_put_back_is_judged_when_it_is_claimed() -> None:
    """A job between two runners is offered still; its next runner learns what may run."""
    world = World(one_job("a", "b"))
    world.claim("1")
    world.lose("1")
    world.stop()
    assert world.offered() == ["1"]

    started = world.claim("1")

    assert (started, word(world.run)) == (None, "cancelled")
    assert step_words(world.run, "a", "b") == ["cancelled", "skipped:unreached"]


def test_a_cancel_wins_over_a_job_whose_time_was_over() -> None:
    """A job that may fail must not let a cancelled run go on to its next stage."""
    spec = pipeline(stage(2, job(1, "a", continue_on_failure=True)), stage(3, job(2, "b")))
    world = World(spec)
    world.claim("1")
    world.time_out_job("1")
    world.stop()

    world.report("1")

    assert (job_words(world.run, 1), word(world.run)) == (["cancelled"], "cancelled")
    assert starts(world, "b") == [0]


def test_a_cancelled_run_is_retried_like_any_other() -> None:
    """Failed or cancelled: the stage form takes both, and the new attempt is not cancelled."""
    world = World(pipeline(stage(2, job(1, "a"), job(2, "b"))))
    world.claim("1")
    world.stop()
    world.report("1")

    world.retry("stage-2", only_failed=True)

    assert world.run.head.cancel is None
    assert word(world.finish()) == "succeeded"


def test_an_offer_that_came_too_late_is_refused() -> None:
    """A job that was cancelled can't be claimed."""
    world = World(pipeline(stage(2, job(1, "a"), job(2, "b"))))
    world.claim("1")
    world.stop()

    with pytest.raises(StaleFenceError, match="not offered"):
        world.claim("2")


def test_a_stopped_job_does_not_begin_a_step_that_was_asked_to_end() -> None:
    """The time of a job is noted once; asking again changes nothing."""
    world = World(one_job("a", "b"))
    world.claim("1")
    world.time_out_job("1")
    count = len(world.decisions)

    world.time_out_job("1")

    assert len(world.decisions) == count
    world.report("1")
    assert step_words(world.run, "a", "b") == ["failed:job_timeout", "skipped:unreached"]
    assert (job_words(world.run, 1), world.run.step(StepId("a")).error_code) == (
        ["failed:job_timeout"],
        2199005,
    )
