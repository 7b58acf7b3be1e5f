"""One step host as the server sees it: the processes and the socket to them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import cast

import msgspec

from mulligan.executors.host import messages
from mulligan.executors.values import GuardStarted, HostStarted, JobEnded, Progress, StepResult

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

Answer = StepResult | Progress | JobEnded

_PROGRAM = Path(__file__).with_name("host") / "__main__.py"
_SOCKET_IN_HOST = 3
# The environment of the host can be read by every step of the same user.
_PASSED_ON = ("LD_LIBRARY_PATH",)
_decode = msgspec.json.Decoder(GuardStarted | HostStarted | StepResult | Progress | JobEnded).decode


class HostStartError(Exception):
    """The step host ended before it was ready; its words are on the server's stderr."""


class HostProcess(asyncio.Protocol):
    """The processes of one host. Make it with `start`, in the main thread.

    The kernel ends the host when the thread that started it ends, so it must be one that lives
    as long as the server.

    Attributes:
        isolation: `pidns` or `subreaper`.
        gone: is set when the host and all its steps have ended.
    """

    def __init__(self, on_answer: Callable[[Answer], None]) -> None:
        self._on_answer = on_answer
        self._frames = messages.FrameReader()
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.WriteTransport | None = None
        self._ready: asyncio.Future[str] = self._loop.create_future()
        self._pidfds: dict[int, int] = {}  # process id -> descriptor, until it has ended
        self._exit_code: int | None = None
        self.guard_pid = 0
        self.host_pid = 0
        self.isolation = ""
        self.gone = asyncio.Event()

    @classmethod
    async def start(
        cls,
        spool_path: str,
        isolation: str,
        on_answer: Callable[[Answer], None],
        python: str = sys.executable,
    ) -> HostProcess:
        """Start a host and wait until it is ready.

        Args:
            spool_path: where it keeps results; its directory exists.
            isolation: `auto`, `pidns` or `subreaper`.
            on_answer: is called with every message but the first.
            python: the interpreter.

        Raises:
            HostStartError: it could not be started.
        """
        host = cls(on_answer)
        await host._begin(spool_path, isolation, python)
        try:
            host.isolation = await host._ready
        except HostStartError:
            await host.gone.wait()
            if host._exit_code == messages.EXIT_NO_NAMESPACE and isolation == "auto":
                return await cls.start(spool_path, "subreaper", on_answer, python)
            raise
        return host

    def send(self, payload: bytes) -> None:
        """Send one message; without effect when the host is gone."""
        if self._transport is not None:
            self._transport.write(messages.frame(payload))

    async def close(self, patience: float = 3.0) -> None:
        """End the host and with it every step; return when all have ended.

        Args:
            patience: seconds until it is killed.
        """
        if self._transport is not None:
            self._transport.abort()
        try:
            async with asyncio.timeout(patience):
                await self.gone.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.guard_pid, signal.SIGKILL)
            await self.gone.wait()

    # -- asyncio.Protocol -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Hand on every message that is complete."""
        for payload in self._frames.feed(data):
            try:
                message = _decode(payload)
            except msgspec.ValidationError:
                continue  # a kind of message that this version doesn't know
            if isinstance(message, GuardStarted):
                self.host_pid = message.pid
                self._watch_end(message.pid)
            elif isinstance(message, HostStarted):
                if not self._ready.done():
                    self._ready.set_result(message.isolation)
            else:
                self._on_answer(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Notice that nobody is on the other side any more."""
        self._transport = None
        self._fail_start()

    # -- processes --------------------------------------------------------------------------

    async def _begin(self, spool_path: str, isolation: str, python: str) -> None:
        ours, theirs = socket.socketpair()
        try:
            self.guard_pid = _spawn(theirs.fileno(), spool_path, isolation, python)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._watch_end(self.guard_pid)
        await self._loop.create_unix_connection(lambda: self, sock=ours)

    def _watch_end(self, pid: int) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        self._pidfds[pid] = descriptor
        self._loop.add_reader(descriptor, self._ended, pid)

    def _ended(self, pid: int) -> None:
        descriptor = self._pidfds.pop(pid)
        self._loop.remove_reader(descriptor)
        os.close(descriptor)
        if pid == self.guard_pid:
            with contextlib.suppress(ChildProcessError):
                self._exit_code = os.waitstatus_to_exitcode(os.waitpid(pid, os.WNOHANG)[1])
        if not self._pidfds:
            self._fail_start()
            self.gone.set()

    def _fail_start(self) -> None:
        if not self._ready.done():
            self._ready.set_exception(HostStartError("the step host ended before it was ready"))


def _spawn(connection: int, spool_path: str, isolation: str, python: str) -> int:
    """Start the program of the host with its end of the socket; return the process id."""
    arguments = [str(_SOCKET_IN_HOST), str(os.getpid()), isolation, spool_path]
    return os.posix_spawn(
        python,
        [python, "-I", "-S", "-X", "utf8", str(_PROGRAM), *arguments],
        {name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, 2, 1),
            (os.POSIX_SPAWN_DUP2, connection, _SOCKET_IN_HOST),
        ],
        setsigmask=(),
    )
