"""The SQL of run lists: whatever the filter, no more rows are looked at than needed.

Each filter that can be the narrow one has an index (migration 0001). A list is made in one of
three ways:

- *narrow*: one filter matches few runs, or an interval that lies far back; these are read by its
  index and sorted;
- *merged*: runs are read in the order of the list, for each value of one filter from its index,
  and merged until the page is full;
- otherwise they are read by the index of the order.

Which one is found by counting, and the counting stops at FEW.
"""
# ruff: noqa: S608 - statements are put together from names in this file only

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mulligan.core.status import Status
from mulligan.ports import RunFilter
from mulligan.store.instants import micros_or_none
from mulligan.store.paging import Order, Position
from mulligan.store.sql.dialects import Connection, Dialect

FEW = 1_000  # rows that are sorted in about a millisecond
MERGED_AT_MOST = 8  # values of one filter

_UNFINISHED = frozenset({Status.QUEUED, Status.RUNNING})
# Filters by value that have an index in the order of the list; the narrower ones first.
_BY_VALUE = ("branch", "recovered", "started_by", "cause", "start_kind", "status")
# Their indexes leave out the runs that have nothing of the kind.
_PARTIAL = {"cause": "cause <> ''", "branch": "branch <> ''", "recovered": "recovered = 1"}
_NOTHING: tuple[str | int, ...] = ("", 0)


class Scope(NamedTuple):
    """Whose runs: a pipeline's or a project's number; column "" = everybody's."""

    column: str
    number: int


class _Condition(NamedTuple):
    sql: str
    values: tuple[Any, ...]


_TRUE = _Condition("1 = 1", ())


class _Branch(NamedTuple):
    """Rows to read: by which column's index, which of them, and which filter that settles."""

    column: str
    condition: _Condition
    settles: str = ""


class RunQuery:
    """One filter in one order, on the scope that it names."""

    def __init__(self, dialect: Dialect, where: RunFilter, order: Order, scope: Scope) -> None:
        self._dialect = dialect
        self._order = order
        self._scope = scope
        self._values = _values(where)
        self._intervals = _intervals(where)
        self._numbers = self._intervals.pop("number", None)
        if self._numbers is not None and scope.column == "pipeline":
            self._intervals["number"] = self._numbers
            self._numbers = None
        self._ids = where.ids
        # runs without a text are left out of runs_…_remark and runs_…_message
        self._texts = {"remark": where.remark or "", "message": where.message or ""}
        self._unfinished = bool(where.statuses) and _UNFINISHED.issuperset(where.statuses)
        self._others = list(self._other_conditions(where))

    def keys(
        self, connection: Connection, before: Position | None, limit: int, skip: int
    ) -> list[Position]:
        """Return the positions of the next runs after `before`, `skip` of them left out."""
        bounds = [] if before is None else [_after(self._order, before)]
        parts = [self._part(branch, bounds) for branch in self._branches(connection)]
        selects = [f"SELECT {self._order}, key FROM {part.sql}" for part in parts]
        values = [value for part in parts for value in part.values]
        sql = f"{' UNION ALL '.join(selects)} ORDER BY 1 DESC, 2 DESC LIMIT ? OFFSET ?"
        found = connection.execute(sql, (*values, limit, skip))
        return [Position(*row) for row in found]

    def count(self, connection: Connection) -> int:
        """Return how many runs match."""
        branch = self._narrow(connection) or self._by_text()
        if branch is None:
            own = Order.NUMBER if self._scope.column == "pipeline" else Order.QUEUED
            filters = filter(self._can_drive, (*self._values, *self._intervals))
            branch = self._whole(next(filters, own.value))
        part = self._part(branch, [])
        (count,) = connection.execute(f"SELECT COUNT(*) FROM {part.sql}", part.values).fetchone()
        return int(count)

    # --- choosing ------------------------------------------------------------------------------

    def _branches(self, connection: Connection) -> list[_Branch]:
        narrow = self._narrow(connection)
        if narrow is not None:
            return [narrow]
        if self._order is Order.UPDATED and self._scope.column:
            # runs_…_updated_at leaves out unfinished runs, which change all the time
            ended = _Branch("updated_at", _Condition("ended_at IS NOT NULL", ()))
            return [_Branch("ended_at", _Condition("ended_at IS NULL", ())), ended]
        for name, wanted in self._values.items():
            if self._can_drive(name) and len(wanted) <= MERGED_AT_MOST:
                one = f"{name} = ?"
                return [_Branch(name, _Condition(one, (value,)), name) for value in wanted]
        return [self._by_text() or self._whole(self._order)]

    def _narrow(self, connection: Connection) -> _Branch | None:
        """Return the filter by which to read and sort, if there is one worth it."""
        if self._ids:
            return _Branch("id", _TRUE)
        for name in (*self._values, *self._intervals):
            if self._can_drive(name) and self._is_few(connection, name, self._of(name)):
                return self._whole(name)
        if self._texts["remark"]:  # few runs have one
            return self._by_text()
        for name, (_, last) in self._intervals.items():
            later = _Condition(f"{name} > ?", (last,))
            if name == self._order or last is None or not self._can_drive(name):
                continue
            if not self._is_few(connection, name, later):
                return self._whole(name)
        return None

    def _by_text(self) -> _Branch | None:
        if self._scope.column:
            for name, wanted in self._texts.items():
                if wanted:
                    return _Branch(name, _Condition(f"{name} <> ''", ()))
        return None

    def _whole(self, column: str) -> _Branch:
        """Read by the index of a column everything that its filter, if any, lets through."""
        is_filter = column in self._values or column in self._intervals
        return _Branch(column, self._of(column) if is_filter else _TRUE, column)

    def _can_drive(self, name: str) -> bool:
        if not self._scope.column:
            return False
        return name not in _PARTIAL or not any(each in _NOTHING for each in self._values[name])

    def _is_few(self, connection: Connection, column: str, condition: _Condition) -> bool:
        part = self._from(column, [condition])
        sql = f"SELECT COUNT(*) FROM (SELECT 1 FROM {part.sql} LIMIT {FEW}) AS probe"
        (count,) = connection.execute(sql, part.values).fetchone()
        return int(count) < FEW

    # --- writing SQL ---------------------------------------------------------------------------

    def _part(self, branch: _Branch, bounds: Sequence[_Condition]) -> _Condition:
        """Give what follows FROM for one branch."""
        filters = [name for name in (*self._values, *self._intervals) if name != branch.settles]
        conditions = [branch.condition, *bounds, *self._others, *map(self._of, filters)]
        return self._from(branch.column, conditions)

    def _from(self, column: str, conditions: Sequence[_Condition]) -> _Condition:
        scope, number = self._scope
        every = [_Condition(f"{scope} = ?", (number,))] if scope else []
        every += conditions
        if column in _PARTIAL:
            every.append(_Condition(_PARTIAL[column], ()))  # lets the partial index be used
        text = " AND ".join(condition.sql for condition in every)
        values = tuple(value for condition in every for value in condition.values)
        return _Condition(f"runs {self._hint(column)} WHERE {text}", values)

    def _hint(self, column: str) -> str:
        if column == "id":
            return self._dialect.by_index("runs_id")
        if self._scope.column:
            return self._dialect.by_index(f"runs_{self._scope.column}_{column}")
        if column != Order.QUEUED:
            return ""
        return self._dialect.by_index("runs_unfinished" if self._unfinished else "runs_queued_at")

    def _of(self, name: str) -> _Condition:
        if name in self._values:
            values = self._values[name]
            return _Condition(f"{name} IN ({', '.join('?' * len(values))})", values)
        return _between(name, *self._intervals[name])

    def _other_conditions(self, where: RunFilter) -> Iterator[_Condition]:
        if where.ids:
            yield _Condition(f"id IN ({', '.join('?' * len(where.ids))})", where.ids)
        if self._numbers is not None:
            yield _between("number", *self._numbers)
        for column, wanted in self._texts.items():
            if wanted:
                yield _Condition(self._dialect.contains(column), (wanted,))
        if self._unfinished:  # literally, so that the index of unfinished runs can be used
            yield _Condition("status IN ('queued', 'running')", ())


def _values(where: RunFilter) -> dict[str, tuple[str | int, ...]]:
    """Give the filters by value that are set, without repeated values, in the order _BY_VALUE."""
    wanted: dict[str, Sequence[str | int]] = {
        "branch": where.branches,
        "recovered": () if where.recovered is None else (int(where.recovered),),
        "status": [status.value for status in where.statuses],
        "cause": where.causes,
        "start_kind": where.start_kinds,
        "started_by": where.actors,
    }
    return {name: tuple(dict.fromkeys(wanted[name])) for name in _BY_VALUE if wanted[name]}


def _intervals(where: RunFilter) -> dict[str, tuple[int | None, int | None]]:
    """Give the intervals of numbers and times that are set, times in microseconds."""
    wanted = {
        "number": (where.number_from, where.number_to),
        "queued_at": (micros_or_none(where.queued_from), micros_or_none(where.queued_to)),
        "started_at": (micros_or_none(where.started_from), micros_or_none(where.started_to)),
        "ended_at": (micros_or_none(where.ended_from), micros_or_none(where.ended_to)),
    }
    return {name: bounds for name, bounds in wanted.items() if bounds != (None, None)}


def _between(column: str, first: int | None, last: int | None) -> _Condition:
    if first is None:
        return _Condition(f"{column} <= ?", (last,))
    if last is None:
        return _Condition(f"{column} >= ?", (first,))
    return _Condition(f"{column} BETWEEN ? AND ?", (first, last))


def _after(order: Order, before: Position) -> _Condition:
    sql = f"{order} <= ? AND ({order} < ? OR key < ?)"
    return _Condition(sql, (before.value, before.value, before.key))
