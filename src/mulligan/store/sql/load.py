"""Reading one run: its head, its snapshot, its attempts."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from immutables import Map
from msgspec.structs import replace

from mulligan.core.events import ValuesWritten
from mulligan.core.evolve import derive, evolve
from mulligan.core.ids import RunId, StepId
from mulligan.core.posts import index_of
from mulligan.core.run import Run, RunHead, Step
from mulligan.core.spec import SpecIndex
from mulligan.ports import NodeHistory
from mulligan.store.sql import rows
from mulligan.store.sql.dialects import Connection

T = TypeVar("T")
Decode = Callable[[str], T]

_HEADS = (
    "SELECT runs.key, runs.revision, runs.stage, run_docs.doc "
    "FROM runs JOIN run_docs ON run_docs.run = runs.key WHERE runs."
)
_FAILED = "SELECT run, step FROM failed_steps WHERE run IN "
_WRITES = "SELECT doc FROM writes WHERE run = ? AND withdrawn = 0 ORDER BY id"
_VERSION = (
    "SELECT doc FROM pipeline_versions "
    "WHERE pipeline = (SELECT pipeline FROM runs WHERE key = ?) AND version = ?"
)
_STEP = (
    "SELECT doc FROM steps WHERE run = (SELECT key FROM runs WHERE id = ?) "
    "AND latest IN (0, 1) AND node = ? ORDER BY attempt"
)


def marks(values: Sequence[Any]) -> str:
    """Give "(?, ?, …)" for that many values."""
    return f"({', '.join('?' * len(values))})"


def load_heads(connection: Connection, keys: Sequence[int]) -> tuple[RunHead, ...]:
    """Return the heads of runs in the order of their keys given."""
    found = connection.execute(f"{_HEADS}key IN {marks(keys)}", keys).fetchall()
    failed = _load_failed(connection, keys)
    heads = {row[0]: _head(row, failed.get(row[0], ())) for row in found}
    return tuple(heads[key] for key in keys)


def load_head(connection: Connection, run_id: RunId) -> tuple[int, RunHead] | None:
    """Return key and head of a run, if it exists."""
    row = connection.execute(f"{_HEADS}id = ?", (run_id,)).fetchone()
    if row is None:
        return None
    key = row[0]
    return key, _head(row, _load_failed(connection, (key,)).get(key, ()))


def _load_failed(connection: Connection, keys: Sequence[int]) -> dict[int, list[StepId]]:
    failed: dict[int, list[StepId]] = {}
    for key, step in connection.execute(f"{_FAILED}{marks(keys)} ORDER BY id", keys):
        failed.setdefault(key, []).append(step)
    return failed


def _head(row: tuple[Any, ...], failed: Iterable[StepId]) -> RunHead:
    _, revision, stage, doc = row
    return replace(rows.head(doc), revision=revision, stage=stage, failed_steps=tuple(failed))


def load_spec_index(connection: Connection, key: int, head: RunHead) -> SpecIndex | None:
    """Return the definition that a run follows, if that version is still kept."""
    row = connection.execute(_VERSION, (key, head.version)).fetchone()
    return None if row is None else index_of(rows.only_spec(row[0]).spec, head.posts)


def load_run(connection: Connection, key: int, head: RunHead, index: SpecIndex) -> Run:
    """Return the snapshot of a run."""
    run = Run(
        head=head,
        index=index,
        stages=Map(_latest(connection, "stages", key, rows.stage)),
        jobs=Map(_latest(connection, "jobs", key, rows.job)),
        steps=Map(_latest(connection, "steps", key, rows.step)),
        gates=Map(_latest(connection, "gates", key, rows.gate)),
    )
    writes = tuple(rows.write(doc) for (doc,) in connection.execute(_WRITES, (key,)))
    return derive(evolve(run, ValuesWritten(at=head.queued_at, writes=writes)))


def _latest(connection: Connection, table: str, key: int, decode: Decode[T]) -> list[tuple[Any, T]]:
    sql = f"SELECT node, doc FROM {table} WHERE run = ? AND latest = 1"  # noqa: S608
    return [(node, decode(doc)) for node, doc in connection.execute(sql, (key,))]


def load_history(connection: Connection, key: int) -> NodeHistory:
    """Return all attempts of all nodes of a run."""
    return NodeHistory(
        stages=_attempts(connection, "stages", key, rows.stage),
        jobs=_attempts(connection, "jobs", key, rows.job),
        steps=_attempts(connection, "steps", key, rows.step),
        gates=_attempts(connection, "gates", key, rows.gate),
    )


def _attempts(
    connection: Connection, table: str, key: int, decode: Decode[T]
) -> dict[str, tuple[T, ...]]:
    sql = f"SELECT node, doc FROM {table} WHERE run = ? ORDER BY node, attempt"  # noqa: S608
    found: dict[str, list[T]] = {}
    for node, doc in connection.execute(sql, (key,)):
        found.setdefault(node, []).append(decode(doc))
    return {node: tuple(attempts) for node, attempts in found.items()}


def load_step_attempts(connection: Connection, run_id: RunId, step_id: StepId) -> tuple[Step, ...]:
    """Return the attempts of one step."""
    found = connection.execute(_STEP, (run_id, step_id))
    return tuple(rows.step(doc) for (doc,) in found)
