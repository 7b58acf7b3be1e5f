"""Run a user's script over its inputs, and keep what it made."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

from mulligan.executors.programs.basics import Done, StepError, say
from mulligan.executors.programs.content import keep_file
from mulligan.executors.programs.layout import file_inside, lay_out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CACHE_LOCK = ".lock"


def run_build(order: dict[str, Any]) -> Done:
    """Lay out the inputs, run the script, judge its report, keep what is to be published.

    Raises:
        StepError: An input or something to be published is missing.
    """
    work = Path.cwd()
    lay_out(order, work)
    held = _hold_cache(order.get("cache") or "")
    try:
        exit_code = _run_script(order, work)
    finally:
        if held >= 0:
            os.close(held)
    done = _judge_report(order, work, exit_code)
    if exit_code != 0:
        done.exit_code = exit_code
        done.message = f"the script ended with exit code {exit_code}"
        say(f"##[error]{done.message}")
    elif done.exit_code == 0:
        done.artifacts += _publish(order, work)
    return done


def _hold_cache(cache: str) -> int:
    """Keep a cache from being swept while it is used; return a descriptor, -1 without one."""
    if not cache:
        return -1
    descriptor = os.open(Path(cache) / _CACHE_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.utime(descriptor)
    return descriptor


def _run_script(order: dict[str, Any], work: Path) -> int:
    if order.get("container"):
        from mulligan.executors.programs.containers import run_in_container

        return run_in_container(order, work)
    status = subprocess.run(order["argv"], cwd=work, check=False).returncode
    return 128 - status if status < 0 else status


def _judge_report(order: dict[str, Any], work: Path, exit_code: int) -> Done:
    """Read the report of tests; it tells even more when the script has failed."""
    if not order.get("tests"):
        return Done()
    from mulligan.executors.programs.reports import judge

    try:
        return judge(order["tests"], Path(order["store"]), work)
    except StepError as error:
        if exit_code == 0:
            raise
        say(f"##[warning]{error}")
        return Done()


def _publish(order: dict[str, Any], work: Path) -> list[dict[str, Any]]:
    """Keep the files of the outputs: all of them or, if one is missing, none."""
    store = Path(order["store"])
    files = [file_inside(work, path, "the output file") for path in order["publish"]]
    kept = []
    for index, (path, file) in enumerate(zip(order["publish"], files, strict=True)):
        entry = keep_file(store, file)
        kept.append(
            {
                "path": f"publish:{index}",
                "size": entry.size,
                "digest": entry.digest,
                "sha512": entry.sha512,
            }
        )
        say(f"output {path}: {entry.size} bytes, sha256 {entry.digest[:12]}")
    return kept
