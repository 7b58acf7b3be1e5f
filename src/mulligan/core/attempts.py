"""What the attempts of a run did and left, and how two of them differ. Pure."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import msgspec

from mulligan.core import events as e
from mulligan.core.ids import StepId
from mulligan.core.patches import by_name
from mulligan.core.run import Step, Write
from mulligan.core.status import Status

Values = Mapping[str, Write]


def part_of(step: Step | None, attempt: int) -> str:
    """Tell what an attempt of the run did with a step: ran, skipped, kept or never.

    Args:
        step: Its record as that attempt left it; None = nothing had happened to it.
    """
    if step is None or step.status is Status.QUEUED:
        return "never"
    if step.run_attempt < attempt:
        return "kept"
    return "skipped" if step.status is Status.SKIPPED else "ran"


def changed_inputs(before: Step | None, after: Step | None) -> tuple[str, ...]:
    """Return the names of inputs that somebody changed from one record of a step to another."""
    old, new = _changed_of(before), _changed_of(after)
    return tuple(sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)))


def _changed_of(step: Step | None) -> dict[str, Any]:
    """Give what a record of a step has otherwise than its definition, by name."""
    if step is None:
        return {}
    return {**by_name(step.patch), **(step.inputs or {})}


class ValueChange(msgspec.Struct, frozen=True, kw_only=True):
    """A variable that two attempts left otherwise.

    Args:
        how: added, removed or changed; without the values, which may be secrets.
        writer: "start" or the step that wrote it last; "" = nobody, it is gone.
    """

    name: str
    how: str
    writer: str


class Ledger:
    """Follows the variables of a run through its events, and remembers them at each end."""

    def __init__(self) -> None:
        self.ends: dict[int, Values] = {}
        self._attempt = 1
        self._writes: dict[str, list[Write]] = {}

    def take(self, events: Iterable[e.Event]) -> None:
        """Go on with the next events, in their order."""
        for event in events:
            match event:
                case e.ValuesWritten():
                    for write in event.writes:
                        self._writes.setdefault(write.name, []).append(write)
                case e.ValuesWithdrawn():
                    self._withdraw(event)
                case e.RunRetried():
                    self.close()
                    self._attempt = event.attempt.number
                case _:
                    pass

    def close(self) -> None:
        """Remember what the present attempt has left."""
        self.ends[self._attempt] = {name: stack[-1] for name, stack in self._writes.items()}

    def _withdraw(self, event: e.ValuesWithdrawn) -> None:
        gone = frozenset(event.writers)
        kept = {
            name: [write for write in stack if not event.everything and write.writer not in gone]
            for name, stack in self._writes.items()
        }
        self._writes = {name: stack for name, stack in kept.items() if stack}


def changed_values(before: Values, after: Values) -> tuple[ValueChange, ...]:
    """Tell which variables differ, by name."""
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if new is None:
            found.append(ValueChange(name=name, how="removed", writer=""))
        elif old is None:
            found.append(ValueChange(name=name, how="added", writer=new.writer))
        elif old.value != new.value:
            found.append(ValueChange(name=name, how="changed", writer=new.writer))
    return tuple(found)


def same_inputs(before: Step, after: Step) -> bool:
    """Tell whether two tries of a step had the same inputs and, of a checkout, the same commit."""
    one, other = ((step.inputs, step.patch, step.parameters_of) for step in (before, after))
    return one == other and before.pin in {"", after.pin}


class FlakyStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step that came to another end with the same inputs."""

    step: StepId
    failed_attempt: int
    passed_attempt: int


def flaky_steps(attempts: Mapping[str, tuple[Step, ...]]) -> tuple[FlakyStep, ...]:
    """Tell which steps of a run failed and then passed although nothing of them had changed.

    What was decided by a person, cut off from outside, given other inputs or another commit says
    nothing about the step.

    Args:
        attempts: Of each step, oldest first.
    """
    found = []
    for step, records in attempts.items():
        for before, after in pairwise(records):
            failed = before.status is Status.FAILED and before.exit_code is not None
            passed = after.status is Status.SUCCEEDED
            if failed and passed and same_inputs(before, after):
                found.append(
                    FlakyStep(
                        step=StepId(step),
                        failed_attempt=before.attempt,
                        passed_attempt=after.attempt,
                    )
                )
                break
    return tuple(found)
