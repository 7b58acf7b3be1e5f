"""What is known of all runs together, in SQL: counts, which `Append` adds to, and traces."""

from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection


class SqlTallies(SqlBase):
    """Implements `ports.TallyStore` and `ports.traces.TraceStore`."""

    async def tallies(self) -> dict[tuple[str, str], float]:
        """Return all counts by (name, label)."""
        found = await self._all("SELECT name, label, value FROM tallies")
        return {(name, label): value for name, label, value in found}

    async def find_trace_cursor(self) -> int | None:
        """Return the last `seq` that traces were made of; None = nobody wants traces."""
        row = await self._one("SELECT events FROM trace_cursor")
        return None if row is None else int(row[0])

    async def put_trace_cursor(self, seq: int | None) -> None:
        """Note how far the events were looked through."""

        def unit(connection: Connection) -> None:
            connection.execute("DELETE FROM trace_cursor")
            if seq is not None:
                connection.execute("INSERT INTO trace_cursor (one, events) VALUES (1, ?)", (seq,))

        await self._write(unit)
