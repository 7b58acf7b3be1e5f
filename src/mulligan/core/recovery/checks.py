"""May it be retried at all? The checks in their order (spec/bkci-build-api.md §3.2, §3.4, §3.6)."""

from mulligan.core.cause import Cause
from mulligan.core.flow.judge import is_enabled, is_on
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.recovered import with_last_act
from mulligan.core.recovery.request import RetryFacts, RetryRequest, Scope
from mulligan.core.recovery.stage_checks import check_stage_retry
from mulligan.core.recovery.target import Target, find_target, first_enabled_step, job_of
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Run
from mulligan.core.status import Status


def check_retry(run: Run, request: RetryRequest, facts: RetryFacts) -> Target | Refusal:
    """Give the target of the request, or the first reason why it is refused."""
    refusal = _check_run(run, facts)
    if refusal is not None:
        return refusal
    target = find_target(run.index, request.target)
    if target is None:
        return _unknown(request.target)
    if request.through_end and target.scope is Scope.STAGE:
        return check_stage_retry(run, target, facts) or target
    refusal = _check_target(run, request, target)
    if refusal is None and not run.head.status.is_final:
        refusal = _check_while_running(run, target)
        if refusal is not None:
            refusal = with_last_act(refusal, run)
    if refusal is None and facts.project_disabled:
        refusal = Refusal(
            code=RefusalCode.PROJECT_DISABLED,
            message=f"project {run.head.project} is disabled",
            values=(run.head.project,),
        )
    return refusal if refusal is not None else target


def _check_run(run: Run, facts: RetryFacts) -> Refusal | None:
    head = run.head
    if facts.only_newest and not facts.is_newest:
        return Refusal(
            code=RefusalCode.NOT_NEWEST,
            message=f"run {head.number} is not the newest one; only that can be recovered here",
            values=(str(head.number),),
            instead=("retry the newest run", "start a new run"),
        )
    started_at = head.started_at
    if facts.window is not None and started_at and facts.now - started_at > facts.window:
        days = str(facts.window.days)
        return Refusal(
            code=RefusalCode.EXPIRED,
            message=f"the run started more than {days} days ago; start a new one",
            values=(days,),
            instead=("start a new run",),
        )
    if facts.pipeline_deleted:
        return Refusal(
            code=RefusalCode.PIPELINE_DELETED,
            message=f"pipeline {head.pipeline} is deleted; restore it first",
            values=(head.pipeline,),
            instead=("restore the pipeline",),
        )
    if facts.version_gone:
        return Refusal(
            code=RefusalCode.VERSION_GONE,
            message=f"version {head.version} of the pipeline is gone; start a new run",
            rule="R1",
            values=(str(head.version),),
            instead=("start a new run",),
        )
    if facts.locked:
        return Refusal(
            code=RefusalCode.PIPELINE_LOCKED,
            message=f"pipeline {head.pipeline} is locked; enable it first",
            instead=("enable the pipeline",),
        )
    return None


def _unknown(text: str) -> Refusal:
    return Refusal(
        code=RefusalCode.TARGET_UNKNOWN,
        message=f"the run has no stage, job or step {text!r} with work in it",
        node=text,
        instead=("name a stage, job or step of this run", "retry the whole run"),
    )


def _switched_off(target: Target) -> Refusal:
    return Refusal(
        code=RefusalCode.TARGET_UNKNOWN,
        message=f"{target.scope} {target.node} is switched off in this run: it has no work",
        node=target.node,
        instead=("name a stage, job or step with work in it", "start a new run"),
    )


def _check_target(run: Run, request: RetryRequest, target: Target) -> Refusal | None:
    if target.scope is Scope.STAGE:
        return _check_stage(run, target)
    if target.scope is Scope.STEP and request.skip:
        spec = None if target.is_trigger else run.index.steps[StepId(target.node)]
        if not request.may_operate and (spec is None or not spec.may_skip):
            return Refusal(
                code=RefusalCode.SKIP_NOT_ALLOWED,
                message="the step may not be skipped; retry it, or allow it in its definition",
                node=target.node,
                rule="R9",
                instead=("retry the step",),
            )
    if target.is_trigger:
        return _unknown(target.node)
    return None if _has_work(run, target) else _switched_off(target)


def _has_work(run: Run, target: Target) -> bool:
    """Tell whether the target is switched on, with all that it lies in."""
    if target.scope is Scope.RUN:
        return True
    if target.scope is Scope.STEP and not is_enabled(run, run.index.steps[StepId(target.node)]):
        return False
    job = run.index.jobs[job_of(run.index, target)]
    stage = run.index.stage_of_job(job.id)
    return is_on(run, stage) and is_on(run, job) and first_enabled_step(run, job.id) is not None


def _check_stage(run: Run, target: Target) -> Refusal | None:
    stage = None if target.is_trigger else run.stage(StageId(target.node))
    bad = stage is not None and stage.status in {Status.FAILED, Status.CANCELLED}
    if stage is not None and bad and stage.cause is not Cause.REJECTED:
        return None
    refusal = Refusal(
        code=RefusalCode.STAGE_NOT_FAILED,
        message=f"stage {target.node} has not failed and was not cancelled",
        node=target.node,
        instead=("retry a step or job of it", "retry the whole run"),
    )
    return with_last_act(refusal, run)


def _check_while_running(run: Run, target: Target) -> Refusal | None:
    if run.awaits_review:
        return Refusal(
            code=RefusalCode.AWAITING_APPROVAL,
            message="the run waits for a review; answer it first",
            rule="R10",
            instead=("approve or refuse the stage",),
        )
    is_copy = target.scope is Scope.JOB and target.node in run.index.parents
    if target.scope is not Scope.STEP and not is_copy:
        return Refusal(
            code=RefusalCode.NEEDS_SINGLE_STEP,
            message="the run goes on: only a single step of it may be retried now",
            node=target.node,
            values=("BK_CI_RETRY_TASK_IN_STAGE_ID",),
            instead=("retry a failed step", "wait for the end of the run"),
        )
    return _check_job_while_running(run, job_of(run.index, target)) or _check_failed(run, target)


def _check_job_while_running(run: Run, job_id: JobId) -> Refusal | None:
    stage = run.stage(run.index.stage_of_job(job_id).id)
    if run.head.cancel is not None:
        return Refusal(
            code=RefusalCode.STAGE_BUSY,
            message=f"the run is being stopped by {run.head.cancel.by}; wait for its end",
            node=stage.id,
        )
    if stage.status is not Status.RUNNING:
        return Refusal(
            code=RefusalCode.STAGE_NOT_RUNNING,
            message=f"stage {stage.id} is {stage.status}; a step is retried while its stage runs",
            node=stage.id,
            instead=("wait for the end of the run",),
        )
    if not run.job(job_id).status.is_final:
        return Refusal(
            code=RefusalCode.JOB_NOT_FINISHED,
            message=f"job {job_id} has not ended",
            node=job_id,
            instead=("wait for the end of the job",),
        )
    return None


def _check_failed(run: Run, target: Target) -> Refusal | None:
    is_step = target.scope is Scope.STEP
    record = run.step(StepId(target.node)) if is_step else run.job(JobId(target.node))
    if record.status in {Status.FAILED, Status.CANCELLED}:
        return None
    return Refusal(
        code=RefusalCode.STEP_NOT_FAILED,
        message=f"{target.scope} {target.node} has neither failed nor been cancelled",
        node=target.node,
    )
