"""The outer process of the step host: it waits for the host, and ends it when the server is gone.

It exists because a process can't move itself into a new process namespace, and because somebody
must adopt and end the steps if the host itself is killed where there is no such namespace.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys

from mulligan.executors.host import isolation, processes
from mulligan.executors.host.messages import (
    EXIT_NO_NAMESPACE,
    GUARD,
    ISOLATION_AUTO,
    ISOLATION_NAMESPACE,
    ISOLATION_SUBREAPER,
    KIND,
    frame,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

# How long the host may go on to write down what it has, once the server is gone.
_LAST_WORDS_S = 0.5
# How long to go on killing what can't be killed at once.
_KILL_PATIENCE_S = 5.0
# Longer than any wait that means something; there is no "for ever" in sigtimedwait.
_LONG_S = 1e6
_SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def main(arguments: list[str]) -> NoReturn:
    """Split into guard and host; neither returns.

    Args:
        arguments: the socket's descriptor, the server's process id, which isolation to try
            (`auto`, `pidns`, `subreaper`), the path of the spool file.
    """
    connection, server, wanted, spool = (int(arguments[0]), int(arguments[1]), *arguments[2:4])
    os.set_inheritable(connection, False)  # noqa: FBT003  (no keyword)
    os.closerange(3, connection)
    os.closerange(connection + 1, 65536)  # whatever the server forgot to keep to itself
    _become_session()
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    isolation.die_with_parent(signal.SIGTERM)
    if os.getppid() != server:
        os._exit(0)  # it ended before the kernel knew that we want to hear of it
    got = _isolate(wanted)
    alive, held = os.pipe2(os.O_CLOEXEC)
    host = os.fork()
    if host == 0:
        os.close(held)
        _be_host(connection, got, spool, alive)
    with contextlib.suppress(OSError):
        os.write(connection, frame(json.dumps({KIND: GUARD, "pid": host}).encode()))
    os.close(connection)
    code = _wait_for(host)
    if got == ISOLATION_SUBREAPER:
        processes.kill_descendants(_KILL_PATIENCE_S)
    os._exit(code)


def _become_session() -> None:
    # Refused if it is one already: so the server may start the host either way.
    with contextlib.suppress(PermissionError):
        os.setsid()


def _isolate(wanted: str) -> str:
    if wanted in (ISOLATION_AUTO, ISOLATION_NAMESPACE) and isolation.unshare_processes():
        return ISOLATION_NAMESPACE
    if wanted == ISOLATION_NAMESPACE:
        os._exit(EXIT_NO_NAMESPACE)
    isolation.adopt_orphans()
    return ISOLATION_SUBREAPER


def _be_host(connection: int, got: str, spool: str, guard_alive: int) -> NoReturn:
    """Run the host in the process that was forked for it."""
    # In a namespace the kernel ends all steps with the host. Elsewhere the host must do it.
    namespace = got == ISOLATION_NAMESPACE
    isolation.die_with_parent(signal.SIGKILL if namespace else signal.SIGTERM)
    os.set_blocking(guard_alive, False)
    with contextlib.suppress(BlockingIOError):
        os.read(guard_alive, 1)
        os._exit(0)  # end of file: the guard was gone before
    _become_session()
    if namespace:
        try:
            isolation.mount_own_proc()
        except OSError:
            os._exit(EXIT_NO_NAMESPACE)
    else:
        isolation.adopt_orphans()
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    from mulligan.executors.host.loop import Host  # only now: the guard stays small

    try:
        Host(connection, spool, got).run()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        if not namespace:
            processes.kill_descendants(_KILL_PATIENCE_S)
        os._exit(0)


def _wait_for(host: int) -> int:
    """Wait until the host has ended; return its exit code. End it when the server ends."""
    left = _LONG_S
    while True:
        received = signal.sigtimedwait(_SIGNALS, left)
        code = _reap(host)
        if code is not None:
            return code
        if received is None and left < _LONG_S:
            os.kill(host, signal.SIGKILL)
        elif received is not None and received.si_signo != signal.SIGCHLD:
            # The host sees it too, and may write down what it has.
            left = _LAST_WORDS_S


def _reap(host: int) -> int | None:
    """Reap every child that ended; return the exit code of the host if it is among them."""
    code = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0] != 0:
            if ended[0] == host:
                code = max(os.waitstatus_to_exitcode(ended[1]), 0)
    return code
