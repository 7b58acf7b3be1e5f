"""Answers of people: stage reviews, review steps, pauses."""

import pytest

from builders import job, one_job, pipeline, review, stage, step
from engine_world import ANN, BOB, World
from mulligan.core.errors import RefusedError
from mulligan.core.flow.votes import Answer
from mulligan.core.ids import StageId, StepId
from mulligan.core.records import Role
from mulligan.core.refusal import RefusalCode
from mulligan.core.spec import ReviewGroup, ReviewSpec
from mulligan.core.status import Status
from mulligan.engine.commands import (
    AnswerStage,
    AnswerStep,
    ResumeStep,
)

pytestmark = pytest.mark.anyio

TWO_STAGES = pipeline(stage("one", job("1", "a", "b")), stage("two", job("2", "c")))


REVIEWED = pipeline(stage("one", job("1", "a"), review=review("bob")))


async def test_approved_stage_runs(world: World) -> None:
    """A stage runs after its reviewer has approved it, and not before."""
    made = await world.add_pipeline(REVIEWED)
    head = await world.start(made)
    waiting = await world.run(head.id)

    yes = Answer(user=BOB, approve=True)
    command = AnswerStage(actor=BOB, run_id=head.id, stage=StageId("one"), answer=yes)
    await world.engine.answer_stage(command)
    run = await world.wait_end(head.id)

    assert waiting.awaits_review
    assert run.head.status is Status.SUCCEEDED


async def test_answer_of_somebody_else_is_refused(world: World) -> None:
    """Only a reviewer answers; the run waits on."""
    made = await world.add_pipeline(REVIEWED)
    head = await world.start(made)

    yes = Answer(user=ANN, approve=True)
    command = AnswerStage(actor=ANN, run_id=head.id, stage=StageId("one"), answer=yes)
    with pytest.raises(RefusedError) as refused:
        await world.engine.answer_stage(command)

    assert refused.value.refusal.code is RefusalCode.NOT_A_REVIEWER
    assert (await world.run(head.id)).awaits_review
    assert world.scripted.started == []


async def test_review_step_is_answered_without_a_runner(world: World) -> None:
    """A review step holds no runner while it waits; its answer lets the job go on."""
    ask = step("ask", kind="review", inputs={"reviewUsers": ["bob"]})
    made = await world.add_pipeline(one_job("a", ask, "b"))
    head = await world.start(made)
    await world.until(lambda: world.scripted.ended_jobs != [])
    idle = world.runner.busy

    yes = Answer(user=BOB, approve=True)
    command = AnswerStep(actor=BOB, run_id=head.id, step=StepId("ask"), answer=yes)
    await world.engine.answer_step(command)
    run = await world.wait_end(head.id)

    assert idle == 0
    assert run.head.status is Status.SUCCEEDED
    assert world.scripted.started == [("a", 1), ("b", 1)]


async def test_answer_to_a_step_that_does_not_wait_is_refused(world: World) -> None:
    """A step that is no open review can't be answered or resumed."""
    made = await world.add_pipeline(TWO_STAGES)
    head = await world.start(made)
    await world.wait_end(head.id)

    answer = Answer(user=BOB, approve=True)
    with pytest.raises(RefusedError) as answered:
        await world.engine.answer_step(
            AnswerStep(actor=BOB, run_id=head.id, step=StepId("a"), answer=answer)
        )
    with pytest.raises(RefusedError) as resumed:
        await world.engine.resume_step(
            ResumeStep(actor=BOB, run_id=head.id, step=StepId("a"), go_ahead=True)
        )

    assert answered.value.refusal.code is RefusalCode.NOT_AWAITING
    assert resumed.value.refusal.code is RefusalCode.RUN_FINISHED


@pytest.mark.parametrize(
    ("go_ahead", "status", "started"),
    [(True, Status.SUCCEEDED, [("a", 1)]), (False, Status.CANCELLED, [])],
)
async def test_paused_step_waits_for_its_answer(
    world: World, go_ahead: bool, status: Status, started: list[tuple[str, int]]
) -> None:
    """A paused step runs when it is let go, and never when it is not."""
    made = await world.add_pipeline(one_job(step("a", pause_before=True)))
    head = await world.start(made)
    while (await world.run(head.id)).open_gate("a") is None:
        assert await world.live.wait_run(head.id, 10)

    await world.engine.resume_step(
        ResumeStep(actor=BOB, run_id=head.id, step=StepId("a"), go_ahead=go_ahead)
    )
    run = await world.wait_end(head.id)

    assert run.head.status is status
    assert world.scripted.started == started


async def test_roles_of_a_review_are_those_of_the_moment(hand: World) -> None:
    """Who has the role when the group is asked may answer, also in a later group."""
    groups = (
        ReviewGroup(id="1", groups=("owner",)),
        ReviewGroup(id="2", reviewers=("eve",), groups=("developer", "maintainer")),
    )
    spec = pipeline(stage("s", job("1", "a"), review=ReviewSpec(groups=groups)))
    await hand.add_user("cid", Role.DEVELOPER)
    made = await hand.add_pipeline(spec)
    head = await hand.start(made)
    first = (await hand.run(head.id)).gates["s"].reviewers
    await hand.add_user("dan", Role.MAINTAINER)

    await hand.engine.answer_stage(
        AnswerStage(
            actor=ANN, run_id=head.id, stage=StageId("s"), answer=Answer(user=ANN, approve=True)
        )
    )

    assert first == (ANN,)
    assert (await hand.run(head.id)).gates["s"].reviewers == ("eve", "cid", "dan")
