"""Rule 1: every change of an attempt's status is a row of TRANSITIONS.
Rule 2: a final status has no way out; going on after it is a new attempt, never a change.

A new attempt begins as `QUEUED` (see `evolve`: the events `…Reset` and `StepRetried`).
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from mulligan.core.errors import IllegalTransitionError
from mulligan.core.status import Status


class Move(StrEnum):
    """What may happen to an attempt of a run, stage, job or step."""

    STARTED = "started"  # also: a job was claimed
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    REQUEUED = "requeued"  # same attempt handed out again, next fence


TRANSITIONS: Mapping[Status, Mapping[Move, Status]] = MappingProxyType(
    {
        Status.QUEUED: MappingProxyType(
            {
                Move.STARTED: Status.RUNNING,
                Move.SUCCEEDED: Status.SUCCEEDED,  # nothing to do: a pipeline without stages
                Move.FAILED: Status.FAILED,  # never began: review refused, waited too long
                Move.CANCELLED: Status.CANCELLED,
                Move.SKIPPED: Status.SKIPPED,
            }
        ),
        Status.RUNNING: MappingProxyType(
            {
                Move.SUCCEEDED: Status.SUCCEEDED,
                Move.FAILED: Status.FAILED,
                Move.CANCELLED: Status.CANCELLED,
                Move.SKIPPED: Status.SKIPPED,  # a stage whose jobs were all skipped
                Move.REQUEUED: Status.QUEUED,
            }
        ),
        Status.SUCCEEDED: MappingProxyType({}),
        Status.FAILED: MappingProxyType({}),
        Status.CANCELLED: MappingProxyType({}),
        Status.SKIPPED: MappingProxyType({}),
    }
)

_MOVE_TO = {
    Status.RUNNING: Move.STARTED,
    Status.SUCCEEDED: Move.SUCCEEDED,
    Status.FAILED: Move.FAILED,
    Status.CANCELLED: Move.CANCELLED,
    Status.SKIPPED: Move.SKIPPED,
}


def next_status(present: Status, move: Move, *, node: str = "") -> Status:
    """Give the status after a move.

    Raises:
        IllegalTransitionError: The pair is not in the table.
    """
    after = TRANSITIONS[present].get(move)
    if after is None:
        raise IllegalTransitionError(f"{node or 'the run'} is {present}: it can't be {move}")
    return after


def finish(present: Status, result: Status, *, node: str = "") -> Status:
    """Give the final status `result`, if the present one may become that."""
    return next_status(present, _MOVE_TO[result], node=node)
