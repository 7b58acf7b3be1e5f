"""Live: wakes whoever waits for a run to change or for a log to grow. Hints only.

A waiter reads the store (or the log file) after it was woken, so a lost or doubled hint costs
nothing but a look.
"""

import asyncio
from collections import Counter, defaultdict

from mulligan.core.decision import Decision
from mulligan.core.events import RunFinished
from mulligan.core.ids import PipelineId, RunId
from mulligan.core.run import Run
from mulligan.core.status import Status


class Live:
    """One per process. `wait` returns at the next change, or after `timeout_s`.

    It also counts what no table does, since the process began: `reports_fenced`, and
    `pipelines_ended` by project, pipeline and status.

    Args:
        pipelines: How many pipelines are counted by name; all others are one more.
    """

    def __init__(self, *, pipelines: int = 0) -> None:
        self._waiting: defaultdict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self._most_pipelines = pipelines
        self._pipelines: set[PipelineId] = set()
        self.pipelines_ended: Counter[tuple[str, str, Status]] = Counter()
        self.reports_fenced = 0

    def report_fenced(self) -> None:
        """Tell that a report came too late and was refused."""
        self.reports_fenced += 1

    def committed(self, decision: Decision) -> None:
        """Tell that a decision of a run was stored."""
        if self._most_pipelines:
            for event in decision.events:
                if isinstance(event, RunFinished):
                    self.pipelines_ended[(*self._named(decision.run), event.status)] += 1
        self._wake("events")
        self._wake(f"run:{decision.run.head.id}")

    def _named(self, run: Run) -> tuple[str, str]:
        """Give project and name of a run's pipeline, if it is one of those that are named."""
        pipeline = run.head.pipeline
        if len(self._pipelines) < self._most_pipelines:
            self._pipelines.add(pipeline)
        if pipeline not in self._pipelines:
            return "", ""
        return run.head.project, run.index.spec.name

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
