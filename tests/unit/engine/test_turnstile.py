"""Guessing is slowed, nobody is locked out."""

import asyncio

import pytest

from engine_world import FixedClock
from mulligan.engine.turnstile import (
    FREE_FAILURES,
    FREE_FAILURES_OF_ALL,
    CrowdedError,
    Turnstile,
)

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


async def attempt(turnstile: Turnstile, user: str, address: str, *, is_right: bool = False) -> None:
    """Pass once."""
    async with turnstile.passing(user, address) as passing:
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


async def guess(turnstile: Turnstile, users: int, addresses: int) -> None:
    """Use up what is free for all: with so many users, or addresses, one after the other."""
    for number in range(FREE_FAILURES_OF_ALL):
        await attempt(turnstile, f"user{number % users}", f"10.0.0.{number % addresses}")


@pytest.mark.parametrize(("users", "addresses"), [(1, 250), (250, 1)])
async def test_many_addresses_and_many_users(users: int, addresses: int) -> None:
    """Guessing one user from everywhere is slowed as guessing everybody from one place is."""
    pauses = Pauses()
    turnstile = Turnstile(FixedClock(), pause=pauses)

    await guess(turnstile, users, addresses)
    free = list(pauses.seconds)
    for number in range(4):
        user = "user0" if users == 1 else f"new{number}"
        await attempt(turnstile, user, "10.0.0.0" if addresses == 1 else f"10.0.1.{number}")

    assert free == []
    assert pauses.seconds == [0.25, 0.5, 1.0, 1.0]


@pytest.mark.parametrize(("users", "addresses"), [(1, 250), (250, 1)])
async def test_strangers_keep_nobody_out(users: int, addresses: int) -> None:
    """Who was right at this address before does not wait for them; who comes new waits a second."""
    pauses = Pauses()
    turnstile = Turnstile(FixedClock(), pause=pauses)
    place = "10.0.0.0" if addresses == 1 else "10.9.9.9"
    await attempt(turnstile, "user0", place, is_right=True)
    await guess(turnstile, users, addresses)
    pauses.gate.clear()
    asking = [
        asyncio.create_task(attempt(turnstile, "user0" if users == 1 else f"new{n}", at))
        for n in range(20)
        for at in ["10.0.0.0" if addresses == 1 else f"10.0.2.{n}"]
    ]
    await asyncio.sleep(0)

    await attempt(turnstile, "user0", place, is_right=True)

    pauses.gate.set()
    await asyncio.gather(*asking)
    pauses.seconds.clear()
    await attempt(turnstile, "user0" if users == 1 else "new99", "10.0.0.0", is_right=True)
    assert pauses.seconds == [1.0]


async def test_own_success_does_not_help_to_guess() -> None:
    """Who signs in as themselves in between is slowed like anybody else."""
    pauses = Pauses()
    turnstile = Turnstile(FixedClock(), pause=pauses)

    for number in range(FREE_FAILURES_OF_ALL + 1):
        await attempt(turnstile, "eve", "10.0.0.1", is_right=True)
        await attempt(turnstile, f"user{number}", "10.0.0.1")

    assert pauses.seconds == [0.25]


async def test_networks_of_one_customer() -> None:
    """All addresses of IPv6 that begin alike count as one, and IPv4 within it as what it is."""
    pauses = Pauses()
    turnstile = Turnstile(FixedClock(), pause=pauses)

    for number in range(FREE_FAILURES):
        await attempt(turnstile, "ann", f"2001:db8:1:2::{number:x}")
        await attempt(turnstile, "bob", f"{'::ffff:' if number % 2 else ''}10.0.0.1")
    for address in ("2001:db8:1:2:ffff::1", "2001:db8:1:3::1"):
        await attempt(turnstile, "ann", address)
    await attempt(turnstile, "bob", "10.0.0.1")

    assert pauses.seconds == [0.25, 0.25]


async def test_one_that_was_only_waiting_has_not_failed() -> None:
    """Whoever goes away before the secret was looked at has guessed nothing."""
    pauses = Pauses()
    turnstile = Turnstile(FixedClock(), pause=pauses)
    for _ in range(FREE_FAILURES):
        await attempt(turnstile, "ann", "here")
    pauses.gate.clear()
    waiting = asyncio.create_task(attempt(turnstile, "ann", "here"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    pauses.gate.set()

    await attempt(turnstile, "ann", "here", is_right=True)

    assert pauses.seconds == [0.25, 0.25]


async def test_what_is_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users that nobody has, and addresses without end, take no more than so much memory."""
    monkeypatch.setattr("mulligan.engine.turnstile._MOST_KEYS", 5)
    turnstile = Turnstile(FixedClock(), pause=Pauses())

    for number in range(20):
        await attempt(turnstile, f"user{number}", f"10.0.0.{number}", is_right=number % 2 == 0)

    kept = (turnstile._of_both, turnstile._of_users, turnstile._of_addresses)
    assert [len(lanes._lanes) for lanes in kept] == [5, 5, 5]
    assert len(turnstile._known) == 5
