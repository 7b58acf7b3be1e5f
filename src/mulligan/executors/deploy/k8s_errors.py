"""How the kubernetes driver ends when it can't succeed.

DriverError            has `exit_code`
├─ DeployError         1: the deployment failed; a person corrects the release or its settings
│  └─ ApiError         the API server refused one request
├─ UnreachableError    69: the target can't be reached or doesn't know us
└─ WatchDroppedError   a watch broke off; never leaves the driver
TerminatedError        TERM came: exit 143
"""

from collections.abc import Sequence
from dataclasses import dataclass

EXIT_FAILED = 1
EXIT_UNREACHABLE = 69
EXIT_TERMINATED = 143
CLUSTER_UNUSABLE = "cluster-unusable"


class DriverError(Exception):
    """Anything the driver knows how to explain."""

    exit_code = EXIT_FAILED


class DeployError(DriverError):
    """The deployment failed or its settings make no sense."""


class UnreachableError(DriverError):
    """The API server can't be reached, or it doesn't accept our credential."""

    exit_code = EXIT_UNREACHABLE


class MissingRightError(UnreachableError):
    """Our credential hasn't the right that a request needs."""


class WatchDroppedError(DriverError):
    """A watch broke off; `gone` says that its resource version is too old to go on."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


class TerminatedError(BaseException):
    """TERM came; not an `Exception`, so that no handler of errors swallows it."""


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """One field that belongs to another manager."""

    manager: str
    field: str


class ApiError(DeployError):
    """The API server answered a request with an error that a repetition won't cure."""

    def __init__(
        self, status: int, reason: str, message: str, conflicts: Sequence[Conflict] = ()
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.conflicts = tuple(conflicts)


def coded(code: str, text: str) -> str:
    """Put a code, by which programs know a failure, before its explanation."""
    return f"{code}: {text}"
