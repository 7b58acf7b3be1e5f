"""Pipelines with their newest runs, and executions of one job over all runs, in SQL."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mulligan.core.ids import JobId, PipelineId, ProjectId
from mulligan.core.records import Pipeline
from mulligan.core.run import Job, RunHead
from mulligan.ports import StageJob
from mulligan.store.matching import ascii_lower
from mulligan.store.sql import rows
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection, Dialect
from mulligan.store.sql.load import load_heads, marks
from mulligan.store.sql.pipelines import read_pipeline

RUNS_AT_MOST = 2_000  # that are searched for executions of a job
_RUNS_AT_ONCE = 100

_LIVE = "FROM pipelines WHERE project = (SELECT number FROM projects WHERE id = ?) AND deleted = 0"
_RELEASED = (
    " AND EXISTS (SELECT 1 FROM pipeline_versions "
    "WHERE pipeline_versions.pipeline = pipelines.number)"
)
_NEWEST_KEY = (
    "SELECT key FROM runs WHERE pipeline = (SELECT number FROM pipelines WHERE id = ?) "
    "ORDER BY number DESC LIMIT 1"
)
# Of each pipeline one run is looked up, by the index of its number.
_BY_CHANGE = (
    "SELECT found.number, found.doc, newest.key FROM ({live}) AS found "
    "LEFT JOIN runs AS newest ON newest.pipeline = found.number "
    "AND newest.number = (SELECT MAX(number) FROM runs WHERE pipeline = found.number) "
    "ORDER BY CASE WHEN newest.updated_at > found.updated_at THEN newest.updated_at "
    "ELSE found.updated_at END DESC, found.number DESC LIMIT ? OFFSET ?"
)
_RUNS = (
    "SELECT key, number FROM runs WHERE pipeline = ? AND number < ? ORDER BY number DESC LIMIT ?"
)
_JOBS = (
    "SELECT id, run, attempt, doc FROM jobs WHERE run IN {runs} AND latest IN (0, 1) AND node = ?"
)


class _Execution(NamedTuple):
    """A row of jobs."""

    number: int
    run: int
    attempt: int
    doc: str


class SqlExecutions(SqlBase):
    """What lists of pipelines show of runs. The number of an execution is that of its row."""

    async def list_group_pipelines(
        self,
        project: ProjectId,
        *,
        name_contains: str = "",
        groups: Sequence[int] | None = None,
        released: bool = False,
        limit: int = 1000,
        offset: int = 0,
    ) -> tuple[tuple[tuple[Pipeline, RunHead | None], ...], int]:
        """Return live pipelines, last changed first, with the heads of their newest runs."""
        where, values = _group_filter(self.dialect, name_contains, groups)
        where, values = f"{_LIVE}{where}{_RELEASED if released else ''}", (project, *values)

        def query(connection: Connection) -> tuple[list[Any], dict[int, RunHead], int]:
            sql = _BY_CHANGE.format(live=f"SELECT number, updated_at, doc {where}")
            found = connection.execute(sql, (*values, limit, offset)).fetchall()
            (total,) = connection.execute(f"SELECT COUNT(*) {where}", values).fetchone()
            keys = [key for _, _, key in found if key is not None]
            return found, _heads(connection, keys), total

        found, heads, total = await self._read(query)
        items = [(read_pipeline((number, doc)), heads.get(key)) for number, doc, key in found]
        return tuple(items), total

    async def newest_run(self, pipeline: PipelineId) -> RunHead | None:
        """Return the head of the run with the greatest number."""

        def query(connection: Connection) -> RunHead | None:
            row = connection.execute(_NEWEST_KEY, (pipeline,)).fetchone()
            return None if row is None else load_heads(connection, row)[0]

        return await self._read(query)

    async def pipeline_by_number(self, number: int) -> Pipeline | None:
        """Return a pipeline by its integer id, also a deleted one."""
        sql = "SELECT number, doc FROM pipelines WHERE number = ?"
        return await self._find(sql, (number,), read_pipeline)

    async def list_stage_jobs(
        self, pipeline: PipelineId, job_id: JobId, *, limit: int = 20
    ) -> tuple[StageJob, ...]:
        """Return executions of a job: newest run first, of each run newest attempt first.

        Only the newest RUNS_AT_MOST runs are searched.
        """

        def query(connection: Connection) -> tuple[StageJob, ...]:
            found: list[_Execution] = []
            for runs in _runs(connection, pipeline):
                found += _executions(connection, runs, job_id)
                if len(found) >= limit:
                    break
            return _stage_jobs(connection, found[:limit])

        return await self._read(query)

    async def find_stage_job(self, number: int) -> StageJob | None:
        """Return an execution by its number."""

        def query(connection: Connection) -> StageJob | None:
            sql = "SELECT id, run, attempt, doc FROM jobs WHERE id = ?"
            row = connection.execute(sql, (number,)).fetchone()
            return None if row is None else _stage_jobs(connection, [_Execution(*row)])[0]

        return await self._read(query)


def _group_filter(
    dialect: Dialect, name_contains: str, groups: Sequence[int] | None
) -> tuple[str, tuple[Any, ...]]:
    sql = ""
    values: tuple[Any, ...] = ()
    if name_contains:
        sql += f" AND {dialect.contains('lower(name)')}"
        values = (ascii_lower(name_contains),)
    if groups is not None:
        wanted = tuple(dict.fromkeys(groups))
        sql += f" AND group_number IN {marks(wanted)}" if wanted else " AND 1 = 0"
        values = (*values, *wanted)
    return sql, values


def _heads(connection: Connection, keys: Sequence[int]) -> dict[int, RunHead]:
    """Give the heads of runs by their keys."""
    heads: dict[int, RunHead] = {}
    for start in range(0, len(keys), _RUNS_AT_ONCE):
        some = keys[start : start + _RUNS_AT_ONCE]
        heads.update(zip(some, load_heads(connection, some), strict=True))
    return heads


def _runs(connection: Connection, pipeline: PipelineId) -> Iterator[list[int]]:
    """Yield the keys of the newest runs, some at a time, newest first."""
    row = connection.execute("SELECT number FROM pipelines WHERE id = ?", (pipeline,)).fetchone()
    if row is None:
        return
    before = 2**63 - 1
    for _ in range(RUNS_AT_MOST // _RUNS_AT_ONCE):
        found = connection.execute(_RUNS, (row[0], before, _RUNS_AT_ONCE)).fetchall()
        if found:
            yield [key for key, _ in found]
        if len(found) < _RUNS_AT_ONCE:
            return
        before = found[-1][1]


def _executions(connection: Connection, runs: list[int], job_id: JobId) -> list[_Execution]:
    """Give the executions of a job in some runs, in their order."""
    sql = _JOBS.format(runs=marks(runs))
    found = [_Execution(*row) for row in connection.execute(sql, (*runs, job_id))]
    places = {run: place for place, run in enumerate(runs)}
    return sorted(found, key=lambda row: (places[row.run], -row.attempt))


def _stage_jobs(connection: Connection, found: Sequence[_Execution]) -> tuple[StageJob, ...]:
    heads = _heads(connection, list(dict.fromkeys(row.run for row in found)))
    return tuple(StageJob(number=row.number, head=heads[row.run], job=_job(row)) for row in found)


def _job(row: _Execution) -> Job:
    return rows.job(row.doc)
