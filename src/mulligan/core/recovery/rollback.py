"""`plan_rollback`: may a deploy stage be rolled back now, and to what. And how that is begun.

The rules are R11 and spec/swr-pipeline-api.md §5.3–§5.7, as contract-swr.md §4 settles them. Pure.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft, Effect
from mulligan.core.deploy_target import deploy_step, gray_stages, keeps_stable
from mulligan.core.deployments import Act, Deployment, Environment, Outcome
from mulligan.core.flow.split import is_split
from mulligan.core.flow.walk import ask_kill, begin_run
from mulligan.core.hold import Phase, phase_of
from mulligan.core.ids import JobId, StageId, UserName
from mulligan.core.recovery.stage_checks import busy, was_reset_by_failure
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import ROLLBACK, Run, RunAttempt
from mulligan.core.spec import SpecIndex, StageSpec, StepSpec
from mulligan.core.status import Status


class RollbackRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Roll a stage back. `chosen`: id of the deployment to be restored; "" = the one before."""

    actor: UserName
    stage: StageId
    chosen: str = ""
    reason: str = ""


class RollbackFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that are not in the snapshot.

    Args:
        environment: Of the stage; None = nothing was ever deployed there.
        ledger: Deployments by id: at least the live one, those that it leads back to and `chosen`.
        acts: All acts of this stage on the environment that are kept, newest first.
        own_index: The definition by which the run ran, if it would go on by a newer one.
        was_reset: The definition has changed since: no stage of the run counts any more.
    """

    now: datetime
    environment: Environment | None = None
    ledger: Mapping[str, Deployment] = {}
    acts: tuple[Deployment, ...] = ()
    is_newest: bool = True
    was_reset: bool = False
    pipeline_deleted: bool = False
    version: int = 0
    own_index: SpecIndex | None = None


class RollbackPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A rollback of one stage, good for the revision that it was made at.

    `restores`: id of the deployment whose release is restored; for an abort that of the grey one.
    """

    revision: int
    stage: StageId
    job: JobId
    act: Act
    restores: str
    cuts: tuple[StageId, ...] = ()  # later stages that are under way and get cancelled
    version: int = 0


def plan_rollback(
    run: Run, request: RollbackRequest, facts: RollbackFacts
) -> RollbackPlan | Refusal:
    """Plan the rollback that `request` asks for, or say why it is refused."""
    position = run.index.stages.get(request.stage)
    if position is None:
        return Refusal(
            code=RefusalCode.NOT_RETRYABLE,
            message=f"the newest run has no stage {request.stage}: it was added since",
            node=request.stage,
            instead=("start the pipeline",),
        )
    stage = run.index.spec.stages[position]
    step = deploy_step(stage)
    if step is None:
        return Refusal(
            code=RefusalCode.NOT_DEPLOYING,
            message=f"stage {position} ({stage.name}) deploys nothing: it can't be rolled back",
            node=stage.id,
            rule="F2",
            instead=("retry the stage",),
        )
    ran = run if facts.own_index is None else replace(run, index=facts.own_index)
    refusal = (
        _check_pipeline(run, facts)
        or _check_strategy(run, step, position, request)
        or _check_newest(run, facts)
        or _check_busy(ran, step, position, facts)
        or _check_stage(ran, stage, position, facts)
    )
    if refusal is not None:
        return refusal
    is_gray = step.inputs.get("act") == "gray"
    found = _gray_target(facts) if is_gray else _target(run, stage, facts, request)
    if isinstance(found, Refusal):
        return found
    return RollbackPlan(
        revision=run.head.revision,
        stage=stage.id,
        job=stage.jobs[0].id,
        act=Act.ABORT if is_gray else Act.ROLLBACK,
        restores=found.id,
        cuts=_cuts(run),
        version=facts.version,
    )


def _check_pipeline(run: Run, facts: RollbackFacts) -> Refusal | None:
    if not facts.pipeline_deleted:
        return None
    return Refusal(
        code=RefusalCode.PIPELINE_DELETED,
        message=f"pipeline {run.head.pipeline} is deleted; restore it first",
        values=(run.head.pipeline,),
        instead=("restore the pipeline",),
    )


def _check_strategy(
    run: Run, step: StepSpec, position: int, request: RollbackRequest
) -> Refusal | None:
    grays = gray_stages(run.index.spec)
    is_gray = position in grays
    if request.chosen and (is_gray or grays):
        return _unsupported(step.id, "F12", "a version can only be chosen without a grey stage")
    if is_gray:
        return None
    for other in grays:
        gray = deploy_step(run.index.spec.stages[other])
        if gray is not None and not keeps_stable(gray):
            message = "after a grey release by Istio or blue-green only that can be rolled back"
            return _unsupported(step.id, "F11", message)
    return None


def _unsupported(node: str, rule: str, message: str) -> Refusal:
    return Refusal(
        code=RefusalCode.ROLLBACK_UNSUPPORTED,
        message=f"{rule}: {message}",
        node=node,
        rule=rule,
        instead=("roll the grey stage back before it is promoted", "deploy again"),
    )


def _check_newest(run: Run, facts: RollbackFacts) -> Refusal | None:
    if facts.is_newest:
        return None
    return Refusal(
        code=RefusalCode.NOT_NEWEST,
        message=f"run {run.head.number} is not the newest one; roll that back",
        values=(str(run.head.number),),
    )


def _check_busy(run: Run, step: StepSpec, position: int, facts: RollbackFacts) -> Refusal | None:
    if phase_of(run, facts.now) is Phase.EXECUTING and not _is_before_promotion(
        run, step, position
    ):
        return busy(run)
    environment = facts.environment
    if environment is None or not environment.holder:
        return None
    holder = facts.ledger.get(environment.holder)
    who = f" by {holder.actor} since {holder.started_at:%H:%M:%S}Z" if holder else ""
    return Refusal(
        code=RefusalCode.ENVIRONMENT_BUSY,
        message=f"environment {environment.name}: another deployment is under way{who}",
        rule="R11",
        values=(holder.actor if holder else "",),
        instead=("wait for its end",),
    )


def _is_before_promotion(run: Run, step: StepSpec, position: int) -> bool:
    """Tell whether a stage between a grey one and its promotion executes (F9)."""
    head = run.head
    if step.inputs.get("act") != "gray" or head.is_rollback or head.status is not Status.RUNNING:
        return False
    between = run.index.spec.stages[position + 1 : head.stage + 1]
    return bool(between) and all(deploy_step(stage) is None for stage in between)


def _check_stage(run: Run, stage: StageSpec, position: int, facts: RollbackFacts) -> Refusal | None:
    phase = Phase.CLOSED if facts.was_reset else phase_of(run, facts.now)
    record = run.stage(stage.id)
    worked = stage.jobs[0].id in run.jobs and record.status is not Status.QUEUED
    if worked and not facts.was_reset:
        is_behind = run.head.stage > position or phase in {Phase.CLOSED, Phase.HELD}
        return None if is_behind else busy(run)
    if phase is Phase.CLOSED and facts.environment is not None and facts.environment.live:
        return None
    if phase is Phase.CLOSED:
        return Refusal(
            code=RefusalCode.NOT_RETRYABLE,
            message=f"stage {position} ({stage.name}) waits, and nothing of it is live",
            node=stage.id,
            instead=("start the pipeline",),
        )
    return Refusal(
        code=RefusalCode.NOT_RETRYABLE,
        message=f"the run has not reached stage {position} ({stage.name}); stop the run first",
        node=stage.id,
        instead=("stop the run",),
    )


def _cuts(run: Run) -> tuple[StageId, ...]:
    if run.head.status.is_final or run.head.stage < 0:
        return ()
    return (run.index.spec.stages[run.head.stage].id,)


def _no_target(why: str) -> Refusal:
    return Refusal(
        code=RefusalCode.NO_ROLLBACK_TARGET,
        message=f"there is nothing to go back to: {why}",
        rule="R11",
        instead=("deploy another version",),
    )


def _gray_target(facts: RollbackFacts) -> Deployment | Refusal:
    environment = facts.environment
    grays = [act for act in facts.acts if act.act is Act.GRAY]
    if environment is None or not grays:
        return _no_target("no grey release was put out")
    newest = grays[0]
    if environment.gray == newest.id:
        return newest
    if any(_promotes(act, newest) for act in facts.ledger.values()):
        return _unsupported(newest.job, "F9", "the grey release has been promoted")
    aborted = any(
        act.act is Act.ABORT and act.target == newest.id and act.outcome is Outcome.SUCCEEDED
        for act in facts.acts
    )
    if aborted or newest.outcome is Outcome.SUCCEEDED:
        return _no_target("the grey release has been rolled back already")
    return newest  # it failed: take away what it left


def _promotes(act: Deployment, gray: Deployment) -> bool:
    is_good = act.act is Act.PROMOTE and act.outcome is Outcome.SUCCEEDED
    return is_good and act.target == gray.id


def _target(
    run: Run, stage: StageSpec, facts: RollbackFacts, request: RollbackRequest
) -> Deployment | Refusal:
    environment = facts.environment
    live = facts.ledger.get(environment.live) if environment is not None else None
    if request.chosen:
        return _chosen(facts, request, live)
    if live is None:
        return _no_target("no deployment has succeeded there")
    last = facts.acts[0] if facts.acts else None
    if _failed_before_its_act(run, stage.jobs[0].id, last, facts):
        return live
    if last is not None and last.outcome is not Outcome.SUCCEEDED:
        if last.act is not Act.ROLLBACK:
            return live  # a failed deployment is not a version: what is live is applied again
        again = facts.ledger.get(last.target)
        return again if again is not None else live
    before = facts.ledger.get(live.previous)
    return before if before is not None else _no_target("no earlier deployment was successful")


def _failed_before_its_act(
    run: Run, job_id: JobId, last: Deployment | None, facts: RollbackFacts
) -> bool:
    """Tell whether the last execution of the stage ended so early that the ledger has no act."""
    job = run.job(job_id)
    if facts.was_reset or job.mode == ROLLBACK:
        return False
    known = last is not None and (last.run, last.job_attempt) == (run.head.id, job.attempt)
    return job.status in {Status.FAILED, Status.CANCELLED} and not known


def _chosen(
    facts: RollbackFacts, request: RollbackRequest, live: Deployment | None
) -> Deployment | Refusal:
    chosen = facts.ledger.get(request.chosen)
    environment = facts.environment
    if chosen is None or environment is None or chosen.environment != environment.key:
        return _no_target("the chosen deployment is not one of this environment")
    if chosen.outcome is not Outcome.SUCCEEDED or chosen.act not in {Act.DEPLOY, Act.PROMOTE}:
        return _no_target("the chosen deployment is not a successful one")
    if live is not None and chosen.id == live.id:
        return _no_target("the chosen deployment is live")
    return chosen


def apply_rollback(draft: Draft, plan: RollbackPlan, request: RollbackRequest) -> None:
    """Begin the rollback: an attempt of its own, which ends with the stage."""
    if not draft.run.head.status.is_final:
        _cut_run(draft, plan)
    number = draft.run.head.attempt + 1
    attempt = RunAttempt(
        number=number,
        actor=request.actor,
        queued_at=draft.now,
        what="rollback",
        target=plan.stage,
        reason=request.reason,
    )
    returned_to_start = was_reset_by_failure(draft.run)
    draft.emit(e.RunRetried(at=draft.now, attempt=attempt, version=plan.version))
    if returned_to_start:
        _reset_others(draft, plan)
    run = draft.run
    if plan.stage in run.stages:
        draft.emit(e.StageReset(at=draft.now, node=plan.stage, run_attempt=number))
    for step in run.index.jobs[plan.job].steps:
        if step.id in run.steps:
            draft.emit(e.StepReset(at=draft.now, node=step.id, run_attempt=number))
    draft.emit(e.JobReset(at=draft.now, node=plan.job, run_attempt=number, mode=ROLLBACK))
    begin_run(draft)


def _reset_others(draft: Draft, plan: RollbackPlan) -> None:
    """Let the stages of a run that went back to its start wait: that is how they stood."""
    number = draft.run.head.attempt
    for stage in draft.run.index.spec.stages:
        if stage.id == plan.stage:
            continue
        if stage.id in draft.run.stages:
            draft.emit(e.StageReset(at=draft.now, node=stage.id, run_attempt=number))
        for job in stage.jobs:
            if job.id in draft.run.jobs:
                draft.emit(e.JobReset(at=draft.now, node=job.id, run_attempt=number))


def begin_with_rollback(draft: Draft, plan: RollbackPlan) -> None:
    """Begin a new run that is nothing but the rollback of a stage.

    That is how a pipeline is rolled back whose stages have changed since its newest run.
    """
    draft.emit(e.JobReset(at=draft.now, node=plan.job, run_attempt=1, mode=ROLLBACK))
    begin_run(draft)


def _cut_run(draft: Draft, plan: RollbackPlan) -> None:
    """End what is under way: its result is void whatever it would come to."""
    for stage_id in plan.cuts:
        stage = draft.run.index.spec.stages[draft.run.index.stages[stage_id]]
        gate = draft.run.open_gate(stage_id)
        if gate is not None:
            draft.emit(e.GateClosed(at=draft.now, node=stage_id, approved=False))
        for job in list(draft.run.index.jobs_of(stage)):
            _cut_job(draft, job.id)
        draft.emit(
            e.StageFinished(
                at=draft.now, node=stage_id, status=Status.CANCELLED, cause=Cause.ROLLED_BACK
            )
        )
    draft.emit(e.RunFinished(at=draft.now, status=Status.CANCELLED, cause=Cause.ROLLED_BACK))


def _cut_job(draft: Draft, job_id: JobId) -> None:
    job = draft.run.job(job_id)
    if job.status.is_final or job.queued_at is None:
        return
    if job.status is Status.RUNNING and not job.parked:
        ask_kill(draft, job_id, Cause.TERMINATED)
    split = is_split(draft.run, job_id)  # then its steps are those of its copies
    for step in () if split else draft.run.index.jobs[job_id].steps:
        if draft.run.open_gate(step.id) is not None:
            draft.emit(e.GateClosed(at=draft.now, node=step.id, approved=False))
        if not draft.run.step(step.id).status.is_final:
            draft.emit(e.StepFinished(at=draft.now, node=step.id, status=Status.CANCELLED))
    draft.emit(e.JobFinished(at=draft.now, node=job_id, status=Status.CANCELLED))
    draft.effect(Effect(kind="offer", key=job_id, drop=True))
