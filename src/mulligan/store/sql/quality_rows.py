"""What a decision changes of checks of quality rules, as rows."""

from mulligan.core.decision import Decision
from mulligan.core.quality_checks import checks_of, settlements_of
from mulligan.store.instants import micros
from mulligan.store.sql import rows
from mulligan.store.sql.dialects import Connection

_INSERT = (
    "INSERT INTO quality_checks (run, project, pipeline, node, rule, result, at, doc) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_SETTLE = (
    "UPDATE quality_checks SET result = ?, answered_by = ?, answered_at = ? "
    "WHERE run = ? AND node = ? AND result = 'waiting'"
)


class CheckRows:
    """What a decision changes of checks, ready for the writer."""

    def __init__(self, decision: Decision) -> None:
        self._settled = [
            (each.result.value, each.by, micros(each.at), each.node)
            for each in settlements_of(decision)
        ]
        self._made = [
            (each.node, each.rule, each.result.value, micros(each.at), rows.text(each))
            for each in checks_of(decision)
        ]

    def write(self, connection: Connection, numbers: tuple[int, int, int]) -> None:
        """Write it for the run of these numbers: its own, its project's, its pipeline's."""
        for *values, node in self._settled:  # first: a gate may have been opened anew
            connection.execute(_SETTLE, (*values, numbers[0], node))
        connection.executemany(_INSERT, [(*numbers, *row) for row in self._made])
