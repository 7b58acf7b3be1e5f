"""Long output through a pager, on a terminal, where the environment names one."""

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator

from mulligan.cli.output import note

_LESS = "FRX"  # as other programs have it: no pager for what fits, colours, the text stays


@contextlib.contextmanager
def paged() -> Iterator[None]:
    """Show what is written to stdout meanwhile through the pager that the user has chosen.

    Without one, or if stdout is no terminal, it is written as it is. Whoever ends the pager has
    seen enough: that is no failure.
    """
    process = _started()
    if process is None or process.stdin is None:
        yield
        return
    sys.stdout.flush()
    terminal = os.dup(1)
    os.dup2(process.stdin.fileno(), 1)
    process.stdin.close()
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_rest()
    finally:
        os.dup2(terminal, 1)  # the pipe is closed by that, so that the pager sees the end
        os.close(terminal)
        _wait(process)


def _started() -> subprocess.Popen[bytes] | None:
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return None
    wanted = os.environ.get("MULLIGAN_PAGER", os.environ.get("PAGER", ""))
    try:
        words = shlex.split(wanted)
        if not words or words == ["cat"]:
            return None
        environment = {"LESS": _LESS, **os.environ}
        return subprocess.Popen(words, stdin=subprocess.PIPE, env=environment)
    except (OSError, ValueError) as error:
        note(f"{wanted}: {error}")
        return None


def _drop_rest() -> None:
    """Throw away what is written but not sent: it must not come out afterwards."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    sys.stdout.flush()


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Wait for the pager; it has the keyboard, so an interrupt is for it."""
    while process.returncode is None:
        with contextlib.suppress(KeyboardInterrupt):
            process.wait()
