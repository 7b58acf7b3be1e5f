"""A store that remembers what is read at every request: projects, pipelines, versions, people.

Good for one process that has the data to itself, as the lock of the data directory guarantees.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from typing import Any, TypeVar

from mulligan.core.hooks import Hook
from mulligan.core.ids import PipelineId, ProjectId, UserName
from mulligan.core.records import Member, Pipeline, PipelineVersion, Project
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.sql.store import SqlStore

T = TypeVar("T")

_MOST_KEPT = 4096  # entries of each kind; a definition is the largest, some KB to MB
_MOST_VERSIONS = 64


class _Shelf:
    """Values by key. A read that began before a write can't put the old value back."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._writes = 0

    async def get(self, key: Hashable, read: Callable[[], Awaitable[T | None]]) -> T | None:
        if key in self._values:
            self._values.move_to_end(key)
            found: T = self._values[key]
            return found
        writes = self._writes
        value = await read()
        if value is not None and writes == self._writes:
            self._values[key] = value
            if len(self._values) > self._size:
                self._values.popitem(last=False)
        return value

    async def write(self, key: Hashable | None, write: Coroutine[Any, Any, T]) -> T:
        """Forget a value, or all of them, before and after a write – also when the caller goes."""

        async def act() -> T:
            self._forget(key)
            try:
                return await write
            finally:
                self._forget(key)

        return await asyncio.shield(act())

    def _forget(self, key: Hashable | None) -> None:
        self._writes += 1
        if key is None:
            self._values.clear()
        else:
            self._values.pop(key, None)


class CachedStore(SqlStore):
    """As `SqlStore`; every write forgets what it changes, before and after it is stored."""

    # whom to wake when a project or a pipeline has changed; set by the composition root
    on_change: Callable[[], None] = staticmethod(lambda: None)
    _projects: _Shelf
    _pipelines: _Shelf
    _versions: _Shelf
    _members: _Shelf
    _idents: dict[int, PipelineId]  # by number; neither ever changes

    async def open(self) -> None:
        """Open the store with nothing remembered."""
        self._projects = _Shelf(_MOST_KEPT)
        self._pipelines = _Shelf(_MOST_KEPT)
        self._versions = _Shelf(_MOST_VERSIONS)
        self._members = _Shelf(_MOST_KEPT)
        self._idents = {}
        await super().open()

    async def find_project(self, project_id: ProjectId) -> Project | None:
        """Return a project."""
        find = super().find_project
        return await self._projects.get(project_id, lambda: find(project_id))

    async def put_project(self, project: Project, acts: Acts = NO_ACTS) -> Project:
        """Insert or replace a project."""
        stored = await self._projects.write(project.id, super().put_project(project, acts))
        self.on_change()
        return stored

    async def find_pipeline(self, pipeline_id: PipelineId) -> Pipeline | None:
        """Return a pipeline, also a deleted one."""
        find = super().find_pipeline
        return await self._pipelines.get(pipeline_id, lambda: find(pipeline_id))

    async def pipeline_by_number(self, number: int) -> Pipeline | None:
        """Return a pipeline by its integer id, also a deleted one."""
        ident = self._idents.get(number)
        if ident is not None:
            return await self.find_pipeline(ident)
        found = await super().pipeline_by_number(number)
        if found is not None:
            self._idents[number] = found.id
        return found

    async def put_pipeline(
        self,
        pipeline: Pipeline,
        version: PipelineVersion | None = None,
        acts: Acts = NO_ACTS,
        *,
        hooks: Sequence[Hook] | None = None,
    ) -> Pipeline:
        """Insert or replace a pipeline, with a new version and its hooks."""
        stored = await self._pipelines.write(
            pipeline.id, super().put_pipeline(pipeline, version, acts, hooks=hooks)
        )
        self.on_change()
        return stored

    async def find_version(self, pipeline: PipelineId, version: int) -> PipelineVersion | None:
        """Return one version."""
        find = super().find_version
        return await self._versions.get((pipeline, version), lambda: find(pipeline, version))

    async def drop_versions(self, pipeline: PipelineId, keep: int) -> int:
        """Delete old versions."""
        return await self._versions.write(None, super().drop_versions(pipeline, keep))

    async def find_member(self, project: ProjectId, user: UserName) -> Member | None:
        """Return a membership."""
        find = super().find_member
        return await self._members.get((project, user), lambda: find(project, user))

    async def put_member(self, member: Member, acts: Acts = NO_ACTS) -> None:
        """Insert or replace a membership."""
        key = (member.project, member.user)
        return await self._members.write(key, super().put_member(member, acts))

    async def drop_member(self, project: ProjectId, user: UserName, acts: Acts = NO_ACTS) -> bool:
        """Remove a membership."""
        return await self._members.write((project, user), super().drop_member(project, user, acts))
