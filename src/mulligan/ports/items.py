"""The part of the store with what people arrange, and what is told of pipelines' past."""

from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from mulligan.core.ids import PipelineId, ProjectId, UserName
from mulligan.core.items import Item, ItemChange
from mulligan.core.records import AuditEntry
from mulligan.ports.acts import NO_ACTS, Acts

I = TypeVar("I", bound=Item)  # noqa: E741 - the type of an item


class VersionHead(msgspec.Struct, frozen=True, kw_only=True):
    """A version without its definition; read from the same document."""

    version: int
    created_by: UserName
    created_at: datetime
    dialect: str
    note: str = ""
    made_from: int = 0


class ItemStore(Protocol):
    """Items of projects. `Acts.items` of any act changes them too."""

    async def change_items(self, change: ItemChange, acts: Acts = NO_ACTS) -> None:
        """Store a change, all or nothing; what is dropped is gone before anything is put.

        Raises:
            ConflictError: An id or a name is taken (code: the kind of item).
            NotFoundError: An item to be replaced, or its project, is not there.
        """
        ...

    async def find_item(self, kind: type[I], project: ProjectId, ident: str) -> I | None:
        """Return an item of that kind."""
        ...

    async def list_items(
        self,
        kind: type[I],
        project: ProjectId,
        *,
        parent: str | None = None,
        limit: int = 1000,
        offset: int = 0,
    ) -> tuple[I, ...]:
        """Return items of that kind, oldest first; with `parent` only those that belong to it."""
        ...

    async def list_versions(self, pipeline: PipelineId) -> tuple[VersionHead, ...]:
        """Return the versions of a pipeline that are kept, newest first."""
        ...

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
        ...
