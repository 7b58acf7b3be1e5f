"""A run with many runners, people and accidents; every decision is watched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from core_start import ALICE, FACTS, START, first_run
from core_watch import Watch
from msgspec.structs import replace

from mulligan.core import events as e
from mulligan.core.cause import Cause
from mulligan.core.decision import Decision, Draft
from mulligan.core.errors import StaleFenceError
from mulligan.core.flow import cancel, mutexes, queue, steps, votes
from mulligan.core.flow.call_ends import CallEnd, finish_call
from mulligan.core.flow.calls import waiting_call
from mulligan.core.flow.votes import Answer
from mulligan.core.flow.walk import begin_run
from mulligan.core.ids import JobId, RunnerName, StageId, StepId, UserName
from mulligan.core.recovery.apply import apply_plan
from mulligan.core.recovery.plan import Plan
from mulligan.core.recovery.request import RetryFacts, RetryRequest
from mulligan.core.recovery.retry import plan_retry
from mulligan.core.refusal import Refusal
from mulligan.core.report import StepReport
from mulligan.core.run import Run, RunSettings, StartParameter
from mulligan.core.spec import PipelineSpec, StepSpec
from mulligan.core.status import Status
from mulligan.core.variables import start_writes
from mulligan.testing.strategies import Outcome, Outcomes

Ending = Callable[[StepId, int], Outcome]


class World:
    """One run and everybody who has to do with it.

    Args:
        ending: How an attempt of a step ends; by default all succeed.
        waits: The run begins in the queue.
        watched: Every decision is put to the rules; large runs are quicker without.
    """

    def __init__(
        self,
        spec: PipelineSpec,
        ending: Ending | Outcomes | None = None,
        *,
        settings: RunSettings | None = None,
        parameters: tuple[StartParameter, ...] = (),
        disabled: Iterable[StepId] = (),
        waits: bool = False,
        watched: bool = True,
    ) -> None:
        self.ending = ending.of if isinstance(ending, Outcomes) else ending or _succeed
        self.now = START
        self.first = first_run(spec, settings=settings, parameters=parameters, disabled=disabled)
        self.run = self.first
        self.watch = Watch(self.first) if watched else None
        self.decisions: list[Decision] = []
        self.started: list[tuple[StepId, int]] = []  # every start of a step, in order
        self.held: dict[JobId, StepReport] = {}  # what the runner of a job will report
        self.stale: list[StepReport] = []  # what runners that lost their job would report
        draft = Draft(self.run, self.now, is_new=True)
        draft.emit(e.RunCreated(at=self.now, actor=ALICE))
        writes = start_writes(self.first.head, FACTS, parameters)
        draft.emit(e.ValuesWritten(at=self.now, writes=writes))
        if waits:
            queue.wait_in_queue(draft, 10)
        else:
            begin_run(draft)
        self.take(draft)

    # --- deciding -------------------------------------------------------------------------------

    def draft(self, seconds: float = 1) -> Draft:
        """Begin a decision some seconds later."""
        self.now += timedelta(seconds=seconds)
        return Draft(self.run, self.now)

    def take(self, draft: Draft) -> None:
        """Store what was decided, and look whether everything still holds."""
        if not draft.has_events:
            return
        decision = draft.decision()
        self.decisions.append(decision)
        self.run = decision.run
        if self.watch is not None:
            self.watch.look(decision)
        for job_id, report in list(self.held.items()):  # runners learn it by their fence
            job = self.run.job(job_id)
            if job.status is not Status.RUNNING or job.fence != report.fence or job.parked:
                self.stale.append(self.held.pop(job_id))

    def events(self) -> list[e.Event]:
        """Return all events so far."""
        return [event for decision in self.decisions for event in decision.events]

    # --- runners --------------------------------------------------------------------------------

    def offered(self) -> list[JobId]:
        """Return the jobs that a runner may claim."""
        jobs = (self.run.job(job.id) for job in self.run.index.all_jobs())
        return [job.id for job in jobs if job.status is Status.QUEUED and job.queued_at]

    def asking(self) -> list[JobId]:
        """Return the jobs that wait for a mutex."""
        return [job.id for job in self.run.index.all_jobs() if self.run.awaited_mutex(job.id)]

    def answer_mutex(self, job_id: str, how: int = 0) -> None:
        """Let a job have its mutex, refuse it, or let its time be over."""
        job, draft = JobId(job_id), self.draft()
        if how % 3 == 0:
            mutexes.take_mutex(draft, job)
        elif how % 3 == 1:
            mutexes.refuse_mutex(draft, job, "somebody")
        else:
            draft = self.draft(600)
            mutexes.time_out_mutex(draft, job)
        self.take(draft)

    def claim(self, job_id: str) -> StepId | None:
        """Let a new runner claim a job; give the step that it was told to start."""
        draft = self.draft()
        runner = RunnerName(f"runner-{len(self.decisions)}")
        step = steps.claim_job(draft, JobId(job_id), runner)
        self.take(draft)
        return self._hold(JobId(job_id), step)

    def _hold(self, job_id: JobId, step: StepSpec | None) -> StepId | None:
        self.held.pop(job_id, None)
        if step is None:
            return None
        attempt = self.run.step(step.id).attempt
        outcome = self.ending(step.id, attempt)
        self.started.append((step.id, attempt))
        self.held[job_id] = StepReport(
            job=job_id,
            step=step.id,
            attempt=attempt,
            fence=self.run.job(job_id).fence,
            status=outcome.status,
            cause=outcome.cause,
            variables=outcome.variables,
        )
        return step.id

    def report(self, job_id: str, *, runner_gone: bool = False, **changes: Any) -> StepId | None:
        """Let the runner of a job report; give the next step that it was told to start.

        A runner that was asked to end its step reports it as cancelled.
        """
        report = replace(self.held[JobId(job_id)], **changes)
        if self._is_killed(report) and not changes:
            report = replace(report, status=Status.CANCELLED, cause=None)
        draft = self.draft()
        following = steps.report_step(draft, report, runner_gone=runner_gone)
        self.take(draft)
        self.stale.append(report)
        return self._hold(report.job, None if runner_gone else following)

    def _is_killed(self, report: StepReport) -> bool:
        request = self.run.head.cancel
        in_cancelled = request is not None and (
            request.stage == self.run.index.job_stage[report.job]
        )
        started_at = self.run.step(report.step).started_at
        before = request is not None and started_at is not None and started_at < request.at
        return (in_cancelled and before) or self.run.job(report.job).stopping is not None

    def report_stale(self, report: StepReport) -> None:
        """Let a runner that lost its job report all the same: it must bounce."""
        draft = self.draft()
        try:
            steps.report_step(draft, report)
        except StaleFenceError:
            assert not draft.has_events
            return
        raise AssertionError(f"a stale report was taken: {report}")

    def lose(self, job_id: str) -> None:
        """Let the runner of a job be gone; what it would have reported comes too late."""
        self.stale.append(self.held.pop(JobId(job_id)))
        draft = self.draft()
        steps.lose_job(draft, JobId(job_id))
        self.take(draft)

    def time_out_job(self, job_id: str) -> None:
        """Let the time of a job be over."""
        draft = self.draft()
        fence = self.run.job(JobId(job_id)).fence
        steps.stop_job(draft, JobId(job_id), fence, Cause.JOB_TIMEOUT)
        self.take(draft)

    # --- people ---------------------------------------------------------------------------------

    def open_gates(self) -> list[str]:
        """Return the nodes at which the run waits for somebody."""
        return [node for node, gate in self.run.gates.items() if gate.state == "open"]

    def calls(self) -> list[StepId]:
        """Return the steps that wait for a run that they have started."""
        jobs = self.run.index.all_jobs()
        return [step.id for job in jobs if (step := waiting_call(self.run, job.id)) is not None]

    def end_call(self, step_id: StepId) -> None:
        """Let the run of a step end as the test says steps end."""
        attempt = self.run.step(step_id).attempt
        outcome = self.ending(step_id, attempt)
        end = CallEnd(status=outcome.status, cause=outcome.cause)
        self.started.append((step_id, attempt))
        draft = self.draft()
        assert finish_call(draft, step_id, attempt, end)
        self.take(draft)

    def vote(self, node: str, *, approve: bool = True, **fields: Any) -> Refusal | None:
        """Answer the gate at a node as one of those who are asked."""
        gate = self.run.gates[node]
        user = UserName(gate.reviewers[0]) if gate.reviewers else ALICE
        answer = Answer(**{"user": user, "approve": approve, **fields})
        draft = self.draft()
        if gate.kind == "stage-review":
            refusal = votes.answer_stage(draft, StageId(node), answer)
        elif gate.kind == "step-review":
            refusal = votes.answer_step(draft, StepId(node), answer)
        else:
            refusal = votes.answer_pause(draft, StepId(node), user, go_ahead=approve)
        return self._unless_refused(draft, refusal)

    def stop(self, *, after: float = 1) -> Refusal | None:
        """Ask the run to stop."""
        draft = self.draft(after)
        return self._unless_refused(draft, cancel.stop_run(draft, ALICE))

    def terminate(self) -> Refusal | None:
        """Stop the run by force: ask twice."""
        if self.run.head.cancel is None:
            self.stop()
        return self.stop(after=60)

    def _unless_refused(self, draft: Draft, refusal: Refusal | None) -> Refusal | None:
        if refusal is None:
            self.take(draft)
        else:
            assert refusal.message
            assert not draft.has_events, "what is refused changes nothing"
        return refusal

    def ask(
        self, target: str = "", *, live: bool = True, **options: Any
    ) -> tuple[RetryRequest, RetryFacts]:
        """Give request and facts of a retry; `options` are fields of either."""
        facts = {name: options.pop(name) for name in list(options) if name in _FACTS}
        jobs = frozenset(self.run.index.jobs) if live else frozenset[JobId]()
        request = RetryRequest(actor=ALICE, target=target, **{"may_operate": True, **options})
        return request, RetryFacts(now=self.now, live_workspaces=jobs, **facts)

    def plan(self, target: str = "", **options: Any) -> Plan | Refusal:
        """Plan a retry and change nothing."""
        return plan_retry(self.run, *self.ask(target, **options))

    def retry(self, target: str = "", *, waits: bool = False, **options: Any) -> Plan | Refusal:
        """Plan and apply a retry; the work itself is done by `finish`."""
        draft = self.draft()
        request, facts = self.ask(target, **options)
        plan = plan_retry(self.run, request, facts)
        if isinstance(plan, Plan):
            apply_plan(draft, plan, request, queue_minutes=10 if waits else None)
            self.take(draft)
        return plan

    def leave_queue(self, how: int = 0) -> None:
        """Let a waiting run begin, make room, or wait too long."""
        draft = self.draft()
        ways = (queue.begin_queued, queue.drop_from_queue, queue.time_out_queue)
        ways[how % len(ways)](draft)
        self.take(draft)

    # --- the course of things -------------------------------------------------------------------

    def work(self, pick: int = 0, *, approve: bool = True) -> bool:
        """Let one thing happen that may happen now; False if there is none."""
        moves: list[Callable[[], object]] = [partial(self.claim, job) for job in self.offered()]
        moves += [partial(self.answer_mutex, job) for job in self.asking()]
        moves += [partial(self.report, job) for job in self.held]
        moves += [partial(self.vote, node, approve=approve) for node in self.open_gates()]
        moves += [partial(self.end_call, step) for step in self.calls()]
        if self.run.head.status is Status.QUEUED:
            moves.append(self.leave_queue)
        if not moves:
            return False
        moves[pick % len(moves)]()
        return True

    def finish(self, *, approve: bool = True, limit: int = 20_000) -> Run:
        """Let everything happen that may, until the run has ended."""
        for _ in range(limit):
            if not self.work(approve=approve):
                assert self.run.head.status.is_final, "nothing to do, but the run goes on"
                return self.run
        raise AssertionError("the run does not come to an end")


_FACTS = frozenset(RetryFacts.__struct_fields__)


def _succeed(_step: StepId, _attempt: int) -> Outcome:
    return Outcome()
