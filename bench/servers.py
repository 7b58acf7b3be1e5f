"""Run Mulligan and the engine limit as child processes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from bench.errors import ServerStartError

READY = "listening on "
START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 12.0  # a little over the server's own grace for running steps
SHOWN_CHARACTERS = 600  # of standard error, in an error message


class Server:
    """Own one server process that prints `listening on URL` when it is ready."""

    def __init__(self, command: list[str], stderr: Path) -> None:
        """Prepare a server; its standard error is added to the file `stderr`.

        Compiled modules of all servers are kept in one directory beside that file, whatever the
        caller's environment says about them: only the first start of a program compiles.
        """
        self.url = ""
        self.start_s = 0.0
        self.started_at_ns = 0
        self._command = command
        self._stderr = stderr
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the process and wait until it is ready."""
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.stop()

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._running().pid

    def start(self) -> None:
        """Start the process; `start_s` is how long it took until it was ready.

        Raises:
            ServerStartError: it ended or stayed silent.
        """
        with self._stderr.open("ab") as stderr:
            started = time.perf_counter()
            self.started_at_ns = time.time_ns()
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=stderr, env=self._environment()
            )
        line = self._first_line()
        self.start_s = time.perf_counter() - started
        if not line.startswith(READY):
            raise ServerStartError(f"it did not start: {line}{self._stderr_tail()}")
        self.url = line.removeprefix(READY).strip()

    def kill(self) -> None:
        """End the process with SIGKILL."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        self._forget()

    def stop(self) -> None:
        """End the process politely, with force when that takes too long."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._forget()

    def _environment(self) -> dict[str, str]:
        # A MULLIGAN_* variable of the caller would be a setting.
        kept = {name: v for name, v in os.environ.items() if not name.startswith("MULLIGAN_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        return {**kept, "PYTHONPYCACHEPREFIX": str(self._stderr.with_name("compiled"))}

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ServerStartError("not running")
        return self._process

    def _forget(self) -> None:
        if self._process is not None:
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def _first_line(self) -> str:
        stdout = self._running().stdout
        assert stdout is not None
        deadline = time.monotonic() + START_DEADLINE_S
        received = b""
        while b"\n" not in received and (left := deadline - time.monotonic()) > 0:
            if select.select([stdout], [], [], left)[0]:
                chunk = os.read(stdout.fileno(), 4096)
                if not chunk:
                    break
                received += chunk
        return received.decode(errors="replace").partition("\n")[0]

    def _stderr_tail(self) -> str:
        text = self._stderr.read_text(errors="replace").strip()
        return " ".join(text[-SHOWN_CHARACTERS:].split())


def mulligan(data: Path, *options: str) -> Server:
    """Return a development server on the data directory `data`, not yet started.

    With BENCH_PROFILE=FILE in the environment its main thread runs under cProfile, which about
    doubles its processor time; the profile of the server that ended last is in the file.
    """
    profile = os.environ.get("BENCH_PROFILE")
    prefix = ["-m", "cProfile", "-o", profile] if profile else []
    command = [sys.executable, *prefix, "-m", "mulligan", "serve", "--dev", "--port", "0"]
    return Server([*command, "--data", str(data), *options], data.with_name(f"{data.name}.err"))


def engine_limit(database: Path, synchronous: str = "FULL") -> Server:
    """Return the engine limit on a database file, not yet started."""
    program = Path(__file__).with_name("engine_limit.py")
    command = [sys.executable, str(program), str(database), synchronous]
    return Server(command, database.with_name(f"{database.name}.err"))
