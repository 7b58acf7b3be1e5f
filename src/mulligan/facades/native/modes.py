"""Every way to recover a run, each with what it would do or why it is not possible."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.responses import Response

from mulligan.core.errors import ForbiddenError, NotFoundError, RefusedError
from mulligan.core.failure import root_failure
from mulligan.core.ids import StageId, StepId
from mulligan.core.recovery.plan import Plan
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.rights import Permission
from mulligan.core.run import Run
from mulligan.engine.commands import RetryRun, RollBack
from mulligan.facades.native import queries
from mulligan.facades.native.changeable import Changeable, changeable
from mulligan.facades.native.endpoints import Call, Endpoint, Query, answer
from mulligan.facades.native.expectations import expected
from mulligan.facades.native.plan_views import etag, show_plan
from mulligan.facades.native.problem_texts import in_chinese, wants_chinese
from mulligan.facades.native.problems import problem_of
from mulligan.facades.native.runs import ONE_RUN, run_of
from mulligan.facades.native.shapes import PlanApprovals, PlanCounts, Shape


class ModeRequest(Shape, frozen=True, kw_only=True):
    """The call that does it, below `/api/v1`; `etag` goes into `If-Match`, "" = none is needed."""

    method: str
    path: str
    body: dict[str, Any]
    etag: str


class ModePlan(Shape, frozen=True, kw_only=True):
    """What it would do, in short; `…/recovery/plan` with the same body tells all."""

    counts: PlanCounts
    approvals: PlanApprovals
    seconds_saved: float
    expected_seconds: float | None
    run_attempt: int


class WhyNot(Shape, frozen=True, kw_only=True):
    """Why it is not possible: by which rule, what stands in the way, what would be possible."""

    code: str
    message: str
    rule: str
    node: str
    instead: tuple[str, ...]


class ModeView(Shape, frozen=True, kw_only=True):
    """One way to recover.

    Args:
        mode: retry-step, retry-job, retry-failed (jobs of the stage), retry-stage, retry-run,
            skip-step, skip-failed (steps of the stage), resume, rollback-stage.
        node: What it is about; "" = the whole run.
        needs_reason: Its body needs a `reason`.
        plan: null of a resume or rollback.
        restores: Of a rollback: the id of the deployment that would be live again.
        environment: Of a rollback: the id of the environment; it can be rolled back by that, too.
    """

    mode: str
    node: str
    name: str
    allowed: bool
    needs_reason: bool
    plan: ModePlan | None
    restores: str | None
    environment: str | None
    why_not: WhyNot | None
    request: ModeRequest


class ModeList(Shape, frozen=True, kw_only=True):
    """All ways to recover a run. `step`: the one that they are about; `suggested`: the default.

    `changeable`: what can be changed for a retry, if it was asked for with `changes=true`.
    """

    run: str
    revision: int
    etag: str
    step: str
    suggested: str | None
    changeable: Changeable | None
    items: tuple[ModeView, ...]


class _Mode(msgspec.Struct, frozen=True):
    """A retry or skip that may be possible."""

    word: str
    node: str
    name: str
    body: dict[str, Any] = {}


async def list_modes(call: Call) -> Response:
    """List every way to recover a run, allowed or why not."""
    run = await run_of(call)
    step = _step(call, run)
    wants_changes = queries.flag(call.request, "changes")
    items = [await _retry(call, run, mode) for mode in _retries(run, step)]
    items += [await _resume(call, run, node) for node in _pauses(run)]
    items += [await _roll_back(call, run, stage) for stage in _deploy_stages(run)]
    allowed = [item.mode for item in items if item.allowed]
    return answer(
        ModeList(
            run=run.head.id,
            revision=run.head.revision,
            etag=etag(run.head.revision),
            step=step or "",
            suggested=allowed[0] if allowed else None,
            changeable=await changeable(call, run, step) if wants_changes else None,
            items=tuple(items),
        )
    )


def _step(call: Call, run: Run) -> StepId | None:
    """Return the step that the modes are about: the one asked for, else the root failure."""
    given = queries.text(call.request, "step")
    if given:
        if given not in run.index.steps:
            raise NotFoundError("step", given)
        return StepId(given)
    failure = root_failure(run)
    return failure.step if failure is not None else None


def _retries(run: Run, step: StepId | None) -> list[_Mode]:
    index = run.index
    modes: list[_Mode] = []
    stage: StageId | None = None
    if step is not None:
        spec, job = index.steps[step], index.job_of_step(step)
        stage = index.stage_of_job(job.id).id
        modes = [
            _Mode("retry-step", step, spec.name, {"target": step}),
            _Mode("skip-step", step, spec.name, {"target": step, "skip": True}),
            _Mode("retry-job", job.id, job.name, {"target": job.id}),
        ]
    else:
        failure = root_failure(run)
        stage = failure.stage if failure is not None else None
    if stage is not None:
        name = index.spec.stages[index.stages[stage]].name
        modes += [
            _Mode("retry-failed", stage, name, {"target": stage, "only_failed": True}),
            _Mode("retry-stage", stage, name, {"target": stage}),
            _Mode("skip-failed", stage, name, {"target": stage, "skip": True}),
        ]
    return [*modes, _Mode("retry-run", "", index.spec.name, {"target": ""})]


async def _retry(call: Call, run: Run, mode: _Mode) -> ModeView:
    services, actor = call.services, call.actor
    skips = bool(mode.body.get("skip"))
    base = f"/projects/{call.project}/runs/{run.head.id}"
    permission = Permission.SKIP if skips else Permission.RETRY
    command = RetryRun(
        actor=actor.user,
        origin=call.origin,
        run_id=run.head.id,
        target=mode.node,
        only_failed=bool(mode.body.get("only_failed")),
        skip=skips,
        reason="-",
        may_operate=skips and await services.access.allows(actor, Permission.OPERATE, call.project),
    )

    async def plan() -> Plan:
        await services.access.demand(actor, permission, call.project)
        return await services.engine.plan_retry(command)

    made, why_not = await _try(call, plan)
    return ModeView(
        mode=mode.word,
        node=mode.node,
        name=mode.name,
        allowed=made is not None,
        needs_reason=skips,
        plan=None if made is None else await _plan(call, run, made),
        restores=None,
        environment=None,
        why_not=why_not,
        request=ModeRequest(
            method="POST",
            path=f"{base}/recovery/apply",
            body=mode.body,
            etag="" if made is None else etag(made.revision),
        ),
    )


async def _try(call: Call, plan: Callable[[], Awaitable[Any]]) -> tuple[Any | None, WhyNot | None]:
    """Ask for a plan; give it, or why there is none: in the words of the problem that it is."""
    try:
        return await plan(), None
    except (RefusedError, ForbiddenError) as error:
        problem = problem_of(error)
        if wants_chinese(call.request, call.actor):
            problem = in_chinese(problem)
        return None, WhyNot(
            code=problem.code,
            message=problem.detail,
            rule=problem.rule or "",
            node=problem.node or "",
            instead=problem.instead,
        )


async def _plan(call: Call, run: Run, plan: Plan) -> ModePlan:
    shown = show_plan(plan, run)
    return ModePlan(
        counts=shown.counts,
        approvals=shown.approvals,
        seconds_saved=shown.seconds_saved,
        expected_seconds=await expected(call, run, plan),
        run_attempt=plan.run_attempt,
    )


def _pauses(run: Run) -> list[StepId]:
    gates = (run.open_gate(node) for node in run.gates)
    return [StepId(gate.node) for gate in gates if gate is not None and gate.kind == "pause"]


async def _resume(call: Call, run: Run, step: StepId) -> ModeView:
    async def nothing() -> bool:
        await call.services.access.demand(call.actor, Permission.START, call.project)
        if run.head.status.is_final:
            raise RefusedError(
                Refusal(code=RefusalCode.RUN_FINISHED, message="the run has ended", node=step)
            )
        return True

    made, why_not = await _try(call, nothing)
    return ModeView(
        mode="resume",
        node=step,
        name=run.index.steps[step].name,
        allowed=made is not None,
        needs_reason=False,
        plan=None,
        restores=None,
        environment=None,
        why_not=why_not,
        request=ModeRequest(
            method="POST",
            path=f"/projects/{call.project}/runs/{run.head.id}/steps/{step}/resume",
            body={"go_ahead": True},
            etag="",
        ),
    )


def _deploy_stages(run: Run) -> list[StageId]:
    """Return the stages that deploy, in order."""
    index = run.index
    found = {index.stage_of_job(index.step_job[step][0]).id for step in index.deploy_steps}
    return [stage.id for stage in index.spec.stages if stage.id in found]


async def _roll_back(call: Call, run: Run, stage: StageId) -> ModeView:
    command = RollBack(
        actor=call.actor.user,
        origin=call.origin,
        run_id=run.head.id,
        stage=stage,
        chosen="",
        reason="",
    )

    async def plan() -> Any:
        await call.services.access.demand(call.actor, Permission.ROLL_BACK, call.project)
        return await call.services.rollbacks.plan(command)

    made, why_not = await _try(call, plan)
    return ModeView(
        mode="rollback-stage",
        node=stage,
        name=run.index.spec.stages[run.index.stages[stage]].name,
        allowed=made is not None,
        needs_reason=False,
        plan=None,
        restores=None if made is None else made.restores,
        environment=None if made is None else await _environment(call, made.restores),
        why_not=why_not,
        request=ModeRequest(
            method="POST",
            path=f"/projects/{call.project}/runs/{run.head.id}/stages/{stage}/rollback",
            body={} if made is None else {"to": made.restores},
            etag="" if made is None else f'"{made.revision}:{made.restores}"',
        ),
    )


async def _environment(call: Call, ident: str) -> str | None:
    deployment = await call.services.store.find_deployment(ident)
    if deployment is None:
        return None
    found = await call.services.store.find_environment(deployment.environment)
    return found.id if found is not None else None


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=ONE_RUN + "/recovery/modes",
        act=list_modes,
        summary="List every way to recover a run, each with what it would do or why it can't be",
        needs=Permission.VIEW,
        answer=ModeList,
        query=(
            Query("step", "The step that it is about; the first that failed if absent."),
            Query("changes", "Also what can be changed for a retry.", {"type": "boolean"}),
        ),
    ),
)
