"""Live: wakes whoever waits for a run to change or for a log to grow. Hints only.

A waiter reads the store (or the log file) after it was woken, so a lost or doubled hint costs
nothing but a look.
"""

import asyncio
from collections import Counter, defaultdict

from mulligan.core.cause import Cause
from mulligan.core.decision import Decision
from mulligan.core.events import RunFinished, StepFinished
from mulligan.core.ids import RunId
from mulligan.core.status import Status


class Live:
    """One per process. `wait` returns at the next change, or after `timeout_s`.

    It also counts what it is told of, since the process began: `runs_ended` by status,
    `attempts_lost`, `reports_fenced`.
    """

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self.runs_ended: Counter[Status] = Counter()
        self.attempts_lost = 0
        self.reports_fenced = 0

    def report_fenced(self) -> None:
        """Tell that a report came too late and was refused."""
        self.reports_fenced += 1

    def committed(self, decision: Decision) -> None:
        """Tell that a decision of a run was stored."""
        for event in decision.events:
            if isinstance(event, RunFinished):
                self.runs_ended[event.status] += 1
            elif isinstance(event, StepFinished) and event.cause is Cause.LOST:
                self.attempts_lost += 1
        self._wake("events")
        self._wake(f"run:{decision.run.head.id}")

    def log_grew(self, run_id: RunId) -> None:
        """Tell that output of the run was written."""
        self._wake(f"log:{run_id}")

    async def wait_events(self, timeout_s: float) -> bool:
        """Wait until any run changes; False: nothing in that time."""
        return await self._wait("events", timeout_s)

    async def wait_run(self, run_id: RunId, timeout_s: float) -> bool:
        """Wait until the run changes; False: nothing in that time."""
        return await self._wait(f"run:{run_id}", timeout_s)

    async def wait_log(self, run_id: RunId, timeout_s: float) -> bool:
        """Wait until a log of the run grows; False: nothing in that time."""
        return await self._wait(f"log:{run_id}", timeout_s)

    async def _wait(self, topic: str, timeout_s: float) -> bool:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[topic].add(future)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError:
            return False
        else:
            return True
        finally:
            waiting = self._waiting.get(topic)
            if waiting is not None:
                waiting.discard(future)
                if not waiting:
                    self._waiting.pop(topic, None)

    def _wake(self, topic: str) -> None:
        for future in self._waiting.pop(topic, ()):
            if not future.done():
                future.set_result(None)
