"""Reports: what runners ask and tell – claims, ends of steps, jobs that were lost."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from msgspec.structs import replace

from mulligan import failpoints
from mulligan.core.cause import Cause
from mulligan.core.decision import Draft
from mulligan.core.errors import InfrastructureError, StaleFenceError
from mulligan.core.flow import steps
from mulligan.core.flow.walk import offer_of
from mulligan.core.ids import JobId, ProjectId, RunId, RunnerName
from mulligan.core.prepare import StepOrder
from mulligan.core.records import Artifact, StepRecord
from mulligan.core.report import StepReport
from mulligan.core.run import Run
from mulligan.core.spec import StepSpec
from mulligan.core.status import Status
from mulligan.core.values import text_of
from mulligan.core.variables import Scope
from mulligan.engine import changes
from mulligan.engine.changes import Changes
from mulligan.engine.checkouts import with_repository
from mulligan.engine.inputs import files_of_inputs
from mulligan.engine.limits import JobLimits
from mulligan.engine.masking import without_secrets
from mulligan.engine.secrets import Vault, ordered
from mulligan.engine.step_records import step_records
from mulligan.log import get_log
from mulligan.ports import Clock, Ids, Offer, Store

log = get_log()

_MAY_BE_PLUGINS = frozenset({"plugin", "script"})
_Started: TypeAlias = tuple[Run, StepSpec] | None  # a step, in the run as it was started


class Reports(Changes):
    """The use cases of runners."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids) -> None:
        super().__init__(store=store, clock=clock, ids=ids)
        self.limits = JobLimits(self.lines)
        # set by the composition root
        self.on_fenced: Callable[[], None] = lambda: None  # a report came too late
        # registers the packages that a step made
        self.publish: Callable[[RunId, StepReport], Awaitable[None]] = _publish_nothing
        # the secrets that steps of a project may name
        self.open_vault: Callable[[ProjectId], Awaitable[Vault]] = _no_secrets
        # finds the plugin that does the work of a step
        self.equip: Callable[[StepOrder, Scope], Awaitable[StepOrder]] = _as_it_is
        # the offer that is next, for runners that take their next job with a report
        self.first_offer: Callable[[], Offer | None] = lambda: None

    async def claim_job(
        self, run_id: RunId, job_id: JobId, attempt: int, runner: RunnerName
    ) -> StepOrder | None:
        """Take a job for a runner; give its first step, or None if there is nothing to do.

        Raises:
            StaleFenceError: It is not offered any more.
        """

        def decide(draft: Draft) -> _Started:
            if draft.run.job(job_id).attempt != attempt:
                return None
            if not self.limits.admits(draft.run, job_id, runner):
                return None
            step = steps.claim_job(draft, job_id, runner)
            return (draft.run, step) if step is not None else None

        started = await self.change(run_id, decide)
        failpoints.hit("claim.after_commit")
        return await self._order(started)

    async def offer_again(self, run_id: RunId, job_id: JobId) -> None:
        """Offer a job that had to wait for others of its kind, if it still waits."""
        run = (await self.lines.get(run_id)).tip
        job = run.job(job_id)
        if job.status is Status.QUEUED and job.queued_at is not None:
            self.on_effects(run, (offer_of(run, job_id),))

    async def report_step(
        self,
        run_id: RunId,
        report: StepReport,
        *,
        runner_gone: bool = False,
        wants_more: bool = False,
    ) -> StepOrder | None:
        """Take in the end of a step; give the next one of its job, if there is one.

        Args:
            runner_gone: The report was found after its runner's end.
            wants_more: If the job has ended, give the first step of another job of the run, when
                it is that job's turn: a claim in the same transaction.

        Raises:
            StaleFenceError: The report is too late; it changed nothing.
        """

        def decide(draft: Draft) -> _Started:
            runner = draft.run.job(report.job).runner
            safe = without_secrets(report, draft.run)
            if report.result is not None:
                self.deployments.note_result(run_id, report.job, report.result)
            step = steps.report_step(draft, safe, runner_gone=runner_gone)
            if step is None and wants_more and runner is not None:
                step = self._hand_over(draft, runner)
            return (draft.run, step) if step is not None else None

        report = await self._with_told_metrics(run_id, report)
        if report.artifacts:
            await self.store.add_artifacts(await self._archived(run_id, report))
            await self.publish(run_id, report)
            failpoints.hit("artifacts.after_commit")
        if report.notes:
            await self.store.add_step_records(await self._noted(run_id, report))
        try:
            started = await self.change(run_id, decide)
        except StaleFenceError:
            self.on_fenced()
            raise
        failpoints.hit("report.after_commit")
        return await self._order(started)

    def _hand_over(self, draft: Draft, runner: RunnerName) -> StepSpec | None:
        """Claim another job of the run for a runner that is free now; nobody is overtaken."""
        waiting = self.first_offer()
        if waiting is None:
            job_id = draft.new_offer()
        else:
            is_its_turn = waiting.run_id == draft.run.head.id
            job_id = waiting.job_id if is_its_turn else None
        if job_id is None or not self.limits.admits(draft.run, job_id, runner):
            return None
        try:
            return steps.claim_job(draft, job_id, runner)
        except StaleFenceError:
            return None  # the offer is out of date

    async def _demand_running(self, run_id: RunId, report: StepReport) -> Run:
        run = (await self.lines.get(run_id)).tip
        steps.check_fence(run, report.job, report.fence)
        step = run.step(report.step)
        if step.status is not Status.RUNNING or step.attempt != report.attempt:
            raise StaleFenceError(f"attempt {report.attempt} of step {step.id} does not run")
        return run

    async def _with_told_metrics(self, run_id: RunId, report: StepReport) -> StepReport:
        """Add the metrics that a plugin told while it ran; it is known by its version."""
        run = (await self.lines.get(run_id)).tip
        spec = run.index.steps.get(report.step)  # None: of a copy that is gone, it comes too late
        if not report.pin or spec is None or spec.kind not in _MAY_BE_PLUGINS:
            return report
        told = [
            (name, text_of(value))
            async for record in step_records(
                self.store, run_id, "quality", step=report.step, attempt=report.attempt
            )
            for name, value in record.data.items()
        ]
        return replace(report, metrics=(*told, *report.metrics)) if told else report

    async def _noted(self, run_id: RunId, report: StepReport) -> list[StepRecord]:
        await self._demand_running(run_id, report)
        return [
            StepRecord(
                run=run_id,
                step=report.step,
                attempt=report.attempt,
                kind=note.kind,
                name=note.name,
                created_at=self.clock.now(),
                files=note.files,
                data=note.data,
            )
            for note in report.notes
        ]

    async def _archived(self, run_id: RunId, report: StepReport) -> list[Artifact]:
        run = await self._demand_running(run_id, report)
        return [
            Artifact(
                run=run_id,
                step=report.step,
                attempt=report.attempt,
                run_attempt=run.head.attempt,
                path=file.path,
                size=file.size,
                digest=file.digest,
                created_at=self.clock.now(),
            )
            for file in report.artifacts
        ]

    async def _order(self, started: _Started) -> StepOrder | None:
        """Make the order of a step that was started: with its secrets and its files.

        They are read, however long it takes: nobody asks again. Nothing of the order is stored.
        """
        while started is not None:
            run, step = started
            try:
                vault = await self.open_vault(run.head.project)
                order = await with_repository(self.store, vault, ordered(run, step, vault))
                order = await self.equip(order, Scope(run, order.job_id, step.id))
                order = replace(order, job_timeout_s=self._time_left(run, order))
                return await files_of_inputs(self.store, order)
            except InfrastructureError as error:
                log.warning("inputs_wait", run_id=run.head.id, error=str(error))
                await asyncio.sleep(changes.TRY_AGAIN_S)
        return None

    def _time_left(self, run: Run, order: StepOrder) -> float:
        """Give how many seconds are left to a job: some went by while it waited."""
        begun = run.job(order.job_id).counted_from or self.clock.now()
        return max(0.0, order.job_timeout_s - (self.clock.now() - begun).total_seconds())

    async def begin_deployment(
        self, order: StepOrder, given_up: Callable[[], bool]
    ) -> StepOrder | None:
        """Take the environment for a deploy step; None: given up while waiting for it.

        Raises:
            DeployProblemError: It can't be deployed.
        """
        run = (await self.lines.get(order.run_id)).tip
        begun = await self.deployments.begin(run, order, given_up)
        run = (await self.lines.get(order.run_id)).tip
        await self.deployments.settle_late(run, order.job_id)
        return begun

    async def end_job_time(self, run_id: RunId, order: StepOrder) -> None:
        """Note that the time of a job is over: no further step of it may start.

        Raises:
            StaleFenceError: The job is somebody else's by now.
        """

        def decide(draft: Draft) -> None:
            steps.stop_job(draft, order.job_id, order.fence, Cause.JOB_TIMEOUT)

        await self.change(run_id, decide)

    async def note_progress(self, order: StepOrder, rate: str) -> None:
        """Note how far a running step is; without effect once it has ended."""

        def decide(draft: Draft) -> None:
            steps.note_progress(
                draft,
                order.job_id,
                order.step_id,
                attempt=order.step_attempt,
                fence=order.fence,
                rate=rate,
            )

        await self.change(order.run_id, decide)

    async def lose_job(self, run_id: RunId, job_id: JobId, *, fence: int | None = None) -> None:
        """Take a job back from a runner that is gone.

        Args:
            fence: Given by a runner that gives the job back itself.

        Raises:
            StaleFenceError: The job is not held under that fence.
        """

        def decide(draft: Draft) -> None:
            if fence is not None:
                steps.check_fence(draft.run, job_id, fence)
            steps.lose_job(draft, job_id)

        await self.change(run_id, decide)


async def _no_secrets(_project: ProjectId) -> Vault:
    return Vault()


async def _as_it_is(order: StepOrder, _scope: Scope) -> StepOrder:
    return order


async def _publish_nothing(_run_id: RunId, _report: StepReport) -> None:
    return None
