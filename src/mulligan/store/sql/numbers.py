"""Numbers that stand for ids in rows, and numbers that are given once."""

from mulligan.core.errors import NotFoundError
from mulligan.core.ids import ProjectId
from mulligan.store.sql.dialects import Connection

GROUPS = "store.groups"
TEMPLATES = "store.templates"

_TAKE = (
    "INSERT INTO number_counters (kind, given) VALUES (?, ?) "
    "ON CONFLICT (kind) DO UPDATE SET given = number_counters.given + excluded.given"
)


def find_project_number(connection: Connection, project: ProjectId) -> int:
    """Return the number of a project.

    Raises:
        NotFoundError: No such project.
    """
    row = connection.execute("SELECT number FROM projects WHERE id = ?", (project,)).fetchone()
    if row is None:
        raise NotFoundError("project", project)
    return int(row[0])


def take_numbers(connection: Connection, kind: str, count: int) -> int:
    """Take the next numbers of a sequence; return the first of them."""
    connection.execute(_TAKE, (kind, count))
    sql = "SELECT given FROM number_counters WHERE kind = ?"
    (given,) = connection.execute(sql, (kind,)).fetchone()
    return int(given) - count + 1
