"""Supervisor: carries effects out, keeps timers, and repairs after a crash.

Recovery puts work back into the queue; it never runs it. The claim then admits exactly one runner.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from mulligan import failpoints
from mulligan.core.decision import Effect
from mulligan.core.errors import (
    InfrastructureError,
    MulliganError,
    NotFoundError,
    StaleRevisionError,
    StateError,
)
from mulligan.core.flow.calls import ANSWER_TIMER, CALL_TIMER
from mulligan.core.flow.parked import JOB_TIMER
from mulligan.core.flow.steps import REMINDER, STEP_TIMER
from mulligan.core.ids import JobId, RunId, StageId, StepId
from mulligan.core.run import Run
from mulligan.engine.calls import CALL_EFFECTS, Calls
from mulligan.engine.runner import Runner, report_of
from mulligan.engine.service import Engine
from mulligan.log import get_log
from mulligan.ports import Clock, Dispatcher, Executor, LateEnd, Offer, Store

log = get_log()

# A timer is looked at again at least this often: the wall clock may jump.
_LONGEST_SLEEP_S = 30.0
# Before a timer is fired again whose act could not be stored.
_FIRE_AGAIN = timedelta(seconds=1)
_DAY_S = 86_400.0
_MOST_TOLD = 64  # results whose messages are sent at the same time
_DROP_AGAIN_S = 1.0


class Supervisor:
    """One per process."""

    def __init__(
        self,
        *,
        engine: Engine,
        store: Store,
        clock: Clock,
        executor: Executor,
        dispatcher: Dispatcher,
        runner: Runner | None,
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._executor = executor
        self._dispatcher = dispatcher
        self._runner = runner
        self._timers: dict[tuple[RunId, str], datetime] = {}
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._tellers = asyncio.Semaphore(_MOST_TOLD)
        self._telling: set[asyncio.Task[None]] = set()
        # sends the messages of an effect "notify"
        self.tell: Callable[[RunId, Effect], Awaitable[None]] = _tell_nobody
        # tells the code host whose event has started the run
        self.tell_host: Callable[[RunId, Effect], Awaitable[None]] = _tell_nobody
        # starts, stops and answers runs of other pipelines
        self.calls = Calls(engine)

    # --- effects --------------------------------------------------------------------------------

    def take_effects(self, run: Run, effects: tuple[Effect, ...]) -> None:
        """Carry out what follows from a stored decision. Doing it twice is harmless."""
        run_id = run.head.id
        for effect in effects:
            self._take_effect(run_id, run, effect)

    def _take_effect(self, run_id: RunId, run: Run | None, effect: Effect) -> None:
        if effect.kind == "timer":
            self._set_timer(run_id, effect)
        elif effect.drop:
            return
        elif effect.kind == "offer":
            self._offer(run_id, effect)
        elif effect.kind == "kill":
            self._kill(run_id, run, effect)
        elif effect.kind == "tidy":
            self._spawn(self._tidy(run_id))
        elif effect.kind == "notify":
            self._start_telling(run_id, effect)
        elif effect.kind in CALL_EFFECTS:
            self._spawn(self._carry_out_call(run_id, effect))

    def _offer(self, run_id: RunId, effect: Effect) -> None:
        offer = Offer(
            run_id=run_id,
            job_id=JobId(effect.key),
            attempt=int(effect.data["attempt"]),
            labels=tuple(effect.data.get("labels", ())),
        )
        self._dispatcher.offer(offer)

    def _kill(self, run_id: RunId, run: Run | None, effect: Effect) -> None:
        if self._runner is not None:
            self._runner.kill(
                run_id,
                JobId(effect.key),
                fence=int(effect.data["fence"]),
                step=(StepId(effect.data["step"]), int(effect.data["step_attempt"])),
                cause=str(effect.data["cause"]),
            )
        if run is not None and run.head.status.is_final:
            # nobody will report for a run that was ended by force
            self._spawn(self._drop(run_id, "kill", effect.key))

    async def _carry_out_call(self, run_id: RunId, effect: Effect) -> None:
        """Do what another run is concerned with, until the store takes it."""
        while True:
            try:
                await self.calls.carry_out(run_id, effect)
                failpoints.hit("call.done")
                await self._store.drop_effect(run_id, effect.kind, effect.key)
            except (InfrastructureError, StaleRevisionError) as error:
                log.warning("call_waits", run_id=run_id, kind=effect.kind, error=str(error))
                await asyncio.sleep(_DROP_AGAIN_S)
            except MulliganError as error:
                log.warning("call_failed", run_id=run_id, kind=effect.kind, error=str(error))
                return
            else:
                return

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drop(self, run_id: RunId, kind: str, key: str) -> None:
        try:
            await self._store.drop_effect(run_id, kind, key)
        except MulliganError as error:
            log.warning("effect_stays", run_id=run_id, kind=kind, error=str(error))

    async def _tidy(self, run_id: RunId) -> None:
        try:
            await self._engine.tidy_run(run_id)
            failpoints.hit("tidy.done")
            await self._store.drop_effect(run_id, "tidy", "")
        except (MulliganError, OSError) as error:
            log.warning("tidy_failed", run_id=run_id, error=str(error))

    def _start_telling(self, run_id: RunId, effect: Effect) -> None:
        task = asyncio.get_running_loop().create_task(self._tell(run_id, effect))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, run_id: RunId, effect: Effect) -> None:
        async with self._tellers:
            try:
                tell = self.tell_host if effect.data.get("commit") else self.tell
                await tell(run_id, effect)
            except Exception:  # it would come again at every start
                log.exception("messages_lost", run_id=run_id, key=effect.key)
            failpoints.hit("notify.sent")
            while True:
                try:
                    await self._store.drop_effect(run_id, "notify", effect.key)
                except InfrastructureError as error:
                    log.warning("effect_stays", run_id=run_id, kind="notify", error=str(error))
                    await asyncio.sleep(_DROP_AGAIN_S)
                else:
                    return

    async def stop_telling(self) -> None:
        """Cut off the messages that are being sent; the next start sends them again."""
        telling = tuple(self._telling)
        for task in telling:
            task.cancel()
        await asyncio.gather(*telling, return_exceptions=True)

    async def sweep(self) -> None:
        """Once a day, delete directories of runs that can't be retried any more."""
        while True:
            max_age = self._engine.retry_window
            if max_age is not None:
                try:
                    swept = await self._engine.files.sweep(max_age.total_seconds() + _DAY_S)
                    log.info("workspaces_swept", count=swept)
                except OSError as error:
                    log.warning("sweep_failed", error=str(error))
            await asyncio.sleep(_DAY_S)

    # --- timers ---------------------------------------------------------------------------------

    def _set_timer(self, run_id: RunId, effect: Effect) -> None:
        if effect.drop or effect.due_at is None:
            self._timers.pop((run_id, effect.key), None)
        else:
            self._timers[run_id, effect.key] = effect.due_at
        self._wake.set()

    def clock_moved(self) -> None:
        """Look at the timers now: somebody moved the clock."""
        self._wake.set()

    async def run(self) -> None:
        """Fire timers as they become due."""
        while True:
            self._wake.clear()
            await self._fire_due()
            try:
                async with asyncio.timeout(self._sleep_s()):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _sleep_s(self) -> float | None:
        if not self._timers:
            return None  # idle: nothing to wake for
        left = (min(self._timers.values()) - self._clock.now()).total_seconds()
        return max(0.0, min(left, _LONGEST_SLEEP_S))

    async def _fire_due(self) -> None:
        now = self._clock.now()
        for run_id, key in [key for key, due_at in self._timers.items() if due_at <= now]:
            due_at = self._timers.get((run_id, key))
            if due_at is None or due_at > now:
                continue  # dropped or set anew while an earlier one was fired
            del self._timers[run_id, key]
            await self._fire(run_id, key)

    async def _fire(self, run_id: RunId, key: str) -> None:
        kind, _, node = key.partition(":")
        try:
            await self._due(kind, run_id, node)
        except (InfrastructureError, StaleRevisionError) as error:
            log.warning("timer_waits", run_id=run_id, timer=key, error=str(error))
            self._timers.setdefault((run_id, key), self._clock.now() + _FIRE_AGAIN)
        except MulliganError as error:
            log.warning("timer_failed", run_id=run_id, timer=key, error=str(error))

    async def _due(self, kind: str, run_id: RunId, node: str) -> None:
        """Do what a timer is for; one of a kind that nobody knows is for nothing."""
        engine = self._engine
        acts: dict[str, Callable[[], Awaitable[None]]] = {
            "review": lambda: engine.time_out_review(run_id, StageId(node)),
            "queue": lambda: engine.queues.time_out(run_id),
            "mutex": lambda: engine.mutexes.time_out(run_id, JobId(node)),
            CALL_TIMER: lambda: self.calls.time_out(run_id, StepId(node)),
            ANSWER_TIMER: lambda: self.calls.answer(run_id),
            STEP_TIMER: lambda: engine.time_out_step(run_id, StepId(node)),
            REMINDER: lambda: engine.remind(run_id, StepId(node)),
            JOB_TIMER: lambda: engine.time_out_job(run_id, JobId(node)),
        }
        if kind in acts:
            await acts[kind]()

    # --- after a crash --------------------------------------------------------------------------

    async def recover(self) -> None:
        """Take up what an earlier life of the server left: reports, lost jobs, the outbox.

        The executor is open, so no process of that life is alive any more.
        """
        await self._engine.warm_up()
        await self._engine.deployments.load()
        await self._engine.deployments.load_environments()
        for late in await self._executor.late_ends():
            await _unless_stale(self._take_late(late))
        failpoints.hit("recover.late_taken")
        await self._executor.forget_late_ends()
        held = await self._store.held_jobs()
        for run_id, job_id in held:
            await _unless_stale(self._engine.lose_job(run_id, job_id))
        failpoints.hit("recover.jobs_taken_back")
        if held:
            log.info("jobs_taken_back", count=len(held))
        for row in await self._store.outbox():
            if row.effect.kind == "kill":
                await self._drop(row.run_id, "kill", row.effect.key)
            else:
                self._take_effect(row.run_id, None, row.effect)
        for run_id, job_id in self._engine.deployments.open_keys():
            run = (await self._engine.lines.get(run_id)).tip
            await self._engine.deployments.settle_late(run, job_id)
        await self._engine.queues.serve_all()
        await self._engine.mutexes.serve_all()

    async def _take_late(self, late: LateEnd) -> None:
        if late.end.cause == "lost":
            return  # interrupted: its job is taken back with the others
        run = await self._engine.get_run(late.run_id)
        if late.step_id in run.steps:
            report = report_of(late, late.end)
            await self._engine.report_step(late.run_id, report, runner_gone=True)


async def _tell_nobody(_run_id: RunId, _effect: Effect) -> None:
    """Send nothing: this server has nothing to send with."""


async def _unless_stale(act: Awaitable[None]) -> None:
    try:
        await act
    except (StateError, NotFoundError):
        log.debug("late_report_refused")  # it had been stored before the crash
    except InfrastructureError:
        raise
    except Exception:  # one report that can't be taken in must not keep the server from starting
        log.exception("late_report_failed")
