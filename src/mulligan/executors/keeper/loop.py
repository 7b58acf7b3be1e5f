"""The keeper itself: its services, and what clients ask for.

Each request is `{"do": NAME, …}`, each answer `{"ok": true, …}` or `{"ok": false, "error": CODE,
"message": TEXT}`. Several requests may follow each other on one connection.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys

from mulligan.executors.host import processes
from mulligan.executors.host.reactor import Reactor
from mulligan.executors.keeper import ports
from mulligan.executors.keeper.connection import Connection
from mulligan.executors.keeper.launch import LaunchError
from mulligan.executors.keeper.requests import (
    MOST_GRACE_S,
    RequestError,
    read_life,
    read_place,
    read_seconds,
    read_spec,
)
from mulligan.executors.keeper.service import RUNNING, Service
from mulligan.executors.keeper.state import StateError, StateFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Request = dict[str, Any]

SOCKET = "keeper.sock"
_TICK_S = 1.0
_SHUTDOWN_GRACE_S = 3.0
_SHUTDOWN_PATIENCE_S = 4.5  # then whatever is left is killed without a look
_LAST_KILL_S = 0.4
_GONE_GRACE_S = 0.5
_LONGEST_WAIT_S = 60.0
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_BACKLOG = 64
_MOST_LOG_BYTES = 1024 * 1024


class Keeper:
    """See the module.

    Args:
        path: of the data directory.
        folder: its descriptor.
    """

    def __init__(self, path: str, folder: int) -> None:
        self._path = path
        self._folder = folder
        self._reactor = Reactor()
        self._file = StateFile(folder)
        self._services: dict[tuple[str, str], Service] = {}
        self._waiting: dict[tuple[str, str], list[Callable[[], None]]] = {}
        self._listener: socket.socket | None = None
        self._is_ending = False
        self._is_over = False
        self._after_end: list[Callable[[], None]] = []
        self._commands: dict[str, Callable[[Connection, Request], Request | None]] = {
            "ping": lambda _client, _request: {"pid": os.getpid()},
            "start": self._start,
            "stop": self._stop,
            "status": lambda _client, request: self._describe(read_place(request)),
            "wait": self._wait,
            "commit": self._commit,
            "listens": self._listens,
            "list": lambda _client, _request: {
                "services": [service.describe() for service in self._services.values()]
            },
            "shutdown": self._shut_down,
        }

    def run(self, ready: Callable[[], None]) -> None:
        """Serve until it is over; `ready` is called when clients may connect."""
        self._reactor.watch_signals((signal.SIGCHLD, *_ENDING_SIGNALS), self._signalled)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._take_over()
        self._listen()
        ready()
        self._reactor.after(_TICK_S, self._tick)
        self._reactor.run()

    # --- requests -----------------------------------------------------------------------------

    def _answer(self, client: Connection, request: Request) -> None:
        try:
            command = self._commands.get(str(request.get("do")), _refuse)
            answer = command(client, request)
        except RequestError as error:
            client.reply({"ok": False, "error": error.code, "message": str(error)})
        except StateError as error:
            client.reply({"ok": False, "error": "storage", "message": str(error)})
        else:
            if answer is not None:
                client.reply({"ok": True} | answer)

    def _start(self, _client: Connection, request: Request) -> Request:
        if self._is_ending:
            raise RequestError("ending", "the keeper is ending")
        spec = read_spec(request)
        place = (spec["key"], spec["slot"])
        present = self._services.get(place)
        if present is not None and not present.is_over:
            raise RequestError(
                "busy", f"{present.spec['deployment']} is there ({present.state}): stop it first"
            )
        service = self._make(spec)
        self._services[place] = service
        try:
            self._save()  # first: who finds its token later knows whose it is
            service.start()
            self._save()
        except LaunchError as error:
            self._drop(service)
            raise RequestError("launch", str(error)) from None
        except StateError:
            service.keep = False
            self._end_and_drop(service)
            raise
        return service.describe()

    def _stop(self, client: Connection, request: Request) -> Request | None:
        place = read_place(request)
        service = self._services.get(place)
        only = request.get("deployment")
        if service is None or (only is not None and only != service.spec["deployment"]):
            return {"existed": False}
        grace = read_seconds(request, "grace", service.spec["grace"], MOST_GRACE_S)
        if service.keep:
            service.keep = False
            try:
                self._save()  # first: a keeper that is killed now must not start it again
            except StateError:
                service.keep = True
                raise

        def done(left: set[int]) -> None:
            if left:
                message = f"processes can't be killed: {sorted(left)}"
                client.reply({"ok": False, "error": "stuck", "message": message})
                return
            self._drop(service)
            self._wake(place)
            client.reply({"ok": True, "existed": True, "exit_code": service.exit_code})

        service.end(grace, done)
        return None

    def _commit(self, _client: Connection, request: Request) -> Request:
        service = self._services.get(read_place(request))
        if service is None or service.spec["deployment"] != request.get("deployment"):
            raise RequestError("absent", f"{request.get('deployment')} is not there")
        if not service.keep and service.state != RUNNING:
            raise RequestError("absent", f"{request.get('deployment')} does not run")
        before, service.keep = service.keep, True
        try:
            self._save()
        except StateError:
            service.keep = before
            raise
        return service.describe()

    def _wait(self, client: Connection, request: Request) -> Request | None:
        place = read_place(request)
        wanted = request.get("deployment")
        seconds = read_seconds(request, "seconds", _LONGEST_WAIT_S, _LONGEST_WAIT_S)

        def is_over() -> bool:
            service = self._services.get(place)
            return (
                service is None or service.spec["deployment"] != wanted or service.state != RUNNING
            )

        if is_over():
            return self._describe(place)

        def finish() -> None:
            timer.cancel()
            waiting = self._waiting.get(place, [])
            if look in waiting:
                waiting.remove(look)
            if not waiting:
                self._waiting.pop(place, None)
            client.reply({"ok": True} | self._describe(place))

        def look() -> None:
            if is_over():
                finish()

        timer = self._reactor.after(seconds, finish)
        self._waiting.setdefault(place, []).append(look)
        return None

    def _listens(self, _client: Connection, request: Request) -> Request:
        service = self._services.get(read_place(request))
        port = request.get("port")
        if service is None or not isinstance(port, int):
            raise RequestError("absent", "no such service or port")
        return {"who": ports.judge(port, service.find(), service.before)}

    def _shut_down(self, client: Connection, _request: Request) -> None:
        self._after_end.append(lambda: client.reply({"ok": True}))
        self._end(_SHUTDOWN_GRACE_S)

    def _describe(self, place: tuple[str, str]) -> Request:
        service = self._services.get(place)
        if service is None:
            return {"key": place[0], "slot": place[1], "deployment": None, "state": "absent"}
        return service.describe()

    # --- services -----------------------------------------------------------------------------

    def _make(self, spec: Request) -> Service:
        return Service(self._reactor, spec, self._changed, self._is_alone, self._reap)

    def _take_over(self) -> None:
        """Go on with the services of an earlier keeper; all are known before one is changed."""
        for record in self._file.read():
            try:
                spec = read_spec(record) | read_life(record)
            except RequestError as error:
                _say(f"an entry of {self._path}/keeper.json is left out: {error}")
                continue
            self._services[spec["key"], spec["slot"]] = self._make(spec)
        for service in tuple(self._services.values()):
            service.take_over()
            if not service.keep:
                self._end_and_drop(service)

    def _end_and_drop(self, service: Service) -> None:
        service.end(0, lambda _left: self._drop(service))

    def _drop(self, service: Service) -> None:
        """Forget a service of which nothing is left."""
        place = (service.spec["key"], service.spec["slot"])
        if self._services.get(place) is service:
            del self._services[place]
            self._save_if_possible()

    def _changed(self, service: Service) -> None:
        self._save_if_possible()
        self._wake((service.spec["key"], service.spec["slot"]))

    def _wake(self, place: tuple[str, str]) -> None:
        for look in tuple(self._waiting.get(place, ())):
            look()

    def _is_alone(self, service: Service) -> bool:
        return not any(
            other is not service and other.has_processes for other in self._services.values()
        )

    def _save(self) -> None:
        self._file.write([service.record() for service in self._services.values()])

    def _save_if_possible(self) -> None:
        try:
            self._save()
        except StateError as error:
            _say(str(error))

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0] != 0:
                code = os.waitstatus_to_exitcode(ended[1])
                for service in tuple(self._services.values()):
                    if service.state == RUNNING and service.pid == ended[0]:
                        service.main_ended(code)

    # --- life ---------------------------------------------------------------------------------

    def _signalled(self, numbers: bytes) -> None:
        self._reap()
        if any(number in numbers for number in _ENDING_SIGNALS):
            self._end(_SHUTDOWN_GRACE_S)

    def _listen(self) -> None:
        """Put the socket there; through the folder, because a path may have 107 bytes only."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(SOCKET, dir_fd=self._folder)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(f"/proc/self/fd/{self._folder}/{SOCKET}")
        finally:
            os.umask(before)
        listener.listen(_BACKLOG)
        listener.settimeout(0)
        self._close_listener()
        self._listener = listener
        self._reactor.watch(listener.fileno(), self._accept)

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._reactor.unwatch(self._listener.fileno())
            self._listener.close()
            self._listener = None

    def _accept(self) -> None:
        if self._listener is not None:
            with contextlib.suppress(OSError):
                client, _address = self._listener.accept()
                Connection(self._reactor, client, self._answer)

    def _tick(self) -> None:
        self._reactor.after(_TICK_S, self._tick)
        if self._is_ending:
            return
        if not self._folder_is_there():
            self._end(_GONE_GRACE_S)
            return
        for service in self._services.values():
            service.bound_log()
        bound_own_log()
        if not os.access(SOCKET, os.F_OK, dir_fd=self._folder):
            with contextlib.suppress(OSError):
                self._listen()

    def _folder_is_there(self) -> bool:
        own = os.fstat(self._folder)
        try:
            return os.path.samestat(own, os.stat(self._path))
        except FileNotFoundError:
            return False
        except OSError:
            return own.st_nlink > 0

    def _end(self, grace: float) -> None:
        """End all services and then the keeper; those that are committed stay in the file."""
        if self._is_ending:
            return
        self._is_ending = True
        self._close_listener()
        waiting = set(self._services.values())
        if not waiting:
            self._finish()
            return
        self._reactor.after(_SHUTDOWN_PATIENCE_S, self._finish)

        def end(service: Service) -> None:
            def ended(_left: object) -> None:
                waiting.discard(service)
                if not waiting:
                    self._finish()

            service.end(min(grace, service.spec["grace"]), ended)

        for service in tuple(waiting):
            end(service)

    def _finish(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        processes.kill_descendants(_LAST_KILL_S)
        for place in [place for place, service in self._services.items() if not service.keep]:
            del self._services[place]
        if self._folder_is_there():
            self._save_if_possible()
            with contextlib.suppress(OSError):
                os.unlink(SOCKET, dir_fd=self._folder)
        for reply in self._after_end:
            reply()
        self._reactor.stop()


def bound_own_log() -> None:
    """Empty what this process has written about itself when it gets long."""
    with contextlib.suppress(OSError):
        if os.fstat(sys.stderr.fileno()).st_size > _MOST_LOG_BYTES:
            os.ftruncate(sys.stderr.fileno(), 0)


def _refuse(_client: Connection, request: Request) -> Request:
    raise RequestError("invalid", f"unknown command {request.get('do')!r}")


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
