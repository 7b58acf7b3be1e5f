"""The part of the store with checks of quality rules."""

from typing import Protocol

from mulligan.core.quality_checks import CheckFilter, QualityCheck


class QualityStore(Protocol):
    """Checks follow from decisions: `RunStore.append` keeps them in its transaction."""

    async def list_quality_checks(
        self,
        where: CheckFilter,
        *,
        limit: int = 50,
        before: int | None = None,
        offset: int = 0,
    ) -> tuple[QualityCheck, ...]:
        """Return checks, newest first. `before`: only those with a smaller number."""
        ...

    async def count_quality_checks(self, where: CheckFilter) -> int:
        """Return how many checks there are."""
        ...
