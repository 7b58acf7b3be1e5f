"""Read query parameters: typed, bounded, in the API's own names. Blank is absent."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from mulligan.core.errors import InvalidError

Word = TypeVar("Word")

# Characters; the longest value that any parameter can need is a list's filter text.
LONGEST_VALUE = 4000
LARGEST_WHOLE = 2**31 - 1
# Epoch milliseconds of the year 9999: later instants can't be told.
LARGEST_MILLIS = 253_370_764_800_000
MOST_VALUES = 200  # of one repeated key

LARGEST_PAGE = 100
DEFAULT_PAGE_SIZE = 20
# With this header the size of a page has no bound but this one.
UNLIMITED_HEADER = "x-devops-temporary-page-size-not-limit"
LARGEST_UNLIMITED_PAGE = 10_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Query:
    """The query of one request; of a repeated key the first value counts, if one is wanted."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            if value.strip():
                self._values.setdefault(name, []).append(value.strip())

    def text(self, name: str) -> str | None:
        """Return a text, None when absent or blank.

        Raises:
            InvalidError: It is too long.
        """
        values = self._values.get(name)
        if not values:
            return None
        if len(values[0]) > LONGEST_VALUE:
            raise _bad(name, f"is longer than {LONGEST_VALUE} characters")
        return values[0]

    def needed(self, name: str) -> str:
        """Return a text that must be there.

        Raises:
            InvalidError: It is absent or blank.
        """
        value = self.text(name)
        if value is None:
            raise blank(name)
        return value

    def word(self, name: str, words: Mapping[str, Word], default: Word) -> Word:
        """Return what a parameter's word stands for; absent and DEFAULT are the default."""
        value = self.text(name)
        if value is None or value == "DEFAULT":
            return default
        if value not in words:
            raise _bad(name, f"is {value[:100]!r}; one of {', '.join(words)} was expected")
        return words[value]

    def texts(self, name: str) -> tuple[str, ...]:
        """Return all values of a repeated key."""
        values = self._values.get(name, [])
        if len(values) > MOST_VALUES:
            raise _bad(name, f"is given more than {MOST_VALUES} times")
        return tuple(values)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean, `true` or `false` in any case."""
        value = self.text(name)
        if value is None:
            return default
        if value.lower() not in {"true", "false"}:
            raise _bad(name, f"is {value[:100]!r}; true or false was expected")
        return value.lower() == "true"

    def whole(self, name: str) -> int | None:
        """Return a whole number of 32 bits."""
        return self._number(name, LARGEST_WHOLE)

    def long(self, name: str) -> int | None:
        """Return a whole number of 63 bits."""
        return self._number(name, 2**63 - 1)

    def instant(self, name: str) -> datetime | None:
        """Return an instant that is given as epoch milliseconds."""
        value = self._number(name, LARGEST_MILLIS)
        if value is None:
            return None
        if value < 0:
            raise _bad(name, "is before 1970")
        return _EPOCH + timedelta(milliseconds=value)

    def local_time(self, name: str) -> datetime | None:
        """Return an instant that is given as `yyyy-MM-dd HH:mm:ss` in the server's zone."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return datetime.strptime(value, "%Y-%m-%d %H:%M:%S").astimezone(UTC)
        except ValueError:
            raise _bad(name, f"is {value[:40]!r}; yyyy-MM-dd HH:mm:ss was expected") from None

    def some_time(self, name: str) -> datetime | None:
        """Return an instant that is given as epoch milliseconds or as `local_time` takes it."""
        value = self.text(name)
        is_number = value is not None and value.isascii() and value.isdecimal()
        return self.instant(name) if is_number else self.local_time(name)

    def _number(self, name: str, largest: int) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= len(str(largest))):
            raise _bad(name, f"is {value[:100]!r}; a whole number was expected")
        number = int(value)
        if not -largest <= number <= largest:
            raise _bad(name, f"is {value[:100]}; at most {largest} is allowed")
        return number

    def page(
        self, *, default_size: int = DEFAULT_PAGE_SIZE, is_unlimited: bool = False
    ) -> tuple[int, int]:
        """Return (page, page size): too large a size is cut, anything below 1 is the default.

        Args:
            is_unlimited: The request has the header `UNLIMITED_HEADER`.
        """
        page, size = self.whole("page") or 1, self.whole("pageSize") or default_size
        most = LARGEST_UNLIMITED_PAGE if is_unlimited else LARGEST_PAGE
        return max(page, 1), min(size if size >= 1 else default_size, most)


def blank(name: str) -> InvalidError:
    """Return the error of a parameter that must not be blank."""
    return InvalidError(f"{name} cannot be empty", pointer=name, code="missing", values=(name,))


def _bad(name: str, reason: str) -> InvalidError:
    return InvalidError(f"{name} {reason}", pointer=name, code="bad-value", values=(name,))
