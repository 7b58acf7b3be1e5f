"""Hints for whoever waits, and what is counted on the way."""

import asyncio

import pytest

from builders import one_job
from engine_world import World
from mulligan.core.ids import JobId, RunId
from mulligan.engine.live import Live
from mulligan.ports import StepEnd

pytestmark = pytest.mark.anyio

RUN = RunId("b-1")


async def test_wait_ends_without_a_change() -> None:
    """Whoever waits in vain is told so after the time given, and leaves nothing behind."""
    live = Live()

    changed = [
        await live.wait_events(0.001),
        await live.wait_run(RUN, 0.001),
        await live.wait_log(RUN, 0.001),
    ]

    assert changed == [False, False, False]
    assert not live._waiting


async def test_growing_log_wakes_its_readers_only() -> None:
    """All readers of a log wake up, those of another run sleep on."""
    live = Live()
    here = [asyncio.create_task(live.wait_log(RUN, 10)) for _ in range(2)]
    there = asyncio.create_task(live.wait_log(RunId("b-2"), 10))
    await asyncio.sleep(0)

    live.log_grew(RUN)
    woken = await asyncio.gather(*here)

    assert woken == [True, True]
    assert not there.done()
    there.cancel()


async def test_commit_wakes_readers_of_the_run_and_of_all(hand: World) -> None:
    """A stored decision wakes those who wait for that run and those who wait for any."""
    made = await hand.add_pipeline(one_job("a"))
    head = await hand.start(made)
    waits = [
        asyncio.create_task(hand.live.wait_run(head.id, 10)),
        asyncio.create_task(hand.live.wait_events(10)),
    ]
    await asyncio.sleep(0)

    await hand.claim(head.id)

    assert await asyncio.gather(*waits) == [True, True]


async def test_reader_that_went_away_disturbs_nobody() -> None:
    """A hint for somebody who is gone is passed over."""
    live = Live()
    gone = asyncio.create_task(live.wait_run(RUN, 10))
    await asyncio.sleep(0)
    (future,) = live._waiting[f"run:{RUN}"]
    future.cancel()

    live._wake(f"run:{RUN}")

    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_one_of_two_readers_leaves(hand: World) -> None:
    """When one reader's time is over the other one still waits."""
    live = Live()
    patient = asyncio.create_task(live.wait_run(RUN, 10))
    await asyncio.sleep(0)

    await live.wait_run(RUN, 0.001)
    live._wake(f"run:{RUN}")

    assert await patient


async def test_ends_and_losses_are_counted(hand: World) -> None:
    """Ended runs are counted by their status, lost attempts and fenced reports by themselves."""
    made = await hand.add_pipeline(one_job("a"))
    first = await hand.start(made)
    second = await hand.start(made)
    await hand.report(await hand.claim(first.id))
    await hand.claim(second.id)

    await hand.engine.lose_job(second.id, JobId("1"))
    await hand.report(await hand.claim(second.id), StepEnd(exit_code=1))
    hand.live.report_fenced()

    assert hand.live.reports_fenced == 1
    counted = await hand.store.tallies()
    assert counted["runs_ended", "succeeded"] == counted["runs_ended", "failed"] == 1
    assert counted["lost_attempts", ""] == 1
