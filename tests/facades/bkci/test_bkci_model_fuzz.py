"""Arbitrary documents: reading ends with a pipeline or an `InvalidError`, never otherwise."""

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bkci.scenes import CountedIds, minimal_model
from mulligan.core.errors import InvalidError
from mulligan.core.spec import PipelineSpec, SpecIndex
from mulligan.facades.bkci.model_in import read_model
from mulligan.facades.bkci.settings_io import read_setting

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(["true", "0", "10080", "trigger", "normal", "manualTrigger", "linuxScript"])
)
NAMES = st.sampled_from(
    [
        *("@type", "name", "stages", "containers", "elements", "params", "id", "jobId", "key"),
        *("finally", "checkIn", "manualTrigger", "reviewGroups", "reviewers", "value"),
        *("jobControlOption", "additionalOptions", "stageControlOption", "dependOnId", "timeout"),
        *("customVariables", "runCondition", "data", "input", "filePath", "gitPullMode"),
        *("pipelineAsCodeSettings", "maxQueueSize", "defaultValue", "customEnv", "reviewParams"),
    ]
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the ways to all parts of a document."""
    found = [way]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*way, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            found += places(inner, (*way, position))
    return found


PLACES = [way for way in places(minimal_model()) if way]


def read_or_refuse(document: Any) -> tuple[PipelineSpec, dict[str, Any]] | InvalidError:
    """Read a document; give the error if it is refused."""
    try:
        return read_model(document, ids=CountedIds())
    except InvalidError as error:
        return error


@given(DOCUMENTS)
def test_arbitrary_json_is_refused(document: Any) -> None:
    """No JSON value brings anything but an `InvalidError` with a code."""
    outcome = read_or_refuse(document)

    assert isinstance(outcome, InvalidError)
    assert outcome.code


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(PLACES), NAMES, DOCUMENTS), min_size=1, max_size=3))
def test_damaged_model_is_read_or_refused(damages: list[tuple[Any, ...]]) -> None:
    """Whatever stands in the place of a part, or beside it, the document is read or refused."""
    model = minimal_model()
    for way, name, part in damages:
        put(model, way, name, part)

    outcome = read_or_refuse(model)

    if not isinstance(outcome, InvalidError):
        spec, source = outcome
        index = SpecIndex(spec)
        assert len(index.steps) == sum(len(job.steps) for job in index.all_jobs())
        assert read_or_refuse(source) == (spec, source)


def put(model: Any, way: tuple[Any, ...], name: str, part: Any) -> None:
    """Put a part into an object at a place, or in the place of a scalar or list."""
    with suppress(LookupError, TypeError):
        for key in way[:-1]:
            model = model[key]
        if isinstance(model[way[-1]], dict):
            model[way[-1]][name] = part
        else:
            model[way[-1]] = part


@given(DOCUMENTS)
def test_arbitrary_settings_are_read_or_refused(document: Any) -> None:
    """Settings that are read lie within their ranges; all others are refused as invalid."""
    size = 0
    with suppress(InvalidError):
        size = read_setting(document).settings.max_queue_size

    assert 0 <= size <= 200
