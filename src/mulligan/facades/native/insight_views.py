"""How the runs of a project or pipeline went lately, and which of their steps are flaky."""

from datetime import date, timedelta

from starlette.responses import Response

from mulligan.core.attempts import flaky_steps
from mulligan.core.ids import PipelineId, RunId
from mulligan.core.insights import RunFact, insights_of, repairs_of
from mulligan.core.rights import Permission
from mulligan.facades.native import queries
from mulligan.facades.native.endpoints import Call, Endpoint, Query, answer
from mulligan.facades.native.shapes import Shape
from mulligan.ports import RunFilter
from mulligan.ports.overview import RecentRun

MOST_RUNS = 10_000  # that are counted: the newest
MOST_RECOVERED = 500  # recovered runs that are looked into: the newest
MOST_LOOKED_INTO = 1_000  # runs whose steps are looked into
MOST_FLAKY = 50  # steps that are named
DAYS = 30


class DayView(Shape, frozen=True, kw_only=True):
    """The runs that were asked for on one day, UTC."""

    day: date
    runs: int
    succeeded: int
    failed: int
    recovered: int


class FlakyView(Shape, frozen=True, kw_only=True):
    """A step that failed and then passed with the same inputs.

    Args:
        times: In how many of the runs.
        last_run: The newest of them.
    """

    pipeline: str
    step: str
    name: str
    times: int
    last_run: str


class InsightsView(Shape, frozen=True, kw_only=True):
    """How the runs of a time went. Shares are 0 to 1; what can't be told is null.

    Args:
        runs: How many are counted, at most 10,000: the newest.
        success_share: Of those that ended with a result, how many succeeded.
        recovered_share: How many of them succeeded only after they were repaired.
        rescue_share: Of those that had failed, how many succeeded in the end.
        seconds_saved: Work that was kept by repairs instead of being run again.
        recover_p50_seconds, recover_p95_seconds: From the first bad end to the good one.
        flaky: Steps that failed and passed with the same inputs, most often first.
    """

    days: int
    runs: int
    unfinished: int
    succeeded: int
    failed: int
    cancelled: int
    recovered: int
    success_share: float | None
    recovered_share: float | None
    rescue_share: float | None
    p50_seconds: float | None
    p95_seconds: float | None
    queue_p50_seconds: float | None
    seconds_saved: float
    recover_p50_seconds: float | None
    recover_p95_seconds: float | None
    flaky: tuple[FlakyView, ...]
    history: tuple[DayView, ...]


async def show_insights(call: Call) -> Response:
    """Tell how the runs of a project, or of one pipeline, went lately."""
    store = call.services.store
    days = queries.whole(call.request, "days", default=DAYS, least=1, most=366) or DAYS
    named = queries.text(call.request, "pipeline")
    pipeline = None
    if named:
        pipeline = (await call.services.catalog.get_pipeline(call.project, named)).id
    since = call.services.clock.now() - timedelta(days=days)
    runs = await store.run_rows(call.project, pipeline, since=since, limit=MOST_RUNS)
    counted = insights_of([_fact(run) for run in runs])
    where = RunFilter(project=call.project, pipeline=pipeline, recovered=True, queued_from=since)
    repaired = await store.list_runs(where, limit=MOST_RECOVERED)
    repairs = repairs_of(repaired.items)
    return answer(
        InsightsView(
            days=days,
            **{
                name: getattr(counted, name) for name in counted.__struct_fields__ if name != "days"
            },
            seconds_saved=round(repairs.seconds_saved, 3),
            recover_p50_seconds=repairs.recover_p50_seconds,
            recover_p95_seconds=repairs.recover_p95_seconds,
            flaky=await _flaky(call, runs),
            history=tuple(
                DayView(
                    day=day.day,
                    runs=day.runs,
                    succeeded=day.succeeded,
                    failed=day.failed,
                    recovered=day.recovered,
                )
                for day in counted.days
            ),
        )
    )


def _fact(run: RecentRun) -> RunFact:
    return RunFact(
        status=run.status,
        recovered=run.recovered,
        queued_at=run.queued_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
    )


async def _flaky(call: Call, runs: tuple[RecentRun, ...]) -> tuple[FlakyView, ...]:
    """Name the steps that are flaky in the newest of the runs."""
    places = {run.id: place for place, run in enumerate(runs[:MOST_LOOKED_INTO])}
    retried = await call.services.store.retried_steps(tuple(places))
    found: dict[str, list[RunId]] = {}
    for each in retried:
        if flaky_steps({each.step: each.attempts}):
            found.setdefault(each.step, []).append(each.run)
    often = sorted(found.items(), key=lambda item: -len(item[1]))[:MOST_FLAKY]
    shown = []
    for step, run_ids in often:
        newest = await call.services.engine.get_run(min(run_ids, key=places.__getitem__))
        spec = next((spec for ident, spec in newest.index.steps.items() if ident == step), None)
        shown.append(
            FlakyView(
                pipeline=PipelineId(newest.head.pipeline),
                step=step,
                name=spec.name if spec is not None else "",
                times=len(run_ids),
                last_run=newest.head.id,
            )
        )
    return tuple(shown)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/projects/{project}/insights",
        act=show_insights,
        summary="Tell how runs went lately: results, repairs, times, flaky steps",
        needs=Permission.VIEW,
        answer=InsightsView,
        query=(
            Query("pipeline", "Only of this pipeline (p-…)."),
            Query(
                "days",
                f"How far back, 1 to 366; {DAYS} if absent.",
                {"type": "integer", "minimum": 1, "maximum": 366, "default": DAYS},
            ),
        ),
    ),
)
