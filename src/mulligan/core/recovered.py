"""Was a run recovered: did it succeed after something of it had failed? And by whom? Pure."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from mulligan.core.ids import JobId, StageId, StepId, UserName
from mulligan.core.refusal import LastAct, Refusal
from mulligan.core.run import Run, RunHead
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


def last_act(run: Run) -> LastAct:
    """Tell what somebody has done to a run last."""
    newest, cancel, head = run.head.attempts[-1], run.head.cancel, run.head
    acts = [(newest.queued_at, newest.actor, newest.what, newest.target)]
    acts += [(each.at, each.actor, each.what, each.target) for each in newest.repairs]
    if cancel is not None:
        acts.append((cancel.at, cancel.by, "stop", ""))
    if head.released_at is not None and head.released_by is not None:
        acts.append((head.released_at, head.released_by, "release", ""))
    at, by, what, target = max(acts)
    return LastAct(what=what, target=target, name=_name(run, target), by=by, at=at)


def _name(run: Run, node: str) -> str:
    index = run.index
    if node in index.stages:
        return index.spec.stages[index.stages[StageId(node)]].name
    named = index.jobs.get(JobId(node)) or index.steps.get(StepId(node))
    return "" if named is None else named.name


def with_last_act(refusal: Refusal, run: Run) -> Refusal:
    """Say in a refusal who was faster: what was done to the run last, if it was not its start."""
    last = last_act(run)
    if last.what == "start":
        return refusal
    return replace(refusal, message=f"{refusal.message}; last: {last}", last=last)


def seconds_saved(head: RunHead) -> float:
    """Tell how long the work took that retries of a run kept."""
    return sum(
        attempt.seconds_saved + sum(repair.seconds_saved for repair in attempt.repairs)
        for attempt in head.attempts
    )


def branch_of(head: RunHead) -> str:
    """Tell the branch whose event started a run; "" = none did."""
    return head.origin.branch if head.origin is not None else ""
