"""Why a retry is refused, and which reason comes first (spec/bkci-build-api.md §3.2 to §3.6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from core_specs import (
    accepted,
    broken,
    job,
    last,
    one_job,
    pipeline,
    ran,
    refused,
    stage,
    step,
    step_words,
    word,
)
from core_world import World

from mulligan.core.ids import StepId
from mulligan.core.recovery.plan import Plan
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.spec import PipelineSpec, ReviewGroup, ReviewSpec

# All that may stand in the way besides the run itself, in the order in which it is looked at.
FACTS: list[tuple[dict[str, Any], RefusalCode]] = [
    ({"window": timedelta(seconds=1)}, RefusalCode.EXPIRED),
    ({"pipeline_deleted": True}, RefusalCode.PIPELINE_DELETED),
    ({"version_gone": True}, RefusalCode.VERSION_GONE),
    ({"locked": True}, RefusalCode.PIPELINE_LOCKED),
]


def example() -> PipelineSpec:
    """Give a definition with a succeeded, a failed and a disabled part."""
    return pipeline(
        stage(2, job(1, "a")),
        stage(3, job(2, step("b", may_skip=False), step("off", enabled=False))),
        stage(4, job(3, "c", enabled=False), job(4, step("x", enabled=False))),
        stage(5, job(5, "d"), enabled=False),
        trigger_steps=(StepId("manual"),),
    )


@pytest.mark.parametrize("place", range(len(FACTS)))
@pytest.mark.parametrize("target", ["", "nothing", "b", "stage-2"])
def test_the_first_reason_is_given(place: int, target: str) -> None:
    """With several reasons at once the caller hears of the one that is looked at first."""
    world = ran(example(), broken("b"))
    options: dict[str, Any] = {"project_disabled": True}
    for facts, _ in FACTS[place:]:
        options |= facts

    assert refused(world.plan(target, **options)) is FACTS[place][1]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("nothing", RefusalCode.TARGET_UNKNOWN),
        ("stage-1", RefusalCode.STAGE_NOT_FAILED),
        ("0", RefusalCode.TARGET_UNKNOWN),
        ("manual", RefusalCode.TARGET_UNKNOWN),
        ("stage-2", RefusalCode.STAGE_NOT_FAILED),
        ("stage-4", RefusalCode.STAGE_NOT_FAILED),  # never reached
        ("stage-5", RefusalCode.STAGE_NOT_FAILED),
        ("off", RefusalCode.TARGET_UNKNOWN),
        ("3", RefusalCode.TARGET_UNKNOWN),  # the job is switched off
        ("c", RefusalCode.TARGET_UNKNOWN),
        ("4", RefusalCode.TARGET_UNKNOWN),  # all of its steps are
        ("5", RefusalCode.TARGET_UNKNOWN),  # its stage is
        ("d", RefusalCode.TARGET_UNKNOWN),
    ],
)
def test_targets_that_are_refused(target: str, code: RefusalCode) -> None:
    """A target is refused that does not exist, has no work, or is a stage that has not failed."""
    world = ran(example(), broken("b"))

    assert refused(world.plan(target, project_disabled=True)) is code


@pytest.mark.parametrize("target", ["", "b", "2", "stage-3"])
def test_a_disabled_project_is_looked_at_last(target: str) -> None:
    """Where the target is good, the project's state decides."""
    world = ran(example(), broken("b"))

    assert refused(world.plan(target, project_disabled=True)) is RefusalCode.PROJECT_DISABLED
    accepted(world.plan(target))


def test_a_step_switched_off_at_the_start_has_no_work() -> None:
    """Neither the step nor its post action can be retried; its job can't if nothing else is on."""
    spec = pipeline(stage(2, job(1, "a", step("post-a", post_of="a")), job(2, "b")))
    world = ran(spec, broken("b"), disabled=[StepId("a")])

    found = [refused(world.plan(target)) for target in ("a", "post-a", "1")]

    assert found == [RefusalCode.TARGET_UNKNOWN] * 3


# --- skipping ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "may_operate", "code"),
    [
        ("b", False, RefusalCode.SKIP_NOT_ALLOWED),
        ("b", True, None),
        ("free", False, None),
        ("stage-3", False, None),  # a stage may always be skipped
        ("2", False, None),  # the job form ignores the flag
        ("", False, None),
        ("manual", False, RefusalCode.SKIP_NOT_ALLOWED),  # before "has no work"
        ("manual", True, RefusalCode.TARGET_UNKNOWN),
        ("off", False, RefusalCode.SKIP_NOT_ALLOWED),
        ("off", True, RefusalCode.TARGET_UNKNOWN),
    ],
)
def test_who_may_skip_what(target: str, may_operate: bool, code: RefusalCode | None) -> None:
    """R9: a step is skipped if its definition allows it, or by somebody with the special right."""
    spec = pipeline(
        stage(2, job(1, "a")),
        stage(3, job(2, step("free", may_skip=True), "b", step("off", enabled=False))),
        trigger_steps=(StepId("manual"),),
    )
    world = ran(spec, broken("b"))

    answer = world.plan(target, skip=True, may_operate=may_operate)

    assert (None if isinstance(answer, Plan) else answer.code) is code


@pytest.mark.parametrize("target", ["", "2"])
def test_skip_is_ignored_where_no_step_is_named(target: str) -> None:
    """With a job or without a target nothing is skipped."""
    world = ran(example(), broken(b=1))

    plan = accepted(world.retry(target, skip=True))

    assert not plan.skip
    assert step_words(world.finish(), "b") == ["succeeded"]


# --- while the run goes on --------------------------------------------------------------------


def going_on() -> World:
    """Give a run in its second stage: job 2 has failed, job 3 runs, job 4 is offered."""
    spec = pipeline(
        stage(2, job(1, "a", continue_on_failure=True)),
        stage(3, job(2, "ok", "b"), job(3, "c"), job(4, "d")),
        stage(4, job(5, "e")),
    )
    world = World(spec, broken("a", "b"))
    world.claim("1")
    world.report("1")
    world.claim("2")
    world.report("2")
    world.report("2")
    world.claim("3")
    return world


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("", RefusalCode.NEEDS_SINGLE_STEP),
        ("2", RefusalCode.NEEDS_SINGLE_STEP),
        ("stage-3", RefusalCode.STAGE_NOT_FAILED),
        ("nothing", RefusalCode.TARGET_UNKNOWN),
        ("a", RefusalCode.STAGE_NOT_RUNNING),
        ("e", RefusalCode.STAGE_NOT_RUNNING),
        ("c", RefusalCode.JOB_NOT_FINISHED),
        ("d", RefusalCode.JOB_NOT_FINISHED),
        ("ok", RefusalCode.STEP_NOT_FAILED),
        ("b", None),
    ],
)
def test_while_the_run_goes_on(target: str, code: RefusalCode | None) -> None:
    """Only a failed step of an ended job in the running stage may be retried or skipped."""
    world = going_on()

    answer = world.plan(target)

    assert (None if isinstance(answer, Plan) else answer.code) is code


def test_a_whole_retry_of_a_going_run_names_what_is_missing() -> None:
    """The dialect's text needs the name of the parameter."""
    answer = going_on().plan("")

    assert isinstance(answer, Refusal)
    assert answer.values == ("BK_CI_RETRY_TASK_IN_STAGE_ID",)


def test_facts_come_first_while_the_run_goes_on_too() -> None:
    """An expired run is refused before anybody looks at what it is doing."""
    world = going_on()

    assert refused(world.plan("", window=timedelta(0))) is RefusalCode.EXPIRED
    assert refused(world.plan("b", project_disabled=True)) is RefusalCode.PROJECT_DISABLED
    assert refused(world.plan("c", project_disabled=True)) is RefusalCode.JOB_NOT_FINISHED


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("", RefusalCode.AWAITING_APPROVAL),
        ("a", RefusalCode.AWAITING_APPROVAL),
        ("1", RefusalCode.AWAITING_APPROVAL),
        ("stage-3", RefusalCode.STAGE_NOT_FAILED),  # errors of the target come first
        ("nothing", RefusalCode.TARGET_UNKNOWN),
    ],
)
def test_a_run_at_a_review_wants_an_answer_first(target: str, code: RefusalCode) -> None:
    """A waiting run can't be retried, and its review stays open."""
    review = ReviewSpec(groups=(ReviewGroup(id="g", reviewers=("ann",)),))
    spec = pipeline(stage(2, job(1, "a")), stage(3, job(2, "b"), review=review))
    world = World(spec)
    world.claim("1")
    world.report("1")

    assert refused(world.retry(target)) is code
    assert world.open_gates() == ["stage-3"]


def test_a_run_that_is_being_stopped_is_left_to_end() -> None:
    """While a cancel is in progress nothing is started again."""
    spec = pipeline(stage(2, job(1, "a"), job(2, "b")))
    world = World(spec, broken("a"))
    world.claim("1")
    world.report("1")
    world.claim("2")
    world.stop()

    answer = world.retry("a")

    assert refused(answer) is RefusalCode.STAGE_BUSY


def test_a_queued_run_is_not_finished() -> None:
    """A run that waits for its turn has no stage in which a step could be retried."""
    world = World(one_job("a"), waits=True)

    assert refused(world.plan("")) is RefusalCode.NEEDS_SINGLE_STEP
    assert refused(world.plan("a")) is RefusalCode.STAGE_NOT_RUNNING


# --- the window -------------------------------------------------------------------------------


def test_the_window_counts_from_the_start_and_slides_with_whole_retries() -> None:
    """Exactly at its end a retry is still possible; a whole retry begins it anew, others don't."""
    world = ran(one_job("a"), broken("a"))
    world.draft(100)
    head = world.run.head
    assert head.started_at is not None
    age = world.now - head.started_at

    at_end = world.plan("", window=age)
    too_late = world.plan("", window=age - timedelta(seconds=1))
    for_ever = world.plan("", window=None)
    world.retry("a")
    world.finish()
    after_part = world.plan("", window=timedelta(seconds=50))
    world.retry("")
    world.finish()
    after_whole = world.plan("", window=timedelta(seconds=50))

    assert [type(answer) for answer in (at_end, for_ever, after_whole)] == [Plan] * 3
    assert [refused(too_late), refused(after_part)] == [RefusalCode.EXPIRED] * 2


def test_the_refusal_says_how_many_days() -> None:
    """The dialect's text needs the number."""
    world = ran(one_job("a"), broken("a"))
    world.draft(3 * 86400)

    answer = world.plan("", window=timedelta(days=2))

    assert isinstance(answer, Refusal)
    assert (answer.code, answer.values) == (RefusalCode.EXPIRED, ("2",))


def test_a_run_that_never_started_does_not_expire() -> None:
    """A run that left the queue has no start to count from."""
    world = World(one_job("a"), waits=True)
    world.leave_queue(1)
    world.draft(90 * 86400)

    accepted(world.plan(""))


# --- refusals as values -----------------------------------------------------------------------

WITH_A_WAY_OUT = {
    RefusalCode.EXPIRED,
    RefusalCode.PIPELINE_DELETED,
    RefusalCode.VERSION_GONE,
    RefusalCode.PIPELINE_LOCKED,
    RefusalCode.TARGET_UNKNOWN,
    RefusalCode.STAGE_NOT_FAILED,
    RefusalCode.SKIP_NOT_ALLOWED,
    RefusalCode.NEEDS_SINGLE_STEP,
    RefusalCode.STAGE_NOT_RUNNING,
    RefusalCode.JOB_NOT_FINISHED,
}


def test_refusals_say_what_would_be_possible_instead() -> None:
    """R15: a refusal has a sentence, and the way out where there is one."""
    ended, running = ran(example(), broken("b")), going_on()
    answers = [ended.plan("", **facts) for facts, _ in FACTS]
    answers += [ended.plan("nothing"), ended.plan("stage-2")]
    answers += [ended.plan("b", skip=True, may_operate=False)]
    answers += [running.plan(target) for target in ("", "a", "c")]

    found = {answer.code for answer in answers if isinstance(answer, Refusal) and answer.instead}

    assert found == WITH_A_WAY_OUT


def test_a_refused_retry_changes_nothing() -> None:
    """The run is as it was, with the same revision."""
    world = ran(pipeline(stage(2, job(1, "a")), last(3, job(2, "b"))), broken("a"))
    before = world.run

    world.retry("nothing")

    assert world.run is before
    assert word(world.run) == "failed:user"
