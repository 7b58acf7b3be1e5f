"""One thread owns the writing connection and commits in groups.

Callers on the event loop hand in units of work and await their result. While one group is written
to disk, the next one gathers: a lone caller waits for nobody, a hundred share one `fsync`.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from time import perf_counter
from typing import Any, TypeVar

from mulligan.core.errors import InfrastructureError
from mulligan.store.sql.dialects import Connection, Dialect

T = TypeVar("T")
Unit = Callable[[Connection], T]

MAX_UNITS = 512  # of one group
MAX_SECONDS = 0.004  # of work in one group: some ten times what its commit costs

_log = logging.getLogger(__name__)


class _Item:
    """A unit, who waits for it, and how it went."""

    __slots__ = ("error", "future", "result", "then", "unit")

    def __init__(
        self,
        unit: Callable[[Connection], Any],
        future: asyncio.Future[Any],
        then: Callable[[Any], None] | None,
    ) -> None:
        self.unit = unit
        self.future = future
        self.then = then
        self.result: Any = None
        self.error: BaseException | None = None


class GroupWriter:
    """The only way to write. Order of calls: `start`, any number of `submit`, `close`."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: Connection

    def start(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to work on a connection, which is the writer's from now on."""
        self._connection = connection
        self._loop = loop
        self._thread = threading.Thread(
            target=self._work, args=(loop,), name="store-writer", daemon=True
        )
        self._thread.start()

    async def submit(self, unit: Unit[T], then: Callable[[T], None] | None = None) -> T:
        """Run a unit in a transaction; return its result once it is durable.

        A unit that raises changes nothing, whatever else is in its group. It may be run on the
        connection only while it runs, and must neither begin nor end transactions.

        Args:
            unit: The work, called in the writer's thread.
            then: Called with the result in the event loop after the commit, before the caller
                goes on, and also when the caller has given up waiting meanwhile.

        Raises:
            InfrastructureError: The database refused; nothing was changed.
        """
        if self._loop is None:
            raise InfrastructureError("the store is not open")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Item(unit, future, then))
        return await future

    async def close(self) -> None:
        """Finish what was accepted, then close the connection. May be called twice."""
        if self._loop is None or self._thread is None:
            return
        self._loop = None  # nothing is accepted after the None in the queue
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    # --- in the writer's thread ---------------------------------------------------------------

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        more = True
        while more:
            group: list[_Item] = []
            more = self._run_group(group)
            if not group:
                continue
            try:
                loop.call_soon_threadsafe(_deliver, group)
            except RuntimeError:  # the loop is closed: nobody waits any more
                _log.warning("results of %d writes found no event loop", len(group))

    def _run_group(self, group: list[_Item]) -> bool:
        """Wait for work, do all that is there in one transaction; tell whether more may come."""
        item = self._queue.get()
        if item is None:
            return False
        try:
            self._connection.execute(self._dialect.begin)
        except self._dialect.failures as error:
            group.append(item)
            item.error = _as_infrastructure(error)
            return True
        more = self._run_units(item, group)
        self._commit(group)
        return more

    def _run_units(self, item: _Item, group: list[_Item]) -> bool:
        end = perf_counter() + MAX_SECONDS
        while True:
            group.append(item)
            self._run_unit(item, group)
            if len(group) >= MAX_UNITS or perf_counter() > end or self._queue.empty():
                return True
            following = self._queue.get()
            if following is None:
                return False
            item = following

    def _run_unit(self, item: _Item, group: list[_Item]) -> None:
        connection = self._connection
        # The first unit needs no savepoint: when it fails, nothing else is in the transaction. A
        # unit whose predecessor failed so badly that the transaction is gone is the first again.
        first = len(group) == 1 or not connection.in_transaction
        try:
            if not connection.in_transaction:
                connection.execute(self._dialect.begin)
            if not first:
                connection.execute("SAVEPOINT unit")
            item.result = item.unit(connection)
            if not first:
                connection.execute("RELEASE unit")
        except Exception as error:  # noqa: BLE001 - a wrong unit must not end the thread
            failed = isinstance(error, self._dialect.failures)
            item.error = _as_infrastructure(error) if failed else error
            self._undo(group, first=first)

    def _undo(self, group: list[_Item], *, first: bool) -> None:
        connection = self._connection
        try:
            if first:
                connection.execute("ROLLBACK")
            else:
                connection.execute("ROLLBACK TO unit")
                connection.execute("RELEASE unit")
        except self._dialect.failures as error:
            # The database itself ended the transaction (disk full, I/O error): all of it is gone.
            self._lose(group, error)

    def _commit(self, group: list[_Item]) -> None:
        if not self._connection.in_transaction:
            return
        try:
            self._connection.execute("COMMIT")
        except self._dialect.failures as error:
            self._lose(group, error)

    def _lose(self, group: list[_Item], error: Exception) -> None:
        """Tell all whose work was in the transaction, and leave the connection usable."""
        for item in group:
            if item.error is None:
                item.error = _as_infrastructure(error)
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except self._dialect.failures:
            _log.exception("the failed transaction could not be rolled back")


def _as_infrastructure(error: Exception) -> InfrastructureError:
    failure = InfrastructureError(f"the database failed: {error}")
    failure.__cause__ = error
    return failure


def _deliver(group: list[_Item]) -> None:
    """Give the results to those who wait, in the event loop."""
    for item in group:
        try:
            if item.error is None and item.then is not None:
                item.then(item.result)
        except Exception:  # noqa: BLE001 - the others of the group must get theirs
            # What it was called for is stored, so its caller is not told of a failure.
            _log.exception("a callback failed after the commit")
        if item.future.done():  # its caller was cancelled
            continue
        if item.error is None:
            item.future.set_result(item.result)
        else:
            item.future.set_exception(item.error)
