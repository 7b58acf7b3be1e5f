"""Defaults of sensitive start parameters: shown to nobody who may not edit the definition."""

from typing import Any

Json = dict[str, Any]


def is_sensitive(parameter: Json) -> bool:
    """Tell whether a parameter of a model holds a secret."""
    return parameter.get("type") == "PASSWORD" or parameter.get("sensitive") in (True, "true")


def blank_if_sensitive(parameter: Json) -> Json:
    """Return a parameter of a model, without its default if that is a secret."""
    return {**parameter, "defaultValue": ""} if is_sensitive(parameter) else parameter


def without_secrets(model: Json) -> Json:
    """Return a stored model with the defaults of sensitive parameters blanked."""
    first, *stages = model["stages"]
    jobs = [_without_secrets(job) for job in first["containers"]]
    return {**model, "stages": [{**first, "containers": jobs}, *stages]}


def _without_secrets(job: Json) -> Json:
    if not job.get("params"):
        return job
    return {**job, "params": [blank_if_sensitive(parameter) for parameter in job["params"]]}
