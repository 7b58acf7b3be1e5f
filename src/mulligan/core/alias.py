"""The alias of a run's number: a text by the rule that its pipeline has for it.

A rule is text with tokens `${{NAME}}` (spec/bkci-model-and-engine.md §1.9): `DATE:"pattern"`, a
field of the calendar, `BUILD_NO_OF_DAY`, or the name of a variable.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

LONGEST_ALIAS = 256  # characters
OF_DAY = "BUILD_NO_OF_DAY"

_TOKEN = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
_DATE = re.compile(r"""DATE:\s*["'](.*)["']""")
_DATE_PART = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*")

_FIELDS: Mapping[str, Callable[[datetime], int]] = {
    "YEAR": lambda now: now.year,
    "MONTH_OF_YEAR": lambda now: now.month,
    "DAY_OF_MONTH": lambda now: now.day,
    "DAY_OF_WEEK": lambda now: now.isoweekday(),
    "DAY_OF_YEAR": lambda now: now.timetuple().tm_yday,
    "ALIGNED_WEEK_OF_YEAR": lambda now: (now.timetuple().tm_yday - 1) // 7 + 1,
    "ALIGNED_WEEK_OF_MONTH": lambda now: (now.day - 1) // 7 + 1,
    "AMPM_OF_DAY": lambda now: now.hour // 12,
    "HOUR_OF_DAY": lambda now: now.hour,
    "HOUR_OF_AMPM": lambda now: now.hour % 12,
    "MINUTE_OF_HOUR": lambda now: now.minute,
    "MINUTE_OF_DAY": lambda now: now.hour * 60 + now.minute,
    "SECOND_OF_MINUTE": lambda now: now.second,
    "SECOND_OF_DAY": lambda now: (now.hour * 60 + now.minute) * 60 + now.second,
}
# Letters of date patterns that are numbers; the others are texts.
_NUMBERS: Mapping[str, Callable[[datetime], int]] = {
    "d": lambda now: now.day,
    "D": lambda now: now.timetuple().tm_yday,
    "F": lambda now: (now.day - 1) // 7 + 1,
    "H": lambda now: now.hour,
    "h": lambda now: (now.hour + 11) % 12 + 1,
    "K": lambda now: now.hour % 12,
    "k": lambda now: (now.hour + 23) % 24 + 1,
    "m": lambda now: now.minute,
    "s": lambda now: now.second,
    "S": lambda now: now.microsecond // 1000,
    "u": lambda now: now.isoweekday(),
    "w": lambda now: now.isocalendar().week,
}


def number_alias(rule: str, now: datetime, of_day: int, lookup: Callable[[str], str | None]) -> str:
    """Give the alias that a rule makes; tokens that mean nothing stay as they are.

    Args:
        now: The start, in the time zone in which days are counted.
        of_day: Which run of its day this one is, from 1.
        lookup: Gives the value of a variable, None for unknown ones.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        date = _DATE.fullmatch(name)
        if date is not None:
            return format_date(date[1], now)
        if name == OF_DAY:
            return str(of_day)
        if name in _FIELDS:
            return str(_FIELDS[name](now))
        known = lookup(name)
        return found[0] if known is None else known

    return _TOKEN.sub(value, rule)[:LONGEST_ALIAS]


def _year(now: datetime, width: int) -> str:
    return f"{now.year % 100:02d}" if width == 2 else str(now.year).zfill(width)


def _month(now: datetime, width: int) -> str:
    if width > 2:
        return now.strftime("%B" if width > 3 else "%b")
    return str(now.month).zfill(width)


_TEXTS: Mapping[str, Callable[[datetime, int], str]] = {
    "y": _year,
    "Y": _year,
    "M": _month,
    "L": _month,
    "E": lambda now, width: now.strftime("%A" if width > 3 else "%a"),
    "a": lambda now, _width: "PM" if now.hour >= 12 else "AM",
}


def format_date(pattern: str, now: datetime) -> str:
    """Format an instant by a pattern such as `yyyy-MM-dd'T'HH:mm`; unknown letters stay."""

    def part(found: re.Match[str]) -> str:
        run = found[0]
        if run.startswith("'"):
            return found[1].replace("''", "'") or "'"
        letter, width = run[0], len(run)
        if letter in _TEXTS:
            return _TEXTS[letter](now, width)
        number = _NUMBERS.get(letter)
        return run if number is None else str(number(now)).zfill(width)

    return _DATE_PART.sub(part, pattern)
