"""Become a daemon, be the only one of the data directory, and run the keeper."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import sys
import time

from mulligan.executors.host.isolation import adopt_orphans
from mulligan.executors.keeper.loop import SOCKET, Keeper

LOCK = "keeper.lock"
LOG = "keeper.log"
EXIT_USAGE = 2
EXIT_NOT_READY = 1
EXIT_LOCKED = 75  # another keeper has the directory
_READY = b"r"
_LOCKED = b"l"
# A keeper that is ending needs up to five seconds.
_LOCK_PATIENCE_S = 8.0
_LOCK_LOOK_S = 0.02


def main(arguments: list[str]) -> int:
    """Start the daemon; return when it is ready.

    Args:
        arguments: `--data DIR`.

    Returns:
        The exit code: 0, or why there is none.
    """
    if len(arguments) != 2 or arguments[0] != "--data":
        sys.stderr.write("usage: --data DIR\n")
        return EXIT_USAGE
    path = os.path.abspath(arguments[1])
    os.closerange(3, 65536)  # whatever who started us forgot to keep to itself
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    reader, writer = os.pipe2(os.O_CLOEXEC)
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.setsid()
        if os.fork() == 0:
            _be_daemon(path, folder, writer)
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    said = os.read(reader, 1)
    return 0 if said == _READY else EXIT_LOCKED if said == _LOCKED else EXIT_NOT_READY


def _be_daemon(path: str, folder: int, ready: int) -> None:
    """Run to the end in the process that was forked for it."""

    def say(word: bytes) -> None:
        os.write(ready, word)
        os.close(ready)

    code = EXIT_NOT_READY
    try:
        _redirect(folder)
        os.chdir("/")
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        if _lock(folder):
            adopt_orphans()
            Keeper(path, folder).run(lambda: say(_READY))
            code = 0
        else:
            say(_LOCKED)
            code = EXIT_LOCKED
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        os._exit(code)


def _redirect(folder: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    log = os.open(LOG, flags, 0o600, dir_fd=folder)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _lock(folder: int) -> bool:
    """Take the lock, which is held as long as this process lives; say whether that went well."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(LOCK, flags, 0o600, dir_fd=folder)
    give_up_at = time.monotonic() + _LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up_at or _answers(folder):
                return False
        else:
            return True
        time.sleep(_LOCK_LOOK_S)


def _answers(folder: int) -> bool:
    """Tell whether the keeper that has the lock takes clients, so it is not about to end."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0)  # it is taken at once, by the kernel, or not at all
        probe.connect(f"/proc/self/fd/{folder}/{SOCKET}")
        return True
    return False
