"""The dispatcher of one machine."""

import asyncio

import pytest

from mulligan.core.ids import JobId, RunId
from mulligan.engine.dispatch import LocalDispatcher
from mulligan.ports import Offer

pytestmark = pytest.mark.anyio


def offer(number: int) -> Offer:
    """Give the offer of a job."""
    return Offer(run_id=RunId("b-1"), job_id=JobId(str(number)), attempt=1)


async def test_offers_come_in_their_order() -> None:
    """What was offered first is taken first."""
    dispatcher = LocalDispatcher()
    for number in range(3):
        dispatcher.offer(offer(number))
    depth = dispatcher.depth

    taken = [await dispatcher.next() for _ in range(3)]

    assert depth == 3
    assert taken == [offer(0), offer(1), offer(2)]


async def test_waiting_runner_is_woken() -> None:
    """A runner that waits gets the next offer."""
    dispatcher = LocalDispatcher()
    waiting = asyncio.create_task(dispatcher.next())
    await asyncio.sleep(0)

    dispatcher.offer(offer(1))

    assert await waiting == offer(1)


async def test_runner_that_went_away_takes_no_offer() -> None:
    """An offer wakes the next runner when the first one has stopped waiting."""
    dispatcher = LocalDispatcher()
    gone = asyncio.create_task(dispatcher.next())
    waiting = asyncio.create_task(dispatcher.next())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)

    dispatcher.offer(offer(1))

    assert await waiting == offer(1)


async def test_runner_that_goes_away_when_woken_passes_it_on() -> None:
    """A runner that is stopped in the moment of its offer leaves it to the next one."""
    dispatcher = LocalDispatcher()
    gone = asyncio.create_task(dispatcher.next())
    waiting = asyncio.create_task(dispatcher.next())
    await asyncio.sleep(0)

    dispatcher.offer(offer(1))
    gone.cancel()
    async with asyncio.timeout(30):
        taken = await waiting

    assert taken == offer(1)
