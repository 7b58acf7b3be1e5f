"""Matrix jobs: split when their turn comes, and what their copies amount to.

A split is a fact: the combinations are stored with the job in the transaction that lets its first
copies begin. The job itself runs nothing; it ends with the last of its copies.
"""

from collections.abc import Collection

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft
from mulligan.core.expressions import Context, ExpressionError, substitute_constrained
from mulligan.core.ids import JobId, StepId
from mulligan.core.matrix import MOST_AT_ONCE, Combination, child_id, expand
from mulligan.core.matrix_text import MatrixError
from mulligan.core.run import Run
from mulligan.core.spec import JobSpec, MatrixSpec
from mulligan.core.status import Status
from mulligan.core.variables import Scope, secrets_of

NO_COMBINATIONS = "the matrix gives no combination"


def split_job(draft: Draft, job: JobSpec, matrix: MatrixSpec) -> tuple[Status, Cause] | None:
    """Split a matrix job, or let it have the copies again that it kept.

    Returns:
        What the job ends as because there is no copy of it; None: it has copies.
    """
    kept = draft.run.job(job.id).combinations
    try:
        found = kept or _combinations(draft.run, job, matrix)
    except (MatrixError, ExpressionError) as error:
        draft.emit(e.JobExplained(at=draft.now, node=job.id, message=str(error)))
        return Status.FAILED, Cause.CONFIG
    if not found:
        draft.emit(e.JobExplained(at=draft.now, node=job.id, message=NO_COMBINATIONS))
        return Status.SKIPPED, Cause.CONDITION
    attempt = draft.run.head.attempt
    draft.emit(e.JobSplit(at=draft.now, node=job.id, run_attempt=attempt, combinations=found))
    if not kept:
        _begin_anew(draft, job.id)
    return None


def _combinations(run: Run, job: JobSpec, matrix: MatrixSpec) -> tuple[Combination, ...]:
    context = Context.from_flat(Scope(run, job.id))

    def compute(text: str) -> str:
        return substitute_constrained(text, context, on_error=_refuse)

    found = expand(matrix, compute)
    for number in range(1, len(found) + 1):
        if child_id(job.id, number) in run.index.definition.jobs:
            raise MatrixError(f"the pipeline has too many jobs: {child_id(job.id, number)} is one")
    secrets = secrets_of(run)
    if any(secret in text for each in found for text in each.values() for secret in secrets):
        raise MatrixError("a value of the matrix holds a secret; everybody could read it")
    return found


def _refuse(error: ExpressionError, text: str) -> None:
    raise MatrixError(f"the expression {text.strip()[:200]!r} is wrong: {error}")


def _begin_anew(draft: Draft, job_id: JobId) -> None:
    """Let copies that have records of an earlier attempt begin their next one."""
    number = draft.run.head.attempt
    pattern = draft.run.index.jobs[job_id].steps
    for copy in draft.run.index.children[job_id]:
        for defined, step in zip(pattern, copy.steps, strict=True):
            if step.id in draft.run.steps:
                draft.emit(e.StepReset(at=draft.now, node=step.id, run_attempt=number))
            _take_patch(draft, defined.id, step.id)
        if copy.id in draft.run.jobs:
            draft.emit(e.JobReset(at=draft.now, node=copy.id, run_attempt=number))


def _take_patch(draft: Draft, pattern: StepId, step: StepId) -> None:
    """Let a step of a new copy have what was changed of its pattern.

    What was changed of a copy ends with it: the next one of its number may have other values.
    """
    patch = draft.run.step(pattern).patch
    if patch != draft.run.step(step).patch:
        draft.emit(e.StepPatched(at=draft.now, node=step, patch=patch))


def next_copies(run: Run, job_id: JobId, ending: Collection[JobId] = ()) -> list[JobId]:
    """Give the copies that may begin now, in the order of the combinations.

    Args:
        ending: Copies that are about to be ended.
    """
    matrix = run.index.jobs[job_id].matrix
    if matrix is None or is_stopping(run, job_id):
        return []
    waiting: list[JobId] = []
    free = min(matrix.max_parallel, MOST_AT_ONCE)
    for copy in run.index.children.get(job_id, ()):
        record = run.job(copy.id)
        if record.status.is_final:
            continue
        if record.queued_at is not None or record.mutex is not None:
            free -= 1
        elif copy.id not in ending:
            waiting.append(copy.id)
    return waiting[: max(0, free)]


def is_stopping(run: Run, job_id: JobId) -> bool:
    """Tell whether the stage of the job was stopped."""
    cancel = run.head.cancel
    return cancel is not None and cancel.stage == run.index.job_stage[job_id]


def is_split(run: Run, job_id: JobId) -> bool:
    """Tell whether a job is under way by its copies, and does nothing itself."""
    return run.job(job_id).status is Status.RUNNING and job_id in run.index.children


def split_result(run: Run, job_id: JobId) -> tuple[Status, Cause | None] | None:
    """Give the result of a matrix job; None if a copy of it has not ended.

    Failed before cancelled before succeeded; skipped only if all copies are.
    """
    copies = [run.job(copy.id) for copy in run.index.children[job_id]]
    if not all(copy.status.is_final for copy in copies):
        return None
    for wanted in (Status.FAILED, Status.CANCELLED, Status.SUCCEEDED):
        causes = [copy.cause for copy in copies if copy.status is wanted]
        if causes:  # its own rather than that it had to end for another copy
            return wanted, next((each for each in causes if each is not Cause.FAST_KILL), causes[0])
    return Status.SKIPPED, copies[0].cause
