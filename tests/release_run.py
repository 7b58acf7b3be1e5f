"""One run of a pipeline that deploys, driven by hand through the pure core."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from mulligan.core.cause import Cause
from mulligan.core.deployments import Act, Deployment, Environment, Outcome
from mulligan.core.flow.cancel import release_hold
from mulligan.core.flow.steps import report_step
from mulligan.core.flow.votes import Answer, answer_step, receive_signal
from mulligan.core.flow.walk import refuse_stage
from mulligan.core.hold import Phase, phase_of
from mulligan.core.ids import JobId, PipelineId, ProjectId, RunId, StageId, StepId, UserName
from mulligan.core.recovery.apply import apply_plan
from mulligan.core.recovery.plan import Plan
from mulligan.core.recovery.request import RetryFacts, RetryRequest
from mulligan.core.recovery.retry import plan_retry
from mulligan.core.recovery.rollback import (
    RollbackFacts,
    RollbackPlan,
    RollbackRequest,
    apply_rollback,
    plan_rollback,
)
from mulligan.core.refusal import Refusal
from mulligan.core.report import StepReport
from mulligan.core.run import Run
from mulligan.core.spec import PipelineSpec, StageSpec
from mulligan.core.status import Status
from mulligan.testing.simulate import ALICE, START, Simulation

ANN, BOB = UserName("ann"), UserName("bob")
KEY = "demo/prod/web"
GOOD, BAD, GONE = Outcome.SUCCEEDED, Outcome.FAILED, Outcome.UNREACHABLE


class Release(Simulation):
    """A run whose stages are named by their index."""

    def __init__(self, spec: PipelineSpec) -> None:
        super().__init__(spec)

    def spec(self, index: int) -> StageSpec:
        """Return a stage's definition."""
        return self.run.index.spec.stages[index]

    def step_id(self, index: int) -> StepId:
        """Return the step of a stage."""
        return self.spec(index).jobs[0].steps[0].id

    def job_id(self, index: int) -> JobId:
        """Return the job of a stage."""
        return self.spec(index).jobs[0].id

    # --- work -----------------------------------------------------------------------------------

    def begin(self) -> StepId | None:
        """Claim what is offered."""
        (job,) = self.offered()
        return self.claim(job)

    def end(self, index: int, cause: Cause | None = None, status: Status | None = None) -> None:
        """Report the end of a stage's step: good without a cause."""
        step = self.run.step(self.step_id(index))
        job = self.run.job(self.job_id(index))
        draft = self.draft()
        report = StepReport(
            job=job.id,
            step=step.id,
            attempt=step.attempt,
            fence=job.fence,
            status=status or (Status.FAILED if cause else Status.SUCCEEDED),
            cause=cause,
        )
        report_step(draft, report)
        self.take(draft)

    def work(self, index: int, cause: Cause | None = None) -> None:
        """Run a stage to its end: good without a cause."""
        self.begin()
        self.end(index, cause)

    def work_through(self, *indexes: int) -> None:
        """Run stages well, one after the other."""
        for index in indexes:
            self.work(index)

    # --- people ---------------------------------------------------------------------------------

    def vote(self, index: int, who: UserName = ANN, *, approve: bool = True) -> Refusal | None:
        """Answer a review."""
        draft = self.draft()
        refusal = answer_step(draft, self.step_id(index), Answer(user=who, approve=approve))
        if refusal is None:
            self.take(draft)
        return refusal

    def cancel(self) -> Refusal | None:
        """Ask to stop; what runs ends as it is told."""
        return self.stop()

    def give_up(self) -> Refusal | None:
        """Give a held run up."""
        draft = self.draft()
        refusal = release_hold(draft, ALICE)
        if refusal is None:
            self.take(draft)
        return refusal

    def terminate(self) -> None:
        """Stop, and again after a minute: by force."""
        assert self.stop() is None
        self.pass_time(minutes=2)
        assert self.stop() is None

    def pass_time(self, **delta: float) -> None:
        """Let the clock go on."""
        self.now += timedelta(**delta)

    def signal(self, index: int, hook: str, values: Mapping[str, str] | None = None) -> bool:
        """Bring a signal for a stage; True if the stage begins by it."""
        draft = self.draft()
        begins = receive_signal(draft, self.spec(index).id, hook, dict(values or {}))
        if draft.has_events:
            self.take(draft)
        return begins

    def refuse(self) -> None:
        """Tell that who started the run had no right to."""
        draft = self.draft()
        refuse_stage(draft)
        self.take(draft)

    def plan(self, index: int, *, was_reset: bool = False) -> Plan | Refusal:
        """Plan the retry of a stage."""
        request = RetryRequest(actor=ALICE, target=self.spec(index).id, through_end=True)
        facts = RetryFacts(now=self.now, was_reset=was_reset)
        return plan_retry(self.run, request, facts)

    def retry_stage(self, index: int) -> Plan | Refusal:
        """Retry a stage as the seed's call does."""
        draft = self.draft()
        request = RetryRequest(actor=ALICE, target=self.spec(index).id, through_end=True)
        plan = plan_retry(self.run, request, RetryFacts(now=self.now))
        if isinstance(plan, Plan):
            apply_plan(draft, plan, request)
            self.take(draft)
        return plan

    def roll_back(
        self, index: int, facts: RollbackFacts | None = None, *, chosen: str = ""
    ) -> RollbackPlan | Refusal:
        """Plan a rollback and begin it."""
        draft = self.draft()
        request = RollbackRequest(actor=ALICE, stage=self.spec(index).id, chosen=chosen)
        known = facts or two_versions(self, index)
        plan = plan_rollback(self.run, request, at(known, self))
        if isinstance(plan, RollbackPlan):
            apply_rollback(draft, plan, request)
            self.take(draft)
        return plan

    @property
    def phase(self) -> Phase:
        """Tell how far the run is."""
        return phase_of(self.run, self.now)


def at(facts: RollbackFacts, release: Release) -> RollbackFacts:
    """Give facts as of now."""
    return RollbackFacts(
        now=release.now,
        environment=facts.environment,
        ledger=facts.ledger,
        acts=facts.acts,
        is_newest=facts.is_newest,
        was_reset=facts.was_reset,
    )


# --- ledgers --------------------------------------------------------------------------------------


def act(
    name: str,
    kind: Act = Act.DEPLOY,
    outcome: Outcome = GOOD,
    *,
    job: str = "101",
    previous: str = "",
    target: str = "",
    environment: str = KEY,
    job_attempt: int = 1,
    run: Run | None = None,
) -> Deployment:
    """Give one act on an environment."""
    return Deployment(
        id=name,
        environment=environment,
        act=kind,
        actor=BOB,
        run=run.head.id if run is not None else RunId("b-" + "9" * 32),
        job=JobId(job),
        job_attempt=job_attempt,
        pipeline=PipelineId("p-" + "0" * 32),
        started_at=START,
        run_queued_at=START,
        outcome=outcome,
        previous=previous,
        target=target,
    )


def ledger(
    *acts: Deployment, live: str = "", gray: str = "", holder: str = "", job: str = "101"
) -> RollbackFacts:
    """Give the facts of a ledger; `acts`: oldest first."""
    environment = Environment(
        key=KEY,
        project=ProjectId("demo"),
        name="prod",
        driver="command",
        live=live,
        gray=gray,
        holder=holder,
    )
    own = tuple(each for each in reversed(acts) if each.job == job and each.act is not Act.BASE)
    return RollbackFacts(
        now=START, environment=environment, ledger={each.id: each for each in acts}, acts=own
    )


def two_versions(release: Release, index: int) -> RollbackFacts:
    """Give the ledger of a stage that has deployed v1 and v2, v2 by this run."""
    job = release.job_id(index)
    attempt = release.run.job(job).attempt
    return ledger(
        act("v1", job=job),
        act("v2", job=job, previous="v1", run=release.run, job_attempt=attempt),
        live="v2",
        job=job,
    )


__all__ = [
    "ANN",
    "BAD",
    "BOB",
    "GONE",
    "GOOD",
    "KEY",
    "Release",
    "StageId",
    "act",
    "at",
    "ledger",
    "two_versions",
]
