"""Find what a text means: a stage, a job, or a step by id or by its author's ref."""

import msgspec

from mulligan.core.flow.judge import is_enabled
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.recovery.request import Scope
from mulligan.core.run import Run
from mulligan.core.spec import TRIGGER_JOB, TRIGGER_STAGE, SpecIndex


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the definition. `node` is "" for the whole run; `is_trigger`: no work behind it."""

    scope: Scope
    node: str = ""
    is_trigger: bool = False


def find_target(index: SpecIndex, text: str) -> Target | None:
    """Resolve a text, stage by stage, first match wins: stage, then job, then step, then ref.

    Blank means the whole run; None: nothing has that name. The steps of a matrix job are only the
    pattern of those of its copies, which are named by their job's id or ref.
    """
    text = text.strip()
    if not text:
        return Target(scope=Scope.RUN)
    if text in index.stages or text == TRIGGER_STAGE:
        return Target(scope=Scope.STAGE, node=text, is_trigger=text == TRIGGER_STAGE)
    if text in index.jobs or text == TRIGGER_JOB:
        return Target(scope=Scope.JOB, node=text, is_trigger=text == TRIGGER_JOB)
    if text in index.steps and index.job_of_step(StepId(text)).matrix is None:
        return Target(scope=Scope.STEP, node=text)
    if text in index.spec.trigger_steps:
        return Target(scope=Scope.STEP, node=text, is_trigger=True)
    for job in index.all_jobs():
        if job.hash_id == text or (job.ref == text and job.id in index.parents):
            return Target(scope=Scope.JOB, node=job.id)
        for step in () if job.matrix is not None else job.steps:
            if step.ref == text:
                return Target(scope=Scope.STEP, node=step.id)
    return None


def first_enabled_step(run: Run, job_id: str) -> StepId | None:
    """Return the first step of a job that is switched on, in the definition and at the start."""
    for step in run.index.jobs[JobId(job_id)].steps:
        if is_enabled(run, step):
            return step.id
    return None


def job_of(index: SpecIndex, target: Target) -> JobId:
    """Return the job that is the target or holds it; only for jobs and steps."""
    if target.scope is Scope.JOB:
        return JobId(target.node)
    return index.step_job[StepId(target.node)][0]


def stage_position(index: SpecIndex, target: Target) -> int:
    """Return the position of the stage that holds the target.

    Raises:
        KeyError: The target is the whole run or the trigger.
    """
    if target.scope is Scope.STAGE:
        return index.stages[StageId(target.node)]
    return index.job_stage[job_of(index, target)]
