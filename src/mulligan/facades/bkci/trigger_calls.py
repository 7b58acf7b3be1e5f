"""Calls on what starts pipelines: their webhooks, and the token of a remote trigger."""

from starlette.responses import Response

from mulligan.core.records import Pipeline
from mulligan.core.rights import Permission
from mulligan.core.triggers.spec import CodeSpec, TriggerSpec
from mulligan.facades.bkci import wire
from mulligan.facades.bkci.calls import Call, ok
from mulligan.facades.bkci.event_out import SCM_TYPES
from mulligan.facades.bkci.times import Json, present

REMOTE_TRIGGER = "remoteTrigger"
_MOST_WEBHOOKS = 100
_EVENTS = {
    "push": "PUSH",
    "tag": "TAG_PUSH",
    "merge-request": "MERGE_REQUEST",
    "merged": "MERGE_REQUEST_ACCEPT",
    "create": "CREATE",
    "issue": "ISSUES",
    "note": "NOTE",
    "review": "REVIEW",
}


async def pipeline_webhook_list(call: Call) -> Response:
    """List the webhooks that a pipeline waits for: one for each enabled code trigger."""
    pipeline = await call.pipeline(wire.read_pipeline_id(call.query))
    await call.demand(Permission.VIEW)
    page, size = call.query.page(default_size=_MOST_WEBHOOKS)
    version = await call.services.catalog.get_version(pipeline)
    found = [
        _webhook(pipeline, number, trigger, trigger.code)
        for number, trigger in enumerate(version.spec.triggers, 1)
        if trigger.code is not None and trigger.enabled
    ]
    return ok(found[(page - 1) * size : page * size])


def _webhook(pipeline: Pipeline, number: int, trigger: TriggerSpec, code: CodeSpec) -> Json:
    host = code.hosts[0] if code.hosts else ""
    by_id = code.repository.by.value == "ID"
    kind = SCM_TYPES.get(host, "GIT")
    value = code.repository.value
    return present(
        {
            "id": number,
            "projectId": pipeline.project,
            "pipelineId": pipeline.id,
            "repositoryType": kind,
            "repoType": code.repository.by.value,
            "repoHashId": value if by_id else None,
            "repositoryHashId": value if by_id else None,
            "repoName": None if by_id else value,
            "projectName": None if by_id else value,
            "taskId": trigger.id,
            "eventType": _EVENTS.get(code.event.value),
        }
    )


async def with_remote_token(call: Call, pipeline: Pipeline, model: Json) -> Json:
    """Return a model in which remote triggers show the token of the pipeline."""
    stages = model.get("stages") or [{}]
    containers = stages[0].get("containers") or [{}]
    elements = containers[0].get("elements") or []
    if not any(each.get("@type") == REMOTE_TRIGGER for each in elements):
        return model
    token = await call.services.remote_triggers.show(pipeline.id)
    shown = [
        {**each, "remoteToken": token} if each.get("@type") == REMOTE_TRIGGER else each
        for each in elements
    ]
    container = {**containers[0], "elements": shown}
    stage = {**stages[0], "containers": [container, *containers[1:]]}
    return {**model, "stages": [stage, *stages[1:]]}
