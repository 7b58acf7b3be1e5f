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

    def offer(self, offer: Offer) -> None:
        """Let a waiting runner know."""
        self._offers.append(offer)
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
            await waiter
        return self._offers.popleft()
