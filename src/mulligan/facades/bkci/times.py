"""Instants and spans as this API has them: epoch milliseconds, and costs in milliseconds."""

from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)


def millis(instant: datetime | None) -> int | None:
    """Return epoch milliseconds; None stays None."""
    # whole numbers only: a float would now and then be one too low
    return None if instant is None else (instant - _EPOCH) // _MILLISECOND


def span(start: datetime | None, end: datetime | None) -> int:
    """Return the milliseconds between two instants; 0 if one is missing or they are swapped.

    It is the difference of what `millis` gives for the two, so an answer agrees with itself.
    """
    if start is None or end is None:
        return 0
    return max(0, (end - _EPOCH) // _MILLISECOND - (start - _EPOCH) // _MILLISECOND)


def time_cost(*, execute: int = 0, wait: int = 0, queue: int = 0, system: int = 0) -> Json:
    """Return a `BuildRecordTimeCost`; `queue` is the part of `wait` that was only queueing."""
    return {
        "totalCost": system + execute + wait,
        "systemCost": system,
        "executeCost": execute,
        "waitCost": wait,
        "queueCost": queue,
    }


def present(fields: Json) -> Json:
    """Return the fields that have a value: nulls are left out of answers."""
    return {key: value for key, value in fields.items() if value is not None}
