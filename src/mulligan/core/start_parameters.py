"""The parameters of a start: what was given, what the definition allows, what they expand to."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from mulligan.core.records import PipelineSettings
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import StartParameter
from mulligan.core.spec import ParameterSpec
from mulligan.core.values import LONGEST_VALUE, text_of

MOST_FIELDS = 1_000  # values that one list of forms expands to
_CHOICES = frozenset({"ENUM", "MULTIPLE"})


def start_parameters(
    specs: tuple[ParameterSpec, ...],
    given: Mapping[str, str],
    settings: PipelineSettings,
    computed: Mapping[str, str],
) -> tuple[StartParameter, ...] | Refusal:
    """Take the defined parameters; other given names are dropped (build-api §2.2.1).

    Args:
        computed: By kind: values that only the start knows.
    """
    values = {spec.name: _value(spec, given, computed) for spec in specs}
    found: list[StartParameter] = []
    for spec in specs:
        value = values[spec.name]
        refusal = _check(spec, value, values, given, refuses_long=settings.fail_on_long_values)
        if refusal is not None:
            return refusal
        found.append(
            StartParameter(
                name=spec.name,
                value=value[:LONGEST_VALUE],
                kind=spec.kind,
                read_only=spec.constant or spec.read_only,
                sensitive=spec.sensitive,
                default=spec.default,
                desc=spec.desc,
            )
        )
    return tuple(found)


def changed_value(
    spec: ParameterSpec,
    given: str,
    values: Mapping[str, str],
    *,
    refuses_long: bool,
) -> str | Refusal:
    """Give the value that a parameter gets instead of its present one, by the rules of a start.

    Args:
        values: What all parameters will have.
    """
    refusal = _check(spec, given, values, {spec.name: given}, refuses_long=refuses_long)
    return refusal or given[:LONGEST_VALUE]


def _value(spec: ParameterSpec, given: Mapping[str, str], computed: Mapping[str, str]) -> str:
    if spec.computed:
        return computed[spec.computed]
    if spec.constant:
        return spec.default
    value = given.get(spec.name, spec.default)
    return _with_parts(value, given, spec.name) if spec.kind == "REPO_REF" else value


def _with_parts(value: str, given: Mapping[str, str], name: str) -> str:
    """Put parts of a reference that were given by names of their own into it."""
    parts = {part: given[f"{name}.{part}"] for part in _REFERENCE if f"{name}.{part}" in given}
    if not parts:
        return value
    known = _decoded(value)
    return text_of({**(known if isinstance(known, dict) else {}), **parts})


def _check(
    spec: ParameterSpec,
    value: str,
    values: Mapping[str, str],
    given: Mapping[str, str],
    *,
    refuses_long: bool,
) -> Refusal | None:
    is_shown = all(values.get(name) == wanted for name, wanted in spec.shown_when)
    if spec.must_have and is_shown and not value.strip():
        return Refusal(
            code=RefusalCode.PARAMETER_REQUIRED,
            message=f"parameter {spec.name} must have a value",
            values=(spec.name,),
        )
    if spec.name in given and not _is_allowed(spec, value):
        return Refusal(
            code=RefusalCode.PARAMETER_INVALID,
            message=f"parameter {spec.name} can't be {value[:100]!r}",
            values=(spec.name,),
            instead=spec.options[:20],
        )
    if len(value) > LONGEST_VALUE and refuses_long:
        return Refusal(
            code=RefusalCode.PARAMETER_TOO_LONG,
            message=f"parameter {spec.name} is longer than {LONGEST_VALUE} characters",
            values=(spec.name,),
        )
    return None


def _is_allowed(spec: ParameterSpec, value: str) -> bool:
    if spec.constant or not spec.options or spec.kind not in _CHOICES or not value.strip():
        return True
    chosen = re.split(",", value) if spec.kind == "MULTIPLE" else [value]
    return all(item.strip() in spec.options for item in chosen)


_REFERENCE = ("repo-name", "branch")


def expanded(parameter: StartParameter) -> Iterator[tuple[str, str]]:
    """Yield the variables that a parameter stands for besides its own name."""
    known = _decoded(parameter.present)
    if parameter.kind == "REPO_REF" and isinstance(known, dict):
        for part in _REFERENCE:
            yield f"{parameter.name}.{part}", text_of(known.get(part))
    elif parameter.kind == "FORM_LIST" and isinstance(known, list):
        yield from _limited(_form_fields(parameter.name, known))


def _form_fields(name: str, forms: list[Any]) -> Iterator[tuple[str, str]]:
    for position, form in enumerate(forms):
        if isinstance(form, dict):
            for field, value in form.items():
                yield f"{name}.{position}.{field}", text_of(value)


def _limited(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for count, pair in enumerate(pairs):
        if count == MOST_FIELDS:
            return
        yield pair


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text) if text.strip() else None
    except (msgspec.DecodeError, RecursionError):
        return None
