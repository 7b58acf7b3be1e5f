"""Links by which a person downloads an artifact without a header: signed, and good for a while.

A link carries who asked for it. That user must still exist and have the right when it is used.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import msgspec

from mulligan.core.errors import ForbiddenError, NotFoundError
from mulligan.core.ids import ProjectId, RunId, StepId, UserName
from mulligan.core.records import Artifact
from mulligan.core.rights import Actor, Permission
from mulligan.engine.access import Access
from mulligan.ports import Clock, Store
from mulligan.secret_key import SecretKey

LASTS = timedelta(minutes=30)
_PURPOSE = "download-link"
_SIGNATURE_BYTES = hashlib.sha256().digest_size


class _Link(msgspec.Struct, frozen=True, array_like=True):
    user: UserName
    is_open: bool  # made without a credential: good under `--dev` alone
    project: ProjectId
    run: RunId
    step: StepId
    attempt: int
    path: str
    until: int  # epoch seconds


_decode = msgspec.json.Decoder(_Link).decode


class DownloadLinks:
    """Makes links, and tells what they stand for."""

    def __init__(
        self, *, store: Store, clock: Clock, access: Access, secret_key: SecretKey
    ) -> None:
        self._store = store
        self._clock = clock
        self._access = access
        self._secret_key = secret_key

    def make(self, actor: Actor, project: ProjectId, artifact: Artifact) -> str:
        """Return a text that stands for one artifact, for this actor; it fits into a URL."""
        until = self._clock.now() + LASTS
        link = _Link(
            actor.user,
            actor.is_open,
            project,
            artifact.run,
            artifact.step,
            artifact.attempt,
            artifact.path,
            int(until.timestamp()),
        )
        data = msgspec.json.encode(link)
        return base64.urlsafe_b64encode(self._sign(data) + data).rstrip(b"=").decode()

    async def open(self, text: str) -> Artifact | None:
        """Return the artifact that a link stands for; None if it is none of ours, or over.

        Raises:
            NotFoundError: The file is gone.
            ForbiddenError: The user who asked for it may not download it any more.
        """
        link = self._read(text)
        if link is None:
            return None
        actor = await self._access.actor_of_user(link.user, is_open=link.is_open)
        if actor is None:
            raise ForbiddenError(link.user, Permission.DOWNLOAD.value, link.project)
        await self._access.demand(actor, Permission.DOWNLOAD, link.project)
        for artifact in await self._store.list_artifacts(link.run):
            place = (artifact.step, artifact.attempt, artifact.path)
            if place == (link.step, link.attempt, link.path):
                return artifact
        raise NotFoundError("artifact", link.path)

    def _read(self, text: str) -> _Link | None:
        try:
            whole = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            return None
        signature, data = whole[:_SIGNATURE_BYTES], whole[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(data)):
            return None
        link = _decode(data)  # ours, as it is signed
        is_over = datetime.fromtimestamp(link.until, UTC) < self._clock.now()
        return None if is_over else link

    def _sign(self, data: bytes) -> bytes:
        return hmac.new(self._secret_key.derive(_PURPOSE), data, hashlib.sha256).digest()
