"""The model of all stores: what a store must do, with dictionaries.

For tests and for trying things out; nothing survives the process. Every act is done without giving
the event loop away in between, so that it is all or nothing without a lock.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from mulligan.core.decision import Decision, Effect
from mulligan.core.errors import (
    ConflictError,
    InfrastructureError,
    NotFoundError,
    StaleRevisionError,
)
from mulligan.core.ids import JobId, PipelineId, ProjectId, RunId, StepId
from mulligan.core.records import Artifact
from mulligan.core.run import Run, RunHead, Step
from mulligan.core.status import Status
from mulligan.ports import (
    NO_ACTS,
    Acts,
    EventRow,
    NodeHistory,
    OutboxRow,
    RunFilter,
    RunPage,
)
from mulligan.store.changed import is_held
from mulligan.store.matching import matches, position_of
from mulligan.store.memory_items import MemoryItems
from mulligan.store.memory_ledger import MemoryLedger
from mulligan.store.memory_mutexes import MemoryMutexes
from mulligan.store.memory_overview import MemoryOverview
from mulligan.store.memory_packages import MemoryPackages
from mulligan.store.memory_plugins import MemoryPlugins
from mulligan.store.memory_postings import MemoryPostings
from mulligan.store.memory_quality import MemoryQuality
from mulligan.store.memory_records import StoredRun
from mulligan.store.memory_secrets import MemorySecrets
from mulligan.store.memory_tallies import MemoryTallies
from mulligan.store.memory_triggers import MemoryTriggers
from mulligan.store.paging import Position, order_of, read_cursor, write_cursor


class MemoryStore(
    MemoryMutexes,
    MemoryQuality,
    MemoryTallies,
    MemoryPlugins,
    MemoryLedger,
    MemoryPackages,
    MemoryItems,
    MemorySecrets,
    MemoryTriggers,
    MemoryPostings,
    MemoryOverview,
):
    """Implements `ports.Store`.

    Args:
        outages: How many of the next calls of `append` fail with InfrastructureError; tests may
            set it at any time.
    """

    def __init__(self, *, outages: int = 0) -> None:
        super().__init__()
        self.outages = outages
        self._events: list[EventRow] = []
        self._outbox: dict[tuple[RunId, str, str], tuple[datetime, Effect]] = {}

    async def open(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing: what is stored stays for the next `open`."""

    async def append(self, decision: Decision, acts: Acts = NO_ACTS) -> None:
        """Store a decision, all or nothing."""
        try:
            self._append(decision, acts)
        finally:
            await asyncio.sleep(0)  # as with a real store, others go on before the answer

    def _append(self, decision: Decision, acts: Acts) -> None:
        if self.outages > 0:
            self.outages -= 1
            raise InfrastructureError("the memory store plays an outage")
        if not decision.events:
            raise ValueError("a decision without events would leave a gap in the revisions")
        head = decision.run.head
        last = decision.events[-1].at
        stored = self._runs.get(head.id)
        if (stored.head.revision if stored else 0) != decision.base_revision:
            raise StaleRevisionError(f"run {head.id} is not at revision {decision.base_revision}")
        if stored is None:
            self._check_new(head)
        tickets = self._tickets_after(decision)
        self._take_acts(acts)
        self._tickets = tickets
        if stored is None:
            stored = self._runs[head.id] = StoredRun(len(self._runs) + 1)
        stored.take(decision)
        self._number_jobs(decision)
        self._take_checks(decision)
        self._take_tallies(decision)
        for event in decision.events:
            self._events.append(
                EventRow(
                    seq=len(self._events) + 1,
                    run_id=head.id,
                    project=head.project,
                    pipeline=head.pipeline,
                    revision=head.revision,
                    event=event,
                )
            )
        for effect in decision.effects:
            if effect.drop:
                self._outbox.pop((head.id, effect.kind, effect.key), None)
            else:
                self._outbox[head.id, effect.kind, effect.key] = (last, effect)

    def _check_new(self, head: RunHead) -> None:
        pipeline = self._pipelines.get(head.pipeline)
        if pipeline is None or pipeline.project != head.project:
            raise NotFoundError("pipeline", head.pipeline)
        if self._with_number(head.pipeline, head.number) is not None:
            message = f"run number {head.number} of pipeline {head.pipeline} is taken"
            raise ConflictError(message, code="run-number")

    def _with_number(self, pipeline: PipelineId, number: int) -> RunId | None:
        for run_id, stored in self._runs.items():
            if (stored.head.pipeline, stored.head.number) == (pipeline, number):
                return run_id
        return None

    async def get_run(self, run_id: RunId) -> Run:
        """Return the newest snapshot."""
        run = self._stored(run_id).run
        if (run.head.pipeline, run.head.version) not in self._versions:
            raise NotFoundError("pipeline version", f"{run.head.pipeline} {run.head.version}")
        return run

    def _stored(self, run_id: RunId) -> StoredRun:
        stored = self._runs.get(run_id)
        if stored is None:
            raise NotFoundError("run", run_id)
        return stored

    async def find_head(self, run_id: RunId) -> RunHead | None:
        """Return the head of a run, if it exists."""
        return self._runs[run_id].head if run_id in self._runs else None

    async def find_run_by_number(self, pipeline: PipelineId, number: int) -> RunId | None:
        """Return the run with that number."""
        return self._with_number(pipeline, number)

    async def last_number(self, pipeline: PipelineId) -> int:
        """Return the greatest run number of the pipeline, 0 without runs."""
        return max((head.number for head in self._heads_of(pipeline)), default=0)

    async def list_runs(
        self,
        where: RunFilter,
        *,
        limit: int = 50,
        cursor: str = "",
        offset: int = 0,
        by_update: bool = False,
        with_total: bool = False,
    ) -> RunPage:
        """Return a page of heads, newest first."""
        order = order_of(where, by_update=by_update)
        found: list[tuple[Position, RunHead]] = [
            (position_of(stored.head, stored.updated_at, stored.key, order), stored.head)
            for stored in self._runs.values()
            if matches(stored.head, where)
        ]
        found.sort(key=lambda item: item[0], reverse=True)
        total = len(found) if with_total else None
        if cursor:
            before = read_cursor(order, cursor)
            found = [item for item in found if item[0] < before]
        else:
            found = found[offset:]
        page = found[:limit]
        more = len(found) > limit > 0
        return RunPage(
            items=tuple(head for _, head in page),
            cursor=write_cursor(order, page[-1][0]) if more else "",
            total=total,
        )

    async def count_unfinished(self, pipeline: PipelineId) -> tuple[int, int]:
        """Return how many runs of the pipeline are (queued, running)."""
        statuses = [head.status for head in self._heads_of(pipeline)]
        return statuses.count(Status.QUEUED), statuses.count(Status.RUNNING)

    async def history(self, run_id: RunId) -> NodeHistory:
        """Return all attempts of all nodes that have a record."""
        stored = self._stored(run_id)
        return NodeHistory(
            stages=stored.stages.all(),
            jobs=stored.jobs.all(),
            steps=stored.steps.all(),
            gates=stored.gates.all(),
        )

    async def step_attempts(self, run_id: RunId, step_id: StepId) -> tuple[Step, ...]:
        """Return the attempts of one step, oldest first."""
        return self._runs[run_id].steps.of(step_id) if run_id in self._runs else ()

    async def events_after(
        self,
        seq: int,
        *,
        project: ProjectId | None = None,
        run_id: RunId | None = None,
        pipeline: PipelineId | None = None,
        limit: int = 500,
    ) -> tuple[EventRow, ...]:
        """Return stored events with a greater `seq`, ascending."""
        found = [
            row
            for row in self._events[seq:]
            if project in {None, row.project}
            and run_id in {None, row.run_id}
            and pipeline in {None, row.pipeline}
        ]
        return tuple(found[:limit])

    async def last_seq(self) -> int:
        """Return the greatest `seq` stored, 0 without events."""
        return len(self._events)

    async def outbox(self) -> tuple[OutboxRow, ...]:
        """Return all effects that are not done yet, oldest first."""
        rows = [
            OutboxRow(run_id=run_id, effect=effect, created_at=created_at)
            for (run_id, _, _), (created_at, effect) in self._outbox.items()
        ]
        return tuple(sorted(rows, key=lambda row: row.created_at))

    async def drop_effect(self, run_id: RunId, kind: str, key: str) -> None:
        """Forget an effect that is done."""
        self._outbox.pop((run_id, kind, key), None)

    async def held_jobs(self) -> tuple[tuple[RunId, JobId], ...]:
        """Return the jobs that a runner holds: running and not parked."""
        return tuple(
            (run_id, job.id)
            for run_id, stored in self._runs.items()
            for job in stored.run.jobs.values()
            if is_held(job)
        )

    async def add_artifacts(self, artifacts: Sequence[Artifact]) -> None:
        """Store what a step archived."""
        for artifact in artifacts:
            self._stored(artifact.run)
        for artifact in artifacts:
            key = (artifact.step, artifact.attempt, artifact.path)
            self._stored(artifact.run).artifacts[key] = artifact

    async def list_artifacts(self, run_id: RunId) -> tuple[Artifact, ...]:
        """Return all artifacts of a run, oldest first."""
        return tuple(self._runs[run_id].artifacts.values()) if run_id in self._runs else ()
