"""What is changed for the next attempt: inputs of steps that run again, parameters of the run.

Nothing of it is written back to the definition, and no earlier attempt of the run learns of it.
A change holds for the rest of the run, until a later retry changes it again or sets it back: else
the next retry would silently run what has just been found wrong. A new start begins without it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from mulligan.core.flow.judge import is_enabled
from mulligan.core.ids import StepId
from mulligan.core.minutes import LONGEST_MINUTES
from mulligan.core.patches import (
    FIXED_KINDS,
    NONE,
    PLUGIN,
    is_open,
    is_texts,
    open_inputs,
    patched,
)
from mulligan.core.recovery.plan import Action, Change, ChangeKind, Plan, PlannedChanges
from mulligan.core.recovery.request import Changes, Scope, StepChanges
from mulligan.core.recovery.target import find_target
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import ChangedName, NewValue, Run, StartParameter, StepPatch
from mulligan.core.spec import ParameterSpec, SpecIndex, StepSpec
from mulligan.core.start_parameters import changed_value
from mulligan.core.values import LONGEST_VALUE
from mulligan.core.variables import PROTECTED, SHELL_NAME

MOST_CHANGES = 200
MOST_BYTES = 256 * 1024  # of one request, and of what a run or a step of it keeps
LONGEST_TIMEOUT_S = LONGEST_MINUTES * 60
_FORMS = "FORM_LIST"  # a parameter that expands to many variables
_At = tuple[str, ...]


class _RefusedError(Exception):
    """A change is refused."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def plan_changes(run: Run, plan: Plan, changes: Changes) -> PlannedChanges | Refusal:
    """Say what a plan will change besides what it runs again, or why that is not possible."""
    if not changes.steps and not changes.parameters:
        return PlannedChanges()
    try:
        _check_all(plan, changes)
        items: list[Change] = []
        patches = _patches(run, plan, changes.steps, items)
        parameters = _parameters(run, plan, changes.parameters, items)
    except _RefusedError as error:
        return error.refusal
    return PlannedChanges(items=tuple(items), patches=patches, parameters=parameters)


def changed_names(changes: PlannedChanges) -> tuple[ChangedName, ...]:
    """Give what is changed, without values."""
    return tuple(
        ChangedName(kind=item.kind.value, name=item.name, step=item.step) for item in changes.items
    )


def find_step(index: SpecIndex, text: str) -> StepId | None:
    """Find a step by its id or its author's ref; of a matrix job also the pattern of its copies."""
    if text in index.steps:
        return StepId(text)
    target = find_target(index, text)
    if target is None or target.scope is not Scope.STEP or target.is_trigger:
        return None
    return StepId(target.node)


def parameter_problem(spec: ParameterSpec | None, parameter: StartParameter) -> str:
    """Say why a parameter can't be changed, "" = it can."""
    if spec is None:
        return "the definition does not have it any more"
    if parameter.read_only or spec.constant:
        return "it is a constant" if spec.constant else "it is read-only once the run has begun"
    if spec.computed:
        return "the start computes it"
    return "its forms are those of the start" if spec.kind == _FORMS else ""


# --- as a whole -------------------------------------------------------------------------------


def _check_all(plan: Plan, changes: Changes) -> None:
    if plan.skip:
        raise _refuse(
            RefusalCode.CHANGES_WITH_SKIP,
            "what is skipped does not run: nothing can be changed for it",
            instead=("retry the step",),
        )
    count = len(changes.parameters) + sum(
        len(step.inputs) + len(step.env) + (step.timeout_s is not msgspec.UNSET)
        for step in changes.steps.values()
    )
    if count > MOST_CHANGES or len(changes.steps) > MOST_CHANGES:
        raise _refuse(
            RefusalCode.CHANGES_TOO_LARGE,
            f"more than {MOST_CHANGES} changes: change the definition",
        )
    _check_size(changes, ())
    if plan.while_running and changes.parameters:
        raise _refuse(
            RefusalCode.PARAMETERS_LATER,
            "the run goes on: its parameters can be changed when it has ended",
            ("parameters",),
            instead=("wait for the end of the run",),
        )


def _check_size(value: object, at: _At) -> None:
    if len(msgspec.json.encode(value)) > MOST_BYTES:
        raise _refuse(
            RefusalCode.CHANGES_TOO_LARGE,
            f"more than {MOST_BYTES // 1024} KB of changes: change the definition",
            at,
        )


def _refuse(
    code: RefusalCode, message: str, at: _At = (), *, node: str = "", instead: tuple[str, ...] = ()
) -> _RefusedError:
    values = at[-1:]
    return _RefusedError(
        Refusal(code=code, message=message, node=node, values=values, instead=instead, at=at)
    )


# --- steps ------------------------------------------------------------------------------------


def _patches(
    run: Run, plan: Plan, steps: Mapping[str, StepChanges], items: list[Change]
) -> dict[StepId, StepPatch | None]:
    found: dict[StepId, StepPatch | None] = {}
    named: set[StepId] = set()
    for text, asked in steps.items():
        at = ("steps", text)
        spec = _step(run, plan, text, at)
        if spec.id in named:
            raise _refuse(
                RefusalCode.INPUT_INVALID,
                f"step {spec.name!r} is named twice, by its id and by its ref",
                at,
                node=spec.id,
                instead=("give all changes of a step under one name",),
            )
        named.add(spec.id)
        before = run.step(spec.id).patch or NONE
        after = _patched(spec, before, asked, at)
        if after == before:
            continue
        _check_size(after, at)
        found[spec.id] = None if after == NONE else after
        items.extend(differences(spec, before, after))
    return found


def _step(run: Run, plan: Plan, text: str, at: _At) -> StepSpec:
    """Find a step that is going to run again.

    Raises:
        _RefusedError: There is none, or it is kept, or it stays as it is defined.
    """
    step_id = _pattern(run.index, plan, text) or find_step(run.index, text)
    if step_id is None:
        raise _refuse(
            RefusalCode.TARGET_UNKNOWN, f"the run has no step {text[:100]!r}", at, node=text
        )
    spec = run.index.steps[step_id]
    node = plan.steps.get(step_id)
    if node is None or node.action is not Action.RERUN or not is_enabled(run, spec):
        raise _refuse(
            RefusalCode.STEP_KEPT,
            f"step {spec.name!r} does not run again, so nothing of it can be changed",
            at,
            node=step_id,
            instead=("retry from that step on",),
        )
    if spec.kind in FIXED_KINDS or spec.post_of is not None:
        raise _refuse(
            RefusalCode.INPUT_FIXED,
            f"step {spec.name!r} stays as it is defined: {_why_fixed(spec)}",
            at,
            node=step_id,
            instead=("change a parameter of the run", "change the definition"),
        )
    return spec


def _pattern(index: SpecIndex, plan: Plan, ref: str) -> StepId | None:
    """Find a step by its ref in a matrix job that is split anew: its copies are gone then."""
    for job in index.all_jobs() if ref else ():
        for step in job.steps if job.matrix is not None else ():
            node = plan.steps.get(step.id)
            if step.ref == ref and node is not None and node.action is Action.RERUN:
                return step.id
    return None


def _why_fixed(spec: StepSpec) -> str:
    if spec.post_of is not None:
        return "it is a post action and has what its step has"
    return f"what a {spec.kind} step does is not changed for one run"


def _patched(spec: StepSpec, before: StepPatch, asked: StepChanges, at: _At) -> StepPatch:
    """Give the patch of a step with what is asked for; what it defines anyway is no part of it."""
    inputs, env = dict(before.inputs), dict(before.env)
    known = open_inputs(spec)
    for name, given in asked.inputs.items():
        value = _input(spec, known, name, given, (*at, "inputs", name))
        _put(inputs, name, None if value == known[name] else value)
    for name, text in asked.env.items():
        _check_env(spec, name, text, (*at, "env", name))
        _put(env, name, None if text == dict(spec.env).get(name) else text)
    return StepPatch(inputs=inputs, env=env, timeout_s=_timeout(spec, before, asked, at))


def _put(values: dict[str, Any], name: str, value: object) -> None:
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value


def _input(spec: StepSpec, known: Mapping[str, Any], name: str, given: Any, at: _At) -> Any:
    """Give the new value of an input, in the type that it has; None = as defined."""
    if name not in known:
        names = ", ".join(sorted(known)) or "none"
        what = "of its plugin " if spec.kind == PLUGIN else ""
        raise _refuse(
            RefusalCode.INPUT_UNKNOWN,
            f"step {spec.name!r} has no input {name[:100]!r} {what}that can be changed; "
            f"it has: {names}",
            at,
            node=spec.id,
        )
    before = known[name]
    value = given if given is None else _as_type_of(before, given)
    if given is not None and value is None:
        raise _refuse(
            RefusalCode.INPUT_INVALID,
            f"input {name!r} of step {spec.name!r} must be {_type_name(before)}",
            at,
            node=spec.id,
        )
    return value


def _as_type_of(before: Any, given: Any) -> Any:
    """Give a value in the type of another; a text may be its JSON. None: that can't be."""
    if _same_type(before, given):
        return given
    if isinstance(given, str):
        try:
            given = msgspec.json.decode(given)
        except (msgspec.DecodeError, RecursionError):
            return None
        return given if _same_type(before, given) else None
    return None


def _same_type(before: Any, given: Any) -> bool:
    if before is None:  # of a plugin, which says itself what it takes
        return given is not None and is_open(given)
    if isinstance(before, bool) or isinstance(given, bool):
        return isinstance(before, bool) and isinstance(given, bool)
    if isinstance(before, int | float):
        return isinstance(given, int | float)
    if isinstance(before, str):
        return isinstance(given, str)
    return is_texts(given)


def _type_name(value: object) -> str:
    names: Iterable[tuple[type | tuple[type, ...], str]] = (
        (bool, "true or false"),
        ((int, float), "a number"),
        (str, "a text"),
        (list, "a list of texts"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "a plain value")


def _check_env(spec: StepSpec, name: str, value: str | None, at: _At) -> None:
    problem = ""
    if not SHELL_NAME.fullmatch(name):
        problem = "can't be the name of a variable"
    elif name in PROTECTED:
        problem = "is set by the server"
    elif value is not None and len(value) > LONGEST_VALUE:
        problem = f"is longer than {LONGEST_VALUE} characters"
    if problem:
        raise _refuse(
            RefusalCode.INPUT_INVALID, f"variable {name[:100]!r} {problem}", at, node=spec.id
        )


def _timeout(spec: StepSpec, before: StepPatch, asked: StepChanges, at: _At) -> int | None:
    given = asked.timeout_s
    if given is msgspec.UNSET:
        return before.timeout_s
    if given is None or (given == spec.timeout_s and not spec.timeout_text):
        return None
    if not 1 <= given <= LONGEST_TIMEOUT_S:
        raise _refuse(
            RefusalCode.INPUT_INVALID,
            f"a time-out has 1 to {LONGEST_TIMEOUT_S} seconds",
            (*at, "timeout_s"),
            node=spec.id,
        )
    return given


def differences(
    spec: StepSpec, before: StepPatch | None, after: StepPatch | None
) -> Iterator[Change]:
    """Yield what a step has otherwise under another patch."""
    old, new = patched(spec, before), patched(spec, after)
    old_inputs, new_inputs = open_inputs(old), open_inputs(new)
    for name in open_inputs(spec):
        if old_inputs.get(name) != new_inputs.get(name):
            yield Change(
                kind=ChangeKind.INPUT,
                step=spec.id,
                name=name,
                before=old_inputs.get(name),
                after=new_inputs.get(name),
            )
    old_env, new_env = dict(old.env), dict(new.env)
    for name in {**old_env, **new_env}:
        if old_env.get(name) != new_env.get(name):
            yield Change(
                kind=ChangeKind.ENV,
                step=spec.id,
                name=name,
                before=old_env.get(name),
                after=new_env.get(name),
            )
    if _shown_timeout(old) != _shown_timeout(new):
        yield Change(
            kind=ChangeKind.TIMEOUT,
            step=spec.id,
            name="timeout_s",
            before=_shown_timeout(old),
            after=_shown_timeout(new),
        )


def _shown_timeout(spec: StepSpec) -> int | str:
    """Give a time limit in seconds, or the text (in minutes) that gives it."""
    return spec.timeout_text or spec.timeout_s


# --- parameters -------------------------------------------------------------------------------


def _parameters(
    run: Run, plan: Plan, given: Mapping[str, str | None], items: list[Change]
) -> tuple[StartParameter, ...]:
    known = {parameter.name: parameter for parameter in run.head.parameters}
    specs = {spec.name: spec for spec in run.index.spec.parameters}
    wanted: dict[str, str] = {}
    for name, text in given.items():
        _check_parameter(known.get(name), specs.get(name), name)
        wanted[name] = known[name].value if text is None else text
    present = {name: parameter.present for name, parameter in known.items()} | wanted
    changed: dict[str, StartParameter] = {}
    for name, text in wanted.items():
        parameter = known[name]
        value = text
        if given[name] is not None:
            checked = changed_value(
                specs[name], text, present, refuses_long=run.head.settings.fail_on_long_values
            )
            if isinstance(checked, Refusal):
                raise _RefusedError(replace(checked, at=("parameters", name)))
            value = checked
        if value == parameter.present:
            continue
        new = NewValue(
            run_attempt=plan.run_attempt, value=None if value == parameter.value else value
        )
        changed[name] = replace(parameter, changes=(*parameter.changes, new))
    if not changed:
        return ()
    parameters = tuple(changed.get(each.name, each) for each in run.head.parameters)
    items.extend(parameter_differences(parameters, run.head.attempt, plan.run_attempt))
    _check_size([each.changes for each in parameters], ("parameters",))
    return parameters


def parameter_differences(
    parameters: Iterable[StartParameter], before: int, after: int
) -> Iterator[Change]:
    """Yield the parameters that have another value in one attempt than in another."""
    for parameter in parameters:
        old, new = parameter.at(before), parameter.at(after)
        if old != new:
            yield Change(
                kind=ChangeKind.PARAMETER,
                name=parameter.name,
                before=old,
                after=new,
                is_secret=parameter.sensitive,
            )


def _check_parameter(
    parameter: StartParameter | None, spec: ParameterSpec | None, name: str
) -> None:
    at = ("parameters", name)
    if parameter is None:
        raise _refuse(
            RefusalCode.PARAMETER_UNKNOWN,
            f"the run has no parameter {name[:100]!r}",
            at,
            instead=("name a parameter of the pipeline",),
        )
    problem = parameter_problem(spec, parameter)
    if problem:
        raise _refuse(
            RefusalCode.PARAMETER_FIXED, f"parameter {name} can't be changed: {problem}", at
        )
