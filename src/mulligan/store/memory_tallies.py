"""What is known of all runs together in the memory store: counts, and how far traces are."""

from mulligan.core.decision import Decision
from mulligan.core.tallies import tallies_of


class MemoryTallies:
    """Implements `ports.TallyStore` and `TraceStore`; the part of an append that concerns them."""

    def __init__(self) -> None:
        super().__init__()
        self._tallies: dict[tuple[str, str], float] = {}
        self._trace_cursor: int | None = None

    def _take_tallies(self, decision: Decision) -> None:
        for name, label, value in tallies_of(decision):
            self._tallies[name, label] = self._tallies.get((name, label), 0.0) + value

    async def tallies(self) -> dict[tuple[str, str], float]:
        """Return all counts by (name, label)."""
        return dict(self._tallies)

    async def find_trace_cursor(self) -> int | None:
        """Return the last `seq` that traces were made of; None = nobody wants traces."""
        return self._trace_cursor

    async def put_trace_cursor(self, seq: int | None) -> None:
        """Note how far the events were looked through."""
        self._trace_cursor = seq
