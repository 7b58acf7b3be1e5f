"""Sessions of the page: who signed in, kept like tokens – only the digest of their secret.

A session by password has the name of logins, so a new password ends it. One by token has the
digest of that token as its name: it reaches as far as the token, and ends with it.
"""

import secrets
from datetime import datetime, timedelta

import msgspec

from mulligan.core.ids import UserName
from mulligan.core.records import LOGIN, SESSION_ID, Token
from mulligan.core.rights import Actor
from mulligan.engine.access import Access
from mulligan.engine.audited import audited
from mulligan.engine.logins import WrongLoginError
from mulligan.engine.tokens import digest_of
from mulligan.engine.turnstile import Turnstile
from mulligan.ports import Clock, Ids, Store

LIFETIME = timedelta(days=7)
MOST_OF_ONE = 50  # of a user by password, or of a token: the oldest ends when one more begins
_LONGEST_NAME = 128
_LONGEST_SECRET = 4096  # bytes


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A session that has just begun. `secret` is kept nowhere but in the browser."""

    secret: str
    actor: Actor
    expires_at: datetime


class Sessions:
    """Begins and ends sessions; `Access.actor_of_session` tells whose one is."""

    def __init__(
        self, *, store: Store, clock: Clock, ids: Ids, access: Access, turnstile: Turnstile
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._access = access
        self._turnstile = turnstile

    async def by_password(self, name: str, password: str, *, address: str) -> Opened:
        """Sign in with a password.

        Args:
            address: Where the request comes from; failures are counted by it and by user.

        Raises:
            WrongLoginError: There is no such user, or the password is another one.
            CrowdedError: Too many attempts of that kind are under way.
        """
        if not 0 < len(name) <= _LONGEST_NAME or len(password.encode()) > _LONGEST_SECRET:
            raise WrongLoginError
        async with self._turnstile.passing(name, address) as attempt:
            checked = await self._access.check_password(name, password)
            if checked is None:
                raise WrongLoginError
            async with self._access.changing:  # a new password in between ends nothing of ours
                user = await self._store.find_user(checked.name)
                if user is None or user.disabled or user.password != checked.password:
                    raise WrongLoginError
                opened = await self._open(user.name, LOGIN, self._clock.now() + LIFETIME)
            attempt.succeed()
        return opened

    async def by_token(self, secret: str) -> Opened:
        """Sign in with a token. It can't be guessed, so nothing is slowed down.

        Raises:
            WrongLoginError: The token is unknown, revoked or over.
        """
        if len(secret.encode()) > _LONGEST_SECRET:
            raise WrongLoginError
        actor = await self._access.actor_of_token(secret)
        if actor is None:
            raise WrongLoginError
        latest = self._clock.now() + LIFETIME
        return await self._open(
            actor.user, digest_of(secret), min(latest, actor.expires_at or latest)
        )

    async def end(self, secret: str) -> None:
        """End a session; it is refused from this moment. Nothing happens if there is none."""
        session = await self._access.tokens.find(secret)
        if session is None or not session.is_session:
            return
        actor = Actor(user=session.user, way="session")
        acts = audited(self._clock, actor, "session.end", target=session.id)
        await self._access.tokens.revoke(session, acts)

    async def _open(self, user: UserName, name: str, expires_at: datetime) -> Opened:
        await self._make_room(user, name)
        secret = secrets.token_urlsafe(32)
        session = Token(
            id=SESSION_ID + self._ids.hex32(),
            name=name,
            user=user,
            digest=digest_of(secret),
            created_at=self._clock.now(),
            expires_at=expires_at,
        )
        actor = Actor(user=user, way="session")
        acts = audited(self._clock, actor, "session.begin", target=session.id)
        await self._store.put_token(session, acts)
        found = await self._access.actor_of_session(secret)
        if found is None:  # the token was revoked, or the user disabled, at this moment
            raise WrongLoginError
        return Opened(secret=secret, actor=found, expires_at=expires_at)

    async def _make_room(self, user: UserName, name: str) -> None:
        """End the oldest sessions of the same name; who has a token ends none of its user's."""
        found = await self._store.list_tokens(user)
        own = [token for token in found if token.is_session and token.name == name]
        own.sort(key=lambda token: token.created_at)
        now = self._clock.now()
        spare = max(0, len(own) - MOST_OF_ONE + 1)
        for index, token in enumerate(own):
            if index < spare or (token.expires_at is not None and token.expires_at <= now):
                await self._access.tokens.revoke(token)
