"""Parameters of the query, read and checked; and pages by position."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from starlette.requests import Request

from mulligan.facades.native.endpoints import Query
from mulligan.facades.native.problems import QueryError

Word = TypeVar("Word", bound=StrEnum)
Item = TypeVar("Item")

PAGE = 50
LONGEST_PAGE = 200
MOST_NAMES = 100  # values of one parameter
_LARGEST = 2**62

LIMIT = Query(
    "limit",
    f"Items on a page, 1 to {LONGEST_PAGE}; {PAGE} if absent.",
    {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": PAGE},
)
CURSOR = Query("cursor", "`next_cursor` of the page before.")
PAGED = (LIMIT, CURSOR)


def text(request: Request, name: str, default: str = "") -> str:
    """Return a parameter as it is."""
    return request.query_params.get(name, default).strip()


def whole(
    request: Request, name: str, *, default: int | None = None, least: int = 0, most: int = _LARGEST
) -> int | None:
    """Return a whole number.

    Raises:
        QueryError: It is none, or outside its bounds.
    """
    given = text(request, name)
    if not given:
        return default
    # int() takes texts like "1_000" and digits of any script; ids and counts come as plain ones
    number = int(given) if given.isascii() and given.isdigit() and len(given) <= 19 else -1
    if not least <= number <= most:
        upper = "" if most == _LARGEST else f" to {most}"
        raise QueryError(name, f"{name} is {given[:50]!r}; a whole number from {least}{upper}")
    return number


def flag(request: Request, name: str) -> bool:
    """Return a parameter that is true or false; absent is false."""
    given = text(request, name).lower()
    if given not in {"", "true", "false", "1", "0"}:
        raise QueryError(name, f"{name} is {given[:50]!r}; true or false was expected")
    return given in {"true", "1"}


def limit(request: Request) -> int:
    """Return how many items a page has."""
    return whole(request, "limit", default=PAGE, least=1, most=LONGEST_PAGE) or PAGE


def words(request: Request, name: str, kind: type[Word]) -> tuple[Word, ...]:
    """Return words of an enumeration, separated by commas or given by repeating the name."""
    given = [
        part.strip()
        for value in request.query_params.getlist(name)
        for part in value.split(",")
        if part.strip()
    ]
    known = {member.value: member for member in kind}
    unknown = [word for word in given if word not in known]
    if unknown:
        raise QueryError(name, f"{name} {unknown[0][:50]!r} is none of: {', '.join(known)}")
    return tuple(known[word] for word in given)


def names(request: Request, name: str) -> tuple[str, ...]:
    """Return texts, separated by commas or given by repeating the name."""
    given = [
        part.strip() for value in request.query_params.getlist(name) for part in value.split(",")
    ]
    if len(given) > MOST_NAMES:
        raise QueryError(name, f"{name} has more than {MOST_NAMES} values")
    return tuple(part for part in given if part)


def instant(request: Request, name: str) -> datetime | None:
    """Return an instant.

    Raises:
        QueryError: It is none, or says no time zone.
    """
    given = text(request, name)
    if not given:
        return None
    try:
        found = datetime.fromisoformat(given.replace(" ", "+"))  # a plus sign in a URL is a space
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):  # in UTC it may be before the year 1, or after 9999
        pass
    message = f"{name} is {given[:50]!r}; an instant like 2026-11-22T04:00:00Z was expected"
    raise QueryError(name, message)


def page_of(items: Sequence[Item], offset: int, wanted: int) -> tuple[tuple[Item, ...], str | None]:
    """Cut a page that was read with one item more than wanted; give it and its next cursor."""
    more = len(items) > wanted
    return tuple(items[:wanted]), str(offset + wanted) if more else None


def offset(request: Request) -> int:
    """Return where a page by position begins."""
    return whole(request, "cursor", default=0) or 0
