"""Make the answers about runs from snapshots. Pure."""

from collections.abc import Iterator
from typing import Any, TypeVar

from msgspec.structs import replace

from mulligan.core.cause import Cause
from mulligan.core.durations import seconds_between
from mulligan.core.evolve import index_of
from mulligan.core.ids import StageId
from mulligan.core.recovered import branch_of, recovery_of
from mulligan.core.run import (
    Caller,
    Gate,
    Job,
    Run,
    RunAttempt,
    RunHead,
    Stage,
    StartParameter,
    Step,
)
from mulligan.core.spec import JobSpec, SpecIndex, StageSpec, StepSpec
from mulligan.core.status import Status
from mulligan.engine.waits import Wait
from mulligan.facades.native import shapes
from mulligan.ports import NodeHistory

Record = TypeVar("Record", Stage, Job, Step)

MASKED = "******"
_LONGEST_VALUES = 80  # characters of the values in the name of a copy
_ROLLBACKS = {Status.CANCELLED: "rolled back", Status.FAILED: "rollback failed"}


class Snapshot:
    """The records of a run: of its newest attempt, or as an earlier one left them.

    Args:
        history: Needed for an earlier attempt.
        attempt: Which; None = the newest.
    """

    def __init__(
        self, run: Run, history: NodeHistory | None = None, attempt: int | None = None
    ) -> None:
        self.run = run
        self.attempt = run.head.attempt if attempt is None else attempt
        self._history = None if self.attempt == run.head.attempt else history
        self.index = run.index if self._history is None else self._split_then(self._history)

    def _split_then(self, history: NodeHistory) -> SpecIndex:
        return index_of(self.run, (self._at(records) for records in history.jobs.values()))

    def stage(self, spec: StageSpec) -> Stage:
        """Return the record of a stage."""
        if self._history is None:
            stage = self.run.stage(spec.id)
        else:
            stage = self._at(self._history.stages.get(spec.id, ())) or Stage(id=spec.id)
        return _settled(stage, self.status, None)

    def job(self, spec: JobSpec, stage: Stage) -> Job:
        """Return the record of a job, as its stage leaves it."""
        if self._history is None:
            job = self.run.job(spec.id)
        else:
            job = self._at(self._history.jobs.get(spec.id, ())) or Job(id=spec.id)
        return _settled(job, stage.status, stage.cause)

    def step(self, spec: StepSpec, job: Job) -> Step:
        """Return the record of a step, as its job leaves it."""
        return _settled(self.recorded_step(spec), job.status, job.cause)

    def recorded_step(self, spec: StepSpec) -> Step:
        """Return the record of a step as it is stored."""
        if self._history is None:
            return self.run.step(spec.id)
        return self._at(self._history.steps.get(spec.id, ())) or Step(id=spec.id)

    @property
    def status(self) -> Status:
        """Give the status of the run as this attempt left it."""
        if self._history is None:
            return self.run.head.status
        return self.head_attempt.status or Status.CANCELLED

    def gates(self) -> tuple[Gate, ...]:
        """Return where the run waits; an earlier attempt waits nowhere."""
        if self._history is not None:
            return ()
        gates = (gate for _, gate in sorted(self.run.gates.items(), key=lambda item: item[0]))
        return tuple(gate for gate in gates if gate.state == "open")

    @property
    def head_attempt(self) -> RunAttempt:
        """Return the attempt that is shown."""
        return self.run.head.attempts[self.attempt - 1]

    def _at(self, records: tuple[Record, ...]) -> Record | None:
        found = [record for record in records if record.run_attempt <= self.attempt]
        return found[-1] if found else None


def _settled(record: Record, parent: Status, cause: Cause | None) -> Record:
    """Give what has not begun its end, when what it is part of has ended.

    The engine writes nothing for it: that would cost an event per node of a run that fails early.
    """
    if record.status is not Status.QUEUED or not parent.is_final:
        return record
    left_out = cause if parent is Status.SKIPPED and cause is not Cause.UNREACHED else None
    return replace(record, status=Status.SKIPPED, cause=left_out or Cause.UNREACHED)


def stage_end(stage: Stage | None, run: Status) -> tuple[Status, Cause | None]:
    """Give status and cause of a stage of a run; without a record nothing has happened to it."""
    record = _settled(stage or Stage(id=StageId("")), run, None)
    return record.status, record.cause


def word(cause: Cause | None) -> str | None:
    """Give the word of a cause."""
    return None if cause is None else cause.value


def summary(head: RunHead, pipeline_name: str) -> shapes.RunSummary:
    """Show a run as lists do."""
    return shapes.RunSummary(**summary_fields(head, pipeline_name))


def summary_fields(head: RunHead, pipeline_name: str) -> dict[str, Any]:
    """Give the fields that every view of a run has."""
    return {
        "id": head.id,
        "number": head.number,
        "project": head.project,
        "pipeline": head.pipeline,
        "pipeline_name": pipeline_name,
        "version": head.version,
        "status": head.status.value,
        "cause": word(head.cause),
        "attempt": head.attempt,
        "revision": head.revision,
        "actor": head.started_by,
        "start_kind": head.start_kind,
        "message": head.message,
        "remark": head.remark,
        "queued_at": head.queued_at,
        "started_at": head.started_at,
        "ended_at": head.ended_at,
    }


def recovered_view(head: RunHead) -> shapes.RecoveredView | None:
    """Show how a run was repaired, if it was."""
    found = recovery_of(head)
    if found is None:
        return None
    return shapes.RecoveredView(
        by=found.by,
        at=found.at,
        seconds_saved=round(found.seconds_saved, 3),
        seconds_to_recover=seconds_between(found.broken_at, head.ended_at),
    )


def origin_fields(head: RunHead) -> dict[str, Any]:
    """Give what is known of the event that started a run."""
    commit = head.origin.commit if head.origin is not None else ""
    return {"branch": branch_of(head), "commit": commit}


def state(snapshot: Snapshot, waits: tuple[Wait, ...] = ()) -> shapes.RunState:
    """Show a run with all its nodes. `waits`: what it and its jobs wait for, besides people."""
    run = snapshot.run
    fields = summary_fields(run.head, run.index.spec.name)
    shown = snapshot.head_attempt
    status = snapshot.status
    if snapshot.attempt != run.head.attempt:
        fields |= {
            "status": status.value,
            "cause": word(shown.cause),
            "attempt": shown.number,
            "queued_at": shown.queued_at,
            "started_at": shown.started_at,
            "ended_at": shown.ended_at,
        }
    waivers = tuple(_waivers(snapshot))
    return shapes.RunState(
        **fields,
        **origin_fields(run.head),
        recovery=recovered_view(run.head) if shown is run.head.attempts[-1] else None,
        verdict=_verdict(shown, status, waivers),
        caller=None if run.head.caller is None else _caller(run.head.caller),
        attempts=tuple(show_attempt(attempt) for attempt in run.head.attempts),
        parameters=tuple(
            _parameter(parameter, snapshot.attempt) for parameter in run.head.parameters
        ),
        waivers=waivers,
        gates=tuple(show_gate(run, gate) for gate in snapshot.gates()),
        waits=tuple(show_wait(wait) for wait in waits),
        stages=tuple(_stage(snapshot, stage) for stage in run.index.spec.stages),
    )


def _parameter(parameter: StartParameter, attempt: int) -> shapes.ParameterView:
    value = parameter.at(attempt)
    is_changed = value != parameter.value
    first = MASKED if parameter.sensitive else parameter.value
    return shapes.ParameterView(
        name=parameter.name,
        value=MASKED if parameter.sensitive else value,
        started_with=first if is_changed else None,
    )


def _caller(caller: Caller) -> shapes.CallerView:
    return shapes.CallerView(
        run=caller.run,
        number=caller.number,
        pipeline=caller.pipeline,
        pipeline_name=caller.pipeline_name,
        step=caller.step,
        waits=caller.waits,
    )


def _verdict(attempt: RunAttempt, status: Status, waivers: tuple[shapes.Waiver, ...]) -> str:
    if not status.is_final:
        return ""
    if attempt.what == "rollback":
        return _ROLLBACKS.get(status, status.value)
    return "succeeded with waivers" if status is Status.SUCCEEDED and waivers else status.value


def _waivers(snapshot: Snapshot) -> Iterator[shapes.Waiver]:
    for job in snapshot.index.all_jobs():
        for spec in job.steps:
            step = snapshot.recorded_step(spec)
            if step.status is Status.SKIPPED and step.cause is Cause.WAIVED:
                yield shapes.Waiver(step=step.id, by=step.actor, reason=step.reason)


def show_attempt(attempt: RunAttempt) -> shapes.AttemptView:
    """Show one pass over a run."""
    return shapes.AttemptView(
        number=attempt.number,
        what=attempt.what,
        target=attempt.target,
        actor=attempt.actor,
        reason=attempt.reason,
        status=None if attempt.status is None else attempt.status.value,
        cause=word(attempt.cause),
        queued_at=attempt.queued_at,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
    )


def show_gate(run: Run, gate: Gate) -> shapes.GateView:
    """Show where a run waits for somebody."""
    group = ""
    position = next((p for stage, p in run.index.stages.items() if stage == gate.node), None)
    if position is not None:
        review = run.index.spec.stages[position].review
        group = review.groups[gate.group].id if review is not None else ""
    return shapes.GateView(
        node=gate.node.partition(":")[0] if gate.kind == "quality" else gate.node,
        kind=gate.kind,
        group=group,
        reviewers=gate.reviewers,
        signals=_signals(run, gate),
        opened_at=gate.opened_at,
        due_at=gate.due_at,
    )


def show_wait(wait: Wait) -> shapes.WaitView:
    """Show what is waited for, and who has it."""
    return shapes.WaitView(
        node=wait.node,
        kind=wait.kind,
        name=wait.name,
        ahead=wait.ahead,
        holders=tuple(
            shapes.HolderView(
                run=holder.run,
                number=holder.number,
                pipeline=holder.pipeline,
                pipeline_name=holder.pipeline_name,
                job=holder.job,
                job_name=holder.job_name,
            )
            for holder in wait.holders
        ),
        due_at=wait.due_at,
    )


def _signals(run: Run, gate: Gate) -> tuple[int, int] | None:
    """Count what has come; ids of hooks are addresses, and stay out."""
    position = run.index.stages.get(StageId(gate.node))
    wanted = run.index.spec.stages[position].signals if position is not None else None
    if gate.kind != "signal" or wanted is None:
        return None
    return len(gate.values), len(wanted.signals) if wanted.needs_all else 1


def _stage(snapshot: Snapshot, spec: StageSpec) -> shapes.StageView:
    stage = snapshot.stage(spec)
    return shapes.StageView(
        id=spec.id,
        name=spec.name,
        ref=spec.ref,
        is_finally=spec.is_finally,
        status=stage.status.value,
        cause=word(stage.cause),
        attempt=stage.attempt,
        started_at=stage.started_at,
        ended_at=stage.ended_at,
        jobs=tuple(_job(snapshot, job, stage) for job in snapshot.index.jobs_of(spec)),
    )


def _job(snapshot: Snapshot, spec: JobSpec, stage: Stage) -> shapes.JobView:
    job = snapshot.job(spec, stage)
    return shapes.JobView(
        id=spec.id,
        name=job_name(spec),
        ref=spec.ref,
        copy_of=snapshot.index.parents.get(spec.id),
        values=dict(spec.matrix_values),
        needs=spec.depends_on,
        status=job.status.value,
        cause=word(job.cause),
        attempt=job.attempt,
        run_attempt=job.run_attempt,
        mode=job.mode,
        message=job.message,
        runner=job.runner,
        workspace=job.workspace,
        queued_at=job.queued_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        # those of a matrix job are only the pattern of what its copies do
        steps=tuple(_step(snapshot, step, job) for step in spec.steps if spec.matrix is None),
    )


def job_name(spec: JobSpec) -> str:
    """Give the name of a job; of a copy of a matrix job with its values."""
    values = [value for name, value in spec.matrix_values if not _is_member(spec, name)]
    if not spec.matrix_values:
        return spec.name
    text = ", ".join(values)
    return f"{spec.name} ({text[:_LONGEST_VALUES]}{'…' if len(text) > _LONGEST_VALUES else ''})"


def _is_member(spec: JobSpec, name: str) -> bool:
    """Tell whether a value is a member of another one, which is an object."""
    return any(name.startswith(f"{other}.") for other, _ in spec.matrix_values)


def _step(snapshot: Snapshot, spec: StepSpec, job: Job) -> shapes.StepView:
    step = snapshot.step(spec, job)
    return shapes.StepView(
        id=spec.id,
        name=spec.name,
        ref=spec.ref,
        kind=spec.kind,
        status=step.status.value,
        cause=word(step.cause),
        attempt=step.attempt,
        run_attempt=step.run_attempt,
        exit_code=step.exit_code,
        message=step.message,
        reason=step.reason,
        progress=step.progress,
        called=None if step.called is None else step.called.run,
        started_at=step.started_at,
        ended_at=step.ended_at,
    )
