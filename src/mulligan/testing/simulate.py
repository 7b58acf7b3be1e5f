"""Drive a run without processes, clock or store: what the core decides, step by step.

For tests of the core: each step ends as a script says, jobs are claimed one after the other.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Decision, Draft
from mulligan.core.flow.cancel import stop_run
from mulligan.core.flow.steps import claim_job, report_step
from mulligan.core.flow.walk import begin_run
from mulligan.core.ids import JobId, PipelineId, ProjectId, RunId, RunnerName, StepId, UserName
from mulligan.core.recovery.apply import apply_plan
from mulligan.core.recovery.plan import Plan
from mulligan.core.recovery.request import RetryFacts, RetryRequest
from mulligan.core.recovery.retry import plan_retry
from mulligan.core.refusal import Refusal
from mulligan.core.report import StepReport
from mulligan.core.run import Run, RunAttempt, RunHead, RunSettings, StartParameter
from mulligan.core.spec import PipelineSpec, SpecIndex
from mulligan.core.status import Status
from mulligan.core.variables import start_writes

START = datetime(2026, 1, 1, tzinfo=UTC)
ALICE = UserName("alice")
RUNNER = RunnerName("sim")

Outcome = Status | StepReport
Script = Callable[[StepId, int], bool]


class Simulation:
    """One run. `script(step, attempt)` tells whether that attempt of the step succeeds."""

    def __init__(
        self,
        spec: PipelineSpec,
        script: Script | None = None,
        *,
        settings: RunSettings | None = None,
        parameters: tuple[StartParameter, ...] = (),
    ) -> None:
        self.script = script or (lambda _step, _attempt: True)
        self.now = START
        self.decisions: list[Decision] = []
        self.started: list[tuple[StepId, int]] = []  # every start of a step, in order
        self.outputs: dict[StepId, tuple[tuple[str, str], ...]] = {}
        head = RunHead(
            id=RunId("b-" + "0" * 32),
            project=ProjectId("demo"),
            pipeline=PipelineId("p-" + "0" * 32),
            version=1,
            number=1,
            started_by=ALICE,
            queued_at=START,
            attempts=(RunAttempt(number=1, actor=ALICE, queued_at=START),),
            settings=settings or RunSettings(),
            parameters=parameters,
        )
        self.run = Run(head=head, index=SpecIndex(spec))
        draft = Draft(self.run, self.now, is_new=True)
        draft.emit(e.RunCreated(at=self.now, actor=ALICE))
        writes = start_writes(head, {}, parameters)
        if writes:
            draft.emit(e.ValuesWritten(at=self.now, writes=writes))
        begin_run(draft)
        self._take(draft)

    def draft(self) -> Draft:
        """Begin a decision one second later."""
        self.now += timedelta(seconds=1)
        return Draft(self.run, self.now)

    def _take(self, draft: Draft) -> None:
        decision = draft.decision()
        self.decisions.append(decision)
        self.run = decision.run

    def take(self, draft: Draft) -> None:
        """Store the decision of a draft."""
        self._take(draft)

    def offered(self) -> list[JobId]:
        """Return the jobs that a runner may claim, in the order of the definition."""
        jobs = (self.run.job(job.id) for job in self.run.index.all_jobs())
        return [job.id for job in jobs if job.status is Status.QUEUED and job.queued_at]

    def claim(self, job_id: JobId) -> StepId | None:
        """Claim a job; give the step that was started."""
        draft = self.draft()
        step = claim_job(draft, job_id, RUNNER)
        self._take(draft)
        return self._note(step.id if step else None)

    def _note(self, step_id: StepId | None) -> StepId | None:
        if step_id is not None:
            self.started.append((step_id, self.run.step(step_id).attempt))
        return step_id

    def report(self, step_id: StepId, status: Status | None = None) -> StepId | None:
        """Report the end of a running step; give the next one that was started."""
        step = self.run.step(step_id)
        job = self.run.job(self.run.index.step_job[step_id][0])
        if status is None:
            good = self.script(step_id, step.attempt)
            status = Status.SUCCEEDED if good else Status.FAILED
        report = StepReport(
            job=job.id,
            step=step_id,
            attempt=step.attempt,
            fence=job.fence,
            status=status,
            cause=Cause.USER if status is Status.FAILED else None,
            variables=self.outputs.get(step_id, ()),
        )
        draft = self.draft()
        following = report_step(draft, report)
        self._take(draft)
        return self._note(following.id if following else None)

    def finish(self, limit: int = 10_000) -> Run:
        """Claim and report until nothing is offered any more."""
        for _ in range(limit):
            jobs = self.offered()
            if not jobs:
                return self.run
            step = self.claim(jobs[0])
            while step is not None:
                step = self.report(step)
        raise AssertionError("the run does not come to an end")

    def retry(
        self,
        target: str = "",
        *,
        skip: bool = False,
        only_failed: bool = False,
        may_operate: bool = True,
        live: bool = True,
        clean: bool = False,
    ) -> Plan | Refusal:
        """Plan and apply a retry; the work itself is done by `finish`."""
        draft = self.draft()
        request = RetryRequest(
            actor=ALICE,
            target=target,
            only_failed=only_failed,
            skip=skip,
            may_operate=may_operate,
        )
        jobs = frozenset(job.id for job in self.run.index.all_jobs())
        facts = RetryFacts(
            now=self.now,
            live_workspaces=jobs if live else frozenset(),
            clean_variables=clean,
        )
        plan = plan_retry(self.run, request, facts)
        if isinstance(plan, Plan):
            apply_plan(draft, plan, request)
            self._take(draft)
        return plan

    def stop(self) -> Refusal | None:
        """Ask the run to stop."""
        draft = self.draft()
        refusal = stop_run(draft, ALICE)
        if refusal is None:
            self._take(draft)
        return refusal
