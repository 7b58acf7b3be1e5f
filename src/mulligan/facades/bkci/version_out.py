"""Versions, drafts and the log of operations as this API shows them."""

from typing import Any

from mulligan.core.items import PipelineDraft
from mulligan.core.records import AuditEntry, Pipeline, PipelineVersion
from mulligan.facades.bkci.run_out import version_name
from mulligan.facades.bkci.texts import Text
from mulligan.facades.bkci.times import Json, millis, present
from mulligan.ports.items import VersionHead

RELEASED, DRAFT = "RELEASED", "COMMITTING"

# Acts of the audit trail: the API's word for them, and what people read.
_OPERATIONS = {
    "pipeline.create": ("CREATE_PIPELINE_AND_DRAFT", Text("创建流水线", "Created the pipeline")),
    "pipeline.create-draft": ("CREATE_PIPELINE_AND_DRAFT", Text("创建草稿", "Created a draft")),
    "pipeline.draft": ("UPDATE_DRAFT_VERSION", Text("保存草稿", "Saved the draft")),
    "pipeline.release": ("RELEASE_MASTER_VERSION", Text("发布版本", "Released a version")),
    "pipeline.edit": ("NORMAL_SAVE_OPERATION", Text("保存版本", "Saved a version")),
    "pipeline.settings": ("UPDATE_PIPELINE_SETTING", Text("修改设置", "Changed the settings")),
    "pipeline.lock": ("DISABLE_PIPELINE", Text("禁用流水线", "Locked the pipeline")),
    "pipeline.unlock": ("ENABLE_PIPELINE", Text("启用流水线", "Unlocked the pipeline")),
    "pipeline.reset-counter": (
        "RESET_RECOMMENDED_VERSION_BUILD_NO",
        Text("重置推荐版本号", "Reset the recommended version"),
    ),
    "pipeline.delete": ("DELETE_PIPELINE", Text("删除流水线", "Deleted the pipeline")),
    "pipeline.restore": ("RESTORE_PIPELINE", Text("恢复流水线", "Restored the pipeline")),
}


def render_version_row(pipeline: Pipeline, version: VersionHead | PipelineVersion) -> Json:
    """Return a `PipelineVersionWithInfo` of a released version."""
    return {
        "projectId": pipeline.project,
        "pipelineId": pipeline.id,
        "pipelineName": pipeline.name,
        "updater": version.created_by,
        "updateTime": millis(version.created_at),
        **_row(version, RELEASED),
    }


def render_draft_row(draft: PipelineDraft) -> Json:
    """Return a `PipelineVersionWithInfo` of a draft."""
    return {
        "projectId": draft.project,
        "pipelineId": draft.id,
        "pipelineName": draft.title,
        "updater": draft.updated_by,
        "updateTime": millis(draft.updated_at),
        "draftVersion": draft.revision,
        **_row(draft, DRAFT),
    }


def _row(version: VersionHead | PipelineVersion | PipelineDraft, status: str) -> Json:
    base = version.made_from
    return present(
        {
            "version": version.version,
            "versionName": version_name(version.version),
            "versionNum": version.version,
            "pipelineVersion": version.version,
            "status": status,
            "description": version.note,
            "creator": version.created_by,
            "createTime": millis(version.created_at),
            "baseVersion": base or None,
            "baseVersionName": version_name(base) if base else None,
        }
    )


def render_version(
    row: Json, both: Json, *, pipeline: Pipeline, draft: PipelineDraft | None, text: str
) -> Json:
    """Return a `PipelineVersionWithModel`.

    Args:
        row: Of the version or the draft.
        both: Its `PipelineModelAndSetting`.
        text: The same as a pipeline file.
    """
    kept = ("version", "versionName", "baseVersion", "baseVersionName", "description", "updater")
    fields = {name: row[name] for name in kept if name in row}
    more: dict[str, Any] = {
        "modelAndSetting": both,
        "yamlPreview": {"yaml": text},
        "yamlSupported": True,
        "canDebug": False,  # a draft never runs
        "updateTime": row["updateTime"],
        "versionStatus": row["status"],
        "latestVersion": pipeline.version or None,
        "draftVersion": draft.version if draft is not None else None,
    }
    return fields | present(more)


def render_operation(entry: AuditEntry, project: str, language: str) -> Json:
    """Return a `PipelineOperationDetail`."""
    kind, text = _OPERATIONS.get(entry.action, ("NORMAL_SAVE_OPERATION", None))
    number = entry.detail.get("version")
    version = int(number) if number is not None else None
    return present(
        {
            "id": entry.id,
            "projectId": project,
            "pipelineId": entry.target,
            "operator": entry.actor,
            "operationLogType": kind,
            "operationLogStr": text.say(language) if text is not None else entry.action,
            "params": "",
            "operateTime": millis(entry.at),
            "version": version,
            "versionName": version_name(version) if version is not None else None,
            "description": entry.reason or None,
        }
    )


def render_pipeline_detail(
    pipeline: Pipeline,
    *,
    version: PipelineVersion | None,
    draft: PipelineDraft | None,
    permissions: dict[str, bool],
) -> Json:
    """Return a `PipelineDetail`."""
    released = pipeline.version or None
    newest = draft.version if draft is not None else released
    return present(
        {
            "pipelineId": pipeline.id,
            "pipelineName": pipeline.name,
            "pipelineDesc": pipeline.description,
            "creator": pipeline.created_by,
            "createTime": millis(pipeline.created_at),
            "updater": pipeline.updated_by,
            "updateTime": millis(pipeline.updated_at),
            "hasCollect": False,
            "canManualStartup": version.spec.manual_start if version is not None else False,
            "canDebug": False,  # a draft never runs
            "canRelease": draft is not None,
            "releaseVersion": released,
            "releaseVersionName": version_name(released) if released else None,
            "releaseVersionTime": millis(version.created_at) if version is not None else None,
            "version": newest,
            "versionName": version_name(newest) if newest else None,
            "baseVersion": draft.made_from or None if draft is not None else None,
            "baseVersionStatus": RELEASED if draft is not None and draft.made_from else None,
            "latestVersionStatus": RELEASED if released else DRAFT,
            "runLockType": pipeline.settings.run_lock,
            "locked": pipeline.locked,
            "permissions": permissions,
            "yamlExist": False,
        }
    )
