"""Decision: what will be written, as data; Draft: how one is put together.

A decision function gets a `Draft`, emits events on it (each is evolved at once, so the next line
sees the new facts) and leaves effects. Nothing is done before the engine has stored it all in one
transaction on `base_revision`.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import replace

from mulligan.core.events import (
    Event,
    RunCreated,
    RunFinished,
    RunRepaired,
    RunRetried,
    ValuesWithdrawn,
    ValuesWritten,
)
from mulligan.core.evolve import evolve
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.run import Gate, Job, Run, Stage, Step

# After these a run stands otherwise than before.
_TOLD = (RunCreated, RunRetried, RunRepaired, RunFinished)


class Effect(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something to be done after the commit: a row of the outbox, carried out at least once.

    Args:
        kind: "offer" (a job may be claimed), "kill" (end a running step), "timer", "tidy"
            (a run ended: free what it held), "notify".
        key: With `kind` and the run the identity of the row: a second one replaces the first.
        due_at: Not before; None = at once.
        drop: Remove the row instead: what it asked for is done or void.
    """

    kind: str
    key: str
    due_at: datetime | None = None
    drop: bool = False
    data: dict[str, Any] = {}


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The events to append, the rows that they changed, and what follows from them."""

    run: Run
    base_revision: int  # 0 = the run is new
    events: tuple[Event, ...]
    stages: tuple[Stage, ...] = ()
    jobs: tuple[Job, ...] = ()
    steps: tuple[Step, ...] = ()
    gates: tuple[Gate, ...] = ()
    effects: tuple[Effect, ...] = ()


class Draft:
    """A decision that is being put together at the instant `now`.

    `people`: the members of the project by role, if reviews of the run name groups.
    """

    def __init__(
        self,
        run: Run,
        now: datetime,
        *,
        is_new: bool = False,
        people: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    ) -> None:
        self.run = run
        self.now = now
        self.people = people
        self._base = 0 if is_new else run.head.revision
        self._events: list[Event] = []
        self._effects: dict[tuple[str, str], Effect] = {}
        self._stages: dict[tuple[str, int], Stage] = {}
        self._jobs: dict[tuple[str, int], Job] = {}
        self._steps: dict[tuple[str, int], Step] = {}
        self._gates: dict[tuple[str, int], Gate] = {}

    def emit(self, event: Event) -> None:
        """Append an event; from now on `run` is the snapshot after it, at the next revision."""
        self.run = evolve(self.run, event)
        if not self._events:
            self.run = replace(self.run, head=replace(self.run.head, revision=self._base + 1))
        self._events.append(event)
        if isinstance(event, _TOLD):
            self._tell_host()
        if isinstance(event, ValuesWritten | ValuesWithdrawn):
            return
        self._note_row(event.row, event.node)

    def _tell_host(self) -> None:
        """Have the code host told how the run stands whose event has started it."""
        origin = self.run.head.origin
        if origin is not None and origin.check:
            self.effect(Effect(kind="notify", key=f"commit:{self._base}", data={"commit": True}))

    def _note_row(self, row: str, node: str) -> None:
        if row == "step":
            step = self.run.steps[StepId(node)]
            self._steps[node, step.attempt] = step
        elif row == "job":
            job = self.run.jobs[JobId(node)]
            self._jobs[node, job.attempt] = job
        elif row == "stage":
            stage = self.run.stages[StageId(node)]
            self._stages[node, stage.attempt] = stage
        elif row == "gate":
            gate = self.run.gates[node]
            self._gates[node, gate.number] = gate

    def effect(self, effect: Effect) -> None:
        """Ask for something to be done after the commit."""
        self._effects[effect.kind, effect.key] = effect

    def new_offer(self) -> JobId | None:
        """Return a job that this decision offers to runners, if it does."""
        for effect in self._effects.values():
            if effect.kind == "offer" and not effect.drop:
                return JobId(effect.key)
        return None

    def offers(self) -> list[JobId]:
        """Return the jobs that this decision offers to runners."""
        found = self._effects.values()
        return [JobId(each.key) for each in found if each.kind == "offer" and not each.drop]

    @property
    def has_events(self) -> bool:
        """Tell whether anything was decided yet."""
        return bool(self._events)

    def decision(self) -> Decision:
        """Give the finished decision; its snapshot carries the next revision."""
        return Decision(
            run=self.run,
            base_revision=self._base,
            events=tuple(self._events),
            stages=tuple(self._stages.values()),
            jobs=tuple(self._jobs.values()),
            steps=tuple(self._steps.values()),
            gates=tuple(self._gates.values()),
            effects=tuple(self._effects.values()),
        )
