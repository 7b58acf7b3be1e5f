"""What is stored together with an act: receipt, audit entries, rows of the ledger, latches."""

from collections.abc import Iterable

from msgspec.structs import replace

from mulligan.core.deployments import Deployment, Environment, LedgerChange
from mulligan.core.errors import ConflictError, NotFoundError, StaleRevisionError
from mulligan.core.ids import PipelineId
from mulligan.core.records import AuditEntry, Receipt
from mulligan.ports import Acts
from mulligan.store.sql import rows
from mulligan.store.sql.dialects import Connection, Dialect
from mulligan.store.sql.items_rows import write_items
from mulligan.store.sql.numbers import find_project_number
from mulligan.store.sql.trigger_rows import write_triggers

_INSERT_RECEIPT = f"INSERT INTO receipts ({rows.RECEIPT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_INSERT_AUDIT = "INSERT INTO audit (project, target, actor, doc) VALUES (?, ?, ?, ?)"
_INSERT_ENVIRONMENT = (
    "INSERT INTO environments (live, gray, holder, doc, revision, key, project) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE_ENVIRONMENT = (
    "UPDATE environments SET live = ?, gray = ?, holder = ?, doc = ?, revision = ? "
    "WHERE key = ? AND project = ? AND revision = ?"
)
_PUT_DEPLOYMENT = (
    "INSERT INTO deployments (id, environment, run, outcome, doc) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET environment = excluded.environment, "
    "run = excluded.run, outcome = excluded.outcome, doc = excluded.doc"
)
_CLEAR_LATCHES = (
    "UPDATE hooks SET latched = 0, brought = '{}' "
    "WHERE pipeline = (SELECT number FROM pipelines WHERE id = ?) AND stage = '' AND latched = 1"
)


def write_acts(dialect: Dialect, connection: Connection, acts: Acts) -> None:
    """Store all of it in the open transaction.

    Raises:
        ConflictError: The receipt's key exists (code "receipt").
        StaleRevisionError: An environment of the ledger is not at the revision before the given.
        NotFoundError: The ledger names a project or environment that is not stored; see also
            `write_items`. `write_triggers` raises these, too.
    """
    if acts.receipt is not None:
        write_receipt(dialect, connection, acts.receipt)
    if acts.audit:
        write_audit(connection, acts.audit)
    if acts.ledger is not None:
        _write_ledger(dialect, connection, acts.ledger)
    if acts.items is not None:
        write_items(dialect, connection, acts.items)
    if acts.triggers is not None:
        write_triggers(dialect, connection, acts.triggers)
    if acts.clear_latches is not None:
        _clear_latches(connection, acts.clear_latches)


def write_receipt(dialect: Dialect, connection: Connection, receipt: Receipt) -> None:
    """Store an answer.

    Raises:
        ConflictError: The key exists (code "receipt").
    """
    try:
        connection.execute(_INSERT_RECEIPT, rows.receipt_row(receipt))
    except dialect.clashes as error:
        message = f"user {receipt.actor!r} has used the key {receipt.key!r} already"
        raise ConflictError(message, code="receipt") from error


def write_audit(connection: Connection, entries: Iterable[AuditEntry]) -> None:
    """Append entries; the database numbers them."""
    values = [(entry.project, entry.target, entry.actor, rows.text(entry)) for entry in entries]
    connection.executemany(_INSERT_AUDIT, values)


def _write_ledger(dialect: Dialect, connection: Connection, change: LedgerChange) -> None:
    for environment in change.environments:
        _write_environment(dialect, connection, environment)
    for deployment in change.deployments:
        _write_deployment(connection, deployment)


def _write_environment(dialect: Dialect, connection: Connection, environment: Environment) -> None:
    key, revision = environment.key, environment.revision
    project = find_project_number(connection, environment.project)
    pointers = (environment.live, environment.gray, environment.holder, rows.text(environment))
    values = (*pointers, revision, key, project)
    if revision > 1:
        cursor = connection.execute(_UPDATE_ENVIRONMENT, (*values, revision - 1))
        if cursor.rowcount != 1:
            message = f"environment {key!r} is no longer at revision {revision - 1}"
            raise StaleRevisionError(message)
        return
    try:
        connection.execute(_INSERT_ENVIRONMENT, values)
    except dialect.clashes as error:
        if dialect.clashing(error) == "environments.key":
            raise StaleRevisionError(f"environment {key!r} exists already") from error
        raise


def _write_deployment(connection: Connection, deployment: Deployment) -> None:
    sql = "SELECT number FROM environments WHERE key = ?"
    row = connection.execute(sql, (deployment.environment,)).fetchone()
    if row is None:
        raise NotFoundError("environment", deployment.environment)
    doc = rows.text(replace(deployment, number=0))
    values = (deployment.id, row[0], deployment.run, deployment.outcome.value, doc)
    connection.execute(_PUT_DEPLOYMENT, values)


def _clear_latches(connection: Connection, pipeline: PipelineId) -> None:
    connection.execute(_CLEAR_LATCHES, (pipeline,))
