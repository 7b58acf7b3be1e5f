"""Steps that start a run of another pipeline: what the waiting run keeps, and who is told.

The step runs without a runner: its job is parked. What has to be done outside of the run – start
the other one, stop it, tell how it ended – are effects, so a crash in between loses none of it. The
other run's id follows from the step attempt (`called_run`): it can't be started twice.
"""

import hashlib
from datetime import timedelta

from mulligan.core import events as e
from mulligan.core.decision import Draft, Effect
from mulligan.core.flow.parked import limit_parked
from mulligan.core.hold import still_open_until
from mulligan.core.ids import JobId, RunId, StepId
from mulligan.core.run import Job, Run
from mulligan.core.spec import CALL, StepSpec
from mulligan.core.status import Status

BEGIN = "call"  # start the run that a step asks for
STOP = "stop-call"  # stop it: nobody waits for it any more
ANSWER = "answer"  # tell the step how its run ended
CALL_TIMER = "call"
ANSWER_TIMER = "answer"


def called_run(run_id: RunId, step_id: StepId, attempt: int) -> RunId:
    """Give the id of the run that an attempt of a step starts."""
    digest = hashlib.sha256(f"{run_id}:{step_id}:{attempt}".encode()).hexdigest()
    return RunId(f"b-{digest[:32]}")


def open_call(draft: Draft, job: Job, step: StepSpec, timeout_s: float) -> None:
    """Begin a step that starts another run, and let its job wait."""
    draft.emit(e.StepStarted(at=draft.now, node=step.id))
    if not job.parked:
        draft.emit(e.JobParked(at=draft.now, node=job.id))
    limit_parked(draft, job.id)
    attempt = draft.run.step(step.id).attempt
    draft.effect(Effect(kind=BEGIN, key=step.id, data={"attempt": attempt}))
    due_at = draft.now + timedelta(seconds=timeout_s)
    draft.effect(Effect(kind="timer", key=f"{CALL_TIMER}:{step.id}", due_at=due_at))


def waiting_call(run: Run, job_id: JobId) -> StepSpec | None:
    """Return the step at which a job waits for another run, if it does."""
    job = run.job(job_id)
    steps = run.index.jobs[job_id].steps
    if not job.parked or job.cursor >= len(steps):
        return None
    step = steps[job.cursor]
    is_call = step.kind == CALL and run.step(step.id).status is Status.RUNNING
    return step if is_call else None


def close_call(draft: Draft, step_id: StepId) -> None:
    """Wait no more for the run of a step: it has ended, or been stopped."""
    draft.effect(Effect(kind=BEGIN, key=step_id, drop=True))
    draft.effect(Effect(kind="timer", key=f"{CALL_TIMER}:{step_id}", drop=True))


def give_up_call(draft: Draft, step_id: StepId) -> None:
    """Have the run of a step stopped, for which nobody waits any more."""
    close_call(draft, step_id)
    attempt = draft.run.step(step_id).attempt
    data = {"step": step_id, "attempt": attempt}
    draft.effect(Effect(kind=STOP, key=f"{step_id}:{attempt}", data=data))


def answer_caller(draft: Draft) -> None:
    """Have the step told that started this run, which has just ended.

    A failed run that is held for a retry has not come to its end before its hold is over.
    """
    head = draft.run.head
    if head.caller is None or not head.caller.waits:
        return
    until = still_open_until(head, draft.run.index.spec, draft.now)
    if until is None:
        draft.effect(Effect(kind=ANSWER, key=str(head.attempt)))
    else:
        draft.effect(Effect(kind="timer", key=ANSWER_TIMER, due_at=until))
