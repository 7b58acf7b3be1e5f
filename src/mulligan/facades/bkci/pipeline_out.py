"""Pipelines and projects as this API shows them, and the form with which a run is started."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from mulligan.core.records import Pipeline, Project
from mulligan.core.run import RunHead
from mulligan.core.spec import PipelineSpec
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.document import Json, Part, value_text
from mulligan.facades.bkci.model_params import manual_trigger
from mulligan.facades.bkci.run_out import version_name
from mulligan.facades.bkci.run_parts import render_stage_statuses
from mulligan.facades.bkci.status_out import run_word
from mulligan.facades.bkci.texts import DEFAULT_LANGUAGE, start_element, start_text
from mulligan.facades.bkci.times import millis, present
from mulligan.facades.common.sensitive import blank_if_sensitive, is_sensitive


class PipelineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a pipeline besides its record.

    Args:
        spec: Of its newest version.
        latest: Its newest run. `view` of that run, with `source` (the stored model of its
            version), adds the statuses of stages.
        run_count: How many runs it has had.
        running_count: How many of them run now.
        group_labels, view_names, template: Its labels by group, the views that show it, and the
            id of the template that it is an instance of.
    """

    now: datetime
    spec: PipelineSpec | None = None
    latest: RunHead | None = None
    view: AttemptView | None = None
    source: Json | None = None
    run_count: int = 0
    running_count: int = 0
    group_labels: list[Json] = []
    view_names: list[str] = []
    template: str = ""
    language: str = DEFAULT_LANGUAGE


def render_pipeline_id(pipeline: Pipeline) -> Json:
    """Return a `PipelineId`."""
    return {"id": pipeline.id}


def render_deployed(pipeline_id: str, name: str, version: int) -> Json:
    """Return a `DeployPipelineResult`."""
    return {
        "pipelineId": pipeline_id,
        "pipelineName": name,
        "version": version,
        "versionNum": version,
        "versionName": version_name(version),
    }


def render_pipeline(pipeline: Pipeline, facts: PipelineFacts) -> Json:
    """Return a `Pipeline`, as lists and `pipeline_status` show it."""
    spec = facts.spec
    steps = sum(len(job.steps) for stage in spec.stages for job in stage.jobs) if spec else 0
    fields = {
        "projectId": pipeline.project,
        "pipelineId": pipeline.id,
        "pipelineName": pipeline.name,
        "pipelineDesc": pipeline.description,
        "taskCount": steps,
        "buildCount": facts.run_count,
        "lock": pipeline.locked,
        "canManualStartup": spec.manual_start if spec is not None else False,
        "deploymentTime": millis(pipeline.updated_at),
        "createTime": millis(pipeline.created_at),
        "updateTime": millis(pipeline.updated_at),
        "creator": pipeline.created_by,
        "updater": pipeline.updated_by,
        "pipelineVersion": pipeline.version,
        "version": pipeline.version,
        "versionName": version_name(pipeline.version),
        "latestVersionStatus": "RELEASED" if pipeline.version else "COMMITTING",
        "currentTimestamp": millis(facts.now),
        "runningBuildCount": facts.running_count,
        "hasPermission": True,
        "hasCollect": False,
        "instanceFromTemplate": bool(facts.template),
        "groupLabel": facts.group_labels,
        "viewNames": facts.view_names,
        "delete": pipeline.deleted_at is not None,
    }
    if facts.template:
        fields["templateId"] = facts.template
    return fields | _latest(facts)


def _latest(facts: PipelineFacts) -> Json:
    head, view = facts.latest, facts.view
    if head is None:
        return {}
    stages = None
    if view is not None and facts.source is not None:
        stages = render_stage_statuses(view, facts.source, facts.now, facts.language)
    return present(
        {
            "latestBuildStartTime": millis(head.started_at),
            "latestBuildEndTime": millis(head.ended_at),
            "latestBuildStatus": view.run_status() if view else run_word(head.status, head.cause),
            "latestBuildNum": head.number,
            "latestBuildId": head.id,
            "latestBuildUserId": head.started_by,
            "latestBuildStageStatus": stages,
            "lastBuildMsg": head.message or start_text(head.start_kind, facts.language),
            "startType": start_element(head.start_kind),
            "trigger": start_text(head.start_kind, facts.language),
        }
    )


def render_start_form(
    source: Json, latest: RunHead | None = None, counted: int | None = None
) -> Json:
    """Return a `BuildManualStartupInfo`.

    Args:
        source: The stored model.
        latest: The newest run; its parameters are the values that the form begins with.
        counted: What the recommended version of the next run ends with.
    """
    stage = next(Part(source).parts("stages"))
    trigger = next(stage.parts("containers"))
    element = manual_trigger(trigger)
    values = {each.name: each for each in latest.parameters} if latest is not None else {}
    used = {name: each.value for name, each in values.items() if not each.sensitive}
    return present(
        {
            "canManualStartup": element is not None,
            "canElementSkip": element is not None and element.flag("canElementSkip"),
            "useLatestParameters": element is not None and element.flag("useLatestParameters"),
            "properties": [_property(part, used) for part in trigger.parts("params")],
            "buildNo": present({**(trigger.value.get("buildNo") or {}), "currentBuildNo": counted})
            or None,
        }
    )


def _property(part: Part, used: Mapping[str, str]) -> Json:
    name = part.text("id").strip()
    if is_sensitive(part.value):
        return {**blank_if_sensitive(part.value), "value": ""}
    default = value_text(part.value.get("defaultValue"), part.at("defaultValue"))
    if part.flag("constant"):
        return {**part.value, "value": default, "readOnly": True}
    return {**part.value, "value": used.get(name, default)}


def render_project(project: Project) -> Json:
    """Return a `ProjectVO`."""
    return {
        **_kept(project.extra),
        "id": project.number,
        "projectId": project.id,
        "projectCode": project.id,
        "englishName": project.id,
        "projectName": project.name,
        "description": project.description,
        "creator": project.created_by,
        "createdAt": millis(project.created_at),
        "enabled": not project.disabled,
        "approvalStatus": 2,
        "channelCode": "BS",
        "gray": False,
        "offlined": False,
        "secrecy": False,
    }


def _kept(extra: Json) -> Json:
    return {key: value for key, value in extra.items() if value is not None}
