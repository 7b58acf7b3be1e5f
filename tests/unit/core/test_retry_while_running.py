"""A step is retried or skipped while its run goes on (spec/bkci-build-api.md §3.6)."""

from __future__ import annotations

from core_specs import (
    KEEP,
    RERUN,
    SKIP,
    accepted,
    actions,
    broken,
    job,
    job_words,
    one_job,
    pipeline,
    refused,
    stage,
    starts,
    step,
    step_words,
    word,
)
from core_world import World

from mulligan.core import events as e
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.refusal import RefusalCode
from mulligan.core.spec import OnFailure
from mulligan.testing.strategies import Outcome


def half_way(**times: int) -> World:
    """Give a run whose job 1 has ended while job 2 runs; job 3 depends on 1, job 4 on 3."""
    spec = pipeline(
        stage(
            2,
            job(1, "a", step("b", may_skip=True), "c"),
            job(2, "x"),
            job(3, "d", needs=[1]),
            job(4, "z", needs=[3]),
        ),
        stage(3, job(5, "last")),
    )
    world = World(spec, broken(**times))
    world.claim("2")
    world.claim("1")
    for _ in range(2):
        world.report("1")
    return world


def test_the_attempt_stays_and_the_job_runs_again_from_the_step() -> None:
    """No new attempt of the run; kept steps stay, the rest of the job and its dependents run."""
    world = half_way(b=1)
    started_at = world.run.head.started_at

    plan = world.retry("b")

    assert actions(plan, "1", "2", "3", "4", "stage-2") == [RERUN, KEEP, RERUN, RERUN, KEEP]
    assert actions(plan, "a", "b", "c") == [KEEP, RERUN, RERUN]
    assert accepted(plan).run_attempt == 1
    run = world.finish()
    assert (run.head.attempt, run.head.started_at) == (1, started_at)
    assert (run.head.retry_target, len(run.head.attempts)) == ("", 1)
    assert word(run) == "succeeded"
    assert starts(world, "a", "b", "c", "x", "d", "z", "last") == [1, 2, 1, 1, 1, 1, 1]


def test_it_is_counted_as_asked_for_by_a_person() -> None:
    """The count of manual retries of the step grows, and the event says who asked."""
    world = half_way(b=1)

    world.retry("b", reason="again")

    record = world.run.step(StepId("b"))
    repaired = [event for event in world.events() if isinstance(event, e.RunRepaired)]
    assert (record.manual_retries, record.attempt) == (1, 2)
    assert [(event.what, event.target, event.reason) for event in repaired] == [
        ("retry", "b", "again")
    ]


def test_a_step_is_skipped_while_the_run_goes_on() -> None:
    """The step is waived, the rest of its job runs, its dependents too."""
    world = half_way(b=1)

    plan = world.retry("b", skip=True, may_operate=False)

    assert actions(plan, "a", "b", "c") == [KEEP, SKIP, RERUN]
    run = world.finish()
    assert step_words(run, "a", "b", "c") == ["succeeded", "skipped:waived", "succeeded"]
    assert (word(run), starts(world, "b")) == ("succeeded", [1])


def test_the_stage_waits_for_the_job_that_runs_again() -> None:
    """The stage does not end with the other job while the retried one is at work."""
    world = half_way(b=1)
    world.retry("b")

    world.report("2")

    assert world.run.stage(StageId("stage-2")).open_jobs == 3
    assert word(world.run.stage(StageId("stage-2"))) == "running"


def test_the_step_may_fail_again() -> None:
    """A second failure can be retried a second time."""
    world = half_way(b=2)
    world.retry("b")
    world.claim("1")
    world.report("1")

    accepted(world.retry("b"))

    assert word(world.finish()) == "succeeded"
    assert world.run.step(StepId("b")).manual_retries == 2


def test_what_the_step_wrote_is_withdrawn() -> None:
    """R5 holds here as well."""

    def ending(step_id: StepId, attempt: int) -> Outcome:
        outcome = broken(b=1)(step_id, attempt)
        writes = (("who", f"{step_id}"),) if step_id in {"a", "b"} and attempt == 1 else ()
        return Outcome(outcome.status, outcome.cause, writes)

    world = World(pipeline(stage(2, job(1, "a", "b"), job(2, "x"))), ending)
    world.claim("2")
    world.claim("1")
    world.report("1")
    world.report("1")
    before = world.run.value("who")

    world.retry("b")

    assert (before, world.run.value("who")) == ("b", "a")


def test_without_its_directory_the_job_starts_over() -> None:
    """R6 holds here as well."""
    world = half_way(b=1)

    plan = world.retry("b", live=False)

    assert actions(plan, "a", "b", "c") == [RERUN, RERUN, RERUN]
    assert world.run.job(JobId("1")).workspace == "widened"


def test_a_dependent_that_waits_for_another_job_is_left_alone() -> None:
    """Only dependents that were skipped are put back; one that still waits goes on waiting."""
    spec = pipeline(stage(2, job(1, "a"), job(2, "x"), job(3, "d", needs=[1, 2])))
    world = World(spec, broken(a=1))
    world.claim("2")
    world.claim("1")
    world.report("1")
    assert job_words(world.run, 3) == ["queued"]

    plan = world.retry("a")

    assert actions(plan, "3") == [KEEP]
    assert job_words(world.finish(), 3) == ["succeeded"]


def test_a_dependent_on_two_ways_is_put_back_once() -> None:
    """Job 4 depends on 1 by way of 2 and of 3: all of them run again, each once."""
    spec = pipeline(
        stage(
            2,
            job(1, "a"),
            job(2, "b", needs=[1]),
            job(3, "c", needs=[1]),
            job(4, "d", needs=[2, 3]),
            job(5, "x"),
        )
    )
    world = World(spec, broken(a=1))
    world.claim("5")
    world.claim("1")
    world.report("1")

    plan = world.retry("a")

    assert actions(plan, "1", "2", "3", "4", "5") == [RERUN, RERUN, RERUN, RERUN, KEEP]
    assert world.run.job(JobId("4")).attempt == 2
    assert word(world.finish()) == "succeeded"


def test_fast_kill_does_not_hit_a_retried_job() -> None:
    """Jobs that end because of the first failure don't kill the one that was repaired since."""
    spec = pipeline(stage(2, job(1, "a"), job(2, "x"), fast_kill=True))
    world = World(spec, broken(a=1))
    world.claim("2")
    world.claim("1")
    world.report("1")
    world.retry("a")
    world.claim("1")

    world.report("2")

    assert job_words(world.run, 2) == ["failed:fast_kill"]
    assert world.run.job(JobId("1")).stopping is None
    run = world.finish()
    assert job_words(run, 1) == ["succeeded"]
    assert word(run) == "failed:fast_kill"


def test_a_pause_that_was_refused_pauses_again() -> None:
    """R10: a retry does not pass a pause that somebody answered with "stop"."""
    spec = pipeline(stage(2, job(1, step("a", pause_before=True)), job(2, "x")))
    world = World(spec)
    world.claim("2")
    world.claim("1")
    world.vote("a", approve=False)

    accepted(world.retry("a"))

    world.claim("1")
    assert world.open_gates() == ["a"]


def test_a_pause_that_was_passed_is_not_asked_twice_in_one_attempt() -> None:
    """A step pauses at most once per attempt of the run."""
    spec = pipeline(stage(2, job(1, step("a", pause_before=True)), job(2, "x")))
    world = World(spec, broken(a=1))
    world.claim("2")
    world.claim("1")
    world.vote("a")
    world.claim("1")
    world.report("1")

    world.retry("a")

    assert world.claim("1") == "a"
    assert starts(world, "a") == [2]


def test_a_step_that_failed_softly_in_a_good_job_may_be_retried() -> None:
    """The job is over and the step failed, though its job went on; later steps run again."""
    spec = pipeline(stage(2, job(1, step("a", on_failure=OnFailure.CONTINUE), "b"), job(2, "x")))
    world = World(spec, broken(a=1))
    world.claim("2")
    world.claim("1")
    world.report("1")
    world.report("1")

    plan = world.retry("a")

    assert actions(plan, "a", "b") == [RERUN, RERUN]
    assert word(world.finish()) == "succeeded"


def test_the_last_job_of_a_stage_leaves_no_time_for_it() -> None:
    """When the failed job was the last to end, the run has ended with it."""
    world = World(one_job("a"), broken("a"))
    world.claim("1")
    world.report("1")

    plan = accepted(world.retry("a"))

    assert not plan.while_running
    assert refused(world.retry("a")) is RefusalCode.JOB_NOT_FINISHED
