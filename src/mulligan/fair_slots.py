"""Slots for what calls other hosts: a host that does not answer holds up no other."""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

_MOST_KNOWN = 4096  # hosts whose last answer is remembered


@dataclass
class _Host:
    """How a host stands.

    Args:
        silences: How often it did not answer, since it last did.
        rests_until: Of the clock of the event loop.
    """

    busy: int = 0
    silences: int = 0
    rests_until: float = 0.0
    waiting: deque[asyncio.Future[bool]] = field(default_factory=deque)

    @property
    def is_idle(self) -> bool:
        return not self.busy and not self.waiting


class FairSlots:
    """So much at once in all, to one host, and to all hosts that did not answer last time.

    Hosts take turns; what waits for one host goes in the order in which it came.

    Args:
        most: At once.
        per_host: At once to one host.
        rests_s: How long a host is left alone when it did not answer, did not answer again, …;
            a host that rests is called by one at a time. Empty: no rests.
    """

    def __init__(self, *, most: int, per_host: int, rests_s: tuple[float, ...] = ()) -> None:
        self._most = most
        self._most_silent = most // 4
        self._per_host = per_host
        self._rests_s = rests_s
        self._hosts: OrderedDict[str, _Host] = OrderedDict()  # in the order of their turns
        self._busy = 0
        self._busy_silent = 0

    @contextlib.asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """Wait for a turn at a host; hold it within the block."""
        host = self._known(name)
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        host.waiting.append(turn)
        self._give()
        try:
            await turn
            yield
        finally:
            if turn.cancelled():
                with contextlib.suppress(ValueError):
                    host.waiting.remove(turn)
            else:
                self._end(host, was_silent=turn.result())

    def silences(self, name: str) -> int:
        """Return how often a host did not answer, since it last did."""
        host = self._hosts.get(name)
        return host.silences if host is not None else 0

    def answered(self, name: str) -> None:
        """Note that a host answered, whatever it said."""
        host = self._known(name)
        host.silences, host.rests_until = 0, 0.0

    def missed(self, name: str) -> None:
        """Note that a host did not answer."""
        host = self._known(name)
        host.silences += 1
        if self._rests_s:
            rest_s = self._rests_s[min(host.silences, len(self._rests_s)) - 1]
            loop = asyncio.get_running_loop()
            host.rests_until = loop.time() + rest_s
            loop.call_later(rest_s, self._give)

    def _known(self, name: str) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= _MOST_KNOWN:
                idle = (each for each, known in self._hosts.items() if known.is_idle)
                self._hosts.pop(next(idle, ""), None)
            host = self._hosts[name] = _Host()
            self._hosts.move_to_end(name, last=False)  # it had no turn yet
        return host

    def _give(self) -> None:
        """Give free slots to those whose turn it is."""
        now = asyncio.get_running_loop().time()
        while self._busy < self._most:
            name = next((n for n, host in self._hosts.items() if self._may(host, now)), None)
            if name is None:
                return
            host = self._hosts[name]
            self._hosts.move_to_end(name)
            self._busy += 1
            host.busy += 1
            self._busy_silent += host.silences > 0
            host.waiting.popleft().set_result(host.silences > 0)

    def _may(self, host: _Host, now: float) -> bool:
        while host.waiting and host.waiting[0].done():  # given up
            host.waiting.popleft()
        if not host.waiting or now < host.rests_until:
            return False
        if not host.silences:
            return host.busy < self._per_host
        most = 1 if self._rests_s else self._per_host
        return host.busy < most and self._busy_silent < self._most_silent

    def _end(self, host: _Host, *, was_silent: bool) -> None:
        self._busy -= 1
        host.busy -= 1
        self._busy_silent -= was_silent
        self._give()
