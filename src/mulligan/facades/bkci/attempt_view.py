"""What one attempt of a run looked like: for each node its latest record up to that attempt."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from mulligan.core.cause import Cause
from mulligan.core.evolve import index_of
from mulligan.core.flow.judge import is_enabled
from mulligan.core.flow.quality import waiting_gate
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.run import Gate, Job, Run, RunAttempt, Stage, Step
from mulligan.core.spec import JobSpec, SpecIndex, StageSpec, StepSpec
from mulligan.core.status import Status
from mulligan.facades.bkci.status_out import job_word, run_word, stage_word, step_word
from mulligan.ports import NodeHistory


class _Numbered(Protocol):
    @property
    def run_attempt(self) -> int: ...


Record = TypeVar("Record", bound=_Numbered)

NO_HISTORY = NodeHistory(stages={}, jobs={}, steps={}, gates={})


class AttemptView:
    """Read records and status names of one attempt of a run.

    Args:
        run: The newest snapshot; it is what the latest attempt shows.
        history: All attempts of all nodes. The latest attempt takes only counts from it.
        number: Which attempt; anything outside 1 to the latest means the latest.
    """

    def __init__(
        self, run: Run, history: NodeHistory = NO_HISTORY, number: int | None = None
    ) -> None:
        latest = run.head.attempt
        self.run = run
        self.history = history
        self.number = number if number is not None and 1 <= number <= latest else latest
        self.is_latest = self.number == latest
        self.attempt: RunAttempt = run.head.attempts[self.number - 1]
        self.index: SpecIndex = run.index if self.is_latest else self._split_then()

    def _split_then(self) -> SpecIndex:
        """Give the definition with its matrix jobs as they were split in this attempt."""
        return index_of(self.run, (self._up_to(jobs) for jobs in self.history.jobs.values()))

    @property
    def status(self) -> Status:
        """Return the status of the run in this attempt."""
        return self.run.head.status if self.is_latest else self.attempt.status or Status.FAILED

    @property
    def cause(self) -> Cause | None:
        """Return the cause of that status."""
        return self.run.head.cause if self.is_latest else self.attempt.cause

    @property
    def ended_at(self) -> datetime | None:
        """Return when the attempt ended."""
        return self.run.head.ended_at if self.is_latest else self.attempt.ended_at

    @property
    def started_at(self) -> datetime | None:
        """Return when the run had started, as this attempt shows it: a whole retry renews it."""
        if self.is_latest:
            return self.run.head.started_at
        whole = [
            attempt
            for attempt in self.run.head.attempts[: self.number]
            if attempt.number == 1 or not attempt.target
        ]
        return whole[-1].started_at

    def stage(self, stage_id: StageId) -> Stage | None:
        """Return the record of a stage; None if nothing had happened to it."""
        if self.is_latest:
            return self.run.stages.get(stage_id)
        return self._up_to(self.history.stages.get(stage_id, ()))

    def job(self, job_id: JobId) -> Job | None:
        """Return the record of a job; None if nothing had happened to it."""
        if self.is_latest:
            return self.run.jobs.get(job_id)
        return self._up_to(self.history.jobs.get(job_id, ()))

    def step(self, step_id: StepId) -> Step | None:
        """Return the record of a step; None if nothing had happened to it."""
        if self.is_latest:
            return self.run.steps.get(step_id)
        return self._up_to(self.history.steps.get(step_id, ()))

    def gate(self, node: str) -> Gate | None:
        """Return the latest waiting at a stage or step that began in or before this attempt.

        By the instant: an approval that holds on is counted to the attempt that it holds for.
        """
        if self.is_latest:
            return self.run.gates.get(node)
        end = self.attempt.ended_at
        opened = [
            gate
            for gate in self.history.gates.get(node, ())
            if end is None or gate.opened_at <= end
        ]
        return opened[-1] if opened else None

    def step_attempts(self, step_id: StepId) -> tuple[Step, ...]:
        """Return all attempts of a step up to this attempt of the run, oldest first."""
        shown = self.step(step_id)
        earlier = [
            step
            for step in self.history.steps.get(step_id, ())
            if step.run_attempt <= self.number and (shown is None or step.attempt < shown.attempt)
        ]
        return (*earlier, shown) if shown is not None else tuple(earlier)

    def run_status(self) -> str:
        """Return the name of the status of the run."""
        refused = self.cause is Cause.REJECTED and any(
            self.stage_status(stage) == "STAGE_SUCCESS" for stage in self.run.index.spec.stages
        )
        return run_word(
            self.status,
            self.cause,
            awaits_review=self.is_latest and self.run.awaits_review,
            awaits_trigger=self.is_latest and self.run.awaits_trigger,
            review_refused=refused,
        )

    def stage_status(self, spec: StageSpec) -> str | None:
        """Return the name of the status of a stage, None if it was not reached yet."""
        if self.is_latest and waiting_gate(self.run, spec.id) is not None:
            return "QUALITY_CHECK_WAIT"
        return stage_word(self.stage(spec.id), self.gate(spec.id), run_ended=self.status.is_final)

    def job_status(self, spec: JobSpec, stage: str | None) -> str | None:
        """Return the name of the status of a job, given that of its stage."""
        record = self.job(spec.id)
        paused = record is not None and record.parked and self._is_paused(spec)
        return job_word(record, spec, stage=stage, is_paused=paused)

    def step_status(self, spec: StepSpec, job: str | None) -> str | None:
        """Return the name of the status of a step, given that of its job."""
        on = is_enabled(self.run, spec)
        return step_word(self.step(spec.id), spec, self.gate(spec.id), job=job, is_enabled=on)

    def _is_paused(self, spec: JobSpec) -> bool:
        gates = (self.run.open_gate(step.id) for step in spec.steps)
        return any(gate is not None and gate.kind == "pause" for gate in gates)

    def _up_to(self, records: Sequence[Record]) -> Record | None:
        return next(
            (record for record in reversed(records) if record.run_attempt <= self.number), None
        )


def count_auto_retries(attempts: Iterable[Step]) -> int:
    """Count the attempts of a step that its own rule asked for.

    Such an attempt follows a failure within the same attempt of its job; after a lost runner it
    does too, but that is not a retry.
    """
    count = 0
    before: Step | None = None
    for step in attempts:
        if (
            before is not None
            and before.status is Status.FAILED
            and before.cause is not Cause.LOST
            and step.started_at is not None
            and step.job_attempt == before.job_attempt
        ):
            count += 1
        before = step
    return count
