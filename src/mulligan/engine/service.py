"""Engine: the use cases of runs. Each reads a snapshot, lets the core decide, and writes.

It repeats read-decide-write only when it lost a race (`StaleRevisionError`); after the commit it
hands the effects on. An effect that gets lost with the process is still in the outbox.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from msgspec.structs import replace

from mulligan import failpoints
from mulligan.core import events as e
from mulligan.core.admission import Admission, admit, may_leave_queue
from mulligan.core.cause import Cause
from mulligan.core.decision import Decision, Draft, Effect
from mulligan.core.errors import (
    ConflictError,
    InfrastructureError,
    MulliganError,
    NotFoundError,
    RefusedError,
    StaleFenceError,
    StaleRevisionError,
)
from mulligan.core.flow import cancel, queue, steps, votes
from mulligan.core.flow.walk import begin_run, refuse_stage
from mulligan.core.ids import JobId, PipelineId, RunId, RunnerName, StageId
from mulligan.core.prepare import StepOrder, prepare_step
from mulligan.core.records import Artifact, AuditEntry, Pipeline, Receipt
from mulligan.core.recovery.apply import apply_plan
from mulligan.core.recovery.plan import Plan
from mulligan.core.recovery.request import RetryFacts, RetryRequest
from mulligan.core.recovery.retry import plan_retry
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.report import StepReport
from mulligan.core.run import Run, RunAttempt, RunHead, Write
from mulligan.core.spec import PipelineSpec, SpecIndex, StepSpec
from mulligan.core.status import Status
from mulligan.engine.commands import (
    AnswerStage,
    AnswerStep,
    Command,
    ResumeStep,
    RetryOutcome,
    RetryRun,
    SetRemark,
    StartRun,
    StopRun,
)
from mulligan.engine.deployments import Deployments
from mulligan.engine.inputs import files_of_inputs
from mulligan.engine.lines import Line, Lines
from mulligan.engine.masking import without_secrets
from mulligan.engine.starting import SpecialStart, StartPolicy, new_run, timestamp_digits
from mulligan.engine.turns import Turns
from mulligan.log import get_log
from mulligan.ports import Acts, Clock, Files, Ids, Offer, RunFilter, Store

T = TypeVar("T")
log = get_log()

_MOST_TRIES = 5
_SERVE_AGAIN_S = 1.0  # before a queue is looked at again that could not be served


class RecoveryPolicy:
    """Settings of recovery. `window_days`: how long after its start a run may be retried."""

    def __init__(self, window_days: int = 28) -> None:
        self.window = timedelta(days=window_days) if window_days > 0 else None


class Engine:
    """Everything that changes a run goes through here."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        files: Files,
        start_policy: StartPolicy,
        recovery_policy: RecoveryPolicy,
    ) -> None:
        self.store = store
        self.clock = clock
        self.ids = ids
        self.files = files
        self.lines = Lines(store)
        self._start_policy = start_policy
        self._recovery_policy = recovery_policy
        self.turns = Turns()
        self.deployments = Deployments(store=store, clock=clock, ids=ids)
        self._numbers: dict[PipelineId, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._indexes: dict[tuple[PipelineId, int], SpecIndex] = {}
        # set by the composition root: what to do with effects, and whom to wake after a commit
        self.on_effects: Callable[[Run, tuple[Effect, ...]], None] = lambda _run, _effects: None
        self.on_commit: Callable[[Decision], None] = lambda _decision: None
        self.on_fenced: Callable[[], None] = lambda: None  # a report came too late
        # registers the packages that a step made
        self.publish: Callable[[RunId, StepReport], Awaitable[None]] = _publish_nothing
        # the offer that is next, for runners that take their next job with a report
        self.first_offer: Callable[[], Offer | None] = lambda: None

    @property
    def retry_window(self) -> timedelta | None:
        """How long after its start a run may be retried; None = for ever."""
        return self._recovery_policy.window

    # --- queries ------------------------------------------------------------------------------

    async def get_run(self, run_id: RunId) -> Run:
        """Return the newest stored snapshot.

        Raises:
            NotFoundError: No such run.
        """
        line = await self.lines.get(run_id)
        if line.stored.head.revision == 0:  # its very first commit is still on the way
            raise NotFoundError("run", run_id)
        return line.stored

    async def tidy_run(self, run_id: RunId) -> None:
        """Free what an ended run does not need. A run that goes on again keeps everything."""
        line = await self.lines.get(run_id)
        if line.tip.head.status is Status.SUCCEEDED:
            self.files.discard_workspaces(line.tip)
        if line.stored.head.status.is_final:
            await self.files.compress_logs(line.stored)

    # --- commands of people -------------------------------------------------------------------

    async def start_run(self, command: StartRun) -> RunHead:
        """Start the newest version of a pipeline.

        Raises:
            RefusedError: Locked, deleted, a parameter is missing …
            NotFoundError: No such pipeline.
        """
        return await asyncio.shield(self._start_in_turn(command))

    async def _start_in_turn(self, command: StartRun) -> RunHead:
        async with self.turns.beginning(command.pipeline):
            return await self.start_as(command)

    async def start_as(self, command: StartRun, special: SpecialStart | None = None) -> RunHead:
        """Start a run that does something else than to go through its stages, if `special`."""
        pipeline = await self.store.find_pipeline(command.pipeline)
        if pipeline is None:
            raise NotFoundError("pipeline", command.pipeline)
        version = await self.store.find_version(pipeline.id, pipeline.version)
        project = await self.store.find_project(pipeline.project)
        index = self._index(pipeline.id, pipeline.version, version.spec if version else None)
        for _ in range(_MOST_TRIES):
            number = await self._take_number(pipeline.id)
            run_or_refusal = new_run(
                command,
                pipeline=pipeline,
                project=project,
                version=version,
                index=index,
                run_id=RunId("b-" + self.ids.hex32()),
                number=number,
                now=self.clock.now(),
                policy=self._start_policy,
            )
            if isinstance(run_or_refusal, Refusal):
                self._give_number_back(pipeline.id, number)
                raise RefusedError(run_or_refusal)
            run, writes = run_or_refusal
            if special is not None:
                run = _with_first_attempt(run, special.attempt)
            admission = admit(
                pipeline.settings, self.lines.load(pipeline.id), self._start_policy.queue_floor
            )
            if isinstance(admission, Refusal):
                self._give_number_back(pipeline.id, number)
                raise RefusedError(admission)
            draft = Draft(run, self.clock.now(), is_new=True)
            wait = None if admission.begins else pipeline.settings.wait_queue_minutes
            try:
                _begin_new(draft, command, writes, wait, special)
                head = await self._store_new(draft, command)
            except ConflictError as conflict:
                if conflict.code != "run-number":
                    self._give_number_back(pipeline.id, number)
                    raise
                self._numbers.pop(pipeline.id, None)  # another server took it: ask again
            except MulliganError:
                self._give_number_back(pipeline.id, number)
                raise
            else:
                self._make_room(admission)
                failpoints.hit("start.after_commit")
                return head
        raise StaleRevisionError(f"no run number to be had for pipeline {pipeline.id}")

    async def _store_new(self, draft: Draft, command: StartRun) -> RunHead:
        decision = draft.decision()
        head = decision.run.head
        action = "run.rollback" if head.is_rollback else "run.start"
        acts = self._acts(command, action, head, head)
        ledger = self.deployments.settle(decision)
        if ledger is not None:
            acts = replace(acts, ledger=ledger)
        if command.clears_latches:
            acts = replace(acts, clear_latches=head.pipeline)
        line = self.lines.add(replace(decision.run, head=replace(head, revision=0)))
        line.tip = decision.run
        await self._commit(line, decision, acts)
        return head

    async def plan_retry(self, command: RetryRun) -> Plan:
        """Tell what `retry_run` would do, and change nothing.

        Raises:
            RefusedError: It would be refused.
        """
        run = (await self.lines.get(command.run_id)).tip
        goes_by_newest = command.through_end and run.head.status.is_final
        newest = await self.newest_index(run) if goes_by_newest else None
        if newest is not None:
            run = replace(run, index=newest[1])
        facts = await self._retry_facts(run)
        facts = replace(facts, version=newest[0] if newest is not None else 0)
        plan = plan_retry(run, _retry_request(command), facts)
        if isinstance(plan, Refusal):
            raise RefusedError(plan)
        return plan

    async def retry_run(self, command: RetryRun) -> RetryOutcome:
        """Run a part of a run again, or skip it. The one way in for every recovery.

        Raises:
            RefusedError: A rule refuses; nothing has changed.
        """
        return await asyncio.shield(self._retry_in_turn(command))

    async def _retry_in_turn(self, command: RetryRun) -> RetryOutcome:
        line = await self.lines.get(command.run_id)
        async with self.turns.beginning(line.tip.head.pipeline):
            return await self._retry(command)

    async def _retry(self, command: RetryRun) -> RetryOutcome:
        request = _retry_request(command)
        line = await self.lines.get(command.run_id)
        pipeline = await self.store.find_pipeline(line.tip.head.pipeline)
        admission = Admission(begins=True)
        newest = await self.newest_index(line.tip) if command.through_end else None
        by_newest = newest is not None and line.tip.head.status.is_final
        facts = await self._retry_facts(
            replace(line.tip, index=newest[1]) if newest is not None and by_newest else line.tip
        )

        def decide(draft: Draft) -> RetryOutcome | Refusal:
            nonlocal admission
            if command.revision not in {None, draft.run.head.revision}:
                return Refusal(code=RefusalCode.PLAN_STALE, message="the run has moved on")
            # looked at here, not before: a workspace must not go between plan and act
            live = self.files.live_workspaces(draft.run)
            present = replace(
                facts,
                now=draft.now,
                live_workspaces=live,
                is_newest=draft.run.head.number == self._numbers.get(draft.run.head.pipeline),
            )
            if newest is not None and draft.run.head.status.is_final:
                present = replace(present, version=newest[0], own_index=draft.run.index)
                draft.run = replace(draft.run, index=newest[1])
            plan = plan_retry(draft.run, request, present)
            if isinstance(plan, Refusal):
                return plan
            if not plan.while_running and pipeline is not None:
                load = self.lines.load(pipeline.id, but=command.run_id)
                found = admit(pipeline.settings, load, self._start_policy.queue_floor)
                if isinstance(found, Refusal):
                    return found
                admission = found
            minutes = pipeline.settings.wait_queue_minutes if pipeline is not None else 1
            apply_plan(draft, plan, request, queue_minutes=None if admission.begins else minutes)
            return RetryOutcome(head=draft.run.head, plan=plan)

        outcome = await self.act(command, command.run_id, "run.retry", decide)
        self._make_room(admission)
        failpoints.hit("retry.after_commit")
        return outcome

    # --- the queue of a pipeline ----------------------------------------------------------------

    def _make_room(self, admission: Admission) -> None:
        if admission.drops is not None:
            self._spawn(self.change(admission.drops, queue.drop_from_queue))

    def _spawn(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def serve_queue(self, pipeline_id: PipelineId) -> None:
        """Let waiting runs of a pipeline begin, as many as may."""
        while (load := self.lines.load(pipeline_id)).queued:
            pipeline = await self.store.find_pipeline(pipeline_id)
            running = self.lines.load(pipeline_id).running
            if pipeline is None or not may_leave_queue(pipeline.settings, running):
                return
            await self.change(load.queued[0], queue.begin_queued)

    async def _serve_surely(self, pipeline_id: PipelineId) -> None:
        """Serve a queue although the store is away: nobody else may come and look at it."""
        while True:
            try:
                return await self.serve_queue(pipeline_id)
            except InfrastructureError as error:
                log.warning("queue_waits", pipeline=pipeline_id, error=str(error))
                await asyncio.sleep(_SERVE_AGAIN_S)

    async def _settle_surely(self, run: Run, job_id: JobId) -> None:
        """Settle a deployment although the store is away: its environment stays held until then."""
        while True:
            try:
                return await self.deployments.settle_late(run, job_id)
            except (InfrastructureError, StaleRevisionError) as error:
                log.warning("settlement_waits", run_id=run.head.id, error=str(error))
                await asyncio.sleep(_SERVE_AGAIN_S)

    async def serve_queues(self) -> None:
        """Look at the queues of all pipelines: the end of a run may have been the last thing."""
        for pipeline_id in self.lines.pipelines():
            await self.serve_queue(pipeline_id)

    async def time_out_queue(self, run_id: RunId) -> None:
        """End a run that has waited too long for its turn."""
        await self.change(run_id, queue.time_out_queue)

    async def warm_up(self) -> None:
        """Take all unfinished runs into memory: queues are judged by what is there."""
        cursor = ""
        while True:
            page = await self.store.list_runs(
                RunFilter(statuses=(Status.QUEUED, Status.RUNNING)), limit=200, cursor=cursor
            )
            for head in page.items:
                await self.lines.get(head.id)
            cursor = page.cursor
            if not cursor:
                return

    async def _retry_facts(self, run: Run) -> RetryFacts:
        head = run.head
        pipeline = await self.store.find_pipeline(head.pipeline)
        project = await self.store.find_project(head.project)
        version = await self.store.find_version(head.pipeline, head.version)
        settings = pipeline.settings if pipeline is not None else None
        return RetryFacts(
            now=self.clock.now(),
            window=self._recovery_policy.window,
            pipeline_deleted=pipeline is None or pipeline.deleted_at is not None,
            version_gone=version is None,
            locked=pipeline is not None
            and (pipeline.locked or (settings is not None and settings.run_lock == "LOCK")),
            project_disabled=project is None or project.disabled,
            clean_variables=settings is not None and settings.clean_variables_on_retry,
            live_workspaces=self.files.live_workspaces(run),
            only_newest=settings is not None and settings.run_lock == "EXCLUSIVE",
            is_newest=head.number == await self.last_number(head.pipeline),
            was_reset=await self._was_reset(run, pipeline),
            older_than_live=await self.deployments.steps_older_than_live(run),
        )

    async def _was_reset(self, run: Run, pipeline: Pipeline | None) -> bool:
        if pipeline is None or pipeline.version == run.head.version:
            return False
        newest = await self.store.find_version(pipeline.id, pipeline.version)
        return newest is not None and newest.reset_run >= run.head.number

    async def was_reset(self, run: Run) -> bool:
        """Tell whether the definition has changed so that the run can't go on by it."""
        return await self._was_reset(run, await self.store.find_pipeline(run.head.pipeline))

    def timestamp_digits(self, now: datetime) -> str:
        """Give an instant as computed parameters have it."""
        return timestamp_digits(now, self._start_policy)

    def known_number(self, pipeline: PipelineId) -> int | None:
        """Return the number of the newest run, once it was asked for."""
        return self._numbers.get(pipeline)

    async def last_number(self, pipeline: PipelineId) -> int:
        """Return the number of the newest run of a pipeline."""
        if pipeline not in self._numbers:
            last = await self.store.last_number(pipeline)
            self._numbers.setdefault(pipeline, last)
        return self._numbers[pipeline]

    async def newest_index(
        self, run: Run, *, also_reset: bool = False
    ) -> tuple[int, SpecIndex] | None:
        """Return the newest version of the run's pipeline, if the run can go on by it.

        `also_reset`: also one whose stages have become others since.
        """
        pipeline = await self.store.find_pipeline(run.head.pipeline)
        if pipeline is None or pipeline.version == run.head.version:
            return None
        newest = await self.store.find_version(pipeline.id, pipeline.version)
        if newest is None:
            return None
        index = self._index(pipeline.id, pipeline.version, newest.spec)
        if newest.reset_run >= run.head.number:
            return (pipeline.version, index) if also_reset and index is not None else None
        if index is None or list(index.jobs) != list(run.index.jobs):
            return None
        return pipeline.version, index

    async def stop_run(self, command: StopRun) -> RunHead:
        """Stop a run.

        Raises:
            RefusedError: It has ended, or somebody has just done the same.
        """

        def decide(draft: Draft) -> RunHead | Refusal:
            return cancel.stop_run(draft, command.actor) or draft.run.head

        return await self.act(command, command.run_id, "run.stop", decide)

    async def release_hold(self, command: StopRun) -> RunHead:
        """Give up a failed run that is held for a retry.

        Raises:
            RefusedError: It is not held.
        """

        def decide(draft: Draft) -> RunHead | Refusal:
            return cancel.release_hold(draft, command.actor) or draft.run.head

        return await self.act(command, command.run_id, "run.release", decide)

    async def answer_stage(self, command: AnswerStage) -> RunHead:
        """Approve or refuse a stage."""

        def decide(draft: Draft) -> RunHead | Refusal:
            return votes.answer_stage(draft, command.stage, command.answer) or draft.run.head

        return await self.act(command, command.run_id, "stage.answer", decide)

    async def answer_step(self, command: AnswerStep) -> RunHead:
        """Answer a review step."""

        def decide(draft: Draft) -> RunHead | Refusal:
            return votes.answer_step(draft, command.step, command.answer) or draft.run.head

        return await self.act(command, command.run_id, "step.answer", decide)

    async def resume_step(self, command: ResumeStep) -> RunHead:
        """Let a paused step run, or cancel it."""

        def decide(draft: Draft) -> RunHead | Refusal:
            refusal = votes.answer_pause(
                draft, command.step, command.actor, go_ahead=command.go_ahead
            )
            return refusal or draft.run.head

        return await self.act(command, command.run_id, "step.resume", decide)

    async def set_remark(self, command: SetRemark) -> RunHead:
        """Set the remark of a run."""

        def decide(draft: Draft) -> RunHead:
            draft.emit(e.RemarkWritten(at=draft.now, actor=command.actor, text=command.text))
            return draft.run.head

        return await self.act(command, command.run_id, "run.remark", decide)

    # --- commands of runners and timers ---------------------------------------------------------

    async def claim_job(
        self, run_id: RunId, job_id: JobId, attempt: int, runner: RunnerName
    ) -> StepOrder | None:
        """Take a job for a runner; give its first step, or None if there is nothing to do.

        Raises:
            StaleFenceError: It is not offered any more.
        """

        def decide(draft: Draft) -> StepOrder | None:
            if draft.run.job(job_id).attempt != attempt:
                return None
            step = steps.claim_job(draft, job_id, runner)
            return prepare_step(draft.run, step) if step is not None else None

        order = await self.change(run_id, decide)
        failpoints.hit("claim.after_commit")
        return await self._with_files(order)

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

        def decide(draft: Draft) -> StepOrder | None:
            runner = draft.run.job(report.job).runner
            safe = without_secrets(report, draft.run)
            if report.result is not None:
                self.deployments.note_result(run_id, report.job, report.result)
            step = steps.report_step(draft, safe, runner_gone=runner_gone)
            if step is None and wants_more and runner is not None:
                step = self._hand_over(draft, runner)
            return prepare_step(draft.run, step) if step is not None else None

        if report.artifacts:
            await self.store.add_artifacts(await self._archived(run_id, report))
            await self.publish(run_id, report)
            failpoints.hit("artifacts.after_commit")
        try:
            order = await self.change(run_id, decide)
        except StaleFenceError:
            self.on_fenced()
            raise
        failpoints.hit("report.after_commit")
        return await self._with_files(order)

    def _hand_over(self, draft: Draft, runner: RunnerName) -> StepSpec | None:
        """Claim another job of the run for a runner that is free now; nobody is overtaken."""
        waiting = self.first_offer()
        if waiting is None:
            job_id = draft.new_offer()
        else:
            is_its_turn = waiting.run_id == draft.run.head.id
            job_id = waiting.job_id if is_its_turn else None
        if job_id is None:
            return None
        try:
            return steps.claim_job(draft, job_id, runner)
        except StaleFenceError:
            return None  # the offer is out of date

    async def _archived(self, run_id: RunId, report: StepReport) -> list[Artifact]:
        run = (await self.lines.get(run_id)).tip
        steps.check_fence(run, report.job, report.fence)
        step = run.step(report.step)
        if step.status is not Status.RUNNING or step.attempt != report.attempt:
            raise StaleFenceError(f"attempt {report.attempt} of step {step.id} does not run")
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

    async def _with_files(self, order: StepOrder | None) -> StepOrder | None:
        """Tell a step which files it takes as its input.

        They are read, however long it takes: the step has been started, and nobody asks again.
        """
        while order is not None:
            try:
                return await files_of_inputs(self.store, order)
            except InfrastructureError as error:
                log.warning("inputs_wait", run_id=order.run_id, error=str(error))
                await asyncio.sleep(_SERVE_AGAIN_S)
        return None

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

    async def time_out_review(self, run_id: RunId, stage_id: StageId) -> None:
        """Refuse a review whose time is over."""
        await self.change(run_id, lambda draft: votes.time_out_review(draft, stage_id))

    # --- read, decide, write --------------------------------------------------------------------

    async def act(
        self,
        command: Command,
        run_id: RunId,
        action: str,
        decide: Callable[[Draft], T | Refusal],
    ) -> T:
        def checked(draft: Draft) -> T:
            result = decide(draft)
            if isinstance(result, Refusal):
                raise RefusedError(result)
            return result

        act = self.change(run_id, checked, command=command, action=action)
        result = await asyncio.shield(act)
        failpoints.hit("act.after_commit")
        return result

    async def change(
        self,
        run_id: RunId,
        decide: Callable[[Draft], T],
        *,
        command: Command | None = None,
        action: str = "",
    ) -> T:
        """Let `decide` put a decision together on the newest snapshot, and store it."""
        for attempt in range(1, _MOST_TRIES + 1):
            await self.deployments.load_environments_of(run_id)
            line = await self.lines.get(run_id)
            draft = Draft(line.tip, self.clock.now())
            may_wait = attempt < _MOST_TRIES
            try:
                result = decide(draft)
            except MulliganError:
                if may_wait and await line.at_rest():
                    continue  # refused because of something that may yet not be stored
                raise
            if not draft.has_events:
                if may_wait and await line.at_rest():
                    continue
                return result
            decision = draft.decision()
            acts = Acts()
            if command is not None:
                acts = self._acts(command, action, decision.run.head, result)
            ledger = self.deployments.settle(decision)
            if ledger is not None:
                acts = replace(acts, ledger=ledger)
            line.tip = decision.run
            try:
                await self._commit(line, decision, acts)
            except StaleRevisionError:
                log.info("race_lost", run_id=run_id, attempt=attempt)
                continue
            return result
        raise StaleRevisionError(f"run {run_id} changes too fast: {_MOST_TRIES} races lost")

    async def _commit(self, line: Line, decision: Decision, acts: Acts) -> None:
        failpoints.hit("commit.before")
        line.in_flight += 1
        try:
            # the store takes decisions in the order of the calls, before it first waits
            await self.store.append(decision, acts)
        except BaseException:
            # also when the wait is cancelled: whether it was stored is then read again
            self.lines.drop(decision.run.head.id, line)
            if acts.ledger is not None:
                self.deployments.forget(acts.ledger)
            raise
        finally:
            line.landed()
        failpoints.hit("commit.after")
        self.lines.stored(line, decision.run)
        self.on_effects(decision.run, decision.effects)
        self.on_commit(decision)
        head = decision.run.head
        for job in decision.jobs:
            if job.status.is_final and self.deployments.is_open(head.id, job.id):
                self._spawn(self._settle_surely(decision.run, job.id))
        if (head.status.is_final or decision.gates) and self.lines.load(head.pipeline).queued:
            self._spawn(self._serve_surely(head.pipeline))

    def _acts(self, command: Command, action: str, head: RunHead, result: object) -> Acts:
        now = self.clock.now()
        entry = AuditEntry(
            at=now,
            actor=command.actor,
            action=action,
            project=head.project,
            target=head.id,
            origin=command.origin,
            reason=getattr(command, "reason", ""),
            detail=_audit_detail(command),
        )
        receipt = None
        if command.receipt is not None:
            status, body, content_type = command.receipt.render(result)
            receipt = Receipt(
                actor=command.actor,
                key=command.receipt.key,
                fingerprint=command.receipt.fingerprint,
                status=status,
                body=body,
                content_type=content_type,
                created_at=now,
            )
        return Acts(receipt=receipt, audit=(entry,))

    async def _take_number(self, pipeline: PipelineId) -> int:
        await self.last_number(pipeline)
        self._numbers[pipeline] += 1
        return self._numbers[pipeline]

    def _give_number_back(self, pipeline: PipelineId, number: int) -> None:
        if self._numbers.get(pipeline) == number:
            self._numbers[pipeline] = number - 1

    def _index(self, pipeline: PipelineId, version: int, spec: object) -> SpecIndex | None:

        if not isinstance(spec, PipelineSpec):
            return None
        key = (pipeline, version)
        if key not in self._indexes:
            if len(self._indexes) > 256:
                self._indexes.clear()
            self._indexes[key] = SpecIndex(spec)
        return self._indexes[key]


def _begin_new(
    draft: Draft,
    command: StartRun,
    writes: tuple[Write, ...],
    wait_minutes: int | None,
    special: SpecialStart | None = None,
) -> None:
    """Let a new run begin, or wait for its turn."""
    draft.emit(e.RunCreated(at=draft.now, actor=command.actor))
    draft.emit(e.ValuesWritten(at=draft.now, writes=writes))
    if command.signal is not None:
        votes.receive_signal(draft, *command.signal)
    if wait_minutes is not None:
        queue.wait_in_queue(draft, wait_minutes)
        return
    if special is not None:
        special.begin(draft)
        return
    begin_run(draft)
    if command.is_unauthorized:
        refuse_stage(draft)


def _with_first_attempt(run: Run, attempt: RunAttempt) -> Run:
    return replace(run, head=replace(run.head, attempts=(attempt,)))


async def _publish_nothing(_run_id: RunId, _report: StepReport) -> None:
    return None


async def _logged(work: Coroutine[Any, Any, object]) -> None:
    try:
        await work
    except MulliganError as error:
        log.warning("background_failed", error=str(error))


def _retry_request(command: RetryRun) -> RetryRequest:
    return RetryRequest(
        actor=command.actor,
        target=command.target,
        only_failed=command.only_failed,
        skip=command.skip,
        reason=command.reason,
        may_operate=command.may_operate,
        through_end=command.through_end,
    )


def _audit_detail(command: Command) -> dict[str, object]:
    skipped = {"actor", "origin", "receipt", "reason", "values", "answer", "run_id"}
    return {
        name: getattr(command, name)
        for name in command.__struct_fields__
        if name not in skipped and getattr(command, name) not in ("", None, False, frozenset())
    }
