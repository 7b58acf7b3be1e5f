"""Defaults of sensitive start parameters, sensitive inputs of plugins, tokens of callbacks.

They are shown to nobody who may not edit the definition.
"""

import re
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
SensitiveInputs = Mapping[str, frozenset[str]]  # by code of the plugin

NO_INPUTS: SensitiveInputs = {}
MASK = "******"
_REFERENCE = re.compile(r"\$\{\{?[^{}]+\}?\}")  # names a value and is none


def is_sensitive(parameter: Json) -> bool:
    """Tell whether a parameter of a model holds a secret."""
    return parameter.get("type") == "PASSWORD" or parameter.get("sensitive") in (True, "true")


def blank_if_sensitive(parameter: Json) -> Json:
    """Return a parameter of a model, without its default if that is a secret."""
    return {**parameter, "defaultValue": ""} if is_sensitive(parameter) else parameter


def without_secrets(model: Json, sensitive: SensitiveInputs = NO_INPUTS) -> Json:
    """Return a stored model with sensitive defaults and tokens blanked, and inputs masked."""
    model = _without_tokens(mask_inputs(model, sensitive))
    first, *stages = model["stages"]
    jobs = [_without_secrets(job) for job in first["containers"]]
    return {**model, "stages": [{**first, "containers": jobs}, *stages]}


def mask_inputs(model: Json, sensitive: SensitiveInputs) -> Json:
    """Return a stored model with the sensitive inputs of its plugins masked."""
    if not sensitive:
        return model
    return {**model, "stages": [_masked(stage, "containers", sensitive) for stage in _of(model)]}


def _of(model: Json) -> list[Json]:
    stages: list[Json] = model["stages"]
    return stages


def _masked(part: Json, key: str, sensitive: SensitiveInputs) -> Json:
    """Mask the inputs in the jobs of a stage, or in the tasks of a job."""
    inner = part.get(key)
    if not isinstance(inner, list):
        return part
    if key == "containers":
        return {**part, key: [_masked(job, "elements", sensitive) for job in inner]}
    return {**part, key: [_masked_task(task, sensitive) for task in inner]}


def _masked_task(task: Json, sensitive: SensitiveInputs) -> Json:
    names = sensitive.get(str(task.get("atomCode")))
    data = task.get("data")
    given = data.get("input") if names and isinstance(data, dict) else None
    if not names or not isinstance(data, dict) or not isinstance(given, dict):
        return task
    masked = {
        name: MASK if name in names and is_secret(value) else value for name, value in given.items()
    }
    return {**task, "data": {**data, "input": masked}}


def is_secret(value: object) -> bool:
    """Tell whether the value of a sensitive input is one itself, and not only names one."""
    return bool(value) and not (isinstance(value, str) and _REFERENCE.fullmatch(value.strip()))


def _without_tokens(model: Json) -> Json:
    """Blank the tokens of the callbacks that stand in a model."""
    events = model.get("events")
    if not isinstance(events, dict) or not events:
        return model
    shown = {
        name: {**rule, "secretToken": ""} if isinstance(rule, dict) else rule
        for name, rule in events.items()
    }
    return {**model, "events": shown}


def _without_secrets(job: Json) -> Json:
    if not job.get("params"):
        return job
    return {**job, "params": [blank_if_sensitive(parameter) for parameter in job["params"]]}
