"""The runner: what it does with offers, steps, kills, outages, and executors that misbehave."""

import asyncio

import pytest

from builders import job, one_job, pipeline, stage, step
from engine_world import SHOP, World, a_world, pipeline_id
from mulligan.core.cause import Cause
from mulligan.core.errors import InfrastructureError
from mulligan.core.ids import JobId, RunId, StepId
from mulligan.core.prepare import StepOrder
from mulligan.core.spec import Condition, RunWhen
from mulligan.core.status import Status
from mulligan.engine import runner
from mulligan.engine.runner import report_of
from mulligan.ports import Offer, StepEnd

pytestmark = pytest.mark.anyio

ONE = one_job("a")
TWO = one_job("a", "b")
ALWAYS = Condition(when=RunWhen.ALWAYS)
JOB = JobId("1")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the runner try again at once."""
    monkeypatch.setattr(runner, "_RETRY_REPORT_S", 0.0)


async def test_report_is_made_again_until_it_is_stored(world: World) -> None:
    """While the store is away an ended step is kept; it is reported, not run again."""
    made = await world.add_pipeline(TWO)
    world.scripted.hold("a")
    head = await world.start(made)
    await world.wait_started("a")
    world.unruly.outages = 4

    world.scripted.release("a")
    run = await world.wait_end(head.id)

    assert world.unruly.outages == 0
    assert run.head.status is Status.SUCCEEDED
    assert world.scripted.started == [("a", 1), ("b", 1)]


async def test_waits_between_reports_grow_to_a_limit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report is tried again after 0.5 s, then after twice as long, at most 10 s."""
    monkeypatch.setattr(runner, "_RETRY_REPORT_S", 0.5)
    waits: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        waits.append(seconds)
        await sleep(0)

    made = await world.add_pipeline(ONE)
    world.scripted.hold("a")
    head = await world.start(made)
    await world.wait_started("a")
    world.unruly.outages = 7
    monkeypatch.setattr(asyncio, "sleep", note)

    world.scripted.release("a")
    await world.wait_end(head.id)

    assert [wait for wait in waits if wait > 0.01] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


async def test_report_that_loses_every_race_is_made_again(world: World) -> None:
    """Lost races are no reason to forget how a step ended."""
    made = await world.add_pipeline(TWO)
    world.scripted.hold("a")
    head = await world.start(made)
    await world.wait_started("a")
    world.unruly.races = 7

    world.scripted.release("a")
    run = await world.wait_end(head.id)

    assert run.head.status is Status.SUCCEEDED
    assert world.scripted.started == [("a", 1), ("b", 1)]


@pytest.mark.parametrize("trouble", ["outages", "races"])
async def test_claim_that_could_not_be_stored_is_offered_again(trouble: str) -> None:
    """A job whose claim met an outage, or lost every race, is claimed later."""
    async with a_world() as world:
        made = await world.add_pipeline(ONE)
        world.unruly.hold_answers()
        starting = asyncio.create_task(world.start(made))
        await world.until(lambda: world.unruly.appended != [])
        setattr(world.unruly, trouble, 6)

        world.unruly.release_answers()
        head = await starting
        run = await world.wait_end(head.id)

        assert run.head.status is Status.SUCCEEDED
        assert world.scripted.started == [("a", 1)]


async def test_offer_that_came_too_late_is_passed_over(world: World) -> None:
    """Doubled, late and unknown offers are only hints: nothing runs twice."""
    made = await world.add_pipeline(ONE)
    head = await world.start(made)
    await world.wait_end(head.id)

    world.dispatcher.offer(Offer(run_id=head.id, job_id=JOB, attempt=1))
    world.dispatcher.offer(Offer(run_id=RunId("b-nobody"), job_id=JOB, attempt=1))
    await world.until(lambda: world.dispatcher.depth == 0)
    following = await world.start(made)
    await world.wait_end(following.id)

    assert world.scripted.started == [("a", 1), ("a", 1)]
    assert world.scripted.misuses == []


async def test_no_more_jobs_at_once_than_slots() -> None:
    """A runner with two slots holds two jobs; the third begins when one has ended."""
    three = pipeline(stage("s", job("1", "a"), job("2", "b"), job("3", "c")))
    async with a_world(slots=2) as world:
        made = await world.add_pipeline(three)
        for name in "abc":
            world.scripted.hold(name)
        head = await world.start(made)
        await world.wait_started("b")
        busy, waiting = world.runner.busy, list(world.scripted.started)

        world.scripted.release("a")
        await world.wait_started("c")
        world.scripted.release_all()
        run = await world.wait_end(head.id)

        assert (busy, waiting) == (2, [("a", 1), ("b", 1)])
        assert run.head.status is Status.SUCCEEDED


async def test_slot_is_free_again_after_a_retry(world: World) -> None:
    """Nothing of a retried run keeps a slot."""
    made = await world.add_pipeline(ONE)
    world.scripted.fail("a", times=2)
    head = await world.start(made)
    await world.wait_end(head.id)
    await world.retry(head.id, "a")
    await world.wait_end(head.id)

    await world.until(lambda: world.runner.busy == 0)

    assert world.runner._free._value == 3  # one of the four waits for the next offer


async def test_step_over_its_time_is_a_time_out(world: World) -> None:
    """A step that takes longer than it may is ended and says so."""
    made = await world.add_pipeline(one_job(step("a", timeout_s=0)))
    world.scripted.hold("a")

    head = await world.start(made)
    run = await world.wait_end(head.id)

    assert run.step(StepId("a")).cause is Cause.TIMEOUT
    assert run.job(JOB).cause is Cause.TIMEOUT
    assert "time-out" in run.step(StepId("a")).message


async def test_step_gets_no_more_than_what_is_left_of_its_job(world: World) -> None:
    """A step ends when the time of its job is over; the steps after it do not start."""
    made = await world.add_pipeline(pipeline(stage("s", job("1", "a", "b", timeout_s=0))))
    world.scripted.hold("a")

    head = await world.start(made)
    run = await world.wait_end(head.id)

    assert run.job(JOB).cause is Cause.JOB_TIMEOUT
    assert world.scripted.started == [("a", 1)]


async def test_step_with_a_problem_is_not_run(world: World) -> None:
    """A step whose time-out text is no number fails as a mistake of its definition."""
    made = await world.add_pipeline(one_job(step("a", timeout_text="soon")))

    head = await world.start(made)
    run = await world.wait_end(head.id)

    assert run.step(StepId("a")).cause is Cause.CONFIG
    assert "soon" in run.step(StepId("a")).message
    assert world.scripted.started == []


async def test_lost_step_is_run_again(world: World) -> None:
    """A step whose executor went away is handed back and run again, not failed."""
    made = await world.add_pipeline(TWO)
    world.scripted.end_with("a", StepEnd(cause="lost"))

    head = await world.start(made)
    run = await world.wait_end(head.id)

    attempts = await world.store.step_attempts(head.id, StepId("a"))
    assert [attempt.cause for attempt in attempts] == [Cause.LOST, None]
    assert run.head.status is Status.SUCCEEDED
    assert world.scripted.started == [("a", 1), ("a", 2), ("b", 1)]
    assert world.scripted.misuses == []


async def test_step_that_is_always_lost_fails(world: World) -> None:
    """A step that is lost again and again is not run for ever."""
    made = await world.add_pipeline(ONE)
    for _ in range(9):
        world.scripted.end_with("a", StepEnd(cause="lost"))

    head = await world.start(made)
    run = await world.wait_end(head.id)

    assert (run.head.status, run.head.cause) == (Status.FAILED, Cause.LOST)
    assert world.scripted.runs("a") == 4


@pytest.mark.parametrize("error", [InfrastructureError("no host"), RuntimeError("a mistake")])
async def test_executor_that_raises_fails_the_step(world: World, error: Exception) -> None:
    """Whatever an executor raises, the step gets an end and its job goes on to its own."""
    made = await world.add_pipeline(one_job("a", step("z", condition=ALWAYS)))
    world.scripted.raising["a"] = error

    head = await world.start(made)
    run = await world.wait_end(head.id)

    assert run.step(StepId("a")).cause is Cause.INFRA
    assert str(error) in run.step(StepId("a")).message
    assert world.scripted.started == [("z", 1)]


async def test_executor_that_can_not_end_a_job_holds_no_slot() -> None:
    """A job whose left-overs could not be ended is over all the same."""
    async with a_world(slots=1) as world:
        made = await world.add_pipeline(ONE)
        world.scripted.end_job_error = RuntimeError("no host")

        runs = [await world.wait_end((await world.start(made)).id) for _ in range(3)]

        assert [run.head.status for run in runs] == [Status.SUCCEEDED] * 3


async def test_late_drive_of_a_job_that_was_taken_back_ends_quietly(world: World) -> None:
    """A drive whose fence holds no more reports in vain and lets its slot go."""
    made = await world.add_pipeline(TWO)
    world.scripted.hold("a")
    head = await world.start(made)
    await world.wait_started("a")

    await world.engine.lose_job(head.id, JOB)
    world.scripted.release("a")
    run = await world.wait_end(head.id)

    assert run.head.status is Status.SUCCEEDED
    assert world.scripted.started == [("a", 1), ("a", 2), ("b", 1)]
    assert world.scripted.overlaps == []


ENDS = [
    (StepEnd(exit_code=0), Status.SUCCEEDED, None, None, ""),
    (StepEnd(exit_code=3), Status.FAILED, Cause.USER, 2199011, "exit code 3"),
    (StepEnd(cause="signal", signal=9), Status.FAILED, Cause.USER, 2199011, "ended by signal 9"),
    (StepEnd(cause="timeout"), Status.FAILED, Cause.TIMEOUT, 2199006, "ran longer"),
    (StepEnd(cause="config", message="why"), Status.FAILED, Cause.CONFIG, 2199002, "why"),
    (StepEnd(cause="spawn", message="why"), Status.FAILED, Cause.USER, 2199009, "why"),
    (StepEnd(cause="plugin", message="why"), Status.FAILED, Cause.CONFIG, 2189503, "why"),
    (StepEnd(cause="cancelled", signal=15), Status.CANCELLED, None, None, ""),
    (StepEnd(cause="lost"), Status.FAILED, Cause.INFRA, 2199502, "were lost"),
    (StepEnd(exit_code=1, error=(800001, "mine")), Status.FAILED, Cause.USER, 800001, "mine"),
    (StepEnd(exit_code=1, error=(800001, "")), Status.FAILED, Cause.USER, 800001, "exit code 1"),
    (StepEnd(exit_code=0, error=(800001, "mine")), Status.SUCCEEDED, None, None, ""),
]


@pytest.mark.parametrize(("end", "status", "cause", "code", "message"), ENDS)
def test_meaning_of_an_end(
    end: StepEnd, status: Status, cause: Cause | None, code: int | None, message: str
) -> None:
    """Each way in which a step can end has one status, cause, error code and message."""
    report = report_of(AN_ORDER, end)

    assert (report.status, report.cause, report.error_code) == (status, cause, code)
    assert message in report.message
    assert (report.job, report.step, report.attempt, report.fence) == ("1", "a", 1, 7)


AN_ORDER = StepOrder(
    run_id=RunId("b-1"),
    project=SHOP,
    pipeline=pipeline_id(1),
    run_attempt=1,
    job_id=JOB,
    job_attempt=1,
    fence=7,
    step_id=StepId("a"),
    step_attempt=1,
    step_name="a",
    kind="script",
    code="",
    inputs={},
    env={},
    timeout_s=1.0,
    job_timeout_s=1.0,
    workspace="fresh",
)


# --- handing over -------------------------------------------------------------------------------

THREE_STAGES = pipeline(
    stage("one", job("1", "a")), stage("two", job("2", "b")), stage("three", job("3", "c"))
)


async def test_runner_takes_the_next_job_of_the_run_with_its_report(world: World) -> None:
    """The end of one job and the claim of the next are one transaction."""
    made = await world.add_pipeline(THREE_STAGES)

    head = await world.start(made)
    await world.wait_end(head.id)

    assert len(world.unruly.appended) == 5  # start, claim, three reports
    ended = [(head.id, JobId(name)) for name in "123"]
    await world.until(lambda: world.scripted.ended_jobs == ended, "its runner is told of the end")
    assert world.scripted.misuses == []


async def test_run_that_waits_longer_is_not_overtaken() -> None:
    """A runner that is free takes the oldest offer, not the next job of the run it knows."""
    async with a_world(slots=1) as world:
        made = await world.add_pipeline(THREE_STAGES)
        world.scripted.hold("a")
        first = await world.start(made)
        await world.wait_started("a")
        second = await world.start(made)

        world.scripted.release("a")
        await world.wait_end(first.id)
        await world.wait_end(second.id)

        order = [order.run_id for order in world.scripted.orders]
        assert order[:2] == [first.id, second.id]


async def test_stale_offer_hands_nothing_over(hand: World) -> None:
    """An offer at the head of the queue whose job was claimed elsewhere is no claim."""
    made = await hand.add_pipeline(pipeline(stage("s", job("1", "a"), job("2", "b"))))
    head = await hand.start(made)
    first = await hand.claim(head.id, "1")
    await hand.claim(head.id, "2")

    order = await hand.report(first, wants_more=True)

    assert order is None
    assert (await hand.run(head.id)).job(JobId("2")).fence == 1


async def test_stopping_runner_takes_no_next_job(world: World) -> None:
    """A runner that stops ends the job that it holds and leaves the next to another."""
    made = await world.add_pipeline(THREE_STAGES)
    world.scripted.hold("a")
    head = await world.start(made)
    await world.wait_started("a")

    stopping = asyncio.create_task(world.runner.stop(10.0))
    await asyncio.sleep(0)
    world.scripted.release("a")
    await stopping

    run = await world.run(head.id)
    assert run.job(JobId("1")).status is Status.SUCCEEDED
    assert (run.job(JobId("2")).status, run.job(JobId("2")).fence) == (Status.QUEUED, 0)
