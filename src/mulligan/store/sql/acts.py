"""Receipts and audit entries: what is stored together with an act."""

from collections.abc import Iterable

from mulligan.core.errors import ConflictError
from mulligan.core.records import AuditEntry, Receipt
from mulligan.ports import Acts
from mulligan.store.sql import rows
from mulligan.store.sql.dialects import Connection, Dialect

_INSERT_RECEIPT = f"INSERT INTO receipts ({rows.RECEIPT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_INSERT_AUDIT = "INSERT INTO audit (project, doc) VALUES (?, ?)"


def write_acts(dialect: Dialect, connection: Connection, acts: Acts) -> None:
    """Store both in the open transaction.

    Raises:
        ConflictError: The receipt's key exists (code "receipt").
    """
    if acts.receipt is not None:
        write_receipt(dialect, connection, acts.receipt)
    if acts.audit:
        write_audit(connection, acts.audit)


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
    values = [(entry.project, rows.text(entry)) for entry in entries]
    connection.executemany(_INSERT_AUDIT, values)
