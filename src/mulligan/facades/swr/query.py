"""The query of a request: its parameters, pages and filters (spec/swr-pipeline-api.md §1.7)."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import msgspec

from mulligan.facades.swr.errors import SwrError

MOST_ITEMS = 1000
_MOST_PAIRS = 200
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


def read_query(raw: bytes) -> dict[str, str]:
    """Give the parameters of a query string; of a repeated one the last counts.

    Raises:
        SwrError: It can't be decoded.
    """
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PAIRS,
        )
    except (UnicodeError, ValueError) as error:
        raise SwrError("SWR.4001024", f"the query can't be decoded: {error}") from None
    return dict(pairs)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list is wanted; `has_range`: both values were sent."""

    limit: int = MOST_ITEMS
    offset: int = 0
    has_range: bool = False

    def headers(self, count: int, total: int) -> dict[str, str]:
        """Give the header that tells where a page of `count` items is."""
        return {"Content-Range": f"{self.offset}-{count}/{total}"} if self.has_range else {}

    def cut(self, items: Sequence[object]) -> list[object]:
        """Give the part of a whole list."""
        return list(items[self.offset : self.offset + self.limit])


def read_page(query: Mapping[str, str]) -> Page:
    """Read `limit` and `offset`.

    Raises:
        SwrError: 4001070 or 4001072, one is out of bounds.
    """
    limit = _read_number(query, "limit", 1, MOST_ITEMS, "SWR.4001070")
    offset = _read_number(query, "offset", 0, 10**18 - 1, "SWR.4001072")
    return Page(
        limit=MOST_ITEMS if limit is None else limit,
        offset=offset or 0,
        has_range=limit is not None and offset is not None,
    )


def _read_number(
    query: Mapping[str, str], key: str, least: int, most: int, code: str
) -> int | None:
    text = query.get(key)
    if text is None:
        return None
    if not _INTEGER.fullmatch(text) or not least <= int(text) <= most:
        raise SwrError(code, f"{key} {text!r} is no integer from {least} to {most}")
    return int(text)


def read_filter(query: Mapping[str, str], keys: Sequence[str]) -> dict[str, str]:
    """Read `filter=key::value|key::value`; pairs with an empty value are left out.

    Raises:
        SwrError: 4001035, a pair has no `::` or an unknown key.
    """
    found: dict[str, str] = {}
    text = query.get("filter", "")
    for pair in text.split("|") if text else ():
        key, separator, value = pair.partition("::")
        key = key.strip()
        if not separator or key not in keys:
            raise SwrError("SWR.4001035", f"{pair!r} is not key::value with {' or '.join(keys)}")
        if value:
            found[key] = value
    return found


def filter_number(found: Mapping[str, str], key: str) -> int | None:
    """Return an integer of a filter.

    Raises:
        SwrError: 4001035, it is none.
    """
    text = found.get(key)
    if text is None:
        return None
    if not _INTEGER.fullmatch(text):
        raise SwrError("SWR.4001035", f"{key} {text!r} is no integer")
    return int(text)
