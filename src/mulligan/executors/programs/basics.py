"""What all programs share: how they speak, fail and report."""

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


class StepError(Exception):
    """The step has failed; the text says why, for its user.

    Args:
        cause: As in `StepEnd`; "" = the ordinary one.
        exit_code: Of the program.
    """

    def __init__(self, message: str, *, cause: str = "", exit_code: int = 1) -> None:
        super().__init__(message)
        self.cause = cause
        self.exit_code = exit_code


class Done:
    """How a program's work went.

    Attributes:
        artifacts: What lies in the content store now: path, size, digest, perhaps sha512.
        outputs: Pairs of name and value for the step's outputs.
        variables: As many for the variables of the run.
        sensitive: Names among both whose values are secret.
        notes: Reports and metrics: kind, name, perhaps files and data.
        error: Code and text of a failure, if the program knows better than its exit code.
        error_type: That belongs to it.
    """

    def __init__(
        self,
        *,
        exit_code: int = 0,
        cause: str = "",
        message: str = "",
        pin: str = "",
        artifacts: list[dict[str, Any]] | None = None,
        outputs: list[tuple[str, str]] | None = None,
    ) -> None:
        self.exit_code = exit_code
        self.cause = cause
        self.message = message
        self.pin = pin
        self.artifacts = artifacts if artifacts is not None else []
        self.outputs = outputs if outputs is not None else []
        self.variables: list[tuple[str, str]] = []
        self.sensitive: list[str] = []
        self.notes: list[dict[str, Any]] = []
        self.error: tuple[int, str] | None = None
        self.error_type: int | None = None


def say(text: str) -> None:
    """Print a line of the step's log, at once: what programs print comes in between."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def write_report(file: Path, done: Done) -> None:
    """Write the report so that there is a whole one or none, also after a crash."""
    content = {
        "artifacts": done.artifacts,
        "outputs": done.outputs,
        "variables": done.variables,
        "sensitive": done.sensitive,
        "notes": done.notes,
        "error": done.error,
        "error_type": done.error_type,
        "pin": done.pin,
        "cause": done.cause,
        "message": done.message,
    }
    partial = file.with_name(f"{file.name}.part")
    with partial.open("w", encoding="utf-8", errors="replace") as output:
        json.dump(content, output)
        output.flush()
        os.fsync(output.fileno())
    partial.replace(file)
