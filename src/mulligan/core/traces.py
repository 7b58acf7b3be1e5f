"""A run as a trace: spans of its attempts, stages, jobs and steps. Pure.

All ids follow from the names of what they stand for, so that the same work has the same span
whenever it is looked at, and a step can be told its own before it runs.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from mulligan.core.cause import Cause
from mulligan.core.ids import JobId, RunId, StageId, StepId
from mulligan.core.run import Job, Run, Stage, Step
from mulligan.core.status import Status
from mulligan.core.tallies import result_word

Record = TypeVar("Record", Stage, Job, Step)

MOST_SPANS = 10_000  # of one attempt of a run
_LONGEST_TEXT = 500  # characters


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Something that took time. Ids in hexadecimal digits.

    Args:
        parent, link: Ids of spans of the same trace; "" = none. `link`: what this is a retry of.
        error: Why it failed; None = it did not.
    """

    trace_id: str
    span_id: str
    parent: str
    name: str
    started_at: datetime
    ended_at: datetime
    attributes: dict[str, str | int]
    link: str = ""
    error: str | None = None


def trace_id(run: RunId) -> str:
    """Give the id of the trace of a run: the digits of its own."""
    return run.removeprefix("b-")


def span_id(run: RunId, kind: str, node: str, attempt: int) -> str:
    """Give the id of the span of an attempt of a node. `kind`: run, stage, job or step."""
    text = f"{run} {kind} {node} {attempt}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def traceparent(run: RunId, step: StepId, attempt: int) -> str:
    """Give what a step hands on to its programs, so that their spans become part of its own."""
    return f"00-{trace_id(run)}-{span_id(run, 'step', step, attempt)}-01"


class _History(Protocol):
    """All attempts of all nodes of a run, by node, oldest first."""

    @property
    def stages(self) -> Mapping[str, tuple[Stage, ...]]: ...

    @property
    def jobs(self) -> Mapping[str, tuple[Job, ...]]: ...

    @property
    def steps(self) -> Mapping[str, tuple[Step, ...]]: ...


def spans_of(run: Run, history: _History, attempt: int, *, url: str = "") -> tuple[Span, ...]:
    """Give the spans of an attempt of a run that has ended, its own first.

    Args:
        url: Where people look at the run.
    """
    maker = _Maker(run, attempt)
    inner = [*maker.stages(history.stages), *maker.jobs(history.jobs), *maker.steps(history.steps)]
    left_out = max(0, len(inner) - MOST_SPANS)
    root = maker.root(url, left_out)
    return () if root is None else (root, *inner[:MOST_SPANS])


class _Maker:
    """Makes the spans of one attempt of a run."""

    def __init__(self, run: Run, attempt: int) -> None:
        self._run = run
        self._id = run.head.id
        self._attempt = attempt
        self._root = span_id(self._id, "run", "", attempt)
        self._stages: dict[str, str] = {}  # id of the span by stage
        self._jobs: dict[tuple[str, int], str] = {}  # by job and its attempt

    def root(self, url: str, left_out: int) -> Span | None:
        """Return the span of the attempt itself; a later one stands below the first."""
        head, number = self._run.head, self._attempt
        attempt = head.attempts[number - 1]
        if attempt.ended_at is None or attempt.status is None:
            return None
        attributes: dict[str, str | int] = {
            "cicd.pipeline.name": self._run.index.spec.name,
            "cicd.pipeline.run.id": head.id,
            "cicd.pipeline.result": result_word(attempt.status, attempt.cause),
            "mulligan.project": head.project,
            "mulligan.run.number": head.number,
            "mulligan.run.attempt": number,
            "mulligan.run.what": attempt.what,
        }
        if url:
            attributes["cicd.pipeline.run.url.full"] = url
        if left_out:
            attributes["mulligan.spans_left_out"] = left_out
        return Span(
            trace_id=trace_id(self._id),
            span_id=self._root,
            parent="" if number == 1 else span_id(self._id, "run", "", 1),
            link="" if number == 1 else span_id(self._id, "run", "", number - 1),
            name=f"RUN {self._run.index.spec.name}",
            started_at=attempt.queued_at,
            ended_at=attempt.ended_at,
            attributes=attributes,
            error=_error(attempt.status, attempt.cause, ""),
        )

    def stages(self, found: Mapping[str, tuple[Stage, ...]]) -> Iterator[Span]:
        """Yield the spans of stages."""
        index = self._run.index
        for stage in self._mine(found.values()):
            position = index.stages.get(StageId(stage.id))
            if position is not None:
                ident = span_id(self._id, "stage", stage.id, stage.attempt)
                self._stages[stage.id] = ident
                name = index.spec.stages[position].name or stage.id
                yield from self._span("stage", stage, name, self._root)

    def jobs(self, found: Mapping[str, tuple[Job, ...]]) -> Iterator[Span]:
        """Yield the spans of jobs, below those of their stages."""
        index = self._run.index
        for job in self._mine(found.values()):
            spec = index.jobs.get(JobId(job.id))
            if spec is None:
                continue
            self._jobs[job.id, job.attempt] = span_id(self._id, "job", job.id, job.attempt)
            stage = index.spec.stages[index.job_stage[spec.id]].id
            extra = {"cicd.worker.name": job.runner} if job.runner else {}
            parent = self._stages.get(stage, self._root)
            yield from self._span("job", job, spec.name or job.id, parent, extra)

    def steps(self, found: Mapping[str, tuple[Step, ...]]) -> Iterator[Span]:
        """Yield the spans of attempts of steps, below those of their jobs."""
        index = self._run.index
        for step in self._mine(found.values()):
            spec = index.steps.get(StepId(step.id))
            if spec is None:
                continue
            job = index.step_job[spec.id][0]
            extra: dict[str, str | int] = {}
            if step.exit_code is not None:
                extra["process.exit.code"] = step.exit_code
            parent = self._jobs.get((job, step.job_attempt), self._root)
            yield from self._span("step", step, spec.name or step.id, parent, extra)

    def _mine(self, found: Iterable[Sequence[Record]]) -> Iterator[Record]:
        for records in found:
            for record in records:
                if record.run_attempt == self._attempt and record.started_at is not None:
                    yield record

    def _span(
        self,
        kind: str,
        record: Stage | Job | Step,
        name: str,
        parent: str,
        extra: Mapping[str, str | int] | None = None,
    ) -> Iterator[Span]:
        """Yield the span of a record; none if it has not ended."""
        if record.started_at is None or record.ended_at is None:
            return
        again = record.attempt > 1
        message = record.message if isinstance(record, Step | Job) else ""
        yield Span(
            trace_id=trace_id(self._id),
            span_id=span_id(self._id, kind, record.id, record.attempt),
            parent=parent,
            link=span_id(self._id, kind, record.id, record.attempt - 1) if again else "",
            name=name,
            started_at=record.started_at,
            ended_at=record.ended_at,
            attributes={
                "cicd.pipeline.task.name": name,
                "cicd.pipeline.task.run.id": record.id,
                "cicd.pipeline.task.run.result": result_word(record.status, record.cause),
                "mulligan.kind": kind,
                "mulligan.attempt": record.attempt,
                **(extra or {}),
            },
            error=_error(record.status, record.cause, message),
        )


def _error(status: Status, cause: Cause | None, message: str) -> str | None:
    if status is not Status.FAILED:
        return None
    return (message or (cause.value if cause is not None else "failed"))[:_LONGEST_TEXT]
