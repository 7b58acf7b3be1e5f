"""The changed inputs that come with the answer to a pause."""

from collections.abc import Iterator

from mulligan.core.flow.votes import Changed
from mulligan.core.ids import StepId
from mulligan.core.run import StepPatch
from mulligan.core.spec import SpecIndex
from mulligan.facades.bkci.document import Json, Part
from mulligan.facades.bkci.model_inputs import read_inputs
from mulligan.facades.bkci.model_out import OF_STEP
from mulligan.facades.bkci.patch_out import with_patch

# What says which task it is and how it is run; the rest of an element are its inputs.
_NOT_INPUTS = OF_STEP | {
    "@type",
    "id",
    "name",
    "stepId",
    "version",
    "atomCode",
    "atomName",
    "classType",
    "additionalOptions",
    "customEnv",
    "elementEnable",
    "originClassType",
    "originAtomCode",
    "originTaskAtom",
}


def read_changed(
    source: Json, index: SpecIndex, step: StepId, element: Json, patch: StepPatch | None = None
) -> Changed | None:
    """Compare an element with the one that would run; None if no input of it is another one.

    Args:
        source: The stored model.
        index: Of the build.
        step: The task; one of a copy of a matrix job has the element of that job.
        patch: What a retry has changed of it already.

    Raises:
        InvalidError: A member has another type than it must have.
    """
    spec, defined = index.steps[step], _defined(index, step)
    original = next((each for each in _elements(source) if each.get("id") == defined), None)
    if original is None:
        return None
    original = with_patch(original, spec, patch)
    shown = {
        name: _merged(original.get(name), value) if name == "data" else value
        for name, value in element.items()
        if name not in _NOT_INPUTS
    }
    shown = {name: value for name, value in shown.items() if original.get(name) != value}
    if not shown:
        return None
    inputs = read_inputs(Part({**original, **shown}, "/element"), spec.kind, spec.code)
    return Changed(inputs=inputs, shown=shown)


def _defined(index: SpecIndex, step: StepId) -> StepId:
    """Give the id that a task has in the model: of a task of a copy, in the matrix job."""
    job, place = index.step_job[step]
    parent = index.parents.get(job)
    return step if parent is None else index.jobs[parent].steps[place].id


def _merged(before: object, given: object) -> object:
    """Put the inputs of a plugin that were given over those that it has."""
    if not isinstance(before, dict) or not isinstance(given, dict):
        return given
    known, new = before.get("input"), given.get("input")
    if isinstance(known, dict) and isinstance(new, dict):
        return {**before, **given, "input": {**known, **new}}
    return {**before, **given}


def _elements(source: Json) -> Iterator[Json]:
    for stage in source.get("stages") or ():
        for container in stage.get("containers") or ():
            yield from container.get("elements") or ()
