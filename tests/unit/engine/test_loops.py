"""Loops end when they are cancelled, also in the moment in which what they wait for happens."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from builders import job, pipeline, review, stage
from engine_world import World
from mulligan.core.ids import RunId
from mulligan.engine.live import Live

pytestmark = pytest.mark.anyio

REVIEWED = pipeline(stage("one", job("1", "a"), review=review("bob", timeout_s=3600)))
_ENOUGH = 100  # turns of the event loop: all is in memory


async def turns(count: int) -> None:
    """Let the event loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def ends(loop: Callable[[], Awaitable[None]], wake: Callable[[], None], after: int) -> bool:
    """Cancel a loop some turns after it was woken; tell whether it ended."""
    task = asyncio.ensure_future(loop())
    await turns(_ENOUGH)
    wake()
    await turns(after)
    task.cancel()
    await turns(_ENOUGH)
    has_ended = task.done()
    while not task.done():
        task.cancel()
        await turns(1)
    return has_ended


@pytest.mark.parametrize("after", range(6))
async def test_the_supervisor_ends(hand: World, after: int) -> None:
    """However many turns after it was woken."""
    await hand.start(await hand.add_pipeline(REVIEWED))  # its timer makes the wait a short one
    supervisor = hand.supervisor

    assert await ends(supervisor.run, supervisor.clock_moved, after)


@pytest.mark.parametrize("after", range(6))
async def test_a_follower_ends(after: int) -> None:
    """Who waits for more output again and again can be sent away."""
    live, run = Live(), RunId("b-1")

    async def follow() -> None:
        while True:
            await live.wait_log(run, 60.0)

    assert await ends(follow, lambda: live.log_grew(run), after)
