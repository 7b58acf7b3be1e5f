"""Counts over all runs in the memory store."""

from mulligan.core.decision import Decision
from mulligan.core.tallies import tallies_of


class MemoryTallies:
    """Implements `ports.TallyStore`; the part of an append that concerns it."""

    def __init__(self) -> None:
        super().__init__()
        self._tallies: dict[tuple[str, str], float] = {}

    def _take_tallies(self, decision: Decision) -> None:
        for name, label, value in tallies_of(decision):
            self._tallies[name, label] = self._tallies.get((name, label), 0.0) + value

    async def tallies(self) -> dict[tuple[str, str], float]:
        """Return all counts by (name, label)."""
        return dict(self._tallies)
