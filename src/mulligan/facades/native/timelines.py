"""When the jobs and steps of a run were tried, beside the last run that went well."""

from datetime import datetime
from itertools import islice

from starlette.responses import Response

from mulligan.core.recovered import branch_of
from mulligan.core.rights import Permission
from mulligan.core.run import Run, RunHead
from mulligan.core.status import Status
from mulligan.core.timeline import NodeTimes, times_of
from mulligan.facades.native.endpoints import Call, Endpoint, answer
from mulligan.facades.native.runs import ONE_RUN, run_of
from mulligan.facades.native.shapes import Shape
from mulligan.ports import RunFilter

MOST_NODES = 5_000
MOST_TRIES = 20  # of a node, the newest


class GreenRun(Shape, frozen=True, kw_only=True):
    """The run that a run is compared with: the last one before it that succeeded.

    `branch`: the same as of the run, if one succeeded there; "" = no event of a branch started it.
    """

    id: str
    number: int
    branch: str
    ended_at: datetime | None


class TryView(Shape, frozen=True, kw_only=True):
    """One attempt of a job or step.

    Args:
        run_attempt: The attempt of the run in which it was made.
        queued_at: Of a job: since when it waited for a runner.
    """

    number: int
    run_attempt: int
    status: str
    queued_at: datetime | None
    started_at: datetime
    ended_at: datetime | None


class NodeTimesView(Shape, frozen=True, kw_only=True):
    """What is known of a job or step besides its newest attempt.

    Args:
        kind: job or step.
        tries: The last 20 that began, oldest first, the newest as well; empty: there was one at
            most.
        usual_seconds: What it took in `green`; null: it did not succeed there.
    """

    id: str
    kind: str
    tries: tuple[TryView, ...]
    usual_seconds: float | None


class TimelineView(Shape, frozen=True, kw_only=True):
    """The times of a run: of nodes that were tried several times or that `green` has as well.

    `is_whole`: false: there are more than 5,000 of them, of which the first are given.
    """

    run: str
    green: GreenRun | None
    nodes: tuple[NodeTimesView, ...]
    is_whole: bool


async def show_timeline(call: Call) -> Response:
    """Show when the jobs and steps of a run were tried, and what they took when all went well."""
    run = await run_of(call)
    green = await _last_green(call, run.head)
    history = await call.services.store.history(run.head.id)
    times = times_of(run, history.jobs, history.steps, green)
    found = tuple(_node(each) for each in islice(times, MOST_NODES + 1))
    return answer(
        TimelineView(
            run=run.head.id,
            green=None if green is None else _green(green.head),
            nodes=found[:MOST_NODES],
            is_whole=len(found) <= MOST_NODES,
        )
    )


async def _last_green(call: Call, head: RunHead) -> Run | None:
    """Return the newest run before one that succeeded: of its branch, or else of any."""
    branch = branch_of(head)
    for branches in ((branch,), ()) if branch else ((),):
        page = await call.services.store.list_runs(
            RunFilter(
                pipeline=head.pipeline,
                statuses=(Status.SUCCEEDED,),
                number_to=head.number - 1,
                branches=branches,
            ),
            limit=1,
        )
        if page.items:
            return await call.services.engine.get_run(page.items[0].id)
    return None


def _green(head: RunHead) -> GreenRun:
    return GreenRun(id=head.id, number=head.number, branch=branch_of(head), ended_at=head.ended_at)


def _node(times: NodeTimes) -> NodeTimesView:
    return NodeTimesView(
        id=times.id,
        kind=times.kind,
        tries=tuple(
            TryView(
                number=each.number,
                run_attempt=each.run_attempt,
                status=each.status.value,
                queued_at=each.queued_at,
                started_at=each.started_at,
                ended_at=each.ended_at,
            )
            for each in times.tries[-MOST_TRIES:]
        ),
        usual_seconds=None if times.usual is None else round(times.usual, 3),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=ONE_RUN + "/timeline",
        act=show_timeline,
        summary="Show when jobs and steps were tried, beside the last run that succeeded",
        needs=Permission.VIEW,
        answer=TimelineView,
    ),
)
