"""The part of the store with secrets, and how the rest of the server reads them."""

from collections.abc import Sequence
from typing import Protocol

from mulligan.core.ids import ProjectId
from mulligan.core.secrets import StoredSecret
from mulligan.ports.acts import NO_ACTS, Acts


class SecretStore(Protocol):
    """Secrets of projects, encrypted."""

    async def put_secret(
        self, secret: StoredSecret, acts: Acts = NO_ACTS, *, is_new: bool | None = None
    ) -> None:
        """Insert or replace a secret.

        Args:
            is_new: True: there must be none of that id yet; False: there must be one.

        Raises:
            NotFoundError: There is no such project, or no secret to replace.
            ConflictError: There is one already (code "secret").
        """
        ...

    async def find_secret(self, project: ProjectId, secret_id: str) -> StoredSecret | None:
        """Return a secret."""
        ...

    async def list_secrets(
        self,
        project: ProjectId,
        *,
        kinds: Sequence[str] = (),
        keyword: str = "",
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[tuple[StoredSecret, ...], int]:
        """Return secrets by id, and how many there are in all.

        `kinds`: only of these; `keyword`: part of the id, case of ASCII letters ignored.
        """
        ...

    async def drop_secret(self, project: ProjectId, secret_id: str, acts: Acts = NO_ACTS) -> bool:
        """Delete a secret; tell whether there was one."""
        ...


class SecretReader(Protocol):
    """Reads the values of secrets: for whoever acts for a run of that project."""

    async def detail(self, project: ProjectId, secret_id: str) -> dict[str, str]:
        """Return the values of a secret by field, as `settings.ID.FIELD` names them.

        Raises:
            NotFoundError: There is no such secret (kind "secret").
            UnsealError: It was encrypted with another key.
        """
        ...
