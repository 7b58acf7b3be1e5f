"""The model of a pipeline that this API did not make, or whose document is gone: from its spec."""

from collections.abc import Mapping

from mulligan.core.ids import JobId
from mulligan.core.posts import ENTRY_INPUT
from mulligan.core.records import PipelineVersion
from mulligan.core.spec import (
    QUALITY,
    TRIGGER_JOB,
    TRIGGER_STAGE,
    JobSpec,
    OnFailure,
    ParameterSpec,
    PipelineSpec,
    StepSpec,
)
from mulligan.facades.bkci.model_conditions import STEP_CONDITIONS
from mulligan.facades.bkci.times import Json, present

DIALECT = "bkci"
_SCRIPT = "linuxScript"
_REVIEW = "manualReviewUserTask"


def fitting_source(source: Json, spec: PipelineSpec) -> Json:
    """Return the stored document if it has the parts of the spec, else one made from the spec."""
    whole = _with_added(source, spec)
    return whole if _fits(whole, spec) else source_of(spec)


def model_of(version: PipelineVersion) -> Json:
    """Return the model of a version: as stored, or made from the spec of another dialect's."""
    return version.source if version.dialect == DIALECT else source_of(version.spec)


def _with_added(source: Json, spec: PipelineSpec) -> Json:
    """Add what a run has and its definition has not: post actions, quality gates."""
    stages = source.get("stages")
    jobs = {job.id: job for stage in spec.stages for job in stage.jobs}
    added = any(_is_added(step) for job in jobs.values() for step in job.steps)
    if not isinstance(stages, list) or not added:
        return source
    return {**source, "stages": [_stage_with_added(stage, jobs) for stage in stages]}


def _is_added(step: StepSpec) -> bool:
    return step.post_of is not None or step.kind == QUALITY


def _stage_with_added(stage: Json, jobs: Mapping[JobId, JobSpec]) -> Json:
    containers = []
    for container in stage.get("containers") or ():
        job = jobs.get(JobId(str(container.get("id"))))
        elements = list(container.get("elements") or ())
        containers.append({**container, "elements": _with_steps(elements, job)})
    return {**stage, "containers": containers}


def _with_steps(elements: list[Json], job: JobSpec | None) -> list[Json]:
    """Put the steps that a run has besides into the places that they have there."""
    known = {element.get("id"): element for element in elements}
    if job is None or not any(step.id in known for step in job.steps):
        return elements
    found = []
    for step in job.steps:
        element = known.get(step.id)
        if element is None and step.kind == QUALITY:
            element = _gate_element(step, known.get(step.inputs.get("step")) or {})
        elif element is None and step.post_of in known:
            element = _post_element(step, known[step.post_of])
        found += [] if element is None else [element]
    return found


def _gate_element(step: StepSpec, plugin: Json) -> Json:
    return {
        "@type": step.code,
        "id": step.id,
        "name": step.name,
        "interceptTask": plugin.get("atomCode") or plugin.get("@type"),
        "interceptTaskId": step.inputs.get("step"),
        "interceptTaskName": plugin.get("name"),
    }


def _post_element(step: StepSpec, parent: Json) -> Json:
    condition = next(word for word, when in STEP_CONDITIONS.items() if when is step.condition.when)
    options = {
        "enable": step.enabled,
        "continueWhenFailed": True,
        "manualRetry": False,
        "runCondition": condition,
        "elementPostInfo": {
            "postEntryParam": step.inputs.get(ENTRY_INPUT, ""),
            "postCondition": condition,
            "parentElementId": step.post_of,
            "parentElementName": parent.get("name"),
        },
    }
    own = {"id": step.id, "name": step.name, "stepId": None, "additionalOptions": options}
    return present({**parent, **own})


def _fits(source: Json, spec: PipelineSpec) -> bool:
    stages = source.get("stages")
    if not isinstance(stages, list) or len(stages) != len(spec.stages) + 1:
        return False
    for stage, stage_spec in zip(stages[1:], spec.stages, strict=True):
        containers = stage.get("containers")
        if not isinstance(containers, list) or len(containers) != len(stage_spec.jobs):
            return False
        for container, job in zip(containers, stage_spec.jobs, strict=True):
            if len(container.get("elements") or ()) != len(job.steps):
                return False
    return True


def source_of(spec: PipelineSpec) -> Json:
    """Return a model that says of a pipeline what this API has words for."""
    trigger = {
        "@type": "trigger",
        "id": TRIGGER_JOB,
        "containerId": TRIGGER_JOB,
        "name": "trigger",
        "params": [_parameter(parameter) for parameter in spec.parameters],
        "elements": [
            {"@type": "manualTrigger", "id": step_id, "name": "manual"}
            for step_id in spec.trigger_steps
        ],
    }
    first = {"id": TRIGGER_STAGE, "name": TRIGGER_STAGE, "containers": [trigger]}
    stages = [
        {
            "id": stage.id,
            "name": stage.name,
            "stageIdForUser": stage.ref or None,
            "fastKill": stage.fast_kill,
            "finally": stage.is_finally,
            "containers": [_job(job) for job in stage.jobs],
        }
        for stage in spec.stages
    ]
    return {"name": spec.name, "stages": [first, *(present(stage) for stage in stages)]}


def _parameter(spec: ParameterSpec) -> Json:
    return {
        "id": spec.name,
        "type": spec.kind,
        "defaultValue": "" if spec.sensitive else spec.default,
        "desc": spec.desc,
        "required": True,
        "constant": spec.constant,
        "readOnly": spec.read_only,
        "valueNotEmpty": spec.must_have,
        "sensitive": spec.sensitive,
    }


def _job(spec: JobSpec) -> Json:
    return present(
        {
            "@type": "vmBuild",
            "id": spec.id,
            "containerId": spec.id,
            "containerHashId": spec.hash_id or None,
            "jobId": spec.ref or None,
            "name": spec.name,
            "elements": [_step(step) for step in spec.steps],
        }
    )


def _step(spec: StepSpec) -> Json:
    kinds = {"script": _SCRIPT, "build": _SCRIPT, "review": _REVIEW}
    options = {
        "enable": spec.enabled,
        "continueWhenFailed": spec.on_failure is not OnFailure.STOP,
        "manualSkip": spec.may_skip,
        "manualRetry": spec.may_retry,
        "timeout": spec.timeout_s // 60,
    }
    kind = kinds.get(spec.kind)
    return present(
        {
            "@type": kind or "marketBuild",
            "id": spec.id,
            "stepId": spec.ref or None,
            "name": spec.name,
            "atomCode": None if kind else spec.code or spec.kind,
            "script": spec.inputs.get("script") if kind == _SCRIPT else None,
            "scriptType": "SHELL" if kind == _SCRIPT else None,
            "reviewUsers": list(spec.inputs.get("reviewUsers") or ()) if kind == _REVIEW else None,
            "additionalOptions": options,
        }
    )
