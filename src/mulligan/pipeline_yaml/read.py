"""A pipeline file to the model: `read_pipeline` is all that others need for that direction."""

import msgspec

from mulligan.pipeline_yaml.fields import Fields, Json, Origins, plain, present
from mulligan.pipeline_yaml.findings import Finding, Findings, YamlError, at
from mulligan.pipeline_yaml.keys_pipeline import EXTENDS, PIPELINE
from mulligan.pipeline_yaml.read_root import read_root
from mulligan.pipeline_yaml.shapes import BOTH, V3, Check, examine
from mulligan.pipeline_yaml.templates import NoFiles, Source, expand, uses_templates
from mulligan.pipeline_yaml.to_jobs import Jobs
from mulligan.pipeline_yaml.to_settings import read_setting, read_version
from mulligan.pipeline_yaml.to_stages import read_stages
from mulligan.pipeline_yaml.to_triggers import read_triggers
from mulligan.pipeline_yaml.to_variables import read_variables
from mulligan.pipeline_yaml.tree import Node

_BODIES = ("stages", "jobs", "steps", "extends")
_OF_TEMPLATES = (*_BODIES[:3], "variables", "gates", "finally")
_MODEL_OR_OTHER = ("containers", "service_name")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says, as the platform stores it.

    Args:
        model, setting: The pipeline model, ids of stages, jobs and steps missing, and its
            `PipelineSetting`.
        warnings: What was taken, but can't be carried out.
        origins: From which node a part of the model came.
    """

    model: Json
    setting: Json
    warnings: tuple[Finding, ...]
    origins: Origins

    @property
    def document(self) -> Json:
        """Return the two as the one document that an import takes."""
        return {"model": self.model, "setting": self.setting}

    def locate(self, pointer: str, detail: str, hint: str = "") -> Finding:
        """Give the finding for a JSON pointer into the model or into `document`."""
        inside = pointer.removeprefix("/model")
        node = self.origins.find(self.model, inside)
        return at(node, self.origins.path(node), detail, hint)


def is_pipeline(value: object) -> bool:
    """Tell whether a document is a pipeline file: neither a model nor of another dialect."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("version"), str) and value["version"].startswith("v"):
        return True
    if any(key in value for key in ("jobs", "steps", "extends", "on", "parameters", "gates")):
        return True
    stages = value.get("stages")
    if not isinstance(stages, list) or not stages:
        return False
    first = stages[0]
    return isinstance(first, dict) and not any(key in first for key in _MODEL_OR_OTHER)


def read_pipeline(text: str, *, name: str, source: Source | None = None) -> Draft:
    """Read a pipeline file.

    Args:
        name: Of the pipeline, if the file says none.
        source: Where templates are; None = there are none.

    Raises:
        YamlError: Everything that is wrong with it.
    """
    root = read_root(text)
    _refuse_template(root)
    findings = Findings()
    if uses_templates(root):
        extends = root.member("extends")
        if extends is not None:  # it is gone afterwards
            examine(EXTENDS, extends, ("extends",), Check(findings, _version(root)))
            findings.demand_none()
            _warn_of_ref(extends, findings)
        root = expand(root, source or NoFiles())
    return convert(root, findings, name=name)


def _warn_of_ref(extends: Node, findings: Findings) -> None:
    ref = Fields(extends).part("template").get("ref")
    if ref is not None and ref.text:
        detail = f"the template is read from the checkout as it is, not at {ref.text[:60]!r}"
        findings.warn(ref, ("extends", "template", "ref"), detail)


def convert(root: Node, findings: Findings, *, name: str) -> Draft:
    """Convert the nodes of a whole file; `findings` may hold warnings about it."""
    version = _version(root)
    examine(PIPELINE, root, (), Check(findings, version))
    findings.demand_none()
    origins = Origins(root)
    part = Fields(root, version)
    jobs = Jobs(version, origins, findings)
    name = part.text("name").strip() or name
    build_no, version_params = read_version(part)
    trigger = present(
        {
            "@type": "trigger",
            "id": "0",
            "name": "trigger",
            "params": [*read_variables(part, origins), *version_params],
            "buildNo": build_no,
            "elements": read_triggers(part, origins),
        }
    )
    first: Json = {"name": "trigger", "containers": [origins.mark(trigger, root)]}
    stages = list(read_stages(part, jobs, origins))
    findings.demand_none()
    model: Json = {"name": name, "stages": [first, *stages]}
    resources = part.get("resources")
    model |= present(
        {"desc": part.text("desc"), "resources": plain(resources) if resources else None}
    )
    return Draft(
        model=model,
        setting=read_setting(part, name),
        warnings=tuple(findings.warnings),
        origins=origins,
    )


def _version(root: Node) -> str:
    version = root.member("version") if isinstance(root.content, dict) else None
    return version.text if version is not None and version.text in BOTH else V3


def _refuse_template(root: Node) -> None:
    """Refuse a file that only others include."""
    if not isinstance(root.content, dict):
        return
    if "version" in root.content and "parameters" not in root.content:
        return
    found = [key for key in _OF_TEMPLATES if key in root.content]
    if found and not {"name", "on", "notices", "concurrency"} & set(root.content):
        raise YamlError([at(root, (), f"is a template ({found[0]}), not a pipeline")])
