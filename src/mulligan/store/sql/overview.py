"""What pages show of many pipelines and runs at once, in SQL."""
# ruff: noqa: S608 - statements are put together from names in this file only

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from mulligan.core.durations import seconds_between
from mulligan.core.failure import PastNode
from mulligan.core.ids import PipelineId, ProjectId, RunId, StageId, StepId, UserName
from mulligan.core.records import Pipeline
from mulligan.core.run import Stage, Step
from mulligan.core.status import Status
from mulligan.ports.overview import (
    OpenGate,
    PipelineCard,
    PipelineFilter,
    RecentRun,
    RetriedStep,
    StageLine,
)
from mulligan.store.instants import instant, micros
from mulligan.store.matching import passes
from mulligan.store.sql import rows
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection
from mulligan.store.sql.load import marks

_COLUMNS = (
    "pipeline, id, number, status, cause, started_by, start_kind, branch, message, recovered, "
    "queued_at, started_at, ended_at"
)
_RECENT = (
    f"SELECT * FROM (SELECT {_COLUMNS} FROM runs WHERE pipeline = ? "
    "ORDER BY number DESC LIMIT ?) AS recent"
)
_NEWEST = "(SELECT status FROM runs WHERE pipeline = pipelines.number ORDER BY number DESC LIMIT 1)"
_CARDS = (
    "SELECT number, doc FROM pipelines "
    "WHERE project = (SELECT number FROM projects WHERE id = ?) AND deleted = 0"
)
_VERSIONS = "SELECT id, pipeline, version FROM runs WHERE id IN "
_OUTLINES = (
    "SELECT pipeline, version, doc FROM pipeline_versions WHERE (pipeline, version) IN (VALUES"
)
_STAGES = (
    "SELECT runs.id, stages.node, stages.doc FROM runs JOIN stages ON stages.run = runs.key "
    "WHERE stages.latest = 1 AND runs.id IN "
)
# Those that are open are few, whatever was answered before: they are sorted as they are found.
_GATES = (
    "SELECT waiting.id, runs.id, projects.id, pipelines.id, waiting.doc FROM "
    "(SELECT id, run, doc FROM gates {hint} WHERE status = 'open' AND latest = 1 "
    "ORDER BY id) AS waiting "
    "JOIN runs ON runs.key = waiting.run JOIN projects ON projects.number = runs.project "
    "JOIN pipelines ON pipelines.number = runs.pipeline "
    "WHERE runs.ended_at IS NULL AND waiting.id > ?"
)
_TABLES = {"stage": "stages", "job": "jobs", "step": "steps"}
# The runs are read by their number, so that no more are looked at than the limit says.
_PAST = (
    "SELECT recent.id, recent.number, nodes.status, recent.started_by, recent.message, "
    "recent.queued_at, nodes.doc FROM (SELECT ? AS node) AS wanted, "
    "(SELECT key, id, number, started_by, message, queued_at FROM runs "
    "WHERE pipeline = (SELECT number FROM pipelines WHERE id = ?) AND number <= ? "
    "ORDER BY number DESC LIMIT ?) AS recent "
    "JOIN {table} AS nodes ON nodes.run = recent.key AND nodes.latest = 1 "
    "AND nodes.node = wanted.node ORDER BY recent.number DESC"
)
_TOOK = (
    "SELECT steps.node, steps.doc FROM (SELECT key FROM runs "
    "WHERE pipeline = (SELECT number FROM pipelines WHERE id = ?) "
    "ORDER BY number DESC LIMIT ?) AS recent "
    "JOIN steps ON steps.run = recent.key AND steps.latest = 1 "
    "WHERE steps.status = 'succeeded' AND steps.node IN"
)
# An attempt that is not the latest is there only if there are several.
_RETRIED = (
    "SELECT runs.id, steps.node, steps.doc FROM runs "
    "JOIN steps ON steps.run = runs.key AND steps.latest IN (0, 1) AND steps.node IN "
    "(SELECT node FROM steps AS older WHERE older.run = runs.key AND older.latest = 0) "
    "WHERE runs.id IN"
)
_BY_ATTEMPT = "ORDER BY runs.key, steps.node, steps.attempt"
_PARTS = 100  # of one compound statement; SQLite allows 500


class _Stage(msgspec.Struct, frozen=True):
    """What lists show of a stage of a definition; the rest is passed over undecoded."""

    id: str
    name: str = ""
    is_finally: bool = False


class _Spec(msgspec.Struct, frozen=True):
    stages: tuple[_Stage, ...] = ()


class _Version(msgspec.Struct, frozen=True):
    spec: _Spec


class _Times(msgspec.Struct, frozen=True):
    """What is needed of the record of any node."""

    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempt: int = 1


_times = msgspec.json.Decoder(_Times).decode
_outline = msgspec.json.Decoder(_Version).decode


class SqlOverview(SqlBase):
    """Lists of pipelines, runs and gates."""

    async def list_cards(
        self,
        project: ProjectId,
        where: PipelineFilter,
        *,
        runs: int = 20,
        limit: int = 50,
        before: int | None = None,
    ) -> tuple[PipelineCard, ...]:
        """Return live pipelines, newest first, with their newest runs."""
        sql = _CARDS
        values: list[Any] = [project]
        if where.name:
            sql, values = f"{sql} AND name = ?", [*values, where.name]
        if where.name_contains:
            sql = f"{sql} AND {self.dialect.contains('name')}"
            values = [*values, where.name_contains]
        if where.statuses:
            sql = f"{sql} AND {_NEWEST} IN {marks(where.statuses)}"
            values = [*values, *where.statuses]
        if before is not None:
            sql, values = f"{sql} AND number < ?", [*values, before]

        def query(connection: Connection) -> tuple[PipelineCard, ...]:
            found: list[Pipeline] = []
            for number, doc in connection.execute(f"{sql} ORDER BY number DESC", values):
                if len(found) == limit:
                    break
                pipeline = replace(rows.pipeline(doc), number=number)
                if passes(pipeline, where):
                    found.append(pipeline)
            recent = _recent(connection, [pipeline.number for pipeline in found], runs)
            return tuple(
                PipelineCard(pipeline=pipeline, recent=tuple(recent.get(pipeline.number, ())))
                for pipeline in found
            )

        return await self._read(query)

    async def stages_of(self, run_ids: Sequence[RunId]) -> dict[RunId, tuple[StageLine, ...]]:
        """Return the stages of runs in the order of their definitions."""

        def query(connection: Connection) -> dict[RunId, tuple[StageLine, ...]]:
            runs = connection.execute(f"{_VERSIONS}{marks(run_ids)}", run_ids).fetchall()
            outlines = _outlines(connection, {(row[1], row[2]) for row in runs})
            records: dict[str, dict[str, Stage]] = {row[0]: {} for row in runs}
            for run_id, node, doc in connection.execute(f"{_STAGES}{marks(run_ids)}", run_ids):
                records[run_id][node] = rows.stage(doc)
            return {
                RunId(run_id): tuple(
                    StageLine(
                        id=StageId(stage.id),
                        name=stage.name,
                        is_finally=stage.is_finally,
                        record=records[run_id].get(stage.id),
                    )
                    for stage in outlines.get((pipeline, version), ())
                )
                for run_id, pipeline, version in runs
            }

        return await self._read(query) if run_ids else {}

    async def past_of(
        self, pipeline: PipelineId, kind: str, node: str, *, up_to: int, limit: int
    ) -> tuple[PastNode, ...]:
        """Return what became of a node in the runs of a pipeline, newest first."""
        values = (node, pipeline, up_to, limit)
        found = await self._all(_PAST.format(table=_TABLES[kind]), values)
        return tuple(_past(row) for row in found)

    async def step_seconds(
        self, pipeline: PipelineId, steps: Sequence[StepId], *, runs: int
    ) -> dict[StepId, tuple[float, ...]]:
        """Return how long steps took when they succeeded in the newest runs of a pipeline."""
        found: dict[StepId, list[float]] = {}
        sql = f"{_TOOK} {marks(steps)}"
        for node, doc in await self._all(sql, (pipeline, runs, *steps)) if steps else ():
            times = _times(doc)
            seconds = seconds_between(times.started_at, times.ended_at)
            if seconds is not None:
                found.setdefault(StepId(node), []).append(seconds)
        return {step: tuple(seconds) for step, seconds in found.items()}

    async def run_rows(
        self,
        project: ProjectId,
        pipeline: PipelineId | None,
        *,
        since: datetime,
        limit: int,
    ) -> tuple[RecentRun, ...]:
        """Return the newest runs asked for at or after an instant, newest first."""
        table = "projects" if pipeline is None else "pipelines"
        column = "project" if pipeline is None else "pipeline"
        hint = self.dialect.by_index(f"runs_{column}_queued_at")
        sql = (
            f"SELECT {_COLUMNS} FROM runs {hint} "
            f"WHERE {column} = (SELECT number FROM {table} WHERE id = ?) AND queued_at >= ? "
            "ORDER BY queued_at DESC, key DESC LIMIT ?"
        )
        found = await self._all(sql, (pipeline or project, micros(since), limit))
        return tuple(map(_run, found))

    async def retried_steps(self, run_ids: Sequence[RunId]) -> tuple[RetriedStep, ...]:
        """Return the steps of runs that have more than one attempt."""
        found: dict[tuple[str, str], list[Step]] = {}
        for first in range(0, len(run_ids), _PARTS):
            some = tuple(run_ids[first : first + _PARTS])
            for run, node, doc in await self._all(f"{_RETRIED} {marks(some)} {_BY_ATTEMPT}", some):
                found.setdefault((run, node), []).append(rows.step(doc))
        return tuple(
            RetriedStep(run=RunId(run), step=StepId(node), attempts=tuple(attempts))
            for (run, node), attempts in sorted(found.items())
        )

    async def open_gates(
        self,
        projects: Sequence[ProjectId] | None,
        *,
        limit: int = 50,
        after: int = 0,
    ) -> tuple[OpenGate, ...]:
        """Return the gates that wait for somebody, oldest first."""
        sql = _GATES.format(hint=self.dialect.by_index("gates_open"))
        if projects is not None:
            sql = f"{sql} AND projects.id IN {marks(projects)}"
        values = (after, *(projects or ()), limit)
        found = await self._all(f"{sql} ORDER BY waiting.id LIMIT ?", values)
        return tuple(
            OpenGate(
                key=key,
                run=RunId(run),
                project=ProjectId(project),
                pipeline=PipelineId(pipeline),
                gate=rows.gate(doc),
            )
            for key, run, project, pipeline, doc in found
        )


def _past(row: Sequence[Any]) -> PastNode:
    run, number, status, started_by, message, queued_at, doc = row
    times = _times(doc)
    return PastNode(
        run=RunId(run),
        number=number,
        status=Status(status),
        started_by=UserName(started_by),
        message=message,
        queued_at=instant(queued_at),
        seconds=seconds_between(times.started_at, times.ended_at),
        attempt=times.attempt,
    )


def _outlines(
    connection: Connection, versions: Collection[tuple[int, int]]
) -> dict[tuple[int, int], tuple[_Stage, ...]]:
    """Return the stages of definitions, by pipeline and version."""
    if not versions:
        return {}
    sql = f"{_OUTLINES} {', '.join(['(?, ?)'] * len(versions))})"
    values = [number for key in versions for number in key]
    found = connection.execute(sql, values)
    return {(pipeline, version): _outline(doc).spec.stages for pipeline, version, doc in found}


def _recent(
    connection: Connection, pipelines: Sequence[int], limit: int
) -> dict[int, list[RecentRun]]:
    """Return the newest runs of pipelines, newest first."""
    found: dict[int, list[RecentRun]] = {}
    for first in range(0, len(pipelines), _PARTS):
        some = pipelines[first : first + _PARTS]
        sql = " UNION ALL ".join([_RECENT] * len(some))
        values = [value for number in some for value in (number, limit)]
        for row in connection.execute(sql, values):
            found.setdefault(row[0], []).append(_run(row))
    for each in found.values():
        each.sort(key=lambda run: run.number, reverse=True)
    return found


def _run(row: Sequence[object]) -> RecentRun:
    _, ident, number, status, cause, actor, kind, branch, message, recovered, *times = row
    queued_at, started_at, ended_at = (
        instant(time) if isinstance(time, int) else None for time in times
    )
    assert queued_at is not None  # noqa: S101 - the column is NOT NULL
    return RecentRun(
        id=RunId(str(ident)),
        number=int(str(number)),
        status=Status(str(status)),
        cause=str(cause),
        started_by=UserName(str(actor)),
        start_kind=str(kind),
        branch=str(branch),
        message=str(message),
        recovered=bool(recovered),
        queued_at=queued_at,
        started_at=started_at,
        ended_at=ended_at,
    )
