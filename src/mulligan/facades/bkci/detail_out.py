"""`build_detail`: the full model of one attempt of a run, and what is said around it."""

from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.model_out import ModelRenderer
from mulligan.facades.bkci.run_out import Surroundings, execute_millis, version_name
from mulligan.facades.bkci.run_parts import (
    cancelled_by,
    render_attempts,
    render_errors,
    render_stage_statuses,
    trigger_reviewers,
)
from mulligan.facades.bkci.texts import start_text
from mulligan.facades.bkci.times import Json, millis, present, span


def render_detail(view: AttemptView, around: Surroundings, *, source: Json) -> Json:
    """Return a `ModelRecord` of the attempt that `view` shows.

    Args:
        source: The stored model of the run's version.
    """
    head = view.run.head
    attempt = view.attempt
    renderer = ModelRenderer(
        view,
        now=around.now,
        language=around.language,
        window=around.retry_window,
        holders=around.holders,
    )
    return present(
        {
            "id": head.id,
            "pipelineId": head.pipeline,
            "pipelineName": around.pipeline_name or source.get("name"),
            "userId": head.started_by,
            "triggerUser": head.started_by,
            "trigger": start_text(head.start_kind, around.language),
            "queueTime": millis(attempt.queued_at),
            "startTime": millis(view.started_at),
            "endTime": millis(view.ended_at),
            "queueTimeCost": span(attempt.queued_at, attempt.started_at),
            "status": view.run_status(),
            "model": renderer.render(source),
            "currentTimestamp": millis(around.now),
            "buildNum": head.number,
            "cancelUserId": cancelled_by(view),
            "curVersion": head.version,
            "curVersionName": version_name(head.version),
            "latestVersion": around.latest_version or head.version,
            "latestBuildNum": around.latest_number or head.number,
            "lastModifyUser": around.modified_by or None,
            "executeTime": execute_millis(head, view.run.gates.values(), around.now),
            "errorInfoList": render_errors(view, around.language),
            "stageStatus": render_stage_statuses(view, source, around.now, around.language),
            "triggerReviewers": trigger_reviewers(view),
            "executeCount": view.number,
            "startUserList": [each.actor for each in head.attempts],
            "recordList": render_attempts(head),
            "buildMsg": head.message or None,
            "remark": head.remark or None,
            "debug": False,
            "cancelBuildPerm": around.may_cancel,
        }
    )
