"""Talk to the keeper of a data directory, and start it. Standard library only; blocking."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_SOCKET = "keeper.sock"
_PROGRAM = Path(__file__).with_name("__main__.py")
# sockaddr_un.sun_path has 108 bytes, the last one is zero.
_LONGEST_PATH_BYTES = 107
_CHUNK_BYTES = 65536
_ANSWER_S = 15.0
# One that is ending needs five seconds, and the next one must wait for it.
_START_S = 20.0
_LOOK_S = 0.02
# The keeper looks for as long until it gives up killing; see `host/ending.py`.
_KILL_S = 12.0
# The environment of the keeper is not that of its services.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH")
_SPEC = ("key", "slot", "deployment", "argv", "env", "cwd", "log", "grace")


class KeeperError(Exception):
    """No keeper answers, or it gave up in the middle.

    - KeeperRefusedError: it answered, and refused
    """


class KeeperRefusedError(KeeperError):
    """The keeper refused.

    Args:
        code: `invalid`, `busy`, `absent`, `launch`, `storage`, `stuck` or `ending`.
        message: for people.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class Keeper:
    """The keeper of a data directory. Each call connects anew and raises KeeperError.

    A service is named by `key` (its environment) and `slot` (`stable` or `grey`). A status is
    `{key, slot, deployment, state, keep, pid, restarts, exit_code, started_at}`; the state is
    `running`, `stopped`, `backoff` or `absent` (then there is only key, slot and no deployment).

    Args:
        data: the data directory.
    """

    def __init__(self, data: Path | str) -> None:
        self._data = os.fspath(data)

    def ping(self) -> int:
        """Return its process id, as it sees it itself."""
        return int(self._ask({"do": "ping"})["pid"])

    def start(self, service: Mapping[str, Any], *, keep: bool = False) -> dict[str, Any]:
        """Start a service; its place must be free. Returns its status.

        Args:
            service: `key`, `slot`, `deployment`, `argv` (begins with a path), `env` (all of it),
                `cwd`, `log` (a file, its folder exists), `grace` (seconds between TERM and KILL).
            keep: it is committed from the start.
        """
        asked = {name: service[name] for name in _SPEC if name in service}
        return self._ask(asked | {"do": "start", "keep": keep})

    def stop(
        self, key: str, slot: str, *, grace: float | None = None, deployment: str | None = None
    ) -> bool:
        """End a service with all its processes and forget it. Returns whether there was one.

        Args:
            key: see the class.
            slot: see the class.
            grace: seconds between TERM and KILL; None takes what `start` was told.
            deployment: end only this one.
        """
        request: dict[str, Any] = {"do": "stop", "key": key, "slot": slot}
        if grace is not None:
            request["grace"] = grace
        if deployment is not None:
            request["deployment"] = deployment
        wait = _KILL_S + (3600.0 if grace is None else grace)
        return bool(self._ask(request, wait)["existed"])

    def status(self, key: str, slot: str) -> dict[str, Any]:
        """Return the status of a service."""
        return self._ask({"do": "status", "key": key, "slot": slot})

    def wait(self, key: str, slot: str, deployment: str, seconds: float) -> dict[str, Any]:
        """Return the status as soon as this deployment does not run, at latest in `seconds`."""
        request = {"key": key, "slot": slot, "deployment": deployment, "seconds": seconds}
        return self._ask(request | {"do": "wait"}, seconds + _ANSWER_S)

    def commit(self, key: str, slot: str, deployment: str) -> dict[str, Any]:
        """Make a running deployment one that is started again whenever it ends."""
        return self._ask({"do": "commit", "key": key, "slot": slot, "deployment": deployment})

    def who_listens(self, key: str, slot: str, port: int) -> str:
        """Say who listens on a TCP port: `own`, `new`, `stranger` or `nobody`; see `ports`."""
        return str(self._ask({"do": "listens", "key": key, "slot": slot, "port": port})["who"])

    def list_services(self) -> list[dict[str, Any]]:
        """Return the status of all services."""
        return list(self._ask({"do": "list"})["services"])

    def shutdown(self) -> None:
        """End all services and the keeper, within five seconds; return when they have ended.

        Those that are committed are started again by the next keeper.
        """
        with contextlib.suppress(OSError), connect(self._data, _ANSWER_S) as connection:
            connection.sendall(b'{"do": "shutdown"}\n')
            while connection.recv(_CHUNK_BYTES):
                pass  # the connection is closed when the process ends

    def _ask(self, request: Mapping[str, Any], seconds: float = _ANSWER_S) -> dict[str, Any]:
        try:
            with connect(self._data, seconds) as connection:
                connection.sendall(json.dumps(request).encode() + b"\n")
                answer = json.loads(_read_line(connection))
        except (OSError, ValueError) as error:
            raise KeeperError(f"the keeper of {self._data} doesn't answer: {error}") from None
        if not isinstance(answer, dict) or answer.get("ok") is not True:
            refusal = answer if isinstance(answer, dict) else {}
            raise KeeperRefusedError(str(refusal.get("error")), str(refusal.get("message")))
        return answer


def connect(data: str, seconds: float) -> socket.socket:
    """Connect to the socket in a data directory, however long its path is. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(seconds)
    path = os.path.join(data, _SOCKET)
    folder = -1
    try:
        if len(os.fsencode(path)) > _LONGEST_PATH_BYTES:
            folder = os.open(data, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            path = f"/proc/self/fd/{folder}/{_SOCKET}"
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    finally:
        if folder >= 0:
            os.close(folder)
    return connection


def _read_line(connection: socket.socket) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        chunk = connection.recv(_CHUNK_BYTES)
        if not chunk:
            raise OSError("it closed the connection")
        line += chunk
    return bytes(line)


def start_keeper(data: Path | str, python: str = sys.executable) -> None:
    """Make sure that a keeper runs for a data directory; return when it answers.

    Call it outside of any process namespace that may end: the keeper shall stay.

    Args:
        data: exists.
        python: the interpreter.

    Raises:
        KeeperError: it can't be started; `keeper.log` in the directory says more.
    """
    keeper = Keeper(data)
    give_up_at = time.monotonic() + _START_S
    while True:
        try:
            keeper.ping()
        except KeeperError as error:
            if time.monotonic() >= give_up_at:
                raise
            code = _spawn(data, python)
            if code not in (0, 75):
                raise KeeperError(f"the keeper ended with {code}; see keeper.log") from error
            time.sleep(_LOOK_S)
        else:
            return


def _spawn(data: Path | str, python: str) -> int:
    """Run the program that becomes the keeper; it returns when it is ready."""
    try:
        return subprocess.run(
            [python, "-I", "-S", "-X", "utf8", _PROGRAM, "--data", data],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            start_new_session=True,
            timeout=_START_S,
            check=False,
        ).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KeeperError(f"the keeper can't be started: {error}") from None


def ensure_services(data: Path | str, services: Iterable[Mapping[str, Any]]) -> list[str]:
    """Make sure that the keeper runs, and that it runs these services as committed ones.

    What has the place of one of them already, in whatever state, is left alone.

    Args:
        data: the data directory.
        services: as the drivers report them in `result["state"]["service"]`.

    Returns:
        What did not work, a text for people each; mostly nothing.

    Raises:
        KeeperError: there is no keeper.
    """
    start_keeper(data)
    keeper = Keeper(data)
    problems = []
    for service in services:
        if keeper.status(service["key"], service["slot"])["state"] != "absent":
            continue
        try:
            keeper.start(service, keep=True)
        except KeeperRefusedError as error:
            problems.append(f"{service['key']} ({service['slot']}): {error}")
    return problems


async def ensure(data: Path | str, services: Iterable[Mapping[str, Any]] = ()) -> list[str]:
    """Do what `ensure_services` does, without holding up the event loop."""
    import asyncio  # here: the programs that deploy don't need it

    return await asyncio.to_thread(ensure_services, data, list(services))
