"""Hooks of code hosts, what they delivered, and the place to which they deliver."""

from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from msgspec.structs import replace
from starlette.responses import Response

from mulligan.core.errors import NotFoundError
from mulligan.core.ids import PipelineId
from mulligan.core.rights import Permission
from mulligan.core.trigger_records import Delivery, EventHook, Outcome
from mulligan.engine.commands import ReceiptRequest
from mulligan.engine.event_hooks import GivenHook, Received, UnprovenError
from mulligan.facades.common.auth import header
from mulligan.facades.common.body import read_body, read_json
from mulligan.facades.common.errors import RequestError, UnauthenticatedError
from mulligan.facades.native import queries
from mulligan.facades.native.bodies import Body
from mulligan.facades.native.endpoints import NOTHING, Call, Endpoint, Query, answer
from mulligan.facades.native.pipelines import pipeline_of
from mulligan.facades.native.shapes import Shape

LARGEST_BODY = 5 * 1024 * 1024  # bytes of a delivery
_FORM = "application/x-www-form-urlencoded"
_FIRST_LINE = 200


class HookBody(Body, frozen=True, kw_only=True):
    """A new hook.

    Args:
        kind: github, gitlab, gitea, gitee, tgit or standard.
        events: Which ones start a pipeline that has no code triggers of its own.
        credential: Name of a secret whose token tells the host how runs go; absent = it isn't told.
        api: Base of the host's API, when it does not follow from the repository's address.
    """

    kind: str
    secret: str
    name: str = ""
    events: tuple[str, ...] = ("push",)
    credential: str = ""
    api: str = ""


class NewHook(Shape, frozen=True, kw_only=True):
    """A new hook: `url` and the secret are what the code host has to be told."""

    id: str
    url: str


class HookView(Shape, frozen=True, kw_only=True):
    """A hook, without its secret. `pipeline`: null = all of the project."""

    id: str
    name: str
    kind: str
    url: str
    pipeline: str | None
    events: tuple[str, ...]
    credential: str
    created_by: str
    created_at: datetime


class HookList(Shape, frozen=True, kw_only=True):
    """A page of hooks."""

    items: tuple[HookView, ...]
    next_cursor: str | None


class PassedOverView(Shape, frozen=True, kw_only=True):
    """A trigger that was not fired: which of its filters said no, and why."""

    trigger: str
    filter: str
    reason: str


class OutcomeView(Shape, frozen=True, kw_only=True):
    """What a delivery did to a pipeline. `run`: null = it was not started, for the `reason`."""

    pipeline: str
    run: str | None
    trigger: str
    reason: str
    passed_over: tuple[PassedOverView, ...]


class DeliveryView(Shape, frozen=True, kw_only=True):
    """A delivery as lists show it. `state`: open, done or refused; `replay_of`: null = none."""

    id: int
    hook: str
    key: str
    received_at: datetime
    state: str
    reason: str
    event: str
    action: str
    ref: str
    commit: str
    user: str
    title: str
    sender: str
    size: int
    replay_of: int | None


class DeliveryList(Shape, frozen=True, kw_only=True):
    """A page of deliveries."""

    items: tuple[DeliveryView, ...]
    next_cursor: str | None


class DeliveryDetail(DeliveryView, frozen=True, kw_only=True):
    """A delivery with all that is kept of it. `payload`: the beginning of the body."""

    headers: dict[str, str]
    payload: str
    outcomes: tuple[OutcomeView, ...]


class Taken(Shape, frozen=True, kw_only=True):
    """What became of a delivery: the first run that it started, and all of them."""

    run: str | None
    runs: tuple[str, ...]
    delivery: int
    reason: str | None


# --- for people -------------------------------------------------------------------------------


async def add_hook(call: Call) -> Response:
    """Make a hook for all pipelines of a project."""
    return await _add(call, None)


async def add_pipeline_hook(call: Call) -> Response:
    """Make a hook for one pipeline."""
    return await _add(call, (await pipeline_of(call)).id)


async def _add(call: Call, pipeline: PipelineId | None) -> Response:
    given = call.read(HookBody)
    if given.credential:
        await call.enter(call.project, Permission.USE_SECRET)
        await call.services.secrets.get(call.project, given.credential)
    hook = GivenHook(
        host=given.kind,
        secret=given.secret,
        pipeline=pipeline,
        name=given.name,
        events=given.events,
        credential=given.credential,
        api=given.api,
    )

    async def act(receipt: ReceiptRequest | None) -> EventHook:
        return await call.services.event_hooks.add(call.actor, call.project, hook, receipt=receipt)

    return await call.once(act, lambda made: NewHook(id=made.id, url=_url(call, made)))


async def list_hooks(call: Call) -> Response:
    """List the hooks of a project."""
    return await _list(call, None)


async def list_pipeline_hooks(call: Call) -> Response:
    """List the hooks of one pipeline."""
    return await _list(call, (await pipeline_of(call)).id)


async def _list(call: Call, pipeline: PipelineId | None) -> Response:
    found = await call.services.event_hooks.list_hooks(call.project, pipeline)
    offset, wanted = queries.offset(call.request), queries.limit(call.request)
    page, cursor = queries.page_of(found[offset : offset + wanted + 1], offset, wanted)
    items = tuple(_hook(call, hook) for hook in page)
    return answer(HookList(items=items, next_cursor=cursor))


async def get_hook(call: Call) -> Response:
    """Show a hook."""
    return answer(_hook(call, await _hook_of(call)))


async def delete_hook(call: Call) -> Response:
    """Delete a hook."""
    hook = await _hook_of(call)
    await call.services.event_hooks.drop(call.actor, call.project, hook.id)
    return Response(status_code=NOTHING)


async def list_deliveries(call: Call) -> Response:
    """List what a hook was delivered, newest first."""
    hook = await _hook_of(call)
    wanted = queries.limit(call.request)
    found = await call.services.store.list_deliveries(
        call.project, hook.id, limit=wanted + 1, before=queries.whole(call.request, "cursor")
    )
    page = found[:wanted]
    cursor = str(page[-1].number) if len(found) > wanted else None
    items = tuple(DeliveryView(**_delivery(each)) for each in page)
    return answer(DeliveryList(items=items, next_cursor=cursor))


async def get_delivery(call: Call) -> Response:
    """Show a delivery, and what it did to every pipeline."""
    delivery = await _delivery_of(call)
    outcomes = await call.services.store.list_outcomes(delivery.number)
    return answer(
        DeliveryDetail(
            **_delivery(delivery),
            headers=delivery.headers,
            payload=delivery.payload,
            outcomes=tuple(_outcome(each) for each in outcomes),
        )
    )


async def replay_delivery(call: Call) -> Response:
    """Let a delivery count once more."""
    delivery = await _delivery_of(call)
    hooks = call.services.event_hooks

    async def act(_receipt: ReceiptRequest | None) -> Received:
        return await hooks.replay(call.actor, call.project, delivery.number)

    return await call.once(act, _taken, stores_receipt=False)


async def _hook_of(call: Call) -> EventHook:
    return await call.services.event_hooks.get(call.project, call.part("hook"))


async def _delivery_of(call: Call) -> Delivery:
    hook = await _hook_of(call)
    text = call.part("delivery")
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
    delivery = await call.services.event_hooks.get_delivery(call.project, number)
    if delivery.hook != hook.id:
        raise NotFoundError("delivery", text)
    return delivery


def _url(call: Call, hook: EventHook) -> str:
    base = call.services.public_url or str(call.request.base_url)
    origin = base.rstrip("/").removesuffix("/api/v1")
    return f"{origin}/api/v1/hooks/{hook.project}/{hook.id}"


def _hook(call: Call, hook: EventHook) -> HookView:
    return HookView(
        id=hook.id,
        name=hook.name,
        kind=hook.host,
        url=_url(call, hook),
        pipeline=hook.parent or None,
        events=hook.events,
        credential=hook.credential,
        created_by=hook.created_by,
        created_at=hook.created_at,
    )


def _delivery(delivery: Delivery) -> dict[str, Any]:
    event = delivery.event
    return {
        "id": delivery.number,
        "hook": delivery.hook,
        "key": delivery.key,
        "received_at": delivery.received_at,
        "state": delivery.state.value,
        "reason": delivery.reason,
        "event": event.kind.value if event else "",
        "action": event.action if event else "",
        "ref": event.ref if event else "",
        "commit": event.commit if event else "",
        "user": event.user if event else "",
        "title": event.title[:_FIRST_LINE] if event else "",
        "sender": delivery.sender,
        "size": delivery.size,
        "replay_of": delivery.replay_of or None,
    }


def _outcome(outcome: Outcome) -> OutcomeView:
    return OutcomeView(
        pipeline=outcome.pipeline,
        run=outcome.run or None,
        trigger=outcome.trigger,
        reason=outcome.reason,
        passed_over=tuple(
            PassedOverView(trigger=each.trigger, filter=each.filter, reason=each.reason)
            for each in outcome.passed_over
        ),
    )


# --- for code hosts ---------------------------------------------------------------------------


async def take_delivery(call: Call) -> Response:
    """Take what a code host delivers; its signature is the credential."""
    hook = await call.services.event_hooks.get(call.project, call.part("hook"))
    limits = replace(call.services.limits, body_bytes=LARGEST_BODY)
    client = call.request.client

    def decode(body: bytes) -> object:
        return read_json(_content(call, body), limits, empty={})

    try:
        received = await call.services.event_hooks.receive(
            hook,
            lambda name: header(call.request, name),
            lambda: read_body(call.request, limits),
            decode,
            sender=client.host if client else "",
        )
    except UnprovenError as error:
        raise UnauthenticatedError(str(error)) from None
    return answer(_taken(received), 200 if received.is_known else 202)


def _content(call: Call, body: bytes) -> bytes:
    """Return the payload: the body, or the field `payload` of a form, as GitHub can send it."""
    media = header(call.request, "content-type").partition(";")[0].strip().lower()
    if media != _FORM:
        return body
    try:
        return parse_qs(body.decode()).get("payload", ["{}"])[0].encode()
    except ValueError:
        raise RequestError(400, "the form can't be read") from None


def _taken(received: Received) -> Taken:
    runs = tuple(outcome.run for outcome in received.outcomes if outcome.run)
    reasons = (outcome.reason for outcome in received.outcomes if outcome.reason)
    return Taken(
        run=received.run,
        runs=runs,
        delivery=received.delivery.number,
        reason=None if runs else next(reasons, "no pipeline waits for it"),
    )


_PROJECT = "/projects/{project}"
_OF_PIPELINE = _PROJECT + "/pipelines/{pipeline}/hooks"
_OF_PROJECT = _PROJECT + "/hooks"


_ONE = _OF_PROJECT + "/{hook}"
_DELIVERIES = _ONE + "/deliveries"

ENDPOINTS = (
    Endpoint(
        method="POST",
        path=_OF_PIPELINE,
        act=add_pipeline_hook,
        summary="Make a hook to which a code host delivers its events, for a pipeline",
        needs=Permission.EDIT,
        body=HookBody,
        answer=NewHook,
        status=201,
    ),
    Endpoint(
        method="GET",
        path=_OF_PIPELINE,
        act=list_pipeline_hooks,
        summary="List the hooks of a pipeline, without their secrets",
        needs=Permission.VIEW,
        answer=HookList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="POST",
        path=_OF_PROJECT,
        act=add_hook,
        summary="Make a hook for all pipelines of a project",
        needs=Permission.EDIT,
        body=HookBody,
        answer=NewHook,
        status=201,
    ),
    Endpoint(
        method="GET",
        path=_OF_PROJECT,
        act=list_hooks,
        summary="List the hooks of a project, without their secrets",
        needs=Permission.VIEW,
        answer=HookList,
        query=queries.PAGED,
    ),
    Endpoint(
        method="GET",
        path=_ONE,
        act=get_hook,
        summary="Show a hook",
        needs=Permission.VIEW,
        answer=HookView,
    ),
    Endpoint(
        method="DELETE",
        path=_ONE,
        act=delete_hook,
        summary="Delete a hook with what it was delivered",
        needs=Permission.EDIT,
        status=NOTHING,
    ),
    Endpoint(
        method="GET",
        path=_DELIVERIES,
        act=list_deliveries,
        summary="List what a hook was delivered, newest first",
        needs=Permission.VIEW,
        answer=DeliveryList,
        query=(queries.LIMIT, Query("cursor", "`next_cursor` of the page before.")),
    ),
    Endpoint(
        method="GET",
        path=_DELIVERIES + "/{delivery}",
        act=get_delivery,
        summary="Show a delivery, and why each pipeline was started by it or not",
        needs=Permission.VIEW,
        answer=DeliveryDetail,
    ),
    Endpoint(
        method="POST",
        path=_DELIVERIES + "/{delivery}/replay",
        act=replay_delivery,
        summary="Let a delivery count once more: it may start new runs",
        needs=Permission.START,
        answer=Taken,
        status=202,
    ),
    Endpoint(
        method="POST",
        path="/hooks/{project}/{hook}",
        act=take_delivery,
        summary="Deliver an event, signed as the kind of the hook says",
        answer=Taken,
        status=202,
        is_open=True,
        streams=True,
    ),
)
