"""Engine: what people ask of runs – start, retry, stop, answer.

How a run changes at all is in `changes.py`, what runners ask and tell in `reports.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from msgspec.structs import replace

from mulligan import failpoints
from mulligan.core import events as e
from mulligan.core.admission import Admission
from mulligan.core.alias import OF_DAY
from mulligan.core.decision import Decision, Draft
from mulligan.core.errors import (
    ConflictError,
    MulliganError,
    NotFoundError,
    RefusedError,
    StaleRevisionError,
)
from mulligan.core.evolve import with_index
from mulligan.core.flow import cancel, overdue, queue, trigger_review, votes
from mulligan.core.flow.steps import begin_waiting_jobs
from mulligan.core.flow.walk import begin_run, refuse_stage
from mulligan.core.ids import JobId, PipelineId, RunId, StageId, StepId
from mulligan.core.items import ItemChange
from mulligan.core.needs import settle_alike
from mulligan.core.posts import PostAction, index_of
from mulligan.core.records import Pipeline, PipelineVersion
from mulligan.core.recovered import with_last_act
from mulligan.core.recovery.apply import apply_plan
from mulligan.core.recovery.plan import Plan
from mulligan.core.recovery.request import RetryFacts, RetryRequest
from mulligan.core.recovery.retry import plan_retry
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Run, RunAttempt, RunHead, Write
from mulligan.core.spec import TRIGGER_STAGE, PipelineSpec, SpecIndex
from mulligan.core.status import Status
from mulligan.core.trigger_records import TriggerChange
from mulligan.engine.changes import MOST_TRIES
from mulligan.engine.commands import (
    AnswerStage,
    AnswerStep,
    ResumeStep,
    RetryOutcome,
    RetryRun,
    SetRemark,
    StartRun,
    StopRun,
)
from mulligan.engine.counters import Count
from mulligan.engine.mutexes import Mutexes
from mulligan.engine.quality import rules_for
from mulligan.engine.queues import Queues
from mulligan.engine.reports import Reports
from mulligan.engine.starting import (
    SpecialStart,
    StartPolicy,
    new_run,
    start_of_day,
    timestamp_digits,
)
from mulligan.engine.turns import Turns
from mulligan.log import get_log
from mulligan.ports import Clock, Files, Ids, RunFilter, Store

log = get_log()
_Made = tuple[Run, tuple[Write, ...]] | Refusal
_Maker = Callable[[int, int | None], _Made]


class RecoveryPolicy:
    """Settings of recovery. `window_days`: how long after its start a run may be retried."""

    def __init__(self, window_days: int = 28) -> None:
        self.window = timedelta(days=window_days) if window_days > 0 else None


class Engine(Reports):
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
        super().__init__(store=store, clock=clock, ids=ids)
        self.files = files
        self.turns = Turns()
        self.queues = Queues(self, start_policy.queue_floor)
        self.mutexes = Mutexes(self)
        self._start_policy = start_policy
        self._recovery_policy = recovery_policy
        # set by the composition root: what plugins add to the jobs of a definition
        self.find_posts: Callable[[PipelineSpec], Awaitable[tuple[PostAction, ...]]] = _no_posts
        self._numbers: dict[PipelineId, int] = {}
        self._indexes: dict[tuple[PipelineId, int, tuple[PostAction, ...]], SpecIndex] = {}

    def is_reached_at(self, url: str) -> None:
        """Note the address of the server, for the links to runs that start from now on."""
        self._start_policy = replace(self._start_policy, public_url=url)

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
        spec = version.spec if version is not None and special is None else None
        async with self.counters.turn(pipeline, spec, command.version_number) as count:
            return await self._start(command, special, pipeline, version, count)

    async def _start(
        self,
        command: StartRun,
        special: SpecialStart | None,
        pipeline: Pipeline,
        version: PipelineVersion | None,
        count: Count,
    ) -> RunHead:
        make, index = await self._maker(command, pipeline, version)
        people = await self.people_of(pipeline.project, index)
        for _ in range(MOST_TRIES):
            number = await self._take_number(pipeline.id)
            run_or_refusal = make(number, count.number)
            if isinstance(run_or_refusal, Refusal):
                self._give_number_back(pipeline.id, number)
                raise RefusedError(run_or_refusal)
            run, writes = run_or_refusal
            if special is not None:
                run = _with_first_attempt(run, special.attempt)
            if command.review is None:
                admission = self.queues.admit(pipeline, run.head, command.replaces)
            else:
                admission = self.queues.may_ask(pipeline.id)
            if isinstance(admission, Refusal):
                self._give_number_back(pipeline.id, number)
                raise RefusedError(admission)
            draft = Draft(run, self.clock.now(), is_new=True, people=people)
            wait = None if admission.begins else pipeline.settings.wait_queue_minutes
            try:
                _begin_new(draft, command, writes, wait, special)
                head = await self._store_new(draft, command, count.change)
            except ConflictError as conflict:
                if conflict.code != "run-number":
                    self._give_number_back(pipeline.id, number)
                    raise
                self._numbers.pop(pipeline.id, None)  # another server took it: ask again
            except MulliganError:
                self._give_number_back(pipeline.id, number)
                raise
            else:
                self.queues.make_room(admission)
                failpoints.hit("start.after_commit")
                return head
        raise StaleRevisionError(f"no run number to be had for pipeline {pipeline.id}")

    async def check_start(self, command: StartRun) -> None:
        """Raise what `start_run` would raise now, and start nothing.

        Raises:
            RefusedError: It may not start.
            NotFoundError: No such pipeline.
        """
        pipeline = await self.store.find_pipeline(command.pipeline)
        if pipeline is None:
            raise NotFoundError("pipeline", command.pipeline)
        version = await self.store.find_version(pipeline.id, pipeline.version)
        make, _ = await self._maker(command, pipeline, version)
        found = make(await self.store.last_number(pipeline.id) + 1, None)
        if isinstance(found, Refusal):
            raise RefusedError(found)
        admission = self.queues.admit(pipeline, found[0].head, command.replaces)
        if isinstance(admission, Refusal):
            raise RefusedError(admission)

    async def _maker(
        self, command: StartRun, pipeline: Pipeline, version: PipelineVersion | None
    ) -> tuple[_Maker, SpecIndex | None]:
        """Give what makes the run of a number (and of its recommended version), and its index."""
        project = await self.store.find_project(pipeline.project)
        spec = version.spec if version else None
        posts = await self.find_posts(spec) if spec else ()
        rules, gates = await rules_for(self.store, pipeline.project, spec)
        posts = (*posts, *gates)
        index = self._index(pipeline.id, pipeline.version, spec, posts)
        before_today = await self._number_before_today(pipeline)

        def make(number: int, version_number: int | None) -> _Made:
            return new_run(
                command,
                pipeline=pipeline,
                project=project,
                version=version,
                index=index,
                run_id=command.run_id or RunId("b-" + self.ids.hex32()),
                posts=posts,
                number=number,
                now=self.clock.now(),
                policy=self._start_policy,
                of_day=number - before_today,
                version_number=version_number,
                rules=rules,
            )

        return make, index

    async def _number_before_today(self, pipeline: Pipeline) -> int:
        """Return the number of the last run of an earlier day, if aliases need it."""
        if OF_DAY not in pipeline.settings.alias_rule:
            return 0
        midnight = start_of_day(self.clock.now(), self._start_policy)
        where = RunFilter(pipeline=pipeline.id, queued_to=midnight - timedelta(microseconds=1))
        page = await self.store.list_runs(where, limit=1)
        return page.items[0].number if page.items else 0

    async def _store_new(
        self, draft: Draft, command: StartRun, counted: ItemChange | None
    ) -> RunHead:
        begin_waiting_jobs(draft)
        decision = draft.decision()
        head = decision.run.head
        action = "run.rollback" if head.is_rollback else "run.start"
        acts = self._acts(command, action, head, head)
        ledger = self.deployments.settle(decision)
        if ledger is not None:
            acts = replace(acts, ledger=ledger)
        if command.clears_latches:
            acts = replace(acts, clear_latches=head.pipeline)
        if counted is not None:
            acts = replace(acts, items=counted)
        if command.triggers is not None:
            acts = replace(acts, triggers=_of_run(command.triggers, head.id))
        line = self.lines.add(replace(decision.run, head=replace(head, revision=0)))
        self.lines.decided(line, decision.run)
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
            run = with_index(run, newest[1])
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
            with_index(line.tip, newest[1]) if newest is not None and by_newest else line.tip
        )

        def decide(draft: Draft) -> RetryOutcome | Refusal:
            nonlocal admission
            if command.revision not in {None, draft.run.head.revision}:
                return plan_stale(draft.run)
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
                draft.run = with_index(draft.run, newest[1])
            plan = plan_retry(draft.run, request, present)
            if isinstance(plan, Refusal):
                return plan
            if not plan.while_running and pipeline is not None:
                found = self.queues.admit(pipeline, draft.run.head)
                if isinstance(found, Refusal):
                    return found
                admission = found
            minutes = pipeline.settings.wait_queue_minutes if pipeline is not None else 1
            apply_plan(draft, plan, request, queue_minutes=None if admission.begins else minutes)
            return RetryOutcome(head=draft.run.head, plan=plan)

        outcome = await self.act(command, command.run_id, "run.retry", decide)
        self.queues.make_room(admission)
        failpoints.hit("retry.after_commit")
        return outcome

    def _committed(self, decision: Decision) -> None:
        self.mutexes.committed(decision)
        self.queues.committed(decision)
        for place in self.limits.committed(decision):
            self.spawn(self.surely("limit of a job", partial(self.offer_again, *place)))

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
        index = self._index(pipeline.id, pipeline.version, newest.spec, run.head.posts)
        if index is None or not settle_alike(run.index.definition, index):
            return None
        if newest.reset_run >= run.head.number:
            return (pipeline.version, index) if also_reset else None
        if list(index.jobs) != list(run.index.definition.jobs):
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
        """Approve or refuse a stage, or that the run begins at all: the stage of its trigger.

        Raises:
            RefusedError: Not theirs to answer; or the pipeline is locked or full.
        """
        run = (await self.lines.get(command.run_id)).tip
        pipeline = await self.store.find_pipeline(run.head.pipeline)
        if command.stage == TRIGGER_STAGE and command.stage not in run.index.stages:
            return await asyncio.shield(self._answer_trigger(command, run, pipeline))

        def decide(draft: Draft) -> RunHead | Refusal:
            refusal = votes.answer_stage(draft, command.stage, command.answer)
            if refusal is None and command.answer.approve and pipeline is not None:
                refusal = self.queues.may_go_on(pipeline, draft.run.head)
            return refusal or draft.run.head

        return await self.act(command, command.run_id, "stage.answer", decide)

    async def _answer_trigger(
        self, command: AnswerStage, run: Run, pipeline: Pipeline | None
    ) -> RunHead:
        admission = Admission(begins=True)
        minutes = pipeline.settings.wait_queue_minutes if pipeline is not None else 1

        def decide(draft: Draft) -> RunHead | Refusal:
            nonlocal admission
            refusal = trigger_review.may_answer(draft.run, command.answer)
            if refusal is not None:
                return refusal
            if not command.answer.approve:
                trigger_review.refuse(draft, command.answer)
                return draft.run.head
            if pipeline is not None:
                found = self.queues.let_in(pipeline, draft.run.head)
                if isinstance(found, Refusal):
                    return found
                admission = found
            wait = None if admission.begins else minutes
            trigger_review.let_go(draft, command.answer, wait, count)
            return draft.run.head

        async with self.turns.beginning(run.head.pipeline):
            count = await self.counters.present(run)
            head = await self.act(command, command.run_id, "run.answer", decide)
        self.queues.make_room(admission)
        return head

    async def answer_step(self, command: AnswerStep) -> RunHead:
        """Answer a review step."""

        def decide(draft: Draft) -> RunHead | Refusal:
            return votes.answer_step(draft, command.step, command.answer) or draft.run.head

        return await self.act(command, command.run_id, "step.answer", decide)

    async def resume_step(self, command: ResumeStep) -> RunHead:
        """Let a paused step run, or cancel it."""

        def decide(draft: Draft) -> RunHead | Refusal:
            refusal = votes.answer_pause(
                draft,
                command.step,
                command.actor,
                go_ahead=command.go_ahead,
                changed=command.changed,
            )
            return refusal or draft.run.head

        return await self.act(command, command.run_id, "step.resume", decide)

    async def set_remark(self, command: SetRemark) -> RunHead:
        """Set the remark of a run."""

        def decide(draft: Draft) -> RunHead:
            draft.emit(e.RemarkWritten(at=draft.now, actor=command.actor, text=command.text))
            return draft.run.head

        return await self.act(command, command.run_id, "run.remark", decide)

    async def time_out_review(self, run_id: RunId, stage_id: StageId) -> None:
        """Refuse a review whose time is over."""
        run = (await self.lines.get(run_id)).tip
        if run.awaits_trigger:
            await self.change(run_id, trigger_review.time_out)
        else:
            await self.change(run_id, lambda draft: votes.time_out_review(draft, stage_id))

    async def time_out_step(self, run_id: RunId, step_id: StepId) -> None:
        """Fail a review step that nobody has answered in time."""
        await self.change(run_id, lambda draft: overdue.time_out_step(draft, step_id))

    async def remind(self, run_id: RunId, step_id: StepId) -> None:
        """Have those told once more who are asked at a review step."""
        await self.change(run_id, lambda draft: overdue.remind(draft, step_id))

    async def time_out_job(self, run_id: RunId, job_id: JobId) -> None:
        """End a job whose time is over while it waits for a person or a run."""
        await self.change(run_id, lambda draft: overdue.time_out_job(draft, job_id))

    # --- versions and numbers -------------------------------------------------------------------

    async def _take_number(self, pipeline: PipelineId) -> int:
        await self.last_number(pipeline)
        self._numbers[pipeline] += 1
        return self._numbers[pipeline]

    def _give_number_back(self, pipeline: PipelineId, number: int) -> None:
        if self._numbers.get(pipeline) == number:
            self._numbers[pipeline] = number - 1

    def _index(
        self,
        pipeline: PipelineId,
        version: int,
        spec: PipelineSpec | None,
        posts: tuple[PostAction, ...] = (),
    ) -> SpecIndex | None:
        if spec is None:
            return None
        key = (pipeline, version, posts)
        if key not in self._indexes:
            if len(self._indexes) > 256:
                self._indexes.clear()
            self._indexes[key] = index_of(spec, posts)
        return self._indexes[key]


async def _no_posts(_spec: PipelineSpec) -> tuple[PostAction, ...]:
    return ()


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
    if command.review is not None:
        trigger_review.ask_first(draft, command.review)
        return
    if wait_minutes is not None:
        queue.wait_in_queue(draft, wait_minutes)
        return
    if special is not None:
        special.begin(draft)
        return
    begin_run(draft)
    if command.is_unauthorized:
        refuse_stage(draft)


def _of_run(change: TriggerChange, run_id: RunId) -> TriggerChange:
    outcome = change.outcome
    return change if outcome is None else replace(change, outcome=replace(outcome, run=run_id))


def _with_first_attempt(run: Run, attempt: RunAttempt) -> Run:
    """Put an attempt in the place of the first one; it was asked for when the run was."""
    first = replace(attempt, queued_at=run.head.queued_at)
    return replace(run, head=replace(run.head, attempts=(first,)))


def plan_stale(run: Run) -> Refusal:
    """Refuse what was planned at an earlier revision of the run."""
    refusal = Refusal(
        code=RefusalCode.PLAN_STALE,
        message="the run, or what it deploys to, has moved on since the plan was made",
        instead=("look at a new plan",),
    )
    return with_last_act(refusal, run)


def _retry_request(command: RetryRun) -> RetryRequest:
    return RetryRequest(
        actor=command.actor,
        target=command.target,
        only_failed=command.only_failed,
        skip=command.skip,
        reason=command.reason,
        may_operate=command.may_operate,
        through_end=command.through_end,
        changes=command.changes,
    )
