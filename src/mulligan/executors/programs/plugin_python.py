"""The environments in which plugins in Python run: one for each version, made once."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from mulligan.executors.programs.basics import StepError, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_READY = "ready"  # holds the interpreter that the environment was made with
_PIP = re.compile(r"\s*(?:pip|pip3|python3? -m pip)\s")
_WANTED = re.compile(r"(?:python)?(3)?(\.[0-9]+)?(?:\.[0-9*]+)*\.?\*?")


def python_environment(folder: Path) -> dict[str, str]:
    """Give the variables of a process that works in an environment."""
    path = os.environ.get("PATH", os.defpath)
    return {
        "PATH": f"{folder / 'bin'}{os.pathsep}{path}",
        "VIRTUAL_ENV": os.fspath(folder),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
    }


def is_pip(demand: str) -> bool:
    """Tell whether a demand installs something, which is done once for each environment."""
    return _PIP.match(demand) is not None


def make_environment(folder: Path, wanted: str, install: Callable[[], int]) -> int:
    """Make an environment if it is missing. The caller holds the plugin's lock.

    Args:
        wanted: As in `runtimeVersion`: "python3", "3.11", "" …
        install: Runs the demands in it; gives their exit code.

    Returns:
        0, or the exit code of the demands; the environment is then made anew the next time.

    Raises:
        StepError: The interpreter is missing, or can't make environments.
    """
    python = _find_python(wanted)
    identity = f"{os.path.realpath(python)}\n"
    ready = folder / _READY
    if ready.is_file() and ready.read_text() == identity:
        return 0
    shutil.rmtree(folder, ignore_errors=True)
    say(f"making the Python environment of this plugin with {python}")
    made = subprocess.run(
        [python, "-m", "venv", os.fspath(folder)],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if made.returncode != 0:
        say(made.stdout.decode("utf-8", "replace"))
        raise StepError(
            f"{python} can't make a virtual environment; its modules venv and ensurepip are needed "
            "(on Debian: the package python3-venv)",
            cause="plugin",
        )
    exit_code = install()
    if exit_code == 0:
        ready.write_text(identity)
    return exit_code


def _find_python(wanted: str) -> str:
    """Give the interpreter; never the server's own environment, but what that was made from."""
    own = getattr(sys, "_base_executable", "") or sys.executable
    found = _WANTED.fullmatch(wanted.strip())
    minor = found[2] if found is not None and found[1] else None
    if not wanted.strip() or (found is not None and found[1] and minor is None):
        return own
    if minor is not None:
        if minor == f".{sys.version_info.minor}":
            return own
        path = shutil.which(f"python3{minor}")
        if path:
            return path
    name = f"python3{minor}" if minor else wanted
    raise StepError(
        f"the plugin needs {name}, which is not on this machine's PATH; there is Python "
        f"{sys.version_info.major}.{sys.version_info.minor}",
        cause="plugin",
    )
