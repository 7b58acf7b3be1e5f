"""The triggers of a pipeline, and the token of its remote trigger."""

from datetime import datetime

from starlette.responses import Response

from mulligan.core.errors import NotFoundError
from mulligan.core.records import Pipeline
from mulligan.core.rights import Permission
from mulligan.core.trigger_records import Timer
from mulligan.core.triggers.spec import TriggerSpec
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.native.endpoints import NOTHING, Call, Endpoint, answer
from mulligan.facades.native.pipelines import pipeline_of
from mulligan.facades.native.shapes import Shape


class TriggerView(Shape, frozen=True, kw_only=True):
    """A trigger.

    Args:
        kind: manual, timer, remote, code or other.
        waits_for: Times of a timer, or the event of a code trigger.
        next_at: Of timers: when it fires next; null = never.
        last: Of timers: what came of it last.
    """

    id: str
    kind: str
    element: str
    name: str
    enabled: bool
    waits_for: tuple[str, ...]
    next_at: datetime | None
    last_at: datetime | None
    last: str


class TriggerList(Shape, frozen=True, kw_only=True):
    """The triggers of a pipeline, in order."""

    items: tuple[TriggerView, ...]
    next_cursor: str | None


class RemoteTokenView(Shape, frozen=True, kw_only=True):
    """The token of a remote trigger, and where to send it."""

    token: str
    url: str


async def list_triggers(call: Call) -> Response:
    """List what starts a pipeline."""
    pipeline = await pipeline_of(call)
    version = await call.services.catalog.get_version(pipeline)
    timers = {each.trigger: each for each in await call.services.store.list_timers(pipeline.id)}
    items = tuple(_trigger(each, timers.get(each.id)) for each in version.spec.triggers)
    return answer(TriggerList(items=items, next_cursor=None))


def _trigger(trigger: TriggerSpec, timer: Timer | None) -> TriggerView:
    waits_for: tuple[str, ...] = ()
    if trigger.timer is not None:
        waits_for = trigger.timer.lines
    elif trigger.code is not None:
        waits_for = (trigger.code.event.value,)
    return TriggerView(
        id=trigger.id,
        kind=trigger.kind.value,
        element=trigger.element,
        name=trigger.name,
        enabled=trigger.enabled,
        waits_for=waits_for,
        next_at=timer.next_at if timer is not None else None,
        last_at=timer.state.last_at if timer is not None else None,
        last=timer.state.last if timer is not None else "",
    )


async def make_remote_token(call: Call) -> Response:
    """Give a pipeline a new token; the one before is good no more."""
    pipeline = await pipeline_of(call)

    async def act(_receipt: ReceiptRequest | None) -> str:
        return await call.services.remote_triggers.make(call.actor, pipeline)

    return await call.once(
        act,
        lambda token: _view(call, pipeline, token),
        keep=lambda _token: _view(call, pipeline, ""),
        stores_receipt=False,
    )


async def get_remote_token(call: Call) -> Response:
    """Show the token of a pipeline."""
    pipeline = await pipeline_of(call)
    token = await call.services.remote_triggers.show(pipeline.id)
    if not token:
        raise NotFoundError("remote token", pipeline.id)
    return answer(_view(call, pipeline, token))


async def delete_remote_token(call: Call) -> Response:
    """Take the token of a pipeline away."""
    await call.services.remote_triggers.drop(call.actor, await pipeline_of(call))
    return Response(status_code=NOTHING)


def _view(call: Call, _pipeline: Pipeline, token: str) -> RemoteTokenView:
    base = call.services.public_url or str(call.request.base_url)
    origin = base.rstrip("/").removesuffix("/api/v1")
    url = f"{origin}/ms/process/api/external/pipelines/{token}/build"
    return RemoteTokenView(token=token, url=url)


_ONE = "/projects/{project}/pipelines/{pipeline}"
_TOKEN = _ONE + "/remote-token"

ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_ONE + "/triggers",
        act=list_triggers,
        summary="List what starts a pipeline; of timers, when they fire next",
        needs=Permission.VIEW,
        answer=TriggerList,
    ),
    Endpoint(
        method="POST",
        path=_TOKEN,
        act=make_remote_token,
        summary="Make a new token for the remote trigger of a pipeline; the old one is refused",
        needs=Permission.EDIT,
        answer=RemoteTokenView,
        status=201,
    ),
    Endpoint(
        method="GET",
        path=_TOKEN,
        act=get_remote_token,
        summary="Show the token of the remote trigger",
        needs=Permission.EDIT,
        answer=RemoteTokenView,
    ),
    Endpoint(
        method="DELETE",
        path=_TOKEN,
        act=delete_remote_token,
        summary="Take the token of the remote trigger away",
        needs=Permission.EDIT,
        status=NOTHING,
    ),
)
