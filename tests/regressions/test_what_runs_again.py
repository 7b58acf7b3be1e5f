"""What a retry re-ran that it should not have, and what it left out."""

import pytest

from builders import failing, job, last, one_job, pipeline, review, stage, step
from engine_world import a_world
from mulligan.core.cause import Cause
from mulligan.core.flow.votes import Answer, answer_stage
from mulligan.core.ids import JobId, StageId, StepId, UserName
from mulligan.core.recovery.plan import Action, Plan
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.spec import Condition, OnFailure, RunWhen
from mulligan.core.status import Status
from mulligan.ports import StepEnd
from mulligan.testing.simulate import Simulation

ALWAYS = Condition(when=RunWhen.ALWAYS)
ON_FAILURE = Condition(when=RunWhen.FAILURE)
FLAGGED = Condition(when=RunWhen.VARIABLES, variables=(("flag", "yes"),))


def status(sim: Simulation, name: str) -> Status:
    """Return the status of a step."""
    return sim.run.step(StepId(name)).status


def approve(sim: Simulation, stage_id: str, user: str = "bob") -> None:
    """Approve a stage."""
    draft = sim.draft()
    refusal = answer_stage(draft, StageId(stage_id), Answer(user=UserName(user), approve=True))
    assert refusal is None
    sim.take(draft)


def begun_again(sim: Simulation, before: int) -> list[tuple[str, int]]:
    """Return the starts of steps after the first `before` ones."""
    return [(str(name), attempt) for name, attempt in sim.started[before:]]


# 10 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_failure", [OnFailure.STOP, OnFailure.CONTINUE])
def test_condition_was_judged_before_the_retried_step_set_its_variable(
    on_failure: OnFailure,
) -> None:
    """A step that was passed over is judged again after the retried step has set its variable."""
    spec = one_job(step("detect", on_failure=on_failure), step("use", condition=FLAGGED))
    sim = Simulation(spec, failing(("detect", 1)))
    sim.finish()
    before = status(sim, "use")
    sim.outputs = {StepId("detect"): (("flag", "yes"),)}

    sim.retry("detect")
    sim.finish()

    assert before is Status.SKIPPED
    assert status(sim, "use") is Status.SUCCEEDED
    assert sim.run.head.status is Status.SUCCEEDED


def test_job_of_a_later_stage_stays_skipped_by_its_condition() -> None:
    """A job that its condition kept out is judged again after a retry before it."""
    spec = pipeline(
        stage("one", job("1", step("detect", on_failure=OnFailure.CONTINUE))),
        stage("two", job("2", "use", condition=FLAGGED)),
    )
    sim = Simulation(spec, failing(("detect", 1)))
    sim.finish()
    before = sim.run.job(JobId("2")).cause
    sim.outputs = {StepId("detect"): (("flag", "yes"),)}

    sim.retry("detect")
    sim.finish()

    assert before is Cause.CONDITION
    assert status(sim, "use") is Status.SUCCEEDED


# 11 ---------------------------------------------------------------------------------------------


def test_job_that_depends_on_the_retried_one_stays_skipped() -> None:
    """Jobs that were skipped for a failed dependency run after it was repaired, chains too."""
    spec = pipeline(
        stage(
            "s",
            job("1", "build"),
            job("2", "test", depends_on=(JobId("1"),)),
            job("3", "ship", depends_on=(JobId("2"),)),
        )
    )
    sim = Simulation(spec, failing(("build", 1)))
    sim.finish()
    before = [sim.run.job(JobId(name)).cause for name in "23"]

    sim.retry("build")
    sim.finish()

    assert before == [Cause.DEPENDENCY, Cause.DEPENDENCY]
    assert sim.started[1:] == [("build", 2), ("test", 1), ("ship", 1)]
    assert sim.run.head.status is Status.SUCCEEDED


def test_job_that_depends_on_one_retried_while_running_stays_skipped() -> None:
    """The same while the rest of the stage still runs."""
    spec = pipeline(
        stage(
            "s",
            job("1", "build"),
            job("2", "test", depends_on=(JobId("1"),)),
            job("3", "lint"),
        )
    )
    sim = Simulation(spec, failing(("build", 1)))
    lint = sim.claim(JobId("3"))
    assert lint is not None
    sim.finish()
    skipped = status(sim, "test"), sim.run.job(JobId("2")).status

    plan = sim.retry("build")
    sim.finish()
    sim.report(lint)

    assert skipped == (Status.QUEUED, Status.SKIPPED)
    assert isinstance(plan, Plan)
    assert plan.while_running
    assert status(sim, "test") is Status.SUCCEEDED
    assert sim.run.head.status is Status.SUCCEEDED


# 12 ---------------------------------------------------------------------------------------------


def stopped_beside_a_failure() -> Simulation:
    """Give a run whose job 1 has failed and whose job 2 was cancelled by a stop."""
    spec = pipeline(stage("s", job("1", "a"), job("2", "b")), stage("t", job("3", "c")))
    sim = Simulation(spec, failing(("a", 1)))
    held = sim.claim(JobId("2"))
    assert held is not None
    sim.finish()
    assert sim.stop() is None
    sim.report(held, Status.CANCELLED)
    return sim


def test_cancelled_job_starts_with_the_retry_of_a_failed_one() -> None:
    """A retry of the failed step leaves the job that a person cancelled alone."""
    sim = stopped_beside_a_failure()
    before = len(sim.started)

    sim.retry("a")
    sim.finish()

    assert begun_again(sim, before) == [("a", 2)]
    assert status(sim, "b") is Status.CANCELLED
    assert sim.run.head.status is Status.CANCELLED


def test_cancel_of_an_earlier_attempt_spoils_the_verdict() -> None:
    """When everything was repaired, an old cancel is history: the run goes on and succeeds."""
    sim = stopped_beside_a_failure()
    sim.retry("a")
    sim.finish()

    sim.retry("b")
    sim.finish()

    assert sim.run.head.status is Status.SUCCEEDED
    assert sim.run.head.cancel is None
    assert status(sim, "c") is Status.SUCCEEDED


# 14 ---------------------------------------------------------------------------------------------


def with_disabled_step() -> Simulation:
    """Give a failed run with a disabled step, its post action, and a job beside them."""
    post = step("post", post_of=StepId("off"), condition=Condition(when=RunWhen.PARENT_ENDED))
    spec = pipeline(
        stage("s", job("1", step("off", enabled=False), "a", post), job("2", "good")),
        last(job("9", "z")),
    )
    sim = Simulation(spec, failing(("a", 1)))
    sim.finish()
    return sim


@pytest.mark.parametrize("target", ["s", "1", "a", ""])
def test_disabled_step_runs_at_a_retry(target: str) -> None:
    """A step that is switched off runs in no attempt, and neither does its post action."""
    sim = with_disabled_step()

    sim.retry(target)
    sim.finish()

    names = {str(name) for name, _ in sim.started}
    assert names == {"a", "good", "z"}
    assert sim.run.step(StepId("off")).cause is Cause.DISABLED
    assert sim.run.head.status is Status.SUCCEEDED


def test_disabled_step_can_be_named() -> None:
    """A retry or skip of a step that is switched off is refused."""
    sim = with_disabled_step()

    refusals = [sim.retry("off"), sim.retry("off", skip=True)]

    assert [refusal.code for refusal in refusals if isinstance(refusal, Refusal)] == [
        RefusalCode.TARGET_UNKNOWN,
        RefusalCode.TARGET_UNKNOWN,
    ]


def test_post_action_touches_finished_jobs() -> None:
    """The post action of a retried step runs again, and nothing in the jobs beside it moves."""
    post = step("post", post_of=StepId("a"), condition=Condition(when=RunWhen.PARENT_ENDED))
    spec = pipeline(stage("s", job("1", "a", post), job("2", "good")))
    sim = Simulation(spec, failing(("a", 1)))
    sim.finish()
    before, good = len(sim.started), sim.run.job(JobId("2"))

    sim.retry("a")
    sim.finish()

    assert begun_again(sim, before) == [("a", 2), ("post", 2)]
    assert sim.run.job(JobId("2")) == good


# 15 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("is_running", [False, True])
def test_step_for_failures_wipes_the_right_to_retry(skip: bool, is_running: bool) -> None:
    """That "only if something failed" ran well after it takes no choice away for the failed one."""
    spec = pipeline(
        stage(
            "s",
            job("1", step("a", may_skip=True), step("report", condition=ON_FAILURE), "b"),
            job("2", "other"),
        )
    )
    sim = Simulation(spec, failing(("a", 1)))
    other = sim.claim(JobId("2")) if is_running else None
    sim.finish()

    plan = sim.retry("a", skip=skip, may_operate=False)
    sim.finish()
    if other is not None:
        sim.report(other)

    assert isinstance(plan, Plan)
    assert plan.while_running == is_running
    assert status(sim, "report") is Status.SKIPPED
    assert status(sim, "b") is Status.SUCCEEDED
    assert sim.run.head.status is Status.SUCCEEDED


# 16 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["a", "1", "s", ""])
def test_always_steps_and_exit_handlers_do_not_run_again(target: str) -> None:
    """Each attempt of the run has its clean-up step and its finally stage."""
    spec = pipeline(
        stage("s", job("1", "a", step("clean", condition=ALWAYS))), last(job("9", "bye"))
    )
    sim = Simulation(spec, failing(("a", 1), ("a", 2)))
    sim.finish()

    for _ in range(2):
        sim.retry(target)
        sim.finish()

    assert [start for start in sim.started if start[0] == "bye"] == [
        ("bye", 1),
        ("bye", 2),
        ("bye", 3),
    ]
    assert [start for start in sim.started if start[0] == "clean"] == [
        ("clean", 1),
        ("clean", 2),
        ("clean", 3),
    ]


@pytest.mark.parametrize(
    ("when", "runs"),
    [
        (RunWhen.PREVIOUS_FAILED, [("bye", 1), ("bye", 2)]),
        (RunWhen.PREVIOUS_SUCCEEDED, [("bye", 2)]),
    ],
)
def test_exit_handler_is_skipped_by_its_condition_of_before(
    when: RunWhen, runs: list[tuple[str, int]]
) -> None:
    """What a job of the finally stage waits for is judged on the result of this attempt."""
    spec = pipeline(
        stage("s", job("1", "a")), last(job("9", "bye", condition=Condition(when=when)))
    )
    bad = [("a", 1), ("a", 2)] if when is RunWhen.PREVIOUS_FAILED else [("a", 1)]
    sim = Simulation(spec, failing(*bad))
    sim.finish()

    sim.retry("a")
    sim.finish()

    started = [name for name, _ in sim.started if name == "bye"]
    assert len(started) == len(runs)


# 17 ---------------------------------------------------------------------------------------------


def test_choosing_one_step_resets_three() -> None:
    """A retry of one step of one job starts nothing in the jobs and stages beside it."""
    spec = pipeline(
        stage("one", job("1", "a")),
        stage("two", job("2", "b1", "b2", "b3"), job("3", "c"), job("4", "d")),
    )
    sim = Simulation(spec, failing(("b2", 1), ("d", 1)))
    sim.finish()
    before = len(sim.started)

    plan = sim.retry("b2")
    sim.finish()

    assert isinstance(plan, Plan)
    assert plan.steps_with(Action.RERUN) == ("b2", "b3")
    assert begun_again(sim, before) == [("b2", 2), ("b3", 2)]


# 20 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("only_failed", [False, True])
def test_successful_stage_can_be_retried(only_failed: bool) -> None:
    """A stage that went well is refused by its name, in a good run and in a bad one."""
    spec = pipeline(stage("one", job("1", "a")), stage("two", job("2", "b")))
    good = Simulation(spec)
    bad = Simulation(spec, failing(("b", 1)))
    good.finish()
    bad.finish()

    refusals = [sim.retry("one", only_failed=only_failed) for sim in (good, bad)]

    for refusal in refusals:
        assert isinstance(refusal, Refusal)
        assert (refusal.code, refusal.node) == (RefusalCode.STAGE_NOT_FAILED, "one")
    assert (good.run.head.attempt, bad.run.head.attempt) == (1, 1)


# 22 ---------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_rule_for_starts_blocks_a_retry() -> None:
    """What decides whether a run may start (here: a manual trigger) is not asked of a retry."""
    spec = pipeline(stage("s", job("1", "a")), manual_start=False)
    async with a_world(works=False) as world:
        head = await world.start(await world.add_pipeline(spec))
        await world.report(await world.claim(head.id), StepEnd(exit_code=1))

        outcome = await world.retry(head.id, "a")

        assert outcome.head.attempt == 2


# 23 ---------------------------------------------------------------------------------------------


def test_retry_goes_on_at_the_approval_of_an_earlier_stage() -> None:
    """A retry in stage three goes on in stage three; the approval of stage two stands as it is."""
    spec = pipeline(
        stage("one", job("1", "a")),
        stage("two", job("2", "b"), review=review("bob")),
        stage("three", job("3", "c")),
    )
    sim = Simulation(spec, failing(("c", 1)))
    sim.finish()
    approve(sim, "two")
    sim.finish()
    gate, before = sim.run.gates["two"], len(sim.started)

    sim.retry("c")
    waits = sim.run.awaits_review
    sim.finish()

    assert not waits
    assert sim.run.gates["two"] == gate
    assert begun_again(sim, before) == [("c", 2)]
    assert sim.run.head.status is Status.SUCCEEDED


def test_approval_is_asked_again_though_nothing_before_it_changed() -> None:
    """A retry inside the approved stage keeps its approval, and says so."""
    spec = pipeline(stage("one", job("1", "a")), stage("two", job("2", "b"), review=review("bob")))
    sim = Simulation(spec, failing(("b", 1)))
    sim.finish()
    approve(sim, "two")
    sim.finish()

    plan = sim.retry("b")
    sim.finish()

    assert isinstance(plan, Plan)
    assert plan.approvals_kept == ("two",)
    assert sim.run.gates["two"].carried
    assert sim.run.head.status is Status.SUCCEEDED


def test_approval_holds_although_what_it_approved_has_changed() -> None:
    """After something before it ran again, a stage is approved anew or not entered."""
    spec = pipeline(stage("one", job("1", "a")), stage("two", job("2", "b"), review=review("bob")))
    sim = Simulation(spec, failing(("b", 1)))
    sim.finish()
    approve(sim, "two")
    sim.finish()
    before = len(sim.started)

    sim.retry("a")
    sim.finish()

    assert sim.run.awaits_review
    assert begun_again(sim, before) == [("a", 2)]
