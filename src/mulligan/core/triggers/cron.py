"""Cron expressions: Quartz (six or seven fields) and Unix (five) – when they fire next.

Times that the clocks skip in spring fire right after the gap; those that come twice in autumn
fire once.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec
from cronsim import CronSim, CronSimError

SHORTEST_GAP = timedelta(seconds=60)
_UNIX, _QUARTZ, _QUARTZ_WITH_YEAR = 5, 6, 7
_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAYS = {name: number for number, name in enumerate(_NAMES)}
_WRAPPING = {1: (0, 59), 2: (0, 23), 4: (1, 12)}  # fields whose ranges may run past the end
_RANGE = re.compile(r"(\d{1,2})-(\d{1,2})")
_YEARS = re.compile(r"(\d{4})(?:-(\d{4}))?(?:/(\d{1,3}))?")
_FIRST_YEAR, _LAST_YEAR = 1970, 2099
_MOST_LOOKED_AT = 100_000  # fire times on the way to a wanted year


class CronError(ValueError):
    """An expression can't be read; the text says why."""


class Cron(msgspec.Struct, frozen=True, kw_only=True):
    """An expression that was read. `fields`: as the simulation takes them; `years`: () = all."""

    fields: str
    years: frozenset[int] = frozenset()

    def after(self, instant: datetime, zone: tzinfo) -> Iterator[datetime]:
        """Yield the instants (UTC) at which it fires later than that one, ascending."""
        for count, local in enumerate(CronSim(self.fields, instant.astimezone(zone))):
            if count > _MOST_LOOKED_AT or (self.years and local.year > max(self.years)):
                return
            if not self.years or local.year in self.years:
                yield local.astimezone(UTC)


def read_cron(text: str) -> Cron:
    """Read an expression.

    Raises:
        CronError: It is none.
    """
    parts = text.upper().split()
    years: frozenset[int] = frozenset()
    if len(parts) == _UNIX:
        fields = parts
    elif len(parts) in {_QUARTZ, _QUARTZ_WITH_YEAR}:
        if len(parts) == _QUARTZ_WITH_YEAR:
            years = _read_years(parts[6])
        fields = _from_quartz(parts[:6])
    else:
        raise CronError(
            f"{text!r} has {len(parts)} fields; 5 (Unix), 6 or 7 (Quartz) were expected"
        )
    cron = Cron(fields=" ".join(fields), years=years)
    try:
        CronSim(cron.fields, datetime(2026, 1, 1, tzinfo=UTC))
    except (CronSimError, ValueError) as error:
        raise CronError(f"{text!r}: {str(error) or 'no such time'}") from None
    return cron


def check_cron(text: str, now: datetime) -> None:
    """Check an expression as saving does.

    Raises:
        CronError: It is none, never fires again, or fires twice within a minute.
    """
    times = read_cron(text).after(now, UTC)
    first, second = next(times, None), next(times, None)
    if first is None:
        raise CronError(f"{text!r} never fires")
    if second is not None and second - first < SHORTEST_GAP:
        raise CronError(f"{text!r} fires more than once within 60 seconds")


def next_fire(lines: Iterable[str], after: datetime, zone: tzinfo) -> datetime | None:
    """Return when the first of some expressions fires next, later than `after`; None = never.

    Lines that can't be read never fire.
    """
    found = []
    for line in lines:
        try:
            fires = next(read_cron(line).after(after, zone), None)
        except CronError:
            continue
        if fires is not None:
            found.append(fires)
    return min(found, default=None)


def _from_quartz(parts: list[str]) -> list[str]:
    """Give Quartz's fields as those of Unix, with seconds where they are not 0."""
    seconds, _, _, day, _, weekday = parts
    if day == weekday == "?" or (day not in {"*", "?"} and weekday not in {"*", "?"}):
        raise CronError("one of day-of-month and day-of-week must be ?, the other must not")
    if "W" in day and day != "LW":
        raise CronError(f"day-of-month {day}: the nearest weekday is not known here")
    fields = [
        _unwrapped(field, *_WRAPPING[place]) if place in _WRAPPING else field
        for place, field in enumerate(parts)
    ]
    fields[3] = "*" if day == "?" else day
    fields[5] = "*" if weekday in {"?", "*"} else _weekdays(weekday)
    # without seconds the simulation minds the changes of the clocks
    return fields[1:] if seconds == "0" else fields


def _unwrapped(field: str, low: int, high: int) -> str:
    """Write ranges that run past the end (22-2) as two."""
    terms = []
    for term in field.split(","):
        found = _RANGE.fullmatch(term)
        if found is not None and int(found[1]) > int(found[2]):
            terms += [f"{found[1]}-{high}", f"{low}-{found[2]}"]
        else:
            terms.append(term)
    return ",".join(terms)


def _weekdays(field: str) -> str:
    """Give days of the week by Unix's numbers (0 = Sunday); Quartz's begin at 1."""
    return ",".join(_weekday_term(term) for term in field.split(","))


def _weekday_term(term: str) -> str:
    if term == "L":
        return str(_DAYS["SAT"])
    day, sign, nth = term.partition("#")
    if sign:
        return f"{_weekday(day)}#{nth}"
    if len(term) > 1 and term.endswith("L"):
        return f"{_weekday(term[:-1])}L"
    span, _, step = term.partition("/")
    if span == "*":
        days = list(range(7))
    elif "-" in span:
        first, last = (_weekday(part) for part in span.split("-", 1))
        days = [(first + offset) % 7 for offset in range((last - first) % 7 + 1)]
    else:
        first = _weekday(span)
        days = list(range(first, 7)) if step else [first]
    if step and not (step.isdecimal() and int(step) > 0):
        raise CronError(f"day-of-week {term}: the step must be a number from 1")
    return ",".join(map(str, days[:: int(step or 1)]))


def _weekday(text: str) -> int:
    if text in _DAYS:
        return _DAYS[text]
    if text.isdecimal() and 1 <= int(text) <= 7:
        return int(text) - 1
    raise CronError(f"day-of-week {text!r} is none of 1 (Sunday) to 7, SUN to SAT")


def _read_years(field: str) -> frozenset[int]:
    if field in {"*", "?"}:
        return frozenset()
    years: set[int] = set()
    for term in field.split(","):
        found = _YEARS.fullmatch(term.replace("*", str(_FIRST_YEAR), 1))
        if found is None:
            raise CronError(f"year {term!r} is none")
        first = int(found[1])
        open_end = found[2] is None and found[3] is not None
        last = _LAST_YEAR if open_end else int(found[2] or first)
        years.update(range(first, min(last, _LAST_YEAR) + 1, int(found[3] or 1) or 1))
    if not years:
        raise CronError(f"year {field!r} is none")
    return frozenset(years)
