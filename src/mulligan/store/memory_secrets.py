"""Secrets in the memory store."""

from collections.abc import Sequence

from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.secrets import StoredSecret
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.memory_acts import MemoryActs


class MemorySecrets(MemoryActs):
    """Secrets of projects."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets: dict[tuple[ProjectId, str], StoredSecret] = {}

    async def put_secret(
        self, secret: StoredSecret, acts: Acts = NO_ACTS, *, is_new: bool | None = None
    ) -> None:
        """Insert or replace a secret."""
        key = (secret.project, secret.id)
        if secret.project not in self._projects:
            raise NotFoundError("project", secret.project)
        if is_new is False and key not in self._secrets:
            raise NotFoundError("secret", secret.id)
        if is_new and key in self._secrets:
            raise ConflictError(
                f"there is a secret {secret.id!r}", code="secret", values=(secret.id,)
            )
        self._take_acts(acts)
        self._secrets[key] = secret

    async def find_secret(self, project: ProjectId, secret_id: str) -> StoredSecret | None:
        """Return a secret."""
        return self._secrets.get((project, secret_id))

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
        found = [
            secret
            for (owner, ident), secret in sorted(self._secrets.items())
            if owner == project
            and (not kinds or secret.kind in kinds)
            and keyword.lower() in ident.lower()
        ]
        return tuple(found[offset : offset + limit]), len(found)

    async def drop_secret(self, project: ProjectId, secret_id: str, acts: Acts = NO_ACTS) -> bool:
        """Delete a secret; tell whether there was one."""
        self._take_acts(acts)
        return self._secrets.pop((project, secret_id), None) is not None
