"""What the memory store keeps of one run."""

from datetime import datetime
from typing import Any, Generic, TypeVar

from mulligan.core.decision import Decision
from mulligan.core.records import Artifact
from mulligan.core.run import Gate, Job, Run, RunHead, Stage, Step
from mulligan.store.changed import changed_jobs, changed_stages

T = TypeVar("T")


class Attempts(Generic[T]):
    """Records of one kind of node: by node, then by attempt."""

    def __init__(self) -> None:
        self._records: dict[str, dict[int, T]] = {}

    def put(self, node: str, attempt: int, record: T) -> None:
        self._records.setdefault(node, {})[attempt] = record

    def of(self, node: str) -> tuple[T, ...]:
        found = self._records.get(node, {})
        return tuple(found[attempt] for attempt in sorted(found))

    def all(self) -> dict[str, tuple[T, ...]]:
        return {node: self.of(node) for node in self._records}


class StoredRun:
    """What is kept of one run. `key` ascends with the age of runs."""

    def __init__(self, key: int) -> None:
        self.key = key
        self.run: Run
        self.updated_at: datetime
        self.stages: Attempts[Stage] = Attempts()
        self.jobs: Attempts[Job] = Attempts()
        self.steps: Attempts[Step] = Attempts()
        self.gates: Attempts[Gate] = Attempts()
        self.artifacts: dict[tuple[Any, ...], Artifact] = {}

    def take(self, decision: Decision) -> None:
        self.run = decision.run
        self.updated_at = decision.events[-1].at
        for stage in changed_stages(decision):
            self.stages.put(stage.id, stage.attempt, stage)
        for job in changed_jobs(decision):
            self.jobs.put(job.id, job.attempt, job)
        for step in decision.steps:
            self.steps.put(step.id, step.attempt, step)
        for gate in decision.gates:
            self.gates.put(gate.node, gate.number, gate)

    @property
    def head(self) -> RunHead:
        return self.run.head
