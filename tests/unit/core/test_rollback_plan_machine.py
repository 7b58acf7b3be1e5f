"""One pipeline that deploys, with random handlers and signals, and whatever may happen to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mulligan.core.cause import Cause
from mulligan.core.deploy_target import deploy_step
from mulligan.core.deployments import (
    Act,
    Deployment,
    Environment,
    LedgerChange,
    Outcome,
    begin,
    settle,
)
from mulligan.core.flow.steps import lose_job
from mulligan.core.hold import Phase
from mulligan.core.ids import ProjectId
from mulligan.core.recovery.plan import Action, Plan
from mulligan.core.recovery.rollback import RollbackFacts, RollbackPlan
from mulligan.core.recovery.stage_checks import was_reset_by_failure
from mulligan.core.refusal import Refusal
from mulligan.core.spec import AfterFailure, PipelineSpec, StageSpec
from mulligan.core.status import Status
from mulligan.facades.swr.status import stage_status, standing_of
from release_run import ANN, KEY, Release, act, at
from release_world import definition, deploy, review, stage

TWELVE = {
    "waiting",
    "running",
    "success",
    "cancel",
    "stage_exception",
    "runtime_exception",
    "timeout",
    "unauthorized",
    "rollbacking",
    "rollback_success",
    "rollback_failed",
    "rollback_exception",
}
FAILURES = {"stage_exception", "runtime_exception", "timeout", "unauthorized"}
MOVING = {"running", "rollbacking"}
OF_PHASE = {
    Phase.EXECUTING: MOVING,
    Phase.PAUSED: {"running"},
    Phase.HELD: FAILURES,
    Phase.CLOSED: TWELVE - FAILURES - MOVING | {"timeout"},
}
CAUSES = (None, None, None, Cause.USER, Cause.TIMEOUT, Cause.UNREACHABLE)
HANDLERS: tuple[dict[str, Any], ...] = (
    {"after_failure": AfterFailure.HOLD, "hold_s": 10_000},
    {"after_failure": AfterFailure.HOLD, "hold_s": 10_000},
    {"after_failure": AfterFailure.RESET, "hold_s": 0},
    {"after_failure": AfterFailure.END, "hold_s": 0, "ignored": True},
)
GRAY = deploy(1, "gray", act="gray").jobs[0].steps[0].id


@st.composite
def definitions(draw: st.DrawFn) -> PipelineSpec:
    """Draw: build, grey release, review, official release, one more; handlers and signals."""
    fields: list[dict[str, Any]] = []
    for _ in range(5):
        signals = draw(st.sampled_from(((), (), (), ("h1",), ("h1", "h2"))))
        more = {"signals": signals, "needs_all": draw(st.booleans())}
        fields.append(draw(st.sampled_from(HANDLERS)) | more)
    stages: tuple[StageSpec, ...] = (
        stage(0, "build", **fields[0]),
        deploy(1, "gray", act="gray", **fields[1]),
        review(2, ANN, **fields[2]),
        deploy(3, "promote", after_gray=GRAY, **fields[3]),
        stage(4, "after", **fields[4]),
    )
    return definition(*stages)


class Machine:
    """A run with a ledger of its own, kept by the functions of the core."""

    def __init__(self, spec: PipelineSpec) -> None:
        self.release = Release(spec)
        first = act("v1", job="900")
        self.ledger: dict[str, Deployment] = {"v1": first}
        self.environment = Environment(
            key=KEY, project=ProjectId("demo"), name="prod", driver="command", live="v1"
        )
        self.open = ""
        self.accepted = 0
        self.settled: dict[str, Deployment] = {}

    # --- the ledger -----------------------------------------------------------------------------

    def _put(self, deployment: Deployment, now: datetime) -> None:
        self.environment = begin(self.environment, deployment, now)
        self.ledger[deployment.id] = deployment
        self.open = deployment.id

    def _begin_act(self, index: int) -> None:
        """Take the environment for a deploy stage whose job was claimed."""
        step = deploy_step(self.release.spec(index))
        if step is None or self.open:
            return
        is_gray = step.inputs["act"] == "gray"
        kind = Act.GRAY if is_gray else Act.PROMOTE if self.environment.gray else Act.DEPLOY
        self._put(self._new(index, kind, "" if is_gray else self.environment.gray), self.now)

    def _new(self, index: int, kind: Act, target: str) -> Deployment:
        job = self.release.run.job(self.release.job_id(index))
        return act(
            f"d{len(self.ledger)}",
            kind,
            Outcome.RUNNING,
            job=job.id,
            target=target,
            job_attempt=job.attempt,
            run=self.release.run,
        )

    def _settle(self) -> None:
        """Settle what is open if its job has ended."""
        if not self.open:
            return
        deployment = self.ledger[self.open]
        job = self.release.run.job(deployment.job)
        if job.attempt == deployment.job_attempt and not job.status.is_final:
            return
        outcome = {Status.SUCCEEDED: Outcome.SUCCEEDED, Status.FAILED: Outcome.FAILED}.get(
            job.status, Outcome.CANCELLED
        )
        change: LedgerChange = settle(self.environment, deployment, outcome, self.now)
        (self.environment,) = change.environments
        for each in change.deployments:
            self.ledger[each.id] = self.settled[each.id] = each
        self.open = ""

    def facts(self, index: int) -> RollbackFacts:
        """Give what a rollback has to know."""
        job = self.release.job_id(index)
        own = tuple(each for each in reversed(self.ledger.values()) if each.job == job)
        found = RollbackFacts(
            now=self.now, environment=self.environment, ledger=self.ledger, acts=own
        )
        return at(found, self.release)

    @property
    def now(self) -> datetime:
        """Return the instant."""
        return self.release.now

    # --- what happens ---------------------------------------------------------------------------

    def do(self, kind: str, pick: int) -> None:
        """Let something happen."""
        getattr(self, f"act_{kind}")(pick)
        self._settle()
        self.check()

    def act_work(self, pick: int) -> None:
        """Claim what is offered, or report what runs, or vote, or bring a signal."""
        for _ in range(1 + pick % 3):
            self._work_once(pick)
            self._settle()

    def _work_once(self, pick: int) -> None:
        run = self.release.run
        index = max(0, run.head.stage)
        if self.release.offered():
            self.release.begin()
            self._begin_act(self.release.run.head.stage)
        elif run.step(self.release.step_id(index)).status is Status.RUNNING:
            self.release.end(index, CAUSES[pick % len(CAUSES)])
        elif run.open_gate(self.release.step_id(index)) is not None:
            self.release.vote(index, approve=pick % 5 != 0)
        elif run.awaits_signals is not None:
            self.release.signal(index, f"h{1 + pick % 2}")

    def act_signal(self, pick: int) -> None:
        if self.release.phase in {Phase.EXECUTING, Phase.PAUSED}:
            self.release.signal(pick % 5, f"h{1 + pick % 3}", {"VERSION": f"v{pick}"})

    def act_lose(self, pick: int) -> None:
        del pick
        draft = self.release.draft()
        lose_job(draft, self.release.job_id(max(0, self.release.run.head.stage)))
        if draft.has_events:
            self.release.take(draft)

    def act_stop(self, pick: int) -> None:
        del pick
        self.release.stop()

    def act_terminate(self, pick: int) -> None:
        del pick
        self.release.stop()
        self.release.pass_time(minutes=2)
        self.release.stop()

    def act_give_up(self, pick: int) -> None:
        del pick
        self.release.give_up()

    def act_wait(self, pick: int) -> None:
        self.release.pass_time(hours=pick % 4)

    def act_retry(self, pick: int) -> None:
        index = pick % 5
        preview = self.release.plan(index)
        before = self.release.run
        begun = self.release.retry_stage(index)
        assert preview == begun
        if isinstance(begun, Refusal):
            assert self.release.run is before
            return
        assert isinstance(begun, Plan)
        for earlier in range(index):
            kept = self.release.spec(earlier).id
            assert begun.stages[kept].action is Action.KEEP
            assert self.release.run.stage(kept) == before.stage(kept)
        assert self.release.run.head.started_at == before.head.started_at

    def act_roll_back(self, pick: int) -> None:
        index = (1, 3, 1, 3, 0)[pick % 5]
        before = self.release.run
        chosen = f"d{pick % 7}" if pick % 9 == 0 else ""
        found = self.release.roll_back(index, self.facts(index), chosen=chosen)
        if isinstance(found, Refusal):
            assert self.release.run is before
            return
        assert isinstance(found, RollbackPlan)
        self.accepted += 1
        made = self._new(index, found.act, found.restores)
        assert not self.open
        self._put(made, self.now)
        for earlier in range(index):
            kept = self.release.spec(earlier).id
            if was_reset_by_failure(before):  # they waited, whatever their records said
                assert self.release.run.stage(kept).status is Status.QUEUED
            else:
                assert self.release.run.stage(kept) == before.stage(kept)
        assert self.release.run.writes == before.writes

    # --- what must hold -------------------------------------------------------------------------

    def check(self) -> None:
        """Check ledger and statuses."""
        environment = self.environment
        live = self.ledger[environment.live]
        assert live.outcome is Outcome.SUCCEEDED
        assert live.act in {Act.DEPLOY, Act.PROMOTE}
        assert environment.holder == self.open
        for each in self.settled.values():
            assert self.ledger[each.id] == each
        backs = [each for each in self.ledger.values() if each.act in {Act.ROLLBACK, Act.ABORT}]
        assert len(backs) == self.accepted
        self.check_status()

    def check_status(self) -> None:
        """Check that every status is one of the twelve and fits the phase."""
        run = self.release.run
        standing = standing_of(run.head, run.index.spec, self.now)
        phase = self.release.phase
        stages = [stage_status(run, each) for each in run.index.spec.stages]
        assert set(stages) <= TWELVE
        assert standing.status in OF_PHASE[phase]
        if standing.is_reset:
            return
        current = stages[standing.stage_index]
        if phase in {Phase.EXECUTING, Phase.PAUSED}:
            assert current == standing.status
            assert [each for each in stages if each in MOVING] == [current]
            assert (standing.status == "rollbacking") is run.head.is_rollback
        else:
            assert not MOVING & set(stages)
        if phase is Phase.HELD or standing.status.startswith("rollback_"):
            assert current == standing.status
        assert (standing.ended_at is None) is (phase is not Phase.CLOSED)

    def finish(self) -> None:
        """Answer everything; then the run is over and the environment free."""
        for pick in range(300):
            if self.release.run.head.status.is_final:
                break
            self._work_once(7 + 12 * (pick % 2) * 5 + pick % 2)
            self._settle()
            self.check()
        assert self.release.run.head.status.is_final
        assert not self.environment.holder
        assert replace(self.environment, holder="") == self.environment


KINDS = (
    *("work",) * 8,
    *("signal",) * 2,
    *("retry",) * 3,
    *("roll_back",) * 3,
    "stop",
    "terminate",
    "give_up",
    "lose",
    "wait",
)
happenings = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 59)), min_size=1, max_size=40
)


@settings(max_examples=200)
@given(definitions(), happenings)
def test_whatever_happens_to_a_release(spec: PipelineSpec, happened: list[tuple[str, int]]) -> None:
    """Every status is right, previews are true, the ledger holds, and the run comes to its end."""
    machine = Machine(spec)

    for kind, pick in happened:
        machine.do(kind, pick)
    machine.finish()
