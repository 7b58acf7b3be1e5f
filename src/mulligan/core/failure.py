"""Which failure of a run came first, and since when it happens. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from mulligan.core.cause import Cause
from mulligan.core.ids import JobId, RunId, StageId, StepId, UserName
from mulligan.core.run import Job, Run, Stage, Step
from mulligan.core.spec import JobSpec, OnFailure, StageSpec
from mulligan.core.status import Status

# Ended because something else had failed or somebody wanted it, so never the root.
_CONSEQUENCES = {Cause.FAST_KILL, Cause.TERMINATED}


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A node that failed by itself: the lowest one that says so.

    Args:
        kind: step, job, stage or run.
        others: How many more nodes of the lowest kind failed.
    """

    kind: str
    stage: StageId | None = None
    job: JobId | None = None
    step: StepId | None = None
    attempt: int = 1
    cause: Cause | None = None
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None
    error_type: int | None = None
    error_code: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    others: int = 0

    @property
    def node(self) -> str:
        """Return the id of the node that failed; "" = the run."""
        return self.step or self.job or self.stage or ""


class _Candidate(msgspec.Struct, frozen=True):
    """A failure and what decides whether it is the root; the smallest is."""

    is_consequence: bool
    is_soft: bool
    is_finally: bool
    ended_at: float  # epoch seconds
    place: int
    failure: Failure

    @property
    def rank(self) -> tuple[bool, bool, bool, float, int]:
        return (
            self.is_consequence,
            self.is_soft,
            self.is_finally,
            self.ended_at,
            self.place,
        )


def root_failure(run: Run) -> Failure | None:
    """Give the first failure that no other one explains; None = nothing failed for good.

    What failed by itself comes before what was ended because of it, what broke its job before
    what was continued, ordinary stages before the final one; then the one that ended first. A job
    counts only if no step of it failed, a stage only if no job did.
    """
    if run.head.status is Status.SUCCEEDED:
        return None
    candidates = sorted(_candidates(run), key=lambda each: each.rank)
    if candidates:
        failure = candidates[0].failure
        return msgspec.structs.replace(failure, others=len(candidates) - 1)
    if run.head.status is not Status.FAILED:
        return None
    return Failure(kind="run", cause=run.head.cause, ended_at=run.head.ended_at)


def _candidates(run: Run) -> Iterator[_Candidate]:
    place = 0
    for stage in run.index.spec.stages:
        found_in_stage = False
        for job in run.index.jobs_of(stage):
            place += 1
            found = tuple(_in_job(run, stage, job, place * 100_000))
            found_in_stage = found_in_stage or bool(found)
            yield from found
        record = run.stage(stage.id)
        if not found_in_stage and record.status is Status.FAILED:
            yield _candidate(stage, record, Failure(kind="stage", stage=stage.id), place * 100_000)


def _in_job(run: Run, stage: StageSpec, job: JobSpec, place: int) -> Iterator[_Candidate]:
    found = False
    for number, spec in enumerate(() if job.matrix is not None else job.steps):
        step = run.step(spec.id)
        if step.status is not Status.FAILED:
            continue
        found = True
        failure = Failure(
            kind="step",
            stage=stage.id,
            job=job.id,
            step=spec.id,
            exit_code=step.exit_code,
            signal=step.signal,
            error_type=step.error_type,
            error_code=step.error_code,
            message=step.message,
        )
        is_soft = spec.on_failure is OnFailure.CONTINUE
        yield _candidate(stage, step, failure, place + number, is_soft=is_soft)
    record = run.job(job.id)
    copies = run.index.children.get(job.id, ())
    copy_failed = any(run.job(copy.id).status is Status.FAILED for copy in copies)
    if not found and record.status is Status.FAILED and not copy_failed:
        failure = Failure(kind="job", stage=stage.id, job=job.id, message=record.message)
        yield _candidate(stage, record, failure, place)


def _candidate(
    stage: StageSpec,
    record: Stage | Job | Step,
    failure: Failure,
    place: int,
    *,
    is_soft: bool = False,
) -> _Candidate:
    ended_at = record.ended_at
    return _Candidate(
        record.cause in _CONSEQUENCES,
        is_soft,
        stage.is_finally,
        float("inf") if ended_at is None else ended_at.timestamp(),
        place,
        msgspec.structs.replace(
            failure,
            attempt=record.attempt,
            cause=record.cause,
            started_at=record.started_at,
            ended_at=ended_at,
        ),
    )


class PastNode(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one node in an earlier run of the same pipeline, in its latest attempt."""

    run: RunId
    number: int
    status: Status
    started_by: UserName
    message: str
    queued_at: datetime
    seconds: float | None = None
    attempt: int = 1


class FailingSince(msgspec.Struct, frozen=True, kw_only=True):
    """Since when a node fails.

    Args:
        first: The oldest run of the unbroken row of failures.
        last_green: The newest run before these in which it succeeded; None = not found.
        runs: How many runs failed in it, this one counted.
        is_known: False: what was looked at ends within the row, so it may be longer.
    """

    first: PastNode
    last_green: PastNode | None
    runs: int
    is_known: bool


def failing_since(past: Sequence[PastNode], *, is_all: bool) -> FailingSince | None:
    """Tell since when a node fails.

    Args:
        past: What became of it, newest run first; the first is that of the run in question.
        is_all: There are no older runs than these.
    """
    first: PastNode | None = None
    runs = 0
    for node in past:
        if node.status is Status.SUCCEEDED:
            break
        if node.status is Status.FAILED:  # what was skipped or cancelled says nothing
            first, runs = node, runs + 1
    if first is None:
        return None
    green = _newest_green(past)
    return FailingSince(
        first=first, last_green=green, runs=runs, is_known=green is not None or is_all
    )


def _newest_green(past: Iterable[PastNode]) -> PastNode | None:
    return next((node for node in past if node.status is Status.SUCCEEDED), None)
