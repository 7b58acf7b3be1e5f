"""Run steps on this machine, in a step host that this process starts and watches."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import msgspec

from mulligan.executors.host import messages
from mulligan.executors.host.spool import read_lines
from mulligan.executors.host_process import HostProcess, HostStartError
from mulligan.executors.values import JobEnded, KillCause, Progress, StepRequest, StepResult
from mulligan.log import get_log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mulligan.executors.host_process import Answer

_log = get_log()

# How long a step waits for a host that is being started again.
_HOST_WAIT_S = 30.0
_FIRST_PAUSE_S = 0.05
_MOST_PAUSE_S = 5.0
# Forgetting can wait; together it costs one message.
_FORGET_AFTER_S = 0.1


class ExecutorClosedError(Exception):
    """The executor was closed; nothing can be run."""


class _Running:
    """A step that somebody waits for."""

    __slots__ = ("future", "is_sent", "request")

    def __init__(self, request: StepRequest, future: asyncio.Future[StepResult]) -> None:
        self.request = request
        self.future = future
        self.is_sent = False


class LocalExecutor:
    """Runs steps in one step host; starts a new one when it dies.

    Order of calls: `start` once, in the main thread; then any, from the same event loop; `close`
    once. When this process ends, however it ends, every step ends within a second.

    Args:
        spool_path: the file in which results wait until `forget`; see `read_spool`.
        isolation: `auto`, or only `pidns` or `subreaper`.
        on_progress: is called, at most every 50 ms for each step, when there is more output.
        python: the interpreter for the host.
    """

    def __init__(
        self,
        *,
        spool_path: str,
        isolation: str = messages.ISOLATION_AUTO,
        on_progress: Callable[[Progress], None] | None = None,
        python: str = sys.executable,
    ) -> None:
        self._spool_path = spool_path
        self._isolation = isolation
        self._on_progress = on_progress
        self._python = python
        self._host: HostProcess | None = None
        self._is_ready = asyncio.Event()
        self._is_closed = False
        self._running: dict[str, _Running] = {}
        self._ending: dict[str, asyncio.Future[None]] = {}
        self._forgotten: list[str] = []
        self._watcher: asyncio.Task[None] | None = None

    @property
    def isolation(self) -> str:
        """Tell what keeps the steps together: `pidns`, `subreaper`, or "" without a host."""
        return self._host.isolation if self._host else ""

    @property
    def host_pid(self) -> int:
        """Return the process id of the host, 0 without one."""
        return self._host.host_pid if self._host else 0

    async def start(self) -> None:
        """Start the host. What it finds in the spool stays there until `forget`.

        Raises:
            HostStartError: it ended before it was ready.
        """
        await self._start_host()
        self._watcher = asyncio.create_task(self._watch())

    async def run_step(self, request: StepRequest) -> StepResult:
        """Run one step and wait for its end. Cancelling the wait kills the step.

        Every failure is a result: a program that is missing (`spawn`), a host that died (`lost`).
        The result is in the spool until `forget` is called with its token.

        Raises:
            ExecutorClosedError: `close` was called before.
        """
        if self._is_closed:
            raise ExecutorClosedError("the executor is closed")
        running = _Running(request, asyncio.get_running_loop().create_future())
        self._running[request.token] = running
        try:
            if not self._is_ready.is_set():
                await self._wait_for_host(running)
            if not running.future.done():
                self._send_step(running)
            return await running.future
        except asyncio.CancelledError:
            self.kill(request.token, "lost", request.grace)
            raise
        finally:
            del self._running[request.token]

    def kill(self, token: str, cause: KillCause = "cancelled", grace: float = 5.0) -> None:
        """Ask for the end of a step: TERM now, KILL after `grace` seconds.

        Its `run_step` returns when nothing of it is left. Without effect on a step that is not
        running. A second call can shorten the grace, and changes nothing else.
        """
        running = self._running.get(token)
        if running is None:
            return
        if running.is_sent:
            self._send(
                {messages.KIND: messages.KILL, "token": token, "cause": cause, "grace": grace}
            )
        elif not running.future.done():
            running.future.set_result(StepResult(token=token, cause=cause, message="not started"))

    async def end_job(self, job_token: str, grace: float = 1.0) -> None:
        """End every process that belongs to a job attempt; return when none is left.

        Call it once for each job attempt, after its last step. Steps of it that still run are
        cancelled. Also good for a job attempt of an earlier server.
        """
        if not self._is_ready.is_set():
            await self._is_ready.wait()
        if self._host is None:
            return  # closed, and with it every process ended
        future = self._ending.get(job_token)
        if future is None:
            future = self._ending[job_token] = asyncio.get_running_loop().create_future()
            self._send({messages.KIND: messages.END_JOB, "job_token": job_token, "grace": grace})
        await asyncio.shield(future)

    def forget(self, tokens: Iterable[str]) -> None:
        """Say that the results of these step attempts are stored elsewhere now."""
        if not self._forgotten:
            asyncio.get_running_loop().call_later(_FORGET_AFTER_S, self._send_forgotten)
        self._forgotten.extend(tokens)

    async def close(self) -> None:
        """End the host with all steps; each that runs gets the cause `lost`. May be repeated."""
        self._is_closed = True
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None
        if self._host is not None:
            self._send_forgotten()
            await self._host.close()
            self._host = None
        self._is_ready.set()  # nobody shall wait for a host any more
        await self._settle("the executor was closed")

    # -- the host ---------------------------------------------------------------------------

    async def _start_host(self) -> None:
        self._host = await HostProcess.start(
            self._spool_path, self._isolation, self._take, self._python
        )
        self._is_ready.set()

    async def _watch(self) -> None:
        """Start a new host whenever the present one is gone."""
        while True:
            if self._host is not None:
                await self._host.gone.wait()
            self._is_ready.clear()
            self._host = None
            _log.error("step_host.lost", running=len(self._running))
            await self._settle("the step host died")
            await self._restart()

    async def _restart(self) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            try:
                await self._start_host()
            except (HostStartError, OSError) as error:
                _log.error("step_host.start_failed", reason=str(error), retry_in_s=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _MOST_PAUSE_S)
            else:
                return

    async def _settle(self, why: str) -> None:
        """Answer everybody who waits for a host that is gone, from its spool if possible."""
        stored = {r.token: r for r in await asyncio.to_thread(read_spool, self._spool_path)}
        now = time.time_ns() // 1_000_000
        for token, running in self._running.items():
            if (running.is_sent or self._is_closed) and not running.future.done():
                lost = StepResult(token=token, cause="lost", message=why, ended_at_ms=now)
                running.future.set_result(stored.get(token, lost))
        for future in self._ending.values():
            if not future.done():
                future.set_result(None)  # the host took every process with it
        self._ending.clear()

    async def _wait_for_host(self, running: _Running) -> None:
        """Wait until there is a host; give up after a while, or when the step is cancelled."""
        ready = asyncio.ensure_future(self._is_ready.wait())
        try:
            await asyncio.wait(
                (ready, running.future),
                timeout=_HOST_WAIT_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            ready.cancel()
        if not self._is_ready.is_set() and not running.future.done():
            running.future.set_result(
                StepResult(
                    token=running.request.token,
                    cause="lost",
                    message="the step host can't be started",
                )
            )

    # -- messages ---------------------------------------------------------------------------

    def _take(self, answer: Answer) -> None:
        if isinstance(answer, StepResult):
            running = self._running.get(answer.token)
            if running is not None and not running.future.done():
                running.future.set_result(answer)
        elif isinstance(answer, JobEnded):
            future = self._ending.pop(answer.job_token, None)
            if future is not None and not future.done():
                future.set_result(None)
        elif self._on_progress is not None:
            try:
                self._on_progress(answer)
            except Exception:  # noqa: BLE001  (an observer must not end the connection)
                _log.exception("step_host.observer_failed", token=answer.token)

    def _send_step(self, running: _Running) -> None:
        request = running.request
        try:
            payload = msgspec.json.encode(request)
        except UnicodeEncodeError:
            # an environment that isn't text holds surrogates, which only this one writes
            payload = json.dumps(msgspec.to_builtins(request)).encode()
        if len(payload) > messages.MAX_FRAME_BYTES:
            message = "arguments and environment are too long"
            running.future.set_result(
                StepResult(token=request.token, cause="spawn", message=message)
            )
        elif self._host is not None:
            running.is_sent = True
            self._host.send(payload)

    def _send(self, message: dict[str, object]) -> None:
        if self._host is not None:
            self._host.send(msgspec.json.encode(message))

    def _send_forgotten(self) -> None:
        if self._forgotten:
            self._send({messages.KIND: messages.FORGET, "tokens": self._forgotten})
            self._forgotten = []


def read_spool(path: str) -> list[StepResult]:
    """Read the results that an earlier server didn't say it had, in order.

    Call it before `LocalExecutor.start`, store the results, then `forget` their tokens. The same
    token may come twice; lines that were cut off are left out. No file: nothing.
    """
    results = []
    for line in read_lines(path):
        try:
            results.append(msgspec.json.decode(line, type=StepResult))
        except msgspec.DecodeError:
            continue
    return results
