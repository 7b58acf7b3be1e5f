"""Claims and reports: who holds a job, what a late word changes, what comes next."""

import asyncio

import msgspec
import pytest

from builders import job, one_job, pipeline, stage, step
from engine_world import World
from mulligan.core.cause import Cause
from mulligan.core.errors import InfrastructureError, StaleFenceError, StaleRevisionError
from mulligan.core.ids import JobId, StepId
from mulligan.core.prepare import StepOrder
from mulligan.core.report import ArchivedFile
from mulligan.core.spec import Condition, ParameterSpec, RunWhen
from mulligan.core.status import Status
from mulligan.engine.progress import ProgressRates
from mulligan.ports import StepEnd

pytestmark = pytest.mark.anyio

TWO_STEPS = one_job("a", "b")
BAD = StepEnd(exit_code=1)


async def test_job_is_claimed_once(hand: World) -> None:
    """Of two claims of one job the second finds it taken and changes nothing."""
    made = await hand.add_pipeline(TWO_STEPS)
    head = await hand.start(made)
    order = await hand.claim(head.id)
    before = await hand.run(head.id)

    with pytest.raises(StaleFenceError):
        await hand.claim(head.id)

    assert (order.step_id, order.fence) == (StepId("a"), 1)
    assert await hand.run(head.id) == before


async def test_claim_of_an_older_attempt_is_nothing_to_do(hand: World) -> None:
    """An offer of attempt 1 that arrives when attempt 2 waits gives no work."""
    made = await hand.add_pipeline(TWO_STEPS)
    head = await hand.start(made)
    await hand.report(await hand.claim(head.id), BAD)
    await hand.retry(head.id, "a")

    late = await hand.engine.claim_job(head.id, JobId("1"), 1, hand.runner.name)
    order = await hand.claim(head.id, attempt=2)

    assert late is None
    assert (order.job_attempt, order.fence) == (2, 2)


async def test_claim_of_a_job_without_work_ends_it(hand: World) -> None:
    """A job whose steps all turn out to be skipped ends at its claim."""
    never = Condition(when=RunWhen.VARIABLES, variables=(("colour", "green"),))
    made = await hand.add_pipeline(one_job(step("a", condition=never)))
    head = await hand.start(made)

    order = await hand.engine.claim_job(head.id, JobId("1"), 1, hand.runner.name)

    assert order is None
    assert (await hand.run(head.id)).head.status is Status.SUCCEEDED


async def test_report_gives_the_next_step(hand: World) -> None:
    """Each report is answered with the order of the next step, under the same fence."""
    made = await hand.add_pipeline(TWO_STEPS)
    head = await hand.start(made)
    first = await hand.claim(head.id)

    second = await hand.report(first)
    assert second is not None
    after = await hand.report(second)

    assert (second.step_id, second.fence, second.workspace) == (StepId("b"), 1, "live")
    assert after is None
    assert (await hand.run(head.id)).head.status is Status.SUCCEEDED


async def test_report_twice_changes_nothing_the_second_time(hand: World) -> None:
    """A report that comes a second time is refused as stale."""
    made = await hand.add_pipeline(TWO_STEPS)
    head = await hand.start(made)
    order = await hand.claim(head.id)
    await hand.report(order)
    before = await hand.run(head.id)

    with pytest.raises(StaleFenceError):
        await hand.report(order, BAD)

    assert await hand.run(head.id) == before


async def test_late_report_of_an_old_fence_changes_nothing(hand: World) -> None:
    """The end of attempt 1 that arrives while attempt 2 runs is refused."""
    made = await hand.add_pipeline(TWO_STEPS)
    head = await hand.start(made)
    old = await hand.claim(head.id)
    await hand.engine.lose_job(head.id, JobId("1"))
    new = await hand.claim(head.id)
    before = await hand.run(head.id)

    with pytest.raises(StaleFenceError):
        await hand.report(old, BAD)

    assert (new.fence, new.step_attempt) == (2, 2)
    assert await hand.run(head.id) == before


async def test_late_report_leaves_no_artifact(hand: World) -> None:
    """What an old fence archived is not taken in either."""
    made = await hand.add_pipeline(TWO_STEPS)
    head = await hand.start(made)
    old = await hand.claim(head.id)
    await hand.engine.lose_job(head.id, JobId("1"))
    await hand.claim(head.id)

    file = ArchivedFile(path="app.zip", size=1, digest="0" * 64)
    with pytest.raises(StaleFenceError):
        await hand.report(old, StepEnd(exit_code=0, artifacts=(file,)))

    assert await hand.store.list_artifacts(head.id) == ()


async def test_job_time_of_an_old_fence_stops_nothing(hand: World) -> None:
    """The end of a job's time is told under its fence; an old one stops nobody."""
    made = await hand.add_pipeline(TWO_STEPS)
    head = await hand.start(made)
    old = await hand.claim(head.id)
    await hand.engine.lose_job(head.id, JobId("1"))
    await hand.claim(head.id)

    with pytest.raises(StaleFenceError):
        await hand.engine.end_job_time(head.id, old)

    assert (await hand.run(head.id)).job(JobId("1")).stopping is None


async def test_step_after_the_end_of_the_job_time_does_not_start(hand: World) -> None:
    """When the time of a job is over its step ends as cut off by it, and no other starts."""
    made = await hand.add_pipeline(TWO_STEPS)
    head = await hand.start(made)
    order = await hand.claim(head.id)

    await hand.engine.end_job_time(head.id, order)
    following = await hand.report(order, StepEnd(cause="timeout"))

    run = await hand.run(head.id)
    assert following is None
    assert (run.job(JobId("1")).status, run.job(JobId("1")).cause) == (
        Status.FAILED,
        Cause.JOB_TIMEOUT,
    )
    step = run.step(order.step_id)
    assert (step.cause, step.error_type, step.error_code) == (Cause.JOB_TIMEOUT, 1, 2199005)


async def test_lost_job_is_offered_again_until_its_budget_is_used(hand: World) -> None:
    """A lost attempt is run again, by default three times; the fourth loss fails the step."""
    made = await hand.add_pipeline(one_job("a"))
    head = await hand.start(made)

    for _ in range(4):
        order = await hand.claim(head.id)
        await hand.engine.lose_job(head.id, JobId("1"))

    run = await hand.run(head.id)
    assert order.fence == 4
    assert (run.head.status, run.head.cause) == (Status.FAILED, Cause.LOST)
    assert len(await hand.store.step_attempts(head.id, StepId("a"))) == 4


async def test_retry_by_hand_renews_the_budget_for_losses(hand: World) -> None:
    """A step that was lost too often can be retried, and may then be lost as often again."""
    made = await hand.add_pipeline(one_job("a"))
    head = await hand.start(made)
    for _ in range(4):
        await hand.claim(head.id)
        await hand.engine.lose_job(head.id, JobId("1"))

    await hand.retry(head.id, "a")
    for _ in range(3):
        await hand.claim(head.id, attempt=2)
        await hand.engine.lose_job(head.id, JobId("1"))
    await hand.report(await hand.claim(head.id, attempt=2))

    assert (await hand.run(head.id)).head.status is Status.SUCCEEDED


async def test_losing_a_job_that_nobody_holds_changes_nothing(hand: World) -> None:
    """Taking a job back that is not held is no error."""
    made = await hand.add_pipeline(TWO_STEPS)
    head = await hand.start(made)
    before = await hand.run(head.id)

    await hand.engine.lose_job(head.id, JobId("1"))

    assert await hand.run(head.id) == before


async def test_values_of_a_step_reach_the_next(hand: World) -> None:
    """What a step sets stands in the environment of the step after it."""
    made = await hand.add_pipeline(TWO_STEPS)
    head = await hand.start(made)
    first = await hand.claim(head.id)

    end = StepEnd(exit_code=0, variables=(("colour", "blue"),), remark="built")
    second = await hand.report(first, end)

    assert second is not None
    assert second.env["colour"] == "blue"
    assert (await hand.run(head.id)).head.remark == "built"


FETCH = pipeline(
    stage("one", job("1", "pack"), job("2", "log")),
    stage("two", job("3", step("fetch", kind="download", inputs={"patterns": "*"}))),
)


def archived(*names: str) -> StepEnd:
    """Give a good end with these files; the digest is made of the name."""
    files = (ArchivedFile(path=name, size=3, digest=f"sha-{name}") for name in names)
    return StepEnd(exit_code=0, artifacts=tuple(files))


async def test_download_finds_what_was_archived(hand: World) -> None:
    """A download step is told the files of all producers."""
    made = await hand.add_pipeline(FETCH)
    head = await hand.start(made)
    await hand.report(await hand.claim(head.id, "1"), archived("app.zip", "app.sig"))
    await hand.report(await hand.claim(head.id, "2"), archived("run.log"))

    order = await hand.claim(head.id, "3")

    assert order.inputs["files"] == {
        "app.zip": "sha-app.zip",
        "app.sig": "sha-app.sig",
        "run.log": "sha-run.log",
    }


async def test_download_takes_the_newest_attempt_of_each_producer(hand: World) -> None:
    """After a retry the files of the older attempt are not mixed with those of the newer."""
    made = await hand.add_pipeline(FETCH)
    head = await hand.start(made)
    old = StepEnd(exit_code=1, artifacts=archived("old.zip").artifacts)
    await hand.report(await hand.claim(head.id, "1"), old)
    await hand.report(await hand.claim(head.id, "2"), archived("run.log"))
    await hand.retry(head.id, "pack")
    await hand.report(await hand.claim(head.id, "1", attempt=2), archived("new.zip"))

    order = await hand.claim(head.id, "3")

    assert order.inputs["files"] == {"new.zip": "sha-new.zip", "run.log": "sha-run.log"}


async def test_artifacts_know_their_attempt(hand: World) -> None:
    """A stored file names the step, its attempt and the attempt of the run."""
    made = await hand.add_pipeline(one_job("pack"))
    head = await hand.start(made)
    await hand.report(await hand.claim(head.id), BAD)
    await hand.retry(head.id, "pack")

    await hand.report(await hand.claim(head.id, attempt=2), archived("app.zip"))

    (artifact,) = await hand.store.list_artifacts(head.id)
    assert (artifact.step, artifact.attempt, artifact.run_attempt) == ("pack", 2, 2)
    assert artifact.created_at == hand.clock.now()


async def test_lost_race_of_a_report_is_no_lost_report(hand: World) -> None:
    """A report that loses more races than the engine tries says so, and can be made again."""
    made = await hand.add_pipeline(TWO_STEPS)
    head = await hand.start(made)
    order = await hand.claim(head.id)
    hand.unruly.races = 5

    with pytest.raises(StaleRevisionError):
        await hand.report(order)
    following = await hand.report(order)

    assert following is not None
    assert following.step_id == "b"


HUGE = "${huge}" * 5000  # of a value of 4,000 characters: 20 million


async def test_text_that_grows_too_large_fails_its_step(hand: World) -> None:
    """A step whose text can't be substituted fails with the reason; its job is not stuck."""
    spec = pipeline(
        stage("s", job("1", step("a", inputs={"script": HUGE}))),
        parameters=(ParameterSpec(name="huge", default="x" * 4000),),
    )
    made = await hand.add_pipeline(spec)
    head = await hand.start(made)

    order = await hand.claim(head.id)

    assert "16777215 characters" in order.problem
    assert order.inputs == {}


async def test_condition_that_grows_too_large_does_not_hold(hand: World) -> None:
    """A condition whose wanted value can't be substituted is false; the run goes on."""
    condition = Condition(when=RunWhen.VARIABLES, variables=(("colour", HUGE),))
    spec = pipeline(
        stage("s", job("1", "a", step("b", condition=condition), "c")),
        parameters=(ParameterSpec(name="huge", default="x" * 4000),),
    )
    made = await hand.add_pipeline(spec)
    head = await hand.start(made)

    following = await hand.report(await hand.claim(head.id))

    assert following is not None
    assert following.step_id == "c"
    assert (await hand.run(head.id)).step(StepId("b")).cause is Cause.CONDITION


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("2", 2), ("002", 2), ("${t}", 5), ("0", 10080), ("99999", 10080), ("9" * 5000, 10080)],
)
async def test_time_out_of_a_step_is_a_number_of_minutes(
    hand: World, text: str, minutes: int
) -> None:
    """A time-out is read in minutes, at most a week; 0 and what is longer mean a week."""
    spec = pipeline(
        stage("s", job("1", step("a", timeout_text=text))),
        parameters=(ParameterSpec(name="t", default="5"),),
    )
    made = await hand.add_pipeline(spec)
    head = await hand.start(made)

    order = await hand.claim(head.id)

    assert (order.timeout_s, order.problem) == (minutes * 60.0, "")


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("7", 7), ("soon", 900), ("-7", 10080), ("${n}", 10080), ("${n}${n}", 900)],
)
async def test_time_out_of_a_job_is_a_number_of_minutes(
    hand: World, text: str, minutes: int
) -> None:
    """The time of a job is read in the same way; what is no number means 900 minutes."""
    spec = pipeline(
        stage("s", job("1", "a", timeout_text=text)),
        parameters=(ParameterSpec(name="n", default="9" * 4000),),
    )
    made = await hand.add_pipeline(spec)
    head = await hand.start(made)

    order = await hand.claim(head.id)

    assert order.job_timeout_s == minutes * 60.0


async def test_reviewers_that_grow_too_large_are_nobody(hand: World) -> None:
    """A list of reviewers that can't be substituted names nobody: the step fails at once."""
    ask = step("ask", kind="review", inputs={"reviewUsers": [HUGE]})
    spec = pipeline(
        stage("s", job("1", "a", ask)),
        parameters=(ParameterSpec(name="huge", default="x" * 4000),),
    )
    made = await hand.add_pipeline(spec)
    head = await hand.start(made)

    await hand.report(await hand.claim(head.id))

    run = await hand.run(head.id)
    assert run.head.status is Status.FAILED
    assert run.step(StepId("ask")).cause is Cause.CONFIG


async def test_progress_is_seen_while_the_step_runs(hand: World) -> None:
    """The snapshot has the newest rate; the same again, or one that comes late, changes nothing."""
    made = await hand.add_pipeline(TWO_STEPS)
    head = await hand.start(made)
    order = await hand.claim(head.id)

    await hand.engine.note_progress(order, "0.5")
    told = await hand.run(head.id)
    await hand.engine.note_progress(order, "0.5")
    await hand.engine.note_progress(msgspec.structs.replace(order, fence=9), "0.7")
    await hand.engine.note_progress(msgspec.structs.replace(order, step_attempt=2), "0.7")
    same = await hand.run(head.id)
    await hand.report(order, StepEnd(exit_code=0, progress="0.9"))
    await hand.engine.note_progress(order, "0.6")

    assert (told.step(order.step_id).progress, told.step(order.step_id).status) == (
        "0.5",
        Status.RUNNING,
    )
    assert same.head.revision == told.head.revision
    assert (await hand.run(head.id)).step(order.step_id).progress == "0.9"


async def test_of_many_rates_the_newest_is_stored(hand: World) -> None:
    """A step that tells thousands costs a few transactions; a store that fails loses one round."""
    made = await hand.add_pipeline(TWO_STEPS)
    order = await hand.claim((await hand.start(made)).id)
    noted: list[str] = []
    begun, stored = asyncio.Event(), asyncio.Event()

    async def note(_order: StepOrder, rate: str) -> None:
        noted.append(rate)
        if len(noted) == 1:
            begun.set()
            raise InfrastructureError("the disk is full")
        stored.set()

    rates = ProgressRates(note, pause_s=0)
    rates.tell(order, "0.1")
    task = asyncio.create_task(rates.run())
    await begun.wait()
    for number in range(2000):
        rates.tell(order, f"0.{number}")
    await stored.wait()
    task.cancel()

    assert noted == ["0.1", "0.1999"]
