"""What became of the tests of a run: states, counts, and which of them are flaky."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mulligan.core.ids import StepId
from mulligan.core.junit import Case, Verdict
from mulligan.core.run import Step
from mulligan.core.tested import CaseReport, count_cases, judge_cases

UNIT, SOURCE = StepId("e-unit"), StepId("e-source")
START = datetime(2026, 1, 1, tzinfo=UTC)


def report(attempt: int, **verdicts: str) -> CaseReport:
    """Return a report of the step UNIT, with a case for each name."""
    cases = tuple(
        Case(suite="s", name=name, verdict=Verdict(verdict), message="")
        for name, verdict in verdicts.items()
    )
    return CaseReport(step=UNIT, attempt=attempt, path="r.xml", cases=cases)


def tries(step: StepId, minute: int, *records: dict[str, Any]) -> tuple[Step, ...]:
    """Return the tries of a step: each an hour after the one before, at a minute."""
    return tuple(
        Step(id=step, attempt=n, started_at=START + timedelta(hours=n, minutes=minute), **record)
        for n, record in enumerate(records, 1)
    )


JOB = {SOURCE: tries(SOURCE, 0, {"pin": "a1"}, {"pin": "a1"}), UNIT: tries(UNIT, 5, {}, {})}
OTHER_COMMIT = JOB | {SOURCE: tries(SOURCE, 0, {"pin": "a1"}, {"pin": "b2"})}
OTHER_INPUT = JOB | {UNIT: tries(UNIT, 5, {}, {"inputs": {"script": "true"}})}
# what came after the tests says nothing about them
LATER = JOB | {StepId("e-late"): tries(StepId("e-late"), 9, {"pin": "a1"}, {"pin": "b2"})}


@pytest.mark.parametrize(
    ("job", "before", "now", "flaky"),
    [
        (JOB, "failure", "passed", True),
        (JOB, "error", "passed", True),
        (JOB, "skipped", "passed", False),
        (JOB, "passed", "passed", False),
        (JOB, "failure", "failure", False),
        (LATER, "failure", "passed", True),
        (OTHER_COMMIT, "failure", "passed", False),
        (OTHER_INPUT, "failure", "passed", False),
        ({}, "failure", "passed", False),
    ],
)
def test_flaky(job: Any, before: str, now: str, *, flaky: bool) -> None:
    """Failed, then passed with the same commit and inputs, is flaky; nothing else is."""
    newest, earlier = report(2, adds=now, new="passed"), report(1, adds=before)

    found = judge_cases([newest], [earlier], {UNIT: job} if job else {})

    assert [each.flaky for each in found] == [flaky, False]


def test_counts() -> None:
    """Tests are counted by state; a flaky one has passed as well."""
    found = judge_cases(
        [report(2, a="passed", b="failure", c="error", d="skipped")],
        [report(1, a="failure")],
        {UNIT: JOB},
    )

    assert count_cases(found) == {
        "passed": 1,
        "failed": 1,
        "error": 1,
        "skipped": 1,
        "flaky": 1,
        "total": 4,
    }
