"""Channels of a project: where notices go to. Nobody reads an address."""

from datetime import datetime

from starlette.responses import Response

from mulligan.core.items import Channel
from mulligan.core.rights import Permission
from mulligan.engine.channel_messages import Address
from mulligan.engine.channels import GivenChannel
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.native import queries
from mulligan.facades.native.bodies import Body
from mulligan.facades.native.endpoints import NOTHING, Call, Endpoint, answer
from mulligan.facades.native.shapes import Shape


class ChannelBody(Body, frozen=True, kw_only=True):
    """A channel. `type`: webhook, wecom, dingtalk, feishu or slack.

    Args:
        url: Of the webhook or robot.
        key: What its messages are signed with; empty = they are not.
        tells: What of all pipelines goes there: success, failure, review.
        chats: Ids of chats that pipelines name and that mean this channel.
    """

    type: str
    url: str
    key: str = ""
    tells: tuple[str, ...] = ()
    chats: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Show no address."""
        return f"ChannelBody(type={self.type!r})"


class ChannelView(Shape, frozen=True, kw_only=True):
    """A channel; `site`: scheme and host of its URL."""

    name: str
    type: str
    site: str
    tells: tuple[str, ...]
    chats: tuple[str, ...]
    updated_by: str
    updated_at: datetime


class ChannelList(Shape, frozen=True, kw_only=True):
    """A page of channels."""

    items: tuple[ChannelView, ...]
    next_cursor: str | None


class ChannelTest(Shape, frozen=True, kw_only=True):
    """Whether a message was taken; `problem`: why not."""

    sent: bool
    problem: str


def _view(channel: Channel) -> ChannelView:
    return ChannelView(
        name=channel.name,
        type=channel.way,
        site=channel.shown,
        tells=channel.tells,
        chats=channel.chats,
        updated_by=channel.updated_by,
        updated_at=channel.updated_at,
    )


async def put_channel(call: Call) -> Response:
    """Set a channel."""
    given = call.read(ChannelBody)
    channel = GivenChannel(
        name=call.part("name"),
        way=given.type,
        address=Address(given.url, given.key),
        tells=given.tells,
        chats=given.chats,
    )

    async def act(_receipt: ReceiptRequest | None) -> Channel:
        return await call.services.outgoing.channels.put(call.actor, call.project, channel)

    return await call.once(act, _view, stores_receipt=False)


async def list_channels(call: Call) -> Response:
    """List channels."""
    everything = await call.services.outgoing.channels.list(call.project)
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    page, cursor = queries.page_of(everything[offset : offset + wanted + 1], offset, wanted)
    return answer(ChannelList(items=tuple(map(_view, page)), next_cursor=cursor))


async def delete_channel(call: Call) -> Response:
    """Remove a channel."""
    await call.services.outgoing.channels.drop(call.actor, call.project, call.part("name"))
    return Response(status_code=NOTHING)


async def test_channel(call: Call) -> Response:
    """Send a message through a channel now."""
    problem = await call.services.outgoing.channels.test(
        call.actor, call.project, call.part("name")
    )
    return answer(ChannelTest(sent=not problem, problem=problem))


_ONE = "/projects/{project}/channels/{name}"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/projects/{project}/channels",
        act=list_channels,
        summary="List the channels of a project, without their addresses",
        needs=Permission.USE_SECRET,
        answer=ChannelList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="PUT",
        path=_ONE,
        act=put_channel,
        summary="Set a channel: where notices go to",
        needs=Permission.SECRETS,
        body=ChannelBody,
        answer=ChannelView,
    ),
    Endpoint(
        method="DELETE",
        path=_ONE,
        act=delete_channel,
        summary="Remove a channel",
        needs=Permission.SECRETS,
        status=NOTHING,
    ),
    Endpoint(
        method="POST",
        path=_ONE + "/test",
        act=test_channel,
        summary="Send a message through a channel now",
        needs=Permission.SECRETS,
        answer=ChannelTest,
    ),
)
