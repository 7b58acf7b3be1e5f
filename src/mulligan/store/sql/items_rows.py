"""Rows of items: how they are written in the transaction of any act."""

from msgspec.structs import replace

from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.items import Item, ItemChange
from mulligan.store.sql import rows
from mulligan.store.sql.dialects import Connection, Dialect
from mulligan.store.sql.numbers import find_project_number

_INSERT = "INSERT INTO items (parent, name, doc, project, kind, id) VALUES (?, ?, ?, ?, ?, ?)"
_UPDATE = (
    "UPDATE items SET parent = ?, name = ?, doc = ? "
    "WHERE project = ? AND kind = ? AND id = ? AND number = ?"
)
_DELETE = "DELETE FROM items WHERE project = ? AND kind = ? AND id = ?"


def kind_of(kind: type[Item]) -> str:
    """Return the word that stands for a kind of item."""
    return str(kind.__struct_config__.tag)


def write_items(dialect: Dialect, connection: Connection, change: ItemChange) -> None:
    """Delete and put what a change says.

    Raises:
        ConflictError: An id or a name is taken (code: the kind of item).
        NotFoundError: An item to be replaced, or its project, is not there.
    """
    for item in change.drop:
        project = find_project_number(connection, item.project)
        connection.execute(_DELETE, (project, kind_of(type(item)), item.id))
    for item in change.put:
        _put(dialect, connection, item)


def _put(dialect: Dialect, connection: Connection, item: Item) -> None:
    kind = kind_of(type(item))
    project = find_project_number(connection, item.project)
    values = (item.parent, item.name, rows.text(replace(item, number=0)), project, kind, item.id)
    try:
        if item.number == 0:
            connection.execute(_INSERT, values)
        elif connection.execute(_UPDATE, (*values, item.number)).rowcount != 1:
            raise NotFoundError(kind, item.id)
    except dialect.clashes as error:
        taken = {"items.id": item.id, "items.name": item.name}.get(dialect.clashing(error))
        if taken is None:
            raise
        raise ConflictError(f"there is a {kind} {taken!r} already", code=kind) from error
