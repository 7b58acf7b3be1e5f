"""Linked repositories of a project: made, changed, found, removed."""

from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from mulligan.core.errors import InvalidError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.items import ItemChange, LinkedRepository
from mulligan.core.rights import Actor
from mulligan.engine.audited import audited, with_receipt
from mulligan.engine.checkouts import find_repository
from mulligan.engine.commands import ReceiptRequest
from mulligan.ports import Clock, Ids, Store
from mulligan.ports.sources import ChecksSources

_SCHEMES = frozenset({"http", "https", "ssh", "git", "svn", "svn+ssh", "file"})
_LONGEST_NAME = 255  # characters
_LONGEST_URL = 1024  # characters


class GivenRepository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository as somebody gives it; fields as of `LinkedRepository`."""

    name: str
    url: str
    host_kind: str = ""
    secret: str = ""
    user: str = ""
    extra: dict[str, Any] = {}


class Repositories:
    """The linked repositories of all projects.

    Args:
        sources: Refuses what no checkout would fetch from.
    """

    def __init__(self, *, store: Store, clock: Clock, ids: Ids, sources: ChecksSources) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._sources = sources

    async def create(
        self,
        actor: Actor,
        project: ProjectId,
        given: GivenRepository,
        *,
        receipt: ReceiptRequest | None = None,
    ) -> LinkedRepository:
        """Link a repository.

        Raises:
            InvalidError: It is malformed, or names a secret that is not there.
            ConflictError: The alias is taken (code "repository").
        """
        await self._check(project, given)
        now = self._clock.now()
        made = LinkedRepository(
            project=project,
            id=self._ids.hex32()[-12:],
            created_by=actor.user,
            created_at=now,
            updated_by=actor.user,
            updated_at=now,
            **msgspec.structs.asdict(given),
        )
        await self._put(actor, made, "repository.create", receipt)
        return made

    async def edit(
        self,
        actor: Actor,
        project: ProjectId,
        ident: str,
        given: GivenRepository,
        *,
        receipt: ReceiptRequest | None = None,
    ) -> None:
        """Change a repository. Raises as `create`, and NotFoundError."""
        before = await self.get(project, ident, by="ID")
        await self._check(project, given)
        changed = replace(
            before,
            updated_by=actor.user,
            updated_at=self._clock.now(),
            **msgspec.structs.asdict(given),
        )
        await self._put(actor, changed, "repository.change", receipt)

    async def drop(
        self, actor: Actor, project: ProjectId, ident: str, *, receipt: ReceiptRequest | None = None
    ) -> None:
        """Remove a repository; checkouts that name it fail from now on.

        Raises:
            NotFoundError: There is none of that id.
        """
        found = await self.get(project, ident, by="ID")
        acts = audited(self._clock, actor, "repository.delete", project=project, target=ident)
        acts = with_receipt(self._clock, acts, actor, receipt, found)
        await self._store.change_items(ItemChange(drop=(found,)), acts)

    async def get(self, project: ProjectId, named: str, *, by: str = "") -> LinkedRepository:
        """Return a repository by its id ("ID"), its alias ("NAME"), or whichever fits ("").

        Raises:
            NotFoundError: There is none.
        """
        found = await find_repository(self._store, project, named, by=by)
        if found is None:
            raise NotFoundError("repository", named)
        return found

    async def _put(
        self, actor: Actor, item: LinkedRepository, action: str, receipt: ReceiptRequest | None
    ) -> None:
        acts = audited(self._clock, actor, action, project=item.project, target=item.id)
        acts = with_receipt(self._clock, acts, actor, receipt, item)
        await self._store.change_items(ItemChange(put=(item,)), acts)

    async def _check(self, project: ProjectId, given: GivenRepository) -> None:
        _check_length("aliasName", given.name, _LONGEST_NAME)
        _check_length("url", given.url, _LONGEST_URL)
        check_url(given.url)
        if given.secret and await self._store.find_secret(project, given.secret) is None:
            raise NotFoundError("secret", given.secret)
        problem = await self._sources.problem(given.url)
        if problem:
            raise InvalidError(problem, pointer="/url", code="repository-address")


def _check_length(field: str, text: str, most: int) -> None:
    if not text.strip():
        raise InvalidError(
            f"{field} is blank", pointer=f"/{field}", code="missing", values=(field,)
        )
    if len(text) > most:
        raise InvalidError(
            f"{field} is longer than {most} characters",
            pointer=f"/{field}",
            code="text-too-long",
            values=(field, str(most)),
        )


def check_url(url: str) -> None:
    """Refuse what is no URL of a repository, or holds a password.

    Raises:
        InvalidError: Says which of it.
    """
    try:
        parts = urlsplit(url)
        is_url = parts.scheme in _SCHEMES and bool(parts.hostname or parts.scheme == "file")
        has_login = parts.password is not None
    except ValueError:
        is_url, has_login = False, False
    host, colon, path = url.partition(":")
    is_short = bool(colon and path and "@" in host and "/" not in host)  # git@host:path
    odd = url.startswith("-") or any(letter <= " " for letter in url)
    if odd or not (is_url or is_short):
        raise InvalidError(
            "the URL is none of a repository: https://…, ssh://… or user@host:path was expected",
            pointer="/url",
            code="repository-url",
        )
    if has_login:
        raise InvalidError(
            "the URL holds a password; give a credential instead",
            pointer="/url",
            code="repository-login",
        )
