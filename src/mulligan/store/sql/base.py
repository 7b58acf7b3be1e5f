"""What all parts of the SQL store share: its connections and what it remembers."""

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from mulligan.core.ids import RunId
from mulligan.ports import Acts, RunFilter
from mulligan.store.paging import Order
from mulligan.store.sql.acts import write_acts
from mulligan.store.sql.dialects import Connection, Dialect
from mulligan.store.sql.memo import LISTS, KnownRun, ListMemo, Recent, SpecIndexes
from mulligan.store.sql.readers import Readers
from mulligan.store.sql.writer import GroupWriter

T = TypeVar("T")
KNOWN_RUNS = 4_096  # unfinished runs, about a kilobyte each


class SqlBase:
    """A dialect, its writer and its readers."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.writer = GroupWriter(dialect)
        self._readers = Readers(dialect)
        self._indexes = SpecIndexes()
        self._known: Recent[RunId, KnownRun] = Recent(KNOWN_RUNS)
        self._lists: Recent[tuple[RunFilter, Order], ListMemo] = Recent(LISTS)
        # How many decisions were stored since the start, for each pipeline and project ("" = all):
        # those that lists in a fixed order depend on, and all, which move lists by update.
        self._heads_changed: Counter[str] = Counter()
        self._appended: Counter[str] = Counter()

    async def _read(self, query: Callable[[Connection], T]) -> T:
        return await self._readers.read(query)

    async def _write(self, unit: Callable[[Connection], T]) -> T:
        return await self.writer.submit(unit)

    async def _one(self, sql: str, values: tuple[Any, ...] = ()) -> Any:
        return await self._read(lambda connection: connection.execute(sql, values).fetchone())

    async def _all(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        return await self._read(lambda connection: connection.execute(sql, values).fetchall())

    async def _find(
        self, sql: str, values: tuple[Any, ...], decode: Callable[[Any], T]
    ) -> T | None:
        """Look a record up by its key; give what `decode` makes of the row."""
        row = await self._one(sql, values)
        return None if row is None else decode(row)

    async def _do(self, sql: str, values: tuple[Any, ...], acts: Acts) -> int:
        """Run one statement together with acts; return how many rows it changed."""

        def unit(connection: Connection) -> int:
            count = connection.execute(sql, values).rowcount
            write_acts(self.dialect, connection, acts)
            return count

        return await self._write(unit)
