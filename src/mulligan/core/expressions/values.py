"""Values of the expression language: kinds, coercion, truth, text form, equality, order.

The kinds are null, boolean, number (always a double), string, array and object. Items of arrays
and objects are taken as they come from the caller, so they pass `as_value` when they are read.
"""

import math
import re
from collections.abc import Mapping
from typing import TypeAlias

Value: TypeAlias = bool | float | str | list[object] | Mapping[str, object] | None

NUMBER_PATTERN = r"[+-]?+(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+"
"""A decimal number with sign and exponent; hexadecimal is refused. Nothing is tried twice."""

_NUMBER = re.compile(rf"{NUMBER_PATTERN}|[+-]?Infinity")
_TEXT_DECIMALS = 11
# Below this, every whole double has an exact and short decimal form.
_EXACT_WHOLE = 1e15
_TRUTH_WORDS = {"true": True, "false": False}


def as_value(item: object) -> Value:
    """Take an item of JSON-like data as a value; whole numbers become doubles.

    Raises:
        TypeError: The data holds something that JSON does not know.
    """
    if item is None or isinstance(item, str | bool | float | list):
        return item
    if isinstance(item, int):
        try:
            return float(item)
        except OverflowError:
            return math.inf if item > 0 else -math.inf
    if isinstance(item, Mapping):
        return item
    raise TypeError(f"{type(item).__name__} is no value of an expression; expected JSON-like data")


def kind_of(value: Value) -> str:
    """Name the kind: ``null boolean number string array object``."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float):
        return "number"
    return "array" if isinstance(value, list) else "object"


def is_true(value: Value) -> bool:
    """Tell the truth of a value.

    False are null, false, 0, NaN, blank text and the text ``false``; all else is true, also the
    text ``0`` and empty arrays and objects.
    """
    if isinstance(value, str):
        return value != "false" and bool(value.strip())
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value != 0 and not math.isnan(value)
    return value is not None


def to_text(value: Value) -> str:
    """Give the text form that functions and comparisons use.

    Null is empty; arrays are ``Array``, objects ``Object``; numbers have up to 11 decimals and no
    trailing zeros. How a value is printed into a text is `to_output`.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value)
    return "Array" if isinstance(value, list) else "Object"


def number_text(number: float) -> str:
    """Write a number in decimal, never with an exponent."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if abs(number) < _EXACT_WHOLE and number == int(number):
        return str(int(number))
    text = f"{number:.{_TEXT_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def to_number(value: Value) -> float:
    """Coerce to a number: blank text is 0; other texts, arrays and objects may give NaN."""
    if isinstance(value, float):
        return value
    if value is None:
        return 0.0
    if isinstance(value, bool):
        return 1.0 if value else 0.0
    return _text_number(value) if isinstance(value, str) else math.nan


def _text_number(text: str) -> float:
    stripped = text.strip()
    if not stripped:
        return 0.0
    return float(stripped) if _NUMBER.fullmatch(stripped) else math.nan


def is_equal(left: Value, right: Value) -> bool:
    """Compare after coercion; arrays and objects are equal only when they are the same one."""
    left, right = _coerce(left, right)
    if isinstance(left, list | Mapping):
        return left is right
    return kind_of(left) == kind_of(right) and left == right


def is_less(left: Value, right: Value) -> bool:
    """Order after coercion: numbers, booleans (false first), strings by UTF-16 code unit."""
    left, right = _coerce(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return _is_text_less(left, right)
    # bool before float: bool is no float, and both sides have one kind now or are not ordered.
    if isinstance(left, bool) and isinstance(right, bool):
        return left < right
    if isinstance(left, float) and isinstance(right, float):
        return left < right
    return False


def _is_text_less(left: str, right: str) -> bool:
    # Code points and code units order alike unless both hold characters above ASCII.
    if left.isascii() or right.isascii():
        return left < right
    encoding, errors = "utf-16-be", "surrogatepass"
    return left.encode(encoding, errors) < right.encode(encoding, errors)


def _coerce(left: Value, right: Value) -> tuple[Value, Value]:
    """Bring two values to one kind where the language has a rule for it."""
    if type(left) is type(right):
        return left, right
    if isinstance(left, bool) and isinstance(right, str):
        right = _TRUTH_WORDS.get(right, right)
    elif isinstance(right, bool) and isinstance(left, str):
        left = _TRUTH_WORDS.get(left, left)
    if isinstance(left, bool) and isinstance(right, bool):
        return left, right
    if left is None or isinstance(left, bool):
        left = to_number(left)
    if right is None or isinstance(right, bool):
        right = to_number(right)
    if isinstance(left, float) and isinstance(right, str):
        right = _text_number(right)
    elif isinstance(right, float) and isinstance(left, str):
        left = _text_number(left)
    return left, right
