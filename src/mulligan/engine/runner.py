"""Runner: takes offers, claims jobs, drives their steps, reports.

The runner decides nothing about the run: after each step it asks the engine what comes next. A
report that can't be stored (disk full, database gone) is kept and tried again; the step is not run
again for that. A step that was lost (its executor was killed) is handed back, not reported.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from mulligan import failpoints
from mulligan.core.cause import Cause
from mulligan.core.errors import (
    InfrastructureError,
    NotFoundError,
    StaleRevisionError,
    StateError,
)
from mulligan.core.ids import JobId, RunId, RunnerName, StepId
from mulligan.core.prepare import StepOrder
from mulligan.core.report import StepReport
from mulligan.core.status import Status
from mulligan.engine.deployments import DeployProblemError
from mulligan.engine.masking import end_without_secrets
from mulligan.engine.service import Engine
from mulligan.log import get_log
from mulligan.ports import Dispatcher, Executor, LateEnd, Offer, StepEnd

T = TypeVar("T")
StepAttempt = tuple[StepId, int]
log = get_log()

_RETRY_REPORT_S = 0.5  # first wait before a report is tried again; doubles up to the next
_LONGEST_WAIT_S = 10.0
_MOST_EARLY_KILLS = 1000
# At the end of the server: between TERM and KILL, and until nobody is waited for any more.
_RELEASE_GRACE_S = 2.0
_RELEASE_S = 5.0
_AGAIN = (InfrastructureError, StaleRevisionError)  # the act was possible, but not just now


class RunnerPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Rules of a runner. `grace_s`: between TERM and KILL of a step."""

    slots: int = 2
    grace_s: float = 10.0


class _Drive:
    """A job attempt that this runner holds. `killed`: the step attempt that has to end."""

    __slots__ = ("deadline", "is_over", "killed", "order")

    def __init__(self, order: StepOrder) -> None:
        self.order = order
        self.deadline = time.monotonic() + order.job_timeout_s
        self.killed: StepAttempt | None = None
        self.is_over = asyncio.Event()

    @property
    def is_killed(self) -> bool:
        """Tell whether the step that it is at has to end."""
        return self.killed == (self.order.step_id, self.order.step_attempt)


class Runner:
    """Runs jobs, at most `policy.slots` at once."""

    def __init__(
        self,
        *,
        name: RunnerName,
        engine: Engine,
        executor: Executor,
        dispatcher: Dispatcher,
        policy: RunnerPolicy,
    ) -> None:
        self.name = name
        self._engine = engine
        self._executor = executor
        self._dispatcher = dispatcher
        self._policy = policy
        self._free = asyncio.Semaphore(policy.slots)
        self._drives: dict[tuple[RunId, JobId], _Drive] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._early_kills: dict[tuple[RunId, JobId], tuple[int, StepAttempt]] = {}
        self._is_stopping = False
        self._is_releasing = False

    @property
    def is_stopping(self) -> bool:
        """Tell whether it claims nothing any more."""
        return self._is_stopping

    @property
    def busy(self) -> int:
        """How many jobs it holds."""
        return len(self._drives)

    async def run(self) -> None:
        """Take offers until `stop`."""
        while True:
            await self._free.acquire()
            offer = await self._dispatcher.next()
            if self.is_stopping:
                return
            self._spawn(self._take(offer))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self, grace_s: float) -> None:
        """Claim nothing more; give running jobs some time; what is left is released.

        A step that ends just then is reported as it ended; one that is interrupted is lost, and
        the next start goes on with it.
        """
        self._is_stopping = True
        await self._wait(grace_s)
        self._is_releasing = True
        for drive in self._drives.values():
            grace = min(self._policy.grace_s, _RELEASE_GRACE_S)
            self._executor.kill_step(drive.order, "lost", grace)
        await self._wait(_RELEASE_S)
        for task in list(self._tasks):
            task.cancel()  # the store is away: the next start finds what was not reported
        await self._wait(_RELEASE_S)

    async def _wait(self, timeout_s: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)

    def kill(
        self, run_id: RunId, job_id: JobId, *, fence: int, step: StepAttempt, cause: str
    ) -> None:
        """End one step attempt of a held job; one held under another fence is left alone.

        The job may have gone on since it was decided: then the next step must not be hit. Or it
        may not have got there: then the step ends before it begins.
        """
        drive = self._drives.get((run_id, job_id))
        if drive is None or drive.order.fence < fence:
            # its claim is on the way back: the drive looks here before its first step
            if len(self._early_kills) >= _MOST_EARLY_KILLS:
                self._early_kills.clear()
            self._early_kills[run_id, job_id] = (fence, step)
            return
        if drive.order.fence != fence:
            return
        drive.killed = step
        if drive.is_killed:
            grace_s = 0.0 if cause == Cause.TERMINATED.value else self._policy.grace_s
            self._executor.kill_step(drive.order, "cancelled", grace_s)

    async def _take(self, offer: Offer) -> None:
        try:
            order = await self._claim(offer)
            while order is not None:
                order = await self._drive(await self._begin(order))
        finally:
            self._free.release()

    async def _claim(self, offer: Offer) -> StepOrder | None:
        try:
            return await self._engine.claim_job(
                offer.run_id, offer.job_id, offer.attempt, self.name
            )
        except _AGAIN as error:
            log.warning("claim_failed", run_id=offer.run_id, job=offer.job_id, error=str(error))
            asyncio.get_running_loop().call_later(_RETRY_REPORT_S, self._dispatcher.offer, offer)
            return None
        except (StateError, NotFoundError):
            return None  # a hint that came too late

    async def _begin(self, order: StepOrder) -> _Drive:
        key = (order.run_id, order.job_id)
        while (earlier := self._drives.get(key)) is not None:
            await earlier.is_over.wait()  # two attempts of a job must not share its directory
        drive = self._drives[key] = _Drive(order)
        fence, step = self._early_kills.pop(key, (0, None))
        if fence == order.fence:
            drive.killed = step
        return drive

    async def _drive(self, drive: _Drive) -> StepOrder | None:
        """Drive a job to its end; give the first step of the next one, if it came with that."""
        order = drive.order
        try:
            following: StepOrder | None = order
            while following is not None and is_same_job(order, following):
                drive.order = following
                following = await self._one_step(drive)
        except StateError:
            log.info("drive_fenced", run_id=order.run_id, job=order.job_id, fence=order.fence)
            return None
        else:
            return following
        finally:
            # the next job need not wait for what this one left behind
            self._spawn(self._finish(drive))

    async def _finish(self, drive: _Drive) -> None:
        order = drive.order
        try:
            if not self._is_releasing:  # else the end of the executor is the end of all
                await self._end_job(order)
        finally:
            del self._drives[order.run_id, order.job_id]
            drive.is_over.set()

    async def _end_job(self, order: StepOrder) -> None:
        try:
            await self._executor.end_job(order)
        except Exception:  # the job is reported; what is left of it must not end the runner
            log.exception("end_job_failed", run_id=order.run_id, job=order.job_id)

    async def _one_step(self, drive: _Drive) -> StepOrder | None:
        order = drive.order
        left = drive.deadline - time.monotonic()
        if self._is_releasing:
            end = StepEnd(cause="lost")
        elif order.problem:
            end = await self._not_run(order, order.problem)
        elif drive.is_killed:  # asked to end before this step began
            end = StepEnd(cause="cancelled")
        else:
            end = await self._run_step(drive, max(0.0, min(order.timeout_s, left)))
            failpoints.hit("step.ended")
        if end.cause == "lost":
            await self._insist(
                lambda: self._engine.lose_job(order.run_id, order.job_id, fence=order.fence)
            )
            return None
        if end.cause == "timeout" and left <= order.timeout_s:
            await self._insist(lambda: self._engine.end_job_time(order.run_id, order))
        report = report_of(order, end)
        wants_more = not self.is_stopping
        return await self._insist(
            lambda: self._engine.report_step(order.run_id, report, wants_more=wants_more)
        )

    async def _run_step(self, drive: _Drive, timeout_s: float) -> StepEnd:
        order = drive.order
        try:
            if order.kind == "deploy":
                begun = await self._begin_deployment(drive)
                if isinstance(begun, StepEnd):
                    return begun
                if drive.is_killed:  # while the environment was being taken
                    return StepEnd(cause="cancelled")
                order = begun
                timeout_s = min(timeout_s, max(0.0, drive.deadline - time.monotonic()))
            return await self._executor.run_step(order, timeout_s)
        except Exception as error:  # whatever goes wrong in there: the step must get an end
            log.exception("executor_failed", run_id=order.run_id, step=order.step_id)
            return StepEnd(cause="failed", message=f"the executor failed: {error}")

    async def _begin_deployment(self, drive: _Drive) -> StepOrder | StepEnd:
        """Wait for the environment of a deploy step, however long its job may take."""

        def given_up() -> bool:
            late = time.monotonic() > drive.deadline
            return late or drive.is_killed or self._is_releasing or self._is_stopping

        try:
            begun = await self._insist(lambda: self._engine.begin_deployment(drive.order, given_up))
        except DeployProblemError as error:
            return await self._not_run(drive.order, str(error))
        if begun is not None:
            return begun
        if drive.is_killed:
            return StepEnd(cause="cancelled")
        stopping = self._is_stopping or self._is_releasing
        return StepEnd(cause="lost" if stopping else "timeout")

    async def _not_run(self, order: StepOrder, problem: str) -> StepEnd:
        await self._executor.explain(order, problem)
        return StepEnd(cause="config", message=problem)

    async def _insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do it again until the store takes it: an ended step must not be forgotten."""
        wait_s = _RETRY_REPORT_S
        while True:
            try:
                return await act()
            except _AGAIN as error:
                log.warning("report_waits", error=str(error), wait_s=wait_s)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)


def is_same_job(one: StepOrder, other: StepOrder) -> bool:
    """Tell whether two orders belong to one claim of one job."""
    return (one.job_id, one.fence) == (other.job_id, other.fence)


# Error types and codes of spec/bkci-model-and-engine.md §2.16.
_USER, _PLUGIN, _MACHINE = 1, 3, 4


def report_of(order: StepOrder | LateEnd, end: StepEnd) -> StepReport:
    """Say what the end of a step means: its status, cause and error numbers."""
    if isinstance(order, StepOrder) and order.secrets:
        # what the step host recorded of an earlier life is without secrets already
        end = end_without_secrets(end, order.secrets)
    status, cause, error, message = _judge_end(end)
    if end.error is not None and status is Status.FAILED:
        error = (_USER if end.error_type is None else end.error_type, end.error[0])
        message = end.error[1] or message
    return StepReport(
        job=order.job_id,
        step=order.step_id,
        attempt=order.step_attempt,
        fence=order.fence,
        status=status,
        cause=cause,
        exit_code=end.exit_code,
        signal=end.signal,
        message=message,
        error_type=error[0] if error else None,
        error_code=error[1] if error else None,
        variables=end.variables,
        outputs=end.outputs,
        sensitive=end.sensitive,
        remark=end.remark,
        metrics=end.metrics,
        progress=end.progress,
        pin=end.pin,
        artifacts=end.artifacts,
        notes=end.notes,
        result=end.result,
    )


class _Meaning(msgspec.Struct, frozen=True):
    """What a kind of end means: cause, error numbers, and the text if the end has none."""

    cause: Cause
    error: tuple[int, int]
    text: str = ""


_MEANINGS = {
    "exit": _Meaning(Cause.USER, (_USER, 2199011)),
    "signal": _Meaning(Cause.USER, (_USER, 2199011)),
    "timeout": _Meaning(Cause.TIMEOUT, (_USER, 2199006), "ran longer than its time-out"),
    "config": _Meaning(Cause.CONFIG, (_USER, 2199002)),
    "spawn": _Meaning(Cause.USER, (_USER, 2199009)),
    "plugin": _Meaning(Cause.CONFIG, (_PLUGIN, 2189503)),
    "unreachable": _Meaning(
        Cause.UNREACHABLE, (_MACHINE, 2199502), "the target of the deployment was not reached"
    ),
    "unauthorized": _Meaning(
        Cause.UNAUTHORIZED, (_USER, 2199004), "a right or an account for this is missing"
    ),
}
_EXECUTORS_FAULT = _Meaning(Cause.INFRA, (_MACHINE, 2199502), "its processes were lost")


def _judge_end(end: StepEnd) -> tuple[Status, Cause | None, tuple[int, int] | None, str]:
    if end.cause == "exit" and end.exit_code == 0:
        return Status.SUCCEEDED, None, None, ""
    if end.cause == "cancelled":
        return Status.CANCELLED, None, None, end.message
    meaning = _MEANINGS.get(end.cause, _EXECUTORS_FAULT)
    text = end.message or meaning.text
    if end.cause == "exit":
        text = text or f"exit code {end.exit_code}"
    elif end.cause == "signal":
        text = text or f"ended by signal {end.signal}"
    return Status.FAILED, meaning.cause, meaning.error, text
