"""Templates in the words of this API, and the model of an instance."""

from collections.abc import Mapping, Sequence
from typing import Any

from mulligan.core.items import PipelineTemplate, TemplateInstance, TemplateVersion
from mulligan.core.records import Pipeline
from mulligan.facades.bkci.document import Part
from mulligan.facades.bkci.times import Json, millis

KIND = "CUSTOMIZE"


def instance_model(version: TemplateVersion, part: Part, name: str) -> Json:
    """Return the model of a pipeline made from a version.

    Args:
        part: `param` gives defaults of start parameters that the template has, others count for
            nothing; `buildNo` goes with the model.
    """
    first, *stages = version.source["stages"]
    trigger, *others = first["containers"]
    values = {param.text("id").strip(): param.value for param in part.parts("param")}
    trigger = {
        **trigger,
        "params": [_given(param, values) for param in trigger.get("params") or ()],
    }
    if part.value.get("buildNo") is not None:
        trigger["buildNo"] = part.value["buildNo"]
    return {
        **version.source,
        "name": name,
        "stages": [{**first, "containers": [trigger, *others]}, *stages],
        "instanceFromTemplate": True,
        "templateId": version.parent,
    }


def _given(param: Json, values: Mapping[str, Json]) -> Json:
    given = values.get(str(param.get("id", "")).strip(), {})
    value = given.get("defaultValue", given.get("value"))
    return param if value is None else {**param, "defaultValue": value}


def render_template(
    template: PipelineTemplate, newest: TemplateVersion, *, behind: int, count: int
) -> Json:
    """Return a `TemplateModel`. `behind` of its `count` instances are of other versions."""
    return {
        "name": template.name,
        "templateId": template.id,
        "version": newest.version,
        "versionName": newest.title,
        "templateType": KIND,
        "templateTypeDesc": KIND,
        "description": template.description,
        "creator": template.created_by,
        "updateTime": millis(template.updated_at),
        "storeFlag": False,
        "hasPermission": True,
        "canView": True,
        "hasInstance2Upgrade": behind > 0,
        "associatePipelines": [],
        "instanceCount": count,
    }


def render_version(version: TemplateVersion) -> Json:
    """Return a `TemplateVersion`."""
    return {
        "version": version.version,
        "versionName": version.title,
        "updateTime": millis(version.created_at),
        "creator": version.created_by,
    }


def render_detail(
    template: PipelineTemplate,
    versions: Sequence[TemplateVersion],
    shown: TemplateVersion,
    model: Json,
) -> Json:
    """Return a `TemplateModelDetail`. `model`: of the version shown, as the caller may see it."""
    trigger: dict[str, Any] = model["stages"][0]["containers"][0]
    return {
        "versions": [render_version(version) for version in versions],
        "currentVersion": render_version(shown),
        "latestVersion": render_version(versions[0]),
        "templateName": template.name,
        "description": template.description,
        "creator": template.created_by,
        "template": model,
        "templateType": KIND,
        "logoUrl": "",
        "hasPermission": True,
        "params": list(trigger.get("params") or ()),
        "templateParams": list(trigger.get("templateParams") or ()),
    }


def render_instance(
    instance: TemplateInstance,
    pipeline: Pipeline,
    template: PipelineTemplate,
    versions: Mapping[int, TemplateVersion],
) -> Json:
    """Return a `TemplatePipeline`."""
    version = versions.get(instance.version)
    is_newest = instance.version == max(versions, default=0)
    return {
        "templateId": template.id,
        "pipelineId": pipeline.id,
        "pipelineName": pipeline.name,
        "version": instance.version,
        "versionName": version.title if version is not None else "",
        "updateTime": millis(instance.updated_at),
        "hasPermission": True,
        "status": "UPDATED" if is_newest else "PENDING_UPDATE",
    }
