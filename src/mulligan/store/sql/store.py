"""`SqlStore`: everything that is kept, in an SQL database."""

import asyncio
from pathlib import Path

from mulligan.core.errors import InfrastructureError
from mulligan.store.lock import DataLock
from mulligan.store.sql.dialects import Connection, Sqlite
from mulligan.store.sql.executions import SqlExecutions
from mulligan.store.sql.groups import SqlGroups
from mulligan.store.sql.hooks import SqlHooks
from mulligan.store.sql.items import SqlItems
from mulligan.store.sql.ledger import SqlLedger
from mulligan.store.sql.migrate import migrate, read_migrations
from mulligan.store.sql.mutexes import SqlMutexes
from mulligan.store.sql.overview import SqlOverview
from mulligan.store.sql.packages import SqlPackages
from mulligan.store.sql.people import SqlPeople
from mulligan.store.sql.pipelines import SqlPipelines
from mulligan.store.sql.plugins import SqlPlugins
from mulligan.store.sql.postings import SqlPostings
from mulligan.store.sql.quality import SqlQuality
from mulligan.store.sql.runs import SqlRuns
from mulligan.store.sql.secrets import SqlSecrets
from mulligan.store.sql.tallies import SqlTallies
from mulligan.store.sql.triggers import SqlTriggers


class SqlStore(
    SqlRuns,
    SqlPipelines,
    SqlPeople,
    SqlLedger,
    SqlPackages,
    SqlGroups,
    SqlHooks,
    SqlExecutions,
    SqlTriggers,
    SqlItems,
    SqlSecrets,
    SqlPostings,
    SqlQuality,
    SqlTallies,
    SqlMutexes,
    SqlPlugins,
    SqlOverview,
):
    """The store of one server; implements `ports.Store`.

    Args:
        path: The database file, made by `open` when it is missing. Its directory must exist and is
            taken for this process (`DataLock`) while the store is open.
        synchronous: FULL = an answered call survives a power cut; NORMAL = only a killed process.
    """

    def __init__(self, path: Path, *, synchronous: str = "FULL") -> None:
        super().__init__(Sqlite(path, synchronous=synchronous))
        self._lock = DataLock(path.parent)

    async def open(self) -> None:
        """Take the directory, make or migrate the database, begin to write.

        Raises:
            DataInUseError: Another process has the directory.
            SchemaError: The database is of a newer version, or a migration was changed.
        """
        connection = await asyncio.to_thread(self._prepare)
        self.writer.start(connection, asyncio.get_running_loop())

    async def close(self) -> None:
        """Finish what was accepted, then let everything go. May be called twice."""
        await self._readers.close()
        await self.writer.close()
        self._lock.release()

    def _prepare(self) -> Connection:
        try:
            self._lock.acquire()
            connection = self.dialect.open_writer()
            try:
                migrate(self.dialect, connection, read_migrations())
            except BaseException:
                connection.close()
                raise
        except (OSError, self.dialect.failures) as error:
            self._lock.release()
            raise InfrastructureError(f"the database can't be opened: {error}") from error
        except BaseException:
            self._lock.release()
            raise
        return connection
