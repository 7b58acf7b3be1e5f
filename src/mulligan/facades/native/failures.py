"""What a page needs to show of a failed run at once: what failed, its last lines, since when."""

from datetime import datetime

from starlette.responses import Response

from mulligan.core.durations import seconds_between
from mulligan.core.failure import FailingSince, Failure, PastNode, failing_since, root_failure
from mulligan.core.ids import StepId
from mulligan.core.rights import Permission
from mulligan.core.run import Run
from mulligan.facades.native import log_shapes, queries, run_views
from mulligan.facades.native.endpoints import Call, Endpoint, Query, answer
from mulligan.facades.native.log_lines import last_lines
from mulligan.facades.native.runs import ONE_RUN, run_of
from mulligan.facades.native.shapes import Shape

LAST_LINES = 30
MOST_LINES = 1_000
LOOKED_BACK = 500  # runs


class NodeName(Shape, frozen=True, kw_only=True):
    """A node of a definition."""

    id: str
    name: str


class FailedNode(Shape, frozen=True, kw_only=True):
    """What failed first, by itself.

    Args:
        kind: step, job, stage or run: the lowest that says so; what it lies in is named too.
        attempt: Of the node.
        step_kind, plugin: Of a step: what does its work.
        error_type, error_code: Numbers of the table of errors, where the step or plugin told them.
        others: How many more nodes failed, because of this one or besides.
        retry: What to name as `target` of a recovery.
    """

    kind: str
    stage: NodeName | None
    job: NodeName | None
    step: NodeName | None
    step_kind: str
    plugin: str
    attempt: int
    status: str
    cause: str | None
    message: str
    exit_code: int | None
    signal: int | None
    error_type: int | None
    error_code: int | None
    started_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    others: int
    retry: str


class PastRun(Shape, frozen=True, kw_only=True):
    """An earlier run of the pipeline, as far as it concerns a node."""

    id: str
    number: int
    actor: str
    message: str
    queued_at: datetime


class SinceView(Shape, frozen=True, kw_only=True):
    """Since when a node fails.

    Args:
        first: The first run of the unbroken row of failures.
        last_green: The newest run before these in which it succeeded.
        runs: How many runs failed in it, this one counted.
        is_known: False: it may be longer than was looked back.
    """

    first: PastRun
    last_green: PastRun | None
    runs: int
    is_known: bool


class FailureView(Shape, frozen=True, kw_only=True):
    """Why a run failed. `node`: null if nothing failed; `log`: null without a step or the right."""

    run: str
    number: int
    status: str
    attempt: int
    node: FailedNode | None
    log: log_shapes.LogPage | None
    since: SinceView | None
    owner: str


async def show_failure(call: Call) -> Response:
    """Show what failed first in a run, its last lines, since when it does, and whose it is."""
    run = await run_of(call)
    lines = queries.whole(call.request, "lines", default=LAST_LINES, most=MOST_LINES)
    failure = root_failure(run)
    pipeline = await call.services.store.find_pipeline(run.head.pipeline)
    return answer(
        FailureView(
            run=run.head.id,
            number=run.head.number,
            status=run.head.status.value,
            attempt=run.head.attempt,
            node=None if failure is None else _node(run, failure),
            log=await _log(call, run, failure, lines or 0),
            since=await _since(call, run, failure),
            owner=pipeline.created_by if pipeline is not None else "",
        )
    )


async def _log(
    call: Call, run: Run, failure: Failure | None, count: int
) -> log_shapes.LogPage | None:
    if failure is None or failure.step is None:
        return None
    if not await call.services.access.allows(call.actor, Permission.VIEW_LOG, call.project):
        return None
    return await last_lines(call, run, failure.step, failure.attempt, count)


async def _since(call: Call, run: Run, failure: Failure | None) -> SinceView | None:
    if failure is None or failure.kind == "run":
        return None
    past = await call.services.store.past_of(
        run.head.pipeline,
        failure.kind,
        failure.node,
        up_to=run.head.number,
        limit=LOOKED_BACK,
    )
    found = failing_since(past, is_all=len(past) < LOOKED_BACK)
    return None if found is None else _show_since(found)


def _show_since(found: FailingSince) -> SinceView:
    return SinceView(
        first=_past(found.first),
        last_green=None if found.last_green is None else _past(found.last_green),
        runs=found.runs,
        is_known=found.is_known,
    )


def _past(node: PastNode) -> PastRun:
    return PastRun(
        id=node.run,
        number=node.number,
        actor=node.started_by,
        message=node.message,
        queued_at=node.queued_at,
    )


def _node(run: Run, failure: Failure) -> FailedNode:
    index = run.index
    stage = None if failure.stage is None else index.spec.stages[index.stages[failure.stage]]
    job = None if failure.job is None else index.jobs[failure.job]
    step = None if failure.step is None else index.steps[StepId(failure.step)]
    return FailedNode(
        kind=failure.kind,
        stage=None if stage is None else NodeName(id=stage.id, name=stage.name),
        job=None if job is None else NodeName(id=job.id, name=run_views.job_name(job)),
        step=None if step is None else NodeName(id=step.id, name=step.name),
        step_kind="" if step is None else step.kind,
        plugin="" if step is None else step.code,
        attempt=failure.attempt,
        status="failed",
        cause=run_views.word(failure.cause),
        message=failure.message,
        exit_code=failure.exit_code,
        signal=failure.signal,
        error_type=failure.error_type,
        error_code=failure.error_code,
        started_at=failure.started_at,
        ended_at=failure.ended_at,
        seconds=seconds_between(failure.started_at, failure.ended_at),
        others=failure.others,
        retry=failure.node,
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=ONE_RUN + "/failure",
        act=show_failure,
        summary="Show what failed first in a run, its last lines, and since when it does",
        needs=Permission.VIEW,
        answer=FailureView,
        query=(
            Query(
                "lines",
                f"How many last lines of the log, at most {MOST_LINES}; {LAST_LINES} if absent.",
                {"type": "integer", "minimum": 0, "maximum": MOST_LINES, "default": LAST_LINES},
            ),
        ),
    ),
)
