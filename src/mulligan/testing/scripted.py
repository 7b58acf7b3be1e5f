"""An executor that runs nothing, obeys the test, misbehaves on demand and notices misuse."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from mulligan.core.ids import JobId, RunId
from mulligan.core.prepare import StepOrder
from mulligan.core.run import Run
from mulligan.logs.store import LogFiles
from mulligan.logs.writer import LineCounter, LogWriter
from mulligan.ports import LateEnd, StepEnd

JobKey = tuple[RunId, JobId]


@dataclass
class Behaviour:
    """How the steps of one name behave.

    Args:
        ends: How the next attempts end; when they are used up, an attempt succeeds.
        always: How every attempt ends, if `ends` has nothing.
        output: Lines that an attempt prints at its start.
        holds: An attempt waits until it is released, killed or out of time.
        is_stubborn: TERM is ignored; only the KILL after the grace ends it.
    """

    ends: list[StepEnd] = field(default_factory=list)
    always: StepEnd | None = None
    output: tuple[str, ...] = ()
    holds: bool = False
    is_stubborn: bool = False


class _Running:
    """One attempt that goes on."""

    def __init__(self, order: StepOrder, log: LogWriter | None) -> None:
        self.order = order
        self.log = log
        self.over: asyncio.Event = asyncio.Event()
        self.killed_as: StepEnd | None = None


class ScriptedExecutor:
    """Implements `ports.Executor`. Steps are named by their name in the definition.

    The methods that steer it may be called from any thread, those of the port only by the engine.

    Args:
        logs: Where output is written; None = nowhere.
        on_output: Called when something was.
    """

    def __init__(
        self, logs: LogFiles | None = None, on_output: Callable[[RunId], None] = lambda _run: None
    ) -> None:
        self.started: list[tuple[str, int]] = []  # name and attempt, in order
        self.orders: list[StepOrder] = []
        self.ended_jobs: list[JobKey] = []
        self.misuses: list[str] = []
        self.reasons: dict[str, str] = {}  # by step id: why it was not run
        self.late: list[LateEnd] = []
        self._logs = logs
        self._on_output = on_output
        self._behaviours: defaultdict[str, Behaviour] = defaultdict(Behaviour)
        self._running: dict[JobKey, _Running] = {}
        self._seen: set[tuple[RunId, str, int, int]] = set()
        self._counters: dict[RunId, LineCounter] = {}
        self._logs_open: dict[tuple[RunId, JobId, int], LogWriter] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    # --- for the test -------------------------------------------------------------------------

    def fail(self, name: str, *, times: int | None = None, exit_code: int = 1) -> None:
        """Let the next `times` attempts of a step fail; None: all until `repair`."""
        end = StepEnd(exit_code=exit_code)
        if times is None:
            self._behaviours[name].always = end
        else:
            self._behaviours[name].ends += [end] * times

    def end_with(self, name: str, end: StepEnd) -> None:
        """Let the next attempt of a step end like that: lost, not startable, with variables …"""
        self._behaviours[name].ends.append(end)

    def repair(self, name: str) -> None:
        """Let a step succeed from now on."""
        self._behaviours[name].always = None
        self._behaviours[name].ends.clear()

    def print(self, name: str, *lines: str) -> None:
        """Let every attempt of a step begin with this output."""
        self._behaviours[name].output = lines

    def hold(self, name: str, *, is_stubborn: bool = False) -> None:
        """Let attempts of a step wait; a stubborn one ignores TERM."""
        self._behaviours[name].holds = True
        self._behaviours[name].is_stubborn = is_stubborn

    def release(self, name: str) -> None:
        """Let waiting attempts of a step end, and later ones not wait."""
        self._behaviours[name].holds = False
        self._soon(lambda: self._release(name))

    def release_all(self) -> None:
        """Let everything end."""
        for name in list(self._behaviours):
            self.release(name)

    def say(self, name: str, text: str) -> None:
        """Let a waiting step print something; a line needs its newline."""
        self._soon(lambda: self._say(name, text))

    def runs(self, name: str) -> int:
        """Tell how often a step was started."""
        return Counter(step for step, _ in self.started)[name]

    def _soon(self, act: Callable[[], None]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act)

    def _release(self, name: str) -> None:
        for running in self._running.values():
            if running.order.step_name == name:
                running.over.set()

    def _say(self, name: str, text: str) -> None:
        for running in self._running.values():
            if running.order.step_name == name and running.log is not None:
                running.log.write(text.encode())
                self._on_output(running.order.run_id)

    # --- the port -----------------------------------------------------------------------------

    async def open(self) -> None:
        """Get ready."""
        self._loop = asyncio.get_running_loop()

    async def run_step(self, order: StepOrder, timeout_s: float) -> StepEnd:
        """Do what the script says."""
        key = (order.run_id, order.job_id)
        self._check(order, key)
        self.started.append((order.step_name, order.step_attempt))
        self.orders.append(order)
        behaviour = self._behaviours[order.step_name]
        log = self._begin_log(order, behaviour)
        running = self._running[key] = _Running(order, log)
        try:
            end = await self._wait(running, behaviour, timeout_s)
        finally:
            del self._running[key]
            if log is not None:
                log.end_section()
        return end

    async def _wait(self, running: _Running, behaviour: Behaviour, timeout_s: float) -> StepEnd:
        if behaviour.holds:
            try:
                async with asyncio.timeout(timeout_s):
                    await running.over.wait()
            except TimeoutError:
                return StepEnd(cause="timeout", signal=15)
        else:
            await asyncio.sleep(0)
        if running.killed_as is not None:
            return running.killed_as
        if behaviour.ends:
            return behaviour.ends.pop(0)
        return behaviour.always or StepEnd(exit_code=0)

    def kill_step(self, order: StepOrder, cause: str, grace_s: float) -> None:
        """End a waiting step, a stubborn one after the grace."""
        running = self._running.get((order.run_id, order.job_id))
        if running is None or running.order.fence != order.fence:
            return
        if not self._behaviours[order.step_name].is_stubborn:
            self._kill(running, StepEnd(cause=cause, signal=15))
        elif self._loop is not None:
            end = StepEnd(cause=cause, signal=9)
            self._loop.call_later(grace_s, self._kill, running, end)

    @staticmethod
    def _kill(running: _Running, end: StepEnd) -> None:
        running.killed_as = end
        running.over.set()

    async def end_job(self, order: StepOrder) -> None:
        """Note the end of a job attempt."""
        key = (order.run_id, order.job_id)
        if key in self._running:
            self.misuses.append(f"end_job while a step of {key} runs")
        self.ended_jobs.append(key)
        log = self._logs_open.pop((*key, order.job_attempt), None)
        if log is not None:
            log.close()

    async def explain(self, order: StepOrder, message: str) -> None:
        """Keep the reason why a step was not run."""
        self.reasons[order.step_id] = message

    async def late_ends(self) -> tuple[LateEnd, ...]:
        """Return what the test put into `late`."""
        return tuple(self.late)

    async def forget_late_ends(self) -> None:
        """Drop them."""
        self.late.clear()

    async def close(self) -> None:
        """End everything that waits."""
        for running in self._running.values():
            self._kill(running, StepEnd(cause="lost"))
        for log in self._logs_open.values():
            log.close()
        self._logs_open.clear()
        self._loop = None

    def _check(self, order: StepOrder, key: JobKey) -> None:
        if self._loop is None:
            self.misuses.append("run_step before open or after close")
        if key in self._running:
            self.misuses.append(f"two steps of job {key} at once")
        once = (order.run_id, order.step_id, order.step_attempt, order.fence)
        if once in self._seen:
            self.misuses.append(f"{order.step_name} started twice under one fence")
        self._seen.add(once)

    def _begin_log(self, order: StepOrder, behaviour: Behaviour) -> LogWriter | None:
        if self._logs is None:
            return None
        key = (order.run_id, order.job_id, order.job_attempt)
        log = self._logs_open.get(key)
        if log is None:
            counter = self._counters.setdefault(order.run_id, LineCounter())
            path = self._logs.path(*key)
            log = self._logs_open[key] = LogWriter(path, counter)
        log.begin_section(order.step_id, order.step_attempt, order.run_attempt)
        for line in behaviour.output:
            log.write(f"{line}\n".encode())
        self._on_output(order.run_id)
        return log


class ScriptedFiles:
    """Implements `ports.Files`. `gone`: jobs whose directory is not there any more."""

    def __init__(self) -> None:
        self.gone: set[JobId] = set()
        self.discarded: list[RunId] = []
        self.compressed: list[RunId] = []

    def live_workspaces(self, run: Run) -> frozenset[JobId]:
        """Return all jobs but those that are gone."""
        return frozenset(job.id for job in run.index.all_jobs()) - self.gone

    def discard_workspaces(self, run: Run) -> None:
        """Note that it was asked for."""
        self.discarded.append(run.head.id)

    async def sweep(self, max_age_s: float) -> int:
        """Delete nothing: nothing here has an age."""
        del max_age_s
        return 0

    async def compress_logs(self, run: Run) -> None:
        """Note that it was asked for."""
        self.compressed.append(run.head.id)
