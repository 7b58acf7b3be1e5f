"""Status: where a run, stage, job or step stands. One enum for all levels, stored by value."""

from collections.abc import Iterable
from enum import StrEnum

from mulligan.core.cause import Cause


class Status(StrEnum):
    """Where it stands; why it ended is a `Cause`. Waiting for a person is an open gate."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        """Tell whether this attempt can't change any more."""
        return self in FINAL

    @property
    def is_good(self) -> bool:
        """Tell whether what comes after may go on: succeeded or skipped."""
        return self in GOOD


FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.SKIPPED})
GOOD = frozenset({Status.SUCCEEDED, Status.SKIPPED})

# The first that occurs decides; all children equal -> the parent is that.
_ROLL_UP_ORDER = (Status.RUNNING, Status.QUEUED, Status.FAILED, Status.CANCELLED, Status.SUCCEEDED)


def roll_up(children: Iterable[Status]) -> Status:
    """Give the status of a parent of these children; no children at all is `SKIPPED`.

    Running and queued children keep the parent running, unless all are queued.
    """
    found = set(children)
    if found == {Status.QUEUED}:
        return Status.QUEUED
    for status in _ROLL_UP_ORDER:
        if status in found:
            return Status.RUNNING if status is Status.QUEUED else status
    return Status.SKIPPED


def never_ran(status: Status, cause: Cause | None) -> bool:
    """Tell whether a node has done no work yet or was never reached."""
    return status is Status.QUEUED or (status is Status.SKIPPED and cause is Cause.UNREACHED)
