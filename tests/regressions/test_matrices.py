"""What a retry made of jobs that stand for many."""

from builders import job, pipeline, stage, step
from mulligan.core.cause import Cause
from mulligan.core.ids import JobId, StepId
from mulligan.core.matrix import child_step_id
from mulligan.core.spec import MatrixSpec, PipelineSpec
from mulligan.core.status import Status
from mulligan.testing.simulate import Simulation

TWO = MatrixSpec(strategy="n: [1, 2]")


def of(name: str, number: int) -> StepId:
    """Give the id that a step has in a copy."""
    return child_step_id(StepId(name), number)


def simulated(spec: PipelineSpec, bad: dict[StepId, int]) -> Simulation:
    """Run a definition; `bad` says how many attempts of a step fail."""
    run = Simulation(spec, lambda step_id, attempt: attempt > bad.get(step_id, 0))
    run.finish()
    return run


# 13 ---------------------------------------------------------------------------------------------


def test_earlier_matrix_job_runs_again() -> None:
    """A retry in a later stage leaves a matrix job before it, and its split, as they are."""
    spec = pipeline(
        stage("one", job("1", "work", matrix=TWO)), stage("two", job("2", "a"), job("3", "b"))
    )
    run = simulated(spec, {StepId("a"): 1})
    known = len(run.started)
    kept = [run.run.job(JobId(copy)) for copy in ("1", "1001", "1002")]

    run.retry("two", only_failed=True)
    run.finish()

    assert run.started[known:] == [(StepId("a"), 2)]
    assert [run.run.job(JobId(copy)) for copy in ("1", "1001", "1002")] == kept
    assert run.run.head.status is Status.SUCCEEDED


def test_copy_that_was_skipped_by_hand_runs_after_all() -> None:
    """A copy mended by a skip is good: a retry of the failed copies leaves it alone."""
    spec = pipeline(stage("one", job("1", step("work", may_skip=True), matrix=TWO)))
    run = simulated(spec, {of("work", 1): 9, of("work", 2): 1})
    run.retry(of("work", 1), skip=True)
    run.finish()
    known = len(run.started)

    run.retry("1", only_failed=True)
    run.finish()

    waived = run.run.step(of("work", 1))
    assert run.started[known:] == [(of("work", 2), 2)]
    assert (waived.status, waived.cause) == (Status.SKIPPED, Cause.WAIVED)
    assert run.run.head.status is Status.SUCCEEDED


# 18 ---------------------------------------------------------------------------------------------


def test_fan_out_is_skipped_when_the_failure_came_before_it() -> None:
    """A matrix that was never split, because what it depends on failed, is split by the retry."""
    fan_out = job("2", "work", matrix=TWO, depends_on=(JobId("1"),))
    run = simulated(pipeline(stage("one", job("1", "plan"), fan_out)), {StepId("plan"): 1})
    before = run.run.job(JobId("2"))

    run.retry("plan")
    run.finish()

    assert (before.status, before.combinations) == (Status.SKIPPED, ())
    assert run.started[-2:] == [(of("work", 1), 1), (of("work", 2), 1)]
    assert run.run.head.status is Status.SUCCEEDED
