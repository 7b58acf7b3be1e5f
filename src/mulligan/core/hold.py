"""How far a run is, as a whole: at work, waiting for somebody, held after a failure, or over.

A failure under `AfterFailure.HOLD` keeps the run open for a retry until its time is over or
somebody gives it up; that end is a fact of the clock, nothing has to happen for it.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from mulligan.core.cause import Cause
from mulligan.core.run import Job, Run, RunHead
from mulligan.core.spec import AfterFailure, PipelineSpec, StageSpec
from mulligan.core.status import Status


class Phase(StrEnum):
    """How far a run is."""

    EXECUTING = "executing"  # a job is queued or runs, a rollback included
    PAUSED = "paused"  # it waits for a person or for signals
    HELD = "held"  # it failed and is kept open for a retry
    CLOSED = "closed"


def failed_stage(head: RunHead, spec: PipelineSpec) -> StageSpec | None:
    """Return the stage at which a failed run ended; None for rollbacks and other ends.

    A run that somebody ended by force was stopped: nothing is done after its failure.
    """
    in_range = 0 <= head.stage < len(spec.stages)
    if head.status is not Status.FAILED or head.is_rollback or not in_range:
        return None
    if head.cause is Cause.TERMINATED:
        return None
    return spec.stages[head.stage]


def hold_until(head: RunHead, spec: PipelineSpec) -> datetime | None:
    """Return when the hold of a failed run is over; None if it has none (or none that ends)."""
    stage = failed_stage(head, spec)
    if stage is None or head.ended_at is None or stage.after_failure is not AfterFailure.HOLD:
        return None
    return head.ended_at + timedelta(seconds=stage.hold_s)


def still_open_until(head: RunHead, spec: PipelineSpec, now: datetime) -> datetime | None:
    """Return when a failed run, held for a retry by its definition, has come to its end.

    None: it has already, or such a retry has no end that could be waited for.
    """
    until = hold_until(head, spec)
    is_over = head.released_at is not None or until is None or until <= now
    return None if is_over else until


def is_held(run: Run, now: datetime) -> bool:
    """Tell whether a failed run is kept open for a retry."""
    return head_is_held(run.head, run.index.spec, now)


def head_is_held(head: RunHead, spec: PipelineSpec, now: datetime) -> bool:
    """As `is_held`, from the head of the run and its definition."""
    stage = failed_stage(head, spec)
    if stage is None or head.released_at is not None:
        return False
    if stage.after_failure is AfterFailure.RESET:
        return False
    until = hold_until(head, spec)
    return until is None or now < until


def _waits_for_person(run: Run, job: Job) -> bool:
    """Tell whether a job is parked at a gate, and not while another run works for it."""
    if not job.parked:
        return False
    step = run.index.jobs[job.id].steps[job.cursor]
    return run.step(step.id).status is not Status.RUNNING


def phase_of(run: Run, now: datetime) -> Phase:
    """Tell how far a run is."""
    head = run.head
    if head.status.is_final:
        return Phase.HELD if is_held(run, now) else Phase.CLOSED
    if run.awaits_trigger:
        return Phase.PAUSED
    if head.status is Status.QUEUED or head.cancel is not None:
        return Phase.EXECUTING
    if run.awaits_review or run.awaits_signals is not None:
        return Phase.PAUSED
    if any(gate.state == "open" and gate.kind == "quality" for gate in run.gates.values()):
        return Phase.PAUSED
    if head.stage < 0:
        return Phase.EXECUTING
    stage = run.index.spec.stages[head.stage]
    jobs = [run.job(job.id) for job in run.index.jobs_of(stage)]
    works = any(not job.status.is_final and not _waits_for_person(run, job) for job in jobs)
    return Phase.EXECUTING if works else Phase.PAUSED
