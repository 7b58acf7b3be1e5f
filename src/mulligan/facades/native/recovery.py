"""Recovery: ask what a retry or a skip would do, and do it."""

from starlette.responses import Response

from mulligan.core.errors import ForbiddenError, InvalidError
from mulligan.core.recovery.request import Changes
from mulligan.core.rights import Permission
from mulligan.core.run import Run
from mulligan.engine.commands import ReceiptRequest, RetryOutcome, RetryRun
from mulligan.facades.common.auth import header
from mulligan.facades.common.errors import RequestError
from mulligan.facades.native import run_views, shapes
from mulligan.facades.native.bodies import RecoveryBody
from mulligan.facades.native.endpoints import Call, Endpoint, answer
from mulligan.facades.native.expectations import expected
from mulligan.facades.native.plan_views import WAITING, show_plan
from mulligan.facades.native.problems import PartForbiddenError
from mulligan.facades.native.runs import ONE_RUN, run_of

_LONGEST_REASON = 4096  # characters


async def plan(call: Call) -> Response:
    """Tell what a recovery would do; nothing is changed."""
    run = await run_of(call)
    command = await _command(call, run, call.read(RecoveryBody))
    made = await call.services.engine.plan_retry(command)
    sensitive = await call.services.plugins.sensitive_inputs()
    seconds = await expected(call, run, made)
    return answer(show_plan(made, run, seconds, sensitive=sensitive))


async def apply(call: Call) -> Response:
    """Recover a run, with `If-Match` only if it is still as it was planned."""
    run = await run_of(call)
    given = call.read(RecoveryBody)
    if given.skip and not given.reason.strip():
        raise InvalidError("a skip needs a reason", pointer="/reason", code="reason-missing")
    command = await _command(call, run, given)
    sensitive = await call.services.plugins.sensitive_inputs()

    async def act(receipt: ReceiptRequest | None) -> RetryOutcome:
        return await call.services.engine.retry_run(_with_receipt(command, receipt))

    def show(outcome: RetryOutcome) -> shapes.Recovered:
        return shapes.Recovered(
            run=run_views.summary(outcome.head, run.index.spec.name),
            plan=show_plan(outcome.plan, run, sensitive=sensitive),
        )

    return await call.once(act, show)


def _with_receipt(command: RetryRun, receipt: ReceiptRequest | None) -> RetryRun:
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return RetryRun(**(fields | {"receipt": receipt}))


def reason_of(text: str) -> str:
    """Return a reason.

    Raises:
        InvalidError: It is too long.
    """
    if len(text) > _LONGEST_REASON:
        raise InvalidError(f"reason has more than {_LONGEST_REASON} characters", pointer="/reason")
    return text


async def _command(call: Call, run: Run, given: RecoveryBody) -> RetryRun:
    access, actor = call.services.access, call.actor
    if given.skip:
        await access.demand(actor, Permission.SKIP, call.project)
    changes = given.changes.changes()
    await _demand_for(call, changes)
    return RetryRun(
        actor=actor.user,
        origin=call.origin,
        run_id=run.head.id,
        target=given.target,
        only_failed=given.only_failed,
        skip=given.skip,
        reason=reason_of(given.reason),
        may_operate=given.skip and await access.allows(actor, Permission.OPERATE, call.project),
        changes=changes,
        revision=matched(call)[0],
    )


async def _demand_for(call: Call, changes: Changes) -> None:
    """Demand what is needed to ask for changes.

    Raises:
        PartForbiddenError: Something is missing.
    """
    for permission in changes.permissions:
        part = "steps" if permission is Permission.EDIT else "parameters"
        try:
            await call.services.access.demand(call.actor, permission, call.project)
        except ForbiddenError as error:
            raise PartForbiddenError(error, f"/changes/{part}") from None


def matched(call: Call) -> tuple[int | None, str]:
    """Return what `If-Match` names: the revision of the run, None = any, and what follows it.

    Raises:
        RequestError: 400, it is no etag of a plan or run.
    """
    given = header(call.request, "if-match")
    if given in {"", "*"}:
        return None, ""
    text, _, more = given.removeprefix("W/").strip('"').partition(":")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise RequestError(400, 'If-Match must be the etag of a plan or run, like "12"')
    return int(text), "" if more.startswith(WAITING) else more


ENDPOINTS = (
    Endpoint(
        method="POST",
        path=ONE_RUN + "/recovery/plan",
        act=plan,
        summary="Tell what a retry or skip would run again and keep, and why",
        needs=Permission.RETRY,
        body=RecoveryBody,
        answer=shapes.PlanView,
    ),
    Endpoint(
        method="POST",
        path=ONE_RUN + "/recovery/apply",
        act=apply,
        precondition=True,
        summary="Retry or skip; with If-Match only if the run has not moved on",
        needs=Permission.RETRY,
        body=RecoveryBody,
        answer=shapes.Recovered,
    ),
)
