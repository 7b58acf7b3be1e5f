"""Kills reach what they were meant for; runners stop, and attempts keep apart."""

import asyncio

import pytest

from builders import one_job, step
from engine_world import BOB, World, a_world
from mulligan.core.ids import JobId, RunId, StepId
from mulligan.core.spec import Condition, RunWhen
from mulligan.core.status import Status
from mulligan.engine import runner

pytestmark = pytest.mark.anyio

ONE = one_job("a")
TWO = one_job("a", "b")
ALWAYS = Condition(when=RunWhen.ALWAYS)
JOB = JobId("1")


async def test_kill_reaches_only_the_fence_it_was_meant_for(world: World) -> None:
    """A kill that was decided for an older claim leaves the present one alone."""
    made = await world.add_pipeline(ONE)
    world.scripted.hold("a")
    head = await world.start(made)
    await world.wait_started("a")

    world.runner.kill(head.id, JOB, fence=0, step=(StepId("a"), 1), cause="cancelled")
    untouched = list(world.scripted.kills)
    world.runner.kill(head.id, JOB, fence=1, step=(StepId("a"), 1), cause="cancelled")
    await world.wait_end(head.id)

    assert untouched == []
    assert world.scripted.kills == [("a", "cancelled", 0.05)]


async def test_kill_of_a_step_that_ended_spares_the_next(world: World) -> None:
    """A cancel that meets the end of its step does not hit the clean-up that follows."""
    made = await world.add_pipeline(one_job("a", step("clean", condition=ALWAYS)))
    world.scripted.hold("a")
    head = await world.start(made)
    await world.wait_started("a")
    stored = len(world.unruly.appended)
    world.unruly.hold_answers()

    stopping = asyncio.create_task(world.stop(head.id))  # decided, its kill not carried out yet
    await world.until(lambda: len(world.unruly.appended) == stored + 1)
    world.scripted.release("a")  # the step ends by itself
    await world.until(lambda: len(world.unruly.appended) == stored + 2)
    world.unruly.release_answers()
    await stopping
    run = await world.wait_end(head.id)

    assert world.status(run, "a") is Status.SUCCEEDED
    assert world.status(run, "clean") is Status.SUCCEEDED
    assert world.scripted.started == [("a", 1), ("clean", 1)]


async def test_late_kill_of_a_step_leaves_the_running_one_alone(world: World) -> None:
    """A kill that arrives when the job is at its next step is nothing to the executor."""
    made = await world.add_pipeline(TWO)
    world.scripted.hold("b")
    head = await world.start(made)
    await world.wait_started("b")

    for late in ((StepId("a"), 1), (StepId("b"), 2)):
        world.runner.kill(head.id, JOB, fence=1, step=late, cause="cancelled")
    world.scripted.release("b")
    run = await world.wait_end(head.id)

    assert world.scripted.kills == []
    assert run.head.status is Status.SUCCEEDED


async def test_kill_of_a_step_that_has_not_begun_keeps_it_from_it(world: World) -> None:
    """A cancel of the step that is just being handed out ends it before it begins."""
    made = await world.add_pipeline(TWO)
    world.scripted.hold("a")
    head = await world.start(made)
    await world.wait_started("a")
    stored = len(world.unruly.appended)
    world.unruly.hold_answers()

    world.scripted.release("a")
    await world.until(lambda: len(world.unruly.appended) == stored + 1)  # b is handed out
    stopping = asyncio.create_task(world.stop(head.id))
    await world.until(lambda: len(world.unruly.appended) == stored + 2)
    effect = next(e for e in world.unruly.appended[-1].effects if e.kind == "kill")
    world.runner.kill(head.id, JOB, fence=1, step=(StepId("b"), 1), cause="cancelled")
    world.unruly.release_answers()
    await stopping
    run = await world.wait_end(head.id)

    assert (effect.data["step"], effect.data["step_attempt"]) == ("b", 1)
    assert world.scripted.started == [("a", 1)]
    assert world.status(run, "b") is Status.CANCELLED


async def test_kill_that_overtakes_its_claim_is_not_lost(world: World) -> None:
    """A cancel that arrives before the claim is back ends the step before it begins."""
    made = await world.add_pipeline(ONE)
    world.runner.kill(
        RunId("b-" + f"{2:032x}"), JOB, fence=1, step=(StepId("a"), 1), cause="cancelled"
    )

    head = await world.start(made)
    run = await world.wait_end(head.id)

    assert head.id == "b-" + f"{2:032x}"
    assert world.scripted.started == []
    assert world.status(run, "a") is Status.CANCELLED


async def test_early_kills_do_not_pile_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kills of jobs that never come are forgotten, a bounded number is kept."""
    monkeypatch.setattr(runner, "_MOST_EARLY_KILLS", 3)

    for number in range(10):
        world.runner.kill(
            RunId(f"b-{number}"), JOB, fence=1, step=(StepId("a"), 1), cause="cancelled"
        )

    assert len(world.runner._early_kills) <= 3


async def test_next_attempt_waits_for_the_end_of_the_one_before(world: World) -> None:
    """After an end by force a retry does not share its directory with what is still dying."""
    made = await world.add_pipeline(ONE)
    world.scripted.hold("a")
    dying = world.scripted.dying["a"] = asyncio.Event()
    head = await world.start(made)
    await world.wait_started("a")
    await world.stop(head.id)
    world.clock.advance(seconds=61)
    await world.stop(head.id, BOB)
    world.scripted.release("a")

    await world.retry(head.id)
    await world.until(lambda: (world.unruly._runs[head.id].run.job(JOB).fence) == 2)
    meanwhile = list(world.scripted.started)
    dying.set()
    run = await world.wait_end(head.id)

    assert meanwhile == [("a", 1)]
    assert run.head.status is Status.SUCCEEDED
    assert world.scripted.overlaps == []
    assert world.scripted.misuses == []


async def test_stopped_runner_gives_its_jobs_back() -> None:
    """A runner that stops releases what did not end in time; the next life runs it again."""
    async with a_world() as first:
        made = await first.add_pipeline(ONE)
        first.scripted.hold("a")
        head = await first.start(made)
        await first.wait_started("a")
        await first.runner.stop(0.0)
        run = await first.run(head.id)

        async with a_world(store=first.store, clock=first.clock) as second:
            after = await second.wait_end(head.id)

            assert first.runner.is_stopping
            assert run.job(JOB).status is Status.QUEUED
            assert after.head.status is Status.SUCCEEDED
            assert second.scripted.started == [("a", 2)]


async def test_stopping_runner_lets_a_job_end(world: World) -> None:
    """Within its grace a stopping runner carries what it holds to the end, and takes no more."""
    made = await world.add_pipeline(ONE)
    world.scripted.hold("a")
    head = await world.start(made)
    await world.wait_started("a")

    stopping = asyncio.create_task(world.runner.stop(10.0))
    await asyncio.sleep(0)
    world.scripted.release("a")
    await stopping
    following = await world.start(made)
    await world.until(lambda: world.dispatcher.depth == 0)

    assert (await world.run(head.id)).head.status is Status.SUCCEEDED
    assert (await world.run(following.id)).job(JOB).status is Status.QUEUED


async def test_idle_runner_stops_at_once(hand: World) -> None:
    """A runner without jobs has nothing to wait for."""
    await hand.runner.stop(10.0)

    assert hand.runner.busy == 0


async def test_step_that_ends_at_the_last_moment_is_reported(world: World) -> None:
    """A step that ends well while the runner gives up counts; the next one is not begun."""
    made = await world.add_pipeline(TWO)
    world.scripted.hold("a", is_stubborn=True)
    head = await world.start(made)
    await world.wait_started("a")

    stopping = asyncio.create_task(world.runner.stop(0.0))
    await world.until(lambda: world.scripted.kills != [])
    world.scripted.release("a")
    await stopping

    run = await world.run(head.id)
    assert world.scripted.kills == [("a", "lost", 0.05)]
    assert world.scripted.started == [("a", 1)]
    assert world.status(run, "a") is Status.SUCCEEDED
    assert run.job(JOB).status is Status.QUEUED


async def test_stop_does_not_wait_for_a_store_that_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If nothing can be stored at the end, the job stays held: the next life takes it back."""
    monkeypatch.setattr(runner, "_RELEASE_S", 0.01)
    made = await world.add_pipeline(ONE)
    world.scripted.hold("a")
    head = await world.start(made)
    await world.wait_started("a")
    world.unruly.outages = 1_000_000

    await world.runner.stop(0.0)
    world.unruly.outages = 0

    run = await world.store.get_run(head.id)
    assert world.runner.busy == 0
    assert await world.store.held_jobs() == ((head.id, JOB),)
    assert run.job(JOB).status is Status.RUNNING
