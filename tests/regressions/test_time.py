"""Budgets, limits, restarts and upgrades around a retry."""

from datetime import timedelta
from pathlib import Path

import pytest

from builders import failing, job, one_job, pipeline, stage, step
from engine_world import a_world
from mulligan.core.cause import Cause
from mulligan.core.errors import RefusedError
from mulligan.core.ids import JobId, StepId
from mulligan.core.refusal import RefusalCode
from mulligan.core.status import Status
from mulligan.ports import StepEnd
from mulligan.store.sql.store import SqlStore
from mulligan.testing.simulate import Simulation

BAD = StepEnd(exit_code=1)


# 34 ---------------------------------------------------------------------------------------------


def test_automatic_retries_never_end_after_a_manual_one() -> None:
    """A used-up budget stays used up: each manual retry is one more attempt, not three."""
    sim = Simulation(one_job(step("a", auto_retries=2)), lambda _name, _attempt: False)
    sim.finish()
    first = len(sim.started)

    for _ in range(2):
        sim.retry("a")
        sim.finish()

    assert first == 3
    assert len(sim.started) == 5
    assert sim.run.step(StepId("a")).manual_retries == 2


def test_automatic_retries_are_lost_after_a_manual_one() -> None:
    """A step that succeeded in between has its whole budget again."""
    bad = [("a", 1), ("a", 2), ("a", 3), ("b", 1), ("a", 5), ("a", 6)]
    sim = Simulation(one_job(step("a", auto_retries=2), "b"), failing(*bad))
    sim.finish()
    sim.retry("a")
    sim.finish()
    succeeded = sim.run.step(StepId("a")).status

    sim.retry("")
    sim.finish()

    assert succeeded is Status.SUCCEEDED
    assert [start for start in sim.started if start[0] == "a"] == [
        ("a", attempt) for attempt in range(1, 8)
    ]
    assert sim.run.head.status is Status.SUCCEEDED


# 35 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [0, 1, 5])
def test_last_retry_falls_through_to_success(budget: int) -> None:
    """When the last automatic retry fails too, the step, the job and the run have failed."""
    sim = Simulation(one_job(step("a", auto_retries=budget), "b"), lambda name, _: name != "a")
    run = sim.finish()

    assert len(sim.started) == budget + 1
    assert run.step(StepId("a")).status is Status.FAILED
    assert run.step(StepId("b")).cause is Cause.UNREACHED
    assert (run.job(JobId("1")).status, run.head.status) == (Status.FAILED, Status.FAILED)


# 37 ---------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_run_of_an_earlier_life_can_not_be_retried(tmp_path: Path) -> None:
    """After a restart a run from before is retried in place, with its values and attempts."""
    path = tmp_path / "mulligan.db"
    async with a_world(store=SqlStore(path), works=False) as first:
        head = await first.start(await first.add_pipeline(one_job("a", "b")))
        end = StepEnd(exit_code=0, variables=(("colour", "blue"),))
        following = await first.report(await first.claim(head.id), end)
        assert following is not None
        await first.report(following, BAD)
        await first.store.close()

    async with a_world(store=SqlStore(path), works=False) as second:
        outcome = await second.retry(head.id, "b")
        order = await second.claim(head.id, attempt=2)
        await second.report(order)

        run = await second.run(head.id)
        assert (outcome.head.id, outcome.head.attempt) == (head.id, 2)
        assert (order.step_id, order.env["colour"]) == ("b", "blue")
        assert run.head.status is Status.SUCCEEDED
        assert len(await second.store.step_attempts(head.id, StepId("b"))) == 2


# 38 ---------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_retry_of_an_old_run_breaks_in_the_middle() -> None:
    """A run beyond the window is refused with the number of days, and nothing changes."""
    async with a_world(works=False) as world:
        head = await world.start(await world.add_pipeline(one_job("a")))
        await world.report(await world.claim(head.id), BAD)
        world.clock.advance(days=28)
        in_time = await world.retry(head.id)
        await world.report(await world.claim(head.id, attempt=2), BAD)
        started_at = (await world.run(head.id)).head.started_at

        world.clock.advance(days=28, seconds=1)
        with pytest.raises(RefusedError) as refused:
            await world.retry(head.id)

        refusal = refused.value.refusal
        assert in_time.head.attempt == 2
        assert started_at is not None
        assert world.clock.now() - started_at > timedelta(days=28)
        assert (refusal.code, refusal.values) == (RefusalCode.EXPIRED, ("28",))
        assert "28 days" in refusal.message
        assert refusal.instead == ("start a new run",)


@pytest.mark.anyio
async def test_retry_without_its_definition_runs_something_else() -> None:
    """A run whose version is gone is refused by name; the newest version is not taken instead."""
    async with a_world(works=False) as world:
        made = await world.add_pipeline(one_job("a"))
        head = await world.start(made)
        await world.report(await world.claim(head.id), BAD)
        await world.store.drop_versions(made.id, 0)

        with pytest.raises(RefusedError) as refused:
            await world.retry(head.id, "a")

        refusal = refused.value.refusal
        assert (refusal.code, refusal.values) == (RefusalCode.VERSION_GONE, ("1",))
        assert "new run" in refusal.message


# 39 ---------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_server_is_restarted_twice_quickly(tmp_path: Path) -> None:
    """After any number of restarts the run ends, and nothing ran twice under one fence."""
    path = tmp_path / "mulligan.db"
    spec = pipeline(stage("s", job("1", "a"), job("2", "b")))
    async with a_world(store=SqlStore(path), works=False) as first:
        head = await first.start(await first.add_pipeline(spec))
        fences = [(await first.claim(head.id, "1")).fence]
        await first.store.close()
    for _ in range(2):  # each life takes the job back and dies when it has claimed it again
        async with a_world(store=SqlStore(path), works=False) as life:
            fences.append((await life.claim(head.id, "1")).fence)
            await life.store.close()

    async with a_world(store=SqlStore(path)) as last:
        run = await last.wait_end(head.id)
        attempts = await last.store.step_attempts(head.id, StepId("a"))

        assert fences == [1, 2, 3]
        assert run.head.status is Status.SUCCEEDED
        assert [attempt.cause for attempt in attempts] == [Cause.LOST] * 3 + [None]
        assert sorted(last.scripted.started) == [("a", 4), ("b", 1)]
