"""Run the real server as a child process and end it in every way a machine can end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

T = TypeVar("T")

READY_PREFIX = "listening on "
START_DEADLINE_S = 45.0
STOP_DEADLINE_S = 45.0
POLL_INTERVAL_S = 0.02


class DeadlineError(Exception):
    """Say which condition did not come true in time, and what was seen last."""


class ServerStartError(Exception):
    """Say that the server ended, or stayed silent, before it was ready."""


def poll_until(
    condition: Callable[[], T | None], *, what: str, timeout_s: float = STOP_DEADLINE_S
) -> T:
    """Return the first value of `condition` that counts as true: not 0, nor an empty list.

    Args:
        condition: asked every 20 ms; must not block for long.
        what: words for the error, e.g. "build b-1 finished".
        timeout_s: seconds until the wait is given up.

    Raises:
        DeadlineError: `condition` never gave such a value; holds `what`.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise DeadlineError(f"not within {timeout_s:g} s: {what}")
        time.sleep(POLL_INTERVAL_S)


class ServerProcess:
    """Own one `mulligan serve` process on a free port of the loopback interface.

    Used as a context manager it is started on entry and ended on exit. The data directory
    stays, so that `restart` finds what was stored. Standard output and standard error go to
    two files beside the data directory and are kept over restarts.
    """

    def __init__(
        self,
        data: Path,
        *arguments: str,
        dev: bool = True,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """Prepare a server, without starting it.

        Args:
            data: the data directory; made by the server when missing.
            *arguments: further arguments of `serve`, e.g. "--runners", "8".
            dev: whether `--dev` is given, that is whether requests need no credential.
            environment: variables on top of those of this process. `MULLIGAN_*` variables of
                this process are not handed on: each of them would be a setting.
            command: what to run instead of `python -m mulligan serve`.
        """
        self.data = data
        self.url = ""
        self._command = [*(command or (sys.executable, "-m", "mulligan", "serve"))]
        self._command += ["--data", str(data), "--port", "0", *(["--dev"] if dev else [])]
        self._command += arguments
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("MULLIGAN_")}
        self._environment = {**inherited, **(environment or {})}
        self._stdout_path = data.with_name(f"{data.name}.stdout")
        self._stderr_path = data.with_name(f"{data.name}.stderr")
        self._process: subprocess.Popen[bytes] | None = None
        self._stdout_offset = 0

    def __enter__(self) -> Self:
        """Start the server and wait until it is ready."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the server, by force when it does not end by itself."""
        self.close()

    @property
    def pid(self) -> int:
        """Return the process id of the running (or last) server process."""
        return self._child().pid

    @property
    def command(self) -> tuple[str, ...]:
        """Return the whole command line, to start a second server with it."""
        return tuple(self._command)

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that the server process gets."""
        return dict(self._environment)

    def start(self) -> None:
        """Start the process and wait for its line `listening on URL`.

        Raises:
            ServerStartError: it ended before, or said nothing for 45 s; holds its error output.
        """
        if self.is_running():
            raise ServerStartError(f"already running with pid {self.pid}")
        with self._open(self._stdout_path) as stdout, self._open(self._stderr_path) as stderr:
            self._stdout_offset = self._stdout_path.stat().st_size
            # A session of its own: Ctrl-C in the terminal must not reach the server.
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=self._environment,
                start_new_session=True,
            )
        try:
            self.url = poll_until(self._ready_url, what="ready line", timeout_s=START_DEADLINE_S)
        except (DeadlineError, ServerStartError) as error:
            self.kill()
            raise ServerStartError(f"{error}\n{self.log_text()}") from error

    def restart(self) -> None:
        """Start the server again on the same data directory, after `kill` when it still runs."""
        self.kill()
        self.start()

    def is_running(self) -> bool:
        """Return whether the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End the server process, and only it, with SIGKILL; nothing to do when it has ended."""
        if self.is_running():
            self._child().kill()
        if self._process is not None:
            self._process.wait(STOP_DEADLINE_S)

    def terminate(self, timeout_s: float = STOP_DEADLINE_S) -> int:
        """Send SIGTERM and return the exit code.

        Raises:
            DeadlineError: the process was still there after `timeout_s` seconds.
        """
        process = self._child()
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            raise DeadlineError(f"exit after SIGTERM\n{self.log_text()}") from error

    def close(self) -> None:
        """End the server politely when it runs, by force when that takes too long."""
        if not self.is_running():
            return
        try:
            self.terminate()
        except DeadlineError:
            self.kill()

    def log_text(self) -> str:
        """Return all that the server processes wrote to standard error so far."""
        return self._read(self._stderr_path)

    def stdout_text(self) -> str:
        """Return what the present server process wrote to standard output."""
        return self._read(self._stdout_path, self._stdout_offset)

    def admin_token(self) -> str:
        """Return the bearer token of `admin` from the data directory."""
        return (self.data / "admin-token").read_text(encoding="ascii").strip()

    def _ready_url(self) -> str | None:
        line, newline, _ = self.stdout_text().partition("\n")
        if newline:
            if not line.startswith(READY_PREFIX):
                raise ServerStartError(f"unexpected first line: {line!r}")
            return line.removeprefix(READY_PREFIX).strip()
        if not self.is_running():
            raise ServerStartError(f"exit code {self._child().returncode} before it was ready")
        return None

    def _child(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ServerStartError("not started")
        return self._process

    @staticmethod
    def _open(path: Path) -> IO[bytes]:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("ab")

    @staticmethod
    def _read(path: Path, offset: int = 0) -> str:
        if not path.exists():
            return ""
        return path.read_bytes()[offset:].decode(errors="replace")


def processes_carrying(text: str) -> dict[int, str]:
    """Return the living processes that belong to `text`, with their command lines.

    A process belongs to it when its environment or command line holds `text`, or its working
    directory is below it. This process and zombies are left out. Linux only.
    """
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            command = _command_if_carrying(entry, text.encode())
            if command is not None:
                found[int(entry.name)] = command
    return found


def _command_if_carrying(entry: Path, text: bytes) -> str | None:
    try:
        state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        command = (entry / "cmdline").read_bytes()
        words = b"\0".join(
            [command, (entry / "environ").read_bytes(), os.fsencode((entry / "cwd").readlink())]
        )
    except OSError:
        return None  # gone meanwhile, or not ours
    if state in {"Z", "X"} or text not in words:
        return None
    return command.replace(b"\0", b" ").decode(errors="replace")
