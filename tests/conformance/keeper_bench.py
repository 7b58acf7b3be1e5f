"""A keeper in a folder of its own, and short ways to use it. Nothing of it may be left."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mulligan.executors.keeper.client import Keeper, KeeperError, start_keeper

DEADLINE_S = 20.0
KEY = "default/prod/shop"
PATH = "/usr/local/bin:/usr/bin:/bin"


def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait until a condition holds. Fails after a while."""
    give_up_at = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < give_up_at, f"it did not happen: {what or condition}"
        time.sleep(0.01)


def find_processes(mark: str) -> list[int]:
    """Return the living processes whose environment or command line holds `mark`."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        with suppress(OSError):
            stat = Path(f"/proc/{name}/stat").read_bytes()
            said = Path(f"/proc/{name}/environ").read_bytes()
            said += Path(f"/proc/{name}/cmdline").read_bytes()
            if mark.encode() in said and stat[stat.rfind(b")") + 2 :][:1] not in b"ZX":
                found.append(int(name))
    return found


def free_port() -> int:
    """Return a TCP port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str = "/") -> tuple[int, str]:
    """Ask an HTTP server on this machine; (0, "") if there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


class KeeperBench:
    """A data directory with a keeper.

    Attributes:
        data: the data directory.
        keeper: the client.
    """

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir(mode=0o700)
        self.work = folder / "work"
        self.work.mkdir()
        self.keeper = Keeper(self.data)
        self._mark = os.fspath(folder)

    def start_keeper(self) -> int:
        """Start the keeper and return its process id."""
        start_keeper(self.data)
        return self.keeper.ping()

    def kill_keeper(self) -> None:
        """Kill the keeper; return when it is gone."""
        pid = self.keeper.ping()
        os.kill(pid, signal.SIGKILL)
        until(lambda: not self.is_keeper_there(), "the keeper is gone")

    def is_keeper_there(self) -> bool:
        """Tell whether it answers."""
        try:
            self.keeper.ping()
        except KeeperError:
            return False
        return True

    def service(self, text: str, **changes: Any) -> dict[str, Any]:
        """Describe a service that runs a shell text."""
        deployment = changes.get("deployment", "d-1")
        fields: dict[str, Any] = {
            "key": KEY,
            "slot": "stable",
            "deployment": deployment,
            "argv": ["/bin/sh", "-ec", text],
            "env": {"PATH": PATH, "MULLIGAN_RELEASE_DIR": os.fspath(self.work)},
            "cwd": os.fspath(self.work),
            "log": os.fspath(self.data / f"{deployment}.log"),
            "grace": 5.0,
        }
        return fields | changes

    def start(self, text: str, **changes: Any) -> dict[str, Any]:
        """Start a service that runs a shell text; return its status."""
        keep = changes.pop("keep", False)
        return self.keeper.start(self.service(text, **changes), keep=keep)

    def status(self, slot: str = "stable") -> dict[str, Any]:
        """Return the status of the service."""
        return self.keeper.status(KEY, slot)

    def log(self, deployment: str = "d-1") -> str:
        """Return what a service printed."""
        path = self.data / f"{deployment}.log"
        return path.read_text() if path.exists() else ""

    def processes(self) -> list[int]:
        """Return the living processes of the services, without the keeper."""
        return find_processes(os.fspath(self.work))

    def close(self) -> None:
        """End the keeper; make sure that nothing is left."""
        if self.data.exists():
            start_keeper(self.data)  # one that was killed may have left something
            self.keeper.shutdown()
        left = find_processes(self._mark)
        if left:
            with suppress(AssertionError):
                until(lambda: not find_processes(self._mark))
        left = find_processes(self._mark)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left, "processes are left"


@contextmanager
def open_bench(folder: Path) -> Iterator[KeeperBench]:
    """Give a bench with a keeper that runs."""
    bench = KeeperBench(folder)
    try:
        bench.start_keeper()
        yield bench
    finally:
        bench.close()
        shutil.rmtree(bench.data, ignore_errors=True)
