"""All that differs between databases: connecting, beginning, errors, and a few words of SQL.

The statements of the store use `?` for parameters, `ON CONFLICT … DO UPDATE` and nothing that
SQLite 3.27 does not know.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from mulligan.core.errors import InfrastructureError

BUSY_TIMEOUT_MS = 5_000  # another process (a backup, an administrator's shell) may hold a lock
WRITER_CACHE_KB = 8_192
READER_CACHE_KB = 2_048
WAL_PAGES = 4_000  # 16 MiB; measured: smaller ones pause for a checkpoint more often, not shorter
WAL_LIMIT_BYTES = 64 * 1024 * 1024  # what a burst leaves behind on disk
OLDEST_SQLITE = (3, 27, 0)  # VACUUM INTO


class Cursor(Protocol):
    """What the store uses of a result."""

    @property
    def rowcount(self) -> int:
        """Return how many rows the statement changed."""
        ...

    def fetchone(self) -> Any:
        """Return the next row or None."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """What the store uses of a connection, which never begins a transaction by itself."""

    @property
    def in_transaction(self) -> bool:
        """Tell whether a transaction is open."""
        ...

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Cursor:
        """Run one statement."""
        ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Cursor:
        """Run one statement for each row."""
        ...

    def close(self) -> None:
        """Let the database go."""
        ...


class Dialect(Protocol):
    """One kind of database."""

    failures: type[Exception]  # everything that its driver raises
    clashes: type[Exception]  # those of them that say that a constraint does not hold
    begin: str  # of a transaction that will write

    def open_writer(self) -> Connection:
        """Connect to write, from any one thread at a time; make the database if it is missing."""
        ...

    def open_reader(self) -> Connection:
        """Connect to read, from any one thread at a time."""
        ...

    def back_up(self, connection: Connection, suffix: str) -> None:
        """Keep a copy of the database under that suffix, where the database is a file."""
        ...

    def insert(self, connection: Connection, sql: str, values: Sequence[Any]) -> int:
        """Insert one row; return the number that the database gave it."""
        ...

    def clashing(self, error: Exception) -> str:
        """Return "table.column" of the first column of the unique constraint that was violated.

        "" when it was another kind of constraint.
        """
        ...

    def by_index(self, name: str) -> str:
        """Return what follows a table's name to read it by that index; "" = leave it to it."""
        ...

    def contains(self, column: str) -> str:
        """Return the condition that a column contains the parameter as a substring."""
        ...


class Sqlite:
    """SQLite in one file, in WAL mode: readers never wait for the writer, nor it for them.

    Args:
        path: The database file; its directory must exist.
        synchronous: FULL = a commit that returned is on disk; NORMAL = it may be lost when the
            power fails, not when a process dies.
    """

    failures: type[Exception] = sqlite3.Error
    clashes: type[Exception] = sqlite3.IntegrityError
    begin = "BEGIN IMMEDIATE"

    def __init__(self, path: Path, *, synchronous: str = "FULL") -> None:
        if synchronous not in {"FULL", "NORMAL"}:
            raise ValueError(f"synchronous is FULL or NORMAL, not {synchronous!r}")
        self.path = path
        self._synchronous = synchronous

    def open_writer(self) -> Connection:
        """Connect to write."""
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            wanted = ".".join(map(str, OLDEST_SQLITE))
            raise InfrastructureError(f"SQLite {sqlite3.sqlite_version} is older than {wanted}")
        connection = _connect(str(self.path), WRITER_CACHE_KB)
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {self._synchronous}",
            "foreign_keys = ON",
            f"wal_autocheckpoint = {WAL_PAGES}",
            f"journal_size_limit = {WAL_LIMIT_BYTES}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def open_reader(self) -> Connection:
        """Connect to read."""
        connection = _connect(f"{self.path.absolute().as_uri()}?mode=ro", READER_CACHE_KB)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def open_checker(self) -> Connection:
        """Connect to read everything once, also when the last process that wrote was killed."""
        connection = _connect(str(self.path), WRITER_CACHE_KB)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def back_up(self, connection: Connection, suffix: str) -> None:
        """Copy the database to NAME.suffix beside it."""
        target = self.path.with_name(f"{self.path.name}.{suffix}")
        target.unlink(missing_ok=True)  # of an attempt that was cut short
        connection.execute("VACUUM INTO ?", (str(target),))

    def insert(self, connection: Connection, sql: str, values: Sequence[Any]) -> int:
        """Insert one row; return its rowid."""
        cursor = connection.execute(sql, values)
        return int(cursor.lastrowid)  # type: ignore[attr-defined]

    def clashing(self, error: Exception) -> str:
        """Read it from the message, which is the only place where SQLite names it."""
        kind, _, columns = str(error).partition(" constraint failed: ")
        return columns.split(", ")[0] if kind == "UNIQUE" else ""

    def by_index(self, name: str) -> str:
        """Return the hint, which is an error when that index can't be used."""
        return f"INDEXED BY {name}"

    def contains(self, column: str) -> str:
        """Return the condition; LIKE would give % and _ a meaning."""
        return f"instr({column}, ?) > 0"


def _connect(database: str, cache_kb: int) -> sqlite3.Connection:
    connection = sqlite3.connect(
        database,
        uri=database.startswith("file:"),
        timeout=BUSY_TIMEOUT_MS / 1_000,
        isolation_level=None,  # every BEGIN stands in our code
        check_same_thread=False,
        cached_statements=256,
    )
    connection.execute(f"PRAGMA cache_size = -{cache_kb}")
    return connection
