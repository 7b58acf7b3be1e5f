"""The trigger job of a model: start parameters, and whether a person may start it."""

import re

from mulligan.core.errors import InvalidError
from mulligan.core.ids import StepId
from mulligan.core.spec import CounterSpec, Counting, Dialect, ParameterSpec
from mulligan.facades.bkci.document import Part, value_text

LONGEST_NAME = 255  # characters
MANUAL_TRIGGER = "manualTrigger"
_STRICT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_NO_OPTIONS = Part({})
_CHOICES = frozenset({"ENUM", "MULTIPLE"})
_COUNTING = {
    "CONSISTENT": Counting.NEVER,
    "SUCCESS_BUILD_INCREMENT": Counting.SUCCESS,
    "EVERY_BUILD_INCREMENT": Counting.EVERY,
}


def read_parameters(trigger: Part, dialect: Dialect) -> tuple[ParameterSpec, ...]:
    """Read the start parameters; of two with one name the later counts.

    `required` is not read: it only says whether the start form shows the parameter.
    """
    found = {}
    for part in trigger.parts("params"):
        parameter = _read_parameter(part)
        if dialect is Dialect.CONSTRAINED:
            _check_strictly(part, parameter)
        found[parameter.name] = parameter
    return tuple(found.values())


def _read_parameter(part: Part) -> ParameterSpec:
    name = part.text("id").strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise _bad_name(part, name)
    kind = part.text("type").strip().upper() or "STRING"
    constant = part.flag("constant")
    return ParameterSpec(
        name=name,
        default=value_text(part.value.get("defaultValue"), part.at("defaultValue")),
        kind=kind,
        constant=constant,
        read_only=constant or part.flag("readOnly"),
        must_have=part.flag("valueNotEmpty"),
        sensitive=kind == "PASSWORD" or part.flag("sensitive"),
        desc=part.text("desc"),
        options=_options(part, kind),
        shown_when=_display_condition(part),
    )


def _options(part: Part, kind: str) -> tuple[str, ...]:
    """Read the values that may be chosen; none when they come from elsewhere."""
    if kind not in _CHOICES or part.value.get("payload"):
        return ()
    return tuple(option.text("key") for option in part.parts("options"))


def _display_condition(part: Part) -> tuple[tuple[str, str], ...]:
    condition = part.part("displayCondition") or _NO_OPTIONS
    return tuple((name, condition.text(name)) for name in condition.value)


def read_counter(trigger: Part) -> CounterSpec | None:
    """Read `buildNo`: the counter of the recommended version."""
    part = trigger.part("buildNo")
    if part is None:
        return None
    return CounterSpec(
        first=part.whole("buildNo", 0),
        counting=part.word("buildNoType", _COUNTING, Counting.NEVER),
    )


def _check_strictly(part: Part, parameter: ParameterSpec) -> None:
    if not _STRICT_NAME.fullmatch(parameter.name):
        raise _bad_name(part, parameter.name)
    if parameter.constant and not parameter.default.strip():
        raise InvalidError(
            f"the constant {parameter.name} needs a value",
            pointer=part.at("defaultValue"),
            code="constant-blank",
            values=(parameter.name,),
        )


def _bad_name(part: Part, name: str) -> InvalidError:
    return InvalidError(
        f"{name[:100]!r} can't be the name of a parameter",
        pointer=part.at("id"),
        code="parameter-name",
        values=(name[:100],),
    )


def manual_trigger(trigger: Part) -> Part | None:
    """Return the element by which a person starts the pipeline, if it is switched on."""
    for element in trigger.parts("elements"):
        if element.text("@type") == MANUAL_TRIGGER:
            options = element.part("additionalOptions") or _NO_OPTIONS
            if options.flag("enable", default=True):
                return element
    return None


def trigger_steps(trigger: Part) -> tuple[StepId, ...]:
    """Return the ids of the trigger elements: known names behind which there is no work.

    The element by which a person starts the pipeline is the first.
    """
    manual = manual_trigger(trigger)
    first = "" if manual is None else manual.text("id")
    ids = [StepId(element.text("id")) for element in trigger.parts("elements")]
    return tuple(sorted(ids, key=lambda ident: ident != first))
