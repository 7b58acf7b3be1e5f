"""Logins by password: who may, and the tokens that they make (24 hours, for one project)."""

import base64
import binascii
import secrets
from datetime import datetime, timedelta

import msgspec

from mulligan.core.errors import ForbiddenError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.records import LOGIN, LOGIN_ID, Role, Token, User
from mulligan.core.rights import Actor
from mulligan.engine.access import Access
from mulligan.engine.audited import audited
from mulligan.engine.tokens import digest_of
from mulligan.engine.turnstile import Turnstile
from mulligan.ports import Clock, Ids, Store

LIFETIME = timedelta(hours=24)  # as the dialect documents it
_PREFIX = "mlg_"  # lets secret scanners find one
_TIDY = timedelta(hours=1)
_LONGEST_PASSWORD = 4096  # bytes
_LONGEST_NAME = 128  # as names of users: longer ones exist nowhere


class WrongLoginError(Exception):
    """Name, password and project don't fit together; which of them is nobody's business."""


class Scope(msgspec.Struct, frozen=True, array_like=True):
    """What a login was asked for. A label: rights come from the project alone.

    Args:
        region: Name of the part of the project; "" = all of it.
        id: What the client calls that part, if it gave an id.
    """

    region: str = ""
    id: str = ""


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A login that stands. `secret` is kept nowhere but at the client."""

    user: User
    project: ProjectId
    role: Role  # now; an admin of the server counts as owner
    scope: Scope
    issued_at: datetime
    expires_at: datetime
    secret: str = ""


class Logins:
    """Makes, shows and ends logins."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        access: Access,
        turnstile: Turnstile | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._access = access
        self._turnstile = turnstile or Turnstile(clock)
        self._tidied_at: datetime | None = None

    async def log_in(
        self, name: str, password: str, project: str, scope: Scope, *, address: str
    ) -> Login:
        """Check a password and make a token for one project.

        Args:
            address: Where the request comes from; failures are counted by it and by user.

        Raises:
            WrongLoginError: Something of it is wrong.
            CrowdedError: Too many attempts of that kind are under way.
        """
        if not 0 < len(name) <= _LONGEST_NAME or len(password.encode()) > _LONGEST_PASSWORD:
            raise WrongLoginError
        async with self._turnstile.passing(name, address) as attempt:
            user = await self._access.check_password(name, password)
            if user is None:
                raise WrongLoginError
            login = await self._enter(user, ProjectId(project), scope)
            attempt.succeed()
        await self._tidy()
        return login

    async def _enter(self, checked: User, project: ProjectId, scope: Scope) -> Login:
        """Make the token, unless the user was changed since the password was looked at."""
        async with self._access.changing:
            user = await self._store.find_user(checked.name)
            if user is None or user.disabled or user.password != checked.password:
                raise WrongLoginError
            role = await self._role(user, project)
            if role is None:
                raise WrongLoginError
            now = self._clock.now()
            secret = _PREFIX + secrets.token_urlsafe(32) + _packed(scope)
            token = Token(
                id=LOGIN_ID + self._ids.hex32(),
                name=LOGIN,
                user=user.name,
                digest=digest_of(secret),
                created_at=now,
                projects=(project,),
                expires_at=now + LIFETIME,
            )
            actor = Actor(user=user.name, way=LOGIN)
            acts = audited(self._clock, actor, "login", project=project, target=token.id)
            await self._store.put_token(token, acts)
        return _login(token, user, role, secret)

    async def _role(self, user: User, project: ProjectId) -> Role | None:
        """Return the user's role in a project; None: they may not enter it."""
        found = await self._store.find_project(project)
        if found is None or found.disabled:
            return None
        if user.is_admin:
            return Role.OWNER
        member = await self._store.find_member(project, user.name)
        return None if member is None else member.role

    async def find(self, actor: Actor, secret: str) -> Login:
        """Return the login of a token.

        Raises:
            NotFoundError: The token is unknown, revoked, over, or not made by a login.
            ForbiddenError: It is somebody else's.
        """
        token = await self._visible(actor, secret)
        user = await self._store.find_user(token.user)
        role = None if user is None else await self._role(user, token.projects[0])
        if user is None or user.disabled or role is None:
            raise NotFoundError("token", "given")
        return _login(token, user, role, secret)

    async def end(self, actor: Actor, secret: str) -> None:
        """Revoke the token of a login; it is refused from this moment. Raises as `find`."""
        token = await self._visible(actor, secret)
        acts = audited(
            self._clock, actor, "token.revoke", project=token.projects[0], target=token.id
        )
        await self._access.tokens.revoke(token, acts)

    async def _visible(self, actor: Actor, secret: str) -> Token:
        token = await self._access.tokens.find(secret)
        if token is None or not token.is_login:
            raise NotFoundError("token", "given")  # its text is a secret
        others = token.user != actor.user or (
            actor.projects and not set(token.projects) <= set(actor.projects)
        )
        if others and not (actor.is_admin and not actor.projects and actor.role is None):
            raise ForbiddenError(actor.user, "token", token.projects[0])
        return token

    async def _tidy(self) -> None:
        """Drop the tokens that are over, once in a while."""
        now = self._clock.now()
        if self._tidied_at is not None and now - self._tidied_at < _TIDY:
            return
        self._tidied_at = now
        await self._access.tokens.drop_old_logins()


def _login(token: Token, user: User, role: Role, secret: str) -> Login:
    return Login(
        user=user,
        project=token.projects[0],
        role=role,
        scope=scope_of(secret),
        issued_at=token.created_at,
        expires_at=token.expires_at or token.created_at,
        secret=secret,
    )


def _packed(scope: Scope) -> str:
    """Write a scope so that it fits into a token: whoever shows the token shows it with it."""
    return "." + base64.urlsafe_b64encode(msgspec.json.encode(scope)).decode().rstrip("=")


def scope_of(secret: str) -> Scope:
    """Read the scope out of the token of a login; of any other: all of the project."""
    packed = secret.partition(".")[2]
    try:
        text = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        return msgspec.json.decode(text, type=Scope)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return Scope()
