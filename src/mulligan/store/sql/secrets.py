"""Secrets of projects in SQL."""

from collections.abc import Sequence
from typing import Any

from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.secrets import StoredSecret
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.sql import rows
from mulligan.store.sql.acts import write_acts
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection
from mulligan.store.sql.numbers import find_project_number

_OF_PROJECT = "FROM secrets WHERE project = (SELECT number FROM projects WHERE id = ?)"
_INSERT = "INSERT INTO secrets (kind, doc, project, id) VALUES (?, ?, ?, ?)"
_PUT = f"{_INSERT} ON CONFLICT (project, id) DO UPDATE SET kind = excluded.kind, doc = excluded.doc"
_UPDATE = "UPDATE secrets SET kind = ?, doc = ? WHERE project = ? AND id = ?"


class SqlSecrets(SqlBase):
    """Secrets. What their documents hold of values is encrypted."""

    async def put_secret(
        self, secret: StoredSecret, acts: Acts = NO_ACTS, *, is_new: bool | None = None
    ) -> None:
        """Insert or replace a secret."""
        sql = {None: _PUT, True: _INSERT, False: _UPDATE}[is_new]
        doc = rows.text(secret)

        def unit(connection: Connection) -> None:
            project = find_project_number(connection, secret.project)
            try:
                count = connection.execute(sql, (secret.kind, doc, project, secret.id)).rowcount
            except self.dialect.clashes as error:
                raise ConflictError(
                    f"there is a secret {secret.id!r}", code="secret", values=(secret.id,)
                ) from error
            if count != 1:
                raise NotFoundError("secret", secret.id)
            write_acts(self.dialect, connection, acts)

        await self._write(unit)

    async def find_secret(self, project: ProjectId, secret_id: str) -> StoredSecret | None:
        """Return a secret."""
        sql = f"SELECT doc {_OF_PROJECT} AND id = ?"
        return await self._find(sql, (project, secret_id), lambda row: rows.secret(row[0]))

    async def list_secrets(
        self,
        project: ProjectId,
        *,
        kinds: Sequence[str] = (),
        keyword: str = "",
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[tuple[StoredSecret, ...], int]:
        """Return secrets by id, and how many there are in all."""
        where = _OF_PROJECT
        values: list[str] = [project]
        if kinds:
            where += f" AND kind IN ({', '.join('?' * len(kinds))})"
            values += kinds
        if keyword:
            where += " AND instr(lower(id), lower(?)) > 0"
            values.append(keyword)

        def query(connection: Connection) -> tuple[list[Any], int]:
            page = f"SELECT doc {where} ORDER BY id LIMIT ? OFFSET ?"
            found = connection.execute(page, (*values, limit, offset)).fetchall()
            return found, connection.execute(f"SELECT count(*) {where}", values).fetchone()[0]

        found, count = await self._read(query)
        return tuple(rows.secret(doc) for (doc,) in found), count

    async def drop_secret(self, project: ProjectId, secret_id: str, acts: Acts = NO_ACTS) -> bool:
        """Delete a secret; tell whether there was one."""
        return await self._do(f"DELETE {_OF_PROJECT} AND id = ?", (project, secret_id), acts) > 0
