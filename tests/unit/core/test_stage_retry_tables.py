"""When a stage may be retried, and what that does: the tables of swr-pipeline-api.md §5.2."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import release_states as states
from mulligan.core.cause import Cause
from mulligan.core.hold import Phase
from mulligan.core.ids import StageId
from mulligan.core.recovery.plan import Action, Plan
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Vote
from mulligan.core.spec import AfterFailure, PipelineSpec
from mulligan.core.status import Status
from release_run import ANN, BOB, Release
from release_world import HOUR_S, definition, deploy, review, stage

YES, BUSY, NO = "yes", RefusalCode.RUN_BUSY, RefusalCode.NOT_RETRYABLE
FAILURES = (Cause.USER, Cause.CONFIG, Cause.INFRA, Cause.LOST, Cause.UNREACHABLE)
LATE = (Cause.TIMEOUT, Cause.JOB_TIMEOUT, Cause.UNAUTHORIZED)


def shop(**last: object) -> PipelineSpec:
    """Give: build, deploy, check whose failure is ignored, last stage."""
    return definition(
        stage(0, "build"),
        deploy(1),
        stage(2, "check", ignored=True, after_failure=AfterFailure.END),
        stage(3, "last", **last),  # type: ignore[arg-type]
    )


def answer(release: Release, index: int) -> str:
    """Tell what a retry of a stage would be answered."""
    plan = release.plan(index)
    return YES if isinstance(plan, Plan) else plan.code


# --- the states -----------------------------------------------------------------------------------


def held_at_1() -> Release:
    return states.failed_at(shop(), 1)


def over_after_hold() -> Release:
    release = held_at_1()
    release.pass_time(hours=72)
    return release


def given_up() -> Release:
    release = held_at_1()
    release.give_up()
    return release


def ignored_and_over() -> Release:
    release = states.failed_at(shop(), 2)
    release.work(3)
    return release


def ignored_and_held() -> Release:
    release = states.failed_at(shop(), 2)
    release.work(3, Cause.USER)
    return release


def ignored_and_running() -> Release:
    release = states.failed_at(shop(), 2)
    release.begin()
    return release


def ignored_and_waiting_for_signals() -> Release:
    return states.failed_at(shop(signals=("h1",)), 2)


def cancelled_at_1() -> Release:
    return states.cancelled_at_1(shop())


def cancelled_before_the_claim() -> Release:
    release = states.done(shop(), 0)
    release.cancel()
    return release


def terminated_at_1() -> Release:
    release = states.under_way(shop(), 0)
    release.terminate()
    return release


def rolled_back(cause: Cause | None = None) -> Release:
    return states.went_back(shop(), cause)


def rollback_runs() -> Release:
    return states.goes_back(shop())


def review_open() -> Release:
    spec = definition(stage(0, "build"), deploy(1), review(2, ANN), stage(3, "last"))
    return states.under_way(spec, 0, 1)


def cut_by_a_rollback() -> Release:
    release = review_open()
    release.roll_back(1)
    release.work(1)
    return release


def cut_before_its_signals() -> Release:
    spec = definition(stage(0, "build"), deploy(1), stage(2, "told", signals=("h",)))
    release = states.done(spec, 0, 1)
    release.roll_back(1)
    release.work(1)
    return release


def waits_for_signals() -> Release:
    return states.done(definition(stage(0, "build"), stage(1, "told", signals=("h1", "h2"))), 0)


def stopped_before_its_signals() -> Release:
    release = waits_for_signals()
    release.cancel()
    return release


def reset_at_1() -> Release:
    release = Release(
        definition(
            stage(0, "build", ignored=True, after_failure=AfterFailure.END),
            deploy(1, after_failure=AfterFailure.RESET, hold_s=0),
        )
    )
    release.work(0, Cause.USER)
    release.work(1, Cause.USER)
    return release


def executes() -> Release:
    return states.under_way(shop(), 0)


def succeeded() -> Release:
    return states.done(shop(), 0, 1, 2, 3)


def rolled_back_without_a_build() -> Release:
    release = states.failed_at(shop(), 0)
    release.give_up()
    release.roll_back(1)
    release.work(1)
    return release


TABLE: list[tuple[Callable[[], Release], Phase, list[str]]] = [
    (held_at_1, Phase.HELD, [NO, YES, NO, NO]),
    (over_after_hold, Phase.CLOSED, [NO, NO, NO, NO]),
    (given_up, Phase.CLOSED, [NO, YES, NO, NO]),
    (ignored_and_over, Phase.CLOSED, [NO, NO, YES, NO]),
    (ignored_and_held, Phase.HELD, [NO, NO, NO, YES]),
    (ignored_and_running, Phase.EXECUTING, [BUSY] * 4),
    (ignored_and_waiting_for_signals, Phase.PAUSED, [NO, NO, BUSY, YES]),
    (cancelled_at_1, Phase.CLOSED, [NO, YES, NO, NO]),
    (cancelled_before_the_claim, Phase.CLOSED, [NO, YES, NO, NO]),
    (terminated_at_1, Phase.CLOSED, [NO, YES, NO, NO]),
    (rolled_back, Phase.CLOSED, [NO, YES, NO, NO]),
    (lambda: rolled_back(Cause.USER), Phase.CLOSED, [NO, YES, NO, NO]),
    (lambda: rolled_back(Cause.UNREACHABLE), Phase.CLOSED, [NO, YES, NO, NO]),
    (rollback_runs, Phase.EXECUTING, [BUSY] * 4),
    (review_open, Phase.PAUSED, [NO, NO, BUSY, NO]),
    (cut_by_a_rollback, Phase.CLOSED, [NO, YES, NO, NO]),
    (cut_before_its_signals, Phase.CLOSED, [NO, YES, NO]),
    (waits_for_signals, Phase.PAUSED, [NO, YES]),
    (stopped_before_its_signals, Phase.CLOSED, [NO, YES]),
    (reset_at_1, Phase.CLOSED, [NO, NO]),
    (executes, Phase.EXECUTING, [BUSY] * 4),
    (succeeded, Phase.CLOSED, [NO] * 4),
    (rolled_back_without_a_build, Phase.CLOSED, [NO] * 4),
]


@pytest.mark.parametrize(("state", "phase", "answers"), TABLE)
def test_allowed_when(state: Callable[[], Release], phase: Phase, answers: list[str]) -> None:
    """In every state every stage is answered as the table says."""
    release = state()

    assert release.phase is phase
    assert [answer(release, index) for index in range(len(answers))] == answers


@pytest.mark.parametrize("cause", [*FAILURES, *LATE])
def test_every_kind_of_failure(cause: Cause) -> None:
    """A held stage is retried whatever it failed of; and once more after it failed again."""
    release = Release(shop())
    release.work(0)

    for _ in range(3):
        release.work(1, cause)
        assert release.phase is Phase.HELD
        assert isinstance(release.retry_stage(1), Plan)
    release.work_through(1, 2, 3)

    assert release.run.head.status is Status.SUCCEEDED


def test_definition_with_other_stages() -> None:
    """After an update that changed the sequence of stages nothing is retried."""
    release = held_at_1()

    plan = release.plan(1, was_reset=True)

    assert isinstance(plan, Refusal)
    assert plan.code is NO


# --- the effect -----------------------------------------------------------------------------------


def test_effect_on_the_stages() -> None:
    """Earlier stages stay as they are, the target has a new job, later ones wait again."""
    release = ignored_and_over()
    before = release.run

    plan = release.retry_stage(2)

    after = release.run
    assert isinstance(plan, Plan)
    assert plan.signals_waived is None
    for index in (0, 1):
        kept = release.spec(index).id
        assert after.stage(kept) == before.stage(kept)
        assert after.job(release.job_id(index)) == before.job(release.job_id(index))
    assert after.job(release.job_id(2)).attempt == 2
    assert after.job(release.job_id(2)).queued_at is not None
    assert after.job(release.job_id(3)).queued_at is None
    assert after.stage(release.spec(3).id).started_at is None
    assert [plan.stages[release.spec(i).id].action for i in range(4)] == [
        Action.KEEP,
        Action.KEEP,
        Action.RERUN,
        Action.RERUN,
    ]


def test_effect_on_the_run() -> None:
    """The run stands at the stage, its start is unchanged, its end and hold are gone."""
    release = held_at_1()
    started = release.run.head.started_at
    release.pass_time(hours=70)

    release.retry_stage(1)
    head = release.run.head

    assert (head.status, head.stage, head.ended_at) == (Status.RUNNING, 1, None)
    assert head.started_at == started
    assert [each.what for each in head.attempts] == ["start", "retry"]
    assert release.phase is Phase.EXECUTING


def test_a_failure_after_it_is_held_in_full() -> None:
    """A stage that fails again is held for the whole time again."""
    release = held_at_1()
    release.pass_time(hours=71)
    release.retry_stage(1)
    release.work(1, Cause.USER)

    release.pass_time(seconds=72 * HOUR_S - 1)
    still = release.phase
    release.pass_time(seconds=1)

    assert still is Phase.HELD
    assert release.phase is Phase.CLOSED


def test_given_up_run_is_held_again_after_its_retry() -> None:
    """A hold that was given up does not cut the hold of a later failure short."""
    release = given_up()
    release.retry_stage(1)

    release.work(1, Cause.USER)

    assert release.phase is Phase.HELD
    assert release.run.head.released_at is None


def test_later_review_is_asked_again() -> None:
    """After a retry of an earlier stage all reviewers are asked again, without their votes."""
    release = Release(
        definition(stage(0, "build"), stage(1, "check", ignored=True), review(2, ANN, BOB))
    )
    release.work(0)
    release.work(1, Cause.USER)
    release.begin()
    for who in (ANN, BOB):
        release.vote(2, who)
    voted = release.run.gates[release.step_id(2)].votes
    before = release.phase

    release.retry_stage(1)
    release.work(1)
    release.begin()

    gate = release.run.gates[release.step_id(2)]
    assert before is Phase.CLOSED
    assert [vote.user for vote in voted] == [ANN, BOB]
    assert (gate.state, gate.votes, gate.reviewers) == ("open", (), (ANN, BOB))
    assert release.phase is Phase.PAUSED


def test_refused_review_is_retried() -> None:
    """A refused review is asked again, from all; its refusal stays in the history."""
    release = review_open()
    release.vote(2, approve=False)
    assert release.phase is Phase.HELD

    release.retry_stage(2)
    release.begin()

    gate = release.run.gates[release.step_id(2)]
    votes: tuple[Vote, ...] = gate.votes
    assert (gate.state, gate.number, votes) == ("open", 2, ())


def test_retry_without_the_signals() -> None:
    """A stage that waits for signals begins without them; the attempt of the run is the same."""
    release = waits_for_signals()
    release.signal(1, "h1", {"VERSION": "v7"})

    release.retry_stage(1)

    assert release.run.head.attempt == 1
    assert release.phase is Phase.EXECUTING
    assert release.run.value("VERSION") == "v7"
    release.work(1)
    assert release.run.head.status is Status.SUCCEEDED


def test_retry_of_a_stage_whose_signals_came_before() -> None:
    """The signals of the target are not asked for again; those of later stages are."""
    spec = definition(
        stage(0, "build"),
        stage(1, "told", signals=("h1",), needs_all=True),
        stage(2, "next", signals=("h2",)),
    )
    release = Release(spec)
    release.work(0)
    release.signal(1, "h1")
    release.work(1)
    release.signal(2, "h2")
    release.work(2, Cause.USER)
    release.give_up()

    assert answer(release, 1) == NO
    release.retry_stage(2)

    assert release.phase is Phase.EXECUTING
    release.work(2)
    assert release.run.head.status is Status.SUCCEEDED


def test_signals_of_later_stages_are_asked_again() -> None:
    """What runs again after the target waits for its own signals again."""
    spec = definition(
        stage(0, "build", ignored=True), stage(1, "told", signals=("h1",)), stage(2, "last")
    )
    release = Release(spec)
    release.work(0, Cause.USER)
    release.signal(1, "h1")
    release.work_through(1, 2)

    release.retry_stage(0)
    release.work(0)

    assert release.phase is Phase.PAUSED
    assert release.run.awaits_signals == StageId("stage-3")
    assert release.signal(1, "h1")


def test_retry_after_a_rollback_goes_on() -> None:
    """A retry of a rolled-back stage deploys again, and the rest runs again."""
    release = rolled_back()

    release.retry_stage(1)
    mode = release.run.job(release.job_id(1)).mode
    release.work_through(1, 2, 3)

    assert mode == ""
    assert release.run.head.status is Status.SUCCEEDED
    assert not release.run.head.is_rollback
