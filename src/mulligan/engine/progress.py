"""What running steps tell of their progress, stored while they run."""

import asyncio
from collections.abc import Awaitable, Callable

from mulligan.core.errors import MulliganError
from mulligan.core.prepare import StepOrder
from mulligan.log import get_log

log = get_log()

PAUSE_S = 0.2  # between two rounds: a step may tell thousands of rates, of which the newest counts

Note = Callable[[StepOrder, str], Awaitable[None]]


class ProgressRates:
    """Keeps the newest rate of each step until it is stored.

    A rate that is lost in a crash is told again or overtaken: the end of the step brings the last.
    """

    def __init__(self, note: Note, *, pause_s: float = PAUSE_S) -> None:
        self._note = note
        self._pause_s = pause_s
        self._newest: dict[tuple[str, str], tuple[StepOrder, str]] = {}
        self._wake = asyncio.Event()

    def tell(self, order: StepOrder, rate: str) -> None:
        """Take in what a step has told."""
        self._newest[order.run_id, order.step_id] = (order, rate)
        self._wake.set()

    async def run(self) -> None:
        """Store rates as they come."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            told, self._newest = self._newest, {}
            for order, rate in told.values():
                try:
                    await self._note(order, rate)
                except MulliganError as error:  # the next one, or the end of the step, tells it
                    log.warning("progress_not_stored", run_id=order.run_id, error=str(error))
            await asyncio.sleep(self._pause_s)
