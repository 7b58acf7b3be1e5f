"""Steps as they are after somebody changed them for a run: inputs, environment, time limit. Pure.

The definition stays as it is. What was changed for a retry (`StepPatch`) holds for the rest of the
run, what was changed at a pause for its attempt of the run.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from mulligan.core.posts import ENTRY_INPUT
from mulligan.core.run import Run, StepPatch
from mulligan.core.spec import ENGINE_KINDS, StepSpec

PLUGIN = "plugin"
# What people are asked, other runs, rules and deployments are as they were laid down: a retry must
# not be the way round them.
FIXED_KINDS = ENGINE_KINDS | {"deploy"}
_LISTS_OF_TEXTS = frozenset({"archive", "download"})  # kinds whose only lists are such
_SIMPLE = (str, bool, int, float)
NONE = StepPatch()


def as_changed(run: Run, step: StepSpec) -> StepSpec:
    """Give a step as it is now in a run: as defined, but for what somebody changed.

    A post action has what the step has that it belongs to.
    """
    record = run.step(step.post_of or step.id)
    step = patched(step, record.patch)
    if record.inputs is None:
        return step
    entry = {ENTRY_INPUT: step.inputs.get(ENTRY_INPUT)} if step.post_of is not None else {}
    return replace(step, inputs={**record.inputs, **entry})


def patched(step: StepSpec, patch: StepPatch | None) -> StepSpec:
    """Give a step with what a patch says."""
    if patch is None:
        return step
    inputs = step.inputs
    if step.kind == PLUGIN and patch.inputs:
        inputs = {**inputs, "input": {**_plugin_inputs(step), **patch.inputs}}
    elif patch.inputs:
        inputs = {**inputs, **patch.inputs}
    # one that the step does not have goes behind its own, which win over those of the job
    env = tuple({**dict(step.env), **patch.env}.items()) if patch.env else step.env
    if patch.timeout_s is None:
        return replace(step, inputs=inputs, env=env)
    return replace(step, inputs=inputs, env=env, timeout_s=patch.timeout_s, timeout_text="")


def open_inputs(step: StepSpec) -> dict[str, Any]:
    """Give the inputs of a step that can be changed, by name: single values and lists of texts.

    Those with a structure of their own are left to the definition, where its facade checks them.
    """
    if step.kind in FIXED_KINDS or step.post_of is not None:
        return {}
    if step.kind == PLUGIN:
        return {name: value for name, value in _plugin_inputs(step).items() if is_open(value)}
    return {
        name: value
        for name, value in step.inputs.items()
        if isinstance(value, _SIMPLE)
        or (is_texts(value) and (value or step.kind in _LISTS_OF_TEXTS))
    }


def _plugin_inputs(step: StepSpec) -> Mapping[str, Any]:
    given = step.inputs.get("input")
    return given if isinstance(given, dict) else {}


def is_open(value: object) -> bool:
    """Tell whether an input with this value can be changed."""
    return value is None or isinstance(value, _SIMPLE) or is_texts(value)


def is_texts(value: object) -> bool:
    """Tell whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def by_name(patch: StepPatch | None) -> dict[str, Any]:
    """Give what a patch changes: inputs by name, "env.NAME", "timeout_s"."""
    patch = patch or NONE
    found: dict[str, Any] = dict(patch.inputs)
    found |= {f"env.{name}": value for name, value in patch.env.items()}
    return found if patch.timeout_s is None else {**found, "timeout_s": patch.timeout_s}


def changed_names(patch: StepPatch | None) -> tuple[str, ...]:
    """Give the names of what a patch changes."""
    return tuple(by_name(patch))
