"""How the runs of a time went, as numbers. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import msgspec

from mulligan.core.durations import quantile, seconds_between
from mulligan.core.recovered import recovery_of, seconds_saved
from mulligan.core.run import RunHead
from mulligan.core.status import Status


class RunFact(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed of a run."""

    status: Status
    recovered: bool
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The runs that were asked for on one day, UTC."""

    day: date
    runs: int
    succeeded: int
    failed: int
    recovered: int


class Insights(msgspec.Struct, frozen=True, kw_only=True):
    """How runs went.

    Args:
        success_share: Of those that ended with a result, how many succeeded, 0 to 1.
        recovered_share: How many of them succeeded only after they were repaired.
        rescue_share: Of those that failed at some time, how many succeeded in the end.
        p50_seconds, p95_seconds: From first work to end, of those that succeeded.
        queue_p50_seconds: From the start to the first work.
    """

    runs: int
    unfinished: int
    succeeded: int
    failed: int
    cancelled: int
    recovered: int
    success_share: float | None
    recovered_share: float | None
    rescue_share: float | None
    p50_seconds: float | None
    p95_seconds: float | None
    queue_p50_seconds: float | None
    days: tuple[Day, ...]


class Repairs(msgspec.Struct, frozen=True, kw_only=True):
    """What repairing runs brought: the work that was kept, and how long it took to be green."""

    seconds_saved: float
    recover_p50_seconds: float | None
    recover_p95_seconds: float | None


def insights_of(runs: Sequence[RunFact]) -> Insights:
    """Count runs."""
    counts = {status: sum(run.status is status for run in runs) for status in Status}
    good, bad = counts[Status.SUCCEEDED], counts[Status.FAILED]
    recovered = sum(run.recovered for run in runs)
    green = [run for run in runs if run.status is Status.SUCCEEDED]
    took = _known(seconds_between(run.started_at, run.ended_at) for run in green)
    waited = _known(seconds_between(run.queued_at, run.started_at) for run in runs)
    return Insights(
        runs=len(runs),
        unfinished=counts[Status.QUEUED] + counts[Status.RUNNING],
        succeeded=good,
        failed=bad,
        cancelled=counts[Status.CANCELLED],
        recovered=recovered,
        success_share=_share(good, good + bad),
        recovered_share=_share(recovered, good + bad),
        rescue_share=_share(recovered, recovered + bad),
        p50_seconds=quantile(took, 0.5),
        p95_seconds=quantile(took, 0.95),
        queue_p50_seconds=quantile(waited, 0.5),
        days=_days(runs),
    )


def repairs_of(heads: Iterable[RunHead]) -> Repairs:
    """Sum up what repairs brought, over runs that were recovered."""
    saved = 0.0
    took = []
    for head in heads:
        found = recovery_of(head)
        if found is None:
            continue
        saved += seconds_saved(head)
        seconds = seconds_between(found.broken_at, head.ended_at)
        if seconds is not None:
            took.append(seconds)
    return Repairs(
        seconds_saved=saved,
        recover_p50_seconds=quantile(took, 0.5),
        recover_p95_seconds=quantile(took, 0.95),
    )


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _days(runs: Iterable[RunFact]) -> tuple[Day, ...]:
    by_day: dict[date, list[RunFact]] = {}
    for run in runs:
        by_day.setdefault(run.queued_at.date(), []).append(run)
    return tuple(
        Day(
            day=day,
            runs=len(found),
            succeeded=sum(run.status is Status.SUCCEEDED for run in found),
            failed=sum(run.status is Status.FAILED for run in found),
            recovered=sum(run.recovered for run in found),
        )
        for day, found in sorted(by_day.items())
    )
