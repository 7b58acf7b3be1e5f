"""A decision as rows: encoded by the calling task, carried out by the writer.

What one decision costs depends on what it changes, never on the size of the run. The document of
the head is written only when it is not certain that it is the stored one.
"""
# ruff: noqa: S608 - statements are put together from names in this file only

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from mulligan.core.decision import Decision
from mulligan.core.errors import ConflictError, NotFoundError, StaleRevisionError
from mulligan.core.events import ValuesWithdrawn, ValuesWritten
from mulligan.core.ids import StepId
from mulligan.core.recovered import branch_of, recovery_of
from mulligan.core.run import RunHead
from mulligan.core.tallies import tallies_of
from mulligan.ports import Acts
from mulligan.store.changed import changed_jobs, changed_stages, changed_tickets, is_held
from mulligan.store.instants import micros, micros_or_none
from mulligan.store.sql import rows
from mulligan.store.sql.acts import write_acts
from mulligan.store.sql.dialects import Connection, Dialect
from mulligan.store.sql.quality_rows import CheckRows

Values = tuple[Any, ...]

_HEAD_COLUMNS = (
    "revision, stage, updated_at, version, status, cause, message, remark, "
    "queued_at, started_at, ended_at, recovered"
)
_INSERT_RUN = (
    f"INSERT INTO runs (id, project, pipeline, number, start_kind, started_by, branch, "
    f"{_HEAD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SET_HEAD = ", ".join(f"{column} = ?" for column in _HEAD_COLUMNS.split(", "))
_UPDATE_HEAD = f"UPDATE runs SET {_SET_HEAD} WHERE key = ? AND revision = ?"
_UPDATE_LIVE = (
    "UPDATE runs SET revision = ?, stage = ?, updated_at = ? WHERE key = ? AND revision = ?"
)
_PUT_DOC = (
    "INSERT INTO run_docs (run, doc) VALUES (?, ?) "
    "ON CONFLICT (run) DO UPDATE SET doc = excluded.doc"
)
_FIND_PIPELINE = (
    "SELECT projects.number, pipelines.number FROM pipelines "
    "JOIN projects ON projects.number = pipelines.project "
    "WHERE pipelines.id = ? AND projects.id = ?"
)
_FIND_RUN = "SELECT key, project, pipeline FROM runs WHERE id = ?"
_INSERT_EVENT = "INSERT INTO events (run, project, pipeline, revision, doc) VALUES (?, ?, ?, ?, ?)"
_INSERT_WRITE = "INSERT INTO writes (run, writer, withdrawn, doc) VALUES (?, ?, 0, ?)"
_WITHDRAW = "UPDATE writes SET withdrawn = 1 WHERE run = ? AND withdrawn = 0"
_PUT_EFFECT = (
    "INSERT INTO outbox (run, kind, key, due_at, created_at, doc) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (run, kind, key) DO UPDATE SET "
    "due_at = excluded.due_at, created_at = excluded.created_at, doc = excluded.doc"
)
_DROP_EFFECT = "DELETE FROM outbox WHERE run = ? AND kind = ? AND key = ?"
_PUT_TICKET = (
    "INSERT INTO mutex_tickets (run, job, project, name, places, held) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (run, job) DO UPDATE SET "
    "name = excluded.name, places = excluded.places, held = excluded.held"
)
_DROP_TICKET = "DELETE FROM mutex_tickets WHERE run = ? AND job = ?"
_DROP_FAILED = "DELETE FROM failed_steps WHERE run = ?"
_DROP_FAILED_STEP = "DELETE FROM failed_steps WHERE run = ? AND step = ?"
_INSERT_FAILED = "INSERT INTO failed_steps (run, step) VALUES (?, ?)"
_ADD_TALLY = (
    "INSERT INTO tallies (name, label, value) VALUES (?, ?, ?) "
    "ON CONFLICT (name, label) DO UPDATE SET value = value + excluded.value"
)
_WRITERS_AT_ONCE = 500  # bound variables of one statement; SQLite allows some thousands


def _put_node(table: str) -> str:
    return (
        f"INSERT INTO {table} (run, node, attempt, latest, status, doc) VALUES (?, ?, ?, 1, ?, ?) "
        "ON CONFLICT (run, latest, node, attempt) "
        "DO UPDATE SET status = excluded.status, doc = excluded.doc"
    )


def _outdate(table: str) -> str:
    return (
        f"UPDATE {table} SET latest = 0 WHERE run = ? AND latest = 1 AND node = ? AND attempt < ?"
    )


_PUT_NODE = {table: _put_node(table) for table in ("stages", "steps", "gates")}
_PUT_NODE["jobs"] = (
    "INSERT INTO jobs (run, node, attempt, latest, status, held, doc) VALUES (?, ?, ?, 1, ?, ?, ?) "
    "ON CONFLICT (run, latest, node, attempt) DO UPDATE SET "
    "status = excluded.status, held = excluded.held, doc = excluded.doc"
)
_OUTDATE = {table: _outdate(table) for table in _PUT_NODE}
# Nobody holds an attempt that is not the newest, also when it was still running.
_OUTDATE["jobs"] = _OUTDATE["jobs"].replace("SET latest = 0", "SET latest = 0, held = 0")


class RunNumbers(NamedTuple):
    """What stands for a run, its project and its pipeline in the rows that belong to them."""

    run: int
    project: int
    pipeline: int


class Append:
    """One decision, ready for the writer: call it with the connection.

    Args:
        before: The head that the decision was made on, if it is known. It may still be on its way
            to the database: if it does not get there, this decision doesn't either.
        numbers: The run's, if they are known.
    """

    def __init__(
        self,
        dialect: Dialect,
        decision: Decision,
        acts: Acts,
        before: RunHead | None,
        numbers: RunNumbers | None,
    ) -> None:
        if not decision.events:
            raise ValueError("a decision without events would leave a gap in the revisions")
        self._dialect = dialect
        self._decision = decision
        self._acts = acts
        self._numbers = numbers
        head = decision.run.head
        self._updated_at = micros(decision.events[-1].at)
        self.changes_head = before is None or not rows.same_doc(head, before)
        self._head_doc = rows.head_doc(head) if self.changes_head else ""
        self._failed = _compare(None if before is None else before.failed_steps, head.failed_steps)
        self._nodes = [(table, values) for table, values in _node_rows(decision) if values]
        self._events = [(head.revision, rows.text(event)) for event in decision.events]
        self._values = _value_statements(decision)
        self._tickets = list(changed_tickets(decision))
        self._checks = CheckRows(decision)
        self._tallies = tallies_of(decision)
        self._effects = [
            (effect, "" if effect.drop else rows.text(effect)) for effect in decision.effects
        ]

    def __call__(self, connection: Connection) -> RunNumbers:
        """Write it all; return the run's numbers.

        Raises:
            StaleRevisionError, ConflictError, NotFoundError: See `RunStore.append`.
        """
        is_new = self._decision.base_revision == 0
        numbers = self._insert(connection) if is_new else self._update(connection)
        key = numbers.run
        if self.changes_head:
            connection.execute(_PUT_DOC, (key, self._head_doc))
        for table, values in self._nodes:
            connection.executemany(_PUT_NODE[table], [(key, *row) for row in values])
            again = [(key, node, attempt) for node, attempt, *_ in values if attempt > 1]
            if again:
                connection.executemany(_OUTDATE[table], again)
        for sql, many in self._values:
            connection.executemany(sql, [(key, *values) for values in many])
        connection.executemany(_INSERT_EVENT, [(*numbers, *event) for event in self._events])
        self._write_failed(connection, key)
        self._write_effects(connection, key)
        self._write_tickets(connection, numbers)
        self._checks.write(connection, numbers)
        if self._tallies:
            connection.executemany(_ADD_TALLY, self._tallies)
        write_acts(self._dialect, connection, self._acts)
        return numbers

    def _insert(self, connection: Connection) -> RunNumbers:
        head = self._decision.run.head
        found = connection.execute(_FIND_PIPELINE, (head.pipeline, head.project)).fetchone()
        if found is None:
            raise NotFoundError("pipeline", head.pipeline)
        project, pipeline = found
        fixed = (
            head.id,
            *found,
            head.number,
            head.start_kind,
            head.started_by,
            branch_of(head),
        )
        try:
            key = self._dialect.insert(connection, _INSERT_RUN, (*fixed, *self._head_values()))
        except self._dialect.clashes as error:
            column = self._dialect.clashing(error)
            if column == "runs.id":
                raise StaleRevisionError(f"run {head.id} exists already") from error
            if column == "runs.pipeline":
                message = f"run number {head.number} of pipeline {head.pipeline} is taken"
                raise ConflictError(message, code="run-number") from error
            raise
        return RunNumbers(key, project, pipeline)

    def _update(self, connection: Connection) -> RunNumbers:
        head = self._decision.run.head
        base = self._decision.base_revision
        numbers = self._numbers
        if numbers is None:
            found = connection.execute(_FIND_RUN, (head.id,)).fetchone()
            if found is None:
                raise StaleRevisionError(f"run {head.id} is not stored")
            numbers = RunNumbers(*found)
        if self.changes_head:
            values = (*self._head_values(), numbers.run, base)
            cursor = connection.execute(_UPDATE_HEAD, values)
        else:
            live = (head.revision, head.stage, self._updated_at, numbers.run, base)
            cursor = connection.execute(_UPDATE_LIVE, live)
        if cursor.rowcount != 1:
            raise StaleRevisionError(f"run {head.id} is no longer at revision {base}")
        return numbers

    def _head_values(self) -> Values:
        """Give the values of _HEAD_COLUMNS."""
        head = self._decision.run.head
        return (
            head.revision,
            head.stage,
            self._updated_at,
            head.version,
            head.status.value,
            "" if head.cause is None else head.cause.value,
            head.message,
            head.remark,
            micros(head.queued_at),
            micros_or_none(head.started_at),
            micros_or_none(head.ended_at),
            int(recovery_of(head) is not None),
        )

    def _write_failed(self, connection: Connection, key: int) -> None:
        gone, added = self._failed
        if gone is None and self._decision.base_revision > 0:
            connection.execute(_DROP_FAILED, (key,))
        elif gone:
            connection.executemany(_DROP_FAILED_STEP, [(key, step) for step in gone])
        if added:
            connection.executemany(_INSERT_FAILED, [(key, step) for step in added])

    def _write_effects(self, connection: Connection, key: int) -> None:
        for effect, doc in self._effects:
            if effect.drop:
                connection.execute(_DROP_EFFECT, (key, effect.kind, effect.key))
            else:
                due_at = micros_or_none(effect.due_at)
                values = (key, effect.kind, effect.key, due_at, self._updated_at, doc)
                connection.execute(_PUT_EFFECT, values)

    def _write_tickets(self, connection: Connection, numbers: RunNumbers) -> None:
        for job, mutex in self._tickets:
            if job.status.is_final:
                connection.execute(_DROP_TICKET, (numbers.run, job.id))
                continue
            row = (numbers.run, job.id, numbers.project, mutex.name, mutex.places, int(mutex.held))
            try:
                connection.execute(_PUT_TICKET, row)
            except self._dialect.clashes as error:
                if self._dialect.clashing(error) != "mutex_tickets.project":
                    raise
                message = f"mutex {mutex.name} is held by another job"
                raise ConflictError(message, code="mutex") from error


def _node_rows(decision: Decision) -> Iterator[tuple[str, list[Values]]]:
    """Yield for each table the rows after the run's key, for each node oldest attempt first."""
    text = rows.text
    yield (
        "stages",
        [
            (stage.id, stage.attempt, stage.status.value, text(stage))
            for stage in changed_stages(decision)
        ],
    )
    yield (
        "jobs",
        [
            (job.id, job.attempt, job.status.value, int(is_held(job)), text(job))
            for job in changed_jobs(decision)
        ],
    )
    yield (
        "steps",
        [(step.id, step.attempt, step.status.value, text(step)) for step in decision.steps],
    )
    yield "gates", [(gate.node, gate.number, gate.state, text(gate)) for gate in decision.gates]


def _value_statements(decision: Decision) -> list[tuple[str, list[Values]]]:
    """Give the statements on the table of writes in the order of the events."""
    statements: list[tuple[str, list[Values]]] = []
    for event in decision.events:
        if isinstance(event, ValuesWritten):
            written = [(write.writer, rows.text(write)) for write in event.writes]
            statements.append((_INSERT_WRITE, written))
        elif isinstance(event, ValuesWithdrawn):
            statements.extend(_withdrawals(event))
    return statements


def _withdrawals(event: ValuesWithdrawn) -> Iterable[tuple[str, list[Values]]]:
    if event.everything:
        yield _WITHDRAW, [()]
        return
    for start in range(0, len(event.writers), _WRITERS_AT_ONCE):
        some = event.writers[start : start + _WRITERS_AT_ONCE]
        marks = ", ".join("?" * len(some))
        yield f"{_WITHDRAW} AND writer IN ({marks})", [some]


def _compare(
    before: Sequence[StepId] | None, after: Sequence[StepId]
) -> tuple[list[StepId] | None, Sequence[StepId]]:
    """Give what must be removed (None = everything) and what then is appended to the list."""
    if before is None:
        return None, after
    if after is before:
        return [], ()
    gone = []
    kept = 0
    for step in before:
        if kept < len(after) and after[kept] == step:
            kept += 1
        else:
            gone.append(step)
    return gone, after[kept:]
