"""`evolve(run, event) -> Run`: the only place where a snapshot changes.

Pure: the given snapshot stays as it was. The cost does not depend on the size of the run: records
live in persistent maps, and what a parent needs to know of its children (`Stage.open_jobs`,
`Job.cursor`, `Job.weather`) is carried along instead of counted again.
"""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.matrix import copies_of
from mulligan.core.run import (
    CancelRequest,
    Gate,
    Job,
    MutexTicket,
    Repair,
    Run,
    RunError,
    RunHead,
    Stage,
    Step,
    Vote,
    Weather,
    Write,
)
from mulligan.core.spec import OnFailure, SpecIndex, StepSpec
from mulligan.core.status import Status
from mulligan.core.transitions import Move, finish, next_status

MOST_REPAIRS = 200  # that an attempt remembers
# Ended from outside, whatever the step would have come to.
_CUT = frozenset({Cause.TERMINATED, Cause.FAST_KILL, Cause.JOB_TIMEOUT})


def evolve(run: Run, event: e.Event) -> Run:
    """Give the snapshot after `event`.

    Raises:
        IllegalTransitionError: The event does not fit the present status of its node.
    """
    return _HANDLERS[type(event)](run, event)


def fold_weather(weather: Weather, spec: StepSpec, step: Step) -> Weather:
    """Give the weather of a job after one more step that is final."""
    if step.status is Status.CANCELLED:
        return Weather.CANCELLED
    if step.status is not Status.FAILED or weather is Weather.CANCELLED:
        return weather
    if spec.on_failure is OnFailure.CONTINUE and step.cause not in _CUT:
        return Weather.SOFT if weather is Weather.OK else weather
    return Weather.FAILED


def derive(run: Run) -> Run:
    """Fill in what is not stored of a run just loaded: copies, `open_jobs`, `cursor`, `weather`."""
    run = with_index(run, run.index)
    for stage_id, stage in run.stages.items():
        if stage.status is Status.RUNNING:
            run = _put_stage(run, replace(stage, open_jobs=count_open(run, stage_id)))
    for job_id, job in run.jobs.items():
        if not job.status.is_final and job_id in run.index.jobs:  # not there: a copy that is gone
            run = _resettle(run, job_id)
    return run


def with_index(run: Run, index: SpecIndex) -> Run:
    """Let the run go by another definition of the same jobs; its matrix jobs stay split."""
    return replace(run, index=_index_of(run, index, run.jobs.values()))


def index_of(run: Run, jobs: Iterable[Job | None]) -> SpecIndex:
    """Give the definition of a run with its matrix jobs split as those records say."""
    return _index_of(run, run.index, jobs)


def _index_of(run: Run, index: SpecIndex, jobs: Iterable[Job | None]) -> SpecIndex:
    index = index.definition
    for job in jobs:
        if job is not None and job.combinations:
            index = _split(index, job, run)
    return index


def _split(index: SpecIndex, job: Job, run: Run) -> SpecIndex:
    copies = copies_of(index.jobs[job.id], job.combinations, run.head.disabled_steps)
    return index.with_children(job.id, copies)


def count_open(run: Run, stage_id: StageId) -> int:
    """Count the jobs of a stage that are not final."""
    stage = run.index.spec.stages[run.index.stages[stage_id]]
    return sum(not run.job(job.id).status.is_final for job in stage.jobs)


def _put_stage(run: Run, stage: Stage) -> Run:
    return replace(run, stages=run.stages.set(stage.id, stage))


def _put_job(run: Run, job: Job) -> Run:
    return replace(run, jobs=run.jobs.set(job.id, job))


def _put_step(run: Run, step: Step) -> Run:
    return replace(run, steps=run.steps.set(step.id, step))


def _put_gate(run: Run, gate: Gate) -> Run:
    return replace(run, gates=run.gates.set(gate.node, gate))


def _head(run: Run, **changes: Any) -> Run:
    return replace(run, head=replace(run.head, **changes))


def _settle(run: Run, job: Job) -> Run:
    """Move the cursor over steps that are final, folding each into the weather."""
    steps = run.index.jobs[job.id].steps
    cursor, weather = job.cursor, job.weather
    while cursor < len(steps):
        step = run.step(steps[cursor].id)
        if not step.status.is_final:
            break
        weather = fold_weather(weather, steps[cursor], step)
        cursor += 1
    if cursor == job.cursor and weather is job.weather:
        return run
    return _put_job(run, replace(job, cursor=cursor, weather=weather))


def _resettle(run: Run, job_id: JobId) -> Run:
    job = replace(run.job(job_id), cursor=0, weather=Weather.OK)
    return _settle(_put_job(run, job), job)


# --- the run itself ---------------------------------------------------------------------------


def _run_created(run: Run, _event: e.RunCreated) -> Run:
    return run


def _this_attempt(head: RunHead, **changes: Any) -> tuple[Any, ...]:
    return (*head.attempts[:-1], replace(head.attempts[-1], **changes))


def _run_started(run: Run, event: e.RunStarted) -> Run:
    head = run.head
    return _head(
        run,
        status=next_status(head.status, Move.STARTED),
        started_at=head.started_at or event.at,
        attempts=_this_attempt(head, started_at=event.at),
        version_number=(
            head.version_number if event.version_number is None else event.version_number
        ),
    )


def _run_retried(run: Run, event: e.RunRetried) -> Run:
    head = run.head
    return _head(
        run,
        attempt=event.attempt.number,
        attempts=(*head.attempts, event.attempt),
        status=Status.QUEUED,
        cause=None,
        queued_at=event.at,
        started_at=None if event.renew_start else head.started_at,
        ended_at=None,
        cancel=None,
        stage=-1,
        retry_target=event.retry_target,
        version=event.version or head.version,
        released_at=None,
        released_by=None,
    )


def _run_repaired(run: Run, event: e.RunRepaired) -> Run:
    if event.seconds_saved is None:
        return run
    repair = Repair(
        at=event.at,
        actor=event.actor,
        what=event.what,
        target=event.target,
        reason=event.reason,
        seconds_saved=event.seconds_saved,
        changes=event.changes,
    )
    repairs = (*run.head.attempts[-1].repairs, repair)[-MOST_REPAIRS:]
    return _head(run, attempts=_this_attempt(run.head, repairs=repairs))


def _cancel_requested(run: Run, event: e.CancelRequested) -> Run:
    request = CancelRequest(by=event.actor, at=event.at, stage=run.head.stage, forced=event.forced)
    return _head(run, cancel=request)


def _copy_of_step(run: Run, step_id: StepId) -> JobId | None:
    """Return the copy of a matrix job that holds the step; it may be gone when that is asked."""
    job_id = run.index.step_job[step_id][0]
    return job_id if job_id in run.index.parents else None


def _run_finished(run: Run, event: e.RunFinished) -> Run:
    head = run.head
    failed = [run.step(step_id) for step_id in head.failed_steps]
    errors = tuple(
        RunError(
            step=step.id,
            job=_copy_of_step(run, step.id),
            message=step.message,
            error_type=step.error_type,
            error_code=step.error_code,
        )
        for step in failed
        if step.status is Status.FAILED
    )
    return _head(
        run,
        status=finish(head.status, event.status),
        cause=event.cause,
        ended_at=event.at,
        errors=errors,
        attempts=_this_attempt(head, ended_at=event.at, status=event.status, cause=event.cause),
    )


def _written_on(stack: tuple[Write, ...], write: Write) -> tuple[Write, ...]:
    """Add a write; one of the same node attempt right below it is replaced."""
    if stack and (stack[-1].writer, stack[-1].attempt) == (write.writer, write.attempt):
        stack = stack[:-1]
    return (*stack, write)


def _values_written(run: Run, event: e.ValuesWritten) -> Run:
    with run.writes.mutate() as writes:
        for write in event.writes:
            writes[write.name] = _written_on(writes.get(write.name, ()), write)
        after = writes.finish()
    return replace(run, writes=after)


def _values_withdrawn(run: Run, event: e.ValuesWithdrawn) -> Run:
    if event.everything:
        return replace(run, writes=run.writes.__class__())
    gone = frozenset(event.writers)
    with run.writes.mutate() as writes:
        for name, stack in run.writes.items():
            kept: tuple[Write, ...] = ()
            for write in stack:
                if write.writer not in gone:
                    kept = _written_on(kept, write)
            if not kept:
                del writes[name]
            elif len(kept) != len(stack):
                writes[name] = kept
        after = writes.finish()
    return replace(run, writes=after)


# --- stages -----------------------------------------------------------------------------------


def _stage_reached(run: Run, event: e.StageReached) -> Run:
    stage = run.stage(StageId(event.node))
    stage = replace(stage, run_attempt=run.head.attempt, started_at=event.at)
    return _head(_put_stage(run, stage), stage=event.position)


def _stage_started(run: Run, event: e.StageStarted) -> Run:
    stage_id = StageId(event.node)
    stage = run.stage(stage_id)
    stage = replace(
        stage,
        run_attempt=run.head.attempt,
        status=next_status(stage.status, Move.STARTED, node=stage_id),
        started_at=event.at,
        open_jobs=count_open(run, stage_id),
    )
    return _head(_put_stage(run, stage), stage=event.position)


def _stage_finished(run: Run, event: e.StageFinished) -> Run:
    stage = run.stage(StageId(event.node))
    stage = replace(
        stage,
        run_attempt=run.head.attempt,
        status=finish(stage.status, event.status, node=event.node),
        cause=event.cause,
        ended_at=event.at,
        open_jobs=0,
    )
    return _put_stage(run, stage)


def _stage_reset(run: Run, event: e.StageReset) -> Run:
    stage = run.stage(StageId(event.node))
    again = Stage(id=stage.id, attempt=stage.attempt + 1, run_attempt=event.run_attempt)
    return _put_stage(run, again)


# --- jobs -------------------------------------------------------------------------------------


def _mutex_asked(run: Run, event: e.MutexAsked) -> Run:
    ticket = MutexTicket(
        name=event.mutex, asked_at=event.at, places=event.places, due_at=event.due_at
    )
    job = run.job(JobId(event.node))
    return _put_job(run, replace(job, mutex=ticket, run_attempt=event.run_attempt))


def _job_queued(run: Run, event: e.JobQueued) -> Run:
    job = run.job(JobId(event.node))
    ticket = job.mutex and replace(job.mutex, held=True)
    job = replace(job, queued_at=event.at, run_attempt=event.run_attempt, mutex=ticket)
    return _resettle(_put_job(run, job), job.id)


def _job_split(run: Run, event: e.JobSplit) -> Run:
    job = run.job(JobId(event.node))
    job = replace(
        job,
        run_attempt=event.run_attempt,
        status=next_status(job.status, Move.STARTED, node=job.id),
        queued_at=event.at,
        started_at=event.at,
        parked=True,
        combinations=event.combinations,
    )
    return replace(_put_job(run, job), index=_split(run.index, job, run))


def _job_claimed(run: Run, event: e.JobClaimed) -> Run:
    job = run.job(JobId(event.node))
    return _put_job(
        run,
        replace(
            job,
            status=next_status(job.status, Move.STARTED, node=job.id),
            runner=event.runner,
            fence=event.fence,
            parked=False,
            started_at=job.started_at or event.at,
            counted_from=job.counted_from or event.at,
        ),
    )


def _job_parked(run: Run, event: e.JobParked) -> Run:
    return _put_job(run, replace(run.job(JobId(event.node)), parked=True, runner=None))


def _job_requeued(run: Run, event: e.JobRequeued) -> Run:
    job = run.job(JobId(event.node))
    status = next_status(job.status, Move.REQUEUED, node=job.id)
    job = replace(job, status=status, runner=None, parked=False, queued_at=event.at)
    if event.lost or event.anew:
        job = replace(job, counted_from=None)
    return _resettle(_put_job(run, job), job.id)


def _job_stopping(run: Run, event: e.JobStopping) -> Run:
    return _put_job(run, replace(run.job(JobId(event.node)), stopping=event.cause))


def _job_finished(run: Run, event: e.JobFinished) -> Run:
    job = run.job(JobId(event.node))
    run = _put_job(
        run,
        replace(
            job,
            run_attempt=run.head.attempt,
            status=finish(job.status, event.status, node=job.id),
            cause=event.cause,
            ended_at=event.at,
            parked=False,
        ),
    )
    stage = run.stage(run.index.stage_of_job(job.id).id)
    if stage.status is Status.RUNNING and job.id not in run.index.parents:
        run = _put_stage(run, replace(stage, open_jobs=stage.open_jobs - 1))
    return run


def _job_reset(run: Run, event: e.JobReset) -> Run:
    job = run.job(JobId(event.node))
    stage = run.stage(run.index.stage_of_job(job.id).id)
    counts = stage.status is Status.RUNNING and job.id not in run.index.parents
    if counts and job.status.is_final:
        run = _put_stage(run, replace(stage, open_jobs=stage.open_jobs + 1))
    again = Job(
        id=job.id,
        attempt=job.attempt + 1 if job.id in run.jobs else 1,
        run_attempt=event.run_attempt,
        fence=job.fence,
        workspace=event.workspace,
        mode=event.mode,
        combinations=job.combinations if event.keeps_split else (),
    )
    if job.combinations and not event.keeps_split:
        run = _without_copies(run, job.id)
    return _settle(_put_job(run, again), again)


def _without_copies(run: Run, job_id: JobId) -> Run:
    """Forget the copies of a matrix job. Their records stay, and go on if there is one again."""
    gone = {step.id for copy in run.index.children[job_id] for step in copy.steps}
    rest = tuple(step for step in run.head.failed_steps if step not in gone)
    if len(rest) != len(run.head.failed_steps):
        run = _head(run, failed_steps=rest)
    return replace(run, index=run.index.with_children(job_id, ()))


# --- steps ------------------------------------------------------------------------------------


def _without_failed(run: Run, step_id: StepId) -> Run:
    if step_id not in run.head.failed_steps:
        return run
    rest = tuple(other for other in run.head.failed_steps if other != step_id)
    return _head(run, failed_steps=rest)


def _step_started(run: Run, event: e.StepStarted) -> Run:
    step = run.step(StepId(event.node))
    job = run.job(run.index.step_job[step.id][0])
    return _put_step(
        run,
        replace(
            step,
            run_attempt=run.head.attempt,
            job_attempt=job.attempt,
            status=next_status(step.status, Move.STARTED, node=step.id),
            runner=event.runner,
            started_at=event.at,
        ),
    )


def _step_inputs_changed(run: Run, event: e.StepInputsChanged) -> Run:
    return _put_step(run, replace(run.step(StepId(event.node)), inputs=event.inputs))


def _step_patched(run: Run, event: e.StepPatched) -> Run:
    step = run.step(StepId(event.node))
    # it may have no record yet: then nothing of earlier attempts is told by this one
    return _put_step(run, replace(step, run_attempt=run.head.attempt, patch=event.patch))


def _step_called(run: Run, event: e.StepCalled) -> Run:
    return _put_step(run, replace(run.step(StepId(event.node)), called=event.called))


def _step_progressed(run: Run, event: e.StepProgressed) -> Run:
    return _put_step(run, replace(run.step(StepId(event.node)), progress=event.progress))


def _step_finished(run: Run, event: e.StepFinished) -> Run:
    step = run.step(StepId(event.node))
    # the budget counts failures in a row that a rule may answer (spec/bkci-build-api.md §3.10)
    counts = event.status is Status.FAILED and event.cause not in _CUT
    after = replace(
        step,
        run_attempt=run.head.attempt,
        status=finish(step.status, event.status, node=step.id),
        cause=event.cause,
        exit_code=event.exit_code,
        signal=event.signal,
        message=event.message,
        error_type=event.error_type,
        error_code=event.error_code,
        ended_at=event.at,
        actor=event.actor or step.actor,
        reason=event.reason,
        pin=event.pin or step.pin,
        metrics=event.metrics,
        progress=event.progress,
        auto_retries=step.auto_retries if counts else 0,
        lost=step.lost + 1 if event.cause is Cause.LOST else 0,
    )
    run = _without_failed(_put_step(run, after), step.id)
    if event.status is Status.FAILED:
        run = _head(run, failed_steps=(*run.head.failed_steps, step.id))
    return _settle(run, run.job(run.index.step_job[step.id][0]))


def _step_skipped(run: Run, event: e.StepSkipped) -> Run:
    step = run.step(StepId(event.node))
    job_id = run.index.step_job[step.id][0]
    after = replace(
        step,
        run_attempt=run.head.attempt,
        job_attempt=run.job(job_id).attempt,
        status=finish(step.status, Status.SKIPPED, node=step.id),
        cause=event.cause,
        actor=event.actor or step.actor,
        reason=event.reason,
        message=event.message,
        ended_at=event.at,
    )
    return _settle(_without_failed(_put_step(run, after), step.id), run.job(job_id))


def _next_attempt(step: Step, **changes: Any) -> Step:
    fresh = Step(
        id=step.id,
        attempt=step.attempt + 1,
        run_attempt=step.run_attempt,
        job_attempt=step.job_attempt,
        auto_retries=step.auto_retries,
        manual_retries=step.manual_retries,
        lost=step.lost,
        pin=step.pin,
        patch=step.patch,
        parameters_of=step.parameters_of,
    )
    return replace(fresh, **changes)


def _step_reset(run: Run, event: e.StepReset) -> Run:
    step = run.step(StepId(event.node))
    manual = step.manual_retries + 1 if event.asked else step.manual_retries
    # like the pause at which they were changed, they hold for one attempt of the run
    inputs = step.inputs if event.run_attempt == step.run_attempt else None
    changes = (each.changes[-1].run_attempt for each in run.head.parameters if each.changes)
    again = _next_attempt(
        step,
        run_attempt=event.run_attempt,
        manual_retries=manual,
        lost=0,
        inputs=inputs,
        parameters_of=max(changes, default=0),
    )
    return _put_step(run, again)


def _step_retried(run: Run, event: e.StepRetried) -> Run:
    step = run.step(StepId(event.node))
    auto = step.auto_retries if event.lost else step.auto_retries + 1
    run = _put_step(run, _next_attempt(step, auto_retries=auto, inputs=step.inputs))
    return _resettle(run, run.index.step_job[step.id][0])


# --- gates ------------------------------------------------------------------------------------


def _gate_opened(run: Run, event: e.GateOpened) -> Run:
    before = run.gates.get(event.node)
    gate = Gate(
        node=event.node,
        number=before.number + 1 if before else 1,
        kind=event.kind,
        run_attempt=event.run_attempt,
        opened_at=event.at,
        group=event.group,
        reviewers=event.reviewers,
        due_at=event.due_at,
        values=event.values,
    )
    return _put_gate(run, gate)


def _signal_received(run: Run, event: e.SignalReceived) -> Run:
    gate = run.gates[event.node]
    return _put_gate(run, replace(gate, values={**gate.values, event.hook: event.values}))


def _gate_voted(run: Run, event: e.GateVoted) -> Run:
    gate = run.gates[event.node]
    vote = Vote(
        group=gate.group,
        user=event.user,
        approve=event.approve,
        at=event.at,
        suggestion=event.suggestion,
        values=event.values,
    )
    gate = replace(gate, votes=(*gate.votes, vote), values={**gate.values, **event.values})
    if event.next_group is not None:
        gate = replace(gate, group=event.next_group, reviewers=event.reviewers)
    return _put_gate(run, gate)


def _gate_closed(run: Run, event: e.GateClosed) -> Run:
    state = "approved" if event.approved else "rejected"
    return _put_gate(run, replace(run.gates[event.node], state=state, closed_at=event.at))


def _gate_carried(run: Run, event: e.GateCarried) -> Run:
    gate = run.gates[event.node]
    return _put_gate(run, replace(gate, carried=True, run_attempt=event.run_attempt))


_HANDLERS: dict[type, Callable[[Run, Any], Run]] = {
    e.RunCreated: _run_created,
    e.RunStarted: _run_started,
    e.RunRetried: _run_retried,
    e.RunRepaired: _run_repaired,
    e.HoldReleased: lambda run, event: _head(run, released_at=event.at, released_by=event.actor),
    e.CancelRequested: _cancel_requested,
    e.RunFinished: _run_finished,
    e.RemarkWritten: lambda run, event: _head(run, remark=event.text),
    e.ValuesWritten: _values_written,
    e.ValuesWithdrawn: _values_withdrawn,
    e.ParametersApplied: lambda run, event: _head(run, parameters=event.parameters),
    e.QualityChecked: lambda run, _event: run,
    e.StageReached: _stage_reached,
    e.StageStarted: _stage_started,
    e.StageFinished: _stage_finished,
    e.StageReset: _stage_reset,
    e.MutexAsked: _mutex_asked,
    e.JobExplained: lambda run, event: _put_job(
        run, replace(run.job(JobId(event.node)), message=event.message)
    ),
    e.JobQueued: _job_queued,
    e.JobSplit: _job_split,
    e.JobClaimed: _job_claimed,
    e.JobParked: _job_parked,
    e.JobRequeued: _job_requeued,
    e.JobStopping: _job_stopping,
    e.JobFinished: _job_finished,
    e.JobReset: _job_reset,
    e.StepStarted: _step_started,
    e.StepInputsChanged: _step_inputs_changed,
    e.StepPatched: _step_patched,
    e.StepCalled: _step_called,
    e.StepProgressed: _step_progressed,
    e.StepFinished: _step_finished,
    e.StepSkipped: _step_skipped,
    e.StepReset: _step_reset,
    e.StepRetried: _step_retried,
    e.GateOpened: _gate_opened,
    e.SignalReceived: _signal_received,
    e.ReviewReminded: lambda run, _event: run,
    e.GateVoted: _gate_voted,
    e.GateClosed: _gate_closed,
    e.GateCarried: _gate_carried,
}
