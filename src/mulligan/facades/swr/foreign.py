"""Pipelines made in another dialect, as documents of this one (contract-swr.md §5).

They can be seen, started and repaired here, but not changed: a stage with one job with one script
is a `jenkins_build`, anything else a `bkci_stage` with its jobs in `tasks`.
"""

from mulligan.core.records import PipelineVersion
from mulligan.core.spec import ParameterSpec, StageSpec
from mulligan.facades.swr.compile import DIALECT
from mulligan.facades.swr.fields import Json

FOREIGN_SERVICE = "bkci_stage"


def document_of(version: PipelineVersion) -> Json:
    """Give the document of a version: the stored one, or one made from what it means."""
    if version.dialect == DIALECT:
        return version.source
    spec = version.spec
    return {
        "name": spec.name,
        "description": "",
        "source": version.dialect,
        "params": [_variable(place, each) for place, each in enumerate(spec.parameters)],
        "stages": [_stage(place, each) for place, each in enumerate(spec.stages)],
    }


def service_of(stage: StageSpec) -> str:
    """Give the `service_name` of a foreign stage."""
    return "jenkins_build" if _script(stage) is not None else FOREIGN_SERVICE


def _script(stage: StageSpec) -> str | None:
    steps = [step for job in stage.jobs for step in job.steps]
    if len(stage.jobs) != 1 or len(steps) != 1 or steps[0].kind != "script":
        return None
    script = steps[0].inputs.get("script")
    return script if isinstance(script, str) else None


def _stage(place: int, stage: StageSpec) -> Json:
    script = _script(stage)
    params: Json
    if script is not None:
        params = {"basic_env": "", "enable_cache": False, "jenkins_shell": script}
    else:
        params = {
            "tasks": [
                {"name": job.name or job.id, "steps": [step.name for step in job.steps]}
                for job in stage.jobs
            ]
        }
    return {
        "id": place + 1,
        "name": stage.name or stage.id,
        "service_name": service_of(stage),
        "is_task": script is None,
        "params": params,
    }


def _variable(place: int, parameter: ParameterSpec) -> Json:
    return {
        "name": parameter.name,
        "description": parameter.desc,
        "value": "" if parameter.sensitive else parameter.default,
        "id": place + 1,
        "is_template": False,
    }
