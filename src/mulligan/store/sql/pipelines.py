"""Projects, pipelines and their versions in SQL."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.hooks import Hook
from mulligan.core.ids import PipelineId, ProjectId, UserName
from mulligan.core.records import Pipeline, PipelineVersion, Project
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.instants import micros
from mulligan.store.sql import rows
from mulligan.store.sql.acts import write_acts
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection, Dialect
from mulligan.store.sql.hooks import write_hooks
from mulligan.store.sql.numbers import find_project_number

_INSERT_PROJECT = "INSERT INTO projects (name, doc, id) VALUES (?, ?, ?)"
_UPDATE_PROJECT = "UPDATE projects SET name = ?, doc = ? WHERE id = ? AND number = ?"
_PROJECTS = "SELECT number, doc FROM projects"
_PROJECTS_OF_USER = (
    "SELECT projects.number, projects.doc FROM members "
    "JOIN projects ON projects.number = members.project WHERE members.name = ? "
    "ORDER BY projects.number LIMIT ? OFFSET ?"
)
_INSERT_PIPELINE = (
    "INSERT INTO pipelines (name, deleted, group_number, updated_at, doc, id, project) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE_PIPELINE = (
    "UPDATE pipelines SET name = ?, deleted = ?, group_number = ?, updated_at = ?, doc = ? "
    "WHERE id = ? AND project = ? AND number = ?"
)
_PIPELINES = "SELECT number, doc FROM pipelines"
_LIVE = "FROM pipelines WHERE project = (SELECT number FROM projects WHERE id = ?) AND deleted = 0"
_DELETED = _LIVE.replace("deleted = 0", "deleted = 1")
_INSERT_VERSION = "INSERT INTO pipeline_versions (pipeline, version, doc) VALUES (?, ?, ?)"
_VERSION = (
    "SELECT doc FROM pipeline_versions "
    "WHERE pipeline = (SELECT number FROM pipelines WHERE id = ?) AND version = ?"
)
# The newest `keep` stay: the oldest of them is the bound.
_DROP_VERSIONS = (
    "DELETE FROM pipeline_versions WHERE pipeline = ? AND version <= ("
    "SELECT version FROM pipeline_versions WHERE pipeline = ? "
    "ORDER BY version DESC LIMIT 1 OFFSET ?) "
    "AND version NOT IN (SELECT version FROM runs "
    "WHERE pipeline = ? AND status IN ('queued', 'running'))"
)


class SqlPipelines(SqlBase):
    """Projects and pipelines. Their docs hold number 0; the column has it."""

    async def put_project(self, project: Project, acts: Acts = NO_ACTS) -> Project:
        """Insert or replace a project."""
        values = (project.name, rows.text(replace(project, number=0)), project.id)

        def unit(connection: Connection) -> Project:
            number = _put(
                self.dialect,
                connection,
                (_INSERT_PROJECT, _UPDATE_PROJECT),
                values,
                project.number,
                taken={
                    "projects.id": ConflictError(f"project {project.id!r} exists", code="project"),
                    "projects.name": ConflictError(
                        f"a project named {project.name!r} exists", code="project"
                    ),
                },
                missing=NotFoundError("project", project.id),
            )
            write_acts(self.dialect, connection, acts)
            return replace(project, number=number)

        return await self._write(unit)

    async def find_project(self, project_id: ProjectId) -> Project | None:
        """Return a project."""
        return await self._find(f"{_PROJECTS} WHERE id = ?", (project_id,), _project)

    async def list_projects(
        self, *, user: UserName | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[Project, ...]:
        """Return projects by number."""
        if user is None:
            sql = f"{_PROJECTS} ORDER BY number LIMIT ? OFFSET ?"
            found = await self._all(sql, (limit, offset))
        else:
            found = await self._all(_PROJECTS_OF_USER, (user, limit, offset))
        return tuple(map(_project, found))

    async def put_pipeline(
        self,
        pipeline: Pipeline,
        version: PipelineVersion | None = None,
        acts: Acts = NO_ACTS,
        *,
        hooks: Sequence[Hook] | None = None,
    ) -> Pipeline:
        """Insert or replace a pipeline, with a new version and its hooks."""
        values = _pipeline_values(pipeline)
        version_doc = "" if version is None else rows.text(version)

        def unit(connection: Connection) -> Pipeline:
            project = find_project_number(connection, pipeline.project)
            if pipeline.number == 0 and pipeline.group:
                _demand_group(connection, pipeline.group)
            number = _put(
                self.dialect,
                connection,
                (_INSERT_PIPELINE, _UPDATE_PIPELINE),
                (*values, project),
                pipeline.number,
                taken=_taken_by(pipeline),
                missing=NotFoundError("pipeline", pipeline.id),
            )
            if version is not None:
                of_version = (number, version.version, version_doc)
                _insert_version(self.dialect, connection, of_version, pipeline.id)
            if hooks is not None:
                write_hooks(connection, project, number, hooks)
            write_acts(self.dialect, connection, acts)
            return replace(pipeline, number=number)

        return await self._write(unit)

    async def find_pipeline(self, pipeline_id: PipelineId) -> Pipeline | None:
        """Return a pipeline, also a deleted one."""
        return await self._find(f"{_PIPELINES} WHERE id = ?", (pipeline_id,), read_pipeline)

    async def find_pipeline_by_name(self, project: ProjectId, name: str) -> Pipeline | None:
        """Return the live pipeline of that name."""
        sql = f"SELECT number, doc {_LIVE} AND name = ?"
        return await self._find(sql, (project, name), read_pipeline)

    async def list_pipelines(
        self,
        project: ProjectId,
        *,
        name_contains: str = "",
        limit: int = 50,
        offset: int = 0,
        deleted: bool = False,
    ) -> tuple[tuple[Pipeline, ...], int]:
        """Return live (or deleted) pipelines, newest first, and how many there are in all."""
        where = _DELETED if deleted else _LIVE
        values: tuple[str, ...] = (project,)
        if name_contains:
            where = f"{where} AND {self.dialect.contains('name')}"
            values = (project, name_contains)

        def query(connection: Connection) -> tuple[list[Any], int]:
            sql = f"SELECT number, doc {where} ORDER BY number DESC LIMIT ? OFFSET ?"
            found = connection.execute(sql, (*values, limit, offset)).fetchall()
            (total,) = connection.execute(f"SELECT COUNT(*) {where}", values).fetchone()
            return found, total

        found, total = await self._read(query)
        return tuple(map(read_pipeline, found)), total

    async def find_version(self, pipeline: PipelineId, version: int) -> PipelineVersion | None:
        """Return one version."""
        return await self._find(_VERSION, (pipeline, version), lambda row: rows.version(row[0]))

    async def drop_versions(self, pipeline: PipelineId, keep: int) -> int:
        """Delete the oldest versions beyond `keep` that no unfinished run uses."""

        def unit(connection: Connection) -> int:
            sql = "SELECT number FROM pipelines WHERE id = ?"
            row = connection.execute(sql, (pipeline,)).fetchone()
            if row is None:
                return 0
            number = row[0]
            return connection.execute(_DROP_VERSIONS, (number, number, keep, number)).rowcount

        dropped = await self._write(unit)
        if dropped:
            self._indexes.forget(pipeline)
        return dropped


def _pipeline_values(pipeline: Pipeline) -> tuple[Any, ...]:
    """Give the values of the columns of a pipeline up to its project."""
    deleted = int(pipeline.deleted_at is not None)
    doc = rows.text(replace(pipeline, number=0))
    changed = micros(pipeline.updated_at)
    return (pipeline.name, deleted, pipeline.group, changed, doc, pipeline.id)


def _demand_group(connection: Connection, number: int) -> None:
    """Check that a group has not been deleted meanwhile."""
    if connection.execute("SELECT 1 FROM pipeline_groups WHERE number = ?", (number,)).fetchone():
        return
    raise NotFoundError("group", str(number))


def _taken_by(pipeline: Pipeline) -> dict[str, ConflictError]:
    name = f"the group has a pipeline named {pipeline.name!r}"
    return {
        "pipelines.project": ConflictError(name, code="pipeline-name"),
        "pipelines.id": ConflictError(f"pipeline {pipeline.id} exists", code="pipeline"),
    }


def _put(
    dialect: Dialect,
    connection: Connection,
    statements: tuple[str, str],
    values: Sequence[Any],
    number: int,
    *,
    taken: dict[str, ConflictError],
    missing: NotFoundError,
) -> int:
    """Insert (number 0) or update a numbered row; return its number."""
    insert, update = statements
    try:
        if number == 0:
            return dialect.insert(connection, insert, values)
        if connection.execute(update, (*values, number)).rowcount != 1:
            raise missing
    except dialect.clashes as error:
        conflict = taken.get(dialect.clashing(error))
        if conflict is None:
            raise
        raise conflict from error
    return number


def _insert_version(
    dialect: Dialect, connection: Connection, values: tuple[int, int, str], pipeline: PipelineId
) -> None:
    try:
        connection.execute(_INSERT_VERSION, values)
    except dialect.clashes as error:
        message = f"pipeline {pipeline} has a version {values[1]}"
        raise ConflictError(message, code="version") from error


def _project(row: tuple[int, str]) -> Project:
    return replace(rows.project(row[1]), number=row[0])


def read_pipeline(row: tuple[int, str]) -> Pipeline:
    """Give the pipeline of a row (number, doc)."""
    return replace(rows.pipeline(row[1]), number=row[0])
