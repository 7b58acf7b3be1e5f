"""Calls on builds: start, stop, retry, restart, look, review. They translate and nothing more."""

from starlette.responses import Response

from mulligan.core.errors import ForbiddenError, InvalidError, NotFoundError, RefusedError
from mulligan.core.flow.votes import Answer
from mulligan.core.ids import RunId, StageId, StepId
from mulligan.core.recovery.request import Scope as TargetScope
from mulligan.core.recovery.target import find_target
from mulligan.core.refusal import RefusalCode
from mulligan.core.rights import Permission
from mulligan.core.run import Run, RunHead
from mulligan.core.spec import SpecIndex
from mulligan.core.triggers.values import event_values
from mulligan.core.variables import Scope, built_in_values, gathered_outputs
from mulligan.engine.commands import (
    AnswerStage,
    AnswerStep,
    ReceiptRequest,
    ResumeStep,
    RetryRun,
    SetRemark,
    StartRun,
    StopRun,
)
from mulligan.facades.bkci import wire
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.bodies import (
    read_names,
    read_pause,
    read_remark,
    read_stage_review_body,
    read_start_values,
    read_step_review_body,
)
from mulligan.facades.bkci.calls import Call, may_stop, ok
from mulligan.facades.bkci.calls import answering as _answering
from mulligan.facades.bkci.detail_out import render_detail
from mulligan.facades.bkci.pause_in import read_changed
from mulligan.facades.bkci.run_out import (
    render_build_id,
    render_build_status,
    render_variables,
)
from mulligan.facades.bkci.run_parts import render_failed_tasks
from mulligan.facades.bkci.times import Json
from mulligan.facades.common.sensitive import mask_inputs

NOTHING_DONE = False  # the data of an answer that changed nothing


async def build_start(call: Call) -> Response:
    """Start a build."""
    query = wire.read_start(call.query)
    given = read_start_values(call.body())
    pipeline = await call.pipeline(query.pipeline)
    await call.demand(Permission.START)
    if query.branch:
        raise InvalidError(
            "only pipelines as code have branch versions",
            pointer="branch",
            code="not-as-code",
            values=(pipeline.name,),
        )

    async def act(receipt: ReceiptRequest | None) -> Json:
        command = StartRun(
            actor=call.actor.user,
            origin=call.origin,
            receipt=_answering(receipt, _build_id),
            pipeline=query.pipeline,
            values=given.values,
            message=given.message,
            disabled_steps=given.disabled_steps,
            facts=given.facts,
            version_number=query.version_number,
        )
        return render_build_id(await call.services.engine.start_run(command))

    return await call.once(act)


def _build_id(result: object) -> Json:
    return render_build_id(_head_of(result))


def _true(_result: object) -> bool:
    return True


def _head_of(result: object) -> RunHead:
    head = getattr(result, "head", result)
    assert isinstance(head, RunHead)  # noqa: S101 - what starts and retries return
    return head


async def build_retry(call: Call) -> Response:
    """Retry a build, or retry or skip failed plug-ins: the seed of this project."""
    query = wire.read_retry(call.query)
    run_id = query.run
    if run_id is None:
        found = None
        if query.pipeline is not None and query.number is not None:
            await call.pipeline(query.pipeline)
            found = await call.services.store.find_run_by_number(query.pipeline, query.number)
        if found is None:
            raise NotFoundError("run", str(query.number))
        run_id = found
    run = await call.run(run_id, query.pipeline)
    await call.demand(Permission.RETRY)
    if query.skip and query.target.strip():
        await call.demand(Permission.SKIP)
    may_operate = await call.services.access.allows(call.actor, Permission.OPERATE, call.project)

    async def act(receipt: ReceiptRequest | None) -> Json:
        command = RetryRun(
            actor=call.actor.user,
            origin=call.origin,
            receipt=_answering(receipt, _build_id),
            run_id=run.head.id,
            target=query.target,
            only_failed=query.only_failed,
            skip=query.skip,
            may_operate=may_operate,
            revision=call.revision,
        )
        outcome = await call.services.engine.retry_run(command)
        return render_build_id(outcome.head)

    return await call.once(act)


async def build_stop(call: Call) -> Response:
    """Cancel a build; the second call after a minute ends it by force."""
    query = wire.read_run(call.query)
    await call.demand(Permission.VIEW)
    run = await call.run(query.run, query.pipeline)
    await _demand_stop(call, run)

    async def act(receipt: ReceiptRequest | None) -> bool:
        command = StopRun(
            actor=call.actor.user,
            origin=call.origin,
            receipt=_answering(receipt, _true),
            run_id=run.head.id,
        )
        await call.services.engine.stop_run(command)
        return True

    return await call.once(act)


async def _demand_stop(call: Call, run: Run) -> None:
    if not await may_stop(call, run):
        raise ForbiddenError(call.actor.user, Permission.STOP.value, run.head.id)


async def build_restart(call: Call) -> Response:
    """Cancel a build and start a new one with the same start parameters."""
    query = wire.read_run(call.query)
    run = await call.run(query.run, query.pipeline)
    await call.demand(Permission.START)
    is_running = not run.head.status.is_final
    if is_running:
        await _demand_stop(call, run)
        if run.head.cancel is not None:
            raise _restarting(run)

    origin = run.head.origin
    # what an event has started is started again as if the event had come again
    event = origin if origin is not None and origin.host else None
    first = {name: stack[0].value for name, stack in run.writes.items()}

    async def act(receipt: ReceiptRequest | None) -> str:
        engine = call.services.engine
        command = StartRun(
            actor=run.head.started_by,
            origin=call.origin,
            receipt=_answering(receipt, lambda result: _head_of(result).id),
            pipeline=run.head.pipeline,
            values={parameter.name: parameter.value for parameter in run.head.parameters},
            message=run.head.message,
            start_kind="manual" if event is None else "webhook",
            needs_manual_trigger=event is None,
            trigger=event,
            facts={} if event is None else event_values(first),
            replaces=run.head.id if is_running else None,
        )
        if is_running:
            await _check_start(call, command, run)
            await _stop_for_another(call, run)
        return (await engine.start_run(command)).id

    return await call.once(act)


async def _check_start(call: Call, command: StartRun, run: Run) -> None:
    """Refuse what can't start anew, else the build would be gone, with no new one."""
    try:
        await call.services.engine.check_start(command)
    except RefusedError as error:
        # the new build of another restart, made since `run` was read, may be what is in the way
        if (await call.run(run.head.id)).head.cancel is not None:
            raise _restarting(run) from error
        raise


async def _stop_for_another(call: Call, run: Run) -> None:
    stop = StopRun(actor=call.actor.user, origin=call.origin, run_id=run.head.id)
    try:
        await call.services.engine.stop_run(stop)
    except RefusedError as error:
        if error.refusal.code is RefusalCode.ALREADY_CANCELLED:  # by another restart just now
            raise _restarting(run) from error
        if error.refusal.code is not RefusalCode.RUN_FINISHED:  # it has ended meanwhile: as well
            raise


def _restarting(run: Run) -> InvalidError:
    return InvalidError("the build is being restarted", code="restarting", values=(run.head.id,))


async def build_status(call: Call) -> Response:
    """Tell the status of a build, with its variables."""
    query = wire.read_run(call.query)
    run = await call.run(query.run, query.pipeline)
    await call.demand(Permission.VIEW)
    values = {name: stack[-1].value for name, stack in run.writes.items()}
    is_over = run.head.status.is_final
    artifacts = await call.services.store.list_artifacts(run.head.id) if is_over else ()
    return ok(
        render_build_status(
            AttemptView(run),
            await call.surroundings(run, run.head.pipeline),
            source=await call.source(run),
            variables=values | gathered_outputs(run) | built_in_values(run),
            artifacts=artifacts,
        )
    )


async def build_detail(call: Call) -> Response:
    """Give the full model of one attempt of a build."""
    query = wire.read_run(call.query)
    run = await call.run(query.run, query.pipeline)
    await call.demand(Permission.VIEW)
    history = await call.services.store.history(run.head.id)
    view = AttemptView(run, history, query.attempt)
    around = await call.surroundings(run, run.head.pipeline)
    shown = render_detail(view, around, source=await call.source(run))
    # what somebody has changed of a task may be secret too
    sensitive = await call.services.plugins.sensitive_inputs()
    return ok({**shown, "model": mask_inputs(shown["model"], sensitive)})


async def build_failed_tasks(call: Call) -> Response:
    """List the failed tasks of a build."""
    query = wire.read_run(call.query)
    run = await call.run(query.run, query.pipeline)
    await call.demand(Permission.VIEW)
    history = await call.services.store.history(run.head.id)
    return ok(render_failed_tasks(AttemptView(run, history, query.attempt)))


async def build_variables(call: Call) -> Response:
    """Read variables of a build."""
    query = wire.read_run(call.query)
    names = read_names(call.body())
    run = await call.run(query.run, query.pipeline)
    await call.demand(Permission.VIEW)
    scope = Scope(run)
    values = {name: value for name in names if (value := scope.get(name)) is not None}
    return ok(render_variables(run, values, names))


async def update_remark(call: Call) -> Response:
    """Set the remark of a build."""
    query = wire.read_run(call.query)
    text = read_remark(call.body())
    run = await call.run(query.run, query.pipeline)
    await call.demand(Permission.START)

    async def act(receipt: ReceiptRequest | None) -> bool:
        await call.services.engine.set_remark(
            SetRemark(
                actor=call.actor.user,
                origin=call.origin,
                receipt=_answering(receipt, _true),
                run_id=run.head.id,
                text=text,
            )
        )
        return True

    return await call.once(act)


# --- people's answers -----------------------------------------------------------------------------


async def manual_start_build_stage(call: Call) -> Response:
    """Approve or refuse a stage that waits for a review. Being a reviewer is the only right."""
    query = wire.read_stage_review(call.query)
    given = read_stage_review_body(call.body())
    run = await call.run(query.run, query.pipeline)
    await call.demand(Permission.VIEW)
    if not run.has_reviews_at(StageId(query.stage)):
        raise NotFoundError("stage", query.stage)

    async def act(receipt: ReceiptRequest | None) -> bool:
        answer = Answer(
            user=call.actor.user,
            approve=not query.cancel,
            group=given.group,
            suggestion=given.suggestion,
            values=given.values,
        )
        await call.services.engine.answer_stage(
            AnswerStage(
                actor=call.actor.user,
                origin=call.origin,
                receipt=_answering(receipt, _true),
                run_id=run.head.id,
                stage=StageId(query.stage),
                answer=answer,
            )
        )
        return True

    return await call.once(act)


async def manual_review(call: Call) -> Response:
    """Answer a manual-review task."""
    query = wire.read_step_review(call.query)
    given = read_step_review_body(call.body())
    run = await call.run(query.run, query.pipeline)
    await call.demand(Permission.VIEW)
    step = find_step(run.index, query.step)
    if step is None:
        raise NotFoundError("step", query.step)

    async def act(receipt: ReceiptRequest | None) -> bool:
        answer = Answer(
            user=call.actor.user,
            approve=given.approve,
            suggestion=given.suggestion,
            values=given.values,
        )
        await call.services.engine.answer_step(
            AnswerStep(
                actor=call.actor.user,
                origin=call.origin,
                receipt=_answering(receipt, _true),
                run_id=run.head.id,
                step=step,
                answer=answer,
            )
        )
        return True

    return await call.once(act)


async def build_execute_pause(call: Call) -> Response:
    """Continue or stop a paused task."""
    query = wire.read_run(call.query)
    given = read_pause(call.body())
    await call.demand(Permission.START)
    run = await call.run(query.run, query.pipeline)
    step = find_step(run.index, given.step) if given.step else None
    if step is None:
        return ok(NOTHING_DONE)
    changed = None
    if given.element is not None and given.go_ahead:
        source, patch = await call.source(run), run.step(step).patch
        changed = read_changed(source, run.index, step, given.element, patch)

    async def act(receipt: ReceiptRequest | None) -> bool:
        await call.services.engine.resume_step(
            ResumeStep(
                actor=call.actor.user,
                origin=call.origin,
                receipt=_answering(receipt, _true),
                run_id=RunId(run.head.id),
                step=step,
                go_ahead=given.go_ahead,
                changed=changed,
            )
        )
        return True

    return await call.once(act)


def find_step(index: SpecIndex, text: str) -> StepId | None:
    """Find a step by its id or its author's ref."""
    target = find_target(index, text)
    if target is None or target.scope is not TargetScope.STEP or target.is_trigger:
        return None
    return StepId(target.node)
