"""When cron expressions fire: both forms, several lines, changes of the clocks."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mulligan.core.triggers.cron import CronError, check_cron, next_fire, read_cron

# 2026-11-22 is a Sunday
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")

NEXT = {
    "unix": ("30 12 * * *", "2026-11-22T12:30"),
    "unix, a day of the week": ("0 8 * * 1", "2026-11-23T08:00"),
    "unix, Sunday as 7": ("0 8 * * 7", "2026-11-29T08:00"),
    "quartz": ("0 30 12 * * ?", "2026-11-22T12:30"),
    "quartz, 2 is Monday": ("0 0 8 ? * 2", "2026-11-23T08:00"),
    "quartz, days by name": ("0 0 8 ? * MON,WED", "2026-11-23T08:00"),
    "quartz, a range": ("0 0 8 ? * 3-5", "2026-11-24T08:00"),
    "quartz, a range over the weekend": ("0 0 8 ? * 7-2", "2026-11-23T08:00"),
    "quartz, the last Friday": ("0 0 8 ? * 6L", "2026-11-27T08:00"),
    "quartz, the second Tuesday": ("0 0 8 ? * 3#2", "2026-12-08T08:00"),
    "quartz, the last day": ("0 0 8 L * ?", "2026-11-30T08:00"),
    "quartz, the last working day": ("0 0 8 LW 1 ?", "2027-01-29T08:00"),
    "quartz, steps from a start": ("0 5/20 * * * ?", "2026-11-22T12:05"),
    "quartz, hours past midnight": ("0 0 22-2 * * ?", "2026-11-22T22:00"),
    "quartz, a year": ("0 0 8 1 1 ? 2030", "2030-01-01T08:00"),
    "quartz, every other year": ("0 0 8 1 1 ? 2028/2", "2028-01-01T08:00"),
    "interval of the simple form": ("0 15 9 ? * 2,4,6", "2026-11-23T09:15"),
}


@pytest.mark.parametrize(("line", "wanted"), NEXT.values(), ids=NEXT.keys())
def test_next_fire(line: str, wanted: str) -> None:
    """An expression fires next when its form says."""
    assert next_fire([line], NOON, UTC) == datetime.fromisoformat(wanted).replace(tzinfo=UTC)


def test_the_first_of_several_lines_counts() -> None:
    """Several expressions fire as one; lines that can't be read never do."""
    lines = ["0 20 * * *", "nonsense", "0 0 14 * * ?"]

    assert next_fire(lines, NOON, UTC) == datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
    assert next_fire([], NOON, UTC) is None


def test_a_time_zone_shifts_the_hours() -> None:
    """08:00 in Shanghai is midnight in UTC."""
    assert next_fire(["0 0 8 * * ?"], NOON, SHANGHAI) == datetime(2026, 11, 23, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("line", ["30 2 * * *", "0 30 2 * * ?"])
def test_a_skipped_time_fires_after_the_gap_and_a_doubled_one_once(line: str) -> None:
    """02:30 does not exist on 29 March in Berlin and exists twice on 25 October."""
    spring = read_cron(line).after(datetime(2026, 3, 28, 12, tzinfo=UTC), BERLIN)
    autumn = read_cron(line).after(datetime(2026, 10, 24, 12, tzinfo=UTC), BERLIN)

    assert [next(spring) for _ in range(2)] == [
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
    ]
    assert [next(autumn) for _ in range(2)] == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
    ]


BAD = {
    "": "has 0 fields",
    "* *": "has 2 fields",
    "0 0 8 1 1 2": "day-of-month and day-of-week",
    "0 0 8 ? * ?": "day-of-month and day-of-week",
    "0 0 25 * * ?": "hour",
    "0 0 8 ? * 8": "day-of-week",
    "0 0 8 ? * FOO": "day-of-week",
    "0 0 8 15W * ?": "nearest weekday",
    "0 0 8 * * ? 20": "year",
    "0 0 8 ? * 2/0": "step",
    "*/10 * * * * ?": "more than once within 60 seconds",
    "0,30 0 8 * * ?": "more than once within 60 seconds",
    "0 0 8 1 1 ? 1999": "never fires",
    "0 0 8 30 2 ?": "day-of-month",
}


@pytest.mark.parametrize(("line", "said"), BAD.items())
def test_what_saving_refuses(line: str, said: str) -> None:
    """A line that can't be read, never fires or fires too often is refused, with the reason."""
    with pytest.raises(CronError, match=said):
        check_cron(line, NOON)


@pytest.mark.parametrize("line", ["* * * * *", "0 * * * * ?", "0 0 8 1 1 ? 2030"])
def test_what_saving_takes(line: str) -> None:
    """Every minute is not too often, and once is enough."""
    check_cron(line, NOON)
