"""Users, members, tokens, applications, receipts and the audit trail in SQL."""

from collections.abc import Sequence

from msgspec.structs import replace

from mulligan.core.errors import ConflictError
from mulligan.core.ids import ProjectId, UserName
from mulligan.core.records import App, AuditEntry, Member, Receipt, Token, User
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.sql import rows
from mulligan.store.sql.acts import write_acts, write_audit, write_receipt
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection
from mulligan.store.sql.numbers import find_project_number

_PUT_USER = (
    "INSERT INTO users (name, doc) VALUES (?, ?) "
    "ON CONFLICT (name) DO UPDATE SET doc = excluded.doc"
)
_PUT_MEMBER = (
    "INSERT INTO members (project, name, doc) VALUES (?, ?, ?) "
    "ON CONFLICT (project, name) DO UPDATE SET doc = excluded.doc"
)
_OF_PROJECT = "FROM members WHERE project = (SELECT number FROM projects WHERE id = ?)"
_INSERT_TOKEN = "INSERT INTO tokens (id, digest, owner, doc) VALUES (?, ?, ?, ?)"  # noqa: S105
_PUT_APP = (
    "INSERT INTO apps (code, doc) VALUES (?, ?) ON CONFLICT (code) DO UPDATE SET doc = excluded.doc"
)
_RECEIPT = f"SELECT {rows.RECEIPT_COLUMNS} FROM receipts WHERE actor = ? AND key = ?"  # noqa: S608


class SqlPeople(SqlBase):
    """Who may do what, and who did what."""

    async def put_user(self, user: User, acts: Acts = NO_ACTS) -> None:
        """Insert or replace a user."""
        await self._do(_PUT_USER, (user.name, rows.text(user)), acts)

    async def find_user(self, name: UserName) -> User | None:
        """Return a user."""
        sql = "SELECT doc FROM users WHERE name = ?"
        return await self._find(sql, (name,), lambda row: rows.user(row[0]))

    async def list_users(self, *, limit: int = 100, offset: int = 0) -> tuple[User, ...]:
        """Return users by name."""
        sql = "SELECT doc FROM users ORDER BY name LIMIT ? OFFSET ?"
        return tuple(rows.user(doc) for (doc,) in await self._all(sql, (limit, offset)))

    async def put_member(self, member: Member, acts: Acts = NO_ACTS) -> None:
        """Insert or replace a membership."""
        doc = rows.text(member)

        def unit(connection: Connection) -> None:
            project = find_project_number(connection, member.project)
            connection.execute(_PUT_MEMBER, (project, member.user, doc))
            write_acts(self.dialect, connection, acts)

        await self._write(unit)

    async def drop_member(self, project: ProjectId, user: UserName, acts: Acts = NO_ACTS) -> bool:
        """Remove a membership; tell whether there was one."""
        return await self._do(f"DELETE {_OF_PROJECT} AND name = ?", (project, user), acts) > 0

    async def find_member(self, project: ProjectId, user: UserName) -> Member | None:
        """Return a membership."""
        sql = f"SELECT doc {_OF_PROJECT} AND name = ?"
        return await self._find(sql, (project, user), lambda row: rows.member(row[0]))

    async def list_members(self, project: ProjectId) -> tuple[Member, ...]:
        """Return the members of a project by name."""
        found = await self._all(f"SELECT doc {_OF_PROJECT} ORDER BY name", (project,))
        return tuple(rows.member(doc) for (doc,) in found)

    async def put_token(self, token: Token, acts: Acts = NO_ACTS) -> None:
        """Insert a token."""
        values = (token.id, token.digest, token.user, rows.text(token))

        def unit(connection: Connection) -> None:
            try:
                connection.execute(_INSERT_TOKEN, values)
            except self.dialect.clashes as error:
                raise ConflictError(f"token {token.id} exists", code="token") from error
            write_acts(self.dialect, connection, acts)

        await self._write(unit)

    async def find_token(self, digest: str) -> Token | None:
        """Return the token with that SHA-256."""
        sql = "SELECT doc FROM tokens WHERE digest = ?"
        return await self._find(sql, (digest,), lambda row: rows.token(row[0]))

    async def list_tokens(self, user: UserName | None = None) -> tuple[Token, ...]:
        """Return tokens, oldest first."""
        if user is None:
            found = await self._all("SELECT doc FROM tokens ORDER BY position")
        else:
            sql = "SELECT doc FROM tokens WHERE owner = ? ORDER BY position"
            found = await self._all(sql, (user,))
        return tuple(rows.token(doc) for (doc,) in found)

    async def drop_token(self, token_id: str, acts: Acts = NO_ACTS) -> bool:
        """Revoke a token; tell whether there was one."""
        return await self._do("DELETE FROM tokens WHERE id = ?", (token_id,), acts) > 0

    async def put_app(self, app: App, acts: Acts = NO_ACTS) -> None:
        """Insert or replace an application."""
        await self._do(_PUT_APP, (app.code, rows.text(app)), acts)

    async def find_app(self, code: str) -> App | None:
        """Return an application."""
        sql = "SELECT doc FROM apps WHERE code = ?"
        return await self._find(sql, (code,), lambda row: rows.app(row[0]))

    async def find_receipt(self, actor: UserName, key: str) -> Receipt | None:
        """Return the first answer given to that key."""
        row = await self._one(_RECEIPT, (actor, key))
        return None if row is None else rows.receipt(row)

    async def put_receipt(self, receipt: Receipt) -> None:
        """Store an answer whose act had no transaction of its own."""
        await self._write(lambda connection: write_receipt(self.dialect, connection, receipt))

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append to the audit trail."""
        await self._write(lambda connection: write_audit(connection, entries))

    async def list_audit(
        self, *, project: str | None = None, limit: int = 50, before: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """Return entries, newest first."""
        conditions = ["1 = 1"]
        values: list[str | int] = []
        if project is not None:
            conditions.append("project = ?")
            values.append(project)
        if before is not None:
            conditions.append("id < ?")
            values.append(before)
        where = " AND ".join(conditions)
        sql = f"SELECT id, doc FROM audit WHERE {where} ORDER BY id DESC LIMIT ?"  # noqa: S608
        found = await self._all(sql, (*values, limit))
        return tuple(replace(rows.audit_entry(doc), id=number) for number, doc in found)
