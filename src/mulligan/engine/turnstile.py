"""Attempts to guess a secret: a few are free, then they pass one at a time and slowly."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mulligan.ports import Clock

FREE_FAILURES = 10  # in a row; also how many attempts may be under way before there was any
_PAUSES_S = (0.25, 0.5, 1.0)  # before the next attempts; the last one stays
_MOST_WAITING = 20  # attempts that wait for their turn when pauses have begun
_MOST_WAITING_FREE = 200  # … and before that: many clients that start at once
_FORGET = timedelta(minutes=15)  # after the last failure
_MOST_KEYS = 10_000


class CrowdedError(Exception):
    """So many attempts wait already that this one is not taken; again after a second."""


@dataclass
class _Lane:
    failures: int = 0
    under_way: int = 0
    free: int = 0  # of these: let through without a turn
    last_at: datetime | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Attempt:
    """One attempt that passes; it failed unless `succeed` is called."""

    def __init__(self) -> None:
        self.has_succeeded = False

    def succeed(self) -> None:
        """Tell that the secret was right."""
        self.has_succeeded = True


class Turnstile:
    """Counts failures by key (user and address) and slows guessing to one try a second.

    Nobody is locked out: whoever knows the secret waits for their turn, at other addresses not
    even that. The pause comes before the secret is looked at, so a quick answer tells nothing.

    Args:
        pause: How to wait; tests give their own.
    """

    def __init__(
        self, clock: Clock, *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._lanes: OrderedDict[tuple[str, ...], _Lane] = OrderedDict()

    @contextlib.asynccontextmanager
    async def passing(self, *key: str) -> AsyncIterator[Attempt]:
        """Let one attempt through.

        Raises:
            CrowdedError: Too many wait.
        """
        lane = self._lane(key)
        is_free = lane.failures + lane.under_way < FREE_FAILURES
        slow = lane.failures >= FREE_FAILURES
        if lane.under_way > (_MOST_WAITING if slow else _MOST_WAITING_FREE):
            raise CrowdedError
        attempt = Attempt()
        lane.under_way += 1
        try:
            if is_free:
                lane.free += 1
                try:
                    with self._noted(lane, attempt):
                        yield attempt
                finally:
                    lane.free -= 1
                return
            async with lane.turn:
                await self._wait(lane)
                with self._noted(lane, attempt):  # before the next one has its turn
                    yield attempt
        finally:
            lane.under_way -= 1

    def _lane(self, key: tuple[str, ...]) -> _Lane:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane()
            self._shrink()
        elif lane.last_at is not None and self._clock.now() - lane.last_at > _FORGET:
            lane.failures = 0
        self._lanes.move_to_end(key)
        return lane

    def _shrink(self) -> None:
        """Forget the key that was used longest ago and where nobody passes."""
        if len(self._lanes) > _MOST_KEYS:
            oldest = next((key for key, lane in self._lanes.items() if not lane.under_way), None)
            if oldest is not None:
                del self._lanes[oldest]

    async def _wait(self, lane: _Lane) -> None:
        above = lane.failures + lane.free - FREE_FAILURES  # those count until they are known
        if above >= 0:
            await self._pause(_PAUSES_S[min(above, len(_PAUSES_S) - 1)])

    @contextlib.contextmanager
    def _noted(self, lane: _Lane, attempt: Attempt) -> Iterator[None]:
        try:
            yield
        finally:
            if attempt.has_succeeded:
                lane.failures = 0
            else:
                lane.failures += 1
                lane.last_at = self._clock.now()
