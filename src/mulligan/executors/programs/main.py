"""Read the order, do it, and report how it went."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

from mulligan.executors.programs.basics import Done, StepError, say, write_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FAILED = 1


def main(order_file: str) -> int:
    """Do what the order says; return the exit code of the step."""
    file = Path(order_file)
    order = json.loads(file.read_bytes())
    file.unlink()  # it may hold a credential
    report = Path(order["report"])
    try:
        done = _act(order)
    except StepError as error:
        say(f"##[error]{error}")
        done = Done(exit_code=error.exit_code, cause=error.cause, message=str(error))
    except OSError as error:
        # the disk of the server, not the user's work
        cause = "files" if error.errno in _FULL else ""
        name = f": {error.filename!r}" if error.filename else ""
        message = f"{error.strerror or error}{name}"
        say(f"##[error]{message}")
        done = Done(exit_code=_FAILED, cause=cause, message=message)
    try:
        write_report(report, done)
    except OSError as error:
        say(f"##[error]the report of the step can't be written: {error}")
        return done.exit_code or _FAILED
    return done.exit_code


def _act(order: dict[str, Any]) -> Done:
    os.umask(0o022)
    match order["act"]:
        case "source":
            from mulligan.executors.programs.source import fetch_source

            return fetch_source(order)
        case "build":
            from mulligan.executors.programs.build import run_build

            return run_build(order)
        case "image":
            from mulligan.executors.programs.image import build_image

            return build_image(order)
        case "plugin":
            from mulligan.executors.programs.plugin import run_plugin

            return run_plugin(order)
        case _:
            raise StepError(f"unknown act {order['act']!r}")
