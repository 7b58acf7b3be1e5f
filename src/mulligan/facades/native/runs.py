"""Runs: start, list, show, stop, remark."""

import msgspec
from starlette.responses import Response

from mulligan.core.errors import ForbiddenError, InvalidError, NotFoundError
from mulligan.core.hold import hold_until
from mulligan.core.ids import RUN_ID, RunId, StepId
from mulligan.core.rights import Permission
from mulligan.core.run import Run, RunHead
from mulligan.core.values import text_of
from mulligan.engine.commands import ReceiptRequest, SetRemark, StartRun, StopRun
from mulligan.engine.waits import waits_of
from mulligan.facades.native import attempt_views, queries, run_views, shapes
from mulligan.facades.native.bodies import RemarkBody, StartBody
from mulligan.facades.native.conditional import tag_of
from mulligan.facades.native.endpoints import Call, Endpoint, Query, answer
from mulligan.facades.native.pipelines import pipeline_of
from mulligan.facades.native.plan_views import etag
from mulligan.facades.native.run_list import RUNS, pipeline_names

LONGEST_REMARK = 4096  # characters, as BK-CI
LONGEST_MESSAGE = 4096
_MOST_STEPS = 10_000  # on one answer


async def run_of(call: Call) -> Run:
    """Return the run of the path.

    Raises:
        NotFoundError: There is none in the project of the path.
    """
    ident = call.part("run")
    if not RUN_ID.fullmatch(ident):
        raise NotFoundError("run", ident)
    run = await call.services.engine.get_run(RunId(ident))
    if run.head.project != call.project:
        raise NotFoundError("run", ident)
    return run


def step_of(call: Call, run: Run) -> StepId:
    """Return the step of the path.

    Raises:
        NotFoundError: The run has none of that id.
    """
    step = StepId(call.part("step"))
    if step not in run.index.steps:
        raise NotFoundError("step", step)
    return step


async def start_run(call: Call) -> Response:
    """Start the newest version of a pipeline."""
    pipeline = await pipeline_of(call)
    given = call.read(StartBody)
    if len(given.message) > LONGEST_MESSAGE:
        raise InvalidError(
            f"message has more than {LONGEST_MESSAGE} characters", pointer="/message"
        )

    async def act(receipt: ReceiptRequest | None) -> RunHead:
        return await call.services.engine.start_run(
            StartRun(
                actor=call.actor.user,
                origin=call.origin,
                receipt=receipt,
                pipeline=pipeline.id,
                values={name: text_of(value) for name, value in given.values.items()},
                message=given.message,
            )
        )

    return await call.once(act, lambda head: run_views.summary(head, pipeline.name))


async def get_run(call: Call) -> Response:
    """Show a run with all its nodes, as it is or as an earlier attempt left it."""
    run = await run_of(call)
    number = queries.whole(call.request, "attempt", least=1)
    if number is not None and number > run.head.attempt:
        raise NotFoundError("attempt", str(number))
    history = None
    if number not in {None, run.head.attempt}:
        history = await call.services.store.history(run.head.id)
    waits = await waits_of(call.services.engine, run) if history is None else ()
    response = answer(run_views.state(run_views.Snapshot(run, history, number), waits))
    # what others have, that it waits for, changes without it
    about = tag_of(msgspec.json.encode(waits)).strip('"') if waits else ""
    response.headers["ETag"] = etag(run.head.revision, about)
    return response


async def find_run(call: Call) -> Response:
    """Find a run by its id alone. A project that one may not see has no runs."""
    ident = call.part("run")
    head = None
    if RUN_ID.fullmatch(ident):
        head = await call.services.store.find_head(RunId(ident))
    if head is None or not await call.services.access.allows(
        call.actor, Permission.VIEW, head.project
    ):
        raise NotFoundError("run", ident)
    names = await pipeline_names(call, {head.pipeline})
    return answer(run_views.summary(head, names.get(head.pipeline, "")))


async def list_steps(call: Call) -> Response:
    """List the steps of a run with all their attempts."""
    run = await run_of(call)
    history = await call.services.store.history(run.head.id)
    steps = attempt_views.steps_with_attempts(run, history)
    if len(steps.items) <= _MOST_STEPS:
        return answer(steps)
    offset = queries.offset(call.request)
    page, cursor = queries.page_of(
        steps.items[offset : offset + _MOST_STEPS + 1], offset, _MOST_STEPS
    )
    return answer({"items": page, "next_cursor": cursor})


async def stop_run(call: Call) -> Response:
    """Stop a run: one's own, or anybody's with the permission for that."""
    run = await run_of(call)
    own = run.head.started_by == call.actor.user
    await _demand_stop(call, own=own)

    async def act(receipt: ReceiptRequest | None) -> RunHead:
        command = StopRun(
            actor=call.actor.user, origin=call.origin, receipt=receipt, run_id=run.head.id
        )
        engine = call.services.engine
        is_held = run.head.status.is_final and hold_until(run.head, run.index.spec) is not None
        return await (engine.release_hold if is_held else engine.stop_run)(command)

    return await call.once(act, lambda head: run_views.summary(head, run.index.spec.name))


async def _demand_stop(call: Call, *, own: bool) -> None:
    access = call.services.access
    if own and await access.allows(call.actor, Permission.STOP_OWN, call.project):
        return
    if not await access.allows(call.actor, Permission.STOP, call.project):
        raise ForbiddenError(call.actor.user, Permission.STOP.value, call.project)


async def set_remark(call: Call) -> Response:
    """Set the remark of a run."""
    run = await run_of(call)
    text = call.read(RemarkBody).remark
    if len(text) > LONGEST_REMARK:
        raise InvalidError(f"remark has more than {LONGEST_REMARK} characters", pointer="/remark")

    async def act(receipt: ReceiptRequest | None) -> RunHead:
        return await call.services.engine.set_remark(
            SetRemark(
                actor=call.actor.user,
                origin=call.origin,
                receipt=receipt,
                run_id=run.head.id,
                text=text,
            )
        )

    return await call.once(act, lambda head: run_views.summary(head, run.index.spec.name))


ONE_RUN = RUNS + "/{run}"
_WHOLE = {"type": "integer", "minimum": 1}

ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/projects/{project}/pipelines/{pipeline}/runs",
        act=start_run,
        summary="Start the newest version of a pipeline",
        needs=Permission.START,
        body=StartBody,
        answer=shapes.RunSummary,
        status=201,
    ),
    Endpoint(
        method="GET",
        path=ONE_RUN,
        act=get_run,
        summary="Show a run with its stages, jobs and steps",
        needs=Permission.VIEW,
        answer=shapes.RunState,
        query=(Query("attempt", "As this attempt left it; the newest if absent.", _WHOLE),),
    ),
    Endpoint(
        method="GET",
        path="/runs/{run}",
        act=find_run,
        summary="Find a run, in whatever project it is",
        answer=shapes.RunSummary,
    ),
    Endpoint(
        method="GET",
        path=ONE_RUN + "/steps",
        act=list_steps,
        summary="List the steps of a run with all their attempts",
        needs=Permission.VIEW,
        answer=shapes.StepList,
    ),
    Endpoint(
        method="POST",
        path=ONE_RUN + "/stop",
        act=stop_run,
        summary="Stop a run; asked again after a minute it ends by force",
        needs=Permission.VIEW,
        answer=shapes.RunSummary,
    ),
    Endpoint(
        method="PUT",
        path=ONE_RUN + "/remark",
        act=set_remark,
        summary="Set the remark of a run",
        needs=Permission.START,
        body=RemarkBody,
        answer=shapes.RunSummary,
    ),
)
