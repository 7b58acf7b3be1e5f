"""Instants of this dialect: RFC 3339, UTC, microseconds (spec/swr-pipeline-api.md §1.4)."""

from datetime import UTC, datetime

ZERO_TIME = "0001-01-01T00:00:00Z"  # never


def time_text(instant: datetime | None) -> str:
    """Write an instant; None is "never"."""
    if instant is None:
        return ZERO_TIME
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
