"""Webhooks: signals from outside that start a pipeline or a stage (§2.10)."""

from starlette.responses import Response

from mulligan.core.hooks import HookKind
from mulligan.core.rights import Actor
from mulligan.engine.commands import ReceiptRequest
from mulligan.engine.signals import LONGEST_PARAMETER, Signal, Taken
from mulligan.facades.common.idempotency import once
from mulligan.facades.swr import negotiate
from mulligan.facades.swr.account import has_credential, resolve_account
from mulligan.facades.swr.calls import Call, Route
from mulligan.facades.swr.errors import (
    JSON_TYPE,
    OTHER_ACCOUNT,
    SwrError,
    bad,
    error_response,
)
from mulligan.facades.swr.rights import Right

_WAITS = {Taken.LATCHED: "SWR.2021106", Taken.EARLY: "SWR.2021107"}
_REASONS = {
    Taken.LATCHED: "recorded; other triggers of the pipeline are still missing",
    Taken.EARLY: "the stage is not reached, or other triggers of it are still missing",
}


async def trigger(call: Call) -> Response:
    """Take the signal of a webhook; the body is ignored."""
    is_open = call.services.open_webhooks and not has_credential(call.request)
    if not is_open:
        call.actor, call.account = await resolve_account(call.request, call.services)
    hook = await call.services.store.find_hook(call.path["webhook_id"].lower())
    if hook is None or hook.kind is not HookKind.WEBHOOK:
        raise SwrError("SWR.4040126", "no trigger has this address")
    pipeline = await call.services.catalog.get_pipeline(hook.project, hook.pipeline)
    if is_open:
        call.actor = Actor(user=pipeline.created_by, way="webhook")
    elif hook.project != call.account:
        raise SwrError(OTHER_ACCOUNT, "the trigger is not of this account")
    else:
        await call.demand(Right.READ, await call.group_of(pipeline))
    for name, value in call.query.items():
        if len(value) > LONGEST_PARAMETER:
            raise bad(name, f"longer than {LONGEST_PARAMETER} characters")

    async def act(_receipt: ReceiptRequest | None) -> Taken:
        signal = Signal(
            hook=hook,
            params=dict(call.query),
            actor=call.actor.user,
            origin=call.origin,
            is_automatic=is_open,
        )
        return await call.services.signals.take(signal)

    body = call.in_account(await call.raw_body())
    # also "recorded" is an answer to be given again: a repeat must not latch a later round
    return await once(
        call.request, call.services, call.actor, body, act, _render, stores_receipt=False
    )


def _render(taken: Taken) -> tuple[int, bytes, str]:
    if taken is Taken.STARTED:
        return 201, *negotiate.render({})
    response = error_response(SwrError(_WAITS[taken], _REASONS[taken]))
    return response.status_code, bytes(response.body), JSON_TYPE


ROUTES = tuple(
    Route(
        method="POST",
        path=f"/{version}/manage/webhooks/{{webhook_id}}",
        handler=trigger,
        failure="SWR.5001109",
        is_public=True,  # `trigger` asks for the credential itself
    )
    for version in ("v2", "v3")
)
