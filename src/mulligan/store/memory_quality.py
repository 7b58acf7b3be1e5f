"""Checks of quality rules in the memory store."""

from msgspec.structs import replace

from mulligan.core.decision import Decision
from mulligan.core.quality_checks import (
    CheckFilter,
    CheckResult,
    QualityCheck,
    checks_of,
    settlements_of,
)


class MemoryQuality:
    """Implements `ports.QualityStore`; the part of an append that concerns it."""

    def __init__(self) -> None:
        super().__init__()
        self._checks: list[QualityCheck] = []  # the one with number N is at N - 1

    def _take_checks(self, decision: Decision) -> None:
        for settled in settlements_of(decision):  # first: a gate may have been opened anew
            place = (decision.run.head.id, settled.node, CheckResult.WAITING)
            self._checks = [
                replace(each, result=settled.result, answered_by=settled.by, answered_at=settled.at)
                if (each.run, each.node, each.result) == place
                else each
                for each in self._checks
            ]
        for check in checks_of(decision):
            self._checks.append(replace(check, number=len(self._checks) + 1))

    async def list_quality_checks(
        self,
        where: CheckFilter,
        *,
        limit: int = 50,
        before: int | None = None,
        offset: int = 0,
    ) -> tuple[QualityCheck, ...]:
        """Return checks, newest first."""
        found = [
            each
            for each in reversed(self._checks)
            if _matches(each, where) and (before is None or each.number < before)
        ]
        return tuple(found[offset : offset + limit])

    async def count_quality_checks(self, where: CheckFilter) -> int:
        """Return how many checks there are."""
        return sum(_matches(each, where) for each in self._checks)


def _matches(check: QualityCheck, where: CheckFilter) -> bool:
    return (
        check.project == where.project
        and where.pipeline in {None, check.pipeline}
        and where.run in {None, check.run}
        and where.rule in {None, check.rule}
        and (not where.results or check.result in where.results)
        and (where.since is None or check.at >= where.since)
        and (where.until is None or check.at <= where.until)
    )
