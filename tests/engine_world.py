"""The engine with all its parts in memory: steps obey the test, the clock stands still.

What misbehaves on demand: `UnrulyStore` (races, slow answers), `UnrulyExecutor` (raises, dies
slowly) and, for outages, `MemoryStore.outages`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from mulligan.core.decision import Decision
from mulligan.core.errors import StaleRevisionError
from mulligan.core.ids import JobId, PipelineId, ProjectId, RunId, RunnerName, StepId, UserName
from mulligan.core.prepare import StepOrder
from mulligan.core.records import Pipeline, PipelineSettings, Role
from mulligan.core.report import StepReport
from mulligan.core.rights import Actor
from mulligan.core.run import Run, RunHead
from mulligan.core.spec import PipelineSpec
from mulligan.core.status import Status
from mulligan.engine.access import Access
from mulligan.engine.catalog import Catalog, Definition
from mulligan.engine.commands import RetryOutcome, RetryRun, StartRun, StopRun
from mulligan.engine.dispatch import LocalDispatcher
from mulligan.engine.live import Live
from mulligan.engine.runner import Runner, RunnerPolicy, report_of
from mulligan.engine.service import Engine, RecoveryPolicy
from mulligan.engine.starting import StartPolicy
from mulligan.engine.supervisor import Supervisor
from mulligan.ports import NO_ACTS, Acts, Executor, Files, StepEnd, Store
from mulligan.store.memory import MemoryStore
from mulligan.testing.scripted import ScriptedExecutor, ScriptedFiles

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHOP = ProjectId("shop")
ANN = UserName("ann")
BOB = UserName("bob")
RUNNER = RunnerName("local")
ADMIN = Actor(user=ANN, is_admin=True)
DEADLINE_S = 30.0


class FixedClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.instant = NOON

    def now(self) -> datetime:
        """Return the instant."""
        return self.instant

    def advance(self, **delta: float) -> None:
        """Move it forward: `advance(minutes=5)`."""
        self.instant += timedelta(**delta)


class CountedIds:
    """Identifiers 1, 2, 3 …"""

    def __init__(self) -> None:
        self._last = 0

    def hex32(self) -> str:
        """Return the next number in 32 hexadecimal digits."""
        self._last += 1
        return f"{self._last:032x}"


class UnrulyStore(MemoryStore):
    """A memory store that loses races and takes its time, when asked to.

    `races`: how many of the next calls of `append` find the run changed by somebody else.
    `failing`: errors of the next calls of `append`, one each.
    """

    def __init__(self) -> None:
        super().__init__()
        self.races = 0
        self.failing: list[Exception] = []
        self.appended: list[Decision] = []
        self._answers = asyncio.Event()
        self._answers.set()

    def hold_answers(self) -> None:
        """Let `append` take decisions, but answer only after `release_answers`."""
        self._answers.clear()

    def release_answers(self) -> None:
        """Answer what was held."""
        self._answers.set()

    async def append(self, decision: Decision, acts: Acts = NO_ACTS) -> None:
        """Store a decision."""
        if self.races > 0:
            self.races -= 1
            await asyncio.sleep(0)
            raise StaleRevisionError("somebody else was quicker")
        if self.failing:
            error = self.failing.pop(0)
            await asyncio.sleep(0)
            raise error
        try:
            self._append(decision, acts)
            self.appended.append(decision)
        finally:
            await asyncio.sleep(0)
            await self._answers.wait()


class UnrulyExecutor(ScriptedExecutor):
    """A scripted executor that raises where it must not, or ends its steps late.

    `raising`: what `run_step` raises, by the name of the step, once.
    `end_job_error`: what every `end_job` raises.
    `dying`: a killed step of that name takes until the event is set.
    """

    def __init__(self) -> None:
        super().__init__()
        self.raising: dict[str, Exception] = {}
        self.end_job_error: Exception | None = None
        self.dying: dict[str, asyncio.Event] = {}
        self.kills: list[tuple[str, str, float]] = []  # step, cause, grace
        self.alive: set[tuple[RunId, JobId, str]] = set()
        self.overlaps: list[str] = []

    async def run_step(self, order: StepOrder, timeout_s: float) -> StepEnd:
        """Do what the script says, or raise."""
        for run_id, job_id, name in self.alive:
            if (run_id, job_id) == (order.run_id, order.job_id):
                self.overlaps.append(f"{order.step_name} begins while {name} lives")
        error = self.raising.pop(order.step_name, None)
        if error is not None:
            raise error
        key = (order.run_id, order.job_id, order.step_name)
        self.alive.add(key)
        try:
            end = await super().run_step(order, timeout_s)
            if end.cause == "cancelled" and order.step_name in self.dying:
                await self.dying.pop(order.step_name).wait()
        finally:
            self.alive.discard(key)
        return end

    def kill_step(self, order: StepOrder, cause: str, grace_s: float) -> None:
        """Note the kill and carry it out."""
        self.kills.append((order.step_name, cause, grace_s))
        super().kill_step(order, cause, grace_s)

    async def end_job(self, order: StepOrder) -> None:
        """Note the end of a job, or raise."""
        await super().end_job(order)
        if self.end_job_error is not None:
            raise self.end_job_error


class UnrulyFiles(ScriptedFiles):
    """Files that can't be compressed while `error` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None

    async def compress_logs(self, run: Run) -> None:
        """Note that it was asked for, or raise."""
        if self.error is not None:
            raise self.error
        await super().compress_logs(run)


class World:
    """All parts of a server in one life. Another one on the same store is the next life."""

    def __init__(
        self,
        *,
        store: Store | None = None,
        clock: FixedClock | None = None,
        executor: Executor | None = None,
        files: Files | None = None,
        slots: int = 4,
        start_policy: StartPolicy | None = None,
        is_dev: bool = False,
    ) -> None:
        self.unruly = UnrulyStore()
        self.store: Store = store or self.unruly
        self.clock = clock or FixedClock()
        self.ids = CountedIds()
        self.files = UnrulyFiles()
        self.scripted = UnrulyExecutor()
        self.executor: Executor = executor or self.scripted
        self.live = Live()
        self.dispatcher = LocalDispatcher()
        self.engine = Engine(
            store=self.store,
            clock=self.clock,
            ids=self.ids,
            files=files or self.files,
            start_policy=start_policy or StartPolicy(),
            recovery_policy=RecoveryPolicy(),
        )
        self.runner = Runner(
            name=RUNNER,
            engine=self.engine,
            executor=self.executor,
            dispatcher=self.dispatcher,
            policy=RunnerPolicy(slots=slots, grace_s=0.05),
        )
        self.supervisor = Supervisor(
            engine=self.engine,
            store=self.store,
            clock=self.clock,
            executor=self.executor,
            dispatcher=self.dispatcher,
            runner=self.runner,
        )
        self.access = Access(store=self.store, clock=self.clock, ids=self.ids, is_dev=is_dev)
        self.catalog = Catalog(store=self.store, clock=self.clock, ids=self.ids)
        self.supervisor.calls.may = self.access.may_in_name_of
        self.engine.on_effects = self.supervisor.take_effects
        self.engine.on_commit = self.live.committed
        self.engine.first_offer = self.dispatcher.first
        self._tasks: list[asyncio.Task[None]] = []

    # --- life -----------------------------------------------------------------------------------

    async def open(self, *, works: bool = True) -> None:
        """Begin. `works`: a runner takes jobs and timers fire; else the test does it by hand."""
        await self.store.open()
        await self.executor.open()
        if await self.store.find_project(SHOP) is None:
            await self.catalog.create_project(ADMIN, SHOP, "Shop")
        await self.supervisor.recover()
        if works:
            loop = asyncio.get_running_loop()
            self._tasks = [
                loop.create_task(self.runner.run()),
                loop.create_task(self.supervisor.run()),
            ]

    async def close(self) -> None:
        """End as a server does that is told to stop at once."""
        self.unruly.release_answers()
        await self.runner.stop(0.0)
        await self.crash()
        await self.executor.close()

    async def crash(self) -> None:
        """End without a word: nothing that waits is carried out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    # --- acts -----------------------------------------------------------------------------------

    async def add_pipeline(
        self, spec: PipelineSpec, settings: PipelineSettings | None = None
    ) -> Pipeline:
        """Make a pipeline in the project."""
        definition = Definition(spec=spec, dialect="bkci", source={"name": spec.name})
        return await self.catalog.create_pipeline(ADMIN, SHOP, definition, settings)

    async def start(self, pipeline: Pipeline, **fields: Any) -> RunHead:
        """Start a pipeline as ann."""
        command = StartRun(**{"actor": ANN, "pipeline": pipeline.id, **fields})
        return await self.engine.start_run(command)

    async def retry(self, run_id: RunId, target: str = "", **fields: Any) -> RetryOutcome:
        """Retry or skip as ann."""
        command = RetryRun(**{"actor": ANN, "run_id": run_id, "target": target, **fields})
        return await self.engine.retry_run(command)

    async def stop(self, run_id: RunId, actor: UserName = ANN) -> RunHead:
        """Stop a run."""
        return await self.engine.stop_run(StopRun(actor=actor, run_id=run_id))

    # --- by hand --------------------------------------------------------------------------------

    async def claim(self, run_id: RunId, job: str = "1", attempt: int = 1) -> StepOrder:
        """Claim a job that has work; give the order of its first step."""
        order = await self.engine.claim_job(run_id, JobId(job), attempt, RUNNER)
        assert order is not None
        return order

    async def report(
        self, order: StepOrder, end: StepEnd | None = None, **fields: Any
    ) -> StepOrder | None:
        """Report the end of a step (by default a good one); give the order of the next."""
        report: StepReport = report_of(order, end or StepEnd(exit_code=0))
        return await self.engine.report_step(order.run_id, report, **fields)

    # --- looks ----------------------------------------------------------------------------------

    async def until(self, holds: Callable[[], bool], what: str = "it") -> None:
        """Wait until a condition holds."""
        async with asyncio.timeout(DEADLINE_S):
            while not holds():  # noqa: ASYNC110 - any condition, not only those with an event
                await asyncio.sleep(0.001)

    async def run(self, run_id: RunId) -> Run:
        """Return what readers see of a run."""
        return await self.engine.get_run(run_id)

    async def wait_status(self, run_id: RunId, *statuses: Status) -> Run:
        """Wait until a run stands there."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                run = await self.run(run_id)
                if run.head.status in statuses:
                    return run
                await self.live.wait_run(run_id, 0.05)

    async def wait_end(self, run_id: RunId) -> Run:
        """Wait for the end of a run."""
        return await self.wait_status(run_id, *(status for status in Status if status.is_final))

    async def wait_started(self, name: str, attempt: int = 1) -> None:
        """Wait until an attempt of a step runs."""
        await self.until(lambda: (name, attempt) in self.scripted.started, f"{name} starts")

    def status(self, run: Run, name: str) -> Status:
        """Return the status of a step."""
        return run.step(StepId(name)).status

    async def add_user(self, name: str, role: Role | None = None) -> Actor:
        """Make a user, a member of the project if a role is given."""
        user = await self.access.create_user(ADMIN, name)
        if role is not None:
            await self.access.set_member(ADMIN, SHOP, name, role)
        return Actor(user=user.name)


@contextlib.asynccontextmanager
async def a_world(*, works: bool = True, **parts: Any) -> AsyncIterator[World]:
    """Give a world for a while."""
    world = World(**parts)
    await world.open(works=works)
    try:
        yield world
    finally:
        await world.close()


def pipeline_id(number: int) -> PipelineId:
    """Give the id of a pipeline that nobody made."""
    return PipelineId(f"p-{number:032x}")
