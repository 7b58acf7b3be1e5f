"""What people keep in projects, in SQL: `ports.items.ItemStore`."""

from typing import Any

import msgspec
from msgspec.structs import replace

from mulligan.core.ids import PipelineId, ProjectId, UserName
from mulligan.core.items import ItemChange
from mulligan.core.records import AuditEntry
from mulligan.ports import NO_ACTS, Acts
from mulligan.ports.items import I, VersionHead
from mulligan.store.sql import rows
from mulligan.store.sql.acts import write_acts
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection
from mulligan.store.sql.items_rows import kind_of

_OF_KIND = (
    "SELECT number, doc FROM items "
    "WHERE project = (SELECT number FROM projects WHERE id = ?) AND kind = ?"
)
_VERSIONS = (
    "SELECT doc FROM pipeline_versions "
    "WHERE pipeline = (SELECT number FROM pipelines WHERE id = ?) ORDER BY version DESC"
)


class SqlItems(SqlBase):
    """Items. Their docs hold number 0; the column has it."""

    async def change_items(self, change: ItemChange, acts: Acts = NO_ACTS) -> None:
        """Store a change, and that of `acts.items` after it, all or nothing."""

        def unit(connection: Connection) -> None:
            write_acts(self.dialect, connection, Acts(items=change))
            write_acts(self.dialect, connection, acts)

        await self._write(unit)

    async def find_item(self, kind: type[I], project: ProjectId, ident: str) -> I | None:
        """Return an item of that kind."""
        sql = f"{_OF_KIND} AND id = ?"
        return await self._find(sql, (project, kind_of(kind), ident), lambda row: _item(kind, row))

    async def list_items(
        self,
        kind: type[I],
        project: ProjectId,
        *,
        parent: str | None = None,
        limit: int = 1000,
        offset: int = 0,
    ) -> tuple[I, ...]:
        """Return items of that kind, oldest first."""
        sql = _OF_KIND
        values: tuple[Any, ...] = (project, kind_of(kind))
        if parent is not None:
            sql, values = f"{sql} AND parent = ?", (*values, parent)
        found = await self._all(f"{sql} ORDER BY number LIMIT ? OFFSET ?", (*values, limit, offset))
        return tuple(_item(kind, row) for row in found)

    async def list_versions(self, pipeline: PipelineId) -> tuple[VersionHead, ...]:
        """Return the versions of a pipeline that are kept, newest first."""
        found = await self._all(_VERSIONS, (pipeline,))
        return tuple(rows.version_head(doc) for (doc,) in found)

    async def list_acts_on(
        self,
        project: ProjectId,
        target: str,
        *,
        actor: UserName | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[tuple[AuditEntry, ...], int]:
        """Return what was done to something, newest first, and how many entries there are."""
        where = "FROM audit WHERE project = ? AND target = ?"
        values: tuple[Any, ...] = (project, target)
        if actor is not None:
            where, values = f"{where} AND actor = ?", (*values, actor)

        def query(connection: Connection) -> tuple[list[Any], int]:
            sql = f"SELECT id, doc {where} ORDER BY id DESC LIMIT ? OFFSET ?"
            found = connection.execute(sql, (*values, limit, offset)).fetchall()
            (total,) = connection.execute(f"SELECT COUNT(*) {where}", values).fetchone()
            return found, total

        found, total = await self._read(query)
        entries = (replace(rows.audit_entry(doc), id=number) for number, doc in found)
        return tuple(entries), total


def _item(kind: type[I], row: tuple[int, str]) -> I:
    return replace(msgspec.json.decode(row[1], type=kind), number=row[0])
