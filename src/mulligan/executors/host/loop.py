"""The host itself: requests come in, steps run, results go out."""

from __future__ import annotations

import contextlib
import os
import signal

from mulligan.executors.host import isolation, processes
from mulligan.executors.host.connection import Connection, encode
from mulligan.executors.host.ending import Ending
from mulligan.executors.host.job import Job, find_left
from mulligan.executors.host.messages import (
    END_JOB,
    FORGET,
    HELLO,
    ISOLATION_SUBREAPER,
    JOB_ENDED,
    JOB_VARIABLE,
    KILL,
    KIND,
    RUN,
)
from mulligan.executors.host.output import LogSink
from mulligan.executors.host.reactor import Reactor
from mulligan.executors.host.spool import Spool
from mulligan.executors.host.step import Step
from mulligan.logs.writer import LineCounter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Host:
    """Runs the steps that one server asks for, until that server is gone.

    Args:
        connection: descriptor of the socket to the server.
        spool_path: where results wait for a server.
        isolation_got: what keeps the steps together.
    """

    def __init__(self, connection: int, spool_path: str, isolation_got: str) -> None:
        self._isolation = isolation_got
        self._reactor = Reactor()
        self._spool = Spool(spool_path)
        self._jobs: dict[str, Job] = {}
        self._steps: dict[str, Step] = {}
        self._by_pid: dict[int, Step] = {}
        self._leaders: dict[int, Job] = {}
        self._counters: dict[str, LineCounter] = {}
        self._has_adopted: tuple[int, bool] | None = None  # in which turn, and whether
        self._handlers = {
            RUN: self._run_step,
            KILL: self._kill,
            END_JOB: self._end_job,
            FORGET: self._forget,
        }
        signals = [signal.SIGCHLD]
        if isolation_got == ISOLATION_SUBREAPER:
            # It comes when the guard is gone. In a namespace the kernel sends KILL then, and
            # without a handler no signal of a step reaches its first process.
            signals.append(signal.SIGTERM)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._reactor.watch_signals(signals, self._signalled)
        self._connection = Connection(connection, self._reactor, self._take, self._server_gone)

    def run(self) -> None:
        """Serve until the server is gone; every record that can be written is written then."""
        isolation.hide_memory()
        self._connection.send(encode({KIND: HELLO, "isolation": self._isolation}))
        self._reactor.run()

    # -- requests ---------------------------------------------------------------------------

    def _take(self, message: dict[str, Any]) -> None:
        handler = self._handlers.get(message.get(KIND, ""))
        if handler is not None:
            handler(message)

    def _run_step(self, message: dict[str, Any]) -> None:
        token, run_id = message["job_token"], message["run_id"]
        job = self._jobs.get(token)
        if job is None:
            counter = self._counters.get(run_id)
            if counter is None:
                counter = self._counters[run_id] = LineCounter(message["next_line"])
            job = Job(token, run_id, LogSink(message["log_path"], counter), self._reactor)
            self._jobs[token] = job
        step = Step(self._reactor, job, message, self._report, self._step_ended)
        if job.steps or job.is_ending:
            step.refuse("another step of the job is running, or the job is ending")
            return
        job.steps.add(step)
        self._steps[step.token] = step
        step.start()
        if step.pid:
            self._by_pid[step.pid] = step
            self._own_session(step.pid, job)

    def _own_session(self, pid: int, job: Job) -> None:
        """Note that `pid` leads a session of `job`, and so none of an earlier job any more."""
        earlier = self._leaders.get(pid)
        if earlier is not None:
            earlier.leaders.discard(pid)
        self._leaders[pid] = job
        job.leaders.add(pid)

    def _kill(self, message: dict[str, Any]) -> None:
        step = self._steps.get(message["token"])
        if step is not None:
            step.terminate(message["cause"], message["grace"])

    def _end_job(self, message: dict[str, Any]) -> None:
        token, grace = message["job_token"], message["grace"]
        job = self._jobs.get(token)
        if job is not None:
            job.end(grace, lambda: self._find_left(job), lambda: self._job_ended(job))
        elif self._isolation == ISOLATION_SUBREAPER:
            self._sweep(token, grace)
        else:
            self._send({KIND: JOB_ENDED, "job_token": token})

    def _sweep(self, token: str, grace: float) -> None:
        """End what an earlier host left behind when it and its guard were killed together."""

        def find() -> set[int]:
            everything = processes.list_processes()
            return {
                pid for pid in everything if processes.find_variable(pid, JOB_VARIABLE) == token
            }

        def done(_left: set[int]) -> None:
            self._send({KIND: JOB_ENDED, "job_token": token})

        Ending(self._reactor, find, grace, done).look()

    def _forget(self, message: dict[str, Any]) -> None:
        self._spool.forget(message["tokens"])

    # -- what happens -----------------------------------------------------------------------

    def _signalled(self, numbers: bytes) -> None:
        if signal.SIGTERM in numbers:
            self._server_gone()
        else:
            self._reap()

    def _reap(self) -> None:
        """Reap every child that ended, also the adopted ones that nobody else waits for."""
        ended = []
        has_adopted = False
        with contextlib.suppress(ChildProcessError):
            while (child := os.waitpid(-1, os.WNOHANG))[0] != 0:
                step = self._by_pid.pop(child[0], None)
                if step is not None:
                    ended.append((step, child[1]))
                else:
                    has_adopted = True
        if ended:
            self._has_adopted = None  # what they left behind has been adopted now
        for step, status in ended:
            step.exited(status)
        if has_adopted:
            for step in list(self._steps.values()):
                step.look()
            for job in list(self._jobs.values()):
                job.look()

    def _step_ended(self, step: Step, result: dict[str, Any]) -> None:
        self._steps.pop(step.token, None)
        step.job.steps.discard(step)
        payload = encode(result)
        self._spool.write(step.token, payload)
        self._connection.send(payload)
        step.job.end_rest()

    def _find_left(self, job: Job) -> set[int]:
        """Find what a job left behind; most leave nothing, and many may end in one turn."""
        if self._has_adopted is None or self._has_adopted[0] != self._reactor.turn:
            self._has_adopted = (self._reactor.turn, processes.has_adopted(self._by_pid))
        if not self._has_adopted[1]:
            return set()
        return find_left(job, is_alone=len(self._jobs) == 1)

    def _job_ended(self, job: Job) -> None:
        del self._jobs[job.token]
        for pid in job.leaders:
            self._leaders.pop(pid, None)
        if all(other.run_id != job.run_id for other in self._jobs.values()):
            self._counters.pop(job.run_id, None)
        self._send({KIND: JOB_ENDED, "job_token": job.token})

    def _report(self, progress: dict[str, Any]) -> None:
        if self._connection.is_idle:
            self._send(progress)

    def _send(self, message: dict[str, Any]) -> None:
        self._connection.send(encode(message))

    def _server_gone(self) -> None:
        """Record what has ended; all that still runs ends with this process."""
        self._reap()
        for step in list(self._steps.values()):
            step.record_end()
        for job in self._jobs.values():
            job.sink.close()
        self._reactor.stop()
