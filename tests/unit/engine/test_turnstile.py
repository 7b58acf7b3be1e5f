"""Guessing is slowed, nobody is locked out."""

import asyncio

import pytest

from engine_world import FixedClock
from mulligan.engine.turnstile import FREE_FAILURES, CrowdedError, Turnstile

pytestmark = pytest.mark.anyio


class Pauses:
    """Waits no time, but keeps how long it was to be. `gate`: set to let waiters go on."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, seconds: float) -> None:
        """Wait."""
        self.seconds.append(seconds)
        await self.gate.wait()


async def attempt(turnstile: Turnstile, *key: str, is_right: bool = False) -> None:
    """Pass once."""
    async with turnstile.passing(*key) as passing:
        await asyncio.sleep(0)
        if is_right:
            passing.succeed()


async def test_some_failures_are_free() -> None:
    """A few wrong attempts cost nothing, the next ones wait up to a second each."""
    pauses = Pauses()
    turnstile = Turnstile(FixedClock(), pause=pauses)

    for _ in range(FREE_FAILURES):
        await attempt(turnstile, "ann", "here")
    free = list(pauses.seconds)
    for _ in range(4):
        await attempt(turnstile, "ann", "here")

    assert free == []
    assert pauses.seconds == [0.25, 0.5, 1.0, 1.0]


async def test_parallel_attempts_are_counted_too() -> None:
    """A burst passes no faster than one after the other."""
    pauses = Pauses()
    turnstile = Turnstile(FixedClock(), pause=pauses)

    await asyncio.gather(*(attempt(turnstile, "ann", "here") for _ in range(FREE_FAILURES + 3)))

    assert pauses.seconds == [0.25, 0.5, 1.0]


async def test_right_secret_gets_through_and_clears() -> None:
    """Who knows the secret waits for a moment, and after that nobody waits any more."""
    pauses = Pauses()
    turnstile = Turnstile(FixedClock(), pause=pauses)
    for _ in range(FREE_FAILURES + 5):
        await attempt(turnstile, "ann", "here")
    pauses.seconds.clear()

    await attempt(turnstile, "ann", "here", is_right=True)
    await attempt(turnstile, "ann", "here")

    assert pauses.seconds == [1.0]


async def test_others_do_not_wait() -> None:
    """Another user, and the same one at another address, pass freely."""
    pauses = Pauses()
    turnstile = Turnstile(FixedClock(), pause=pauses)
    for _ in range(FREE_FAILURES):
        await attempt(turnstile, "ann", "here")

    await attempt(turnstile, "bob", "here")
    await attempt(turnstile, "ann", "there")

    assert pauses.seconds == []


async def test_crowd_is_not_taken() -> None:
    """Attempts that would wait too long are refused at once, and not counted as wrong."""
    pauses = Pauses()
    turnstile = Turnstile(FixedClock(), pause=pauses)
    for _ in range(FREE_FAILURES):
        await attempt(turnstile, "ann", "here")
    pauses.gate.clear()
    waiting = [asyncio.create_task(attempt(turnstile, "ann", "here")) for _ in range(21)]
    await asyncio.sleep(0)

    with pytest.raises(CrowdedError):
        await attempt(turnstile, "ann", "here")

    pauses.gate.set()
    await asyncio.gather(*waiting)
    await attempt(turnstile, "ann", "here", is_right=True)


async def test_failures_are_forgotten() -> None:
    """A quarter of an hour after the last failure attempts are free again."""
    clock, pauses = FixedClock(), Pauses()
    turnstile = Turnstile(clock, pause=pauses)
    for _ in range(FREE_FAILURES):
        await attempt(turnstile, "ann", "here")

    clock.advance(minutes=15, seconds=1)
    await attempt(turnstile, "ann", "here")

    assert pauses.seconds == []
