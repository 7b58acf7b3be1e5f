"""What runs again: the decision tables of spec/bkci-build-api.md §3.8, row by row."""

from __future__ import annotations

from typing import Any

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
    stage,
    stage_words,
    starts,
    step,
    step_words,
    when,
    word,
)
from core_world import World

from mulligan.core.run import RunSettings
from mulligan.core.spec import OnFailure

NEVER = when("variables", ("nobody", "writes this"))

# --- stages -------------------------------------------------------------------------------------

STAGES = ("stage-2", "stage-3", "stage-4", "stage-5", "stage-6")


def staged() -> World:
    """Give a run that failed in the second of five stages; the third is switched off."""
    spec = pipeline(
        stage(2, job(1, "a")),
        stage(3, job(2, step("b", may_skip=True)), job(3, "c")),
        stage(4, job(4, "d"), enabled=False),
        stage(5, job(5, "e")),
        last(6, job(6, "f")),
    )
    return ran(spec, broken(b=1))


@pytest.mark.parametrize(
    ("target", "skip", "first"),
    [
        ("", False, RERUN),
        ("stage-3", False, KEEP),
        ("stage-3", True, KEEP),
        ("2", False, KEEP),
        ("b", False, KEEP),
        ("b", True, KEEP),
    ],
)
def test_stages_before_the_target_are_kept_all_others_run(
    target: str, skip: bool, first: str
) -> None:
    """Only a whole retry runs what lies before; later stages and the last run with all others."""
    world = staged()

    plan = world.retry(target, skip=skip)

    assert actions(plan, *STAGES) == [first, RERUN, RERUN, RERUN, RERUN]
    run = world.finish()
    assert stage_words(run, 2, 3, 4, 5, 6) == [
        "succeeded",
        "succeeded",
        "skipped:disabled",
        "succeeded",
        "succeeded",
    ]
    assert word(run) == "succeeded"
    assert starts(world, "a", "d", "e", "f") == [2 if first == RERUN else 1, 0, 1, 2]


def test_later_stages_that_have_succeeded_are_kept_completely() -> None:
    """A retry in a green run runs its target and the finally stage, nothing else."""
    world = staged()
    world.retry("b")
    world.finish()

    plan = world.retry("a")

    world.finish()
    assert actions(plan, "stage-2", "stage-3", "stage-5", "stage-6") == [RERUN, KEEP, KEEP, RERUN]
    assert starts(world, "a", "b", "c", "e", "f") == [2, 2, 1, 1, 3]


@pytest.mark.parametrize(
    ("target", "only_failed", "runs"),
    [
        ("a", False, {"g", "h"}),
        ("stage-3", False, {"g", "h"}),
        ("stage-3", True, {"g"}),
        ("3", False, {"g", "h"}),
        ("3", True, {"g", "h"}),
        ("h", False, {"g", "h"}),
    ],
)
def test_the_finally_stage_runs_completely(target: str, only_failed: bool, runs: set[str]) -> None:
    """Whatever the target is, the last stage runs as a whole, but for "only failed" of itself."""
    spec = pipeline(stage(2, job(1, "a")), last(3, job(2, "g"), job(3, "h")))
    world = ran(spec, broken(g=1))

    plan = accepted(world.retry(target, only_failed=only_failed))

    known = len(world.started)
    world.finish()
    begun = {step_id for step_id, _ in world.started[known:]} - {"a"}
    assert begun == runs
    assert actions(plan, "stage-3") == [RERUN]


# --- jobs ---------------------------------------------------------------------------------------

JOBS = ("1", "2", "3", "4", "5", "6", "7")


def crowded() -> World:
    """Give a failed stage with a job in every state in which a job can end."""
    spec = pipeline(
        stage(
            2,
            job(1, step("a", may_skip=True)),
            job(2, "b"),
            job(3, "c", runs=NEVER),
            job(4, "d", needs=[1]),
            job(5, "e"),
            job(6, step("f", pause_before=True)),
            job(7, "g", enabled=False),
        )
    )
    world = World(spec, broken(a=1, e=1))
    world.finish(approve=False)
    return world


def test_the_crowded_stage_has_a_job_in_every_state() -> None:
    """The table of jobs is asked about all states in which a job can end."""
    assert job_words(crowded().run, 1, 2, 3, 4, 5, 6, 7) == [
        "failed:user",
        "succeeded",
        "skipped:condition",
        "skipped:dependency",
        "failed:user",
        "cancelled",
        "skipped:disabled",
    ]


@pytest.mark.parametrize(
    ("target", "only_failed", "expected"),
    [
        # job                    1      2      3      4      5      6      7
        ("", False, [RERUN, RERUN, RERUN, RERUN, RERUN, RERUN, RERUN]),
        ("stage-2", False, [RERUN, RERUN, RERUN, RERUN, RERUN, RERUN, RERUN]),
        ("stage-2", True, [RERUN, KEEP, KEEP, RERUN, RERUN, RERUN, KEEP]),
        ("1", False, [RERUN, KEEP, KEEP, RERUN, KEEP, KEEP, KEEP]),
        ("a", False, [RERUN, KEEP, KEEP, RERUN, KEEP, KEEP, KEEP]),
        ("2", False, [KEEP, RERUN, KEEP, RERUN, KEEP, KEEP, KEEP]),
        ("5", False, [KEEP, KEEP, KEEP, RERUN, RERUN, KEEP, KEEP]),
        ("5", True, [KEEP, KEEP, KEEP, RERUN, RERUN, KEEP, KEEP]),
    ],
)
def test_jobs_of_the_target_stage(target: str, only_failed: bool, expected: list[str]) -> None:
    """Kept are jobs that ended, also badly; one skipped for its dependency is judged again."""
    world = crowded()

    plan = world.plan(target, only_failed=only_failed)

    assert actions(plan, *JOBS) == expected


def test_a_job_that_never_ran_runs_with_its_neighbour() -> None:
    """A job that was put back, but never began, is taken along by the next retry."""
    world = ran(pipeline(stage(2, job(1, "a"), job(2, "b"))), broken(a=1, b=1))
    world.retry("2", waits=True)
    world.leave_queue(1)
    assert job_words(world.run, 1, 2) == ["failed:user", "queued"]

    plan = world.retry("1")

    assert actions(plan, "1", "2") == [RERUN, RERUN]
    assert word(world.finish()) == "succeeded"


def test_a_disabled_job_is_skipped_again() -> None:
    """A job that is switched off ends as skipped in every attempt that it is part of."""
    world = crowded()

    world.retry("")

    assert job_words(world.finish(), 7) == ["skipped:disabled"]
    assert starts(world, "g") == [0]


def test_a_job_skipped_for_its_dependency_runs_when_that_succeeds() -> None:
    """R3: the dependency is repaired, so the job that was skipped because of it runs."""
    world = crowded()

    world.retry("1")

    run = world.finish()
    assert job_words(run, 1, 4, 5) == ["succeeded", "succeeded", "failed:user"]
    assert starts(world, "a", "d", "e") == [2, 1, 1]


def test_failed_and_cancelled_jobs_of_later_stages_run_again() -> None:
    """A5: a retry in an earlier stage takes the red jobs of later stages along, by both rules."""
    spec = pipeline(
        stage(2, job(1, "a")),
        stage(3, job(2, "b"), job(3, "c"), job(4, step("d", pause_before=True))),
    )
    for upstream in (False, True):
        world = World(spec, broken(b=1), settings=RunSettings(only_current_attempt=upstream))
        world.finish(approve=False)

        plan = world.retry("a")

        assert actions(plan, "2", "3", "4") == [RERUN, KEEP, RERUN]
        assert word(world.finish()) == "succeeded"
        assert starts(world, "a", "b", "c", "d") == [2, 2, 1, 1]


# --- steps --------------------------------------------------------------------------------------

STEPS = ("off", "ok", "cond", "soft", "target", "next", "late", "bad")


def stepped() -> World:
    """Give a failed job with steps in every state before and after the one that failed."""
    spec = one_job(
        step("off", enabled=False),
        "ok",
        step("cond", NEVER),
        step("soft", on_failure=OnFailure.CONTINUE),
        step("target", may_skip=True),
        "next",
        step("late", "unless-cancelled"),
        step("bad", "unless-cancelled"),
    )
    return ran(spec, broken(soft=1, target=1, bad=1))


def test_the_job_has_a_step_in_every_state() -> None:
    """The table of steps is asked about all states that a failed job leaves."""
    assert step_words(stepped().run, *STEPS) == [
        "skipped:disabled",
        "succeeded",
        "skipped:condition",
        "failed:user",
        "failed:user",
        "skipped:unreached",
        "succeeded",
        "failed:user",
    ]


WHOLE_STAGE: dict[str, Any] = {"target": "stage-2"}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        # step                     off    ok     cond   soft   target next   late   bad
        ({"target": ""}, [RERUN, RERUN, RERUN, RERUN, RERUN, RERUN, RERUN, RERUN]),
        (WHOLE_STAGE, [RERUN, RERUN, RERUN, RERUN, RERUN, RERUN, RERUN, RERUN]),
        ({"target": "1"}, [KEEP, RERUN, RERUN, RERUN, RERUN, RERUN, RERUN, RERUN]),
        ({"target": "1", "skip": True}, [KEEP, RERUN, RERUN, RERUN, RERUN, RERUN, RERUN, RERUN]),
        ({"target": "ok"}, [KEEP, RERUN, RERUN, RERUN, RERUN, RERUN, RERUN, RERUN]),
        ({"target": "target"}, [KEEP, KEEP, KEEP, KEEP, RERUN, RERUN, RERUN, RERUN]),
        ({"target": "target", "skip": True}, [KEEP, KEEP, KEEP, KEEP, SKIP, RERUN, RERUN, RERUN]),
        ({**WHOLE_STAGE, "skip": True}, [RERUN, RERUN, RERUN, SKIP, SKIP, RERUN, RERUN, SKIP]),
    ],
)
def test_steps_of_the_target_job(call: dict[str, Any], expected: list[str]) -> None:
    """Before the target what ended is kept; the target and all after it run again."""
    world = stepped()

    plan = world.retry(**call)

    assert actions(plan, *STEPS) == expected
    run = world.finish()
    assert word(run) == "succeeded"
    assert step_words(run, "off") == ["skipped:disabled"]


def test_a_stage_skip_leaves_good_jobs_alone_with_only_failed() -> None:
    """With both flags succeeded jobs are kept and the failed steps of the others are skipped."""
    spec = pipeline(stage(2, job(1, "a", "b"), job(2, "c", "d")))
    world = ran(spec, broken("b"))

    plan = world.retry("stage-2", skip=True, only_failed=True, may_operate=False)

    assert actions(plan, "a", "b", "c", "d") == [RERUN, SKIP, KEEP, KEEP]
    assert word(world.finish()) == "succeeded"
    assert starts(world, "a", "b", "c", "d") == [2, 1, 1, 1]


def test_a_cancelled_step_before_the_target_runs_again() -> None:
    """Before the target, what was cancelled or never ran is not kept."""
    spec = one_job("a", step("b", pause_before=True), "c", step("d", "always"), step("e", "always"))
    world = World(spec, broken(d=1))
    world.finish(approve=False)
    assert step_words(world.run, "b", "c") == ["cancelled", "skipped:unreached"]

    plan = world.retry("d")

    assert actions(plan, "a", "b", "c", "d", "e") == [KEEP, RERUN, RERUN, RERUN, RERUN]
    assert word(world.finish()) == "succeeded"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("", [RERUN, RERUN, RERUN, RERUN]),
        ("stage-2", [RERUN, RERUN, RERUN, RERUN]),
        ("1", [RERUN, RERUN, KEEP, RERUN]),
        ("a", [RERUN, RERUN, KEEP, RERUN]),
        ("cond", [KEEP, RERUN, KEEP, RERUN]),
        ("waived", [KEEP, KEEP, RERUN, RERUN]),
    ],
)
def test_a_waived_step_runs_again_only_if_it_is_named(target: str, expected: list[str]) -> None:
    """A step skipped by its condition is judged again; one skipped by a person stays (A4)."""
    spec = one_job("a", step("cond", NEVER), "waived", "z")
    world = ran(spec, broken("waived", z=2))
    world.retry("waived", skip=True)
    world.finish()
    assert step_words(world.run, "cond", "waived", "z") == [
        "skipped:condition",
        "skipped:waived",
        "failed:user",
    ]

    plan = world.plan(target)

    assert actions(plan, "a", "cond", "waived", "z") == expected


def test_a_waived_first_step_stays_when_its_job_is_retried() -> None:
    """A4: a plain retry of the job does not undo what a person decided about its first step."""
    world = ran(one_job("waived", "z"), broken("waived", z=2))
    world.retry("waived", skip=True)
    world.finish()

    plan = world.retry("1")

    assert actions(plan, "waived", "z") == [KEEP, RERUN]
    assert word(world.finish()) == "succeeded"
    assert starts(world, "waived", "z") == [1, 2]


# --- post actions -------------------------------------------------------------------------------


def posted(**times: int) -> World:
    """Give a job whose first two steps have post actions at its end, in reverse order."""
    spec = one_job(
        "a",
        "b",
        "c",
        step("post-b", "unless-cancelled", post_of="b", on_failure=OnFailure.CONTINUE),
        step("post-a", "unless-cancelled", post_of="a", on_failure=OnFailure.CONTINUE),
    )
    return ran(spec, broken(**times))


@pytest.mark.parametrize(
    ("target", "expected"),
    [("c", [KEEP, KEEP]), ("b", [RERUN, KEEP]), ("a", [RERUN, RERUN]), ("1", [RERUN, RERUN])],
)
def test_post_actions_run_again_with_their_step(target: str, expected: list[str]) -> None:
    """The post action of a step that is kept is kept too, if it has run."""
    world = posted(c=1)

    plan = world.plan(target)

    assert actions(plan, "post-b", "post-a") == expected


def test_the_post_action_of_a_skipped_step_is_judged_again() -> None:
    """R4: a skip re-judges the post action, whose step has not really run now."""
    spec = one_job(step("a", may_skip=True), step("post-a", "parent-ended", post_of="a"))
    world = ran(spec, broken("a"))

    plan = world.retry("a", skip=True)

    assert actions(plan, "a", "post-a") == [SKIP, RERUN]
    assert step_words(world.finish(), "a", "post-a") == ["skipped:waived", "skipped:condition"]


def test_a_cancelled_post_action_of_a_kept_step_runs_again() -> None:
    """A post action that was cancelled had no chance to do its work."""
    spec = one_job("a", "b", step("post-a", "always", post_of="a", pause_before=True))
    world = World(spec, broken(b=1))
    world.finish(approve=False)
    assert step_words(world.run, "a", "post-a") == ["succeeded", "cancelled"]

    plan = world.retry("b")

    assert actions(plan, "a", "post-a") == [KEEP, RERUN]
    assert word(world.finish()) == "succeeded"


# --- §3.9: how the result is computed afterwards ------------------------------------------------


def test_an_earlier_failure_of_the_job_keeps_it_failed() -> None:
    """The result of a job counts all its steps, also those that a retry kept."""
    world = ran(one_job("a", step("b", "unless-cancelled")), broken("a", b=1))

    world.retry("b")

    run = world.finish()
    assert step_words(run, "a", "b") == ["failed:user", "succeeded"]
    assert word(run) == "failed:user"


@pytest.mark.parametrize(("upstream", "verdict"), [(False, "failed:user"), (True, "succeeded")])
def test_another_failed_job_of_the_stage(upstream: bool, verdict: str) -> None:
    """R8: a job left red keeps the run red; the upstream rule looks at this attempt only."""
    spec = pipeline(stage(2, job(1, "a"), job(2, "b")), stage(3, job(3, "c")))
    settings = RunSettings(only_current_attempt=upstream)
    world = ran(spec, broken("b", a=1), settings=settings)

    world.retry("a")

    run = world.finish()
    assert word(run) == verdict
    assert job_words(run, 1, 2) == ["succeeded", "failed:user"]
    assert starts(world, "c") == [int(upstream)]


def test_a_dependency_counts_whatever_its_attempt_is() -> None:
    """`depends_on` looks at the latest result of a job, also at that of an earlier attempt."""
    spec = pipeline(stage(2, job(1, "a"), job(2, "b"), job(3, "c", needs=[1, 2])))
    world = ran(spec, broken(b=1))

    world.retry("b")

    assert job_words(world.finish(), 1, 2, 3) == ["succeeded", "succeeded", "succeeded"]
    assert starts(world, "a", "c") == [1, 1]


def test_a_job_skipped_for_its_dependency_keeps_waiting_for_the_other() -> None:
    """With one of two failed dependencies repaired the job is skipped once more."""
    spec = pipeline(stage(2, job(1, "a"), job(2, "b"), job(3, "c", needs=[1, 2])))
    world = ran(spec, broken("b", a=1))

    world.retry("a")

    assert job_words(world.finish(), 1, 2, 3) == ["succeeded", "failed:user", "skipped:dependency"]
