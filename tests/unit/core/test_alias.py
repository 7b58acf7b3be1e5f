"""What the rule of a pipeline calls its runs."""

from datetime import UTC, datetime

import pytest

from mulligan.core.alias import LONGEST_ALIAS, format_date, number_alias

NOW = datetime(2026, 3, 5, 14, 7, 9, 123000, tzinfo=UTC)  # a Thursday
VALUES = {"branch": "main", "empty": ""}


@pytest.mark.parametrize(
    ("rule", "alias"),
    [
        ("plain", "plain"),
        ('${{DATE:"yyyy-MM-dd"}}.${{BUILD_NO_OF_DAY}}', "2026-03-05.3"),
        ("${{YEAR}}.${{MONTH_OF_YEAR}}.${{DAY_OF_MONTH}}", "2026.3.5"),
        ("${{ branch }}-${{HOUR_OF_DAY}}", "main-14"),
        ("[${{empty}}]", "[]"),
        ("${{nothing}}", "${{nothing}}"),
        ("x" * 300, "x" * LONGEST_ALIAS),
    ],
)
def test_tokens(rule: str, alias: str) -> None:
    """Dates, fields of the calendar, the count of the day, variables; the rest stays."""
    assert number_alias(rule, NOW, 3, VALUES.get) == alias


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyyMMdd", "20260305"),
        ("yy/M/d", "26/3/5"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSS", "2026-03-05T14:07:09.123"),
        ("hh:mm a", "02:07 PM"),
        ("EEE d MMM", "Thu 5 Mar"),
        ("EEEE MMMM", "Thursday March"),
        ("D w u''", "64 10 4'"),
        ("q", "q"),
    ],
)
def test_dates(pattern: str, text: str) -> None:
    """Patterns as the definitions of this kind write them."""
    assert format_date(pattern, NOW) == text
