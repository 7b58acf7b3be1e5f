"""Durations and their quantiles. Pure."""

from collections.abc import Iterable
from datetime import datetime


def seconds_between(first: datetime | None, last: datetime | None) -> float | None:
    """Give the seconds from one instant to another; None if one of them is missing."""
    return None if first is None or last is None else max((last - first).total_seconds(), 0.0)


def quantile(values: Iterable[float], share: float) -> float | None:
    """Give the smallest of the values that at least `share` of them do not exceed."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = -int(-share * len(ordered) // 1) - 1  # rounded up
    return ordered[min(max(place, 0), len(ordered) - 1)]
