"""What of a run can be changed for a retry: inputs of the steps that failed, its parameters."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from mulligan.core.ids import StepId
from mulligan.core.patches import FIXED_KINDS, NONE, as_changed, is_texts, open_inputs
from mulligan.core.recovery.changes import parameter_problem
from mulligan.core.recovery.plan import ChangeKind
from mulligan.core.rights import Permission
from mulligan.core.run import Run, StartParameter
from mulligan.core.spec import ParameterSpec, StepSpec
from mulligan.core.status import Status
from mulligan.facades.common.sensitive import SensitiveInputs
from mulligan.facades.native.change_views import is_hidden, masked
from mulligan.facades.native.endpoints import Call
from mulligan.facades.native.shapes import Shape, StartField
from mulligan.facades.native.start_forms import start_field

MOST_STEPS = 20  # that are shown: the one that is asked about, and others that failed


class ChangeableValue(Shape, frozen=True, kw_only=True):
    """An input, or a variable of the environment, as it is now.

    Args:
        type: text, number, flag, texts (a list) or any.
        value: `******` if it is secret.
        changed: It is not as defined.
    """

    name: str
    type: str
    value: Any
    secret: bool
    changed: bool


class ChangeableStep(Shape, frozen=True, kw_only=True):
    """A step that failed. `fixed`: it can't be changed; `timeout_s`: null = a variable gives it."""

    id: str
    name: str
    job: str
    kind: str
    fixed: bool
    inputs: tuple[ChangeableValue, ...]
    env: tuple[ChangeableValue, ...]
    timeout_s: int | None
    timeout_changed: bool


class ChangeableParameter(StartField, frozen=True, kw_only=True):
    """A parameter of the run; its `default` is the present value.

    Args:
        fixed: Why it can't be changed; "" = it can.
        changed: It is not as the run was started with.
    """

    fixed: str
    changed: bool


class Changeable(Shape, frozen=True, kw_only=True):
    """What can be changed for a retry. `may_…`: whether who asks may change it."""

    may_change_steps: bool
    may_change_parameters: bool
    steps: tuple[ChangeableStep, ...]
    parameters: tuple[ChangeableParameter, ...]


async def changeable(call: Call, run: Run, step: StepId | None) -> Changeable:
    """Show what can be changed; `step` comes first."""
    access, actor = call.services.access, call.actor
    sensitive = await call.services.plugins.sensitive_inputs()
    ended = run.head.status.is_final
    specs = {spec.name: spec for spec in run.index.spec.parameters}
    return Changeable(
        may_change_steps=await access.allows(actor, Permission.EDIT, call.project),
        may_change_parameters=ended and await access.allows(actor, Permission.START, call.project),
        steps=tuple(_step(run, each, sensitive) for each in _steps(run, step)),
        parameters=tuple(
            _parameter(specs[each.name], each) for each in run.head.parameters if each.name in specs
        ),
    )


def _steps(run: Run, first: StepId | None) -> list[StepId]:
    failed = (each for each in run.head.failed_steps if run.step(each).status is Status.FAILED)
    found = dict.fromkeys((first, *failed) if first is not None else failed)
    return [each for each in found if each in run.index.steps][:MOST_STEPS]


def _step(run: Run, step: StepId, sensitive: SensitiveInputs) -> ChangeableStep:
    defined = run.index.steps[step]
    patch = run.step(step).patch or NONE
    present = as_changed(run, defined)
    return ChangeableStep(
        id=step,
        name=defined.name,
        job=run.index.job_of_step(step).id,
        kind=defined.kind,
        fixed=defined.kind in FIXED_KINDS or defined.post_of is not None,
        inputs=tuple(_inputs(present, defined, patch.inputs, sensitive)),
        env=tuple(
            _value(present, name, value, ChangeKind.ENV, sensitive, changed=name in patch.env)
            for name, value in present.env
        ),
        timeout_s=None if present.timeout_text else present.timeout_s,
        timeout_changed=patch.timeout_s is not None,
    )


def _inputs(
    present: StepSpec, defined: StepSpec, changed: dict[str, Any], sensitive: SensitiveInputs
) -> Iterator[ChangeableValue]:
    values = open_inputs(present)
    for name, before in open_inputs(defined).items():
        shown = _value(
            present,
            name,
            values.get(name, before),
            ChangeKind.INPUT,
            sensitive,
            changed=name in changed,
        )
        yield replace(shown, type=_type_of(before))


def _value(
    step: StepSpec,
    name: str,
    value: Any,
    kind: ChangeKind,
    sensitive: SensitiveInputs,
    *,
    changed: bool,
) -> ChangeableValue:
    hidden = is_hidden(step, name, kind, sensitive)
    return ChangeableValue(
        name=name,
        type=_type_of(value),
        value=masked(value) if hidden else value,
        secret=hidden,
        changed=changed,
    )


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "texts" if is_texts(value) else "any"


def _parameter(spec: ParameterSpec, parameter: StartParameter) -> ChangeableParameter:
    field = start_field(spec)
    fixed = parameter_problem(spec, parameter)
    values = {name: getattr(field, name) for name in field.__struct_fields__}
    present = parameter.present
    return ChangeableParameter(
        **values
        | {
            "default": "" if parameter.sensitive else present,
            "has_default": bool(present),
            "read_only": bool(fixed),
            "sensitive": parameter.sensitive,
        },
        fixed=fixed,
        changed=present != parameter.value,
    )
