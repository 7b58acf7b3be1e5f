"""What the rows share: a directory, the size of the run, servers with a client, own figures."""

from __future__ import annotations

import itertools
import math
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.client import Api, Connection, LimitApi, Tally
from bench.servers import Server, engine_limit, mulligan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

POLL_S = 0.001  # how often a row looks at a file that a step writes


@dataclass(frozen=True, kw_only=True)
class OwnServer:
    """Hold a running Mulligan server and a client in a project of its own."""

    server: Server
    api: Api


class Session:
    """Give the rows what they need, and remember figures that a later row compares with."""

    def __init__(self, directory: Path, *, quick: bool) -> None:
        """Keep all files below `directory`; with `quick` rows use their small n."""
        self.directory = directory
        self.quick = quick
        self.tally = Tally()
        self.remembered: dict[str, float] = {}
        self.quietest_ms = math.inf  # of `limits.calibrate`, so far
        self._numbers = itertools.count()

    def size(self, full: int, quick: int) -> int:
        """Return the one of two sizes that this run uses."""
        return quick if self.quick else full

    def path(self, name: str) -> Path:
        """Return a path that nothing else uses."""
        return self.directory / f"{next(self._numbers)}-{name}"

    def connect(self, server: Server) -> Connection:
        """Return a new connection to a running server."""
        return Connection(server.url, self.tally)

    @contextmanager
    def mulligan(self, *options: str, data: Path | None = None) -> Iterator[OwnServer]:
        """Run Mulligan, on a new data directory by default, with the project `bench` in it."""
        with mulligan(data or self.path("data"), *options) as server:
            api = Api(self.connect(server))
            if data is None:
                api.create_project()
            yield OwnServer(server=server, api=api)
            api.connection.close()

    @contextmanager
    def engine_limit(self) -> Iterator[tuple[Server, LimitApi]]:
        """Run the engine limit on a new database, with the server's own durability (FULL)."""
        with engine_limit(self.path("limit.db")) as server:
            api = LimitApi(self.connect(server))
            yield server, api
            api.connection.close()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds; the row's time limit ends the wait."""
    while not condition():
        time.sleep(POLL_S)


class StartMark:
    """Tell when a step's process really started: the step writes the time to a file."""

    def __init__(self, path: Path) -> None:
        """Use a file of its own."""
        self._path = path
        self.script = f"date +%s%N > '{path}'"

    def clear(self) -> None:
        """Forget the last start."""
        self._path.unlink(missing_ok=True)

    def wait(self) -> int:
        """Return the nanoseconds since 1970 of the start after `clear`, once there is one."""
        while True:
            text = self._path.read_text() if self._path.exists() else ""
            if text.endswith("\n"):
                return int(text)
            time.sleep(POLL_S)

    def ms_after(self, act: Callable[[], str]) -> tuple[float, str]:
        """Do `act`; return the milliseconds from before it to the start, and what it gave."""
        self.clear()
        before = time.time_ns()
        given = act()
        return (self.wait() - before) / 1e6, given
