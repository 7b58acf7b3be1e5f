"""What the contract settles about retries (contract-bkci.md A1 to A15) and the rules R5 to R10."""

from __future__ import annotations

import pytest
from core_specs import (
    KEEP,
    RERUN,
    SKIP,
    accepted,
    actions,
    broken,
    job,
    job_words,
    last,
    one_job,
    pipeline,
    ran,
    refused,
    review_step,
    stage,
    stage_words,
    starts,
    step,
    step_words,
    when,
    word,
)
from core_start import ALICE
from core_world import Ending, World

from mulligan.core.cause import Cause
from mulligan.core.ids import JobId, StageId, StepId
from mulligan.core.refusal import RefusalCode
from mulligan.core.run import RunSettings, StartParameter
from mulligan.core.spec import OnFailure, PipelineSpec, ReviewGroup, ReviewParam, ReviewSpec
from mulligan.core.status import Status
from mulligan.testing.strategies import Outcome

UPSTREAM = RunSettings(only_current_attempt=True)
REVIEW = ReviewSpec(groups=(ReviewGroup(id="g", reviewers=("ann",)),))


def two_red() -> PipelineSpec:
    """Give a definition in which two jobs of one stage fail before another stage."""
    return pipeline(stage(2, job(1, "a"), job(2, "b")), stage(3, job(3, "c")), last(4, job(4, "d")))


# --- A1, R8: the verdict ----------------------------------------------------------------------


def test_a1_a_red_job_left_over_keeps_stage_and_run_red() -> None:
    """A1: the stage fails, later stages run nothing, the finally stage runs, the run fails."""
    world = ran(two_red(), broken("b", a=1))

    world.retry("a")

    run = world.finish()
    assert stage_words(run, 2, 3, 4) == ["failed:user", "skipped:unreached", "succeeded"]
    assert (word(run), starts(world, "c", "d")) == ("failed:user", [0, 2])


def test_a1_the_retry_that_repairs_the_last_red_job_goes_on() -> None:
    """A1: repaired one by one, the second repair runs the later stages."""
    world = ran(two_red(), broken(a=1, b=1))
    world.retry("a")
    world.finish()

    world.retry("b")

    run = world.finish()
    assert (word(run), starts(world, "a", "b", "c", "d")) == ("succeeded", [2, 2, 1, 3])


def test_a1_the_upstream_rule_turns_the_run_green() -> None:
    """A1: with the setting "as-upstream" only jobs of the current attempt count."""
    world = ran(two_red(), broken("b", a=1), settings=UPSTREAM)

    world.retry("a")

    run = world.finish()
    assert (word(run), job_words(run, 2)) == ("succeeded", ["failed:user"])
    assert starts(world, "c", "d") == [1, 2]


def test_a2_a_job_that_may_fail_counts_as_waived() -> None:
    """A2: a failed job with `continue_on_failure` leaves stage and run green."""
    spec = pipeline(stage(2, job(1, "a", continue_on_failure=True), job(2, "b")))

    world = ran(spec, broken("a"))

    assert (word(world.run), job_words(world.run, 1)) == ("succeeded", ["failed:user"])


def test_a3_a_run_with_waived_steps_has_succeeded() -> None:
    """A3, R9: a skip is the decision of a named person with a reason; the run is green by it."""
    world = ran(one_job(step("a", may_skip=True), "b"), broken("a"))

    plan = accepted(world.retry("a", skip=True, reason="known and harmless", may_operate=False))

    run = world.finish()
    record = run.step(StepId("a"))
    assert (word(run), plan.skip, run.head.attempts[-1].what) == ("succeeded", True, "skip")
    assert (word(record), record.actor, record.reason) == (
        "skipped:waived",
        ALICE,
        "known and harmless",
    )


def test_a4_a_step_skipped_by_its_condition_is_judged_again() -> None:
    """A4, R3: its condition looks at the new facts."""
    wanted = when("variables", ("go", "yes"))

    def ending(step_id: StepId, attempt: int) -> Outcome:
        first = attempt == 1
        if step_id == "a":
            return Outcome(variables=(("go", "no" if first else "yes"),))
        return Outcome(Status.FAILED, Cause.USER) if step_id == "c" and first else Outcome()

    world = ran(one_job("a", step("b", wanted), "c"), ending)
    assert step_words(world.run, "b") == ["skipped:condition"]

    world.retry("1")

    assert step_words(world.finish(), "a", "b", "c") == ["succeeded"] * 3


def test_a4_naming_a_waived_step_runs_it() -> None:
    """A4: the person changed their mind."""
    world = ran(one_job("a", "b"), broken(a=1))
    world.retry("a", skip=True)
    world.finish()

    world.retry("a")

    assert step_words(world.finish(), "a", "b") == ["succeeded", "succeeded"]
    assert starts(world, "a", "b") == [2, 2]


@pytest.mark.parametrize("text", ["nothing", "j1", "stage_2", "stage-9", "e-1"])
def test_a6_an_unknown_target_is_refused_finished_or_running(text: str) -> None:
    """A6: also the author's own name of a job is not a target."""
    world = World(pipeline(stage(2, job(1, "a"))), broken("a"))

    while_running = world.retry(text)
    world.finish()
    ended = world.retry(text)

    assert [refused(while_running), refused(ended)] == [RefusalCode.TARGET_UNKNOWN] * 2


def test_a6_a_hash_names_its_job() -> None:
    """A6: `c-…` is the job; it starts at the first step that is switched on."""
    spec = one_job(step("off", enabled=False), "a", "b")
    world = ran(spec, broken("b"))

    plan = accepted(world.retry(" c-1 "))

    assert (plan.target.node, plan.retry_target) == ("1", "a")
    assert actions(plan, "off", "a", "b") == [KEEP, RERUN, RERUN]


def test_a6_the_first_step_that_was_on_at_the_start_counts() -> None:
    """A step that was switched off at the start of the run is not where its job begins."""
    world = ran(one_job("off", "a", "b"), broken("b"), disabled=[StepId("off")])

    plan = accepted(world.retry("1"))

    assert plan.retry_target == "a"
    world.finish()
    assert world.run.step(StepId("a")).manual_retries == 1
    assert step_words(world.run, "off") == ["skipped:disabled"]


def test_a_ref_names_a_step_unless_something_else_has_the_name() -> None:
    """Stage, job and step ids come before the author's own names, the first of these wins."""
    spec = pipeline(
        stage(2, job(1, step("a", ref="2"), step("b", ref="test"))),
        stage(3, job(2, step("c", ref="test"))),
        trigger_steps=(StepId("trigger"),),
    )
    world = ran(spec, broken("b"))

    by_ref, by_job = accepted(world.plan("test")), accepted(world.plan("2"))

    assert (by_ref.target.node, by_job.target.node) == ("b", "2")
    assert refused(world.plan("trigger")) is RefusalCode.TARGET_UNKNOWN


def test_a12_of_two_equal_retries_the_second_finds_an_unfinished_run() -> None:
    """A12: exactly one makes an attempt."""
    world = ran(one_job("a"), broken("a"))
    world.retry("")

    second = world.retry("")

    assert refused(second) is RefusalCode.NEEDS_SINGLE_STEP
    assert world.run.head.attempt == 2


# --- A13, R5: variables -----------------------------------------------------------------------

PARAMETERS = (StartParameter(name="env", value="test"),)


def writing() -> Ending:
    """Let step `a` write at each attempt; `b` writes only at its first and fails."""

    def ending(step_id: StepId, attempt: int) -> Outcome:
        if step_id == "a":
            return Outcome(variables=(("env", "prod"), ("out", f"{attempt}")))
        if step_id == "b" and attempt == 1:
            writes = (("env", "broken"), ("mine", "1"))
            return Outcome(Status.FAILED, Cause.USER, variables=writes)
        return Outcome()

    return ending


@pytest.mark.parametrize(
    ("target", "clean", "expected"),
    [
        ("b", False, {"env": "prod", "out": "1", "mine": None}),
        ("b", True, {"env": "prod", "out": "1", "mine": None}),  # only a whole retry cleans
        ("1", False, {"env": "test", "out": None, "mine": None}),
        ("stage-2", False, {"env": "test", "out": None, "mine": None}),
        ("", False, {"env": "test", "out": "1", "mine": "1"}),
        ("", True, {"env": "test", "out": None, "mine": None}),
    ],
)
def test_a13_values_at_the_begin_of_a_retry(
    target: str, clean: bool, expected: dict[str, str | None]
) -> None:
    """A13: writes of what runs again are withdrawn; a whole retry applies the start again."""
    world = ran(one_job("a", "b"), writing(), parameters=PARAMETERS)

    world.retry(target, clean_variables=clean, waits=True)

    assert {name: world.run.value(name) for name in expected} == expected


def test_a13_a_clean_retry_keeps_the_facts_of_the_pipeline() -> None:
    """What the start wrote besides the parameters (the name of the pipeline) is not lost."""
    world = ran(one_job("a", "b"), writing(), parameters=PARAMETERS)

    world.retry("", clean_variables=True)

    assert world.run.value("BK_CI_PIPELINE_NAME") == "shop"
    assert world.run.value("BK_CI_BUILD_URL") == "http://ci/runs/1"


def test_a13_an_automatic_retry_does_not_see_the_first_try_either() -> None:
    """R5: values of the first try do not leak into the second, whoever asked for it."""

    def ending(step_id: StepId, attempt: int) -> Outcome:
        if attempt == 1:
            return Outcome(Status.FAILED, Cause.USER, variables=(("env", "half"), ("x", "1")))
        return Outcome()

    world = World(one_job(step("a", auto_retries=1)), ending, parameters=PARAMETERS)
    world.claim("1")

    world.report("1")

    assert (world.run.value("env"), world.run.value("x")) == ("test", None)
    assert world.run.step(StepId("a")).attempt == 2


def test_a13_a_review_that_is_void_takes_its_values_back() -> None:
    """Values that were given with an approval count only while the approval does."""
    params = (ReviewParam(key="env", value="prod"),)
    spec = pipeline(
        stage(2, job(1, "a")),
        stage(3, job(2, "b"), review=ReviewSpec(groups=REVIEW.groups, params=params)),
    )
    world = ran(spec, broken("b"), parameters=PARAMETERS)
    assert world.run.value("env") == "prod"

    world.retry("2", waits=True)
    kept = world.run.value("env")
    world.finish()
    world.retry("a", waits=True)

    assert (kept, world.run.value("env")) == ("prod", "test")


# --- A14, R10: approvals ----------------------------------------------------------------------


def reviewed() -> World:
    """Give a run whose second stage was approved and failed."""
    spec = pipeline(
        stage(2, job(1, "a")), stage(3, job(2, "b"), review=REVIEW), last(4, job(3, "c"))
    )
    return ran(spec, broken(b=1))


@pytest.mark.parametrize("target", ["stage-3", "2", "b"])
def test_a14_an_approval_holds_when_nothing_before_it_runs_again(target: str) -> None:
    """A14: a retry inside the approved stage does not ask again."""
    world = reviewed()

    plan = accepted(world.retry(target))

    assert (plan.approvals_kept, plan.approvals_void) == (("stage-3",), ())
    assert world.open_gates() == []
    assert world.run.gates["stage-3"].carried
    assert word(world.finish()) == "succeeded"


@pytest.mark.parametrize("target", ["", "a", "1"])
def test_a14_an_approval_is_asked_again_when_what_it_covered_runs_again(target: str) -> None:
    """A14: a retry before the gate makes the approval void."""
    world = reviewed()

    plan = accepted(world.retry(target))

    assert (plan.approvals_kept, plan.approvals_void) == ((), ("stage-3",))
    world.claim("1")
    world.report("1")
    assert world.open_gates() == ["stage-3"]
    assert world.run.gates["stage-3"].number == 2


def test_a14_a_refusal_is_not_retried_into_an_approval() -> None:
    """A14: the stage form is refused; a retry of its job or of all asks again."""
    world = World(pipeline(stage(2, job(1, "a"), review=REVIEW), last(3, job(2, "b"))))
    world.finish(approve=False)
    assert stage_words(world.run, 2) == ["failed:rejected"]

    as_stage = world.retry("stage-2")
    plan = accepted(world.retry("1"))

    assert refused(as_stage) is RefusalCode.STAGE_NOT_FAILED
    assert plan.approvals_void == ("stage-2",)
    assert world.open_gates() == ["stage-2"]


def test_a14_an_approval_that_was_void_once_stays_void() -> None:
    """What ran again before the gate in an earlier attempt is not covered by the old approval."""
    spec = pipeline(
        stage(2, job(1, "a")),
        stage(3, job(2, "b"), review=REVIEW, runs=when("variables", ("go", "yes"))),
        stage(4, job(3, "c")),
    )

    def ending(step_id: StepId, attempt: int) -> Outcome:
        if step_id == "a":
            return Outcome(variables=(("go", "yes" if attempt == 1 else "no"),))
        failed = (step_id == "b" and attempt == 1) or step_id == "c"
        return Outcome(Status.FAILED, Cause.USER) if failed else Outcome()

    world = ran(spec, ending)
    world.retry("a")  # the stage with the review is skipped this time
    world.finish()
    assert stage_words(world.run, 3, 4) == ["skipped:condition", "failed:user"]

    plan = accepted(world.plan("b"))

    assert (plan.approvals_kept, plan.approvals_void) == ((), ("stage-3",))


def test_r10_a_review_step_is_asked_again_by_every_retry() -> None:
    """A refused review step fails its job; a retry of stage, job or step asks once more."""
    for target in ("", "stage-2", "1", "ok"):
        world = World(pipeline(stage(2, job(1, review_step("ok", "ann"), "b"))))
        world.finish(approve=False)
        assert step_words(world.run, "ok", "b") == ["failed:rejected", "skipped:unreached"]

        accepted(world.retry(target))

        assert world.run.open_gate("ok") is None
        world.claim("1")
        assert world.open_gates() == ["ok"]


# --- A15: the finally stage -------------------------------------------------------------------


@pytest.mark.parametrize("settings", [RunSettings(), UPSTREAM])
def test_a15_a_failed_finally_stage_runs_alone(settings: RunSettings) -> None:
    """A15: only it runs, and the verdict of the stages before stays red."""
    world = ran(two_red(), broken("a", d=1), settings=settings)

    plan = world.retry("stage-4")

    assert actions(plan, "stage-2", "stage-3", "stage-4") == [KEEP, KEEP, RERUN]
    run = world.finish()
    assert stage_words(run, 4) == ["succeeded"]
    assert word(run) == "failed:user"
    assert starts(world, "a", "b", "c", "d") == [1, 1, 0, 2]


def test_a15_skipping_a_step_of_the_finally_stage() -> None:
    """A skip inside the finally stage runs the rest of it."""
    spec = pipeline(stage(2, job(1, "a")), last(3, job(2, "d", "x"), job(3, "y")))
    world = ran(spec, broken("d"))

    plan = world.retry("d", skip=True)

    assert actions(plan, "a", "d", "x", "y") == [KEEP, SKIP, RERUN, RERUN]
    assert word(world.finish()) == "succeeded"


def test_a15_skipping_all_failed_steps_of_the_finally_stage() -> None:
    """A skip of the whole finally stage waives just its failed steps."""
    spec = pipeline(stage(2, job(1, "a")), last(3, job(2, "d", "x"), job(3, "y")))
    world = ran(spec, broken("d"))

    plan = world.retry("stage-3", skip=True)

    assert actions(plan, "a", "d", "x", "y") == [KEEP, SKIP, RERUN, RERUN]
    assert word(world.finish()) == "succeeded"


# --- what was never begun ---------------------------------------------------------------------


@pytest.mark.parametrize("target", ["b", "2", "c"])
def test_stages_before_the_target_run_if_they_never_did(target: str) -> None:
    """A run that left the queue has done nothing: what lies before the target is planned, too."""
    spec = pipeline(stage(2, job(1, "a")), stage(3, job(2, "b")), last(4, job(3, "c")))
    world = World(spec, waits=True)
    world.leave_queue(2)
    assert word(world.run) == "failed:queue_timeout"

    plan = world.retry(target)

    assert actions(plan, "stage-2", "stage-4", "1", "a") == [RERUN] * 4
    assert word(world.finish()) == "succeeded"
    assert starts(world, "a", "b", "c") == [1, 1, 1]


def test_upstream_a_retry_behind_an_unreached_stage_passes_through_it() -> None:
    """By the upstream rule an old failure does not count, so what lay behind it is run first."""
    spec = pipeline(stage(2, job(1, "a")), stage(3, job(2, "b")), stage(4, job(3, "c")))
    world = ran(spec, broken("a"), settings=UPSTREAM)

    plan = world.retry("3")

    assert actions(plan, "stage-2", "stage-3", "stage-4") == [KEEP, RERUN, RERUN]
    world.finish()
    assert starts(world, "a", "b", "c") == [1, 1, 1]


def test_r8_a_stage_that_is_not_entered_any_more_keeps_its_red_job() -> None:
    """A retry whose stage's condition fails now must not make a red job disappear."""
    runs = when("unless-variables", ("stop", "yes"))
    spec = pipeline(stage(2, job(1, "a"), job(2, "b"), runs=runs), stage(3, job(3, "c")))

    def ending(step_id: StepId, _attempt: int) -> Outcome:
        if step_id == "c":
            return Outcome()
        return Outcome(Status.FAILED, Cause.USER, variables=(("stop", "yes"),))

    world = ran(spec, ending)

    world.retry("a")

    run = world.finish()
    assert (stage_words(run, 2), word(run)) == (["failed:user"], "failed:user")
    assert starts(world, "a", "b", "c") == [1, 1, 0]


# --- R6: the workspace ------------------------------------------------------------------------


def test_r6_without_the_directory_the_job_starts_over() -> None:
    """Steps before the target run again when their files are gone, and the plan says so."""
    spec = one_job("a", step("soft", on_failure=OnFailure.CONTINUE), "b")
    world = ran(spec, broken(b=1, soft=1))

    live, gone = accepted(world.plan("b")), accepted(world.retry("b", live=False))

    assert (live.workspaces, actions(live, "a", "soft")) == ({"1": "live"}, [KEEP, KEEP])
    assert (gone.workspaces, actions(gone, "a", "soft")) == ({"1": "widened"}, [RERUN, RERUN])
    assert world.run.job(JobId("1")).workspace == "widened"
    assert word(world.finish()) == "succeeded"


def test_r6_a_retry_of_the_first_step_begins_with_an_empty_directory() -> None:
    """Nothing is kept whose files could be missing."""
    world = ran(one_job(step("off", enabled=False), "a"), broken(a=1))

    plan = accepted(world.plan("a", live=False))

    assert plan.workspaces == {"1": "fresh"}


# --- what a plan says besides -----------------------------------------------------------------


def test_a_plan_tells_how_much_time_it_saves() -> None:
    """The seconds that kept steps took are those that are not spent again."""
    world = ran(one_job("a", "b"), broken(b=1))

    plan, whole = accepted(world.plan("b")), accepted(world.plan(""))

    assert (plan.seconds_saved, whole.seconds_saved) == (1.0, 0.0)


def test_the_run_shows_what_was_retried() -> None:
    """The newest attempt names actor, target and reason; a whole retry renews the start."""
    world = ran(one_job("a", "b"), broken("b"))
    started_at = world.run.head.started_at

    world.retry("b", reason="flaky")
    part = world.run.head
    world.finish()
    world.retry("")

    assert (part.retry_target, part.started_at, part.attempts[-1].reason) == (
        "b",
        started_at,
        "flaky",
    )
    assert (part.attempts[-1].actor, part.attempts[-1].target) == (ALICE, "b")
    assert world.run.head.retry_target == ""
    assert world.run.head.started_at != started_at
    assert world.run.stage(StageId("stage-2")).attempt == 3
