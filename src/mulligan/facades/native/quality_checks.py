"""How quality rules judged the runs of a project."""

from datetime import datetime

from starlette.responses import Response

from mulligan.core.ids import PipelineId, ProjectId, RunId
from mulligan.core.quality_checks import CheckFilter, CheckResult, QualityCheck
from mulligan.core.rights import Permission
from mulligan.facades.native import queries
from mulligan.facades.native.endpoints import Call, Endpoint, Query, answer
from mulligan.facades.native.shapes import Shape


class CheckedMetric(Shape, frozen=True, kw_only=True):
    """A condition and what the metric was; `found` is "" when nobody told it."""

    metric: str
    operator: str
    value: str
    found: str


class CheckView(Shape, frozen=True, kw_only=True):
    """How a rule judged a run.

    `side`: check-in or check-out of the stage, or the id of the gate step around a plugin.
    `answered_by`: the gatekeeper who had the last word, if one had it.
    """

    id: int
    pipeline: str
    run: str
    number: int
    attempt: int
    stage: str
    side: str
    rule: str
    name: str
    result: CheckResult
    conditions: tuple[CheckedMetric, ...]
    checked_at: datetime
    answered_by: str | None
    answered_at: datetime | None


class CheckList(Shape, frozen=True, kw_only=True):
    """A page of checks."""

    items: tuple[CheckView, ...]
    next_cursor: str | None


def _view(check: QualityCheck) -> CheckView:
    values = dict(check.values)
    return CheckView(
        id=check.number,
        pipeline=check.pipeline,
        run=check.run,
        number=check.run_number,
        attempt=check.run_attempt,
        stage=check.stage,
        side=check.side,
        rule=check.rule,
        name=check.name,
        result=check.result,
        conditions=tuple(
            CheckedMetric(
                metric=each.metric,
                operator=each.operator,
                value=each.value,
                found=values.get(each.metric, ""),
            )
            for each in check.conditions
        ),
        checked_at=check.at,
        answered_by=check.answered_by or None,
        answered_at=check.answered_at,
    )


async def list_checks(call: Call) -> Response:
    """List checks, newest first."""
    request = call.request
    pipeline, run = queries.text(request, "pipeline"), queries.text(request, "run")
    where = CheckFilter(
        project=ProjectId(call.project),
        pipeline=PipelineId(pipeline) if pipeline else None,
        run=RunId(run) if run else None,
        rule=queries.text(request, "rule") or None,
        results=queries.words(request, "result", CheckResult),
    )
    wanted = queries.limit(request)
    found = await call.services.store.list_quality_checks(
        where, limit=wanted + 1, before=queries.whole(request, "cursor")
    )
    page = found[:wanted]
    cursor = str(page[-1].number) if len(found) > wanted else None
    return answer(CheckList(items=tuple(map(_view, page)), next_cursor=cursor))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/projects/{project}/quality-checks",
        act=list_checks,
        summary="List how quality rules judged runs, newest first",
        needs=Permission.VIEW,
        answer=CheckList,
        query=(
            Query("pipeline", "Only of this pipeline, by id."),
            Query("run", "Only of this run."),
            Query("rule", "Only of this rule, by id."),
            Query(
                "result",
                "Only with these results, separated by commas: "
                + ", ".join(result.value for result in CheckResult)
                + ".",
            ),
            *queries.PAGED,
        ),
    ),
)
