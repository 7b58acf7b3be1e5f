"""Access keys: pairs of an id and a secret for signing requests in the SWR dialect."""

from datetime import datetime

from starlette.responses import Response

from mulligan.core.rights import Permission
from mulligan.engine.access_keys import MadeKey
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.native import queries
from mulligan.facades.native.bodies import Body
from mulligan.facades.native.endpoints import NOTHING, Call, Endpoint, answer
from mulligan.facades.native.shapes import Shape


class AccessKeyBody(Body, frozen=True, kw_only=True):
    """A new access key: it stands for the caller in one project."""

    project: str


class NewAccessKey(Shape, frozen=True, kw_only=True):
    """A new access key; `secret` is shown once: a repeat after a restart gets it empty."""

    access: str
    secret: str


class AccessKeyView(Shape, frozen=True, kw_only=True):
    """An access key, without its secret."""

    access: str
    project: str
    created_at: datetime


class AccessKeyList(Shape, frozen=True, kw_only=True):
    """A page of access keys."""

    items: tuple[AccessKeyView, ...]
    next_cursor: str | None


async def create_access_key(call: Call) -> Response:
    """Make an access key."""
    given = call.read(AccessKeyBody)
    await call.enter(given.project, Permission.VIEW)

    async def act(receipt: ReceiptRequest | None) -> MadeKey:
        keys = call.services.access_keys
        return await keys.create(call.actor, given.project, receipt=receipt)

    return await call.once(
        act,
        lambda made: NewAccessKey(access=made.key.access, secret=made.secret),
        keep=lambda made: NewAccessKey(access=made.key.access, secret=""),
    )


async def list_access_keys(call: Call) -> Response:
    """List one's own access keys."""
    keys = await call.services.access_keys.list_keys(call.actor)
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    page, cursor = queries.page_of(keys[offset : offset + wanted + 1], offset, wanted)
    items = tuple(
        AccessKeyView(access=key.access, project=key.project, created_at=key.created_at)
        for key in page
    )
    return answer(AccessKeyList(items=items, next_cursor=cursor))


async def delete_access_key(call: Call) -> Response:
    """Delete an access key."""
    await call.services.access_keys.delete(call.actor, call.part("access"))
    return Response(status_code=NOTHING)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/access-keys",
        act=create_access_key,
        summary="Make a key for signing requests, for oneself in one project",
        body=AccessKeyBody,
        answer=NewAccessKey,
        status=201,
    ),
    Endpoint(
        method="GET",
        path="/access-keys",
        act=list_access_keys,
        summary="List one's own access keys, without their secrets",
        answer=AccessKeyList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="DELETE",
        path="/access-keys/{access}",
        act=delete_access_key,
        summary="Delete an access key; it is refused from that moment",
        status=NOTHING,
    ),
)
