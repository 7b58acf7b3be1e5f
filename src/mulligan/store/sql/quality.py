"""Checks of quality rules, in SQL. `Append` writes them, see `quality_rows`."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from mulligan.core.ids import UserName
from mulligan.core.quality_checks import CheckFilter, CheckResult, QualityCheck
from mulligan.store.instants import instant, micros_or_none
from mulligan.store.sql import rows
from mulligan.store.sql.base import SqlBase

_COLUMNS = "number, result, answered_by, answered_at, doc"


class SqlQuality(SqlBase):
    """Implements `ports.QualityStore`."""

    async def list_quality_checks(
        self,
        where: CheckFilter,
        *,
        limit: int = 50,
        before: int | None = None,
        offset: int = 0,
    ) -> tuple[QualityCheck, ...]:
        """Return checks, newest first."""
        conditions = [*_conditions(where)]
        if before is not None:
            conditions.append(("number < ?", (before,)))
        text, values = _joined(conditions)
        sql = f"SELECT {_COLUMNS} {text} ORDER BY number DESC LIMIT ? OFFSET ?"
        return tuple(map(_check, await self._all(sql, (*values, limit, offset))))

    async def count_quality_checks(self, where: CheckFilter) -> int:
        """Return how many checks there are."""
        text, values = _joined([*_conditions(where)])
        (count,) = await self._one(f"SELECT COUNT(*) {text}", values)
        return int(count)


def _joined(conditions: list[tuple[str, tuple[Any, ...]]]) -> tuple[str, tuple[Any, ...]]:
    text = " AND ".join(condition for condition, _ in conditions)
    return f"FROM quality_checks WHERE {text}", tuple(v for _, each in conditions for v in each)


def _conditions(where: CheckFilter) -> Iterator[tuple[str, tuple[Any, ...]]]:
    yield "project = (SELECT number FROM projects WHERE id = ?)", (where.project,)
    if where.results:
        yield f"result IN ({', '.join('?' * len(where.results))})", where.results
    for condition, wanted in (
        ("pipeline = (SELECT number FROM pipelines WHERE id = ?)", where.pipeline),
        ("run = (SELECT key FROM runs WHERE id = ?)", where.run),
        ("rule = ?", where.rule),
        ("at >= ?", micros_or_none(where.since)),
        ("at <= ?", micros_or_none(where.until)),
    ):
        if wanted is not None:
            yield condition, (wanted,)


def _check(row: tuple[int, str, str, int | None, str]) -> QualityCheck:
    number, result, by, at, doc = row
    return replace(
        rows.quality_check(doc),
        number=number,
        result=CheckResult(result),
        answered_by=UserName(by),
        answered_at=None if at is None else instant(at),
    )
