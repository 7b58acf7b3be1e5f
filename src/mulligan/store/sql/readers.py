"""A few threads with a reading connection each."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mulligan.core.errors import InfrastructureError
from mulligan.store.sql.dialects import Connection, Dialect

T = TypeVar("T")
THREADS = 3


class Readers:
    """Run queries outside the event loop. Order of calls: any number of `read`, then `close`."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._mine = threading.local()
        self._connections: list[Connection] = []
        self._is_closed = False
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="store-reader")

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query on one state of the database; return its result.

        Raises:
            InfrastructureError: The database failed.
        """
        if self._is_closed:
            raise InfrastructureError("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, query)

    def _run(self, query: Callable[[Connection], T]) -> T:
        try:
            connection = self._connection()
            connection.execute("BEGIN")
            try:
                return query(connection)
            finally:
                connection.execute("ROLLBACK")
        except self._dialect.failures as error:
            raise InfrastructureError(f"the database failed: {error}") from error

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._dialect.open_reader()
            self._mine.connection = connection
            self._connections.append(connection)
        return connection

    async def close(self) -> None:
        """End the threads and their connections. May be called twice."""
        self._is_closed = True
        await asyncio.to_thread(self._threads.shutdown)
        while self._connections:
            self._connections.pop().close()
