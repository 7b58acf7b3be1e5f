"""How a run goes: the tables and worked examples of spec/bkci-model-and-engine.md §2.3 to §2.19."""

from __future__ import annotations

from typing import Any

import pytest
from core_specs import (
    broken,
    job,
    job_words,
    last,
    one_job,
    pipeline,
    ran,
    review_step,
    stage,
    stage_words,
    starts,
    step,
    step_words,
    when,
    word,
)
from core_world import World

from mulligan.core.cause import Cause
from mulligan.core.ids import StepId
from mulligan.core.run import StartParameter
from mulligan.core.spec import Condition, OnFailure, RunWhen
from mulligan.core.status import Status
from mulligan.testing.strategies import Outcome

SOFT = OnFailure.CONTINUE
ENV = (StartParameter(name="env", value="test"), StartParameter(name="same", value="test"))

# --- worked examples (§2.19) ------------------------------------------------------------------


def test_example_1_a_failure_decides_by_conditions_what_still_runs() -> None:
    """Plain steps are not reached; those that want a failure run; the job fails."""
    world = ran(
        one_job("t1", "t2", step("t3", "failure"), step("t4", "unless-cancelled")), broken("t1")
    )

    assert step_words(world.run, "t1", "t2", "t3", "t4") == [
        "failed:user",
        "skipped:unreached",
        "succeeded",
        "succeeded",
    ]
    assert job_words(world.run, 1) == ["failed:user"]


def test_example_2_a_continued_failure_is_soft() -> None:
    """The job goes on and succeeds; "only on failure" runs, "except continued ones" does not."""
    spec = one_job(
        step("t1", on_failure=SOFT), "t2", step("t3", "failure"), step("t4", "hard-failure")
    )

    world = ran(spec, broken("t1"))

    assert step_words(world.run, "t1", "t2", "t3", "t4") == [
        "failed:user",
        "succeeded",
        "succeeded",
        "skipped:condition",
    ]
    assert word(world.run) == "succeeded"


def test_example_4_a_dependent_is_skipped_when_its_job_fails() -> None:
    """B depends on A, A fails: B is skipped, the stage fails."""
    world = ran(pipeline(stage(2, job(1, "a"), job(2, "b", needs=[1]))), broken("a"))

    assert job_words(world.run, 1, 2) == ["failed:user", "skipped:dependency"]
    assert stage_words(world.run, 2) == ["failed:user"]


def test_example_5_also_when_the_job_may_fail() -> None:
    """A may fail: B is skipped all the same, but the stage goes on."""
    spec = pipeline(stage(2, job(1, "a", continue_on_failure=True), job(2, "b", needs=[1])))

    world = ran(spec, broken("a"))

    assert job_words(world.run, 1, 2) == ["failed:user", "skipped:dependency"]
    assert (stage_words(world.run, 2), word(world.run)) == (["succeeded"], "succeeded")


def test_example_6_fast_kill_ends_the_others() -> None:
    """A fails while B runs: B is killed, C that waits does not begin, the stage fails."""
    spec = pipeline(
        stage(
            2, job(1, "a"), job(2, "b", "b2"), job(3, "c"), job(4, "d", needs=[2]), fast_kill=True
        )
    )
    world = World(spec, broken("a"))
    world.claim("2")
    world.claim("1")

    world.report("1")
    kills = [
        (effect.key, effect.data["cause"], effect.data["fence"])
        for effect in world.decisions[-1].effects
        if effect.kind == "kill" and not effect.drop
    ]
    world.report("2")

    assert kills == [("2", "fast_kill", 1)]
    assert job_words(world.run, 1, 2, 3, 4) == [
        "failed:user",
        "failed:fast_kill",
        "failed:fast_kill",
        "failed:fast_kill",
    ]
    assert step_words(world.run, "b", "b2") == ["failed:fast_kill", "skipped:unreached"]
    assert world.run.step(StepId("b")).error_code == 2199010
    assert stage_words(world.run, 2) == ["failed:user"]


def test_fast_kill_ends_a_job_that_waits_for_a_person() -> None:
    """A review or pause of a killed job is over: nobody can answer it any more."""
    spec = pipeline(stage(2, job(1, "a"), job(2, "b", review_step("ok", "ann")), fast_kill=True))
    world = World(spec, broken("a"))
    world.claim("2")
    world.report("2")
    assert world.open_gates() == ["ok"]
    world.claim("1")

    world.report("1")

    assert (world.open_gates(), word(world.run)) == ([], "failed:user")
    assert step_words(world.run, "b", "ok") == ["succeeded", "failed:fast_kill"]
    assert world.run.gates["ok"].state == "rejected"


def test_fast_kill_needs_a_failure_that_counts() -> None:
    """A job that may fail kills nobody."""
    spec = pipeline(stage(2, job(1, "a", continue_on_failure=True), job(2, "b"), fast_kill=True))

    world = ran(spec, broken("a"))

    assert job_words(world.run, 1, 2) == ["failed:user", "succeeded"]


def finally_jobs() -> Any:
    """Give the jobs of a finally stage: on success, on failure, on cancel, always."""
    return (
        job(11, "on-success", runs="previous-succeeded"),
        job(12, "on-failure", runs="previous-failed"),
        job(13, "on-cancel", runs="previous-cancelled"),
        job(14, "always"),
    )


def test_example_7_a_failed_stage_leads_to_the_finally_stage() -> None:
    """Stages between are not reached; jobs of the last stage run by what led there."""
    spec = pipeline(
        stage(2, job(1, "a")),
        stage(3, job(2, "b")),
        stage(4, job(3, "c")),
        last(5, *finally_jobs()),
    )

    world = ran(spec, broken("a"))

    assert stage_words(world.run, 2, 3, 4, 5) == [
        "failed:user",
        "skipped:unreached",
        "skipped:unreached",
        "succeeded",
    ]
    assert starts(world, "on-success", "on-failure", "on-cancel", "always") == [0, 1, 0, 1]
    assert word(world.run) == "failed:user"


@pytest.mark.parametrize("first", ["a", ""])
def test_examples_8_and_9_a_failed_finally_stage_fails_the_run(first: str) -> None:
    """Whatever was before, a failing last stage makes the run fail."""
    spec = pipeline(stage(2, job(1, "a")), last(3, job(2, "z")))

    world = ran(spec, broken("z", first))

    assert word(world.run) == "failed:user"


def test_example_10_a_cancelled_stage_leads_to_the_finally_stage() -> None:
    """The stage is cancelled, the jobs for a cancel and for all cases run, the run is cancelled."""
    spec = pipeline(stage(2, job(1, "a")), stage(3, job(2, "b")), last(4, *finally_jobs()))
    world = World(spec)
    world.claim("1")

    world.stop()

    run = world.finish()
    assert stage_words(run, 2, 3, 4) == ["cancelled", "skipped:unreached", "succeeded"]
    assert starts(world, "on-success", "on-failure", "on-cancel", "always") == [0, 0, 1, 1]
    assert word(run) == "cancelled"


def test_a_green_run_runs_the_jobs_for_success() -> None:
    """The finally stage looks at how the stages before it went."""
    world = ran(pipeline(stage(2, job(1, "a")), last(3, *finally_jobs())))

    assert starts(world, "on-success", "on-failure", "on-cancel", "always") == [1, 0, 0, 1]


def test_example_12_all_stages_disabled_is_a_success() -> None:
    """Nothing is to be done, and that succeeds."""
    spec = pipeline(stage(2, job(1, "a"), enabled=False), stage(3, job(2, "b"), enabled=False))

    world = World(spec)

    assert (word(world.run), stage_words(world.run, 2, 3)) == (
        "succeeded",
        ["skipped:disabled", "skipped:disabled"],
    )


def test_a_pipeline_without_stages_succeeds_at_once() -> None:
    """There is nothing that could fail."""
    assert word(World(pipeline()).run) == "succeeded"


def test_example_13_a_job_with_nothing_switched_on_is_skipped() -> None:
    """Its only step is disabled: step and job are skipped, the run is green."""
    world = World(one_job(step("t1", enabled=False)))

    assert job_words(world.run, 1) == ["skipped:disabled"]
    assert (stage_words(world.run, 2), word(world.run)) == (["skipped:condition"], "succeeded")


def test_example_17_a_post_action_runs_after_a_failure_and_not_after_a_cancel() -> None:
    """ "Always" of a plugin's post action means: unless cancelled."""
    spec = one_job("t1", "t2", step("post", "unless-cancelled", post_of="t1"))
    failed = ran(spec, broken("t2"))
    stopped = World(spec)
    stopped.claim("1")
    stopped.report("1")

    stopped.stop()

    assert step_words(failed.run, "post") == ["succeeded"]
    assert step_words(stopped.finish(), "post") == ["skipped:unreached"]


def test_example_18_a_skipped_step_lets_the_job_go_on() -> None:
    """t1 fails, a person skips it: the job goes on with t2 in a new attempt."""
    world = ran(one_job(step("t1", may_skip=True, on_failure=OnFailure.ASK), "t2"), broken("t1"))
    assert word(world.run) == "failed:user"

    world.retry("t1", skip=True, may_operate=False)

    assert step_words(world.finish(), "t1", "t2") == ["skipped:waived", "succeeded"]
    assert world.run.head.attempt == 2


def test_example_19_a_wrong_expression_skips_and_fails_nothing() -> None:
    """A syntax error in the condition of a step, job or stage skips that and no more."""
    wrong = when("expression", text="variables.x == 'a' &&")
    spec = pipeline(
        stage(2, job(1, "a", step("b", wrong)), job(2, "c", runs=wrong)),
        stage(3, job(3, "d"), runs=wrong),
    )

    world = ran(spec)

    assert step_words(world.run, "b") == ["skipped:condition"]
    assert job_words(world.run, 2) == ["skipped:condition"]
    assert (stage_words(world.run, 3), word(world.run)) == (["skipped:condition"], "succeeded")


# --- does the step run? (§2.5.3) --------------------------------------------------------------

RUNS, SKIPS, MISSED = "succeeded", "skipped:condition", "skipped:unreached"


@pytest.mark.parametrize(
    ("kind", "ok", "soft", "failed", "cancelled"),
    [
        ("success", RUNS, RUNS, MISSED, MISSED),
        ("unless-cancelled", RUNS, RUNS, RUNS, MISSED),
        ("always", RUNS, RUNS, RUNS, RUNS),
        ("failure", SKIPS, RUNS, RUNS, MISSED),
        ("hard-failure", SKIPS, SKIPS, RUNS, MISSED),
        ("variables", RUNS, RUNS, MISSED, MISSED),
        ("unless-variables", RUNS, RUNS, MISSED, MISSED),
        ("expression", RUNS, RUNS, MISSED, MISSED),
        ("previous-succeeded", RUNS, RUNS, MISSED, MISSED),
        ("previous-failed", RUNS, RUNS, MISSED, MISSED),
        ("previous-cancelled", RUNS, RUNS, MISSED, MISSED),
    ],
)
def test_conditions_of_steps(kind: str, ok: str, soft: str, failed: str, cancelled: str) -> None:
    """Each condition against each state of the job; conditions on values are blank here."""
    spec = one_job("a", step("soft", on_failure=SOFT), "hard", step("x", when(kind)))
    worlds = [ran(spec), ran(spec, broken("soft")), ran(spec, broken("hard"))]
    stopped = World(spec)
    stopped.claim("1")
    stopped.stop()
    worlds.append(stopped)

    found = [step_words(world.finish(), "x")[0] for world in worlds]

    assert found == [ok, soft, failed, cancelled]


@pytest.mark.parametrize("kind", [kind.value for kind in RunWhen])
def test_a_disabled_step_is_skipped_in_every_state(kind: str) -> None:
    """Switched off is switched off, whatever its condition says."""
    spec = one_job("a", step("x", when(kind), enabled=False, post_of="a"))

    worlds = [ran(spec), ran(spec, broken("a"))]

    assert [step_words(world.run, "x")[0] for world in worlds] == ["skipped:disabled"] * 2


@pytest.mark.parametrize(
    ("condition", "step_runs", "job_runs", "stage_runs"),
    [
        (when("variables", ("env", "test")), True, True, True),
        (when("variables", ("env", "test"), ("env", "prod")), False, False, False),
        (when("variables", ("missing", "")), False, False, False),
        (when("variables"), True, True, True),
        (when("unless-variables", ("env", "test")), False, False, False),
        (when("unless-variables", ("env", "test"), ("env", "prod")), True, True, True),
        (when("unless-variables"), True, False, False),
        (when("expression", text="variables.env == 'test'"), True, True, True),
        (when("expression", text="variables.env == 'prod'"), False, False, False),
        (when("expression", text="${{ variables.env }} == 'test'"), False, False, False),
        (when("expression", text=" "), True, False, False),
        # only the condition of a stage compares literally
        (when("variables", ("env", "${same}")), True, True, False),
        (when("variables", ("env", "${{ variables.same }}")), True, True, False),
    ],
)
def test_conditions_on_values(
    condition: Condition, step_runs: bool, job_runs: bool, stage_runs: bool
) -> None:
    """The same condition at a step, a job and a stage (§2.3.1, §2.4.2, §2.5.3)."""
    spec = pipeline(
        stage(2, job(1, "a", step("x", condition)), job(2, "y", runs=condition)),
        stage(3, job(3, "z"), runs=condition),
    )

    world = ran(spec, parameters=ENV)

    assert starts(world, "x", "y", "z") == [int(step_runs), int(job_runs), int(stage_runs)]


def test_a_condition_that_gets_too_large_does_not_hold() -> None:
    """Over 16 million characters are not inserted: that is no failure, the step is skipped."""
    parameters = (StartParameter(name="large", value="x" * 4000),)
    wanted = when("variables", ("large", "${large}" * 4200))

    world = ran(one_job("a", step("b", wanted)), parameters=parameters)

    assert step_words(world.run, "a", "b") == ["succeeded", "skipped:condition"]


# --- post actions (§2.5.5) --------------------------------------------------------------------


def parented(cause: Cause | None) -> Any:
    """Let step `a` end for a cause; None: it is cancelled."""

    def ending(step_id: StepId, _attempt: int) -> Outcome:
        if step_id != "a":
            return Outcome()
        return Outcome(Status.FAILED, cause) if cause else Outcome(Status.CANCELLED)

    return ending


@pytest.mark.parametrize(
    ("kind", "succeeded", "failed", "timeout", "cancelled"),
    [
        ("parent-ended", RUNS, RUNS, RUNS, RUNS),
        ("parent-cut", SKIPS, MISSED, RUNS, RUNS),
    ],
)
def test_post_actions_look_at_their_step(
    kind: str, succeeded: str, failed: str, timeout: str, cancelled: str
) -> None:
    """They run when their step has really run, or was cut off."""
    spec = one_job("a", step("post", kind, post_of="a"))
    worlds = [
        ran(spec),
        ran(spec, parented(Cause.USER)),
        ran(spec, parented(Cause.TIMEOUT)),
        ran(spec, parented(None)),
    ]

    found = [step_words(world.run, "post")[0] for world in worlds]

    assert found == [succeeded, failed, timeout, cancelled]


def test_a_post_action_without_a_step_that_ran() -> None:
    """Its step is switched off: so is it. Its step was not reached: nor is it."""
    skipped = one_job("z", step("a", enabled=False), step("post", "parent-ended", post_of="a"))
    missed = one_job("z", "a", step("post", "parent-ended", post_of="a"))
    orphan = one_job("z", step("post", "parent-ended"))

    worlds = [ran(skipped), ran(missed, broken("z")), ran(orphan)]

    assert [step_words(world.run, "post")[0] for world in worlds] == [
        "skipped:disabled",
        MISSED,
        SKIPS,
    ]


def test_a_cut_is_not_seen_in_good_weather() -> None:
    """A post action for cuts of a step that failed softly is skipped, not missed."""
    spec = one_job(step("a", on_failure=SOFT), step("post", "parent-cut", post_of="a"))

    assert step_words(ran(spec, broken("a")).run, "post") == [SKIPS]


def test_the_post_action_of_a_step_switched_off_at_the_start_is_off() -> None:
    """Switching a step off at the start takes its post action along."""
    spec = one_job("z", "a", step("post", "unless-cancelled", post_of="a"))

    world = ran(spec, disabled=[StepId("a")])

    assert step_words(world.run, "a", "post") == ["skipped:disabled"] * 2


# --- stages and jobs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ((job(1, "a"), job(2, "b")), "succeeded"),
        ((job(1, "bad"), job(2, "b")), "failed:user"),
        ((job(1, "bad"), job(2, step("p", pause_before=True))), "failed:user"),
        ((job(1, "a"), job(2, step("p", pause_before=True))), "cancelled"),
        ((job(1, "a", enabled=False), job(2, "b", enabled=False)), "skipped:condition"),
        ((job(1, "a", enabled=False), job(2, "b")), "succeeded"),
        ((job(1, "bad", continue_on_failure=True), job(2, "b", enabled=False)), "succeeded"),
    ],
)
def test_the_result_of_a_stage(jobs: Any, expected: str) -> None:
    """Failed before cancelled before succeeded before skipped (§2.3.2)."""
    world = World(pipeline(stage(2, *jobs)), broken("bad"))

    world.finish(approve=False)

    assert stage_words(world.run, 2) == [expected]


def test_dependencies_are_waited_for() -> None:
    """A job is offered when all jobs it depends on have succeeded, and not before."""
    world = World(pipeline(stage(2, job(1, "a"), job(2, "b"), job(3, "c", needs=[1, 2]))))
    seen = [world.offered()]

    for number in ("1", "2"):
        world.claim(number)
        world.report(number)
        seen.append(world.offered())

    assert seen == [["1", "2"], ["2"], ["3"]]


def test_a_chain_of_dependents_is_skipped_as_a_whole() -> None:
    """What depends on something skipped is skipped in the same decision."""
    numbers = range(2, 40)
    jobs = [job(number, f"s{number}", needs=[number - 1]) for number in numbers]
    world = World(pipeline(stage(2, job(1, "a"), *jobs)), broken("a"))
    world.claim("1")

    world.report("1")

    assert set(job_words(world.run, *numbers)) == {"skipped:dependency"}
    assert word(world.run) == "failed:user"


def test_a_job_succeeds_whose_steps_were_all_skipped() -> None:
    """Conditions that don't hold are no failure (§2.5.2)."""
    world = ran(one_job(step("a", "failure"), step("b", "hard-failure")))

    assert job_words(world.run, 1) == ["succeeded"]


def test_a_stage_without_jobs_is_skipped() -> None:
    """There is nothing to run in it, also if it is the last one."""
    world = World(pipeline(stage(2), last(3)))

    assert (word(world.run), stage_words(world.run, 2, 3)) == (
        "succeeded",
        ["skipped:disabled", "skipped:disabled"],
    )


def test_the_job_fails_for_the_cause_of_its_last_failure() -> None:
    """A job says why it failed."""

    def ending(step_id: StepId, _attempt: int) -> Outcome:
        cause = Cause.TIMEOUT if step_id == "b" else Cause.USER
        return Outcome(Status.FAILED, cause)

    world = ran(one_job("a", step("b", "failure")), ending)

    assert job_words(world.run, 1) == ["failed:timeout"]
    assert [error.step for error in world.run.head.errors] == ["a", "b"]


def test_a_remark_of_a_script_is_kept() -> None:
    """A step may set the remark of its run."""
    world = World(one_job("a"))
    world.claim("1")

    world.report("1", remark="deployed to blue", pin="c0ffee")

    assert world.run.head.remark == "deployed to blue"
    assert world.run.step(StepId("a")).pin == "c0ffee"


def test_a_pinned_commit_is_used_again_by_a_retry() -> None:
    """A checkout that runs again takes the revision of its first run."""
    world = World(one_job("a", "b"), broken("b"))
    world.claim("1")
    world.report("1", pin="c0ffee")
    world.finish()

    world.retry("1")

    assert world.run.step(StepId("a")).pin == "c0ffee"
