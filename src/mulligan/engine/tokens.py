"""Tokens as the store has them, those used lately at hand; a revoked one is refused at once."""

import hashlib
import hmac

from mulligan.core.ids import ProjectId, UserName
from mulligan.core.records import Token
from mulligan.ports import NO_ACTS, Acts, Clock, Store

_CACHED_TOKENS = 1024
_REMEMBERED_REVOCATIONS = 100_000


def digest_of(secret: str) -> str:
    """Return under what a secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Tokens:
    """The tokens of this server."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, Token] = {}
        # digests: a read that began before must not bring one back
        self._revoked: dict[str, None] = {}

    async def find(self, secret: str) -> Token | None:
        """Return the token with that secret; None if it is unknown, revoked or over."""
        return await self.find_digest(digest_of(secret))

    async def find_digest(self, digest: str) -> Token | None:
        """Return the token that is kept under that; None as in `find`."""
        token = self._known.get(digest) or await self._store.find_token(digest)
        if token is None or not hmac.compare_digest(token.digest, digest):
            return None
        if digest in self._revoked or self._is_over(token):
            return None
        if len(self._known) >= _CACHED_TOKENS:
            self._known.clear()
        self._known[digest] = token
        return token

    def _is_over(self, token: Token) -> bool:
        return token.expires_at is not None and token.expires_at <= self._clock.now()

    async def revoke(self, token: Token, acts: Acts = NO_ACTS) -> None:
        """Delete a token; it is refused from this moment."""
        await self._store.drop_token(token.id, acts)
        self._forget(token)

    async def drop_logins(self, user: UserName, project: ProjectId | None = None) -> None:
        """Delete what a user's logins have made, or only those bound to exactly that project.

        No login of the user may be under way: see `Access.changing`.
        """
        found = [
            token
            for token in await self._store.list_tokens(user)
            if token.is_by_password and (project is None or token.projects == (project,))
        ]
        await self._store.drop_tokens_of(user, project)
        for token in found:
            self._forget(token)

    async def drop_old_logins(self) -> None:
        """Delete what logins have made and is over, sessions of the page too."""
        for token in await self._store.list_tokens():
            if (token.is_login or token.is_session) and self._is_over(token):
                await self.revoke(token)

    def _forget(self, token: Token) -> None:
        self._revoked[token.digest] = None
        while len(self._revoked) > _REMEMBERED_REVOCATIONS:
            del self._revoked[next(iter(self._revoked))]
        self._known.pop(token.digest, None)
