"""Use cases of a run from its start to its end, with a runner that works."""

import asyncio

import pytest

from builders import job, last, one_job, pipeline, review, stage, step
from engine_world import ADMIN, ANN, BOB, World, pipeline_id
from mulligan.core.cause import Cause
from mulligan.core.errors import NotFoundError, RefusedError
from mulligan.core.ids import JobId, RunId, StepId
from mulligan.core.recovery.plan import Action
from mulligan.core.refusal import RefusalCode
from mulligan.core.spec import Condition, ParameterSpec, RunWhen
from mulligan.core.status import Status
from mulligan.engine.commands import (
    RetryRun,
    SetRemark,
    StartRun,
)
from mulligan.ports import RunFilter

pytestmark = pytest.mark.anyio

TWO_STAGES = pipeline(stage("one", job("1", "a", "b")), stage("two", job("2", "c")))


async def test_run_of_good_steps_succeeds(world: World) -> None:
    """A run whose steps end well runs each of them once, in order, and succeeds."""
    made = await world.add_pipeline(TWO_STAGES)

    head = await world.start(made)
    run = await world.wait_end(head.id)

    assert (run.head.status, run.head.number) == (Status.SUCCEEDED, 1)
    assert world.scripted.started == [("a", 1), ("b", 1), ("c", 1)]
    ended = [(head.id, JobId("1")), (head.id, JobId("2"))]
    await world.until(lambda: world.scripted.ended_jobs == ended, "its runner is told of the end")
    assert world.scripted.misuses == []


async def test_failing_step_fails_the_run_and_nothing_after_it_starts(world: World) -> None:
    """After a failed step only what is made for failures runs."""
    made = await world.add_pipeline(pipeline(*TWO_STAGES.stages, last(job("9", "z"))))
    world.scripted.fail("a", exit_code=3)

    head = await world.start(made)
    run = await world.wait_end(head.id)

    assert (run.head.status, run.head.cause) == (Status.FAILED, Cause.USER)
    assert run.step(StepId("a")).exit_code == 3
    assert world.scripted.started == [("a", 1), ("z", 1)]


async def test_retry_goes_on_from_the_failed_step(world: World) -> None:
    """A retry of the failed step keeps what succeeded, and the run goes on to its end."""
    made = await world.add_pipeline(TWO_STAGES)
    world.scripted.fail("b", times=1)
    head = await world.start(made)
    await world.wait_end(head.id)

    outcome = await world.retry(head.id, "b")
    run = await world.wait_end(head.id)

    assert (outcome.head.id, outcome.head.attempt) == (head.id, 2)
    assert outcome.plan.steps[StepId("a")].action is Action.KEEP
    assert run.head.status is Status.SUCCEEDED
    assert world.scripted.started == [("a", 1), ("b", 1), ("b", 2), ("c", 1)]


async def test_skip_of_the_failed_step_lets_the_run_go_on(world: World) -> None:
    """A skipped step is waived by name and with its reason; what comes after it runs."""
    made = await world.add_pipeline(one_job(step("a", may_skip=True), "b"))
    world.scripted.fail("a")
    head = await world.start(made)
    await world.wait_end(head.id)

    await world.retry(head.id, "a", skip=True, reason="known flake")
    run = await world.wait_end(head.id)

    waived = run.step(StepId("a"))
    assert (waived.status, waived.cause) == (Status.SKIPPED, Cause.WAIVED)
    assert (waived.actor, waived.reason) == (ANN, "known flake")
    assert run.head.status is Status.SUCCEEDED
    assert world.scripted.started == [("a", 1), ("b", 2)]


async def test_plan_of_a_retry_changes_nothing(world: World) -> None:
    """Asking what a retry would do leaves the run as it is, to the revision."""
    made = await world.add_pipeline(TWO_STAGES)
    world.scripted.fail("b", times=1)
    head = await world.start(made)
    before = await world.wait_end(head.id)

    plan = await world.engine.plan_retry(RetryRun(actor=ANN, run_id=head.id, target="b"))

    after = await world.run(head.id)
    assert plan.steps_with(Action.RERUN) == (StepId("b"), StepId("c"))
    assert after == before
    assert plan.revision == before.head.revision


async def test_plan_refuses_what_the_retry_would_refuse(world: World) -> None:
    """A plan of an impossible retry names the same reason as the retry."""
    made = await world.add_pipeline(TWO_STAGES)
    head = await world.start(made)
    await world.wait_end(head.id)
    command = RetryRun(actor=ANN, run_id=head.id, target="one")

    with pytest.raises(RefusedError) as planned:
        await world.engine.plan_retry(command)
    with pytest.raises(RefusedError) as retried:
        await world.engine.retry_run(command)

    assert planned.value.refusal == retried.value.refusal
    assert planned.value.refusal.code is RefusalCode.STAGE_NOT_FAILED


async def test_retry_of_a_plan_that_is_old_is_refused(world: World) -> None:
    """A retry that was planned on another revision of the run changes nothing."""
    made = await world.add_pipeline(TWO_STAGES)
    world.scripted.fail("b", times=1)
    head = await world.start(made)
    run = await world.wait_end(head.id)

    with pytest.raises(RefusedError) as refused:
        await world.retry(head.id, "b", revision=run.head.revision - 1)
    accepted = await world.retry(head.id, "b", revision=run.head.revision)

    assert refused.value.refusal.code is RefusalCode.PLAN_STALE
    assert accepted.head.attempt == 2


async def test_retry_of_a_run_whose_pipeline_is_gone_is_refused(world: World) -> None:
    """A run of a deleted pipeline can be read, but not retried."""
    made = await world.add_pipeline(TWO_STAGES)
    world.scripted.fail("b")
    head = await world.start(made)
    await world.wait_end(head.id)
    await world.catalog.delete_pipeline(ADMIN, made)

    with pytest.raises(RefusedError) as refused:
        await world.retry(head.id, "b")

    assert refused.value.refusal.code is RefusalCode.PIPELINE_DELETED
    assert (await world.run(head.id)).head.attempt == 1


async def test_unknown_run_is_not_found(world: World) -> None:
    """Every act on a run that does not exist says so."""
    nobody = RunId("b-" + "f" * 32)

    with pytest.raises(NotFoundError):
        await world.run(nobody)
    with pytest.raises(NotFoundError):
        await world.stop(nobody)
    with pytest.raises(NotFoundError):
        await world.retry(nobody)


async def test_unknown_pipeline_is_not_found(world: World) -> None:
    """A start of a pipeline that does not exist makes no run."""
    with pytest.raises(NotFoundError):
        await world.engine.start_run(StartRun(actor=ANN, pipeline=pipeline_id(99)))

    assert (await world.store.list_runs(RunFilter())).items == ()


async def test_refused_start_takes_no_number(world: World) -> None:
    """The number of a refused start goes to the next run."""
    made = await world.add_pipeline(TWO_STAGES)
    locked = await world.catalog.lock_pipeline(ADMIN, made, locked=True)

    with pytest.raises(RefusedError) as refused:
        await world.start(made)
    await world.catalog.lock_pipeline(ADMIN, locked, locked=False)
    head = await world.start(made)

    assert refused.value.refusal.code is RefusalCode.PIPELINE_LOCKED
    assert head.number == 1


async def test_stop_cancels_what_runs(world: World) -> None:
    """A stopped run kills its step, starts no other, and is cancelled."""
    made = await world.add_pipeline(TWO_STAGES)
    world.scripted.hold("a")
    head = await world.start(made)
    await world.wait_started("a")

    await world.stop(head.id)
    run = await world.wait_end(head.id)

    assert run.head.status is Status.CANCELLED
    assert world.scripted.kills == [("a", "cancelled", 0.05)]
    assert world.scripted.started == [("a", 1)]


async def test_second_stop_is_refused_within_a_minute_and_then_ends_by_force(world: World) -> None:
    """A second stop is a double click for 60 s; after that it ends the run at once."""
    made = await world.add_pipeline(TWO_STAGES)
    world.scripted.hold("a")
    world.scripted.dying["a"] = dying = asyncio.Event()
    head = await world.start(made)
    await world.wait_started("a")

    await world.stop(head.id)
    with pytest.raises(RefusedError) as refused:
        await world.stop(head.id, BOB)
    world.clock.advance(seconds=61)
    stopped = await world.stop(head.id, BOB)

    assert refused.value.refusal.code is RefusalCode.ALREADY_CANCELLED
    assert (stopped.status, stopped.cause) == (Status.FAILED, Cause.TERMINATED)
    assert world.scripted.kills[-1] == ("a", "cancelled", 0.0)
    dying.set()


async def test_stop_of_an_ended_run_is_refused(world: World) -> None:
    """There is nothing to stop in a run that has ended."""
    made = await world.add_pipeline(TWO_STAGES)
    head = await world.start(made)
    await world.wait_end(head.id)

    with pytest.raises(RefusedError) as refused:
        await world.stop(head.id)

    assert refused.value.refusal.code is RefusalCode.RUN_FINISHED


REVIEWED = pipeline(stage("one", job("1", "a"), review=review("bob")))


async def test_remark_is_kept_with_its_writer(world: World) -> None:
    """A remark shows in the run and in the audit trail."""
    made = await world.add_pipeline(TWO_STAGES)
    head = await world.start(made)

    command = SetRemark(actor=BOB, run_id=head.id, text="nightly", origin="127.0.0.1 bkci")
    marked = await world.engine.set_remark(command)

    (entry, *_) = await world.store.list_audit()
    assert marked.remark == "nightly"
    assert (entry.actor, entry.action, entry.target) == (BOB, "run.remark", head.id)
    assert entry.origin == "127.0.0.1 bkci"


async def test_audit_names_what_was_asked_for(world: World) -> None:
    """The audit entry of a retry holds its target and reason, and leaves empty fields out."""
    made = await world.add_pipeline(TWO_STAGES)
    world.scripted.fail("b", times=1)
    head = await world.start(made)
    await world.wait_end(head.id)

    await world.retry(head.id, "b", reason="flaky network")

    (entry, *_) = await world.store.list_audit()
    assert (entry.action, entry.reason) == ("run.retry", "flaky network")
    assert entry.detail == {"target": "b"}


async def test_scripts_see_the_values_of_the_start(world: World) -> None:
    """The parameters of a start reach the environment of every step."""
    spec = pipeline(stage("s", job("1", "a")), parameters=(ParameterSpec(name="colour"),))
    made = await world.add_pipeline(spec)

    head = await world.start(made, values={"colour": "red", "unknown": "x"})
    await world.wait_end(head.id)

    (order,) = world.scripted.orders
    assert order.env["colour"] == "red"
    assert "unknown" not in order.env


async def test_always_step_runs_after_a_stop(world: World) -> None:
    """A stop ends the step that runs, and then lets the clean-up of its job run."""
    clean = step("clean", condition=Condition(when=RunWhen.ALWAYS))
    made = await world.add_pipeline(one_job("a", "b", clean))
    world.scripted.hold("a")
    head = await world.start(made)
    await world.wait_started("a")

    await world.stop(head.id)
    run = await world.wait_end(head.id)

    assert world.scripted.started == [("a", 1), ("clean", 1)]
    assert world.status(run, "clean") is Status.SUCCEEDED
    assert run.head.status is Status.CANCELLED
