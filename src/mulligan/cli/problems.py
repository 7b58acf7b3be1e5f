"""What a server refuses, as errors that end a command."""

import http.client
import json
from typing import Any

from mulligan.cli.exits import (
    EXIT_CONFLICT,
    EXIT_FAILED,
    EXIT_FORBIDDEN,
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    FailureError,
)

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
        detail = str(problem.get("detail") or f"the server answered with status {status}")
        instead = problem.get("instead") or []
        if instead:
            detail += f" (possible instead: {'; '.join(map(str, instead))})"
        if status == http.client.UNAUTHORIZED:
            detail += " (give one with --token or MULLIGAN_TOKEN)"
        super().__init__(detail, _EXIT_CODES.get(status, EXIT_FAILED))
        self.status = status
        self.problem = problem


class UnreachableError(FailureError):
    """There is no answer."""

    def __init__(self, url: str, reason: object) -> None:
        super().__init__(f"no server answers at {url}: {reason}", EXIT_UNREACHABLE)


def problem_in(data: bytes) -> Json:
    """Return the problem in the body of an answer; {} if there is none."""
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
