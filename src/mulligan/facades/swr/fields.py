"""Read the fields of a JSON object of a request, and say where one is wrong."""

from collections.abc import Iterator
from typing import Any

from mulligan.facades.swr.errors import INVALID, MISSING, bad, missing

Json = dict[str, Any]
_MOST_ITEMS = 500


class Fields:
    """An object of a request. Fields that nobody asks for are ignored; null counts as absent.

    Args:
        path: Where it stands: "" for the whole body, else like `stages[0].params`.
    """

    def __init__(self, value: object, path: str = "") -> None:
        if not isinstance(value, dict):
            raise bad(path or "body", f"must be an object, not {_kind(value)}")
        self._value: Json = value
        self.path = path

    def at(self, key: str) -> str:
        """Give the path of a field."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        """Tell whether a field is there and not null."""
        return self._value.get(key) is not None

    def is_null(self, key: str) -> bool:
        """Tell whether a field is there, but null."""
        return key in self._value and self._value[key] is None

    def raw(self, key: str) -> Any:
        """Return a field as it is, None when absent."""
        return self._value.get(key)

    def need(self, key: str, code: str = MISSING) -> Any:
        """Return a field.

        Raises:
            SwrError: It is absent.
        """
        if not self.has(key):
            raise missing(self.at(key), code)
        return self._value[key]

    def text(self, key: str, *, absent: str = MISSING, wrong: str = INVALID) -> str:
        """Return a text; `absent`, `wrong`: the codes when it is none."""
        value = self.need(key, absent)
        if not isinstance(value, str):
            raise bad(self.at(key), f"must be a text, not {_kind(value)}", wrong)
        return value

    def text_or(self, key: str, default: str = "", *, wrong: str = INVALID) -> str:
        """Return a text or the default."""
        return self.text(key, wrong=wrong) if self.has(key) else default

    def filled(self, key: str, *, absent: str = MISSING, wrong: str = INVALID) -> str:
        """Return a text that is not empty."""
        value = self.text(key, absent=absent, wrong=wrong)
        if not value.strip():
            raise bad(self.at(key), "must not be empty", wrong)
        return value

    def choice(self, key: str, choices: tuple[str, ...], *, absent: str = MISSING) -> str:
        """Return one of some words."""
        value = self.text(key, absent=absent)
        if value not in choices:
            raise bad(self.at(key), f"{value!r} is none of: {', '.join(choices)}")
        return value

    def whole(
        self,
        key: str,
        least: int,
        most: int,
        *,
        absent: str = MISSING,
        wrong: str = INVALID,
    ) -> int:
        """Return an integer within bounds."""
        value = self.need(key, absent)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise bad(self.at(key), f"must be an integer from {least} to {most}", wrong)
        return value

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """Return a boolean; without a default it is required."""
        if default is not None and not self.has(key):
            return default
        value = self.need(key)
        if not isinstance(value, bool):
            raise bad(self.at(key), f"must be true or false, not {_kind(value)}")
        return value

    def inner(self, key: str) -> "Fields":
        """Return an object inside, which must be there."""
        return Fields(self.need(key), self.at(key))

    def items(self, key: str, most: int = _MOST_ITEMS) -> Iterator[tuple[str, Any]]:
        """Yield path and value of the items of a list; none when it is absent."""
        if not self.has(key):
            return
        value = self._value[key]
        if not isinstance(value, list):
            raise bad(self.at(key), f"must be an array, not {_kind(value)}")
        if len(value) > most:
            raise bad(self.at(key), f"has more than {most} items")
        for index, item in enumerate(value):
            yield f"{self.at(key)}[{index}]", item

    def objects(self, key: str, most: int = _MOST_ITEMS) -> Iterator["Fields"]:
        """Yield the objects of a list; none when it is absent."""
        for path, item in self.items(key, most):
            yield Fields(item, path)

    def texts(self, key: str, most: int = _MOST_ITEMS) -> list[str]:
        """Return the texts of a list; none when it is absent."""
        found = []
        for path, item in self.items(key, most):
            if not isinstance(item, str) or not item:
                raise bad(path, "must be a text that is not empty")
            found.append(item)
        return found

    def mapping(self, key: str) -> dict[str, str]:
        """Return an object of texts, {} when it is absent."""
        if not self.has(key):
            return {}
        inner = self.inner(key)
        return {name: inner.text(name) for name in inner._value}


def _kind(value: object) -> str:
    words = {dict: "an object", list: "an array", str: "a text", bool: "a boolean"}
    if value is None:
        return "null"
    return words.get(type(value), "a number")
