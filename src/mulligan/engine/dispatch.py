"""The dispatcher of one machine: a queue in memory, filled again from the outbox at the start."""

import asyncio
from collections import deque

from mulligan.ports import Offer


class LocalDispatcher:
    """Brings offers to the runner in this process, in the order in which they came."""

    def __init__(self) -> None:
        self._offers: deque[Offer] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def depth(self) -> int:
        """How many offers wait."""
        return len(self._offers)

    def first(self) -> Offer | None:
        """Return the offer that is next, and leave it there."""
        return self._offers[0] if self._offers else None

    def offer(self, offer: Offer) -> None:
        """Let a waiting runner know."""
        self._offers.append(offer)
        self._wake_one()

    def _wake_one(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def next(self) -> Offer:
        """Wait for an offer."""
        while not self._offers:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if self._offers:
                    self._wake_one()  # it may have been woken just before it went away
                raise
        return self._offers.popleft()
