"""Options of commands that follow a run, and what they say."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from mulligan.cli.client import Client

F = TypeVar("F", bound=Callable[..., Any])

_LENGTH = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_UNITS = (3600, 60, 1)


class Following(NamedTuple):
    """How a run is followed.

    Args:
        follows: The command waits for its end.
        is_quiet: It tells no progress.
        prints_logs: It prints the logs meanwhile.
        timeout_s: It waits no longer than that.
    """

    follows: bool = True
    is_quiet: bool = False
    prints_logs: bool = False
    timeout_s: float | None = None

    def limit(self, client: Client) -> None:
        """Let the streams of a client end in time."""
        if self.timeout_s is not None:
            client.until = time.monotonic() + self.timeout_s


def length(text: str) -> float:
    """Read a length of time, `90`, `90s`, `10m` or `1h30m`; gives seconds.

    Raises:
        click.BadParameter: It is none.
    """
    found = _LENGTH.fullmatch(text)
    if not found or not any(found.groups()):
        raise click.BadParameter(f"{text!r} is no length of time like 90s, 10m or 1h30m")
    numbers = (int(each or 0) for each in found.groups())
    return float(sum(number * unit for number, unit in zip(numbers, _UNITS, strict=True)))


def may_watch(act: F) -> F:
    """Add the options of following; the command follows unless it is told not to."""
    return _followed(
        act,
        click.option(
            "--watch/--no-watch", default=True, help="Follow until the end.  [default: watch]"
        ),
    )


def may_follow(act: F) -> F:
    """Add the options of following; the command does not follow unless it is told to."""
    return _followed(act, click.option("--watch", is_flag=True, help="Follow until the end."))


def always_follows(act: F) -> F:
    """Add the options of following, for a command that does nothing else."""
    return _followed(act, click.option("--watch", is_flag=True, default=True, hidden=True))


def _followed(act: F, watches: Callable[[F], F]) -> F:

    @click.option("--wait", is_flag=True, help="Follow without telling progress.")
    @click.option("--log", is_flag=True, help="Follow and print the logs.")
    @click.option(
        "--timeout", type=length, metavar="TIME", help="Follow no longer: 90s, 10m, 1h30m."
    )
    @functools.wraps(act)
    def command(
        *args: Any, watch: bool, wait: bool, log: bool, timeout: float | None, **kwargs: Any
    ) -> Any:
        following = Following(watch or wait or log, wait, log, timeout)
        return act(*args, watch=following, **kwargs)

    return watches(command)  # type: ignore[arg-type]  # click calls it by keyword
