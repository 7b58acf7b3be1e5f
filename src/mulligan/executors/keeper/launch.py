"""Start the main process of a service."""

from __future__ import annotations

import os
import signal
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_UMASK = 0o022
_LOG_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DEFAULT_SIGNALS = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})


class LaunchError(Exception):
    """The process could not be started; the text says why, for the user."""


def launch(argv: Sequence[str], env: Mapping[str, str], cwd: str, log: str) -> int:
    """Start `argv` as the leader of a new session; return its process id.

    It writes to the file itself, so that it goes on when the keeper is killed.

    Args:
        argv: the program (a path with a slash) and its arguments.
        env: the whole environment.
        cwd: the working directory.
        log: the file to which its stdout and stderr are appended; its folder exists.

    Raises:
        LaunchError: no such program or directory, no right, too long, no log.
    """
    try:
        output = os.open(log, _LOG_FLAGS, 0o600)
    except (OSError, ValueError) as error:
        raise LaunchError(f"the log {log!r} can't be written: {error}") from None
    before = os.umask(_UMASK)
    try:
        if not stat.S_ISREG(os.fstat(output).st_mode):
            raise LaunchError(f"the log {log!r} is not a plain file")
        os.chdir(cwd)
        return os.posix_spawn(
            argv[0],
            list(argv),
            dict(env),
            file_actions=(
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, output, 1),
                (os.POSIX_SPAWN_DUP2, output, 2),
            ),
            setsid=True,
            setsigmask=(),
            setsigdef=_DEFAULT_SIGNALS,
        )
    except (OSError, ValueError) as error:
        raise LaunchError(f"{argv[0]!r} can't be started in {cwd!r}: {error}") from None
    finally:
        os.close(output)
        os.umask(before)
        os.chdir("/")  # the directory may be removed or unmounted while the service runs
