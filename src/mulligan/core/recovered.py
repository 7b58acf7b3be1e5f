"""Was a run recovered: did it succeed after something of it had failed? Pure."""

from datetime import datetime

import msgspec

from mulligan.core.ids import UserName
from mulligan.core.run import RunHead
from mulligan.core.status import Status

_BAD = {Status.FAILED, Status.CANCELLED}
_RECOVERING = {"retry", "skip"}


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """How a run that has succeeded got there.

    Args:
        by, at: Who did the last retry or skip, and when.
        broken_at: When it ended badly for the first time; of a step that was retried while the
            run went on, when that was asked for.
        seconds_saved: What the work took that was kept, over all retries.
    """

    by: UserName
    at: datetime
    broken_at: datetime
    seconds_saved: float


def recovery_of(head: RunHead) -> Recovery | None:
    """Tell how a run was recovered; None = it has not succeeded, or nothing had failed."""
    if head.status is not Status.SUCCEEDED:
        return None
    acts: list[tuple[datetime, UserName]] = []
    broken: list[datetime] = []
    before: Status | None = None
    for attempt in head.attempts:
        if attempt.what in _RECOVERING and before in _BAD:
            acts.append((attempt.queued_at, attempt.actor))
        if attempt.status in _BAD and attempt.ended_at is not None:
            broken.append(attempt.ended_at)
        before = attempt.status
        acts += ((repair.at, repair.actor) for repair in attempt.repairs)
        broken += (repair.at for repair in attempt.repairs)
    if not acts or not broken:
        return None
    at, by = max(acts)
    return Recovery(by=by, at=at, broken_at=min(broken), seconds_saved=seconds_saved(head))


def seconds_saved(head: RunHead) -> float:
    """Tell how long the work took that retries of a run kept."""
    return sum(
        attempt.seconds_saved + sum(repair.seconds_saved for repair in attempt.repairs)
        for attempt in head.attempts
    )


def branch_of(head: RunHead) -> str:
    """Tell the branch whose event started a run; "" = none did."""
    return head.origin.branch if head.origin is not None else ""
