"""Instants and spans as this API has them: epoch milliseconds, and costs in milliseconds."""

from datetime import datetime, timedelta
from typing import Any

Json = dict[str, Any]


def millis(instant: datetime | None) -> int | None:
    """Return epoch milliseconds; None stays None."""
    return None if instant is None else int(instant.timestamp() * 1000)


def span(start: datetime | None, end: datetime | None) -> int:
    """Return the milliseconds between two instants; 0 if one is missing or they are swapped."""
    if start is None or end is None:
        return 0
    return max(0, int((end - start) / timedelta(milliseconds=1)))


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
