"""The functions of the expression language.

Each takes its arguments and the `Work` of the evaluation, and gives a value. The number of
arguments is checked by the parser.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

import msgspec

from mulligan.core.expressions.json_text import from_json, to_json
from mulligan.core.expressions.limits import CHARACTERS_PER_UNIT, Work
from mulligan.core.expressions.values import Value, as_value, is_equal, kind_of, to_text

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([0-9]{1,3})\}|[{}]")
_MOMENT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?: ([0-9]{2}):([0-9]{2}):([0-9]{2}))?")
_MAX_ARGUMENTS = 127


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """Hold a function under its printed name, with the bounds of its argument count."""

    name: str
    run: Callable[[Sequence[Value], Work], Value]
    fewest: int
    most: int


def _contains(arguments: Sequence[Value], work: Work) -> Value:
    place, sought = arguments
    if isinstance(place, list):
        work.spend(len(place))
        return any(is_equal(_paid(as_value(item), work), sought) for item in place)
    if kind_of(place) == "object" or kind_of(sought) in {"array", "object"}:
        return False
    text = to_text(place)
    work.spend(len(text) // CHARACTERS_PER_UNIT)
    return to_text(sought) in text


def _paid(value: Value, work: Work) -> Value:
    if isinstance(value, str):
        work.spend(len(value) // CHARACTERS_PER_UNIT)
    return value


def _starts_with(arguments: Sequence[Value], work: Work) -> Value:
    return to_text(arguments[0]).startswith(to_text(_paid(arguments[1], work)))


def _ends_with(arguments: Sequence[Value], work: Work) -> Value:
    return to_text(arguments[0]).endswith(to_text(_paid(arguments[1], work)))


def _format(arguments: Sequence[Value], work: Work) -> Value:
    template = to_text(arguments[0])
    work.spend(len(template) // CHARACTERS_PER_UNIT)
    parts: list[str] = []
    end = 0
    for match in _PLACEHOLDER.finditer(template):
        work.spend(1)
        parts += (template[end : match.start()], _filled(match, arguments, work))
        end = match.end()
    parts.append(template[end:])
    # Paid before it is made: a few hundred calls inside each other can multiply without end.
    work.spend_text(sum(map(len, parts)))
    return "".join(parts)


def _filled(match: re.Match[str], arguments: Sequence[Value], work: Work) -> str:
    """Give what stands for one ``{n}``, ``{{`` or ``}}`` of a format text."""
    found = match.group()
    if found in {"{{", "}}"}:
        return found[0]
    if match.group(1) is None:
        reason = f"format: unbalanced {found!r} at {match.start()}; write it twice to mean itself"
        raise work.error(reason, kind="format")
    number = int(match.group(1)) + 1
    if number >= len(arguments):
        raise work.error(f"format: {found} has no argument", kind="format")
    return to_text(arguments[number])


def _join(arguments: Sequence[Value], work: Work) -> Value:
    items = arguments[0]
    if not isinstance(items, list):
        return "" if kind_of(items) == "object" else to_text(items)
    separator = to_text(arguments[1]) if len(arguments) > 1 else ","
    work.spend(len(items))
    texts = [to_text(as_value(item)) for item in items]
    work.spend_text(sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0))
    return separator.join(texts)


def _to_json(arguments: Sequence[Value], work: Work) -> Value:
    return None if arguments[0] is None else to_json(arguments[0], work)


def _from_json(arguments: Sequence[Value], work: Work) -> Value:
    return from_json(to_text(arguments[0]), work)


def _to_time(arguments: Sequence[Value], work: Work) -> Value:
    """Give milliseconds to compare.

    The core knows no time zone, so the wall clock is counted as if it were UTC: two results
    compare as their texts do, also where a local clock jumps.
    """
    text = to_text(arguments[0])
    match = _MOMENT.fullmatch(text)
    if match is None:
        reason = "strToTime: expected YYYY-MM-DD or YYYY-MM-DD HH:MM:SS"
        raise work.error(reason, kind="format")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise work.error(f"strToTime: {text} is no date", kind="format") from None
    return moment.timestamp() * 1000


def _hash_files(arguments: Sequence[Value], work: Work) -> Value:
    del arguments
    reason = "hashFiles needs the files of a workspace and is not available on the server"
    raise work.error(reason, kind="unavailable")


FUNCTIONS = MappingProxyType(
    {
        function.name.lower(): function
        for function in (
            Function(name="contains", run=_contains, fewest=2, most=2),
            Function(name="startsWith", run=_starts_with, fewest=2, most=2),
            Function(name="endsWith", run=_ends_with, fewest=2, most=2),
            Function(name="format", run=_format, fewest=1, most=_MAX_ARGUMENTS),
            Function(name="join", run=_join, fewest=1, most=2),
            Function(name="toJSON", run=_to_json, fewest=1, most=1),
            Function(name="fromJSON", run=_from_json, fewest=1, most=1),
            Function(name="strToTime", run=_to_time, fewest=1, most=1),
            Function(name="hashFiles", run=_hash_files, fewest=1, most=_MAX_ARGUMENTS),
        )
    }
)
"""All functions by lower-case name: function names do not care for case."""
