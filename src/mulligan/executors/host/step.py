"""One step: from the start of its process to the record of its end.

A step ends when its main process has ended, not when its output has: a daemon that it left behind
may hold the pipe for ever. A step that is made to end, ends when nothing of it is left.
"""

from __future__ import annotations

import itertools
import os
import time

from mulligan.executors.host import processes
from mulligan.executors.host.commands import PROGRESS_RATE, TEXT_COMMANDS, CommandDetector
from mulligan.executors.host.ending import Ending
from mulligan.executors.host.messages import (
    CAUSE_EXIT,
    CAUSE_SIGNAL,
    CAUSE_SPAWN,
    CAUSE_TIMEOUT,
    EXIT,
    JOB_VARIABLE,
    KIND,
    PROGRESS,
    SET_ENV_FILE,
    SET_ENV_VARIABLE,
    STEP_VARIABLE,
)
from mulligan.executors.host.pump import Pump
from mulligan.executors.host.set_env import read_set_env
from mulligan.executors.host.spawn import SpawnError, spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mulligan.executors.host.commands import Command
    from mulligan.executors.host.job import Job
    from mulligan.executors.host.reactor import Reactor
    from mulligan.executors.host.timers import Timer

# A short step reports its output with its end.
_PROGRESS_FIRST_S = 0.01
_PROGRESS_EVERY_S = 0.05
_UNKNOWN_STATUS = -1


_LIFE = f"{time.time_ns():x}"
_numbers = itertools.count(1)


class Step:
    """The step of one request; see the module.

    Args:
        reactor: the loop.
        job: the job attempt that it belongs to.
        request: the message `run`.
        report: takes a progress message; may leave it out.
        ended: takes the step and its result, once.
    """

    def __init__(
        self,
        reactor: Reactor,
        job: Job,
        request: dict[str, Any],
        report: Callable[[dict[str, Any]], None],
        ended: Callable[[Step, dict[str, Any]], None],
    ) -> None:
        self.token: str = request["token"]
        self.job = job
        self.pid = 0
        self._reactor = reactor
        self._request = request
        self._report = report
        self._ended = ended
        self._detector = CommandDetector() if request["commands"] else None
        # a file for each step: all steps may share one folder, also with those of a dead host
        self._set_env_path = f"{request['temp_dir']}/{SET_ENV_FILE}.{_LIFE}.{next(_numbers)}"
        self._pump: Pump | None = None
        self._has_section = False
        self._status: int | None = None
        self._cause = ""
        self._message = ""
        self._ending: Ending | None = None
        self._started_at_ms = _now_ms()
        self._time_out: Timer | None = None
        self._progress: Timer | None = None
        self._progress_at = 0.0
        self._read_commands = 0  # those that were looked at for a rate of progress
        self._is_finished = False

    def start(self) -> None:
        """Start the process; a failure is a result like any other."""
        request = self._request
        env = request["env"]
        env[JOB_VARIABLE] = request["job_token"]
        env[STEP_VARIABLE] = self.token
        env[SET_ENV_VARIABLE] = self._set_env_path
        options = {"umask": request["umask"], "limits": request["limits"]}
        try:
            started = spawn(request["argv"], env, request["cwd"], **options)
        except SpawnError as error:
            self._begin_section()
            self.job.sink.note(f"##[error]{error}")
            self.refuse(str(error))
            return
        self.pid = started.pid
        # Only now: while the process starts on one core, the log is opened on the other.
        self._begin_section()
        self._pump = Pump(
            self._reactor,
            started.output,
            self.job.sink,
            self._detector,
            full_grace=request["disk_full_grace"],
            moved=self._plan_progress,
            done=self._finish_if_done,
        )
        if request["timeout"] is not None:
            self._time_out = self._reactor.after(request["timeout"], self._time_is_over)

    def refuse(self, why: str) -> None:
        """End the step without a process."""
        self._cause, self._message = CAUSE_SPAWN, why
        self._finish()

    def exited(self, status: int) -> None:
        """Take the wait status of the main process, which has been reaped."""
        if self._is_finished:
            return  # it was given up before
        self._status = status
        if self._ending is not None:
            self._ending.look()
        if self._pump is not None and not self._is_finished:
            self._pump.drain()
        self._finish_if_done()

    def terminate(self, cause: str, grace: float) -> None:
        """End every process of the step; a step whose main process has ended is left alone."""
        if self._is_finished or (self._status is not None and self._ending is None):
            return
        if self._pump is not None:
            self._pump.hurry()
        if self._ending is None:
            self._cause = cause
            self._ending = Ending(self._reactor, self._find, grace, self._gone)
            self._ending.look()
        else:
            self._ending.hurry(grace)

    def look(self) -> None:
        """Notice at once when the last process that had to end is gone."""
        if self._ending is not None:
            self._ending.look()

    def record_end(self) -> None:
        """Write the record now if the main process has ended: the host is about to end."""
        if self._status is None or self._is_finished or self._pump is None:
            return
        self._pump.hurry()
        self._pump.pull()
        if not self._is_finished:
            self._finish()

    # -- while it runs ----------------------------------------------------------------------

    def _begin_section(self) -> None:
        self._has_section = True
        self.job.sink.begin(self._request)

    def _plan_progress(self) -> None:
        if self._progress is None and not self._is_finished:
            due = self._progress_at + _PROGRESS_EVERY_S - time.monotonic()
            self._progress = self._reactor.after(max(due, _PROGRESS_FIRST_S), self._send_progress)

    def _send_progress(self) -> None:
        self._progress = None
        self._progress_at = time.monotonic()
        offset, lines = self.job.sink.offset, self.job.sink.lines
        message: dict[str, Any] = {KIND: PROGRESS, "token": self.token}
        rate = self._new_rate()
        if rate:
            message["rate"] = rate
        self._report(message | {"log_offset": offset, "log_lines": lines})

    def _new_rate(self) -> str:
        """Return the rate of progress that was told last, if one was since this was asked."""
        commands = self._detector.commands if self._detector is not None else []
        new = commands[self._read_commands :]
        self._read_commands = len(commands)
        rates = [command["value"] for command in new if command["name"] == PROGRESS_RATE]
        return self.job.sink.masked(rates[-1]) if rates else ""

    def _time_is_over(self) -> None:
        seconds = self._request["timeout"]
        self.job.sink.note(f"##[error]the step took longer than its time-out of {seconds:g} s")
        self.terminate(CAUSE_TIMEOUT, self._request["grace"])

    def _find(self) -> set[int]:
        table = processes.list_processes()
        return processes.family(table, {self.pid}, STEP_VARIABLE, self.token)

    def _gone(self, left: set[int]) -> None:
        if left:
            self._message = f"{len(left)} processes could not be killed: {sorted(left)[:10]}"
            self._status = _UNKNOWN_STATUS if self._status is None else self._status
        self._finish_if_done()

    # -- end --------------------------------------------------------------------------------

    def _finish_if_done(self) -> None:
        is_read = self._pump is None or self._pump.is_done
        is_over = self._ending is None or self._ending.is_over
        if self._status is not None and is_read and is_over and not self._is_finished:
            self._finish()

    def _finish(self) -> None:
        """Close the section, make the result, and give away what is left."""
        self._is_finished = True
        for timer in (self._time_out, self._progress):
            if timer is not None:
                timer.cancel()
        if self._has_section:
            self.job.sink.end()
        if self._pump is not None and (pipe := self._pump.release()) >= 0:
            self.job.discard(pipe)
        self._ended(self, self._result())

    def _result(self) -> dict[str, Any]:
        variables, commands = self._take_commands()
        code, number, cause = _read_status(self._status)
        sink = self.job.sink
        return {
            KIND: EXIT,
            "token": self.token,
            "job_token": self._request["job_token"],
            "exit_code": code,
            "signal": number,
            "cause": self._cause or cause,
            "message": self._message or (sink.problem if self._has_section else ""),
            "commands": commands,
            "set_env": variables,
            "log_offset": sink.offset,
            "log_lines": sink.lines,
            "next_line": sink.next_line,
            "started_at_ms": self._started_at_ms,
            "ended_at_ms": _now_ms(),
        }

    def _take_commands(self) -> tuple[dict[str, str], list[Command]]:
        variables, commands = read_set_env(self._set_env_path)
        if self._detector is not None:
            self._detector.close()
            commands = self._detector.commands + commands
            if self._detector.dropped and not self._message:
                self._message = f"{self._detector.dropped} commands in the output were too many"
        return self._without_secrets(variables, commands)

    def _without_secrets(
        self, variables: dict[str, str], commands: list[Command]
    ) -> tuple[dict[str, str], list[Command]]:
        """Leave out values that hold a secret, and mask texts for people.

        The result is written to the disk as it is.
        """
        hides, masked = self.job.sink.hides, self.job.sink.masked
        for command in commands:
            if command["name"] in TEXT_COMMANDS:
                command["value"] = masked(command["value"])
        kept = [
            command
            for command in commands
            if not any(map(hides, (command["value"], *command["args"].values())))
        ]
        shown = {
            name: value for name, value in variables.items() if not hides(name) and not hides(value)
        }
        dropped = len(commands) - len(kept) + len(variables) - len(shown)
        if dropped and not self._message:
            self._message = f"{dropped} values that the step set were left out: they hold a secret"
        return shown, kept


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _read_status(status: int | None) -> tuple[int | None, int | None, str]:
    """Split a wait status into exit code, signal and cause."""
    if status is None or status == _UNKNOWN_STATUS:
        return None, None, CAUSE_SIGNAL
    if os.WIFSIGNALED(status):
        return None, os.WTERMSIG(status), CAUSE_SIGNAL
    return os.WEXITSTATUS(status), None, CAUSE_EXIT
