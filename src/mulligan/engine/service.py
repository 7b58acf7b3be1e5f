"""Engine: the use cases of runs. Each reads a snapshot, lets the core decide, and writes.

It repeats read-decide-write only when it lost a race (`StaleRevisionError`); after the commit it
hands the effects on. An effect that gets lost with the process is still in the outbox.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
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
from mulligan.core.flow.walk import begin_run
from mulligan.core.ids import JobId, PipelineId, RunId, RunnerName, StageId
from mulligan.core.prepare import StepOrder, prepare_step
from mulligan.core.records import Artifact, AuditEntry, Receipt
from mulligan.core.recovery.apply import apply_plan
from mulligan.core.recovery.plan import Plan
from mulligan.core.recovery.request import RetryFacts, RetryRequest
from mulligan.core.recovery.retry import plan_retry
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.report import StepReport
from mulligan.core.run import Run, RunHead
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
from mulligan.engine.lines import Line, Lines
from mulligan.engine.masking import without_secrets
from mulligan.engine.starting import StartPolicy, new_run
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
        self._numbers: dict[PipelineId, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._indexes: dict[tuple[PipelineId, int], SpecIndex] = {}
        # set by the composition root: what to do with effects, and whom to wake after a commit
        self.on_effects: Callable[[Run, tuple[Effect, ...]], None] = lambda _run, _effects: None
        self.on_commit: Callable[[Decision], None] = lambda _decision: None
        self.on_fenced: Callable[[], None] = lambda: None  # a report came too late
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
        return await asyncio.shield(self._start(command))

    async def _start(self, command: StartRun) -> RunHead:
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
            admission = admit(
                pipeline.settings, self.lines.load(pipeline.id), self._start_policy.queue_floor
            )
            if isinstance(admission, Refusal):
                self._give_number_back(pipeline.id, number)
                raise RefusedError(admission)
            draft = Draft(run, self.clock.now(), is_new=True)
            draft.emit(e.RunCreated(at=draft.now, actor=command.actor))
            draft.emit(e.ValuesWritten(at=draft.now, writes=writes))
            if admission.begins:
                begin_run(draft)
            else:
                queue.wait_in_queue(draft, pipeline.settings.wait_queue_minutes)
            try:
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
        acts = self._acts(command, "run.start", head, head)
        line = self.lines.add(replace(decision.run, head=replace(head, revision=0)))
        line.tip = decision.run
        await self._commit(line, decision, acts)
        return head

    async def plan_retry(self, command: RetryRun) -> Plan:
        """Tell what `retry_run` would do, and change nothing.

        Raises:
            RefusedError: It would be refused.
        """
        line = await self.lines.get(command.run_id)
        facts = await self._retry_facts(line.tip)
        plan = plan_retry(line.tip, _retry_request(command), facts)
        if isinstance(plan, Refusal):
            raise RefusedError(plan)
        return plan

    async def retry_run(self, command: RetryRun) -> RetryOutcome:
        """Run a part of a run again, or skip it. The one way in for every recovery.

        Raises:
            RefusedError: A rule refuses; nothing has changed.
        """
        return await asyncio.shield(self._retry(command))

    async def _retry(self, command: RetryRun) -> RetryOutcome:
        request = _retry_request(command)
        line = await self.lines.get(command.run_id)
        facts = await self._retry_facts(line.tip)
        pipeline = await self.store.find_pipeline(line.tip.head.pipeline)
        admission = Admission(begins=True)

        def decide(draft: Draft) -> RetryOutcome | Refusal:
            nonlocal admission
            if command.revision not in {None, draft.run.head.revision}:
                return Refusal(code=RefusalCode.PLAN_STALE, message="the run has moved on")
            # looked at here, not before: a workspace must not go between plan and act
            live = self.files.live_workspaces(draft.run)
            present = replace(facts, now=draft.now, live_workspaces=live)
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

        outcome = await self._act(command, command.run_id, "run.retry", decide)
        self._make_room(admission)
        failpoints.hit("retry.after_commit")
        return outcome

    # --- the queue of a pipeline ----------------------------------------------------------------

    def _make_room(self, admission: Admission) -> None:
        if admission.drops is not None:
            self._spawn(self._change(admission.drops, queue.drop_from_queue))

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
            await self._change(load.queued[0], queue.begin_queued)

    async def _serve_surely(self, pipeline_id: PipelineId) -> None:
        """Serve a queue although the store is away: nobody else may come and look at it."""
        while True:
            try:
                return await self.serve_queue(pipeline_id)
            except InfrastructureError as error:
                log.warning("queue_waits", pipeline=pipeline_id, error=str(error))
                await asyncio.sleep(_SERVE_AGAIN_S)

    async def serve_queues(self) -> None:
        """Look at the queues of all pipelines: the end of a run may have been the last thing."""
        for pipeline_id in self.lines.pipelines():
            await self.serve_queue(pipeline_id)

    async def time_out_queue(self, run_id: RunId) -> None:
        """End a run that has waited too long for its turn."""
        await self._change(run_id, queue.time_out_queue)

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
        )

    async def stop_run(self, command: StopRun) -> RunHead:
        """Stop a run.

        Raises:
            RefusedError: It has ended, or somebody has just done the same.
        """

        def decide(draft: Draft) -> RunHead | Refusal:
            return cancel.stop_run(draft, command.actor) or draft.run.head

        return await self._act(command, command.run_id, "run.stop", decide)

    async def answer_stage(self, command: AnswerStage) -> RunHead:
        """Approve or refuse a stage."""

        def decide(draft: Draft) -> RunHead | Refusal:
            return votes.answer_stage(draft, command.stage, command.answer) or draft.run.head

        return await self._act(command, command.run_id, "stage.answer", decide)

    async def answer_step(self, command: AnswerStep) -> RunHead:
        """Answer a review step."""

        def decide(draft: Draft) -> RunHead | Refusal:
            return votes.answer_step(draft, command.step, command.answer) or draft.run.head

        return await self._act(command, command.run_id, "step.answer", decide)

    async def resume_step(self, command: ResumeStep) -> RunHead:
        """Let a paused step run, or cancel it."""

        def decide(draft: Draft) -> RunHead | Refusal:
            refusal = votes.answer_pause(
                draft, command.step, command.actor, go_ahead=command.go_ahead
            )
            return refusal or draft.run.head

        return await self._act(command, command.run_id, "step.resume", decide)

    async def set_remark(self, command: SetRemark) -> RunHead:
        """Set the remark of a run."""

        def decide(draft: Draft) -> RunHead:
            draft.emit(e.RemarkWritten(at=draft.now, actor=command.actor, text=command.text))
            return draft.run.head

        return await self._act(command, command.run_id, "run.remark", decide)

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

        order = await self._change(run_id, decide)
        failpoints.hit("claim.after_commit")
        return await self._with_artifacts(order)

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
            step = steps.report_step(draft, safe, runner_gone=runner_gone)
            if step is None and wants_more and runner is not None:
                step = self._hand_over(draft, runner)
            return prepare_step(draft.run, step) if step is not None else None

        if report.artifacts:
            await self.store.add_artifacts(await self._archived(run_id, report))
            failpoints.hit("artifacts.after_commit")
        try:
            order = await self._change(run_id, decide)
        except StaleFenceError:
            self.on_fenced()
            raise
        failpoints.hit("report.after_commit")
        return await self._with_artifacts(order)

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

    async def _with_artifacts(self, order: StepOrder | None) -> StepOrder | None:
        """Tell a download step what there is: of every producer the files of its newest attempt."""
        if order is None or order.kind != "download":
            return order
        artifacts = await self._artifacts_of(order.run_id)
        newest: dict[str, int] = {}
        for artifact in artifacts:
            newest[artifact.step] = max(newest.get(artifact.step, 0), artifact.attempt)
        files = {
            artifact.path: artifact.digest
            for artifact in artifacts
            if artifact.attempt == newest[artifact.step]
        }
        return replace(order, inputs={**order.inputs, "files": files})

    async def _artifacts_of(self, run_id: RunId) -> tuple[Artifact, ...]:
        """Read them, however long it takes: the step has been started, and nobody asks again."""
        while True:
            try:
                return await self.store.list_artifacts(run_id)
            except InfrastructureError as error:
                log.warning("artifacts_wait", run_id=run_id, error=str(error))
                await asyncio.sleep(_SERVE_AGAIN_S)

    async def end_job_time(self, run_id: RunId, order: StepOrder) -> None:
        """Note that the time of a job is over: no further step of it may start.

        Raises:
            StaleFenceError: The job is somebody else's by now.
        """

        def decide(draft: Draft) -> None:
            steps.stop_job(draft, order.job_id, order.fence, Cause.JOB_TIMEOUT)

        await self._change(run_id, decide)

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

        await self._change(run_id, decide)

    async def time_out_review(self, run_id: RunId, stage_id: StageId) -> None:
        """Refuse a review whose time is over."""
        await self._change(run_id, lambda draft: votes.time_out_review(draft, stage_id))

    # --- read, decide, write --------------------------------------------------------------------

    async def _act(
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

        act = self._change(run_id, checked, command=command, action=action)
        result = await asyncio.shield(act)
        failpoints.hit("act.after_commit")
        return result

    async def _change(
        self,
        run_id: RunId,
        decide: Callable[[Draft], T],
        *,
        command: Command | None = None,
        action: str = "",
    ) -> T:
        """Let `decide` put a decision together on the newest snapshot, and store it."""
        for attempt in range(1, _MOST_TRIES + 1):
            line = await self.lines.get(run_id)
            draft = Draft(line.tip, self.clock.now())
            result = decide(draft)
            if not draft.has_events:
                return result
            decision = draft.decision()
            acts = Acts()
            if command is not None:
                acts = self._acts(command, action, decision.run.head, result)
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
            raise
        finally:
            line.in_flight -= 1
        failpoints.hit("commit.after")
        self.lines.stored(line, decision.run)
        self.on_effects(decision.run, decision.effects)
        self.on_commit(decision)
        head = decision.run.head
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
        if pipeline not in self._numbers:
            last = await self.store.last_number(pipeline)
            self._numbers.setdefault(pipeline, last)
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
    )


def _audit_detail(command: Command) -> dict[str, object]:
    skipped = {"actor", "origin", "receipt", "reason", "values", "answer", "run_id"}
    return {
        name: getattr(command, name)
        for name in command.__struct_fields__
        if name not in skipped and getattr(command, name) not in ("", None, False, frozenset())
    }
