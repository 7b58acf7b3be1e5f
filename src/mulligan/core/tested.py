"""What became of the tests of a run, by the reports that attempts of its steps left. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from mulligan.core.attempts import same_inputs
from mulligan.core.ids import StepId
from mulligan.core.junit import BAD, Case
from mulligan.core.run import Step

StepTries = Mapping[StepId, tuple[Step, ...]]


class CaseReport(msgspec.Struct, frozen=True, kw_only=True):
    """The tests of one report. `path`: of the file in the run."""

    step: StepId
    attempt: int
    path: str
    cases: tuple[Case, ...]


class TestedCase(msgspec.Struct, frozen=True, kw_only=True):
    """A test as the newest attempt of a step left it.

    Args:
        flaky: It passed after it had failed, although nothing of its job had been changed.
    """

    __test__ = False  # none for pytest

    step: StepId
    attempt: int
    path: str
    case: Case
    flaky: bool

    @property
    def state(self) -> str:
        """Give its result in the words of lists."""
        return "failed" if self.case.verdict == "failure" else self.case.verdict.value


def judge_cases(
    newest: Iterable[CaseReport],
    earlier: Iterable[CaseReport],
    jobs: Mapping[StepId, StepTries],
) -> tuple[TestedCase, ...]:
    """Judge the tests of the newest reports by those of earlier attempts of the same steps.

    Args:
        jobs: Of each step that left reports: the tries of all steps of its job, oldest first.
    """
    failed = _failures(earlier)
    found = []
    for report in newest:
        before = failed.get(report.step, {})
        tries = jobs.get(report.step, {})
        grounds = {
            attempt
            for attempt in {attempt for attempts in before.values() for attempt in attempts}
            if _same_ground(tries, report.step, attempt, report.attempt)
        }
        found += [
            TestedCase(
                step=report.step,
                attempt=report.attempt,
                path=report.path,
                case=case,
                flaky=case.flaky
                or (
                    case.verdict == "passed"
                    and not grounds.isdisjoint(before.get((case.suite, case.name), ()))
                ),
            )
            for case in report.cases
        ]
    return tuple(found)


def _failures(
    reports: Iterable[CaseReport],
) -> Mapping[StepId, dict[tuple[str, str], set[int]]]:
    """Return in which attempts of a step a test failed."""
    found: defaultdict[StepId, dict[tuple[str, str], set[int]]] = defaultdict(dict)
    for report in reports:
        for case in report.cases:
            if case.verdict in BAD:
                found[report.step].setdefault((case.suite, case.name), set()).add(report.attempt)
    return found


def _same_ground(tries: StepTries, step: StepId, before: int, after: int) -> bool:
    """Tell whether two attempts of a step began in a job of the same commits and inputs."""
    begun = {record.attempt: record.started_at for record in tries.get(step, ())}
    one, other = begun.get(before), begun.get(after)
    if one is None or other is None:
        return False
    for records in tries.values():
        then, now = _last_try(records, one), _last_try(records, other)
        if then is not None and now is not None and not same_inputs(then, now):
            return False
    return True


def _last_try(records: Iterable[Step], at: datetime) -> Step | None:
    """Return the last try of a step that had begun at an instant."""
    last = None
    for record in records:
        if record.started_at is not None and record.started_at <= at:
            last = record
    return last


def count_cases(cases: Iterable[TestedCase]) -> dict[str, int]:
    """Count tests by state; `total` and `flaky` besides."""
    counts: Counter[str] = Counter()
    for each in cases:
        counts[each.state] += 1
        counts["flaky"] += each.flaky
        counts["total"] += 1
    names = ("passed", "failed", "error", "skipped", "flaky", "total")
    return {name: counts[name] for name in names}
