"""Queues: which run begins, which waits for its turn, and which has to make way.

A run waits in the queue of its pipeline, or for the other runs of its concurrency group, which may
be of other pipelines. Looked at whenever a run ends, comes to a review, or is new.
"""

import functools

from msgspec.structs import replace

from mulligan.core import events as e
from mulligan.core.admission import (
    Admission,
    Member,
    admit,
    may_go_on,
    may_leave_queue,
    superseded,
)
from mulligan.core.decision import Decision, Draft
from mulligan.core.flow import cancel, queue
from mulligan.core.flow.call_ends import is_waiting
from mulligan.core.ids import PipelineId, RunId, UserName
from mulligan.core.records import Pipeline
from mulligan.core.refusal import Refusal, RefusalCode
from mulligan.core.run import Run, RunHead
from mulligan.core.spec import TRIGGER_STAGE
from mulligan.engine.changes import Changes
from mulligan.engine.commands import StopRun
from mulligan.engine.lines import Group, group_of

_BEGINNINGS = (e.RunCreated, e.RunRetried)


class Queues:
    """The use cases of waiting runs; `changes` stores what they decide.

    Args:
        floor: Unfinished runs at which a pipeline is full, at least.
    """

    def __init__(self, changes: Changes, floor: int) -> None:
        self._changes = changes
        self._lines = changes.lines
        self._store = changes.store
        self._floor = floor

    def admit(
        self, pipeline: Pipeline, head: RunHead, replaces: RunId | None = None
    ) -> Admission | Refusal:
        """Judge a run that is about to begin, for the first time or once more.

        Args:
            replaces: A run that was stopped for this one: it is waited for, if need be, but it
                does not make the queue full.
        """
        found = self._admit(pipeline, head, but=head.id)
        if replaces is None or pipeline.settings.run_lock == "EXCLUSIVE":
            return found
        if not isinstance(found, Refusal):
            return found
        without = self._admit(pipeline, head, but=replaces)
        return without if isinstance(without, Refusal) else replace(without, begins=False)

    def _admit(self, pipeline: Pipeline, head: RunHead, *, but: RunId) -> Admission | Refusal:
        group = group_of(head)
        above = None if group is None else self._waits_above(group, head)
        if above is not None:
            return Refusal(
                code=RefusalCode.RUN_ACTIVE,
                message=f"run {above.number} of pipeline {above.pipeline} waits for this one, "
                "and they are of one concurrency group: neither could go on",
                instead=("give the pipelines different groups", "start it without waiting"),
            )
        return admit(
            pipeline.settings,
            self._lines.load(pipeline.id, but=but),
            self._floor,
            group=None if group is None else self._lines.group_load(group, but=but),
            supersedes=head.concurrency is not None and head.concurrency.supersedes,
        )

    def _waits_above(self, group: Group, head: RunHead) -> RunHead | None:
        """Find a run of the group that has called this run, over others or not, and waits."""
        caller = head.caller
        while caller is not None and caller.waits:
            line = self._lines.find(caller.run)
            if line is None or not is_waiting(line.tip, caller.step, caller.step_attempt):
                return None
            if group_of(line.tip.head) == group:
                return line.tip.head
            caller = line.tip.head.caller
        return None

    def may_go_on(self, pipeline: Pipeline, head: RunHead) -> Refusal | None:
        """Judge a run that somebody lets go on after a review."""
        locked = _locked(pipeline)
        if locked is not None:
            return locked
        group = group_of(head)
        return may_go_on(
            pipeline.settings,
            self._lines.load(pipeline.id, but=head.id),
            self._floor,
            group=None if group is None else self._lines.group_load(group, but=head.id),
        )

    def may_ask(self, pipeline: PipelineId) -> Admission | Refusal:
        """Judge a new run of which people are asked first whether it may begin."""
        asked = [run for run in self._lines.unfinished(pipeline) if run.awaits_trigger]
        if len(asked) < self._floor:
            return Admission(begins=True)
        return Refusal(
            code=RefusalCode.QUEUE_FULL,
            message=f"{len(asked)} runs wait for a review of their trigger already; "
            "approve or refuse some of them",
            instead=("answer the reviews",),
        )

    def let_in(self, pipeline: Pipeline, head: RunHead) -> Admission | Refusal:
        """Judge a run that was let begin by those who were asked: from now on it is as any."""
        return _locked(pipeline) or self.admit(pipeline, head)

    def make_room(self, admission: Admission) -> None:
        """Cancel the waiting run that has to go for one that was admitted and is stored."""
        if admission.drops is not None:
            self._changes.spawn(self._changes.change(admission.drops, queue.drop_from_queue))

    def committed(self, decision: Decision) -> None:
        """Look at the queues that a stored decision may have moved."""
        head = decision.run.head
        begins = any(map(_begins, decision.events))
        if not (head.status.is_final or decision.gates or begins):
            return
        group = group_of(head)
        if group is not None and (begins or self._lines.group_load(group).queued):
            serve = functools.partial(self.serve_group, group)
            self._changes.spawn(self._changes.surely(f"group {group[1]}", serve))
        if not begins and self._lines.load(head.pipeline, without_groups=True).queued:
            look = functools.partial(self.serve, head.pipeline)
            self._changes.spawn(self._changes.surely(f"queue of {head.pipeline}", look))

    async def serve(self, pipeline_id: PipelineId) -> None:
        """Let waiting runs of a pipeline begin, as many as may."""
        while (load := self._lines.load(pipeline_id, without_groups=True)).queued:
            pipeline = await self._store.find_pipeline(pipeline_id)
            running = self._lines.load(pipeline_id).running
            if pipeline is None or not may_leave_queue(pipeline.settings, running):
                return
            await self._begin(load.queued[0])

    async def serve_group(self, group: Group) -> None:
        """Stop the runs of a group that have to make way; let the next one begin if it is free."""
        members = [
            Member(
                id=run.head.id,
                supersedes=_supersedes(run),
                is_stopping=run.head.cancel is not None or run.head.status.is_final,
            )
            for run in self._lines.members(group)
        ]
        gone, newest = superseded(members)
        if newest is not None:
            by = (await self._lines.get(newest.id)).tip.head.attempts[-1].actor
            for run_id in gone:
                await self._make_way(run_id, by)
        while (load := self._lines.group_load(group)).queued and load.running == 0:
            await self._begin(load.queued[0])

    async def _begin(self, run_id: RunId) -> None:
        count = await self._changes.counters.present((await self._lines.get(run_id)).tip)

        def decide(draft: Draft) -> bool:
            group = group_of(draft.run.head)
            is_free = group is None or self._lines.group_load(group).running == 0
            return is_free and queue.begin_queued(draft, count)

        await self._changes.change(run_id, decide)

    async def _make_way(self, run_id: RunId, by: UserName) -> None:
        """Stop a run in the name of who started the newer one."""
        command = StopRun(actor=by, run_id=run_id, origin="concurrency group")
        await self._changes.act(
            command, run_id, "run.stop", lambda draft: cancel.make_way(draft, by)
        )

    async def serve_all(self) -> None:
        """Look at all queues: the end of a run may have been the last thing."""
        for pipeline_id in self._lines.pipelines():
            await self.serve(pipeline_id)
        for group in self._lines.groups():
            await self.serve_group(group)

    async def time_out(self, run_id: RunId) -> None:
        """End a run that has waited too long for its turn."""
        await self._changes.change(run_id, queue.time_out_queue)


def _begins(event: e.Event) -> bool:
    """Tell whether with an event a run comes to where runs begin or wait for their turn."""
    is_let_go = isinstance(event, e.GateClosed) and event.node == TRIGGER_STAGE and event.approved
    return is_let_go or isinstance(event, _BEGINNINGS)


def _supersedes(run: Run) -> bool:
    """Tell whether the older runs of its group make way for a run, which may begin itself."""
    concurrency = run.head.concurrency
    return concurrency is not None and concurrency.supersedes and not run.awaits_trigger


def _locked(pipeline: Pipeline) -> Refusal | None:
    if not pipeline.locked and pipeline.settings.run_lock != "LOCK":
        return None
    return Refusal(
        code=RefusalCode.PIPELINE_LOCKED,
        message=f"pipeline {pipeline.id} is locked; enable it first",
    )
