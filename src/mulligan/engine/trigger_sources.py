"""Repositories that triggers name: the linked ones of their project, or an address itself."""

from mulligan.core.ids import ProjectId
from mulligan.core.triggers.spec import RepositoryBy, RepositoryRef
from mulligan.engine.checkouts import find_repository
from mulligan.ports.items import ItemStore


class LinkedSources:
    """Implements `ports.sources.Repositories`."""

    def __init__(self, store: ItemStore) -> None:
        self._store = store

    async def url_of(self, project: ProjectId, ref: RepositoryRef) -> str | None:
        """Return the address of a repository; None = the project has none of that id or name."""
        if "://" in ref.value or ref.value.startswith("git@"):
            return ref.value
        if ref.by not in {RepositoryBy.ID, RepositoryBy.NAME} or not ref.value:
            return None
        found = await find_repository(self._store, project, ref.value, by=ref.by.value)
        return None if found is None else found.url
