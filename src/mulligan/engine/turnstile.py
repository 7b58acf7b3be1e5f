"""Attempts to guess a secret: a few are free, then they pass one at a time and slowly."""

import asyncio
import contextlib
import ipaddress
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mulligan.ports import Clock

_PAUSES_S = (0.25, 0.5, 1.0)  # before the next attempts; the last one stays
_MOST_WAITING = 20  # attempts that wait for their turn when pauses have begun
_FORGET = timedelta(minutes=15)  # after the last failure
_MOST_KEYS = 10_000  # of each kind
_NETWORK_BITS = 64  # of an IPv6 address: whoever has one has all that begin so


@dataclass(frozen=True)
class _Width:
    """How much passes freely.

    Args:
        free: Failures; also how many attempts may be under way before there was any.
        most_under_way: Before there was any: many clients that start at once.
    """

    free: int
    most_under_way: int


_NARROW, _WIDE = _Width(10, 200), _Width(50, 2_000)
FREE_FAILURES, FREE_FAILURES_OF_ALL = _NARROW.free, _WIDE.free


class CrowdedError(Exception):
    """So many attempts wait already that this one is not taken; again after a second."""


@dataclass
class _Lane:
    width: _Width
    failures: int = 0
    under_way: int = 0
    free: int = 0  # of these: let through without a turn
    last_at: datetime | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Attempt:
    """One attempt that passes; it failed unless `succeed` is called."""

    def __init__(self) -> None:
        self.has_begun = False  # else it has only waited
        self.has_succeeded = False

    def succeed(self) -> None:
        """Tell that the secret was right."""
        self.has_succeeded = True


class Turnstile:
    """Slows guessing to one try a second: of a user from an address, of a user, from an address.

    The last two, which allow more failures before they begin, are for those who come from many
    addresses, or try many users. They don't concern a user at an address where they have had the
    right secret before: so nobody is kept out by what strangers do.

    Nobody is locked out: whoever knows the secret waits for their turn. The pause comes before
    the secret is looked at, so a quick answer tells nothing.

    Args:
        pause: How to wait; tests give their own.
    """

    def __init__(
        self, clock: Clock, *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._of_both = _Lanes(_NARROW)
        self._of_users = _Lanes(_WIDE)
        self._of_addresses = _Lanes(_WIDE)
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()  # were right before

    @contextlib.asynccontextmanager
    async def passing(self, user: str, address: str) -> AsyncIterator[Attempt]:
        """Let one attempt through.

        Raises:
            CrowdedError: Too many wait.
        """
        place = _network_of(address)
        key = (user, place)
        now = self._clock.now()
        lanes = [self._of_both.find(key, now)]
        if key not in self._known:
            lanes += [self._of_users.find((user,), now), self._of_addresses.find((place,), now)]
        attempt = Attempt()
        async with contextlib.AsyncExitStack() as stack:
            for lane in lanes:  # always in this order, so that nobody waits for each other
                await stack.enter_async_context(self._through(lane, attempt))
            attempt.has_begun = True
            yield attempt
        if attempt.has_succeeded:
            self._remember(key)

    @contextlib.asynccontextmanager
    async def _through(self, lane: _Lane, attempt: Attempt) -> AsyncIterator[None]:
        free = lane.width.free
        is_free = lane.failures + lane.under_way < free
        most = _MOST_WAITING if lane.failures >= free else lane.width.most_under_way
        if lane.under_way > most:
            raise CrowdedError
        lane.under_way += 1
        try:
            if is_free:
                lane.free += 1
                try:
                    with self._noted(lane, attempt):
                        yield
                finally:
                    lane.free -= 1
                return
            async with lane.turn:
                await self._wait(lane)
                with self._noted(lane, attempt):  # before the next one has its turn
                    yield
        finally:
            lane.under_way -= 1

    async def _wait(self, lane: _Lane) -> None:
        above = lane.failures + lane.free - lane.width.free  # those count until they are known
        if above >= 0:
            await self._pause(_PAUSES_S[min(above, len(_PAUSES_S) - 1)])

    @contextlib.contextmanager
    def _noted(self, lane: _Lane, attempt: Attempt) -> Iterator[None]:
        try:
            yield
        finally:
            if attempt.has_succeeded:
                if lane.width is _NARROW:  # of a wide one it proves nothing: anybody has one user
                    lane.failures = 0
            elif attempt.has_begun:
                lane.failures += 1
                lane.last_at = self._clock.now()

    def _remember(self, key: tuple[str, str]) -> None:
        self._known[key] = None
        self._known.move_to_end(key)
        if len(self._known) > _MOST_KEYS:
            self._known.popitem(last=False)


class _Lanes:
    """Lanes of one kind by their key; those used longest ago are forgotten."""

    def __init__(self, width: _Width) -> None:
        self._width = width
        self._lanes: OrderedDict[tuple[str, ...], _Lane] = OrderedDict()

    def find(self, key: tuple[str, ...], now: datetime) -> _Lane:
        """Return a lane; make it if need be."""
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(self._width)
            self._shrink()
        elif lane.last_at is not None and now - lane.last_at > _FORGET:
            lane.failures = 0
        self._lanes.move_to_end(key)
        return lane

    def _shrink(self) -> None:
        """Forget the key that was used longest ago and where nobody passes."""
        if len(self._lanes) > _MOST_KEYS:
            oldest = next((key for key, lane in self._lanes.items() if not lane.under_way), None)
            if oldest is not None:
                del self._lanes[oldest]


def _network_of(address: str) -> str:
    """Give the address, of IPv6 the network that one customer of a provider has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, ipaddress.IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found.packed[: _NETWORK_BITS // 8] + bytes(8), _NETWORK_BITS)))
