"""Move a run on: through its stages, and through the jobs of the stage it is in.

`go_on` is called after every change; it loops until something has to be waited for, so that a
long row of skipped stages needs no recursion.
"""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft, Effect
from mulligan.core.flow.calls import answer_caller, give_up_call, waiting_call
from mulligan.core.flow.judge import (
    SKIP_CAUSE,
    Verdict,
    judge_job,
    judge_stage,
)
from mulligan.core.flow.parked import unlimit_parked
from mulligan.core.flow.quality import Passage, Side, gate_node, pass_quality
from mulligan.core.flow.split import is_split, next_copies, split_job, split_result
from mulligan.core.ids import SYSTEM, JobId, StageId
from mulligan.core.mutex import ticket_for
from mulligan.core.run import Job, Run
from mulligan.core.spec import JobSpec, MutexSpec, ReviewSpec, StageSpec
from mulligan.core.status import Status
from mulligan.core.variables import Scope, shown_text, substitute_people
from mulligan.core.verdict import base_verdict, counts

Ending = tuple[JobId, Status, Cause | None]


def go_on(draft: Draft) -> None:
    """Move the run on for as long as nothing has to be waited for."""
    while draft.run.head.status is Status.RUNNING:
        run = draft.run
        position = run.head.stage
        if position >= 0:
            spec = run.index.spec.stages[position]
            stage = run.stage(spec.id)
            if stage.status is Status.RUNNING:
                if stage.open_jobs or not _close_stage(draft, spec):
                    return
            elif stage.status is Status.QUEUED:
                return  # its review is open
        following = _after_rollback(draft.run) if run.head.is_rollback else _next_position(draft)
        if following is None:
            _end_run(draft)
        else:
            enter_stage(draft, following)


def _after_rollback(run: Run) -> int | None:
    """Find the next stage of an attempt that rolls a stage back: that stage, and then none."""
    target = run.index.stages[StageId(run.head.attempts[-1].target)]
    return target if run.head.stage < 0 else None


def _next_position(draft: Draft) -> int | None:
    """Find the next stage to enter; stages that can't be reached any more are marked."""
    run = draft.run
    stages = run.index.spec.stages
    broken = run.head.stage >= 0 and _breaks(run, stages[run.head.stage])
    for position in range(run.head.stage + 1, len(stages)):
        spec = stages[position]
        stage = run.stage(spec.id)
        if stage.status.is_final:
            broken = broken or _breaks(run, spec)
        elif spec.is_finally or not broken:
            return position
        else:
            _finish_stage(draft, spec, Status.SKIPPED, Cause.UNREACHED)
    return None


def _breaks(run: Run, spec: StageSpec) -> bool:
    stage = run.stage(spec.id)
    bad = stage.status in {Status.FAILED, Status.CANCELLED}
    return bad and counts(run, stage.run_attempt)


def enter_stage(draft: Draft, position: int) -> None:
    """Enter a stage: skip it, stand before its review, or look at its jobs."""
    spec = draft.run.index.spec.stages[position]
    if draft.run.head.is_rollback:  # what the stage waited for before it began is not asked again
        _begin_stage(draft, position, spec)
        return
    verdict = judge_stage(draft.run, spec)
    if verdict is not Verdict.RUN:
        status, cause = stage_result(draft.run, spec)
        if status not in {Status.FAILED, Status.CANCELLED}:
            status, cause = Status.SKIPPED, SKIP_CAUSE[verdict]
        _finish_stage(draft, spec, status, cause)  # a job that a retry left red stays red (R8)
        return
    match pass_quality(draft, spec, Side.IN):
        case Passage.WAITING:
            draft.emit(e.StageReached(at=draft.now, node=spec.id, position=position))
            return
        case Passage.CLOSED:
            draft.emit(e.StageReached(at=draft.now, node=spec.id, position=position))
            _finish_stage(draft, spec, Status.FAILED, Cause.QUALITY)
            return
        case Passage.OPEN:
            pass
    if spec.review is not None and not spec.is_finally and not _is_approved(draft.run, spec):
        _ask_review(draft, position, spec, spec.review)
        return
    if spec.signals is not None and not _is_approved(draft.run, spec):
        if not signals_suffice(draft.run, spec):
            _await_signals(draft, position, spec)
            return
        draft.emit(e.GateClosed(at=draft.now, node=spec.id, approved=True))
    _begin_stage(draft, position, spec)


def _begin_stage(draft: Draft, position: int, spec: StageSpec) -> None:
    draft.emit(e.StageStarted(at=draft.now, node=spec.id, position=position))
    release_jobs(draft, (job.id for job in spec.jobs))


def signals_suffice(run: Run, spec: StageSpec) -> bool:
    """Tell whether the signals that have come are enough for the stage to begin."""
    gate = run.open_gate(spec.id)
    if spec.signals is None or gate is None:
        return spec.signals is None
    fired = [hook in gate.values for hook in spec.signals.signals]
    return all(fired) if spec.signals.needs_all else any(fired)


def _await_signals(draft: Draft, position: int, spec: StageSpec) -> None:
    draft.emit(e.StageReached(at=draft.now, node=spec.id, position=position))
    if draft.run.open_gate(spec.id) is None:
        open_signal_gate(draft, spec.id)


def open_signal_gate(draft: Draft, stage_id: StageId) -> None:
    """Begin to collect the signals for a stage, which may not have been reached yet."""
    attempt = draft.run.head.attempt
    draft.emit(e.GateOpened(at=draft.now, node=stage_id, kind="signal", run_attempt=attempt))


def _is_approved(run: Run, spec: StageSpec) -> bool:
    gate = run.gates.get(spec.id)
    return gate is not None and gate.state == "approved" and gate.run_attempt == run.head.attempt


def _ask_review(draft: Draft, position: int, spec: StageSpec, review: ReviewSpec) -> None:
    people = group_reviewers(draft, review, 0)
    due_at = draft.now + timedelta(seconds=review.timeout_s)
    draft.emit(e.StageReached(at=draft.now, node=spec.id, position=position))
    draft.emit(
        e.GateOpened(
            at=draft.now,
            node=spec.id,
            kind="stage-review",
            run_attempt=draft.run.head.attempt,
            reviewers=people,
            due_at=due_at,
            values=_initial_values(draft.run, review),
        )
    )
    draft.effect(Effect(kind="timer", key=f"review:{spec.id}", due_at=due_at))
    if not people:
        reject_unasked(draft, spec.id)


def _initial_values(run: Run, review: ReviewSpec) -> dict[str, Any]:
    """Give the parameters whose values are texts with variables, as they are now."""
    values = {
        param.key: shown_text(run, param.value)
        for param in review.params
        if isinstance(param.value, str)
    }
    return {
        param.key: values[param.key]
        for param in review.params
        if values.get(param.key, param.value) != param.value
    }


def group_reviewers(draft: Draft, review: ReviewSpec, position: int) -> tuple[str, ...]:
    """Give the people of a review group: those named, then those who have a role named."""
    if position >= len(review.groups):
        return ()
    group, scope = review.groups[position], Scope(draft.run)
    named = substitute_people(group.reviewers, scope)
    roles = substitute_people(group.groups, scope)
    members = (name for role in roles for name in draft.people.get(role, ()))
    return tuple(dict.fromkeys((*named, *members)))


def reject_unasked(draft: Draft, stage_id: StageId) -> None:
    """Refuse a stage in the server's name: nobody is left who could be asked."""
    draft.emit(e.GateVoted(at=draft.now, node=stage_id, user=SYSTEM, approve=False))
    reject_stage(draft, stage_id)


def reject_stage(draft: Draft, stage_id: str) -> None:
    """End the stage whose review was refused, timed out, or has nobody to ask."""
    spec = draft.run.index.spec.stages[draft.run.head.stage]
    draft.emit(e.GateClosed(at=draft.now, node=stage_id, approved=False))
    draft.effect(Effect(kind="timer", key=f"review:{stage_id}", drop=True))
    _finish_stage(draft, spec, Status.FAILED, Cause.REJECTED)


def decide_quality(draft: Draft, stage_id: StageId, side: Side, *, passes: bool) -> None:
    """Close the quality gate of a stage as a gatekeeper says, and go on from there."""
    draft.emit(e.GateClosed(at=draft.now, node=gate_node(stage_id, side), approved=passes))
    position = draft.run.index.stages[stage_id]
    if not passes:
        spec = draft.run.index.spec.stages[position]
        _finish_stage(draft, spec, Status.FAILED, Cause.QUALITY)
    elif side is Side.IN:
        enter_stage(draft, position)
    go_on(draft)


def release_jobs(draft: Draft, job_ids: Iterable[JobId]) -> None:
    """Look at jobs that wait: release those that may run, end those that won't."""
    endings: list[Ending] = []
    for job_id in job_ids:
        endings += _release(draft, job_id)
    if endings:
        finish_jobs(draft, endings)


def _release(draft: Draft, job_id: JobId) -> list[Ending]:
    """Let a job begin if it may; give the endings of those that won't."""
    job = draft.run.job(job_id)
    if job.status is not Status.QUEUED or job.queued_at is not None or job.mutex is not None:
        return []
    parent = draft.run.index.parents.get(job_id)
    if parent is not None:  # its turn comes with that of the other copies
        return _begin_copies(draft, parent) if is_split(draft.run, parent) else []
    spec = draft.run.index.jobs[job_id]
    verdict = judge_job(draft.run, spec)
    if verdict is Verdict.WAIT:
        return []
    if verdict is not Verdict.RUN:
        return [(job_id, Status.SKIPPED, SKIP_CAUSE[verdict])]
    if spec.matrix is None:
        return _begin_job(draft, spec)
    ending = split_job(draft, spec, spec.matrix)
    return _begin_copies(draft, job_id) if ending is None else [(job_id, *ending)]


def _begin_copies(draft: Draft, job_id: JobId, ending: Collection[JobId] = ()) -> list[Ending]:
    """Let the next copies of a matrix job begin, as many as may be under way at once."""
    endings: list[Ending] = []
    for copy in next_copies(draft.run, job_id, ending):
        endings += _begin_job(draft, draft.run.index.jobs[copy])
    return endings


def _begin_job(draft: Draft, spec: JobSpec) -> list[Ending]:
    if spec.mutex is not None:
        return _ask_for_mutex(draft, spec.id, spec.mutex)
    enqueue(draft, spec.id)
    return []


def _ask_for_mutex(draft: Draft, job_id: JobId, spec: MutexSpec) -> list[Ending]:
    ticket = ticket_for(draft.run, job_id, spec, draft.now)
    if isinstance(ticket, str):
        draft.emit(e.JobExplained(at=draft.now, node=job_id, message=ticket))
        return [(job_id, Status.FAILED, Cause.CONFIG)]
    draft.emit(
        e.MutexAsked(
            at=draft.now,
            node=job_id,
            mutex=ticket.name,
            run_attempt=draft.run.head.attempt,
            places=ticket.places,
            due_at=ticket.due_at,
        )
    )
    if ticket.due_at is not None:
        draft.effect(Effect(kind="timer", key=f"mutex:{job_id}", due_at=ticket.due_at))
    return []


def enqueue(draft: Draft, job_id: JobId) -> None:
    """Let the job be claimed: nothing that it has to wait for is left."""
    draft.emit(e.JobQueued(at=draft.now, node=job_id, run_attempt=draft.run.head.attempt))
    offer(draft, job_id)


def offer(draft: Draft, job_id: JobId) -> None:
    """Offer the job to runners."""
    draft.effect(offer_of(draft.run, job_id))


def offer_of(run: Run, job_id: JobId) -> Effect:
    """Give the effect that offers a job to runners."""
    labels = list(run.index.jobs[job_id].labels)
    data = {"attempt": run.job(job_id).attempt, "labels": labels}
    return Effect(kind="offer", key=job_id, data=data)


def finish_jobs(draft: Draft, endings: list[Ending]) -> None:
    """End jobs and, one after the other, those that depend on them and won't run now."""
    todo = list(reversed(endings))
    while todo:
        job_id, status, cause = todo.pop()
        _finish_job(draft, job_id, status, cause)
        todo.extend((copy, status, cause) for copy in _open_copies(draft.run, job_id))
        parent = draft.run.index.parents.get(job_id)
        if parent is not None:
            todo.extend(_after_copy(draft, parent, todo, status, cause))
            continue
        stage = draft.run.index.stage_of_job(job_id)
        bad = status is Status.FAILED and not draft.run.index.jobs[job_id].continue_on_failure
        # a job that was itself killed so must not kill one that was retried meanwhile
        if stage.fast_kill and bad and cause is not Cause.FAST_KILL:
            todo.extend(stop_others(draft, stage, Cause.FAST_KILL))
        for dependent in draft.run.index.dependents.get(job_id, ()):
            todo += _release(draft, dependent)


def _open_copies(run: Run, job_id: JobId) -> list[JobId]:
    """Give the copies, kept by a retry, of a job that has ended without them."""
    copies = run.index.children.get(job_id, ())
    return [copy.id for copy in copies if not run.job(copy.id).status.is_final]


def _after_copy(
    draft: Draft, parent: JobId, todo: list[Ending], status: Status, cause: Cause | None
) -> list[Ending]:
    """Go on with a matrix job one of whose copies has ended; give what ends by that."""
    if not is_split(draft.run, parent):
        return []
    result = split_result(draft.run, parent)
    if result is not None:
        return [(parent, *result)]
    run = draft.run
    matrix = run.index.jobs[parent].matrix
    bad = status is Status.FAILED and cause is not Cause.FAST_KILL
    if matrix is not None and matrix.fast_kill and bad:
        return _stop_jobs(draft, run.index.children[parent], Cause.FAST_KILL)
    return _begin_copies(draft, parent, {job_id for job_id, _, _ in todo})


def _finish_job(draft: Draft, job_id: JobId, status: Status, cause: Cause | None) -> None:
    job = draft.run.job(job_id)
    if job.status.is_final:
        return
    stop_waiting(draft, job_id)
    if job.parked:
        unlimit_parked(draft, job_id)
    draft.emit(e.JobFinished(at=draft.now, node=job_id, status=status, cause=cause))
    draft.effect(Effect(kind="kill", key=job_id, drop=True))


def stop_waiting(draft: Draft, job_id: JobId) -> None:
    """Take back what was asked for until the job begins: it begins now, or never will."""
    if draft.run.awaited_mutex(job_id) is not None:
        draft.effect(Effect(kind="timer", key=f"mutex:{job_id}", drop=True))
    draft.effect(Effect(kind="offer", key=job_id, drop=True))


def stop_others(draft: Draft, stage: StageSpec, cause: Cause) -> list[Ending]:
    """Stop the jobs of a stage that still run; give those that end at once."""
    return _stop_jobs(draft, list(draft.run.index.jobs_of(stage)), cause)


def _stop_jobs(draft: Draft, jobs: Iterable[JobSpec], cause: Cause) -> list[Ending]:
    endings: list[Ending] = []
    for spec in jobs:
        job = draft.run.job(spec.id)
        if job.status.is_final or job.stopping is not None or is_split(draft.run, spec.id):
            continue
        if job.status is Status.RUNNING and not job.parked:
            draft.emit(e.JobStopping(at=draft.now, node=spec.id, cause=cause))
            ask_kill(draft, spec.id, cause)
        else:
            if job.parked:
                _cut_waiting_step(draft, job, cause)
            endings.append((spec.id, Status.FAILED, cause))
    return endings


def _cut_waiting_step(draft: Draft, job: Job, cause: Cause) -> None:
    """End the step at which a parked job waits: nobody is asked any more, no run is needed."""
    step = draft.run.index.jobs[job.id].steps[job.cursor]
    if waiting_call(draft.run, job.id) is not None:
        give_up_call(draft, step.id)
    else:
        draft.emit(e.GateClosed(at=draft.now, node=step.id, approved=False))
    draft.emit(
        e.StepFinished(
            at=draft.now,
            node=step.id,
            status=Status.FAILED,
            cause=cause,
            message=f"ended: {cause.value.replace('_', ' ')}",
            error_type=1,
            error_code=2199010,
        )
    )


def ask_kill(draft: Draft, job_id: JobId, cause: Cause | None) -> None:
    """Ask the runner of a job to end the step that runs; it will report that."""
    job = draft.run.job(job_id)
    step = draft.run.step(draft.run.index.jobs[job_id].steps[job.cursor].id)
    data = {
        "attempt": job.attempt,
        "fence": job.fence,
        "step": step.id,  # a later step of the job, e.g. its clean-up, is not meant
        "step_attempt": step.attempt,
        "cause": cause.value if cause else "cancelled",
    }
    draft.effect(Effect(kind="kill", key=job_id, data=data))


def _finish_stage(draft: Draft, spec: StageSpec, status: Status, cause: Cause | None) -> None:
    draft.emit(e.StageFinished(at=draft.now, node=spec.id, status=status, cause=cause))


def _close_stage(draft: Draft, spec: StageSpec) -> bool:
    """End a stage whose jobs have ended; False while a gatekeeper is asked."""
    status, cause = stage_result(draft.run, spec)
    if status is Status.SUCCEEDED:
        match pass_quality(draft, spec, Side.OUT):
            case Passage.WAITING:
                return False
            case Passage.CLOSED:
                status, cause = Status.FAILED, Cause.QUALITY
            case Passage.OPEN:
                pass
    _finish_stage(draft, spec, status, cause)
    _tell_result(draft, spec, status)
    return True


def _tell_result(draft: Draft, spec: StageSpec, status: Status) -> None:
    """Have the messages of a stage sent. None after a cancel, nor for a good rollback."""
    if not spec.messages or status in {Status.CANCELLED, Status.SKIPPED}:
        return
    good = all(draft.run.job(job.id).status is Status.SUCCEEDED for job in spec.jobs)
    if good and draft.run.head.is_rollback:
        return
    number = draft.run.stage(spec.id).attempt
    draft.effect(
        Effect(kind="notify", key=f"{spec.id}:{number}", data={"stage": spec.id, "good": good})
    )


def stage_result(run: Run, spec: StageSpec) -> tuple[Status, Cause | None]:
    """Roll the jobs of a stage up: failed before cancelled before succeeded before skipped.

    A job that may fail (`continue_on_failure`) does not make the stage fail. The latest attempt of
    every job counts (R8), or only those of the current attempt of the run (upstream rule).
    """
    cancelled = False
    worked = False
    for job_spec in spec.jobs:
        job = run.job(job_spec.id)
        if not counts(run, job.run_attempt):
            continue
        if job.status is Status.FAILED and not job_spec.continue_on_failure:
            return Status.FAILED, job.cause
        cancelled = cancelled or job.status is Status.CANCELLED
        worked = worked or job.status is not Status.SKIPPED
    if cancelled:
        return Status.CANCELLED, None
    return (Status.SUCCEEDED, None) if worked else (Status.SKIPPED, Cause.CONDITION)


def _end_run(draft: Draft) -> None:
    status, cause = run_result(draft.run)
    end_run(draft, status, cause)
    if draft.run.index.spec.messages and status in {Status.SUCCEEDED, Status.FAILED}:
        good = status is Status.SUCCEEDED
        key = f"run:{draft.run.head.attempt}"
        draft.effect(Effect(kind="notify", key=key, data={"stage": "", "good": good}))


def end_run(draft: Draft, status: Status, cause: Cause | None) -> None:
    """Give the run its verdict: what it held is freed, who waits for it is told."""
    draft.emit(e.RunFinished(at=draft.now, status=status, cause=cause))
    draft.effect(Effect(kind="tidy", key=""))
    answer_caller(draft)


def run_result(run: Run) -> tuple[Status, Cause | None]:
    """Give the verdict of a run whose stages have all ended."""
    if run.head.is_rollback:
        stage = run.index.spec.stages[run.head.stage]
        bad = [job for spec in stage.jobs if (job := run.job(spec.id)).status is Status.FAILED]
        return (Status.FAILED, bad[0].cause) if bad else (Status.CANCELLED, Cause.ROLLED_BACK)
    position = run.index.finally_position()
    if position is not None:
        last = run.stage(run.index.spec.stages[position].id)
        if last.status in {Status.FAILED, Status.CANCELLED}:
            return last.status, last.cause
    status, cause = base_verdict(run)
    if status is Status.SUCCEEDED and run.head.cancel is not None:
        return Status.CANCELLED, None
    return status, cause


def refuse_stage(draft: Draft) -> None:
    """Fail the stage that has just begun: who started the run may not do what it does."""
    position = draft.run.head.stage
    if draft.run.head.status is not Status.RUNNING or position < 0:
        return
    stage = draft.run.index.spec.stages[position]
    if draft.run.awaits_signals == stage.id:  # they would come for nothing
        draft.emit(e.GateClosed(at=draft.now, node=stage.id, approved=False))
        _begin_stage(draft, position, stage)
    jobs = draft.run.index.jobs_of(stage)
    waiting = [job.id for job in jobs if draft.run.job(job.id).status is Status.QUEUED]
    finish_jobs(draft, [(job_id, Status.FAILED, Cause.UNAUTHORIZED) for job_id in waiting])
    go_on(draft)


def begin_run(draft: Draft, version_number: int | None = None) -> None:
    """Take the run out of the queue and enter its first stage."""
    draft.emit(e.RunStarted(at=draft.now, version_number=version_number))
    go_on(draft)
