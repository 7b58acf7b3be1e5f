"""The run store in SQL: `ports.RunStore` without `open` and `close`."""

from collections.abc import Sequence

import msgspec

from mulligan.core.decision import Decision
from mulligan.core.errors import NotFoundError
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
from mulligan.store.instants import instant
from mulligan.store.paging import Order, Position, order_of, read_cursor, write_cursor
from mulligan.store.sql import load, rows
from mulligan.store.sql.append import Append, RunNumbers
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection
from mulligan.store.sql.events import EventQuery
from mulligan.store.sql.listing import RunQuery, Scope
from mulligan.store.sql.memo import KnownRun, ListMemo

_RUN_BY_NUMBER = (
    "SELECT runs.id FROM runs JOIN pipelines ON pipelines.number = runs.pipeline "
    "WHERE pipelines.id = ? AND runs.number = ?"
)
_LAST_NUMBER = (
    "SELECT MAX(number) FROM runs WHERE pipeline = (SELECT number FROM pipelines WHERE id = ?)"
)
_COUNT_UNFINISHED = (
    "SELECT status, COUNT(*) FROM runs "
    "WHERE pipeline = (SELECT number FROM pipelines WHERE id = ?) "
    "AND status IN ('queued', 'running') GROUP BY status"
)
_KEY = "SELECT key FROM runs WHERE id = ?"
_OUTBOX = (
    "SELECT runs.id, outbox.doc, outbox.created_at FROM outbox JOIN runs ON runs.key = outbox.run "
    "ORDER BY outbox.created_at, outbox.id"
)
_DROP_EFFECT = (
    "DELETE FROM outbox WHERE run = (SELECT key FROM runs WHERE id = ?) AND kind = ? AND key = ?"
)
_HELD_JOBS = (
    "SELECT runs.id, jobs.node FROM jobs JOIN runs ON runs.key = jobs.run "
    "WHERE jobs.held = 1 ORDER BY jobs.id"
)
_PUT_ARTIFACT = (
    "INSERT INTO artifacts (run, step, attempt, path, doc) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (run, step, attempt, path) DO UPDATE SET doc = excluded.doc"
)
_ARTIFACTS = "SELECT doc FROM artifacts WHERE run = (SELECT key FROM runs WHERE id = ?) ORDER BY id"


class _Listing(msgspec.Struct, frozen=True):
    """A page as the readers find it; `found` may hold one run more than `heads`."""

    found: list[Position]
    heads: tuple[RunHead, ...]
    total: int | None


class SqlRuns(SqlBase):
    """Runs: snapshots, history, events, outbox."""

    async def append(self, decision: Decision, acts: Acts = NO_ACTS) -> None:
        """Store a decision, all or nothing.

        Decisions are carried out in the order of the calls; the next one on a run may be given
        before the one that it builds on is answered.
        """
        head = decision.run.head
        known = self._known.get(head.id)
        before = None if known is None else known.head
        if before is not None and before.revision != decision.base_revision:
            before = None
        known = known or KnownRun(head)
        unit = Append(self.dialect, decision, acts, before, known.numbers)
        known.head = head
        self._known.put(head.id, known)

        def note(numbers: RunNumbers) -> None:
            known.numbers = numbers
            for scope in (head.pipeline, head.project, ""):
                self._appended[scope] += 1
                self._heads_changed[scope] += unit.changes_head
            if head.status.is_final and known.head is head:
                self._known.drop(head.id)

        try:
            await self.writer.submit(unit, note)
        except BaseException:
            self._known.drop(head.id)  # what was remembered is perhaps not what is stored
            raise

    async def get_run(self, run_id: RunId) -> Run:
        """Return the newest snapshot."""
        return await self._read(lambda connection: self._load(connection, run_id))

    def _load(self, connection: Connection, run_id: RunId) -> Run:
        found = load.load_head(connection, run_id)
        if found is None:
            raise NotFoundError("run", run_id)
        key, head = found
        index = self._indexes.get(head)
        if index is None:
            index = load.load_spec_index(connection, key, head)
            if index is None:
                raise NotFoundError("pipeline version", f"{head.pipeline} {head.version}")
            index = self._indexes.keep(head, index)
        return load.load_run(connection, key, head, index)

    async def find_head(self, run_id: RunId) -> RunHead | None:
        """Return the head of a run, if it exists."""
        found = await self._read(lambda connection: load.load_head(connection, run_id))
        return None if found is None else found[1]

    async def find_run_by_number(self, pipeline: PipelineId, number: int) -> RunId | None:
        """Return the run with that number."""
        row = await self._one(_RUN_BY_NUMBER, (pipeline, number))
        return None if row is None else RunId(row[0])

    async def last_number(self, pipeline: PipelineId) -> int:
        """Return the greatest run number of the pipeline, 0 without runs."""
        row = await self._one(_LAST_NUMBER, (pipeline,))
        return 0 if row is None else row[0] or 0

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
        memo = self._memo(where, order)
        before, skip = memo.nearest(offset)
        if cursor:
            before, skip = read_cursor(order, cursor), 0
        known, total = memo.page(cursor, offset, limit), memo.total

        def query(connection: Connection) -> _Listing:
            scope = _scope(connection, where)
            if scope is None:
                return _Listing([], (), 0)
            runs = RunQuery(self.dialect, where, order, scope)
            found = known
            if found is None:
                found = runs.keys(connection, before, limit + 1, skip)
            heads = load.load_heads(connection, [place.key for place in found[:limit]])
            count = runs.count(connection) if with_total and total is None else total
            return _Listing(found, heads, count)

        page = await self._read(query)
        memo.total = page.total
        memo.note(cursor, offset, limit, page.found)
        more = len(page.found) > limit > 0
        return RunPage(
            items=page.heads,
            cursor=write_cursor(order, page.found[limit - 1]) if more else "",
            total=page.total if with_total else None,
        )

    def _memo(self, where: RunFilter, order: Order) -> ListMemo:
        changes = self._appended if order is Order.UPDATED else self._heads_changed
        generation = changes[where.pipeline or where.project or ""]
        memo = self._lists.get((where, order))
        if memo is None or memo.generation != generation:
            memo = ListMemo(generation)
            self._lists.put((where, order), memo)
        return memo

    async def count_unfinished(self, pipeline: PipelineId) -> tuple[int, int]:
        """Return how many runs of the pipeline are (queued, running)."""
        counts = dict(await self._all(_COUNT_UNFINISHED, (pipeline,)))
        return counts.get(Status.QUEUED, 0), counts.get(Status.RUNNING, 0)

    async def history(self, run_id: RunId) -> NodeHistory:
        """Return all attempts of all nodes that have a record."""

        def query(connection: Connection) -> NodeHistory:
            return load.load_history(connection, _key(connection, run_id))

        return await self._read(query)

    async def step_attempts(self, run_id: RunId, step_id: StepId) -> tuple[Step, ...]:
        """Return the attempts of one step, oldest first."""
        return await self._read(
            lambda connection: load.load_step_attempts(connection, run_id, step_id)
        )

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
        return await self._read(EventQuery(seq, project, run_id, pipeline, limit))

    async def last_seq(self) -> int:
        """Return the greatest `seq` stored, 0 without events."""
        row = await self._one("SELECT MAX(seq) FROM events")
        return 0 if row is None else row[0] or 0

    async def outbox(self) -> tuple[OutboxRow, ...]:
        """Return all effects that are not done yet, oldest first."""
        found = await self._all(_OUTBOX)
        return tuple(
            OutboxRow(run_id=RunId(run_id), effect=rows.effect(doc), created_at=instant(created_at))
            for run_id, doc, created_at in found
        )

    async def drop_effect(self, run_id: RunId, kind: str, key: str) -> None:
        """Forget an effect that is done."""
        await self._write(lambda connection: connection.execute(_DROP_EFFECT, (run_id, kind, key)))

    async def held_jobs(self) -> tuple[tuple[RunId, JobId], ...]:
        """Return the jobs that a runner holds: running and not parked."""
        found = await self._all(_HELD_JOBS)
        return tuple((RunId(run_id), JobId(job_id)) for run_id, job_id in found)

    async def add_artifacts(self, artifacts: Sequence[Artifact]) -> None:
        """Store what a step archived."""
        values = [
            (artifact.run, artifact.step, artifact.attempt, artifact.path, rows.text(artifact))
            for artifact in artifacts
        ]

        def unit(connection: Connection) -> None:
            for run_id, *others in values:
                connection.execute(_PUT_ARTIFACT, (_key(connection, run_id), *others))

        await self._write(unit)

    async def list_artifacts(self, run_id: RunId) -> tuple[Artifact, ...]:
        """Return all artifacts of a run, oldest first."""
        return tuple(rows.artifact(doc) for (doc,) in await self._all(_ARTIFACTS, (run_id,)))


def _key(connection: Connection, run_id: RunId) -> int:
    row = connection.execute(_KEY, (run_id,)).fetchone()
    if row is None:
        raise NotFoundError("run", run_id)
    return int(row[0])


def _scope(connection: Connection, where: RunFilter) -> Scope | None:
    """Give the numbers behind the ids of a filter; None = there is no such project or pipeline."""
    if where.pipeline is not None:
        sql = (
            "SELECT pipelines.number, projects.id FROM pipelines "
            "JOIN projects ON projects.number = pipelines.project WHERE pipelines.id = ?"
        )
        row = connection.execute(sql, (where.pipeline,)).fetchone()
        if row is None or where.project not in {None, row[1]}:
            return None
        return Scope("pipeline", row[0])
    if where.project is None:
        return Scope("", 0)
    sql = "SELECT number FROM projects WHERE id = ?"
    row = connection.execute(sql, (where.project,)).fetchone()
    return None if row is None else Scope("project", row[0])
