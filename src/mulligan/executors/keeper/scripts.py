"""Turn a text of `input_info` into a program, and run one with a limit.

A text runs by `sh -e`; a first line `#!…` chooses another interpreter.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
# Between TERM and KILL for a text that takes too long.
_GRACE_S = 5.0


class ScriptError(Exception):
    """A text can't be run; the message says why.

    - ScriptTimeoutError: it took too long and was ended
    """


class ScriptTimeoutError(ScriptError):
    """A text took too long and was ended."""


def write_script(text: str, file: Path, path: str | None) -> list[str]:
    """Write a text to a file; return the program, with its whole path, and its arguments.

    A byte order mark is removed, and CR LF becomes LF: an interpreter would stumble over both.

    Args:
        text: what was given by the user.
        file: is overwritten, its folder is made.
        path: the PATH with which it runs.

    Raises:
        ScriptError: no such interpreter, or a NUL character in the text.
        OSError: the file can't be written.
    """
    content = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if "\0" in content:
        raise ScriptError("the text has a NUL character")
    words = _first_line_words(content) or ["sh", "-e"]
    program = shutil.which(words[0], path=path or _DEFAULT_PATH)
    if program is None:
        raise ScriptError(f"the interpreter {words[0]!r} was not found")
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    beside.write_bytes(content.encode("utf-8", "surrogateescape"))
    beside.replace(file)  # one that is being read stays what it was
    return [os.path.abspath(program), *words[1:], os.fspath(file)]


def _first_line_words(content: str) -> list[str]:
    """Return what stands behind `#!` in the first line, without `env` and its `-S`."""
    if not content.startswith("#!"):
        return []
    words = content[2:].partition("\n")[0].split()
    if words and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if word != "-S"]
    return words


def run_script(argv: list[str], env: Mapping[str, str], cwd: Path, seconds: float) -> int:
    """Run a program in a process group of its own; return its exit code, negative: the signal.

    Its output goes where that of this process goes.

    Raises:
        ScriptTimeoutError: it took longer than `seconds`; its group was ended.
        ScriptError: it can't be started.
    """
    try:
        process = subprocess.Popen(
            argv, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, process_group=0
        )
    except (OSError, ValueError) as error:
        raise ScriptError(f"{argv[0]!r} can't be started in {cwd}: {error}") from None
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise ScriptTimeoutError(f"it took longer than {seconds:g} s and was ended") from None
    finally:
        if process.returncode is None:
            _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the group: TERM, a time of grace, KILL. The leader is reaped last, to keep the number."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
