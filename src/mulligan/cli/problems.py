"""What a server refuses, as errors that end a command."""

import http.client
import json
from typing import IO, Any

import click

from mulligan.cli.exits import (
    EXIT_CONFLICT,
    EXIT_FAILED,
    EXIT_FORBIDDEN,
    EXIT_RUNNING,
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    FailureError,
)
from mulligan.cli.language import tr

_EXIT_CODES = {
    400: EXIT_USAGE,
    401: EXIT_FORBIDDEN,
    403: EXIT_FORBIDDEN,
    404: EXIT_USAGE,
    409: EXIT_CONFLICT,
    412: EXIT_CONFLICT,
    413: EXIT_USAGE,
    415: EXIT_USAGE,
    422: EXIT_USAGE,
    429: EXIT_CONFLICT,
    503: EXIT_UNREACHABLE,
}

Json = dict[str, Any]


class ProblemError(FailureError):
    """The server refused; `problem` is its answer (RFC 9457)."""

    def __init__(self, status: int, problem: Json) -> None:
        detail = str(
            problem.get("detail")
            or problem.get("message")
            or f"the server answered with status {status}"
        )
        instead = problem.get("instead") or []
        if instead:
            detail += tr(" (possible instead: {what})", what="; ".join(map(str, instead)))
        if status == http.client.UNAUTHORIZED:
            detail += tr(" (give a token: --token, MULLIGAN_TOKEN or `mulligan login`)")
        super().__init__(detail, _EXIT_CODES.get(status, EXIT_FAILED))
        self.status = status
        self.problem = problem


class UnreachableError(FailureError):
    """There is no answer."""

    def __init__(self, url: str, reason: object) -> None:
        message = tr("no server answers at {url}: {reason}", url=url, reason=reason)
        super().__init__(message, EXIT_UNREACHABLE)


class OverdueError(FailureError):
    """What was waited for did not end in the time that was given."""

    def __init__(self) -> None:
        super().__init__(tr("still running at the end of --timeout"), EXIT_RUNNING)


_SECRET = frozenset({"value", "password", "secret", "token", "url", "key"})
_LONGEST_SHOWN = 2000


class PreviewError(FailureError):
    """Ends a command with `--dry-run` where it would change something; no failure."""

    def __init__(self, method: str, target: str, body: object) -> None:
        super().__init__(f"would send: {method} {target}", 0)
        self._body = body

    def show(self, file: IO[Any] | None = None) -> None:
        """Print on stdout what would be sent, without secrets."""
        del file
        click.echo(self.message)
        if isinstance(self._body, dict):
            shown = {key: "******" if key in _SECRET else self._body[key] for key in self._body}
            click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
        elif self._body is not None:
            text = self._body.decode("utf-8", "replace") if isinstance(self._body, bytes) else ""
            click.echo(text[:_LONGEST_SHOWN] or str(self._body)[:_LONGEST_SHOWN])
        click.echo(tr("nothing was changed"), err=True)


def problem_in(data: bytes) -> Json:
    """Return the problem in the body of an answer; {} if there is none."""
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
