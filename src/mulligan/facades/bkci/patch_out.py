"""Show a task as it ran: with what somebody changed of it for a retry.

The dialect has no call for such a change; what ran is shown where a change at a pause is.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from mulligan.core.errors import InvalidError
from mulligan.core.patches import PLUGIN
from mulligan.core.run import StepPatch
from mulligan.core.spec import StepSpec
from mulligan.facades.bkci.document import Json, Part
from mulligan.facades.bkci.model_inputs import read_inputs
from mulligan.facades.common.secret_names import is_secret_name
from mulligan.facades.common.sensitive import MASK, is_secret


def with_patch(element: Json, spec: StepSpec, patch: StepPatch | None) -> Json:
    """Return a stored element with what a patch of its step says."""
    if patch is None:
        return element
    after = dict(element)
    for name, value in patch.inputs.items():
        after = _with_input(after, spec, name, value)
    if patch.env:
        env = {**dict(spec.env), **_shown(patch.env)}
        after["customEnv"] = [{"key": name, "value": value} for name, value in env.items()]
    if patch.timeout_s is not None:
        minutes = max(1, round(patch.timeout_s / 60))
        options = {**(after.get("additionalOptions") or {}), "timeout": minutes}
        after["additionalOptions"] = {**options, "timeoutVar": str(minutes)}
    return after


def _shown(env: Mapping[str, str]) -> dict[str, str]:
    """Mask what was given as a secret: the own API, where it was given, shows it to nobody."""
    return {
        name: MASK if is_secret_name(name) and is_secret(value) else value
        for name, value in env.items()
    }


def _with_input(element: Json, spec: StepSpec, name: str, value: Any) -> Json:
    """Set the member from which the input is read; many have several names.

    It is found by trying: so what reads them stays the only place that knows them. Where no member
    can say it, the element stays as it is.
    """
    if spec.kind == PLUGIN:
        return _with_given(element, {**_given(element), name: value})
    for fields in _tries(_given(element), name, value):
        changed = _with_given(element, fields)
        try:
            inputs = read_inputs(Part(changed, ""), spec.kind, spec.code)
        except InvalidError:
            continue
        if inputs.get(name) == value:
            return changed
    return element


def _given(element: Json) -> Json:
    data = element.get("data")
    found = data.get("input") if isinstance(data, dict) else None
    return found if isinstance(found, dict) else element


def _with_given(element: Json, fields: Json) -> Json:
    if _given(element) is element:
        return fields
    return {**element, "data": {**element["data"], "input": fields}}


def _tries(fields: Json, name: str, value: Any) -> Iterator[Json]:
    for key, before in fields.items():
        if isinstance(before, dict):
            yield {**fields, key: {**before, "value": value}}
        elif key not in {"@type", "id", "name", "data"}:
            yield {**fields, key: value}
    yield {**fields, name: value}
