"""Groups of pipelines, templates, access keys and notes in SQL."""

from typing import Any

from msgspec.structs import replace

from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.hooks import AccessKey, Group, GroupGrant, Note, Template
from mulligan.core.ids import ProjectId, UserName
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.sql import rows
from mulligan.store.sql.acts import write_acts
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection, Dialect
from mulligan.store.sql.numbers import GROUPS, TEMPLATES, find_project_number, take_numbers

_INSERT_GROUP = "INSERT INTO pipeline_groups (name, doc, project, number) VALUES (?, ?, ?, ?)"
_UPDATE_GROUP = "UPDATE pipeline_groups SET name = ?, doc = ? WHERE project = ? AND number = ?"
_INSERT_TEMPLATE = "INSERT INTO templates (name, doc, project, number) VALUES (?, ?, ?, ?)"
_UPDATE_TEMPLATE = "UPDATE templates SET name = ?, doc = ? WHERE project = ? AND number = ?"
_OF_PROJECT = "project = (SELECT number FROM projects WHERE id = ?)"
_GROUP = f"SELECT number, doc FROM pipeline_groups WHERE {_OF_PROJECT} AND name = ?"  # noqa: S608
# Live pipelines of a group; those without one belong to the group "default".
_MEMBERS = (
    "SELECT COUNT(*) FROM pipelines WHERE pipelines.project = pipeline_groups.project "
    "AND pipelines.deleted = 0 AND pipelines.group_number IN (pipeline_groups.number, "
    "CASE pipeline_groups.name WHEN 'default' THEN 0 ELSE pipeline_groups.number END)"
)
_GROUPS = f"SELECT number, doc, ({_MEMBERS}) FROM pipeline_groups WHERE "  # noqa: S608
_PUT_GRANT = (
    "INSERT INTO group_grants (group_number, name, doc) VALUES (?, ?, ?) "
    "ON CONFLICT (group_number, name) DO UPDATE SET doc = excluded.doc"
)
_INSERT_KEY = "INSERT INTO access_keys (access, owner, doc) VALUES (?, ?, ?)"
_INSERT_NOTE = "INSERT INTO notes (run, job, attempt, doc) VALUES (?, ?, ?, ?)"
_NOTES = "SELECT doc FROM notes WHERE run = ? AND job = ? AND attempt = ? ORDER BY id"


class SqlGroups(SqlBase):
    """Groups and what belongs to them. Docs of numbered rows hold number 0; the column has it."""

    async def take_numbers(self, kind: str, count: int) -> int:
        """Return the first of `count` numbers that nobody gets again; from 1, per kind."""
        if count < 1:
            raise ValueError(f"{count} numbers can't be taken")
        return await self._write(lambda connection: take_numbers(connection, kind, count))

    async def put_group(self, group: Group, acts: Acts = NO_ACTS) -> Group:
        """Insert or replace a group."""
        values = (group.name, rows.text(replace(group, number=0)))
        taken = ConflictError(f"the project has a group named {group.name!r}", code="group")

        def unit(connection: Connection) -> Group:
            project = find_project_number(connection, group.project)
            number = group.number or take_numbers(connection, GROUPS, 1)
            sql = _UPDATE_GROUP if group.number else _INSERT_GROUP
            _put(self.dialect, connection, sql, (*values, project, number), taken, "group")
            write_acts(self.dialect, connection, acts)
            return replace(group, number=number)

        return await self._write(unit)

    async def find_group(self, project: ProjectId, name: str) -> Group | None:
        """Return a group by name."""
        return await self._find(_GROUP, (project, name), _group)

    async def list_groups(self, project: ProjectId) -> tuple[tuple[Group, int], ...]:
        """Return the groups of a project by number, each with its count of live pipelines."""
        found = await self._all(f"{_GROUPS}{_OF_PROJECT} ORDER BY number", (project,))
        return tuple((_group(row[:2]), row[2]) for row in found)

    async def drop_group(self, number: int, acts: Acts = NO_ACTS) -> None:
        """Delete a group and its grants; a missing one is no error."""

        def unit(connection: Connection) -> None:
            row = connection.execute(f"{_GROUPS}number = ?", (number,)).fetchone()
            if row is not None and row[2]:
                message = f"the group has {row[2]} pipelines"
                raise ConflictError(message, code="group-not-empty", values=(str(row[2]),))
            connection.execute("DELETE FROM group_grants WHERE group_number = ?", (number,))
            connection.execute("DELETE FROM pipeline_groups WHERE number = ?", (number,))
            write_acts(self.dialect, connection, acts)

        await self._write(unit)

    async def put_grant(self, grant: GroupGrant, acts: Acts = NO_ACTS) -> None:
        """Insert or replace a user's right in a group.

        Raises:
            NotFoundError: No such group.
        """
        values = (grant.group, grant.user, rows.text(grant))

        def unit(connection: Connection) -> None:
            sql = "SELECT 1 FROM pipeline_groups WHERE number = ?"
            if connection.execute(sql, (grant.group,)).fetchone() is None:
                raise NotFoundError("group", str(grant.group))
            connection.execute(_PUT_GRANT, values)
            write_acts(self.dialect, connection, acts)

        await self._write(unit)

    async def drop_grant(self, group: int, user: UserName, acts: Acts = NO_ACTS) -> bool:
        """Remove a right; tell whether there was one."""
        sql = "DELETE FROM group_grants WHERE group_number = ? AND name = ?"
        return await self._do(sql, (group, user), acts) > 0

    async def list_grants(self, group: int) -> tuple[GroupGrant, ...]:
        """Return the rights of a group by user."""
        sql = "SELECT doc FROM group_grants WHERE group_number = ? ORDER BY name"
        return tuple(rows.grant(doc) for (doc,) in await self._all(sql, (group,)))

    async def put_template(self, template: Template, acts: Acts = NO_ACTS) -> Template:
        """Insert or replace a template."""
        values = (template.name, rows.text(replace(template, number=0)))
        message = f"the project has a template named {template.name!r}"
        taken = ConflictError(message, code="template")

        def unit(connection: Connection) -> Template:
            project = find_project_number(connection, template.project)
            number = template.number or take_numbers(connection, TEMPLATES, 1)
            sql = _UPDATE_TEMPLATE if template.number else _INSERT_TEMPLATE
            _put(self.dialect, connection, sql, (*values, project, number), taken, "template")
            write_acts(self.dialect, connection, acts)
            return replace(template, number=number)

        return await self._write(unit)

    async def find_template(self, number: int) -> Template | None:
        """Return a template of whichever project."""
        sql = "SELECT doc FROM templates WHERE number = ?"
        return await self._find(
            sql, (number,), lambda row: replace(rows.template(row[0]), number=number)
        )

    async def list_templates(self, project: ProjectId) -> tuple[Template, ...]:
        """Return the templates of a project by number."""
        sql = f"SELECT number, doc FROM templates WHERE {_OF_PROJECT} ORDER BY number"  # noqa: S608
        found = await self._all(sql, (project,))
        return tuple(replace(rows.template(doc), number=number) for number, doc in found)

    async def put_access_key(self, key: AccessKey, acts: Acts = NO_ACTS) -> None:
        """Insert an access key.

        Raises:
            ConflictError: It exists (code "access-key").
        """
        values = (key.access, key.user, rows.text(key))

        def unit(connection: Connection) -> None:
            try:
                connection.execute(_INSERT_KEY, values)
            except self.dialect.clashes as error:
                message = f"access key {key.access} exists"
                raise ConflictError(message, code="access-key") from error
            write_acts(self.dialect, connection, acts)

        await self._write(unit)

    async def find_access_key(self, access: str) -> AccessKey | None:
        """Return an access key."""
        sql = "SELECT doc FROM access_keys WHERE access = ?"
        return await self._find(sql, (access,), lambda row: rows.access_key(row[0]))

    async def drop_access_key(self, access: str, acts: Acts = NO_ACTS) -> bool:
        """Delete an access key; tell whether there was one."""
        return await self._do("DELETE FROM access_keys WHERE access = ?", (access,), acts) > 0

    async def list_access_keys(self, user: UserName) -> tuple[AccessKey, ...]:
        """Return the keys of a user, oldest first."""
        sql = "SELECT doc FROM access_keys WHERE owner = ? ORDER BY position"
        return tuple(rows.access_key(doc) for (doc,) in await self._all(sql, (user,)))

    async def add_note(self, note: Note) -> None:
        """Add a line to the notes of a job attempt."""
        values = (note.run, note.job, note.attempt, rows.text(note))
        await self._write(lambda connection: connection.execute(_INSERT_NOTE, values))

    async def list_notes(self, run: str, job: str, attempt: int) -> tuple[Note, ...]:
        """Return the notes of a job attempt, oldest first."""
        found = await self._all(_NOTES, (run, job, attempt))
        return tuple(rows.note(doc) for (doc,) in found)

    async def drop_tokens_of(
        self, user: UserName, project: ProjectId | None = None, acts: Acts = NO_ACTS
    ) -> int:
        """Revoke what a user has made with a password; return how many."""

        def unit(connection: Connection) -> int:
            sql = "SELECT doc FROM tokens WHERE owner = ?"
            tokens = [rows.token(doc) for (doc,) in connection.execute(sql, (user,))]
            gone = [
                (token.id,)
                for token in tokens
                if token.is_by_password and (project is None or token.projects == (project,))
            ]
            connection.executemany("DELETE FROM tokens WHERE id = ?", gone)
            write_acts(self.dialect, connection, acts)
            return len(gone)

        return await self._write(unit)


def _put(
    dialect: Dialect,
    connection: Connection,
    sql: str,
    values: tuple[Any, ...],
    taken: ConflictError,
    kind: str,
) -> None:
    """Insert or update one numbered row, whose number is the last value."""
    try:
        count = connection.execute(sql, values).rowcount
    except dialect.clashes as error:
        raise taken from error
    if count != 1:
        raise NotFoundError(kind, str(values[-1]))


def _group(row: tuple[int, str]) -> Group:
    return replace(rows.group(row[1]), number=row[0])
