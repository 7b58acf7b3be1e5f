"""Traces: how far they were sent, and who sends them."""

from collections.abc import Sequence
from typing import Protocol

from mulligan.core.traces import Span


class TraceStore(Protocol):
    """How far the events were looked through to make traces."""

    async def find_trace_cursor(self) -> int | None:
        """Return the last `seq` that was looked at; None = nobody wants traces."""
        ...

    async def put_trace_cursor(self, seq: int | None) -> None:
        """Note how far the events were looked through; None = nobody wants traces any more."""
        ...


class SendsSpans(Protocol):
    """Takes spans to a collector."""

    async def send(self, spans: Sequence[Span]) -> bool:
        """Send spans; False = the collector refuses them, now and later.

        Raises:
            OSError: It can't be reached, or has no time; try again later.
        """
        ...
