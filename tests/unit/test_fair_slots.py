"""Slots: how many at once, whose turn it is, rests of hosts that do not answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from mulligan.fair_slots import FairSlots

pytestmark = pytest.mark.anyio


class Work:
    """Work at hosts that goes on until it is told to end."""

    def __init__(self, slots: FairSlots) -> None:
        self._slots = slots
        self.ends: list[tuple[str, asyncio.Event]] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def begin(self, *hosts: str) -> None:
        """Begin work at hosts, in this order."""
        for host in hosts:
            self.tasks.append(asyncio.create_task(self._work(host)))
            await self.settle()

    async def _work(self, host: str) -> None:
        async with self._slots.of(host):
            end = asyncio.Event()
            self.ends.append((host, end))
            await end.wait()

    @property
    def running(self) -> list[str]:
        """Give the hosts of what is under way, in the order in which it began."""
        return [host for host, end in self.ends if not end.is_set()]

    async def end(self, host: str) -> None:
        """End the oldest work at a host."""
        next(end for name, end in self.ends if name == host and not end.is_set()).set()
        await self.settle()

    @staticmethod
    async def settle() -> None:
        """Let everything happen that can."""
        for _ in range(5):
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def working(slots: FairSlots) -> AsyncIterator[Work]:
    """Give work; cut it off in the end."""
    work = Work(slots)
    try:
        yield work
    finally:
        for task in work.tasks:
            task.cancel()
        await asyncio.gather(*work.tasks, return_exceptions=True)


async def test_hosts_take_turns() -> None:
    """A host has its bound; of what is free, each host gets its part."""
    async with working(FairSlots(most=3, per_host=2)) as work:
        await work.begin("a", "a", "a", "a", "b", "b", "c")
        assert work.running == ["a", "a", "b"]
        await work.end("a")
        assert work.running == ["a", "b", "c"]
        await work.end("b")
        assert work.running == ["a", "c", "a"]


async def test_silent_hosts_share_a_part() -> None:
    """Hosts that did not answer leave three quarters of the places to the others."""
    slots = FairSlots(most=4, per_host=2)
    for host in ("a", "b", "c"):
        slots.missed(host)
    async with working(slots) as work:
        await work.begin("a", "b", "c", "good", "fine")
        assert work.running == ["a", "good", "fine"]
        slots.answered("b")
        await work.end("good")
        assert work.running == ["a", "fine", "b"]


async def test_a_silent_host_rests() -> None:
    """It is called by one at a time, after its rest; an answer ends that."""
    slots = FairSlots(most=4, per_host=2, rests_s=(3600.0,))
    slots.missed("a")
    async with working(slots) as work:
        await work.begin("a", "a")
        assert work.running == []
        assert slots.silences("a") == 1
        slots.answered("a")
        await work.begin("b")
        assert sorted(work.running) == ["a", "a", "b"]


async def test_a_rest_ends_by_itself() -> None:
    """Nothing else need happen."""
    slots = FairSlots(most=4, per_host=2, rests_s=(0.0,))
    slots.missed("a")
    async with asyncio.timeout(30), slots.of("a"):
        assert slots.silences("a") == 1


async def test_who_gives_up_leaves_the_line() -> None:
    """Waiting and working may be cut off; the place goes to the next."""
    async with working(FairSlots(most=1, per_host=1)) as work:
        await work.begin("a", "a", "b")
        work.tasks[1].cancel()
        await work.settle()
        work.tasks[0].cancel()
        await work.settle()
        assert work.tasks[0].done()
        assert work.running[-1] == "b"
