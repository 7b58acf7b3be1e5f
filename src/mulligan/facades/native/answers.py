"""Answers of people: to the review of a stage, to a review step, to a pause."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from mulligan.core.errors import NotFoundError
from mulligan.core.flow.votes import Answer
from mulligan.core.ids import StageId
from mulligan.core.rights import Permission
from mulligan.core.run import Run, RunHead
from mulligan.engine.commands import AnswerStage, AnswerStep, ReceiptRequest, ResumeStep
from mulligan.facades.native import run_views, shapes
from mulligan.facades.native.bodies import AnswerBody, ResumeBody
from mulligan.facades.native.endpoints import Call, Endpoint
from mulligan.facades.native.runs import ONE_RUN, run_of, step_of


async def answer_stage(call: Call) -> Response:
    """Approve or refuse a stage."""
    run = await run_of(call)
    stage = StageId(call.part("stage"))
    if not run.has_reviews_at(stage):
        raise NotFoundError("stage", stage)
    given = _answer(call)

    async def act(receipt: ReceiptRequest | None) -> RunHead:
        return await call.services.engine.answer_stage(
            AnswerStage(
                actor=call.actor.user,
                origin=call.origin,
                receipt=receipt,
                run_id=run.head.id,
                stage=stage,
                answer=given,
            )
        )

    return await _once(call, run, act)


async def answer_step(call: Call) -> Response:
    """Answer a review step."""
    run = await run_of(call)
    step = step_of(call, run)
    given = _answer(call)

    async def act(receipt: ReceiptRequest | None) -> RunHead:
        return await call.services.engine.answer_step(
            AnswerStep(
                actor=call.actor.user,
                origin=call.origin,
                receipt=receipt,
                run_id=run.head.id,
                step=step,
                answer=given,
            )
        )

    return await _once(call, run, act)


async def resume_step(call: Call) -> Response:
    """Let a paused step run, or cancel it."""
    run = await run_of(call)
    step = step_of(call, run)
    go_ahead = call.read(ResumeBody).go_ahead

    async def act(receipt: ReceiptRequest | None) -> RunHead:
        return await call.services.engine.resume_step(
            ResumeStep(
                actor=call.actor.user,
                origin=call.origin,
                receipt=receipt,
                run_id=run.head.id,
                step=step,
                go_ahead=go_ahead,
            )
        )

    return await _once(call, run, act)


def _answer(call: Call) -> Answer:
    given = call.read(AnswerBody)
    return Answer(
        user=call.actor.user,
        approve=given.approve,
        group=given.group,
        suggestion=given.suggestion,
        values=given.values,
    )


async def _once(
    call: Call, run: Run, act: Callable[[ReceiptRequest | None], Awaitable[RunHead]]
) -> Response:
    return await call.once(act, lambda head: run_views.summary(head, run.index.spec.name))


ENDPOINTS = (
    Endpoint(
        method="POST",
        path=ONE_RUN + "/stages/{stage}/answer",
        act=answer_stage,
        summary="Approve or refuse a stage that waits for a review, or (stage-1) that a run begins",
        needs=Permission.APPROVE,
        body=AnswerBody,
        answer=shapes.RunSummary,
    ),
    Endpoint(
        method="POST",
        path=ONE_RUN + "/steps/{step}/answer",
        act=answer_step,
        summary="Answer a step that waits for a review",
        needs=Permission.APPROVE,
        body=AnswerBody,
        answer=shapes.RunSummary,
    ),
    Endpoint(
        method="POST",
        path=ONE_RUN + "/steps/{step}/resume",
        act=resume_step,
        summary="Let a paused step run, or cancel it",
        needs=Permission.START,
        body=ResumeBody,
        answer=shapes.RunSummary,
    ),
)
