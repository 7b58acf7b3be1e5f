"""Calls on quality gates: how rules judged builds."""

from collections.abc import Mapping

from starlette.responses import Response

from mulligan.core.ids import PipelineId, ProjectId
from mulligan.core.quality_checks import CheckFilter, CheckResult, QualityCheck
from mulligan.core.records import Pipeline
from mulligan.core.rights import Permission
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.run_out import render_page
from mulligan.facades.bkci.times import Json, millis, present

# `RuleInterceptResult` -> ours. A rule that was not looked at leaves no check.
_RESULTS: Mapping[str, tuple[CheckResult, ...] | None] = {
    "PASS": (CheckResult.PASSED,),
    "FAIL": (CheckResult.FAILED,),
    "WAIT": (CheckResult.WAITING,),
    "INTERCEPT": (CheckResult.REFUSED,),
    "INTERCEPT_PASS": (CheckResult.LET_THROUGH,),
    "UNCHECK": None,
}
_WORDS = {results[0]: word for word, results in _RESULTS.items() if results is not None}


async def intercept_list(call: Call) -> Response:
    """List how rules judged builds, newest first."""
    await call.demand(Permission.VIEW)
    query = call.query
    pipeline = query.text("pipelineId")
    results = query.word("interceptResult", _RESULTS, ())
    where = CheckFilter(
        project=ProjectId(call.project),
        pipeline=PipelineId(pipeline) if pipeline is not None else None,
        rule=query.text("ruleHashId"),
        results=results or (),
        since=query.instant("startTime"),
        until=query.instant("endTime"),
    )
    page, size = query.page(is_unlimited=call.is_unlimited)
    store = call.services.store
    checks: tuple[QualityCheck, ...] = ()
    count = 0
    if results is not None:
        checks = await store.list_quality_checks(where, limit=size, offset=(page - 1) * size)
        count = await store.count_quality_checks(where)
    found = {
        ident: await store.find_pipeline(ident) for ident in {each.pipeline for each in checks}
    }
    records = [_record(each, found[each.pipeline]) for each in checks]
    return ok(render_page(records, count=count, page=page, page_size=size))


def _record(check: QualityCheck, pipeline: Pipeline | None) -> Json:
    """Return a `RuleInterceptHistory`."""
    return {
        "hashId": str(check.number),
        "num": check.number,
        "timestamp": millis(check.at),
        "interceptResult": _WORDS[check.result],
        "ruleHashId": check.rule,
        "ruleName": check.name,
        "pipelineId": check.pipeline,
        "pipelineName": pipeline.name if pipeline is not None else "",
        "pipelineIsDelete": pipeline is None or pipeline.deleted_at is not None,
        "buildId": check.run,
        "buildNo": str(check.run_number),
        "checkTimes": check.run_attempt,
        "remark": _remark(check),
        "qualityRuleBuildHisOpt": present(
            {
                "ruleHashId": check.rule,
                "stageId": check.stage,
                "gateOptUser": check.answered_by or None,
                "gateOptTime": millis(check.answered_at) if check.answered_by else None,
            }
        ),
    }


def _remark(check: QualityCheck) -> str:
    """Tell what the metrics were and what they had to be."""
    values = dict(check.values)
    return "; ".join(
        f"{each.metric}={values.get(each.metric, '')} ({each.operator}{each.value})"
        for each in check.conditions
    )
