"""The part of the store with counts over all runs."""

from typing import Protocol


class TallyStore(Protocol):
    """Tallies follow from decisions: `RunStore.append` adds to them in its transaction."""

    async def tallies(self) -> dict[tuple[str, str], float]:
        """Return all counts by (name, label); what was never counted is absent."""
        ...
