"""Instants as whole microseconds since 1970-01-01 UTC, exactly, for any year."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Give an aware instant as microseconds since the epoch."""
    return (at - _EPOCH) // _MICROSECOND


def micros_or_none(at: datetime | None) -> int | None:
    """Give an instant as microseconds, if there is one."""
    return None if at is None else (at - _EPOCH) // _MICROSECOND


def instant(count: int) -> datetime:
    """Give the aware instant that is that many microseconds after the epoch."""
    return _EPOCH + count * _MICROSECOND
