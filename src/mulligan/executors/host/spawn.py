"""Start one process, as cheaply as the system can.

`posix_spawn` doesn't copy the memory of the host. It knows no working directory, umask or
limits; the host has one thread, so it takes them on for the moment of the start and goes back.
"""

from __future__ import annotations

import errno
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
_NULL = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
# Python ignores some signals, and so may whoever started the server (`nohup`, a shell script's
# `&`). A step must find what every program expects.
_DEFAULT_SIGNALS = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})


class SpawnError(Exception):
    """The process could not be started; the text says why, for the user."""


class Started:
    """A process that runs: its number, and the read end of its output (does not block)."""

    __slots__ = ("output", "pid")

    def __init__(self, pid: int, output: int) -> None:
        self.pid = pid
        self.output = output


def spawn(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    *,
    umask: int | None = None,
    limits: Mapping[str, int] | None = None,
) -> Started:
    """Start `argv` as the leader of a new session, with nothing but the given environment.

    Args:
        argv: the program (looked up on the PATH of `env` unless it holds a slash), arguments.
        env: the whole environment. Undecodable bytes stand as surrogates, as in `os.environ`.
        cwd: the working directory.
        umask: of the process; None leaves that of the host.
        limits: soft limits by name without `RLIMIT_`, for example `{"NOFILE": 1024}`.

    Returns:
        The process; its stdin is empty, its stdout and stderr are one pipe.

    Raises:
        SpawnError: no such program or directory, no right, too long, a bad limit.
    """
    try:
        program, environment = _encode(argv, env)
        os.chdir(cwd)
    except (OSError, ValueError, TypeError) as error:
        raise SpawnError(_explain_directory(error, cwd)) from None
    old_umask = os.umask(umask) if umask is not None else None
    old_limits: list[tuple[int, tuple[int, int]]] = []
    try:
        if limits:
            old_limits.extend(_set_limits(limits))
        return _start(program, argv, environment)
    except (OSError, ValueError) as error:
        raise SpawnError(_explain(error, program)) from None
    finally:
        if old_umask is not None:
            os.umask(old_umask)
        if old_limits:
            _restore_limits(old_limits)
        os.chdir("/")  # the directory may be removed or unmounted while the step runs


def _start(program: bytes, argv: Sequence[str], environment: dict[bytes, bytes]) -> Started:
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        os.set_blocking(reader, False)
        pid = os.posix_spawn(
            program,
            [os.fsencode(word) for word in argv],
            environment,
            file_actions=(
                (os.POSIX_SPAWN_DUP2, _NULL, 0),
                (os.POSIX_SPAWN_DUP2, writer, 1),
                (os.POSIX_SPAWN_DUP2, writer, 2),
            ),
            setsid=True,
            setsigmask=(),
            setsigdef=_DEFAULT_SIGNALS,
        )
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    return Started(pid, reader)


def _encode(argv: Sequence[str], env: Mapping[str, str]) -> tuple[bytes, dict[bytes, bytes]]:
    """Find the program and turn the environment into bytes. Raises ValueError, OSError."""
    if not argv or not argv[0]:
        raise ValueError("no program is given")
    for name, value in env.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise ValueError(f"the environment variable {name!r} can't be set: bad name or value")
    environment = {os.fsencode(name): os.fsencode(value) for name, value in env.items()}
    return os.fsencode(_find_program(argv[0], env.get("PATH", _DEFAULT_PATH))), environment


def _find_program(name: str, path: str) -> str:
    if "/" in name:
        return name
    for folder in path.split(":"):
        candidate = f"{folder}/{name}"
        if folder.startswith("/") and os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return candidate
    raise ValueError(f"program not found: {name!r} is not on the PATH {path!r}")


def _explain_directory(error: Exception, cwd: str) -> str:
    if isinstance(error, OSError):
        return f"the working directory {cwd!r} can't be used: {error.strerror}"
    return str(error)


def _explain(error: Exception, program: bytes) -> str:
    name = os.fsdecode(program)
    if isinstance(error, OSError) and error.errno == errno.E2BIG:
        return (
            f"{name!r} can't be started: its arguments and environment are too long "
            "(a single one may have 128 KiB)"
        )
    if isinstance(error, OSError) and error.errno == errno.ENOENT and os.path.exists(program):
        return f"{name!r} can't be started: the interpreter that it names doesn't exist"
    if isinstance(error, OSError):
        return f"{name!r} can't be started: {error.strerror}"
    return f"{name!r} can't be started: {error}"


def _set_limits(limits: Mapping[str, int]) -> Iterator[tuple[int, tuple[int, int]]]:
    """Set soft limits of this process; yield what each was before. Raises ValueError, OSError."""
    import resource  # rarely needed, and the host must start fast

    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name}", None)
        if not isinstance(number, int):
            raise ValueError(f"unknown limit {name!r}")  # noqa: TRY004  (not about a type)
        before = resource.getrlimit(number)
        resource.setrlimit(number, (value, before[1]))
        yield number, before


def _restore_limits(limits: list[tuple[int, tuple[int, int]]]) -> None:
    import resource

    for number, before in limits:
        resource.setrlimit(number, before)
