"""Is what is stored consistent? `mulligan admin check`.

Every finding is one line that names the run or row. The check only reads, and may take a minute
for a hundred thousand runs: it plays the events of each once more.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from immutables import Map
from msgspec.structs import replace

from mulligan.core.errors import StateError
from mulligan.core.evolve import evolve
from mulligan.core.run import Run, RunHead, Write
from mulligan.core.spec import SpecIndex
from mulligan.core.status import Status
from mulligan.store.sql import load, rows
from mulligan.store.sql.dialects import Connection, Sqlite
from mulligan.store.sql.migrate import SchemaError, check_applied, read_migrations

MOST_DAMAGES = 20  # lines of the database's own report

_NODES = ("stages", "jobs", "steps", "gates")
_IDLE = """
SELECT id FROM runs WHERE status IN ('queued', 'running')
AND NOT EXISTS (SELECT 1 FROM jobs
    WHERE run = runs.key AND latest = 1 AND status IN ('queued', 'running'))
AND NOT EXISTS (SELECT 1 FROM gates WHERE run = runs.key AND latest = 1 AND status = 'open')
AND NOT EXISTS (SELECT 1 FROM outbox WHERE run = runs.key)
"""
_HELD = "SELECT runs.id, jobs.doc FROM jobs JOIN runs ON runs.key = jobs.run WHERE jobs.held = 1"
_NUMBERS = """
SELECT pipelines.id, COUNT(*), MIN(runs.number), MAX(runs.number)
FROM runs JOIN pipelines ON pipelines.number = runs.pipeline GROUP BY runs.pipeline
"""
_LATEST = """
SELECT runs.id, node FROM {table} JOIN runs ON runs.key = {table}.run GROUP BY run, node
HAVING SUM(latest) <> 1 OR MAX(attempt) <> MAX(attempt * latest)
    OR COUNT(*) <> COUNT(DISTINCT attempt)
"""
_WRONG_HOLDERS = """
SELECT environments.key, environments.holder FROM environments
WHERE holder <> '' AND NOT EXISTS (SELECT 1 FROM deployments WHERE id = environments.holder
    AND environment = environments.number AND outcome = 'running')
"""
_WRONG_RELEASES = """
SELECT environments.key, environments.{column} FROM environments
WHERE {column} <> '' AND NOT EXISTS (SELECT 1 FROM deployments WHERE id = environments.{column}
    AND environment = environments.number AND outcome = 'succeeded')
"""
_LEFT_OPEN = """
SELECT deployments.id, deployments.run FROM deployments WHERE outcome = 'running'
AND NOT EXISTS (SELECT 1 FROM runs WHERE id = deployments.run AND ended_at IS NULL)
"""
_STALE_TICKETS = """
SELECT runs.id, mutex_tickets.job FROM mutex_tickets JOIN runs ON runs.key = mutex_tickets.run
WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE run = mutex_tickets.run AND latest = 1
    AND node = mutex_tickets.job AND status IN ('queued', 'running'))
"""
_MISSING_TICKETS = """
SELECT runs.id, node FROM jobs JOIN runs ON runs.key = jobs.run
WHERE latest = 1 AND jobs.status IN ('queued', 'running')
AND json_extract(jobs.doc, '$.mutex.name') IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM mutex_tickets WHERE run = jobs.run AND job = jobs.node)
"""
_RUNS = "SELECT key, id, revision FROM runs ORDER BY key"
_EVENTS = "SELECT revision, doc FROM events WHERE run = ? ORDER BY seq"


def check(path: Path) -> list[str]:
    """Return what is wrong with a database, one line each; nothing when all is well."""
    if not path.is_file():
        return [f"there is no database at {path}"]
    dialect = Sqlite(path)
    try:
        connection = dialect.open_checker()
        try:
            return list(_findings(connection))
        finally:
            connection.close()
    except (SchemaError, dialect.failures) as error:
        return [f"the database can't be read: {error}"]


def _findings(connection: Connection) -> Iterator[str]:
    check_applied(connection, read_migrations())
    connection.execute("BEGIN")  # one state of the database, also while a server is writing
    yield from _damages(connection)
    yield from _idle_runs(connection)
    yield from _unheld_jobs(connection)
    yield from _gaps_in_numbers(connection)
    yield from _wrong_latest(connection)
    yield from _wrong_ledgers(connection)
    yield from _wrong_tickets(connection)
    yield from _wrong_histories(connection)


def _damages(connection: Connection) -> Iterator[str]:
    for (text,) in connection.execute(f"PRAGMA quick_check({MOST_DAMAGES})"):
        if text != "ok":
            yield f"database: {text}"
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchall():
        yield f"database: row {row} of {table} refers to a row of {parent} that is missing"


def _idle_runs(connection: Connection) -> Iterator[str]:
    for (run_id,) in connection.execute(_IDLE):
        yield f"run {run_id}: is not finished, but no job, gate or effect will carry it on"


def _unheld_jobs(connection: Connection) -> Iterator[str]:
    for run_id, doc in connection.execute(_HELD):
        job = rows.job(doc)
        if job.runner is None:
            yield f"run {run_id}: job {job.id} is running, but no runner holds it"


def _gaps_in_numbers(connection: Connection) -> Iterator[str]:
    for pipeline, count, first, last in connection.execute(_NUMBERS):
        if last - first + 1 != count:
            yield (
                f"pipeline {pipeline}: has {count} runs numbered {first} to {last}, "
                "but numbers must follow one another"
            )


def _wrong_latest(connection: Connection) -> Iterator[str]:
    for table in _NODES:
        for run_id, node in connection.execute(_LATEST.format(table=table)):
            yield f"run {run_id}: the attempts of {node} ({table}) are numbered or marked wrongly"


def _wrong_ledgers(connection: Connection) -> Iterator[str]:
    for key, holder in connection.execute(_WRONG_HOLDERS):
        yield f"environment {key}: is held by deployment {holder}, which is not under way in it"
    for column in ("live", "gray"):
        for key, ident in connection.execute(_WRONG_RELEASES.format(column=column)):
            yield f"environment {key}: its {column} {ident} is not a deployment that succeeded"
    for ident, run in connection.execute(_LEFT_OPEN):
        yield f"deployment {ident}: is under way, but its run {run} is not"


def _wrong_tickets(connection: Connection) -> Iterator[str]:
    for run_id, job in connection.execute(_STALE_TICKETS):
        yield f"run {run_id}: job {job} has a ticket for a mutex, but it has ended"
    for run_id, job in connection.execute(_MISSING_TICKETS):
        yield f"run {run_id}: job {job} needs a mutex, but it has no ticket"


def _wrong_histories(connection: Connection) -> Iterator[str]:
    indexes: dict[tuple[object, ...], SpecIndex | None] = {}
    for key, run_id, revision in connection.execute(_RUNS).fetchall():
        events = connection.execute(_EVENTS, (key,)).fetchall()
        if not _is_gapless([row[0] for row in events], revision):
            yield f"run {run_id}: its events do not lead from revision 1 to {revision}"
            continue
        try:
            head = load.load_heads(connection, (key,))[0]
            version = (head.pipeline, head.version, head.posts)
            if version not in indexes:
                indexes[version] = load.load_spec_index(connection, key, head)
            index = indexes[version]
            if index is not None:  # else its version was dropped since
                stored = load.load_run(connection, key, head, index)
                played = _as_it_was_stored(_play(stored, [doc for _, doc in events]), stored)
                yield from (f"run {run_id}: {text}" for text in _differences(stored, played))
        except msgspec.DecodeError as error:
            yield f"run {run_id}: is stored in a form that this version does not know: {error}"
        except StateError as error:
            yield f"run {run_id}: its events do not follow from one another: {error}"
        except LookupError as error:
            yield f"run {run_id}: something that its events name is missing: {error!r}"


def _is_gapless(revisions: list[int], last: int) -> bool:
    """Tell whether the revisions ascend from 1 to the last one, each there at least once."""
    steps = (after - before for before, after in pairwise([0, *revisions]))
    return revisions[-1:] == [last] and all(step in {0, 1} for step in steps)


def _differences(stored: Run, played: Run) -> Iterator[str]:
    for name in ("stages", "jobs", "steps", "gates", "writes"):
        if getattr(played, name) != getattr(stored, name):
            yield f"its {name} are not what its events say"
    for name in RunHead.__struct_fields__:
        if getattr(played.head, name) != getattr(stored.head, name):
            yield f"its {name} is not what its events say"


def _as_it_was_stored(played: Run, stored: Run) -> Run:
    """Leave out what versions before did not store: when the time of a job began that has ended."""
    jobs = played.jobs
    for job_id, job in stored.jobs.items():
        again = jobs.get(job_id)
        if again is not None and job.ended_at is not None and job.counted_from is None:
            jobs = jobs.set(job_id, replace(again, counted_from=None))
    return replace(played, jobs=jobs)


def _play(stored: Run, docs: Iterable[str]) -> Run:
    run = Run(head=_first_head(stored.head), index=stored.index.definition)
    for doc in docs:
        run = evolve(run, rows.event(doc))
    head = replace(run.head, revision=stored.head.revision)
    return replace(run, head=head, writes=_merged(run.writes))


def _first_head(head: RunHead) -> RunHead:
    """Give the head as it was before the first event; what no event changes is kept."""
    first = head.attempts[0]
    fresh = replace(first, started_at=None, ended_at=None, status=None, cause=None, repairs=())
    return replace(
        head,
        attempts=(fresh,),
        attempt=1,
        status=Status.QUEUED,
        cause=None,
        queued_at=first.queued_at,
        started_at=None,
        ended_at=None,
        cancel=None,
        stage=-1,
        failed_steps=(),
        errors=(),
        retry_target="",
        released_at=None,
        released_by=None,
    )


def _merged(writes: Map[str, tuple[Write, ...]]) -> Map[str, tuple[Write, ...]]:
    """Merge neighbours of the same writer, between which a write was withdrawn."""
    merged: dict[str, Any] = {}
    for name, stack in writes.items():
        kept: list[Write] = []
        for write in stack:
            if kept and (kept[-1].writer, kept[-1].attempt) == (write.writer, write.attempt):
                kept.pop()
            kept.append(write)
        merged[name] = tuple(kept)
    return Map(merged)
