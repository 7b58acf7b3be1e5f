"""What the server tells the step host, and what it hears from it."""

from __future__ import annotations

from typing import Literal

import msgspec

from mulligan.executors.host import messages

Cause = Literal["exit", "signal", "timeout", "cancelled", "spawn", "lost"]
KillCause = Literal["cancelled", "timeout", "lost"]


class StepRequest(
    msgspec.Struct, frozen=True, kw_only=True, tag_field=messages.KIND, tag=messages.RUN
):
    """One step attempt to run. The steps of one job attempt run one after another.

    `repr` does not show environment and secrets.
    """

    token: str  # of the step attempt; never used twice
    job_token: str  # of the job attempt; `end_job` ends what its steps left behind
    run_id: str
    argv: tuple[str, ...]  # a program without slash is looked up on the PATH in `env`
    env: dict[str, str]  # the whole environment; the host adds MULLIGAN_JOB, _STEP and _SET_ENV
    cwd: str
    temp_dir: str  # exists, belongs to this step alone, is removed by the caller
    timeout: float | None = None  # seconds
    grace: float = 5.0  # seconds between TERM and KILL after a timeout
    log_path: str  # absolute, ends in `.log`; the same for all steps of the job attempt
    step_id: str
    step_attempt: int = 1
    run_attempt: int = 1
    tag: str = ""  # of the section in the log
    secrets: tuple[str, ...] = ()  # masked in the log
    commands: bool = False  # look for `::set-…` in the output
    next_line: int = 1  # the least number that the next line of the run may have
    umask: int | None = None
    limits: dict[str, int] | None = None  # soft limits: {"NOFILE": 1024}, as in `resource`
    disk_full_grace: float = 60.0  # seconds that output waits in the pipe for space

    def __repr__(self) -> str:
        """Name the step, and nothing that could be secret."""
        return f"StepRequest(token={self.token!r}, job_token={self.job_token!r})"


class StepCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command that the step printed, in the order of printing.

    `name`: set-variable, set-output, set-remark, set-error, set-progress-rate, set-gate-value.
    `args`: what stands before the value (`name`, `type`, `error_code` …). Nothing is masked.
    """

    name: str
    args: dict[str, str] = {}
    value: str = ""


class StepResult(
    msgspec.Struct, frozen=True, kw_only=True, tag_field=messages.KIND, tag=messages.EXIT
):
    """How a step attempt ended. Instants are epoch milliseconds.

    `exit_code` and `signal` tell how the main process ended, also when the cause is `timeout` or
    `cancelled`; both are None when there was none, or when nobody knows (`spawn`, `lost`).
    """

    token: str
    job_token: str = ""
    exit_code: int | None = None
    signal: int | None = None
    cause: Cause
    message: str = ""  # for the user: why it could not be started, what was lost
    commands: tuple[StepCommand, ...] = ()
    set_env: dict[str, str] = {}
    log_offset: int = 0  # bytes in the log of the job attempt, at the end of the section
    log_lines: int = 0  # lines in it
    next_line: int = 0  # the number that the next line of the run will have; 0 unknown
    started_at_ms: int = 0
    ended_at_ms: int = 0


class Progress(
    msgspec.Struct, frozen=True, kw_only=True, tag_field=messages.KIND, tag=messages.PROGRESS
):
    """More output of a running step is in the log: so many bytes, so many lines now.

    `rate`: the newest `set-progress-rate` since the last message, without secrets; "" = none.
    """

    token: str
    log_offset: int
    log_lines: int
    rate: str = ""


class GuardStarted(
    msgspec.Struct, frozen=True, kw_only=True, tag_field=messages.KIND, tag=messages.GUARD
):
    """The guard tells the process id of the host, as the server sees it."""

    pid: int


class HostStarted(
    msgspec.Struct, frozen=True, kw_only=True, tag_field=messages.KIND, tag=messages.HELLO
):
    """The host is ready."""

    isolation: str


class JobEnded(
    msgspec.Struct, frozen=True, kw_only=True, tag_field=messages.KIND, tag=messages.JOB_ENDED
):
    """No process of the job attempt is left."""

    job_token: str
