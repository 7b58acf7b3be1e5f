"""Messages that leave the server, in SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from mulligan.core.ids import ProjectId
from mulligan.core.postings import Cursor, Posting
from mulligan.core.records import AuditEntry
from mulligan.store.instants import micros
from mulligan.store.sql import rows
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection
from mulligan.store.sql.numbers import find_project_number

_INSERT = (
    "INSERT INTO postings (project, kind, target, event, state, created_at, doc) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number"
)
_UPDATE = "UPDATE postings SET state = ?, doc = ? WHERE number = ?"
_OF_PROJECT = "FROM postings WHERE project = (SELECT number FROM projects WHERE id = ?)"
_PRUNE = (
    "DELETE FROM postings WHERE project = ?1 AND state <> 'waiting' AND number <= ("
    "SELECT number FROM postings WHERE project = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)"
)
_WAITING = "SELECT number, doc FROM postings WHERE state = 'waiting' ORDER BY number"
_MOVE = "UPDATE news_cursor SET events = ?, audit = ?"


class SqlPostings(SqlBase):
    """Postings. Their docs hold number 0; the column has it."""

    async def find_cursor(self) -> Cursor:
        """Return how far the news were looked through."""
        events, audit = await self._one("SELECT events, audit FROM news_cursor")
        return Cursor(events=events, audit=audit)

    async def add_postings(
        self, postings: Sequence[Posting], cursor: Cursor | None = None, *, keep: int = 1000
    ) -> tuple[Posting, ...]:
        """Store new postings and move the cursor, all or nothing; return them numbered."""

        def unit(connection: Connection) -> tuple[Posting, ...]:
            projects = {
                posting.project: find_project_number(connection, posting.project)
                for posting in postings
            }
            stored = []
            for posting in postings:
                row = _row(projects[posting.project], posting)
                (number,) = connection.execute(_INSERT, row).fetchone()
                stored.append(replace(posting, number=number))
            for project in projects.values():
                connection.execute(_PRUNE, (project, keep))
            if cursor is not None:
                connection.execute(_MOVE, (cursor.events, cursor.audit))
            return tuple(stored)

        return await self._write(unit)

    async def put_posting(self, posting: Posting) -> None:
        """Replace a posting."""
        values = (posting.state.value, rows.text(replace(posting, number=0)), posting.number)
        await self._write(lambda connection: connection.execute(_UPDATE, values))

    async def find_posting(self, project: ProjectId, number: int) -> Posting | None:
        """Return a posting."""
        sql = f"SELECT number, doc {_OF_PROJECT} AND number = ?"
        return await self._find(sql, (project, number), _posting)

    async def waiting_postings(self) -> tuple[Posting, ...]:
        """Return what is still to be sent, oldest first."""
        return tuple(map(_posting, await self._all(_WAITING)))

    async def list_postings(
        self,
        project: ProjectId,
        *,
        kind: str,
        target: str = "",
        event: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[tuple[Posting, ...], int]:
        """Return postings, newest first, and how many there are."""
        where = f"{_OF_PROJECT} AND kind = ?"
        values: list[Any] = [project, kind]
        for condition, wanted in (
            ("target = ?", target or None),
            ("event = ?", event or None),
            ("created_at >= ?", None if since is None else micros(since)),
            ("created_at <= ?", None if until is None else micros(until)),
        ):
            if wanted is not None:
                where += f" AND {condition}"
                values.append(wanted)

        def query(connection: Connection) -> tuple[list[Any], int]:
            page = f"SELECT number, doc {where} ORDER BY number DESC LIMIT ? OFFSET ?"
            found = connection.execute(page, (*values, limit, offset)).fetchall()
            return found, connection.execute(f"SELECT count(*) {where}", values).fetchone()[0]

        found, count = await self._read(query)
        return tuple(map(_posting, found)), count

    async def audit_after(self, number: int, *, limit: int = 500) -> tuple[AuditEntry, ...]:
        """Return entries of the audit trail with a greater id, ascending."""
        sql = "SELECT id, doc FROM audit WHERE id > ? ORDER BY id LIMIT ?"
        found = await self._all(sql, (number, limit))
        return tuple(replace(rows.audit_entry(doc), id=ident) for ident, doc in found)


def _row(project: int, posting: Posting) -> tuple[Any, ...]:
    facts = (posting.kind, posting.target, posting.event, posting.state.value)
    return (project, *facts, micros(posting.created_at), rows.text(posting))


def _posting(row: tuple[int, str]) -> Posting:
    number, doc = row
    return replace(rows.posting(doc), number=number)
