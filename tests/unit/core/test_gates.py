"""Waiting for people: stage reviews, review steps, pauses; and what nobody answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from core_specs import (
    accepted,
    broken,
    job,
    job_words,
    last,
    one_job,
    pipeline,
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
from core_start import START
from core_world import World

from mulligan.core.cause import Cause
from mulligan.core.decision import Effect
from mulligan.core.flow import overdue, votes
from mulligan.core.flow import steps as steps_flow
from mulligan.core.ids import SYSTEM, JobId, StageId, StepId, UserName
from mulligan.core.prepare import prepare_step
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import StartParameter
from mulligan.core.spec import PipelineSpec, ReviewGroup, ReviewParam, ReviewSpec
from mulligan.core.status import Status

ANN = ReviewGroup(id="first", name="Testers", reviewers=("ann", "${lead}"))
BEN = ReviewGroup(id="second", reviewers=("ben;cid",))
S2 = StageId("stage-2")


def gated(
    *groups: ReviewGroup, params: tuple[ReviewParam, ...] = (), **fields: Any
) -> PipelineSpec:
    """Give a definition whose first stage needs the approval of these groups."""
    review = ReviewSpec(groups=groups, params=params)
    return pipeline(
        stage(2, job(1, "a"), review=review, **fields), stage(3, job(2, "b")), last(4, job(3, "z"))
    )


def timers(world: World) -> list[Effect]:
    """Return what the last decision does about timers."""
    return [effect for effect in world.decisions[-1].effects if effect.kind == "timer"]


# --- the review of a stage --------------------------------------------------------------------


def test_the_run_stands_before_the_stage() -> None:
    """Nothing of the stage runs; the gate says whom it asks and until when."""
    world = World(gated(ANN))

    gate = world.run.gates["stage-2"]
    assert (gate.state, gate.kind, gate.reviewers) == ("open", "stage-review", ("ann", "${lead}"))
    assert gate.due_at == START + timedelta(hours=24)
    assert [(timer.key, timer.due_at) for timer in timers(world)] == [
        ("review:stage-2", gate.due_at)
    ]
    assert (world.run.awaits_review, world.offered()) == (True, [])
    assert stage_words(world.run, 2) == ["queued"]


def test_an_approval_lets_the_stage_begin() -> None:
    """The timer is dropped, the parameters become variables."""
    params = (ReviewParam(key="env", value="test"), ReviewParam(key="size", value=3))
    world = World(gated(ANN, params=params))

    world.vote("stage-2", values={"env": "prod", "unknown": "x"}, suggestion="go")

    assert [(timer.key, timer.drop) for timer in timers(world)] == [("review:stage-2", True)]
    assert (world.offered(), world.run.awaits_review) == (["1"], False)
    assert (world.run.value("env"), world.run.value("size")) == ("prod", "3")
    assert world.run.value("unknown") is None
    assert world.run.value("stages.stage-2.check-in.flow.0.operator") == "ann"
    assert world.run.value("stages.stage-2.check-in.flow.0.result") == "go"
    assert word(world.finish()) == "succeeded"


def test_groups_are_asked_one_after_the_other() -> None:
    """The second group is asked when the first has approved, and is its own."""
    world = World(gated(ANN, BEN))

    first = world.vote("stage-2", user="ben")
    world.vote("stage-2", user="ann")
    gate = world.run.gates["stage-2"]
    second = world.vote("stage-2", user="ann")

    assert (gate.group, gate.reviewers, gate.state) == (1, ("ben", "cid"), "open")
    assert [refused(answer) for answer in (first, second)] == [RefusalCode.NOT_A_REVIEWER] * 2
    world.vote("stage-2", user="cid")
    assert [vote.user for vote in world.run.gates["stage-2"].votes] == ["ann", "cid"]
    assert world.offered() == ["1"]


def test_a_group_finds_what_the_one_before_it_changed() -> None:
    """Changed values are the next group's defaults; later changes win, also back to the first."""
    params = (ReviewParam(key="env", value="test", required=True), ReviewParam(key="x", value="1"))
    world = World(gated(ANN, BEN, params=params))
    world.vote("stage-2", values={"env": "prod", "x": "2"})

    world.vote("stage-2", values={"env": "test"})

    assert (world.run.value("env"), world.run.value("x")) == ("test", "2")
    assert [vote.values for vote in world.run.gates["stage-2"].votes] == [
        {"env": "prod", "x": "2"},
        {"env": "test"},
    ]


def test_a_required_value_given_by_an_earlier_group_is_there() -> None:
    """The second group need not give again what the first gave."""
    params = (ReviewParam(key="env", required=True),)
    world = World(gated(ANN, BEN, params=params))

    missing = world.vote("stage-2", values={"env": "  "})
    world.vote("stage-2", values={"env": "prod"})
    world.vote("stage-2")

    assert isinstance(missing, Refusal)
    assert (missing.code, missing.values) == (RefusalCode.PARAMETER_REQUIRED, ("env",))
    assert world.run.value("env") == "prod"
    assert world.offered() == ["1"]


def test_a_required_value_is_not_needed_to_refuse() -> None:
    """Who says no needs to give nothing."""
    world = World(gated(ANN, params=(ReviewParam(key="env", required=True),)))

    assert world.vote("stage-2", approve=False) is None
    assert stage_words(world.run, 2) == ["failed:rejected"]


def test_example_11_a_refusal_leads_to_the_finally_stage() -> None:
    """The stage is rejected, the rest not reached, the finally stage runs as after a success."""
    spec = gated(ANN)
    after = last(
        4,
        job(3, "ok", runs="previous-succeeded"),
        job(4, "bad", runs="previous-failed"),
        job(5, "cut", runs="previous-cancelled"),
    )
    world = World(pipeline(*spec.stages[:2], after))

    world.vote("stage-2", approve=False)

    run = world.finish()
    assert stage_words(run, 2, 3, 4) == ["failed:rejected", "skipped:unreached", "succeeded"]
    assert starts(world, "ok", "bad", "cut") == [1, 0, 0]
    assert word(run) == "failed:rejected"


def test_a_refused_review_step_is_a_plain_failure_for_the_finally_stage() -> None:
    """Only the review of a stage ends a run without failing it."""
    after = last(3, job(2, "ok", runs="previous-succeeded"), job(3, "bad", runs="previous-failed"))
    world = World(pipeline(stage(2, job(1, review_step("r", "ann"))), after))
    world.claim("1")

    world.vote("r", approve=False)

    run = world.finish()
    assert (starts(world, "ok", "bad"), word(run)) == ([0, 1], "failed:user")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"group": "second"}, RefusalCode.GROUP_UNKNOWN),
        ({"group": "first"}, None),
        ({"group": ""}, None),
        ({"user": "eve"}, RefusalCode.NOT_A_REVIEWER),
        ({"user": SYSTEM}, RefusalCode.NOT_A_REVIEWER),  # a person may be called so
        ({"user": "eve", "group": "second"}, RefusalCode.GROUP_UNKNOWN),
    ],
)
def test_who_may_answer(fields: dict[str, Any], code: RefusalCode | None) -> None:
    """The group is looked at first, then whether the user is in it."""
    world = World(gated(ANN, BEN))

    answer = world.vote("stage-2", **fields)

    assert (answer.code if answer else None) is code


def test_a_stage_that_does_not_wait_can_not_be_answered() -> None:
    """Neither before, nor after, nor one without a review."""
    world = World(gated(ANN))
    world.vote("stage-2")

    answers = [
        votes.answer_stage(world.draft(), stage_id, votes.Answer(user=SYSTEM, approve=True))
        for stage_id in (S2, StageId("stage-3"))
    ]

    assert [refused(answer) for answer in answers] == [RefusalCode.NOT_AWAITING] * 2


@pytest.mark.parametrize("groups", [(), (ReviewGroup(id="g", reviewers=(" ", "${lead};")),)])
def test_a_review_with_nobody_to_ask_is_refused_at_once(groups: tuple[ReviewGroup, ...]) -> None:
    """No group, or names that are blank after substitution, ask nobody."""
    parameters = (StartParameter(name="lead", value=""),)

    world = World(gated(*groups), parameters=parameters)

    assert (world.open_gates(), stage_words(world.run, 2)) == ([], ["failed:rejected"])
    assert word(world.finish()) == "failed:rejected"


def test_a_later_group_with_nobody_to_ask_refuses_the_stage() -> None:
    """The first group approved, but who comes next does not exist."""
    world = World(gated(ANN, ReviewGroup(id="g", reviewers=(" ", ""))))

    world.vote("stage-2")

    assert stage_words(world.run, 2) == ["failed:rejected"]
    assert word(world.finish()) == "failed:rejected"


def test_a_review_without_people_is_refused_by_the_server() -> None:
    """Who refused is on record, for the first group as for a later one."""
    first = World(gated(ReviewGroup(id="g", reviewers=(" ",))))
    second = World(gated(ANN, ReviewGroup(id="g", reviewers=(" ",))))
    second.vote("stage-2")

    votes_of = [world.run.gates["stage-2"].votes for world in (first, second)]

    assert [[(vote.group, vote.user, vote.approve) for vote in found] for found in votes_of] == [
        [(0, SYSTEM, False)],
        [(0, UserName("ann"), True), (1, SYSTEM, False)],
    ]


def test_roles_of_a_review_are_asked_after_the_people() -> None:
    """A role may come from a variable; a role that nobody has, or that is none, asks nobody."""
    group = ReviewGroup(id="g", reviewers=("ann",), groups=("${who}", "viewer", "nothing"))
    world = World(gated(ANN, group), parameters=(StartParameter(name="who", value="owner"),))
    draft = world.draft()
    draft.people = {"owner": ("ben", "ann"), "runner": ("cid",)}

    votes.answer_stage(draft, S2, votes.Answer(user=UserName("ann"), approve=True))

    assert draft.run.gates["stage-2"].reviewers == ("ann", "ben")


def test_parameters_of_a_review_may_hold_variables() -> None:
    """They are evaluated when the review opens, become variables, and never show a secret."""
    params = (
        ReviewParam(key="variables.where", value="${place}-1"),
        ReviewParam(key="number", value="${BK_CI_BUILD_NUM}"),
        ReviewParam(key="hidden", value="${word}"),
        ReviewParam(key="count", value=3),
    )
    given = (
        StartParameter(name="place", value="north"),
        StartParameter(name="word", value="secret", sensitive=True),
    )
    world = World(gated(ANN, BEN, params=params), parameters=given)

    shown = world.run.gates["stage-2"].values
    world.vote("stage-2", values={"number": "7"})
    world.vote("stage-2")

    assert shown == {"variables.where": "north-1", "number": "1"}
    names = ("where", "number", "hidden", "count")
    assert [world.run.value(name) for name in names] == ["north-1", "7", "${word}", "3"]


def test_a_review_that_nobody_answers_is_refused_when_its_time_is_over() -> None:
    """The timer refuses it in the name of the system."""
    world = World(gated(ANN))

    draft = world.draft(24 * 3600)
    assert votes.time_out_review(draft, S2)
    world.take(draft)

    vote = world.run.gates["stage-2"].votes[-1]
    assert (vote.user, vote.suggestion, vote.approve) == (SYSTEM, "TIMEOUT", False)
    assert word(world.finish()) == "failed:rejected"


@pytest.mark.parametrize("answered", [False, True])
def test_a_timer_that_fires_too_early_or_too_late_changes_nothing(answered: bool) -> None:
    """Its time is not over yet, or somebody has answered."""
    world = World(gated(ANN))
    if answered:
        world.vote("stage-2")

    draft = world.draft(3600)
    happened = votes.time_out_review(draft, S2)

    assert (happened, draft.has_events) == (False, False)


def test_the_finally_stage_is_never_reviewed() -> None:
    """It runs whatever happened: nobody can hold it up."""
    review = ReviewSpec(groups=(ANN,))
    world = World(
        pipeline(stage(2, job(1, "a")), stage(3, job(2, "z"), is_finally=True, review=review))
    )

    world.finish()

    assert dict(world.run.gates) == {}
    assert starts(world, "z") == [1]


def test_a_stage_that_is_skipped_asks_nobody() -> None:
    """The condition comes before the review."""
    world = World(gated(ANN, runs=when("variables", ("go", "yes"))))

    assert (world.open_gates(), stage_words(world.run, 2)) == ([], ["skipped:condition"])


# --- review steps -----------------------------------------------------------------------------


def test_a_review_step_frees_its_runner_and_waits() -> None:
    """The job is parked: nobody holds it, nothing is offered."""
    world = World(one_job("a", review_step("r", "ann,${lead};ben"), "b"))
    world.claim("1")
    world.report("1")

    record = world.run.job(JobId("1"))
    assert (record.parked, record.runner, word(record)) == (True, None, "running")
    assert world.run.gates["r"].reviewers == ("ann", "${lead}", "ben")
    assert (world.offered(), step_words(world.run, "r")) == ([], ["queued"])


def test_an_approved_review_step_succeeds_and_its_job_is_offered_again() -> None:
    """The answer becomes variables, with the prefix if the step has one."""
    inputs = {
        "namespace": "gate",
        "params": [{"key": "env", "value": "test"}, {"key": ""}, "nonsense", {"value": 1}],
    }
    world = World(one_job(review_step("r", "ann", inputs=inputs), "b"))
    world.claim("1")

    world.vote("r", values={"env": True}, suggestion="fine")

    record = world.run.step(StepId("r"))
    assert (word(record), record.actor, record.reason) == ("succeeded", "ann", "fine")
    names = ("MANUAL_REVIEW_RESULT", "MANUAL_REVIEWER", "MANUAL_REVIEW_SUGGEST", "env")
    assert [world.run.value(f"gate_{name}") for name in names] == ["PROCESS", "ann", "fine", "true"]
    assert world.offered() == ["1"]
    assert word(world.finish()) == "succeeded"


def test_a_refused_review_step_fails() -> None:
    """The step is rejected, its job fails as by any failure, the outputs say so."""
    world = World(one_job(review_step("r", "ann"), "b", step("c", "failure")))
    world.claim("1")

    world.vote("r", approve=False)

    assert world.run.value("MANUAL_REVIEW_RESULT") == "ABORT"
    run = world.finish()
    assert step_words(run, "r", "b", "c") == ["failed:rejected", "skipped:unreached", "succeeded"]
    assert (job_words(run, 1), run.step(StepId("r")).message) == (
        ["failed:user"],
        "refused by ann",
    )


@pytest.mark.parametrize(
    ("inputs", "fields", "code"),
    [
        ({}, {"user": "eve"}, RefusalCode.NOT_A_REVIEWER),
        ({"suggestRequired": True}, {"suggestion": " "}, RefusalCode.PARAMETER_REQUIRED),
        ({"suggestRequired": True}, {"suggestion": "ok"}, None),
        ({"params": [{"key": "k", "required": True}]}, {}, RefusalCode.PARAMETER_REQUIRED),
        ({"params": [{"key": "k", "required": True}]}, {"values": {"k": 0}}, None),
        ({"params": [{"key": "k", "required": True}]}, {"approve": False}, None),
    ],
)
def test_answers_of_review_steps_are_checked(
    inputs: dict[str, Any], fields: dict[str, Any], code: RefusalCode | None
) -> None:
    """Who answers, and whether everything is there that an answer needs."""
    world = World(one_job(review_step("r", "ann", inputs=inputs)))
    world.claim("1")

    answer = world.vote("r", **fields)

    assert (answer.code if answer else None) is code


def test_a_review_step_without_reviewers_fails() -> None:
    """Nobody is left after substitution: that is a mistake of the definition."""
    world = World(one_job(review_step("r", " ", ";"), step("b", "failure")))
    world.claim("1")

    record = world.run.step(StepId("r"))
    assert (word(record), record.error_code) == ("failed:config", 2199002)
    assert world.offered() == ["1"]
    assert step_words(world.finish(), "b") == ["succeeded"]


def test_several_review_steps_are_asked_without_a_runner_between() -> None:
    """From one gate to the next nobody has to claim the job."""
    world = World(one_job(review_step("r", "ann"), review_step("s", "ben"), "b"))
    world.claim("1")

    world.vote("r")

    assert (world.open_gates(), world.offered()) == (["s"], [])
    world.vote("s")
    assert world.offered() == ["1"]


@pytest.mark.parametrize("node", ["a", "r"])
def test_a_step_that_does_not_wait_can_not_be_answered(node: str) -> None:
    """Nor can a pause be answered as a review."""
    world = World(one_job(step("a", pause_before=True), review_step("r", "ann")))
    world.claim("1")
    answer = votes.Answer(user=SYSTEM, approve=True)

    assert refused(votes.answer_step(world.draft(), StepId(node), answer)) is (
        RefusalCode.NOT_AWAITING
    )


# --- pauses -----------------------------------------------------------------------------------


def test_a_paused_step_runs_when_somebody_says_so() -> None:
    """The runner is freed meanwhile; after the answer the job is offered again."""
    world = World(one_job("a", step("p", pause_before=True)))
    world.claim("1")
    world.report("1")
    assert world.run.gates["p"].kind == "pause"

    world.vote("p")

    assert world.offered() == ["1"]
    assert world.claim("1") == "p"


def test_a_paused_step_that_is_refused_is_cancelled() -> None:
    """Its job is cancelled, and the stage with it."""
    world = World(one_job(step("p", pause_before=True), "b", step("c", "always")))
    world.claim("1")

    world.vote("p", approve=False)

    run = world.finish()
    assert step_words(run, "p", "b", "c") == ["cancelled", "skipped:unreached", "succeeded"]
    assert (stage_words(run, 2), word(run)) == (["cancelled"], "cancelled")


def test_a_pause_is_answered_once() -> None:
    """The second answer comes too late."""
    world = World(one_job(step("p", pause_before=True)))
    world.claim("1")
    world.vote("p")

    answer = votes.answer_pause(world.draft(), StepId("p"), SYSTEM, go_ahead=True)

    assert refused(answer) is RefusalCode.ALREADY_RESUMED


def test_a_retry_pauses_again() -> None:
    """A pause holds for one attempt of the run."""
    world = World(one_job(step("p", pause_before=True)), broken(p=1))
    world.finish()

    world.retry("p")

    world.claim("1")
    assert world.open_gates() == ["p"]
    assert world.run.gates["p"].number == 2


# --- inputs changed at a pause, values of reviews by type -----------------------------------------


def paused(**fields: Any) -> World:
    """Give a run that waits before a step with a script."""
    world = World(one_job(step("p", pause_before=True, **fields)), broken(p=1))
    world.claim("1")
    return world


def go_on_with(world: World, script: str) -> None:
    """Let the paused step go on with another script."""
    draft = world.draft()
    changed = votes.Changed(inputs={"script": script}, shown={"script": script})
    answer = votes.answer_pause(draft, StepId("p"), UserName("bob"), go_ahead=True, changed=changed)
    assert answer is None
    world.take(draft)


def test_a_paused_step_runs_with_the_inputs_it_was_given() -> None:
    """They replace its own, who gave them can be read, and its log tells the change."""
    world = paused()

    go_on_with(world, "echo ${BK_CI_OPERATOR_p}")
    world.claim("1")

    order = prepare_step(world.run, world.run.index.steps[StepId("p")])
    assert order.inputs == {"script": "echo bob"}
    assert order.notes == (
        "plugin: p, params script updated:",
        "before: true",
        "after: echo ${BK_CI_OPERATOR_p}",
    )


@pytest.mark.parametrize(("auto_retries", "script"), [(1, "false"), (0, "true")])
def test_changed_inputs_hold_for_one_attempt_of_the_run(auto_retries: int, script: str) -> None:
    """An automatic retry has them still; a retry of the run has the original ones again."""
    world = paused(auto_retries=auto_retries)
    go_on_with(world, "false")
    world.claim("1")
    world.report("1")
    if not auto_retries:
        world.retry("p")
        world.claim("1")
        world.vote("p")
        world.claim("1")

    order = prepare_step(world.run, world.run.index.steps[StepId("p")])

    assert (order.step_attempt, order.inputs) == (2, {"script": script})


def test_changed_inputs_hold_for_a_retry_while_the_run_goes_on() -> None:
    """It does not pause again in the same attempt of the run, and means what was released."""
    spec = pipeline(stage(2, job(1, step("p", pause_before=True)), job(2, "x")))
    world = World(spec, broken(p=1))
    world.claim("2")
    world.claim("1")
    go_on_with(world, "false")
    world.claim("1")
    world.report("1", variables=(("other", "value"),))

    accepted(world.retry("p"))
    claimed = world.claim("1")

    order = prepare_step(world.run, world.run.index.steps[StepId("p")])
    assert claimed == "p"
    assert (world.run.value("BK_CI_OPERATOR_p"), world.run.value("other")) == ("bob", None)
    assert (order.step_attempt, order.inputs) == (2, {"script": "false"})


def test_a_pause_of_a_run_that_has_ended_is_not_answered() -> None:
    """The refusal says that the run has ended."""
    world = paused()
    world.terminate()

    answer = votes.answer_pause(world.draft(), StepId("p"), SYSTEM, go_ahead=True)

    assert refused(answer) is RefusalCode.RUN_FINISHED


@pytest.mark.parametrize(
    ("kind", "value", "is_taken"),
    [
        ("STRING", "x", True),
        ("STRING", ["x"], False),
        ("BOOLEAN", True, True),
        ("BOOLEAN", "false", True),
        ("BOOLEAN", "yes", False),
        ("MULTIPLE", ["a"], True),
        ("MULTIPLE", "a", False),
    ],
)
def test_values_of_a_review_have_the_type_of_their_definition(
    kind: str, value: Any, is_taken: bool
) -> None:
    """What does not fit is refused, and nothing changes."""
    params = [{"key": "k", "valueType": kind}, {"key": "who", "value": "${BK_CI_BUILD_NUM}"}]
    world = World(one_job(review_step("r", "bob", inputs={"params": params})))
    world.claim("1")

    refusal = world.vote("r", values={"k": value})

    assert (refusal is None) is is_taken
    if refusal is None:
        assert world.run.value("who") == "1"  # a default may hold variables
    else:
        assert refusal.code is RefusalCode.PARAMETER_INVALID


# --- when nobody answers ------------------------------------------------------------------------


def timer_keys(world: World) -> set[str]:
    """Return the timers that are set now."""
    found: dict[str, bool] = {}
    for decision in world.decisions:
        for effect in decision.effects:
            if effect.kind == "timer":
                found[effect.key] = not effect.drop
    return {key for key, is_set in found.items() if is_set}


def asked(*steps: Any, seconds: int = 600, **inputs: Any) -> World:
    """Give a run that waits at a review step."""
    first = review_step("r", "ann", inputs=inputs, timeout_s=seconds)
    world = World(one_job(first, *steps))
    draft = world.draft()
    assert steps_flow.begin_unattended(draft, JobId("1"))
    world.take(draft)
    return world


def test_a_review_step_has_a_time() -> None:
    """It fails when its time is over, not before; steps after a failure go on."""
    world = asked("b", step("c", "failure"))
    early, late = world.draft(599), world.draft(1)

    assert timer_keys(world) == {"step:r", "job:1"}
    assert not overdue.time_out_step(early, StepId("r"))
    assert overdue.time_out_step(late, StepId("r"))
    world.take(late)

    record = world.run.step(StepId("r"))
    assert (record.status, record.cause, record.error_code) == (
        Status.FAILED,
        Cause.TIMEOUT,
        2199006,
    )
    assert record.message == "nobody decided within 10 minutes"
    assert timer_keys(world) == set()
    assert world.offered() == ["1"]  # for step c


def test_an_answer_takes_the_timers_back() -> None:
    """Nothing is left of them, and a timer that fires all the same changes nothing."""
    world = asked("b", reminderTime=1)
    assert timer_keys(world) == {"step:r", "job:1", "remind:r"}

    assert world.vote("r") is None

    assert timer_keys(world) == set()
    late = world.draft(10_000)
    assert not overdue.time_out_step(late, StepId("r"))
    assert not overdue.remind(late, StepId("r"))
    assert not overdue.time_out_job(late, JobId("1"))


def test_reminders_come_again() -> None:
    """Each sets the next one."""
    world = asked(reminderTime=2, seconds=604_800)
    for _ in range(2):
        draft = world.draft(7200)
        assert overdue.remind(draft, StepId("r"))
        world.take(draft)

        [again] = timers(world)
        assert (again.key, again.due_at) == ("remind:r", world.now + timedelta(hours=2))


@pytest.mark.parametrize("text", ["soon", "${nothing}"])
def test_a_time_that_is_no_number_fails_the_review(text: str) -> None:
    """As with any other step."""
    world = World(one_job(review_step("r", "ann", timeout_text=text)))
    world.claim("1")

    record = world.run.step(StepId("r"))
    assert (record.status, record.cause) == (Status.FAILED, Cause.CONFIG)
    assert "is not a number of minutes" in record.message


def test_the_time_of_a_job_goes_on_while_it_waits() -> None:
    """What ran before the review counts; the job ends, whatever would run after a failure."""
    ask = review_step("r", "ann", timeout_s=604_800)
    first = pipeline(stage(2, job(1, "a", ask, step("c", "failure"), timeout_s=900)))
    world = World(first)
    world.claim("1")
    world.draft(300)
    world.report("1")
    early, late = world.draft(590), world.draft(20)

    assert not overdue.time_out_job(early, JobId("1"))
    assert overdue.time_out_job(late, JobId("1"))
    world.take(late)

    record = world.run.job(JobId("1"))
    assert (record.status, record.cause) == (Status.FAILED, Cause.JOB_TIMEOUT)
    assert world.run.step(StepId("r")).error_code == 2199005
    assert world.run.step(StepId("c")).cause is Cause.UNREACHED


def test_a_pause_is_not_the_jobs_time() -> None:
    """It has no end, and afterwards the time is counted anew."""
    paused = step("b", pause_before=True)
    world = World(pipeline(stage(2, job(1, "a", paused, timeout_s=900))))
    world.claim("1")
    world.report("1")
    begun = world.run.job(JobId("1")).counted_from
    late = world.draft(100_000)

    assert timer_keys(world) == set()
    assert not overdue.time_out_job(late, JobId("1"))
    assert world.vote("b") is None
    world.claim("1")

    assert begun is not None
    after = world.run.job(JobId("1")).counted_from
    assert after is not None
    assert after - begun > timedelta(seconds=100_000)


UNATTENDED = [
    ((review_step("r", "ann"), "b"), True),
    (("b", review_step("r", "ann")), False),
    ((step("b", enabled=False), review_step("r", "ann")), True),
    ((step("b", pause_before=True),), False),
]


@pytest.mark.parametrize(("steps", "wanted"), UNATTENDED)
def test_which_jobs_begin_without_a_runner(steps: tuple[Any, ...], *, wanted: bool) -> None:
    """Those that have to wait for a person before anything runs."""
    world = World(one_job(*steps))
    draft = world.draft()

    assert steps_flow.begin_unattended(draft, JobId("1")) is wanted
    assert draft.run.job(JobId("1")).parked is wanted
