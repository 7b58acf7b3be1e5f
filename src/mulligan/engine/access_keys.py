"""Access keys: pairs of an id and a secret for signing requests. The secret is stored nowhere.

It is derived from the server's own key and the id, so that whoever reads the database signs
nothing.
"""

import secrets
import string
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from mulligan.core.errors import ForbiddenError, NotFoundError
from mulligan.core.hooks import AccessKey
from mulligan.core.ids import ProjectId, UserName
from mulligan.core.rights import Actor, Permission
from mulligan.engine.access import Access
from mulligan.engine.audited import audited, with_receipt
from mulligan.engine.commands import ReceiptRequest
from mulligan.ports import Clock, Store
from mulligan.secret_key import SecretKey

_ALPHABET = string.ascii_uppercase + string.digits
_ID_LENGTH = 20  # as the original's; 103 bits
_PURPOSE = "access-key"
_ENOUGH_FAILURES = 5  # in a row, as documented
_LOCKED_FOR = timedelta(minutes=5)  # as documented
_MOST_WATCHED = 10_000
_MINT_WAYS = frozenset({"token", "login", "dev"})


class MadeKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key with its secret."""

    key: AccessKey
    secret: str


class HeldKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that may be used now: whom it stands for, and the secret to check signatures with."""

    actor: Actor
    project: ProjectId
    secret: str


class LockedKeyError(Exception):
    """Too many signatures with this key were wrong; it is locked for a while."""


@dataclass
class _Failures:
    count: int = 0
    locked_until: datetime | None = None


class AccessKeys:
    """The access keys of this server."""

    def __init__(
        self, *, store: Store, clock: Clock, access: Access, secret_key: SecretKey
    ) -> None:
        self._store = store
        self._clock = clock
        self._access = access
        self._secret_key = secret_key
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    async def create(
        self, actor: Actor, project: str, *, receipt: ReceiptRequest | None = None
    ) -> MadeKey:
        """Make a key that stands for the actor in a project.

        Raises:
            NotFoundError: There is no such project.
            ForbiddenError: The actor is not let into the project, or their credential is bound to
                a role or ends: a key is neither, so it would reach further.
        """
        if await self._store.find_project(ProjectId(project)) is None:
            raise NotFoundError("project", project)
        await self._access.demand(actor, Permission.VIEW, project)
        ends = actor.expires_at is not None and actor.way != "login"
        if actor.role is not None or ends or actor.way not in _MINT_WAYS:
            raise ForbiddenError(actor.user, "access key", project)
        key = AccessKey(
            access="".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH)),
            user=actor.user,
            project=ProjectId(project),
            created_at=self._clock.now(),
            only_dev=actor.way == "dev",
        )
        made = MadeKey(key=key, secret=self._secret_of(key))
        acts = audited(self._clock, actor, "key.create", project=project, target=key.access)
        acts = with_receipt(self._clock, acts, actor, receipt, made)
        await self._store.put_access_key(key, acts)
        return made

    async def list_keys(self, actor: Actor) -> tuple[AccessKey, ...]:
        """Return the actor's keys, oldest first; a bound credential sees those of its projects."""
        keys = await self._store.list_access_keys(actor.user)
        return tuple(key for key in keys if not actor.projects or key.project in actor.projects)

    async def delete(self, actor: Actor, access: str) -> None:
        """Delete a key; it is refused from this moment. An admin may delete anybody's.

        Raises:
            NotFoundError: There is none of that id, or the actor does not see it.
        """
        key = await self._store.find_access_key(access)
        if key is None or not await self._may_delete(actor, key):
            raise NotFoundError("access key", access)
        acts = audited(self._clock, actor, "key.delete", project=key.project, target=access)
        if not await self._store.drop_access_key(access, acts):
            raise NotFoundError("access key", access)
        self._failures.pop(access, None)

    async def _may_delete(self, actor: Actor, key: AccessKey) -> bool:
        if actor.projects and key.project not in actor.projects:
            return False
        is_own = key.user == actor.user
        return is_own or await self._access.allows(actor, Permission.ADMINISTER, "")

    async def find(self, access: str) -> HeldKey | None:
        """Return a key for checking a signature; None: it is unknown, or its user is shut out.

        Raises:
            LockedKeyError: It is locked.
        """
        failures = self._failures.get(access)
        if failures is not None and failures.locked_until is not None:
            if self._clock.now() < failures.locked_until:
                raise LockedKeyError
            del self._failures[access]
        key = await self._store.find_access_key(access)
        if key is None or (key.only_dev and not self._access.is_dev):
            return None
        actor = await self._actor(key)
        if actor is None:
            return None
        return HeldKey(actor=actor, project=key.project, secret=self._secret_of(key))

    async def _actor(self, key: AccessKey) -> Actor | None:
        user = await self._store.find_user(UserName(key.user))
        if user is None or user.disabled:
            return None
        if not user.is_admin and await self._store.find_member(key.project, user.name) is None:
            return None
        return Actor(
            user=user.name,
            is_admin=user.is_admin,
            projects=(key.project,),
            way="key",
            language=user.language,
        )

    def note(self, access: str, *, is_right: bool) -> None:
        """Count a checked signature; the fifth wrong one in a row locks the key."""
        if is_right:
            self._failures.pop(access, None)
            return
        failures = self._failures.setdefault(access, _Failures())
        self._failures.move_to_end(access)
        failures.count += 1
        if failures.count >= _ENOUGH_FAILURES:
            failures.locked_until = self._clock.now() + _LOCKED_FOR
        if len(self._failures) > _MOST_WATCHED:
            self._failures.popitem(last=False)

    def _secret_of(self, key: AccessKey) -> str:
        return self._secret_key.derive(_PURPOSE, key.access).hex()
