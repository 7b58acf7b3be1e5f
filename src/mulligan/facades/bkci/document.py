"""Read parts of an untrusted JSON document: typed, with a pointer to what is wrong.

As lenient as the clients of this API are used to: null means absent, numbers and booleans may
come as texts and the other way round. Unknown members are never looked at.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from mulligan.core.errors import InvalidError

Json = dict[str, Any]
Word = TypeVar("Word")

_WHOLE = re.compile(r"[+-]?[0-9]{1,10}")
_LARGEST = 2**31 - 1  # whole numbers of this API are 32 bits wide
_ENCODER = msgspec.json.Encoder()


class Part:
    """One object of a document and the JSON pointer to it. Reading changes nothing."""

    __slots__ = ("pointer", "value")

    def __init__(self, value: Json, pointer: str = "") -> None:
        self.value = value
        self.pointer = pointer

    def at(self, key: str) -> str:
        """Return the pointer to a member."""
        return f"{self.pointer}/{key}"

    def text(self, key: str, default: str = "") -> str:
        """Return a text; numbers and booleans become their JSON text."""
        value = self.value.get(key)
        if value is None:
            return default
        text = scalar_text(value)
        if text is None:
            raise self.bad_type(key, "a text")
        return text

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a boolean; `"true"`, `"false"`, 1 and 0 are taken too."""
        value = self.value.get(key)
        if value is None or value == "":
            return default
        if isinstance(value, str):
            value = _FLAGS.get(value.strip().lower())
        if value in (True, False):
            return bool(value)
        raise self.bad_type(key, "true or false")

    def whole(self, key: str, default: int) -> int:
        """Return a whole number of 32 bits; a text of digits is taken too."""
        value = self.value.get(key)
        if value is None or value == "":
            return default
        number = whole_number(value)
        if number is None:
            raise self.bad_type(key, "a whole number")
        return number

    def part(self, key: str) -> "Part | None":
        """Return a member that is an object; None when absent."""
        value = self.value.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.bad_type(key, "an object")
        return Part(value, self.at(key))

    def parts(self, key: str) -> "Iterator[Part]":
        """Yield the objects of a list; an absent list is empty."""
        for position, value in enumerate(self.items(key)):
            pointer = f"{self.at(key)}/{position}"
            if not isinstance(value, dict):
                raise bad_type(pointer, "an object")
            yield Part(value, pointer)

    def items(self, key: str) -> list[Any]:
        """Return a list; an absent one is empty."""
        value = self.value.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.bad_type(key, "a list")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts without blank ones; a single text is a list of one."""
        value = self.value.get(key)
        found: list[str] = []
        for item in [value] if isinstance(value, str) else self.items(key):
            text = "" if item is None else scalar_text(item)
            if text is None:
                raise self.bad_type(key, "a list of texts")
            if text.strip():
                found.append(text.strip())
        return tuple(found)

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """Return a list of `{key, value}` as pairs."""
        return tuple((part.text("key"), part.text("value")) for part in self.parts(key))

    def word(self, key: str, words: Mapping[str, Word], default: Word) -> Word:
        """Return what a member's word stands for; blank is the default."""
        text = self.text(key).strip()
        if not text:
            return default
        if text not in words:
            raise InvalidError(
                f"{self.at(key)} is {text[:100]!r}; one of {', '.join(words)} was expected",
                pointer=self.at(key),
                code="bad-value",
            )
        return words[text]

    def bad_type(self, key: str, expected: str) -> InvalidError:
        """Return the error that says that a member has another type."""
        return bad_type(self.at(key), expected)


_FLAGS = {"true": True, "false": False}


def bad_type(pointer: str, expected: str) -> InvalidError:
    """Return the error that says that something is not what was expected."""
    place = pointer or "the document"
    return InvalidError(f"{place} must be {expected}", pointer=pointer, code="bad-type")


def scalar_text(value: object) -> str | None:
    """Give the text of a JSON value that is neither list nor object; None for those."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 2**63 else None
    if isinstance(value, float):
        return _ENCODER.encode(value).decode()
    return None


def value_text(value: object, pointer: str) -> str:
    """Give any JSON value as text: lists and objects as JSON.

    Raises:
        InvalidError: It can't be written as JSON.
    """
    text = scalar_text(value)
    if text is not None:
        return text
    return encode(value, pointer).decode()


def encode(value: object, pointer: str = "") -> bytes:
    """Give the JSON of a value.

    Raises:
        InvalidError: It is nested too deeply, or holds what JSON can't (half a surrogate pair, a
            number of more than 64 bits).
    """
    try:
        return _ENCODER.encode(value)
    except (RecursionError, UnicodeError, OverflowError, TypeError, ValueError) as error:
        raise bad_type(pointer, "plain JSON") from error


def whole_number(value: object) -> int | None:
    """Give a JSON value as a whole number of 32 bits; None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        value = int(text) if _WHOLE.fullmatch(text) else None
    elif isinstance(value, float):
        value = int(value) if value.is_integer() else None
    return value if isinstance(value, int) and -_LARGEST <= value <= _LARGEST else None
