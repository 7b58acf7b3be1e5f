"""Repositories that triggers name: the linked ones of their project, or an address itself."""

from mulligan.core.errors import MulliganError
from mulligan.core.ids import ProjectId
from mulligan.core.items import LinkedRepository
from mulligan.core.triggers.spec import RepositoryBy, RepositoryRef
from mulligan.engine.checkouts import ANY_USER, find_repository, password_of
from mulligan.log import get_log
from mulligan.ports.items import ItemStore
from mulligan.ports.secrets import SecretReader
from mulligan.ports.sources import Source

log = get_log()


class LinkedSources:
    """Implements `ports.sources.Repositories`."""

    def __init__(self, store: ItemStore, secrets: SecretReader) -> None:
        self._store = store
        self._secrets = secrets

    async def find(self, project: ProjectId, ref: RepositoryRef) -> Source | None:
        """Return the repository that a trigger or checkout names; None = there is none."""
        if "://" in ref.value or ref.value.startswith("git@"):
            return Source(url=ref.value)
        if ref.by not in {RepositoryBy.ID, RepositoryBy.NAME} or not ref.value:
            return None
        found = await find_repository(self._store, project, ref.value, by=ref.by.value)
        return None if found is None else await self._source(found)

    async def _source(self, repository: LinkedRepository) -> Source:
        if not repository.secret:
            return Source(url=repository.url)
        try:
            values = await self._secrets.detail(repository.project, repository.secret)
        except MulliganError as error:  # who asks without it is told so by the host
            log.warning("repository_login", repository=repository.id, error=str(error))
            return Source(url=repository.url)
        user = values.get("username") or repository.user or ANY_USER
        return Source(url=repository.url, user=user, password=password_of(values))
