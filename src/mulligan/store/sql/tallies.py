"""Counts over all runs, in SQL. `Append` adds to them."""

from mulligan.store.sql.base import SqlBase


class SqlTallies(SqlBase):
    """Implements `ports.TallyStore`."""

    async def tallies(self) -> dict[tuple[str, str], float]:
        """Return all counts by (name, label)."""
        found = await self._all("SELECT name, label, value FROM tallies")
        return {(name, label): value for name, label, value in found}
