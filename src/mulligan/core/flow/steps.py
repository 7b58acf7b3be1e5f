"""Inside a job: which step is next, what a report means, what becomes of lost work."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft, Effect
from mulligan.core.errors import StaleFenceError
from mulligan.core.expressions import ExpressionError
from mulligan.core.flow.calls import open_call
from mulligan.core.flow.judge import SKIP_CAUSE, Verdict, judge_step, weather_of
from mulligan.core.flow.parked import LONGEST_S, limit_parked, unlimit_parked
from mulligan.core.flow.quality import Passage, judge_gate
from mulligan.core.flow.walk import finish_jobs, go_on, offer
from mulligan.core.ids import JobId, RunnerName, StepId
from mulligan.core.prepare import step_seconds
from mulligan.core.report import StepReport, metrics_of
from mulligan.core.run import Job, Run, Weather
from mulligan.core.spec import CALL, QUALITY, REVIEW, StepSpec
from mulligan.core.status import Status
from mulligan.core.variables import Scope, problem_of_writes, substitute_people, writes_of_report

WAITING_KINDS = frozenset({REVIEW})  # a person does these steps, not a runner
STEP_TIMER = "step"
REMINDER = "remind"
_WITHOUT_RUNNER = WAITING_KINDS | {CALL}
_NOBODY = RunnerName("")
# Failures that trying again by itself does not mend (spec/bkci-model-and-engine.md §2.5.4).
_NO_AUTO_RETRY = frozenset(
    {
        Cause.FAST_KILL,
        Cause.TERMINATED,
        Cause.JOB_TIMEOUT,
        Cause.CONFIG,
        Cause.INFRA,
        Cause.LOST,
    }
)


def claim_job(draft: Draft, job_id: JobId, runner: RunnerName) -> StepSpec | None:
    """Give the job to a runner under the next fence and start its first step.

    Returns:
        The step that the runner has to start; None if the job needed no runner after all.

    Raises:
        StaleFenceError: The job is not offered any more.
    """
    job = draft.run.job(job_id)
    if job.status is not Status.QUEUED or job.queued_at is None:
        raise StaleFenceError(f"job {job_id} is not offered: it is {job.status}")
    draft.emit(e.JobClaimed(at=draft.now, node=job_id, runner=runner, fence=job.fence + 1))
    draft.effect(Effect(kind="offer", key=job_id, drop=True))
    step = advance_job(draft, job_id, runner)
    go_on(draft)
    return step


def needs_no_runner(run: Run, job_id: JobId) -> bool:
    """Tell whether the first thing that an offered job does is to wait for a person or a run."""
    job = run.job(job_id)
    spec = run.index.jobs.get(job_id)  # None: a copy that a new split has replaced
    if spec is None or job.status is not Status.QUEUED or job.queued_at is None:
        return False
    if not any(step.kind in _WITHOUT_RUNNER for step in spec.steps):
        return False
    for step in spec.steps[job.cursor :]:
        if judge_step(run, job_id, step) is Verdict.RUN:
            return step.kind in _WITHOUT_RUNNER
    return False


def begin_unattended(draft: Draft, job_id: JobId) -> bool:
    """Begin a job that needs no runner yet; False if it needs one."""
    if not needs_no_runner(draft.run, job_id):
        return False
    fence = draft.run.job(job_id).fence + 1
    draft.emit(e.JobClaimed(at=draft.now, node=job_id, runner=_NOBODY, fence=fence))
    draft.effect(Effect(kind="offer", key=job_id, drop=True))
    advance_job(draft, job_id, None)
    go_on(draft)
    return True


def begin_waiting_jobs(draft: Draft) -> None:
    """Begin the offered jobs that need no runner yet, in the decision that offers them."""
    todo = draft.offers()
    while todo:
        begun = [job_id for job_id in todo if begin_unattended(draft, job_id)]
        todo = draft.offers() if begun else []


def advance_job(draft: Draft, job_id: JobId, runner: RunnerName | None) -> StepSpec | None:
    """Settle the steps that don't run, up to the next that does.

    With a runner that step is started and returned. Without one (the job was parked) the job is
    offered again for it. None: the job has ended or waits.
    """
    steps = draft.run.index.jobs[job_id].steps
    while True:
        job = draft.run.job(job_id)
        if job.cursor >= len(steps):
            _end_job(draft, job)
            return None
        step = steps[job.cursor]
        verdict = judge_step(draft.run, job_id, step)
        if verdict is not Verdict.RUN:
            _pass_over(draft, job, step, verdict)
        elif _must_wait(draft.run, step):
            _open_step_gate(draft, job, step)
            return None
        elif step.kind == CALL:
            return _begin_call(draft, job, step, runner)
        elif step.kind == QUALITY:
            if not _pass_gate(draft, job, step):
                return None
        elif runner is None:
            _requeue(draft, job, step)
            return None
        else:
            draft.emit(e.StepStarted(at=draft.now, node=step.id, runner=runner))
            return step


def _requeue(draft: Draft, job: Job, step: StepSpec) -> None:
    """Offer a job that waited, for the step that it has come to."""
    if job.parked:
        unlimit_parked(draft, job.id)
    gate = draft.run.gates.get(step.id)
    was_paused = gate is not None and gate.kind == "pause"
    draft.emit(e.JobRequeued(at=draft.now, node=job.id, anew=was_paused))
    offer(draft, job.id)


def _pass_gate(draft: Draft, job: Job, step: StepSpec) -> bool:
    """Judge the rules around a plugin; False while a gatekeeper is asked."""
    plugin = draft.run.step(StepId(step.inputs["step"]))
    if not step.inputs.get("before") and plugin.status is Status.SKIPPED:
        draft.emit(e.StepSkipped(at=draft.now, node=step.id, cause=Cause.CONDITION))
        return True
    passage, people = judge_gate(draft, step)
    if passage is Passage.WAITING:
        _ask_at(draft, job, step, "step-review", people)
        limit_parked(draft, job.id)
        return False
    passes = passage is Passage.OPEN
    draft.emit(
        e.StepFinished(
            at=draft.now,
            node=step.id,
            status=Status.SUCCEEDED if passes else Status.FAILED,
            cause=None if passes else Cause.QUALITY,
            message="" if passes else "metrics do not satisfy the quality rules",
            error_type=None if passes else 1,
            error_code=None if passes else 2199007,
        )
    )
    return True


def _begin_call(
    draft: Draft, job: Job, step: StepSpec, runner: RunnerName | None
) -> StepSpec | None:
    """Begin a step that another run does; give the step after it if it can't be begun."""
    scope = Scope(draft.run, job.id, step.id)
    try:
        seconds, problem = step_seconds(step, scope)
    except ExpressionError as error:  # its text would get too large
        seconds, problem = 0.0, error.reason
    if problem:
        draft.emit(e.StepStarted(at=draft.now, node=step.id))
        _fail_config(draft, step.id, problem)
        return advance_job(draft, job.id, runner)
    open_call(draft, job, step, seconds)
    return None


def _pass_over(draft: Draft, job: Job, step: StepSpec, verdict: Verdict) -> None:
    first_refused = (
        verdict is Verdict.UNREACHED
        and job.stopping is None
        and weather_of(draft.run, job) is Weather.CANCELLED
        and job.weather is not Weather.CANCELLED
    )
    if first_refused:  # a cancel between two steps shows at the first one that did not run
        draft.emit(e.StepFinished(at=draft.now, node=step.id, status=Status.CANCELLED))
    else:
        draft.emit(e.StepSkipped(at=draft.now, node=step.id, cause=SKIP_CAUSE[verdict]))


def _end_job(draft: Draft, job: Job) -> None:
    status, cause = job_result(draft.run, job)
    finish_jobs(draft, [(job.id, status, cause)])


def job_result(run: Run, job: Job) -> tuple[Status, Cause | None]:
    """Give the result of a job all of whose steps are final."""
    weather = weather_of(run, job)
    if weather is Weather.CANCELLED:
        return Status.CANCELLED, None
    if job.stopping is not None:
        return Status.FAILED, job.stopping
    if weather is not Weather.FAILED:
        return Status.SUCCEEDED, None
    causes = [
        run.step(step.id).cause
        for step in run.index.jobs[job.id].steps
        if run.step(step.id).status is Status.FAILED
    ]
    cause = causes[-1] if causes else None
    # a refused review *step* is a failure of the job; only a refused stage is "rejected". So too
    # with quality gates
    return Status.FAILED, Cause.USER if cause in {Cause.REJECTED, Cause.QUALITY} else cause


def _must_wait(run: Run, step: StepSpec) -> bool:
    if step.kind in WAITING_KINDS:
        return True
    gate = run.gates.get(step.id)
    # once per attempt of the run; but a refusal does not let a retry pass
    passed = gate is not None and gate.state == "approved" and gate.run_attempt == run.head.attempt
    return step.pause_before and not passed


def _open_step_gate(draft: Draft, job: Job, step: StepSpec) -> None:
    if step.kind not in WAITING_KINDS:
        _ask_at(draft, job, step, "pause", ())
        return
    scope = Scope(draft.run, job.id, step.id)
    people = substitute_people(tuple(step.inputs.get("reviewUsers") or ()), scope)
    try:
        seconds, problem = step_seconds(step, scope)
    except ExpressionError as error:  # its text would get too large
        seconds, problem = 0.0, error.reason
    if not people:
        problem = "no reviewer is left after substitution"
    due_at = draft.now + timedelta(seconds=seconds) if seconds <= LONGEST_S else None
    _ask_at(draft, job, step, "step-review", people, due_at)
    if step.inputs.get("emails"):
        key = f"review:{step.id}:{draft.run.step(step.id).attempt}"
        draft.effect(Effect(kind="notify", key=key, data={"step": step.id}))
    if problem:
        close_step_gate(draft, step.id, approved=False)
        fail_waiting_step(draft, step.id, problem)
        return
    limit_parked(draft, job.id)
    if due_at is not None:
        draft.effect(Effect(kind="timer", key=f"{STEP_TIMER}:{step.id}", due_at=due_at))
    remind_later(draft, step)


def remind_later(draft: Draft, step: StepSpec) -> None:
    """Have those reminded who do not answer at a review step, if it asks for that."""
    hours = step.inputs.get("reminderTime") or 0
    if hours > 0:
        due_at = draft.now + timedelta(hours=hours)
        draft.effect(Effect(kind="timer", key=f"{REMINDER}:{step.id}", due_at=due_at))


def _ask_at(
    draft: Draft,
    job: Job,
    step: StepSpec,
    kind: str,
    people: tuple[str, ...],
    due_at: datetime | None = None,
) -> None:
    """Open a gate at a step; its job holds no runner meanwhile."""
    draft.emit(
        e.GateOpened(
            at=draft.now,
            node=step.id,
            kind=kind,
            run_attempt=draft.run.head.attempt,
            reviewers=people,
            due_at=due_at,
        )
    )
    if job.status is Status.RUNNING and not job.parked:
        draft.emit(e.JobParked(at=draft.now, node=job.id))


def close_step_gate(draft: Draft, step_id: StepId, *, approved: bool) -> None:
    """End the waiting at a step."""
    draft.emit(e.GateClosed(at=draft.now, node=step_id, approved=approved))
    if draft.run.index.steps[step_id].kind in WAITING_KINDS:
        draft.effect(Effect(kind="timer", key=f"{STEP_TIMER}:{step_id}", drop=True))
        draft.effect(Effect(kind="timer", key=f"{REMINDER}:{step_id}", drop=True))


def fail_waiting_step(draft: Draft, step_id: StepId, message: str) -> None:
    """Fail a step that waited for a person, and let its job go on without a runner."""
    _fail_config(draft, step_id, message)
    advance_job(draft, draft.run.index.step_job[step_id][0], None)


def _fail_config(draft: Draft, step_id: StepId, message: str) -> None:
    draft.emit(
        e.StepFinished(
            at=draft.now,
            node=step_id,
            status=Status.FAILED,
            cause=Cause.CONFIG,
            message=message,
            error_type=1,
            error_code=2199002,
        )
    )


def report_step(draft: Draft, report: StepReport, *, runner_gone: bool = False) -> StepSpec | None:
    """Take the end of a step from the runner that holds its job.

    `runner_gone`: the report was found after the runner's end; what is next is offered again.

    Returns:
        The step to be started next; None when the job has ended or waits.

    Raises:
        StaleFenceError: The report belongs to an attempt that was handed on or has ended.
    """
    job = check_fence(draft.run, report.job, report.fence)
    step = draft.run.step(report.step)
    is_its_own = draft.run.index.step_job[report.step][0] == report.job
    if not is_its_own or step.status is not Status.RUNNING or step.attempt != report.attempt:
        raise StaleFenceError(f"attempt {report.attempt} of step {step.id} does not run")
    report = _with_problem(draft.run, report)
    writes = writes_of_report(draft.run, report)
    if writes:
        draft.emit(e.ValuesWritten(at=draft.now, node=step.id, writes=writes))
    if report.remark is not None:
        draft.emit(
            e.RemarkWritten(at=draft.now, actor=draft.run.head.started_by, text=report.remark)
        )
    draft.emit(_finished(draft, report, job))
    draft.effect(Effect(kind="kill", key=job.id, drop=True))
    if may_retry_by_rule(draft.run, report.step):
        draft.emit(e.StepRetried(at=draft.now, node=step.id))
        if writes:  # what the first try wrote must not leak into the next (R5)
            draft.emit(e.ValuesWithdrawn(at=draft.now, node=step.id, writers=(step.id,)))
    following = advance_job(draft, job.id, None if runner_gone else job.runner)
    go_on(draft)
    return following


def _with_problem(run: Run, report: StepReport) -> StepReport:
    """Fail a good step that wrote what it was not allowed to."""
    problem = problem_of_writes(run, report)
    if report.status is not Status.SUCCEEDED or not problem:
        return report
    return replace(
        report,
        status=Status.FAILED,
        cause=Cause.USER,
        message=problem,
        error_type=1,
        error_code=2199002,
    )


def check_fence(run: Run, job_id: JobId, fence: int) -> Job:
    """Return the job if that fence still holds it.

    Raises:
        StaleFenceError: The job was handed on or has ended.
    """
    job = run.job(job_id)
    if job.status is not Status.RUNNING or job.fence != fence or job.parked:
        raise StaleFenceError(f"fence {fence} of job {job_id} does not hold (now {job.fence})")
    return job


def _finished(draft: Draft, report: StepReport, job: Job) -> e.StepFinished:
    cause = report.cause
    is_out_of_time = cause is Cause.TIMEOUT and job.stopping is Cause.JOB_TIMEOUT
    if job.stopping is not None and (report.status is Status.CANCELLED or is_out_of_time):
        # asked to end by a rule, not by a person: that is a failure, of the job and not the step
        told = "the time of the job is over" if is_out_of_time else report.message
        return e.StepFinished(
            at=draft.now,
            node=report.step,
            status=Status.FAILED,
            cause=job.stopping,
            message=told or f"ended: {job.stopping.value.replace('_', ' ')}",
            error_type=1,
            error_code=2199010 if job.stopping is Cause.FAST_KILL else 2199005,
        )
    return e.StepFinished(
        at=draft.now,
        node=report.step,
        status=report.status,
        cause=cause,
        exit_code=report.exit_code,
        signal=report.signal,
        message=report.message,
        error_type=report.error_type,
        error_code=report.error_code,
        pin=report.pin,
        metrics=metrics_of(report),
        progress=report.progress,
        tries=draft.run.step(report.step).auto_retries if report.status is Status.SUCCEEDED else 0,
    )


def note_progress(
    draft: Draft, job_id: JobId, step_id: StepId, *, attempt: int, fence: int, rate: str
) -> None:
    """Note how far a step is that runs; what comes too late says nothing any more."""
    job = draft.run.jobs.get(job_id)
    step = draft.run.steps.get(step_id)
    if job is None or step is None or job.fence != fence:
        return
    is_there = step.status is Status.RUNNING and step.attempt == attempt
    if is_there and step.progress != rate:
        draft.emit(e.StepProgressed(at=draft.now, node=step_id, progress=rate))


def may_retry_by_rule(run: Run, step_id: StepId) -> bool:
    """Tell whether a step that just failed gets another try without being asked for."""
    step = run.step(step_id)
    spec = run.index.steps[step_id]
    job = run.job(run.index.step_job[step_id][0])
    return (
        step.status is Status.FAILED
        and step.cause not in _NO_AUTO_RETRY
        and step.auto_retries < spec.auto_retries
        and job.stopping is None
        and weather_of(run, replace(job, weather=Weather.OK)) is Weather.OK
    )


def stop_job(draft: Draft, job_id: JobId, fence: int, cause: Cause) -> None:
    """Note that no further step of the job may start (its time is over)."""
    check_fence(draft.run, job_id, fence)
    if draft.run.job(job_id).stopping is None:
        draft.emit(e.JobStopping(at=draft.now, node=job_id, cause=cause))


def lose_job(draft: Draft, job_id: JobId) -> None:
    """Take a job back from a runner that is gone; all its processes have been ended.

    The step that was running becomes a lost attempt; by default it gets a new one (ops-4).
    """
    job = draft.run.job(job_id)
    if job.status is not Status.RUNNING or job.parked:
        return
    steps = draft.run.index.jobs[job_id].steps
    running = [step for step in steps if draft.run.step(step.id).status is Status.RUNNING]
    cancelled = weather_of(draft.run, replace(job, weather=Weather.OK)) is Weather.CANCELLED
    again = job.stopping is None and not cancelled
    for spec in running:
        again = _lose_step(draft, spec, may_rerun=again, cancelled=cancelled) and again
    if again:
        draft.emit(e.JobRequeued(at=draft.now, node=job_id, lost=True))
        offer(draft, job_id)
    else:
        advance_job(draft, job_id, None)
    go_on(draft)


def _lose_step(draft: Draft, spec: StepSpec, *, may_rerun: bool, cancelled: bool) -> bool:
    settings = draft.run.head.settings
    lost_before = draft.run.step(spec.id).lost
    draft.emit(
        e.StepFinished(
            at=draft.now,
            node=spec.id,
            status=Status.CANCELLED if cancelled else Status.FAILED,
            cause=None if cancelled else Cause.LOST,
            message="the runner or the server was stopped while the step ran",
            error_type=4,
            error_code=2199502,
        )
    )
    again = (
        may_rerun
        and settings.on_lost == "rerun"
        and lost_before < settings.lost_budget
        and spec.inputs.get("on_lost") != "fail"
    )
    if again:
        draft.emit(e.StepRetried(at=draft.now, node=spec.id, lost=True))
    return again
