"""Rollbacks: ask what one would do, and do it – by the stage of a run, or by the environment."""

from starlette.responses import Response

from mulligan.core.deployments import Environment
from mulligan.core.errors import NotFoundError, RefusedError
from mulligan.core.ids import StageId
from mulligan.core.recovery.rollback import RollbackPlan
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.rights import Permission
from mulligan.core.run import Run, RunHead
from mulligan.core.spec import PipelineSpec
from mulligan.engine.commands import ReceiptRequest, RollBack
from mulligan.facades.native import release_shapes, run_views, shapes
from mulligan.facades.native.bodies import RollbackBody
from mulligan.facades.native.endpoints import Call, Endpoint, answer
from mulligan.facades.native.environments import (
    ONE_ENVIRONMENT,
    Ledger,
    environment_of,
    place_of,
)
from mulligan.facades.native.recovery import matched, reason_of
from mulligan.facades.native.runs import ONE_RUN, run_of


async def plan_stage(call: Call) -> Response:
    """Tell what a rollback of a stage would do; nothing is changed."""
    run = await run_of(call)
    return await _plan(call, run, _stage_of(call, run))


async def roll_back_stage(call: Call) -> Response:
    """Roll a stage back, with `If-Match` only if what was planned still holds."""
    run = await run_of(call)
    return await _roll_back(call, run, _stage_of(call, run))


async def plan_environment(call: Call) -> Response:
    """Tell what a rollback of an environment would do; nothing is changed."""
    return await _plan(call, *await _live_stage(call, await environment_of(call)))


async def roll_back_environment(call: Call) -> Response:
    """Roll back the stage whose deployment is live in an environment."""
    return await _roll_back(call, *await _live_stage(call, await environment_of(call)))


def _stage_of(call: Call, run: Run) -> StageId:
    stage = StageId(call.part("stage"))
    if stage not in run.index.stages:
        raise NotFoundError("stage", stage)
    return stage


async def _live_stage(call: Call, environment: Environment) -> tuple[Run, StageId]:
    """Return the stage that put there what is live, in the newest run of its pipeline.

    Raises:
        RefusedError: It can't be told.
    """
    store = call.services.store
    ident = environment.live or environment.gray
    deployment = await store.find_deployment(ident) if ident else None
    if deployment is None:
        raise _not_derivable(f"nothing is live in environment {environment.name}")
    head = await store.newest_run(deployment.pipeline)
    if head is not None:
        run = await call.services.engine.get_run(head.id)
        for stage in run.index.spec.stages:
            if any(job.id == deployment.job for job in stage.jobs):
                return run, stage.id
    raise _not_derivable(
        f"the pipeline that deployed to environment {environment.name} has no such stage any more"
    )


def _not_derivable(message: str) -> RefusedError:
    return RefusedError(
        Refusal(
            code=RefusalCode.NO_ROLLBACK_TARGET,
            message=message,
            rule="R11",
            instead=("roll back the stage of a run",),
        )
    )


def _command(
    call: Call, run: Run, stage: StageId, receipt: ReceiptRequest | None = None
) -> RollBack:
    given = call.read(RollbackBody)
    revision, restores = matched(call)
    return RollBack(
        actor=call.actor.user,
        origin=call.origin,
        receipt=receipt,
        run_id=run.head.id,
        stage=stage,
        chosen=given.to or "",
        reason=reason_of(given.reason),
        revision=revision,
        restores=restores,
    )


async def _demand_pipeline(call: Call, run: Run) -> None:
    """Check that the pipeline of a run is still there.

    Raises:
        RefusedError: It is deleted.
    """
    pipeline = await call.services.store.find_pipeline(run.head.pipeline)
    if pipeline is None or pipeline.deleted_at is not None:
        raise RefusedError(
            Refusal(
                code=RefusalCode.PIPELINE_DELETED,
                message="the pipeline is deleted; its runs can only be looked at",
                instead=("deploy by another pipeline",),
            )
        )


async def _roll_back(call: Call, run: Run, stage: StageId) -> Response:
    await _demand_pipeline(call, run)

    async def act(receipt: ReceiptRequest | None) -> RunHead:
        return await call.services.rollbacks.roll_back(_command(call, run, stage, receipt))

    return await call.once(act, lambda head: run_views.summary(head, run.index.spec.name))


async def _plan(call: Call, run: Run, stage: StageId) -> Response:
    await _demand_pipeline(call, run)
    plan = await call.services.rollbacks.plan(_command(call, run, stage))
    return answer(await _shown(call, run, plan))


async def _shown(call: Call, run: Run, plan: RollbackPlan) -> release_shapes.RollbackPlanView:
    store = call.services.store
    restores = await store.find_deployment(plan.restores)
    environment = await store.find_environment(restores.environment) if restores else None
    if restores is None or environment is None:
        raise NotFoundError("deployment", plan.restores)
    ledger = Ledger(call.services)
    return release_shapes.RollbackPlanView(
        run=run.head.id,
        revision=plan.revision,
        etag=f'"{plan.revision}:{plan.restores}"',
        run_attempt=run.head.attempt + 1,
        stage=_place(run.index.spec, plan.stage),
        action=plan.act.value,
        environment=await ledger.environment(environment),
        restores=await ledger.deployment(restores, environment),
        cuts=tuple(_place(run.index.spec, stage) for stage in plan.cuts),
        version=plan.version,
    )


def _place(spec: PipelineSpec, stage: StageId) -> release_shapes.StagePlace:
    index = next(index for index, each in enumerate(spec.stages) if each.id == stage)
    return place_of(spec, index)


_STAGE = ONE_RUN + "/stages/{stage}/rollback"
_ENVIRONMENT = ONE_ENVIRONMENT + "/rollback"

ENDPOINTS = (
    Endpoint(
        method="POST",
        path=_STAGE + "/plan",
        act=plan_stage,
        summary="Tell what a rollback of a stage would restore and cut off",
        needs=Permission.ROLL_BACK,
        body=RollbackBody,
        answer=release_shapes.RollbackPlanView,
    ),
    Endpoint(
        method="POST",
        path=_STAGE,
        act=roll_back_stage,
        precondition=True,
        summary="Roll a stage back; with If-Match only if what was planned still holds",
        needs=Permission.ROLL_BACK,
        body=RollbackBody,
        answer=shapes.RunSummary,
    ),
    Endpoint(
        method="POST",
        path=_ENVIRONMENT + "/plan",
        act=plan_environment,
        summary="Tell what a rollback of an environment would restore and cut off",
        needs=Permission.ROLL_BACK,
        body=RollbackBody,
        answer=release_shapes.RollbackPlanView,
    ),
    Endpoint(
        method="POST",
        path=_ENVIRONMENT,
        act=roll_back_environment,
        precondition=True,
        summary="Roll back the stage whose deployment is live in an environment",
        needs=Permission.ROLL_BACK,
        body=RollbackBody,
        answer=shapes.RunSummary,
    ),
)
