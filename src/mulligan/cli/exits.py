"""Exit codes, and the error that ends a command with one."""

from typing import IO, Any

import click

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CANCELLED = 3
EXIT_FORBIDDEN = 4
EXIT_CONFLICT = 5
EXIT_WAITING = 6
EXIT_UNREACHABLE = 7
EXIT_RUNNING = 8
EXIT_INTERRUPTED = 130

BY_STATUS = {
    "succeeded": 0,
    "skipped": 0,
    "failed": EXIT_FAILED,
    "cancelled": EXIT_CANCELLED,
}


class FailureError(click.ClickException):
    """Ends a command with a message on stderr and an exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # Click reads it from instances

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message."""
        del file
        click.echo(f"mulligan: {self.message}", err=True)
