"""What people keep in projects, in the memory store."""

import msgspec

from mulligan.core.ids import PipelineId, ProjectId, UserName
from mulligan.core.items import ItemChange
from mulligan.core.records import AuditEntry
from mulligan.ports import NO_ACTS, Acts
from mulligan.ports.items import I, VersionHead
from mulligan.store.memory_admin import MemoryAdmin


class MemoryItems(MemoryAdmin):
    """Implements `ports.items.ItemStore`."""

    async def change_items(self, change: ItemChange, acts: Acts = NO_ACTS) -> None:
        """Store a change, all or nothing."""
        self._take_acts(acts, items=change)

    async def find_item(self, kind: type[I], project: ProjectId, ident: str) -> I | None:
        """Return an item of that kind."""
        for item in self._items.values():
            if isinstance(item, kind) and (item.project, item.id) == (project, ident):
                return item
        return None

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
        found = [
            item
            for item in self._items.values()
            if isinstance(item, kind) and item.project == project and parent in {None, item.parent}
        ]
        found.sort(key=lambda item: item.number)
        return tuple(found[offset : offset + limit])

    async def list_versions(self, pipeline: PipelineId) -> tuple[VersionHead, ...]:
        """Return the versions of a pipeline that are kept, newest first."""
        found = [
            msgspec.convert(version, VersionHead, from_attributes=True)
            for (owner, _), version in self._versions.items()
            if owner == pipeline
        ]
        return tuple(sorted(found, key=lambda head: head.version, reverse=True))

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
        found = [
            entry
            for entry in reversed(self._audit)
            if (entry.project, entry.target) == (project, target) and actor in {None, entry.actor}
        ]
        return tuple(found[offset : offset + limit]), len(found)
