"""Bring a database to the newest schema: numbered files, forward only, each in one transaction.

A file that was applied must never change: its hash is kept beside its number. An existing database
is copied to NAME.before-NNNN before the first file that it lacks is applied.
"""

import hashlib
import re
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from mulligan.core.errors import InfrastructureError
from mulligan.store.sql.dialects import Connection, Dialect

FOLDER = Path(__file__).parent / "migrations"
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    applied_at TEXT NOT NULL
)
"""


class SchemaError(InfrastructureError):
    """The database and this program's migrations do not belong together."""


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """One file of SQL statements."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Return the hash of its text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """Return the migrations of a folder in order; they must be numbered 1, 2, 3 …"""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None or int(match[1]) != len(found) + 1:
            raise SchemaError(f"migration {path.name} is misnamed or leaves a gap")
        sql = path.read_text(encoding="utf-8")
        found.append(Migration(number=len(found) + 1, name=path.name, sql=sql))
    return tuple(found)


def migrate(dialect: Dialect, connection: Connection, migrations: Sequence[Migration]) -> None:
    """Apply what the database lacks.

    Raises:
        SchemaError: The database is newer than this program, or an applied file was changed.
    """
    connection.execute(_TABLE)
    applied = check_applied(connection, migrations)
    missing = migrations[applied:]
    if missing and applied:
        dialect.back_up(connection, f"before-{missing[0].number:04}")
    for migration in missing:
        _apply(dialect, connection, migration)


def check_applied(connection: Connection, migrations: Sequence[Migration]) -> int:
    """Return how many of the migrations the database has.

    Raises:
        SchemaError: It has others.
    """
    found = connection.execute("SELECT number, name, sha256 FROM migrations ORDER BY number")
    count = 0
    for number, name, sha256 in found:
        count += 1
        if number > len(migrations):
            raise SchemaError(
                f"the database was made by a newer version (it has migration {name}, this program "
                f"knows {len(migrations)}); start that version, or restore the copy made before it"
            )
        if number != count or migrations[number - 1].sha256 != sha256:
            raise SchemaError(f"migration {name} was changed after it was applied")
    return count


def _apply(dialect: Dialect, connection: Connection, migration: Migration) -> None:
    connection.execute(dialect.begin)
    try:
        for statement in _statements(migration.sql):
            connection.execute(statement)
        connection.execute(
            "INSERT INTO migrations (number, name, sha256, applied_at) VALUES (?, ?, ?, ?)",
            (migration.number, migration.name, migration.sha256, datetime.now(UTC).isoformat()),
        )
        connection.execute("COMMIT")
    except dialect.failures as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise SchemaError(f"migration {migration.name} failed: {error}") from error


def _statements(sql: str) -> Iterator[str]:
    """Yield the statements of a file; each ends with a semicolon at the end of a line."""
    lines: list[str] = []
    for line in sql.splitlines():
        lines.append(line)
        statement = "\n".join(lines)
        if line.rstrip().endswith(";") and sqlite3.complete_statement(statement):
            yield statement
            lines = []
    if any(line.strip() and not line.lstrip().startswith("--") for line in lines):
        raise SchemaError("the last statement has no semicolon")
