"""Code hooks: a code host tells of a push, signed with the secret of the hook (§2.19)."""

from collections import OrderedDict
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from starlette.responses import Response

from mulligan.core.errors import CallerError, NotFoundError
from mulligan.core.hooks import Hook, HookKind
from mulligan.core.triggers.proof import is_proven
from mulligan.engine.signals import Signal
from mulligan.facades.common.auth import header
from mulligan.facades.swr import negotiate
from mulligan.facades.swr.calls import Call, Route
from mulligan.facades.swr.codehook_pushes import read_push, starts
from mulligan.facades.swr.errors import SwrError, bad
from mulligan.log import get_log

log = get_log()

_KEPT_FOR = timedelta(days=1)
_MOST_KEPT = 10_000
_LONGEST_ID = 200
_UNKNOWN = "SWR.4040126"
_UNPROVEN = "S2I.4019069"
_FORM = "application/x-www-form-urlencoded"
# What code hosts name a delivery by; the same when they send it again.
_DELIVERY = ("X-GitHub-Delivery", "X-Gitea-Delivery", "X-Gogs-Delivery", "Idempotency-Key")
_GITLAB_DELIVERY = "X-Gitlab-Event-UUID"


class Deliveries:
    """The deliveries that have started something lately. Bounded; forgotten at a restart."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], datetime] = OrderedDict()

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._known)

    def add(self, hook_id: str, delivery: str, now: datetime) -> bool:
        """Remember one; tell whether it is new. Without an id every one is."""
        if not delivery:
            return True
        key = (hook_id, delivery)
        known = self._known.get(key)
        if known is not None and now - known < _KEPT_FOR:
            return False
        self._known[key] = now
        self._known.move_to_end(key)
        while len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)
        return True

    def forget(self, hook_id: str, delivery: str) -> None:
        """Let it count as new when it comes again."""
        self._known.pop((hook_id, delivery), None)


_deliveries = Deliveries()  # by the random ids of hooks, which no two servers share


async def push(call: Call) -> Response:
    """Take what a code host tells; whatever starts nothing is answered in the same way."""
    hook = await _hook(call)
    body = await call.raw_body()
    now = call.services.clock.now()

    def value(name: str) -> str:
        return header(call.request, name)

    if not is_proven(value, body, hook.secret, now):
        raise SwrError(_UNPROVEN, "no header proves that the sender knows the secret of the hook")
    told = read_push(value, await _payload(call, body))
    if told is None:
        log.info("push_ignored", hook=_masked(hook), reason="not a push")
    elif not starts(told, hook.extra):
        log.info("push_ignored", hook=_masked(hook), ref=told.ref, reason="not of this trigger")
    else:
        await _start(call, hook, told.ref, now)
    return negotiate.answer({}, status=201)


async def _hook(call: Call) -> Hook:
    hook = await call.services.store.find_hook(call.path["hook_id"].lower())
    if hook is None or hook.kind is not HookKind.CODE:
        raise SwrError(_UNKNOWN, "no code hook has this address")
    return hook


async def _payload(call: Call, body: bytes) -> object:
    """Decode the payload: JSON, or a form with JSON in its field `payload` as GitHub can send."""
    media_type = header(call.request, "content-type").partition(";")[0].strip().lower()
    if media_type == _FORM:
        try:
            body = parse_qs(body.decode()).get("payload", [""])[0].encode()
        except ValueError:
            raise bad("body", "no form") from None
    return await negotiate.read_value(body, call.services.limits, yaml=False)


async def _start(call: Call, hook: Hook, ref: str, now: datetime) -> None:
    """Start the pipeline, or drop the push with a log line (P4, P5).

    Raises:
        SwrError: 404, the pipeline is gone.
    """
    delivery = _delivery(call)
    if not _deliveries.add(hook.id, delivery, now):
        log.info("push_known", hook=_masked(hook), ref=ref, delivery=delivery)
        return
    has_started = False
    try:
        pipeline = await call.services.catalog.get_pipeline(hook.project, hook.pipeline)
        signal = Signal(
            hook=hook,
            params={},
            actor=pipeline.created_by,
            origin=call.origin,
            is_automatic=True,
        )
        await call.services.signals.take(signal)
        has_started = True
        log.info("push_taken", hook=_masked(hook), ref=ref, pipeline=pipeline.id)
    except NotFoundError:
        raise SwrError(_UNKNOWN, "the pipeline of this code hook is gone") from None
    except CallerError as error:
        log.warning("push_dropped", hook=_masked(hook), ref=ref, reason=str(error))
    finally:
        if not has_started:  # sent again by hand, it may start
            _deliveries.forget(hook.id, delivery)


def _delivery(call: Call) -> str:
    for name in (*_DELIVERY, _GITLAB_DELIVERY):
        found = header(call.request, name)
        if found:
            return found[:_LONGEST_ID]
    return ""


def _masked(hook: Hook) -> str:
    return f"{hook.id[:8]}-…"


ROUTES = (
    Route(
        method="POST",
        path="/v2/manage/codehooks/{hook_id}",
        handler=push,
        failure="SWR.5001109",
        is_public=True,
    ),
)
