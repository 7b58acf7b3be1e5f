"""Two at once: clicks, attempts, cancels, approvals and queues that got into each other's way."""

import asyncio

import pytest

from builders import failing, job, one_job, pipeline, review, stage, step
from engine_world import ANN, BOB, World, a_world
from mulligan.core.errors import RefusedError, StaleFenceError
from mulligan.core.flow.votes import Answer, answer_pause, answer_step
from mulligan.core.ids import JobId, RunId, StageId, StepId
from mulligan.core.records import PipelineSettings
from mulligan.core.recovery.plan import Plan
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.spec import Condition, RunWhen
from mulligan.core.status import Status
from mulligan.engine.commands import AnswerStage
from mulligan.engine.starting import StartPolicy
from mulligan.ports import StepEnd
from mulligan.testing.simulate import Simulation

pytestmark = pytest.mark.anyio

BAD = StepEnd(exit_code=1)
SINGLE = PipelineSettings(run_lock="SINGLE")
ALWAYS = Condition(when=RunWhen.ALWAYS)


async def answer(world: World, run_id: RunId, stage_id: str, *, approve: bool) -> None:
    """Answer the review of a stage as bob."""
    await world.engine.answer_stage(
        AnswerStage(
            actor=BOB,
            run_id=run_id,
            stage=StageId(stage_id),
            answer=Answer(user=BOB, approve=approve),
        )
    )


# 24 ---------------------------------------------------------------------------------------------


async def test_two_clicks_deploy_twice() -> None:
    """However many people click at once, the step runs one more time."""
    async with a_world() as world:
        made = await world.add_pipeline(one_job("build", "deploy"))
        world.scripted.fail("deploy", times=1)
        head = await world.start(made)
        await world.wait_end(head.id)
        world.scripted.hold("deploy")

        clicks = await asyncio.gather(
            *(world.retry(head.id, "deploy", actor=user) for user in (ANN, BOB, ANN, BOB)),
            return_exceptions=True,
        )
        world.scripted.release("deploy")
        run = await world.wait_end(head.id)

        assert sum(not isinstance(click, RefusedError) for click in clicks) == 1
        assert world.scripted.runs("deploy") == 2
        assert run.head.attempt == 2


# 25 ---------------------------------------------------------------------------------------------


def test_second_job_can_not_be_retried_while_the_first_waits() -> None:
    """While one retried job waits for a runner another failed one of the stage can be retried."""
    spec = pipeline(stage("s", job("1", "a"), job("2", "b"), job("3", "c")))
    sim = Simulation(spec, failing(("a", 1), ("b", 1)))
    held = sim.claim(JobId("3"))
    assert held is not None
    sim.finish()

    first = sim.retry("a")
    second = sim.retry("b")
    offered = sim.offered()
    sim.finish()
    sim.report(held)

    assert isinstance(first, Plan)
    assert isinstance(second, Plan)
    assert offered == ["1", "2"]
    assert sim.run.head.status is Status.SUCCEEDED


# 26 ---------------------------------------------------------------------------------------------


async def test_late_end_of_an_attempt_overwrites_the_next() -> None:
    """The end of attempt 1 that arrives while attempt 2 runs is refused and changes nothing."""
    async with a_world(works=False) as world:
        head = await world.start(await world.add_pipeline(one_job("a", "b")))
        old = await world.claim(head.id)
        await world.stop(head.id)
        world.clock.advance(seconds=61)
        await world.stop(head.id)
        await world.retry(head.id)
        new = await world.claim(head.id, attempt=2)
        before = await world.run(head.id)

        for end in (BAD, StepEnd(exit_code=0, variables=(("x", "y"),))):
            with pytest.raises(StaleFenceError):
                await world.report(old, end)

        assert (old.fence, new.fence) == (1, 2)
        assert await world.run(head.id) == before
        assert len((await world.store.history(head.id)).steps["a"]) == 2


# 27 ---------------------------------------------------------------------------------------------


async def test_cancel_of_an_attempt_kills_the_next() -> None:
    """A kill that is carried out late spares the attempt that was made since."""
    async with a_world() as world:
        made = await world.add_pipeline(one_job("a"))
        world.scripted.fail("a", times=1)
        head = await world.start(made)
        await world.wait_end(head.id)
        world.scripted.hold("a")
        await world.retry(head.id, "a")
        await world.wait_started("a", 2)

        world.runner.kill(head.id, JobId("1"), fence=1, step=(StepId("a"), 1), cause="cancelled")
        world.scripted.release("a")
        run = await world.wait_end(head.id)

        assert world.scripted.kills == []
        assert run.head.status is Status.SUCCEEDED


async def test_cancel_of_a_step_kills_the_clean_up_after_it() -> None:
    """A cancel that meets the end of its step does not hit the step that cleans up."""
    async with a_world() as world:
        spec = one_job("a", step("clean", condition=ALWAYS))
        world.scripted.hold("a")
        head = await world.start(await world.add_pipeline(spec))
        await world.wait_started("a")
        stored = len(world.unruly.appended)
        world.unruly.hold_answers()

        stopping = asyncio.create_task(world.stop(head.id))
        await world.until(lambda: len(world.unruly.appended) == stored + 1)
        world.scripted.release("a")
        await world.until(lambda: len(world.unruly.appended) == stored + 2)
        world.unruly.release_answers()
        await stopping
        run = await world.wait_end(head.id)

        assert world.status(run, "clean") is Status.SUCCEEDED


# 28 ---------------------------------------------------------------------------------------------


async def test_process_of_an_attempt_ends_after_the_next_began() -> None:
    """An attempt begins when nothing of the one before it is left, even after an end by force."""
    async with a_world() as world:
        world.scripted.hold("a")
        dying = world.scripted.dying["a"] = asyncio.Event()
        head = await world.start(await world.add_pipeline(one_job("a")))
        await world.wait_started("a")
        await world.stop(head.id)
        world.clock.advance(seconds=61)
        await world.stop(head.id)
        world.scripted.release("a")

        await world.retry(head.id)
        await world.until(lambda: world.unruly.appended[-1].run.job(JobId("1")).fence == 2)
        meanwhile = world.scripted.runs("a")
        dying.set()
        run = await world.wait_end(head.id)

        assert (meanwhile, world.scripted.runs("a")) == (1, 2)
        assert world.scripted.overlaps == []
        assert run.head.status is Status.SUCCEEDED


# 29 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("retry_first", [True, False])
async def test_retry_while_the_stage_is_just_ending(retry_first: bool) -> None:
    """A retry beside the last report of a stage comes before or after it, and both count."""
    async with a_world(works=False) as world:
        spec = pipeline(stage("s", job("1", "a"), job("2", "b")), stage("t", job("3", "c")))
        head = await world.start(await world.add_pipeline(spec))
        await world.report(await world.claim(head.id, "1"), BAD)
        other = await world.claim(head.id, "2")
        stored = len(world.unruly.appended)
        world.unruly.hold_answers()

        acts = [world.retry(head.id, "a"), world.report(other)]
        tasks: list[asyncio.Task[object]] = []
        for act in acts if retry_first else reversed(acts):
            tasks.append(asyncio.create_task(act))
            await world.until(lambda: len(world.unruly.appended) == stored + len(tasks))
        world.unruly.release_answers()
        await asyncio.gather(*tasks)

        run = await world.run(head.id)
        assert run.head.attempt == (1 if retry_first else 2)
        assert run.job(JobId("2")).status is Status.SUCCEEDED
        await world.report(await world.claim(head.id, "1", attempt=2))
        await world.report(await world.claim(head.id, "3"))
        assert (await world.run(head.id)).head.status is Status.SUCCEEDED


async def test_retry_while_the_run_waits_for_an_approval() -> None:
    """While a review is open a retry is refused with what to do first, and nothing moves."""
    async with a_world(works=False) as world:
        spec = pipeline(stage("s", job("1", "a")), stage("t", job("2", "b"), review=review("bob")))
        head = await world.start(await world.add_pipeline(spec))
        await world.report(await world.claim(head.id, "1"))
        before = await world.run(head.id)

        for target in ("a", "1", "s", "t", ""):
            with pytest.raises(RefusedError) as refused:
                await world.retry(head.id, target)
            assert refused.value.refusal.code in {
                RefusalCode.AWAITING_APPROVAL,
                RefusalCode.STAGE_NOT_FAILED,
            }

        assert await world.run(head.id) == before


# 30 ---------------------------------------------------------------------------------------------


async def test_approval_is_cancelled_and_retried_at_once() -> None:
    """After a cancel at a review the stage is not approved by a retry: it is asked again."""
    async with a_world(works=False) as world:
        spec = pipeline(stage("s", job("1", "a")), stage("t", job("2", "b"), review=review("bob")))
        head = await world.start(await world.add_pipeline(spec))
        await world.report(await world.claim(head.id, "1"))

        await world.stop(head.id)
        with pytest.raises(RefusedError) as by_stage:
            await world.retry(head.id, "t")
        await world.retry(head.id)
        await world.report(await world.claim(head.id, "1", attempt=2))

        run = await world.run(head.id)
        assert by_stage.value.refusal.code is RefusalCode.STAGE_NOT_FAILED
        assert run.awaits_review
        await answer(world, head.id, "t", approve=True)
        await world.report(await world.claim(head.id, "2"))
        assert (await world.run(head.id)).head.status is Status.SUCCEEDED


# 31 ---------------------------------------------------------------------------------------------


async def test_runner_is_never_released_after_a_retry() -> None:
    """Whatever became of a run, its runner is free for the next one."""
    async with a_world(slots=1) as world:
        made = await world.add_pipeline(one_job("a"))
        world.scripted.fail("a", times=2)
        failed = await world.start(made)
        await world.wait_end(failed.id)
        await world.retry(failed.id)
        await world.wait_end(failed.id)
        world.scripted.hold("a")
        await world.retry(failed.id, "a")
        await world.wait_started("a", 3)
        await world.stop(failed.id)
        await world.wait_end(failed.id)
        await world.retry(failed.id)
        await world.wait_started("a", 4)
        await world.stop(failed.id)
        world.scripted.release("a")

        following = await world.start(made)
        run = await world.wait_end(following.id)

        await world.until(lambda: world.runner.busy == 0)
        assert run.head.status is Status.SUCCEEDED


# 32 ---------------------------------------------------------------------------------------------


async def test_retry_is_counted_twice() -> None:
    """A retried run takes one place: in a pipeline with a single one it finds its own free."""
    settings = PipelineSettings(run_lock="SINGLE", max_queue_size=0)
    async with a_world(works=False) as world:
        made = await world.add_pipeline(one_job("a", "b"), settings)
        head = await world.start(made)
        await world.report(await world.claim(head.id), BAD)

        for attempt in (2, 3):
            outcome = await world.retry(head.id, "a")
            await world.report(await world.claim(head.id, attempt=attempt), BAD)
            assert outcome.head.status is Status.RUNNING

        following = await world.start(made)
        assert following.status is Status.RUNNING
        assert world.engine.lines.load(made.id).running == 1


async def test_retry_while_running_is_refused_by_a_full_queue() -> None:
    """A step that is retried inside a run that goes on asks for no place."""
    async with a_world(works=False, start_policy=StartPolicy(queue_floor=1)) as world:
        spec = pipeline(stage("s", job("1", "a"), job("2", "b")))
        made = await world.add_pipeline(spec, PipelineSettings(max_running=1))
        head = await world.start(made)
        await world.report(await world.claim(head.id, "1"), BAD)
        with pytest.raises(RefusedError):
            await world.start(made)

        outcome = await world.retry(head.id, "a")

        assert outcome.plan.while_running


# 33 ---------------------------------------------------------------------------------------------


async def test_retry_of_an_old_run_cancels_newer_ones() -> None:
    """Under a lock that was set since, an old run that is retried waits for the newer one."""
    async with a_world(works=False) as world:
        made = await world.add_pipeline(one_job("a"))
        old = await world.start(made)
        await world.report(await world.claim(old.id), BAD)
        await world.catalog.save_settings(
            actor=(await world.add_user("root")), pipeline=made, settings=SINGLE
        )
        new = await world.start(made)
        order = await world.claim(new.id)

        outcome = await world.retry(old.id, "a")
        running = (await world.run(new.id)).head
        await world.report(order)
        await world.wait_status(old.id, Status.RUNNING)

        assert outcome.head.status is Status.QUEUED
        assert (running.status, running.cancel) == (Status.RUNNING, None)
        assert (await world.run(new.id)).head.status is Status.SUCCEEDED


# 36 ---------------------------------------------------------------------------------------------


def test_refused_review_step_runs_what_comes_after_it() -> None:
    """After "no" nothing more of the job is started but its clean-up."""
    ask = step("ask", kind="review", inputs={"reviewUsers": ["bob"]})
    sim = Simulation(one_job(ask, "deploy", step("clean", condition=ALWAYS)))
    sim.finish()

    draft = sim.draft()
    refusal = answer_step(draft, StepId("ask"), Answer(user=BOB, approve=False))
    sim.take(draft)
    sim.finish()

    assert refusal is None
    assert sim.started == [("clean", 1)]
    assert sim.run.head.status is Status.FAILED


def test_paused_step_that_was_not_let_go_runs_once_more() -> None:
    """A paused step that was answered with "end it" is never started, at a retry it asks again."""
    sim = Simulation(one_job(step("deploy", pause_before=True)))
    sim.finish()
    draft = sim.draft()
    assert answer_pause(draft, StepId("deploy"), BOB, go_ahead=False) is None
    sim.take(draft)
    sim.finish()
    ended = sim.run.head.status

    plan = sim.retry("deploy")
    sim.finish()

    gate = sim.run.open_gate("deploy")
    assert ended is Status.CANCELLED
    assert not isinstance(plan, Refusal)
    assert gate is not None
    assert sim.started == []
