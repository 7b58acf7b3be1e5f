"""What a decision adds to the counts over all runs. Pure.

Counts are told by name and label; a label is made of words of small sets, never of what users
write, so that there is a bounded number of them.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from msgspec.structs import replace

from mulligan.core.cause import Cause
from mulligan.core.decision import Decision
from mulligan.core.events import RunFinished, StepFinished
from mulligan.core.recovered import recovery_of
from mulligan.core.run import Run, RunAttempt
from mulligan.core.status import Status

# Upper bounds of the buckets of histograms, seconds.
DURATIONS: Final = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400)
RECOVERIES: Final = (60, 300, 900, 1800, 3600, 7200, 21_600, 86_400, 259_200, 604_800)

_BAD = frozenset({Status.FAILED, Status.CANCELLED})
_TIMEOUTS = frozenset({Cause.TIMEOUT, Cause.JOB_TIMEOUT, Cause.QUEUE_TIMEOUT})
_ERRORS = frozenset({Cause.INFRA, Cause.LOST, Cause.UNREACHABLE})
_RESULTS = {
    Status.SUCCEEDED: "success",
    Status.FAILED: "failure",
    Status.CANCELLED: "cancellation",
    Status.SKIPPED: "skip",
}


class Tally(NamedTuple):
    """So much is added to a count."""

    name: str
    label: str
    value: float


def result_word(status: Status, cause: Cause | None) -> str:
    """Give the word that OpenTelemetry has for the result of a run."""
    if status is Status.FAILED and cause in _TIMEOUTS:
        return "timeout"
    if status is Status.FAILED and cause in _ERRORS:
        return "error"
    return _RESULTS.get(status, status.value)


def bucket_of(seconds: float, bounds: tuple[int, ...]) -> str:
    """Give the label of the bucket that a duration falls into."""
    return next((str(bound) for bound in bounds if seconds <= bound), "+Inf")


def tallies_of(decision: Decision) -> list[Tally]:
    """Return what a decision adds to the counts."""
    found: list[Tally] = []
    for event in decision.events:
        if isinstance(event, RunFinished):
            found += _run_ended(decision.run, event)
        elif isinstance(event, StepFinished):
            if event.cause is Cause.LOST:
                found.append(Tally("lost_attempts", "", 1))
            if event.tries:
                found.append(Tally("flaky_passes", "", 1))
    return found


def _run_ended(run: Run, event: RunFinished) -> Iterator[Tally]:
    attempt = run.head.attempts[-1]
    result = result_word(event.status, event.cause)
    yield Tally("runs_ended", event.status.value, 1)
    yield from _took(attempt.queued_at, attempt.started_at or event.at, f"pending {result}")
    if attempt.started_at is not None:
        yield from _took(attempt.started_at, event.at, f"executing {result}")
    if event.status is Status.FAILED:
        yield Tally("run_errors", "user" if event.cause is None else event.cause.value, 1)
    yield from _recovered(run, attempt, event)


def _took(start: datetime, end: datetime, label: str) -> Iterator[Tally]:
    seconds = max((end - start).total_seconds(), 0.0)
    yield Tally("run_seconds", label, seconds)
    yield Tally("run_buckets", f"{label} {bucket_of(seconds, DURATIONS)}", 1)


def _recovered(run: Run, attempt: RunAttempt, event: RunFinished) -> Iterator[Tally]:
    """Yield what the end of an attempt says about repairs: of the run, and while it went on."""
    result = "success" if event.status is Status.SUCCEEDED else "failure"
    modes = [] if attempt.what == "start" else [attempt.what]
    modes += [repair.what for repair in attempt.repairs]
    for mode in modes:
        yield Tally("recoveries", f"{mode} {result}", 1)
    saved = attempt.seconds_saved + sum(repair.seconds_saved for repair in attempt.repairs)
    if saved:
        yield Tally("seconds_saved", "", saved)
    attempts = _since_success(run.head.attempts)
    earlier = attempts[:-1]
    was_bad = any(each.status is Status.FAILED for each in earlier)
    if event.status is Status.FAILED and not was_bad:
        yield Tally("broken_runs", "", 1)
    if not (attempt.repairs or (earlier and earlier[-1].status in _BAD)):
        return  # what it may be recovered from is counted already
    recovery = recovery_of(replace(run.head, attempts=attempts))
    if recovery is None:
        return
    if not was_bad:  # repaired before it could fail, or after it was cancelled
        yield Tally("broken_runs", "", 1)
    seconds = max((event.at - recovery.broken_at).total_seconds(), 0.0)
    yield Tally("recovered_runs", "", 1)
    yield Tally("recovery_seconds", "", seconds)
    yield Tally("recovery_buckets", bucket_of(seconds, RECOVERIES), 1)


def _since_success(attempts: tuple[RunAttempt, ...]) -> tuple[RunAttempt, ...]:
    """Return the last attempts of a run: those after it succeeded before. It can break again."""
    good = [place for place, each in enumerate(attempts[:-1]) if each.status is Status.SUCCEEDED]
    return attempts[good[-1] + 1 :] if good else attempts
