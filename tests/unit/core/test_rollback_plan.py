"""When a rollback is allowed, and what it restores: swr-pipeline-api.md §5.4, §5.5, §5.6."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

import release_states as states
from mulligan.core.cause import Cause
from mulligan.core.decision import Effect
from mulligan.core.deployments import Act, Outcome
from mulligan.core.hold import Phase
from mulligan.core.ids import StageId
from mulligan.core.recovery.rollback import (
    RollbackFacts,
    RollbackPlan,
    RollbackRequest,
    plan_rollback,
)
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.spec import AfterFailure, PipelineSpec
from mulligan.core.status import Status
from release_run import (
    ANN,
    BAD,
    BOB,
    GONE,
    KEY,
    Release,
    act,
    at,
    ledger,
    two_versions,
)
from release_world import definition, deploy, gray_release, review, stage

YES = "yes"
BUSY, NOT_YET, NO_TARGET = (
    RefusalCode.RUN_BUSY,
    RefusalCode.NOT_RETRYABLE,
    RefusalCode.NO_ROLLBACK_TARGET,
)
UNSUPPORTED, NOT_DEPLOYING = RefusalCode.ROLLBACK_UNSUPPORTED, RefusalCode.NOT_DEPLOYING


def shop(**first: object) -> PipelineSpec:
    """Give: build, deploy (job 101), check, last."""
    return definition(
        stage(0, "build", **first),  # type: ignore[arg-type]
        deploy(1),
        stage(2, "check"),
        stage(3, "last"),
    )


def plan(
    release: Release, index: int, facts: RollbackFacts | None = None, *, chosen: str = ""
) -> RollbackPlan | Refusal:
    """Plan a rollback; by default v1 and v2 were deployed."""
    request = RollbackRequest(actor=ANN, stage=release.spec(index).id, chosen=chosen)
    return plan_rollback(release.run, request, at(facts or two_versions(release, index), release))


def answer(found: RollbackPlan | Refusal) -> str:
    """Tell what it would be answered: what is restored, or why not."""
    return found.restores if isinstance(found, RollbackPlan) else found.code


# --- allowed when (§5.4) --------------------------------------------------------------------------


def succeeded() -> Release:
    return states.done(shop(), 0, 1, 2, 3)


def failed(cause: Cause = Cause.USER) -> Release:
    return states.failed_at(shop(), 1, cause)


def failed_and_over() -> Release:
    release = failed()
    release.pass_time(hours=72)
    return release


def held_behind() -> Release:
    return states.failed_at(shop(), 2)


def cancelled() -> Release:
    return states.cancelled_at_1(shop())


def back(cause: Cause | None = None) -> Release:
    return states.went_back(shop(), cause)


def goes_back() -> Release:
    return states.goes_back(shop())


def build_runs() -> Release:
    return states.under_way(shop())


def build_held() -> Release:
    return states.failed_at(shop(), 0)


def build_given_up() -> Release:
    release = build_held()
    release.give_up()
    return release


def build_reset() -> Release:
    return states.failed_at(shop(after_failure=AfterFailure.RESET, hold_s=0), 0)


def deploys() -> Release:
    return states.under_way(shop(), 0)


def check_runs() -> Release:
    return states.under_way(shop(), 0, 1)


def review_open() -> Release:
    return states.under_way(definition(stage(0, "build"), deploy(1), review(2, ANN, BOB)), 0, 1)


def waits_behind() -> Release:
    spec = definition(stage(0, "build"), deploy(1), stage(2, "told", signals=("h",)))
    return states.done(spec, 0, 1)


def waits_itself() -> Release:
    return states.done(definition(stage(0, "build"), deploy(1, signals=("h",))), 0)


def retried_before() -> Release:
    spec = definition(stage(0, "build", ignored=True), deploy(1, signals=("h",)))
    release = Release(spec)
    release.work(0, Cause.USER)
    release.signal(1, "h")
    release.work(1)
    release.retry_stage(0)
    release.work(0)
    return release


ALLOWED: list[tuple[Callable[[], Release], Phase, str]] = [
    (succeeded, Phase.CLOSED, "v1"),
    (failed, Phase.HELD, "v2"),
    (lambda: failed(Cause.UNREACHABLE), Phase.HELD, "v2"),
    (lambda: failed(Cause.TIMEOUT), Phase.HELD, "v2"),
    (failed_and_over, Phase.CLOSED, "v2"),
    (held_behind, Phase.HELD, "v1"),
    (cancelled, Phase.CLOSED, "v2"),
    (back, Phase.CLOSED, "v1"),
    (lambda: back(Cause.USER), Phase.CLOSED, "v1"),
    (goes_back, Phase.EXECUTING, BUSY),
    (build_runs, Phase.EXECUTING, BUSY),
    (build_held, Phase.HELD, NOT_YET),
    (build_given_up, Phase.CLOSED, "v1"),
    (build_reset, Phase.CLOSED, "v1"),
    (deploys, Phase.EXECUTING, BUSY),
    (check_runs, Phase.EXECUTING, BUSY),
    (review_open, Phase.PAUSED, "v1"),
    (waits_behind, Phase.PAUSED, "v1"),
    (waits_itself, Phase.PAUSED, NOT_YET),
    (retried_before, Phase.PAUSED, NOT_YET),
]


@pytest.mark.parametrize(("state", "phase", "expected"), ALLOWED)
def test_allowed_when(state: Callable[[], Release], phase: Phase, expected: str) -> None:
    """In every state a rollback of the deploy stage is answered as the table says."""
    release = state()
    versions = ledger(act("v1"), act("v2", previous="v1"), live="v2")
    has_worked = release.run.job(release.job_id(1)).status is Status.SUCCEEDED
    facts = two_versions(release, 1) if has_worked else versions

    found = plan(release, 1, facts)

    assert release.phase is phase
    assert answer(found) == expected


@pytest.mark.parametrize("index", [0, 2, 3])
def test_stage_that_deploys_nothing(index: int) -> None:
    """Only deploy stages can be rolled back, whatever the state."""
    for state in (succeeded, deploys, build_held):
        assert answer(plan(state(), index, two_versions(state(), 1))) == NOT_DEPLOYING


def test_waiting_stage_without_a_live_record() -> None:
    """A stage that waits can be rolled back only if something of it is live."""
    release = build_given_up()

    assert answer(plan(release, 1, ledger())) == NOT_YET
    assert answer(plan(release, 1, RollbackFacts(now=release.now))) == NOT_YET


def test_unknown_stage() -> None:
    """A stage that the run does not have is refused."""
    release = succeeded()
    request = RollbackRequest(actor=ANN, stage=StageId("stage-99"))

    found = plan_rollback(release.run, request, at(two_versions(release, 1), release))

    assert answer(found) == NOT_YET


def test_older_run() -> None:
    """Only the newest run is rolled back."""
    release = succeeded()

    facts = replace(two_versions(release, 1), is_newest=False)

    found = plan_rollback(release.run, RollbackRequest(actor=ANN, stage=release.spec(1).id), facts)
    assert answer(found) == RefusalCode.NOT_NEWEST


def test_environment_that_is_held() -> None:
    """While another deployment is under way it is refused, with who and since when."""
    release = succeeded()
    facts = ledger(
        act("v1"),
        act("v2", previous="v1"),
        act("x", outcome=Outcome.RUNNING, job="900"),
        live="v2",
        holder="x",
    )

    found = plan(release, 1, facts)

    assert isinstance(found, Refusal)
    assert found.code is RefusalCode.ENVIRONMENT_BUSY
    assert "bob since 00:00:00Z" in found.message


def test_after_an_update_of_the_stages() -> None:
    """When no stage counts any more, what is live still can be rolled back."""
    release = build_held()
    release.give_up()
    facts = replace(
        ledger(act("v1"), act("v2", previous="v1"), live="v2"), was_reset=True, now=release.now
    )

    found = plan_rollback(release.run, RollbackRequest(actor=ANN, stage=release.spec(1).id), facts)

    assert answer(found) == "v1"


# --- which version (§5.5) -------------------------------------------------------------------------

V1, V2 = act("v1"), act("v2", previous="v1")
BACK_1 = act("b1", Act.ROLLBACK, target="v1")
TARGETS: list[tuple[str, RollbackFacts, str]] = [
    ("nothing was deployed", ledger(), NO_TARGET),
    ("first deployment", ledger(V1, live="v1"), NO_TARGET),
    ("second", ledger(V1, V2, live="v2"), "v1"),
    ("rolled back to the first", ledger(V1, V2, BACK_1, live="v1"), NO_TARGET),
    (
        "v4 after two rollbacks",
        ledger(V1, V2, BACK_1, act("v4", previous="v1"), live="v4"),
        "v1",
    ),
    ("failed after two", ledger(V1, V2, act("v3", outcome=BAD), live="v2"), "v2"),
    ("unreachable after two", ledger(V1, V2, act("v3", outcome=GONE), live="v2"), "v2"),
    (
        "cancelled after two",
        ledger(V1, V2, act("v3", outcome=Outcome.CANCELLED), live="v2"),
        "v2",
    ),
    ("the first has failed", ledger(act("v1", outcome=BAD)), NO_TARGET),
    (
        "the rollback failed",
        ledger(V1, V2, act("b", Act.ROLLBACK, BAD, target="v1"), live="v2"),
        "v1",
    ),
    (
        "the rollback after a failure failed",
        ledger(V1, V2, act("v3", outcome=BAD), act("b", Act.ROLLBACK, BAD, target="v2"), live="v2"),
        "v2",
    ),
    (
        "the rollback was unreachable twice",
        ledger(
            V1,
            V2,
            act("b", Act.ROLLBACK, GONE, target="v1"),
            act("c", Act.ROLLBACK, GONE, target="v1"),
            live="v2",
        ),
        "v1",
    ),
    (
        "another stage deployed since",
        ledger(V1, V2, act("x", job="900", previous="v2"), live="x"),
        "v2",
    ),
    (
        "a base",
        ledger(act("base", Act.BASE), act("v1", previous="base"), live="v1"),
        "base",
    ),
    (
        "at the base",
        ledger(
            act("base", Act.BASE),
            act("v1", previous="base"),
            act("b", Act.ROLLBACK, target="base"),
            live="base",
        ),
        NO_TARGET,
    ),
]


@pytest.mark.parametrize(
    ("facts", "expected"), [case[1:] for case in TARGETS], ids=[case[0] for case in TARGETS]
)
def test_target(facts: RollbackFacts, expected: str) -> None:
    """Without a chosen version: what ran before, or what is live after a failure."""
    assert answer(plan(succeeded(), 1, facts)) == expected


CHOICES = [
    ("v1", "v1"),
    ("v3", "v3"),
    ("v2", NO_TARGET),
    ("bad", NO_TARGET),
    ("b1", NO_TARGET),
    ("elsewhere", NO_TARGET),
    ("unknown", NO_TARGET),
    ("runs", NO_TARGET),
]


@pytest.mark.parametrize(("chosen", "expected"), CHOICES)
def test_chosen_version(chosen: str, expected: str) -> None:
    """Only a successful deployment of this environment that is not live can be chosen."""
    facts = ledger(
        V1,
        V2,
        act("v3", previous="v2"),
        act("bad", outcome=BAD),
        act("runs", outcome=Outcome.RUNNING),
        act("b1", Act.ROLLBACK, target="v2"),
        act("elsewhere", environment=f"{KEY}2"),
        live="v2",
    )

    assert answer(plan(succeeded(), 1, facts, chosen=chosen)) == expected


# --- grey releases --------------------------------------------------------------------------------


def gray_run(*indexes: int, **gray: object) -> Release:
    """Give a run of build, grey, review, official, worked through these stages."""
    release = Release(gray_release(**gray))  # type: ignore[arg-type]
    for index in indexes:
        if index == 2:
            release.begin()
            release.vote(2)
        else:
            release.work(index)
    return release


G1 = act("g1", Act.GRAY)
STABLE = act("v1", job="900")
PROMOTED = act("p1", Act.PROMOTE, job="103", previous="v1", target="g1")
GRAYS: list[tuple[str, RollbackFacts, str]] = [
    ("none", ledger(STABLE, live="v1"), NO_TARGET),
    ("open", ledger(STABLE, G1, live="v1", gray="g1"), "g1"),
    ("promoted", ledger(STABLE, G1, PROMOTED, live="p1"), UNSUPPORTED),
    (
        "rolled back",
        ledger(STABLE, G1, act("a", Act.ABORT, target="g1"), live="v1"),
        NO_TARGET,
    ),
    ("taken away by another deployment", ledger(STABLE, G1, act("x", job="900")), NO_TARGET),
    ("failed", ledger(STABLE, act("g1", Act.GRAY, BAD), live="v1"), "g1"),
    ("unreachable", ledger(STABLE, act("g1", Act.GRAY, GONE), live="v1"), "g1"),
    (
        "failed and rolled back",
        ledger(STABLE, act("g1", Act.GRAY, BAD), act("a", Act.ABORT, target="g1"), live="v1"),
        NO_TARGET,
    ),
    (
        "its abort failed",
        ledger(STABLE, G1, act("a", Act.ABORT, BAD, target="g1"), live="v1", gray="g1"),
        "g1",
    ),
    (
        "its promotion failed",
        ledger(STABLE, G1, replace(PROMOTED, outcome=BAD), live="v1", gray="g1"),
        "g1",
    ),
    (
        "its promotion failed and it was rolled back",
        ledger(
            STABLE,
            G1,
            replace(PROMOTED, outcome=BAD),
            act("a", Act.ABORT, target="g1"),
            live="v1",
        ),
        NO_TARGET,
    ),
    (
        "second after an aborted one",
        ledger(
            STABLE,
            G1,
            act("a", Act.ABORT, target="g1"),
            act("g2", Act.GRAY),
            live="v1",
            gray="g2",
        ),
        "g2",
    ),
]


@pytest.mark.parametrize(
    ("facts", "expected"), [case[1:] for case in GRAYS], ids=[case[0] for case in GRAYS]
)
def test_gray_target(facts: RollbackFacts, expected: str) -> None:
    """A grey release is taken away while it is there, once, and not after its promotion."""
    release = gray_run(0, 1)
    release.begin()

    found = plan(release, 1, facts)

    assert answer(found) == expected
    if isinstance(found, RollbackPlan):
        assert found.act is Act.ABORT
        assert found.cuts == (release.spec(2).id,)


@pytest.mark.parametrize(
    ("gray", "expected"),
    [
        ({"gray_mode": "service"}, "v1"),
        ({"gray_mode": "service", "strategy": "canary"}, "v1"),
        ({"gray_mode": "service", "strategy": "blue_green"}, UNSUPPORTED),
        ({"gray_mode": "istio"}, UNSUPPORTED),
        ({"gray_mode": "istio", "strategy": "canary"}, UNSUPPORTED),
    ],
)
def test_official_stage_after_a_gray_one(gray: dict[str, str], expected: str) -> None:
    """The promotion is rolled back after a canary only (F11)."""
    release = gray_run(0, 1, 2, 3, **gray)
    promoted = replace(PROMOTED, run=release.run.head.id)
    facts = ledger(STABLE, G1, promoted, live="p1", job="103")

    assert answer(plan(release, 3, facts)) == expected


def test_chosen_version_beside_a_gray_stage() -> None:
    """Where the pipeline has a grey stage no version can be chosen (F12), before busy (§5.7)."""
    done, running = gray_run(0, 1, 2, 3), gray_run()
    facts = ledger(STABLE, G1, PROMOTED, live="p1")

    answers = {
        answer(plan(each, i, facts, chosen="v1")) for each in (done, running) for i in (1, 3)
    }

    assert answers == {UNSUPPORTED}


def between(*, promotes: bool = True) -> Release:
    """Give a run whose stage between the grey and the official one executes."""
    put_out = deploy(0, "gray", act="gray")
    after = put_out.jobs[0].steps[0].id if promotes else ""
    release = Release(definition(put_out, stage(1, "check"), deploy(2, "on", after_gray=after)))
    release.work(0)
    release.begin()
    return release


def test_while_a_stage_between_executes() -> None:
    """That stage is cut, its step killed under its fence, and nobody may claim it any more."""
    release = between()
    facts = ledger(STABLE, act("g1", Act.GRAY, job="100"), live="v1", gray="g1", job="100")

    found = release.roll_back(0, facts)

    run = release.run
    assert isinstance(found, RollbackPlan)
    assert run.job(release.job_id(1)).status is Status.CANCELLED
    assert run.stage(release.spec(1).id).cause is Cause.ROLLED_BACK
    assert [each.what for each in run.head.attempts] == ["start", "rollback"]
    assert run.head.attempts[0].status is Status.CANCELLED
    kills = [each for each in _effects(release) if each.kind == "kill"]
    assert [(each.key, each.data["fence"], each.drop) for each in kills] == [("101", 1, False)]
    assert [each.key for each in _effects(release) if each.kind == "offer" and each.drop] == ["101"]
    assert release.offered() == [release.job_id(0)]


def _effects(release: Release) -> tuple[Effect, ...]:
    return release.decisions[-1].effects


def test_while_the_official_stage_executes() -> None:
    """Once the official release is reached the grey stage is busy."""
    release = between()
    release.end(1)
    release.begin()
    facts = ledger(STABLE, act("g1", Act.GRAY, job="100"), live="v1", gray="g1", job="100")

    assert answer(plan(release, 0, facts)) == BUSY


# --- the effect (§5.6) ----------------------------------------------------------------------------


def test_effect_on_acceptance() -> None:
    """The stage has a new job, an open review is closed with its votes, the rest is as before."""
    release = review_open()
    release.vote(2, ANN)
    before = release.run

    release.roll_back(1)

    after = release.run
    assert after.job(release.job_id(1)).mode == "rollback"
    assert after.job(release.job_id(1)).attempt == 2
    assert after.stage(release.spec(0).id) == before.stage(release.spec(0).id)
    gate = after.gates[release.step_id(2)]
    assert (gate.state, [vote.user for vote in gate.votes]) == ("rejected", [ANN])
    assert after.job(release.job_id(2)).status is Status.CANCELLED
    assert (after.head.stage, after.head.ended_at) == (1, None)
    assert after.writes == before.writes
    refused = release.vote(2, BOB)
    assert refused is not None
    assert refused.code is RefusalCode.NOT_AWAITING


@pytest.mark.parametrize(
    ("cause", "status"),
    [(None, Status.CANCELLED), (Cause.USER, Status.FAILED), (Cause.UNREACHABLE, Status.FAILED)],
)
def test_effect_on_completion(cause: Cause | None, status: Status) -> None:
    """The run is over with the stage: nothing after it runs, no handler is asked."""
    release = held_behind()
    later = [release.run.stage(release.spec(index).id) for index in (2, 3)]

    release.roll_back(1)
    release.work(1, cause)

    run = release.run
    assert run.head.status is status
    assert run.head.ended_at is not None
    assert release.phase is Phase.CLOSED
    assert [run.stage(release.spec(index).id) for index in (2, 3)] == later
    assert release.offered() == []


def test_rollback_does_not_wait_for_signals() -> None:
    """What a stage waited for before it began is not asked again for its rollback."""
    release = Release(definition(deploy(0, signals=("h",))))
    release.signal(0, "h")
    release.work(0)

    release.roll_back(0)

    assert release.phase is Phase.EXECUTING
    assert release.offered() == [release.job_id(0)]


def test_rollback_after_rollback_after_retry() -> None:
    """Attempts follow one another; each is a record of its own."""
    release = succeeded()

    release.roll_back(1)
    release.work(1)
    release.retry_stage(1)
    release.work_through(1, 2, 3)
    release.roll_back(1)
    release.work(1, Cause.USER)
    release.roll_back(1)
    release.work(1)

    assert [each.what for each in release.run.head.attempts] == [
        "start",
        "rollback",
        "retry",
        "rollback",
        "rollback",
    ]
    assert release.run.job(release.job_id(1)).attempt == 5


def test_planning_changes_nothing() -> None:
    """The preview is what is applied, and making it leaves the run alone."""
    release = review_open()
    before = release.run

    preview = plan(release, 1)
    same = release.run is before
    begun = release.roll_back(1)

    assert same
    assert preview == begun
