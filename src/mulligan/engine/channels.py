"""Channels of projects: where notices go to besides mail."""

import re
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import msgspec

from mulligan.core.errors import InvalidError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.items import Channel, ItemChange
from mulligan.core.postings import Posting
from mulligan.core.rights import Actor
from mulligan.engine.audited import audited
from mulligan.engine.callbacks import check_url, post
from mulligan.engine.channel_messages import WAYS, Address, Notice, compose
from mulligan.engine.messages_sending import SendsWeb
from mulligan.engine.sender import NotTakenError
from mulligan.ports import Clock, Ids, Store
from mulligan.secret_key import SecretKey, UnsealError

TELLS = ("success", "failure", "review")
MOST_CHANNELS = 100
_LONGEST_KEY = 1024  # characters
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PURPOSE = "channel-address"
_decode = msgspec.json.Decoder(Address).decode


class GivenChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as somebody gives it; fields as of `Channel`."""

    name: str
    way: str
    address: Address
    tells: tuple[str, ...] = ()
    chats: tuple[str, ...] = ()


class Channels:
    """The channels of all projects."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        secret_key: SecretKey,
        web: SendsWeb,
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._key = secret_key
        self._web = web
        self._changed = changed

    async def put(self, actor: Actor, project: ProjectId, given: GivenChannel) -> Channel:
        """Make a channel, or replace that of the same name.

        Raises:
            InvalidError: It is malformed, or the project has too many.
        """
        _check(given)
        channels = await self.list(project)
        before = next((each for each in channels if each.name == given.name), None)
        if before is None and len(channels) >= MOST_CHANNELS:
            raise InvalidError(f"the project has {len(channels)} channels already")
        now = self._clock.now()
        ident = before.id if before else self._ids.hex32()[-12:]
        parts = urlsplit(given.address.url)
        sealed = self._key.seal(_PURPOSE, f"{project}/{ident}", msgspec.json.encode(given.address))
        channel = Channel(
            project=project,
            id=ident,
            name=given.name,
            number=before.number if before else 0,
            created_by=before.created_by if before else actor.user,
            created_at=before.created_at if before else now,
            updated_by=actor.user,
            updated_at=now,
            way=given.way,
            address=sealed,
            shown=f"{parts.scheme}://{parts.netloc}",
            tells=given.tells,
            chats=given.chats,
        )
        acts = audited(self._clock, actor, "channel.put", project=project, target=given.name)
        await self._store.change_items(ItemChange(put=(channel,)), acts)
        self._changed()
        return channel

    async def drop(self, actor: Actor, project: ProjectId, name: str) -> None:
        """Remove a channel.

        Raises:
            NotFoundError: There is none of that name.
        """
        channel = await self.get(project, name)
        acts = audited(self._clock, actor, "channel.delete", project=project, target=name)
        await self._store.change_items(ItemChange(drop=(channel,)), acts)
        self._changed()

    async def list(self, project: ProjectId) -> tuple[Channel, ...]:
        """Return the channels of a project, oldest first."""
        return await self._store.list_items(Channel, project, limit=MOST_CHANNELS)

    async def get(self, project: ProjectId, name: str) -> Channel:
        """Return a channel by its name.

        Raises:
            NotFoundError: There is none.
        """
        found = next((each for each in await self.list(project) if each.name == name), None)
        if found is None:
            raise NotFoundError("channel", name)
        return found

    async def send(self, posting: Posting) -> int:
        """Send a posting through its channel; return the status of the answer.

        Raises:
            NotTakenError: It was not taken.
        """
        channel = await self._store.find_item(Channel, posting.project, posting.via)
        if channel is None:
            raise NotTakenError("the channel was removed", again=False)
        return await self._send(
            channel,
            Notice(
                ident=f"msg_{posting.number}",
                event=posting.event,
                project=posting.project,
                title=posting.title,
                text=posting.body,
                at=self._clock.now(),
            ),
        )

    async def test(self, actor: Actor, project: ProjectId, name: str) -> str:
        """Send a message through a channel now; tell what went wrong, "" = nothing."""
        channel = await self.get(project, name)
        notice = Notice(
            ident=f"msg_test_{self._ids.hex32()[-12:]}",
            event="channel.test",
            project=project,
            title=f"[Mulligan] {project}: test / 测试",
            text=f"{actor.user} tests the channel {name}. / {actor.user} 正在测试渠道 {name}。",
            at=self._clock.now(),
        )
        try:
            await self._send(channel, notice)
        except NotTakenError as error:
            return str(error)
        return ""

    async def _send(self, channel: Channel, notice: Notice) -> int:
        place = f"{channel.project}/{channel.id}"
        try:
            address = _decode(self._key.unseal(_PURPOSE, place, channel.address))
        except UnsealError as error:
            raise NotTakenError(f"its address can't be read: {error}", again=False) from None
        message = compose(channel.way, address, notice)
        return await post(self._web, message.url, message.headers, message.body)


def _check(given: GivenChannel) -> None:
    if not _NAME.fullmatch(given.name):
        raise InvalidError(
            f"{given.name[:80]!r} can't be the name of a channel: 1 to 64 letters, digits, _ . -"
        )
    if given.way not in WAYS:
        raise InvalidError(f"{given.way[:40]!r} is none of: {', '.join(WAYS)}", pointer="/type")
    unknown: Sequence[str] = [word for word in given.tells if word not in TELLS]
    if unknown:
        raise InvalidError(f"{unknown[0][:40]!r} is none of: {', '.join(TELLS)}", pointer="/tells")
    if len(given.address.key) > _LONGEST_KEY:
        raise InvalidError(f"the key is longer than {_LONGEST_KEY} characters", pointer="/key")
    check_url(given.address.url)
