"""Status and cause to the status names of this API, level by level (`status_in` for the way back).

A node that has not begun has no status of its own: it follows from its parent's. So words are
asked for from the top down: run, stage, job, step.
"""

from mulligan.core.cause import Cause
from mulligan.core.run import Gate, Job, Stage, Step
from mulligan.core.spec import CALL, QUALITY, REVIEW, JobSpec, StepSpec
from mulligan.core.status import Status

# All names, in the order of their numbers (spec/bkci-build-api.md §4.1).
ALL_WORDS = (
    "SUCCEED",
    "FAILED",
    "CANCELED",
    "RUNNING",
    "TERMINATE",
    "REVIEWING",
    "REVIEW_ABORT",
    "REVIEW_PROCESSED",
    "HEARTBEAT_TIMEOUT",
    "PREPARE_ENV",
    "UNEXEC",
    "SKIP",
    "QUALITY_CHECK_FAIL",
    "QUEUE",
    "LOOP_WAITING",
    "CALL_WAITING",
    "TRY_FINALLY",
    "QUEUE_TIMEOUT",
    "EXEC_TIMEOUT",
    "QUEUE_CACHE",
    "RETRY",
    "PAUSE",
    "STAGE_SUCCESS",
    "QUOTA_FAILED",
    "DEPENDENT_WAITING",
    "QUALITY_CHECK_PASS",
    "QUALITY_CHECK_WAIT",
    "TRIGGER_REVIEWING",
    "UNKNOWN",
)
FAILURES = frozenset(
    {
        "FAILED",
        "TERMINATE",
        "REVIEW_ABORT",
        "QUALITY_CHECK_FAIL",
        "QUEUE_TIMEOUT",
        "EXEC_TIMEOUT",
        "HEARTBEAT_TIMEOUT",
        "QUOTA_FAILED",
    }
)
CANCEL = "CANCELED"
# What a node is in while something of it can still happen.
LIVE = frozenset({"RUNNING", "QUEUE", "DEPENDENT_WAITING", "LOOP_WAITING", "PAUSE", "REVIEWING"})

_PLAIN = {
    Status.QUEUED: "QUEUE",
    Status.RUNNING: "RUNNING",
    Status.SUCCEEDED: "SUCCEED",
    Status.FAILED: "FAILED",
    Status.CANCELLED: CANCEL,
    Status.SKIPPED: "SKIP",
}
_FAILED_RUN = {
    Cause.REJECTED: "STAGE_SUCCESS",
    Cause.QUEUE_TIMEOUT: "QUEUE_TIMEOUT",
    Cause.TERMINATED: "TERMINATE",
}
_FAILED_JOB = {
    Cause.TERMINATED: "TERMINATE",
    Cause.FAST_KILL: "TERMINATE",
    Cause.JOB_TIMEOUT: "TERMINATE",
    Cause.QUEUE_TIMEOUT: "QUEUE_TIMEOUT",
    Cause.LOST: "HEARTBEAT_TIMEOUT",
}
_FAILED_STEP = {
    **_FAILED_JOB,
    Cause.TIMEOUT: "EXEC_TIMEOUT",
    Cause.REJECTED: "REVIEW_ABORT",
    Cause.QUALITY: "QUALITY_CHECK_FAIL",
}
# Kinds of steps that have a word of their own for their success.
_GOOD_STEP = {REVIEW: "REVIEW_PROCESSED", QUALITY: "QUALITY_CHECK_PASS"}


def run_word(
    status: Status,
    cause: Cause | None,
    *,
    awaits_review: bool = False,
    awaits_trigger: bool = False,
    review_refused: bool = True,
) -> str:
    """Give the name of the status of a run.

    Args:
        awaits_review: It stands at the open review of a stage.
        awaits_trigger: Somebody is asked whether it may begin.
        review_refused: A cause "rejected" is that of a stage review. Pass False when it is known
            to be that of a review step, which is an ordinary failure.
    """
    if awaits_trigger:
        return "TRIGGER_REVIEWING"
    if status is Status.RUNNING and awaits_review:
        return "STAGE_SUCCESS"
    if status is Status.SKIPPED:  # nothing of it was to be done
        return "SUCCEED"
    if status is not Status.FAILED or cause is None:
        return _PLAIN[status]
    if cause is Cause.REJECTED and not review_refused:
        return "FAILED"
    return _FAILED_RUN.get(cause, "FAILED")


def stage_word(stage: Stage | None, gate: Gate | None, *, run_ended: bool) -> str | None:
    """Give the name of the status of a stage, None when it was not reached yet.

    Args:
        stage: Its latest record; None without one.
        gate: Its latest review.
    """
    if stage is None or stage.status is Status.QUEUED:
        if gate is not None and gate.state == "open" and not run_ended:
            return "PAUSE"
        return _unborn("SUCCEED" if run_ended else None, has_record=stage is not None)
    if stage.status is Status.FAILED:
        if stage.cause is Cause.QUALITY:
            return "QUALITY_CHECK_FAIL"
        if stage.cause is Cause.REJECTED and gate is not None and gate.state == "rejected":
            return "STAGE_SUCCESS"
        return "TERMINATE" if stage.cause is Cause.TERMINATED else "FAILED"
    return _reached(stage.status, stage.cause)


def job_word(
    job: Job | None, spec: JobSpec, *, stage: str | None, is_paused: bool = False
) -> str | None:
    """Give the name of the status of a job, None when its stage was not reached yet.

    Args:
        stage: The name of the status of its stage.
        is_paused: It waits before one of its steps for somebody to let it go on.
    """
    if job is None or job.status is Status.QUEUED:
        released = job is not None and job.queued_at is not None
        if stage == "RUNNING" and job is not None and job.mutex is not None and not released:
            return "LOOP_WAITING"
        if stage == "RUNNING" and spec.depends_on and not released:
            return "DEPENDENT_WAITING"
        is_before = stage in {"PAUSE", "QUEUE", "QUALITY_CHECK_WAIT"}
        return _unborn(None if is_before else stage, has_record=job is not None)
    if job.status is Status.RUNNING and is_paused:
        return "PAUSE"
    if job.status is Status.FAILED and job.cause is not None:
        return _FAILED_JOB.get(job.cause, "FAILED")
    return _reached(job.status, job.cause)


def step_word(
    step: Step | None,
    spec: StepSpec,
    gate: Gate | None,
    *,
    job: str | None,
    is_enabled: bool = True,
) -> str | None:
    """Give the name of the status of a step, None when its stage was not reached yet.

    Args:
        gate: Its latest review or pause.
        job: The name of the status of its job.
        is_enabled: It is switched on, in the definition and at the start of the run.
    """
    if gate is not None and gate.state == "open" and job in LIVE:
        return "REVIEWING" if gate.kind == "step-review" else "PAUSE"
    if step is None or step.status is Status.QUEUED:
        if not is_enabled and job is not None and job not in LIVE:
            return "SKIP"
        return _unborn(job, has_record=step is not None)
    if step.status is Status.FAILED and step.cause is not None:
        return _FAILED_STEP.get(step.cause, "FAILED")
    if step.status is Status.SUCCEEDED and spec.kind in _GOOD_STEP:
        return _GOOD_STEP[spec.kind]
    if step.status is Status.RUNNING and spec.kind == CALL:
        return "CALL_WAITING"
    return _reached(step.status, step.cause)


def _unborn(parent: str | None, *, has_record: bool) -> str | None:
    """Give the word of a node that has not begun, from that of its parent.

    A node that a retry has put back shows that it waits; one that never was reached shows nothing.
    """
    if parent is None:
        return "QUEUE" if has_record else None
    if parent in LIVE:
        return "QUEUE"
    return "SKIP" if parent == "SKIP" else "UNEXEC"  # parts of what was skipped on purpose are too


def _reached(status: Status, cause: Cause | None) -> str:
    if status is Status.SKIPPED and cause is Cause.UNREACHED:
        return "UNEXEC"
    return _PLAIN[status]
