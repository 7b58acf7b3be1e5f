"""Calls on callbacks of projects and pipelines, and on what was sent for them."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from mulligan.core.errors import InvalidError, MulliganError, NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.core.items import CallbackRule
from mulligan.core.postings import Posting, PostingState
from mulligan.core.rights import Permission
from mulligan.engine.callbacks import KIND, Callbacks, GivenCallback, check_url
from mulligan.engine.commands import ReceiptRequest
from mulligan.facades.bkci.callback_out import EVENTS, REGIONS, TOKEN_HEADER
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.document import Part, bad_type
from mulligan.facades.bkci.run_out import render_page
from mulligan.facades.bkci.times import Json, millis, present

_DONE = True
_MOST = 100  # callbacks in one call
_STATES = {
    PostingState.WAITING: "RUNNING",
    PostingState.DONE: "SUCCEED",
    PostingState.FAILED: "FAILED",
}


async def callback_create(call: Call) -> Response:
    """Make a callback of the project for one event."""
    await call.demand(Permission.MANAGE)
    given = _given(call, _event(call.query.needed("event")))

    async def act(_receipt: ReceiptRequest | None) -> bool:
        await _callbacks(call).put(call.actor, ProjectId(call.project), given)
        return _DONE

    return await call.once(act, stores_receipt=False)


async def callback_batch_create(call: Call) -> Response:
    """Make callbacks for several events; each goes well or not by itself."""
    await call.demand(Permission.MANAGE)
    words = [word.strip() for word in call.query.needed("event").split(",") if word.strip()]
    _given(call, "")  # URL and region are wrong for all of them

    async def act(_receipt: ReceiptRequest | None) -> Json:
        good: list[str] = []
        bad: Json = {}
        for word in words[:_MOST]:
            try:
                given = _given(call, _event(word))
                await _callbacks(call).put(call.actor, ProjectId(call.project), given)
            except MulliganError as error:
                bad[word] = str(error)
            else:
                good.append(word)
        return {"successEvents": good, "failureEvents": bad}

    return await call.once(act, stores_receipt=False)


def _event(word: str) -> str:
    if word not in EVENTS:
        raise InvalidError(
            f"event is {word[:60]!r}; one of {', '.join(sorted(EVENTS))} was expected",
            pointer="event",
            code="bad-value",
            values=("event",),
        )
    return word


def _given(call: Call, event: str) -> GivenCallback:
    url, region = call.query.needed("url"), call.query.needed("region")
    check_url(url)
    if region not in REGIONS:
        raise InvalidError(
            f"region is {region[:40]!r}; one of {', '.join(sorted(REGIONS))} was expected",
            pointer="region",
            code="bad-value",
            values=("region",),
        )
    token = call.query.text("secretToken") or ""
    return GivenCallback(event=event, url=url, token=token, extra={"region": region})


async def callback_list(call: Call) -> Response:
    """List the callbacks of the project."""
    await call.demand(Permission.MANAGE)
    page, size = call.query.page(is_unlimited=call.is_unlimited)
    rules = [rule for rule in await _callbacks(call).rules(_project(call)) if not rule.parent]
    records = [_rule(rule) for rule in rules[(page - 1) * size : page * size]]
    return ok(render_page(records, count=len(rules), page=page, page_size=size))


def _rule(rule: CallbackRule) -> Json:
    return {
        "id": rule.number,
        "projectId": rule.project,
        "callBackUrl": rule.url,
        "events": rule.event,
        "region": rule.extra.get("region", ""),
        "enable": True,
    }


async def callback_delete(call: Call) -> Response:
    """Delete a callback of the project."""
    await call.demand(Permission.MANAGE)
    number = _number(call)
    rules = await _callbacks(call).rules(_project(call))
    rule = next((each for each in rules if each.number == number and not each.parent), None)
    if rule is None:
        raise NotFoundError("callback", str(number))
    found = rule

    async def act(_receipt: ReceiptRequest | None) -> bool:
        await _callbacks(call).drop(call.actor, found)
        return _DONE

    return await call.once(act, stores_receipt=False)


async def callback_history(call: Call) -> Response:
    """List what was sent to an URL for an event."""
    await call.demand(Permission.MANAGE)
    page, size = call.query.page(is_unlimited=call.is_unlimited)
    found, count = await call.services.store.list_postings(
        _project(call),
        kind=KIND,
        target=call.query.needed("url"),
        event=_event(call.query.needed("event")),
        since=call.query.local_time("startTime"),
        until=call.query.local_time("endTime"),
        limit=size,
        offset=(page - 1) * size,
    )
    records = [_record(each) for each in found]
    return ok(render_page(records, count=count, page=page, page_size=size))


def _record(posting: Posting) -> Json:
    return present(
        {
            "id": posting.number,
            "projectId": posting.project,
            "callBackUrl": posting.target,
            "events": posting.event,
            "status": _STATES[posting.state],
            # the token is not shown
            "requestHeaders": [{"name": TOKEN_HEADER, "value": "******"}],
            "requestBody": posting.body,
            "responseCode": posting.status,
            "errorMsg": posting.problem or None,
            "createdTime": millis(posting.created_at),
            "startTime": millis(posting.sent_at or posting.created_at),
            "endTime": millis(posting.ended_at),
        }
    )


async def callback_retry(call: Call) -> Response:
    """Send one record again."""
    await call.demand(Permission.MANAGE)
    number = _number(call)

    async def act(_receipt: ReceiptRequest | None) -> bool:
        again = await _callbacks(call).again(_project(call), number)
        call.services.outgoing.sender.take((again,))
        return _DONE

    return await call.once(act, stores_receipt=False)


async def pipeline_callback_create(call: Call) -> Response:
    """Make or replace callbacks of a pipeline, by their names."""
    pipeline = await call.pipeline(call.query.needed("pipelineId"))
    await call.demand(Permission.MANAGE)
    body = call.body()
    if not isinstance(body, list) or len(body) > _MOST:
        raise bad_type("", f"a list of at most {_MOST} callbacks")
    given = [_in_body(each, place) for place, each in enumerate(body)]

    async def act(_receipt: ReceiptRequest | None) -> bool:
        for each in given:
            await _callbacks(call).put(call.actor, _project(call), each, pipeline=pipeline.id)
        return _DONE

    return await call.once(act, stores_receipt=False)


def _in_body(value: object, place: int) -> GivenCallback:
    if not isinstance(value, dict):
        raise bad_type(f"/{place}", "an object")
    part = Part(value, f"/{place}")
    name = part.text("callbackName").strip()
    if not name:
        raise InvalidError(
            "callbackName is blank",
            pointer=part.at("callbackName"),
            code="missing",
            values=("callbackName",),
        )
    check_url(part.text("callbackUrl"))
    region = part.text("region").strip() or "IDC"
    return GivenCallback(
        name=name,
        event=_event(part.text("callbackEvent").strip()),
        url=part.text("callbackUrl"),
        token=part.text("secretToken"),
        extra={"region": region},
    )


async def pipeline_callback_get(call: Call) -> Response:
    """List the callbacks of a pipeline."""
    pipeline = await call.pipeline(call.query.needed("pipelineId"))
    await call.demand(Permission.MANAGE)
    event = call.query.text("event")
    rules = await _callbacks(call).rules(_project(call))
    return ok(
        [
            {
                "callbackName": rule.name,
                "callbackEvent": rule.event,
                "callbackUrl": rule.url,
                "region": rule.extra.get("region", ""),
            }
            for rule in rules
            if rule.parent == pipeline.id and event in {None, rule.event}
        ]
    )


async def pipeline_callback_delete(call: Call) -> Response:
    """Delete a callback of a pipeline by its name."""
    pipeline = await call.pipeline(call.query.needed("pipelineId"))
    await call.demand(Permission.MANAGE)
    name = call.query.needed("callbackName")
    rules = await _callbacks(call).rules(_project(call))
    rule = next((r for r in rules if (r.parent, r.name) == (pipeline.id, name)), None)
    if rule is None:
        raise NotFoundError("callback", name)
    found = rule

    async def act(_receipt: ReceiptRequest | None) -> bool:
        await _callbacks(call).drop(call.actor, found)
        return _DONE

    return await call.once(act, stores_receipt=False)


def _callbacks(call: Call) -> Callbacks:
    return call.services.outgoing.callbacks


def _project(call: Call) -> ProjectId:
    return ProjectId(call.project)


def _number(call: Call) -> int:
    call.query.needed("id")
    return call.query.long("id") or 0


_OF_PIPELINE = "projects/{project}/callbacks/pipelines/{pipelineId}"
ROUTES: tuple[tuple[str, str, Callable[[Call], Awaitable[Response]]], ...] = (
    ("POST", "projects/{project}/callbacks", callback_create),
    ("POST", "projects/{project}/callbacks/batch", callback_batch_create),
    ("GET", "projects/{project}/callbacks/callback_list", callback_list),
    ("DELETE", "projects/{project}/callbacks/callback", callback_delete),
    ("GET", "projects/{project}/callbacks/callback_history", callback_history),
    ("POST", "projects/{project}/callbacks/callback_retry", callback_retry),
    ("POST", _OF_PIPELINE, pipeline_callback_create),
    ("GET", _OF_PIPELINE, pipeline_callback_get),
    ("DELETE", _OF_PIPELINE, pipeline_callback_delete),
)
