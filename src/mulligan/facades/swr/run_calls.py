"""Calls on the current run: start, stop, retry, roll back, review (§2.13, §2.14, §2.19)."""

from typing import Any

from starlette.responses import Response

from mulligan.core.deploy_target import deploy_step
from mulligan.core.errors import RefusedError
from mulligan.core.flow.votes import Answer
from mulligan.core.hold import Phase
from mulligan.core.ids import RunId, StageId
from mulligan.core.records import Pipeline, PipelineVersion
from mulligan.core.run import Run
from mulligan.engine.commands import (
    AnswerStep,
    ReceiptRequest,
    RetryRun,
    RollBack,
    StartRun,
    StopRun,
)
from mulligan.facades.swr import current
from mulligan.facades.swr.calls import Call, Route
from mulligan.facades.swr.compile import DIALECT
from mulligan.facades.swr.errors import NOT_FOUND, SwrError, bad, missing
from mulligan.facades.swr.fields import Json
from mulligan.facades.swr.rights import Right

_MODES = ("retry", "rollback")
_NO_DEPLOYMENT = "-"  # stands for the deployment of a job that deployed nothing
_LONGEST_VALUE = 4096
_EMPTY: Json = {}


def _answer(receipt: ReceiptRequest | None) -> ReceiptRequest | None:
    """Let a receipt render the empty answer, whatever the engine returns."""
    if receipt is None:
        return None
    render = receipt.render
    return ReceiptRequest(
        key=receipt.key, fingerprint=receipt.fingerprint, render=lambda _result: render(_EMPTY)
    )


# --- start and stop -------------------------------------------------------------------------------


async def start_pipeline(call: Call) -> Response:
    """Start a new run; a failed one that is held is given up."""
    pipeline, _ = await call.pipeline_for(Right.READ)
    values = _start_values(await call.value())

    async def act(receipt: ReceiptRequest | None) -> Json:
        command = StartRun(
            actor=call.actor.user,
            origin=call.origin,
            receipt=_answer(receipt),
            pipeline=pipeline.id,
            values=values,
            start_kind="manual",
        )
        await call.services.engine.start_run(command)
        return _EMPTY

    return await call.once(act, stores_receipt=True)


def _start_values(body: Any) -> dict[str, str]:
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise bad("body", "an object is expected")
    params = body.get("params") or []
    if not isinstance(params, list):
        raise bad("params", "an array is expected")
    found: dict[str, str] = {}
    for position, each in enumerate(params):
        path = f"params[{position}]"
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise bad(path, "an object with name and value is expected")
        value = each.get("value", "")
        if not isinstance(value, str) or len(value) > _LONGEST_VALUE:
            raise bad(f"{path}.value", f"a string of at most {_LONGEST_VALUE} is expected")
        found[each["name"]] = value
    return found


async def stop_pipeline(call: Call) -> Response:
    """Stop the run that is under way, or give up the failed one that is held."""
    pipeline, group = await call.pipeline_for(Right.READ)
    services = call.services
    phase = await current.phase(services, pipeline)
    if phase is Phase.CLOSED:
        raise SwrError("SWR.4001151", "nothing is under way and nothing is held")
    run = await current.demand_run(services, pipeline)
    if run.head.started_by != call.actor.user:
        await call.demand(Right.EDIT, group)

    async def act(receipt: ReceiptRequest | None) -> Json:
        command = StopRun(
            actor=call.actor.user,
            origin=call.origin,
            receipt=_answer(receipt),
            run_id=run.head.id,
        )
        await _stop(call, command, phase)
        return _EMPTY

    return await call.once(act, stores_receipt=True)


async def _stop(call: Call, command: StopRun, phase: Phase) -> None:
    """Stop or give up; who retries the held run at this very moment makes it one to be stopped."""
    engine = call.services.engine
    if phase is Phase.HELD:
        try:
            await engine.release_hold(command)
        except RefusedError:
            if (await engine.lines.get(command.run_id)).tip.head.status.is_final:
                raise
        else:
            return
    await engine.stop_run(command)


# --- the seed: retry or roll back a stage ---------------------------------------------------------


async def act_on_stage(call: Call) -> Response:
    """Retry a stage (default) or roll it back. The checks stand in the order of §5.7."""
    pipeline = await call.pipeline()
    mode = call.query.get("mode", "retry")
    right = Right.MANAGE if mode == "rollback" else Right.READ
    await call.demand(right, await call.group_of(pipeline))
    version = await current.version_of(call.services, pipeline)
    stage = StageId(current.stage_id_at(version, call.number("stage_index")))
    if mode not in _MODES:
        raise bad("mode", f"{mode!r} is neither retry nor rollback")
    if mode == "retry":
        return await _retry(call, pipeline, version, stage)
    return await _roll_back(call, pipeline, version, stage)


async def _retry(
    call: Call, pipeline: Pipeline, version: PipelineVersion, stage: StageId
) -> Response:
    run = await current.demand_run(call.services, pipeline)

    async def act(receipt: ReceiptRequest | None) -> Json:
        command = RetryRun(
            actor=call.actor.user,
            origin=call.origin,
            receipt=_answer(receipt),
            run_id=run.head.id,
            target=stage,
            through_end=version.dialect == DIALECT,
        )
        await call.services.engine.retry_run(command)
        return _EMPTY

    return await call.once(act, stores_receipt=True)


async def _roll_back(
    call: Call, pipeline: Pipeline, version: PipelineVersion, stage: StageId
) -> Response:
    number = _read_source(call.query.get("source"))
    _demand_deploying(version, stage)
    chosen = "" if number is None else await _deployment_of(call, pipeline, version, stage, number)
    head = await call.services.store.newest_run(pipeline.id)
    if head is None:
        raise bad("stage_index", "the pipeline has never run, and nothing of the stage is live")

    async def act(receipt: ReceiptRequest | None) -> Json:
        command = RollBack(
            actor=call.actor.user,
            origin=call.origin,
            receipt=_answer(receipt),
            run_id=head.id,
            stage=stage,
            chosen=chosen,
        )
        await call.services.rollbacks.roll_back(command)
        return _EMPTY

    return await call.once(act, stores_receipt=True)


def _read_source(text: str | None) -> int | None:
    """Read `source=rollback::true`, and as an extension `|job_id::N`."""
    if text is None:
        raise bad("source", "a rollback needs source=rollback::true")
    first, *more = text.split("|")
    if first != "rollback::true" or len(more) > 1:
        raise bad("source", f"{text!r} is not rollback::true")
    if not more:
        return None
    key, separator, value = more[0].partition("::")
    if key != "job_id" or not separator or not (value.isascii() and value.isdecimal()):
        raise bad("source", f"{more[0]!r} is not job_id::N")
    return int(value[:18])


def _demand_deploying(version: PipelineVersion, stage: StageId) -> None:
    spec = next(each for each in version.spec.stages if each.id == stage)
    if deploy_step(spec) is None:
        raise bad("stage_index", "only official_deploy and gray_deploy stages can be rolled back")


async def _deployment_of(
    call: Call, pipeline: Pipeline, version: PipelineVersion, stage: StageId, number: int
) -> str:
    spec = next(each for each in version.spec.stages if each.id == stage)
    found = await call.services.store.find_stage_job(number)
    its_own = found is not None and found.head.pipeline == pipeline.id
    if found is None or not its_own or found.job.id != spec.jobs[0].id:
        raise SwrError(NOT_FOUND, f"stage {stage} has no job {number}")
    for deployment in await call.services.store.deployments_of(found.head.id):
        its_act = deployment.job == found.job.id and deployment.job_attempt == found.job.attempt
        if its_act:
            return deployment.id
    return _NO_DEPLOYMENT


# --- reviews --------------------------------------------------------------------------------------


async def vote(call: Call) -> Response:
    """Take the vote of a reviewer. It needs a place among the reviewers, no other right."""
    pipeline = await call.pipeline()
    version = await current.version_of(call.services, pipeline)
    index = call.number("stage_index")
    current.stage_id_at(version, index)
    approve = _read_vote(await call.value())
    run = await current.current_run(call.services, pipeline, version)
    step = _open_review(run, index)
    if run is None or step is None:
        raise bad("stage_index", f"stage {index} does not ask for a review")
    run_id: RunId = run.head.id

    async def act(receipt: ReceiptRequest | None) -> Json:
        command = AnswerStep(
            actor=call.actor.user,
            origin=call.origin,
            receipt=_answer(receipt),
            run_id=run_id,
            step=step.id,
            answer=Answer(user=call.actor.user, approve=approve),
        )
        await call.services.engine.answer_step(command)
        return _EMPTY

    return await call.once(act, stores_receipt=True)


def _read_vote(body: Any) -> bool:
    if not isinstance(body, dict):
        raise bad("body", "an object is expected")
    for key in ("mode", "review_result"):
        if body.get(key) is None:
            raise missing(key)
    if body["mode"] != "review":
        raise bad("mode", f"{body['mode']!r} is not review")
    if body["review_result"] not in ("pass", "refuse"):
        raise bad("review_result", f"{body['review_result']!r} is neither pass nor refuse")
    return bool(body["review_result"] == "pass")


def _open_review(run: Run | None, index: int) -> Any:
    if run is None or run.head.stage != index or run.head.status.is_final:
        return None
    for job in run.index.spec.stages[index].jobs:
        for step in job.steps:
            if step.kind == "review" and run.open_gate(step.id) is not None:
                return step
    return None


_PIPELINE = "/v3/manage/pipelines/{pipeline_id}"
ROUTES = (
    Route(method="POST", path=f"{_PIPELINE}/start", handler=start_pipeline, failure="SWR.5001109"),
    Route(method="POST", path=f"{_PIPELINE}/stop", handler=stop_pipeline, failure="SWR.4001151"),
    Route(
        method="POST",
        path=f"{_PIPELINE}/stages/{{stage_index}}",
        handler=act_on_stage,
        failure="SWR.5001110",
    ),
    Route(
        method="POST",
        path=f"{_PIPELINE}/stages/{{stage_index}}/start",
        handler=act_on_stage,
        failure="SWR.5001110",
    ),
    Route(
        method="PUT",
        path=f"{_PIPELINE}/stages/{{stage_index}}/start_info",
        handler=vote,
        failure="SWR.5001110",
    ),
)
