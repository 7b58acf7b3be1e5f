"""Show what was changed for a retry, and what can be. Secrets are masked."""

from collections.abc import Iterable
from typing import Any

from mulligan.core.patches import PLUGIN
from mulligan.core.recovery.plan import Change, ChangeKind
from mulligan.core.run import ChangedName
from mulligan.core.spec import SpecIndex, StepSpec
from mulligan.facades.common.secret_names import is_secret_name
from mulligan.facades.common.sensitive import MASK, SensitiveInputs, is_secret
from mulligan.facades.native import shapes


def show_change(change: Change, index: SpecIndex, sensitive: SensitiveInputs) -> shapes.ChangeView:
    """Show a change with its values; those that are secret are masked."""
    spec = None if change.step is None else index.steps.get(change.step)
    hidden = change.is_secret
    if change.step is not None and change.kind is not ChangeKind.TIMEOUT:
        # of a copy of a matrix job that is there no more it is not known
        hidden = spec is None or is_hidden(spec, change.name, change.kind, sensitive)
    return shapes.ChangeView(
        kind=change.kind.value,
        step=change.step,
        step_name="" if spec is None else spec.name,
        name=change.name,
        before=masked(change.before) if hidden else change.before,
        after=masked(change.after) if hidden else change.after,
        secret=hidden,
    )


def is_hidden(spec: StepSpec, name: str, kind: ChangeKind, sensitive: SensitiveInputs) -> bool:
    """Tell whether an input or a variable of a step is secret: its plugin says it, or its name."""
    if kind is ChangeKind.INPUT and spec.kind == PLUGIN:
        return name in sensitive.get(spec.code, frozenset()) or is_secret_name(name)
    return is_secret_name(name)


def masked(value: Any) -> Any:
    """Give what is shown of a secret: nothing but that there is one, or the name of its value."""
    return MASK if value and is_secret(value) else value


def show_changed(names: Iterable[ChangedName], index: SpecIndex) -> tuple[shapes.ChangedRef, ...]:
    """Show what was changed, without values."""
    found = []
    for each in names:
        spec = None if each.step is None else index.steps.get(each.step)
        found.append(
            shapes.ChangedRef(
                kind=each.kind,
                step=each.step,
                step_name="" if spec is None else spec.name,
                name=each.name,
            )
        )
    return tuple(found)
