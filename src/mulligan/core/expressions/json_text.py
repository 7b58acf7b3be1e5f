"""JSON text of values, both ways, within the limits of one evaluation."""

import json
import math
import re
from collections.abc import Mapping
from json.encoder import encode_basestring

from mulligan.core.expressions.limits import (
    JSON_CHARACTERS_PER_UNIT,
    MAX_JSON_NESTING,
    MAX_TEXT_LENGTH,
    Work,
)
from mulligan.core.expressions.values import Value, as_value

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def to_json(value: Value, work: Work) -> str:
    """Write compact JSON; whole numbers without a fraction, NaN and the infinities as null."""
    parts: list[str] = []
    _write(value, parts, work, 0)
    text = "".join(parts)
    work.spend_text(len(text))
    return text


def from_json(text: str, work: Work) -> Value:
    """Parse JSON; all numbers become doubles.

    Raises:
        ExpressionError: ``format`` for a text that is no JSON, ``limit`` for one that is too large
            or nested too deeply, ``cost`` when no work is left for it.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise work.error(f"fromJSON takes up to {MAX_TEXT_LENGTH} characters", kind="limit")
    work.spend(len(text) // JSON_CHARACTERS_PER_UNIT + 1)
    try:
        value = as_value(json.loads(text, parse_int=float, parse_constant=_refuse_constant))
        if _SURROGATE_ESCAPE.search(text):
            # Half a surrogate pair can't be stored or sent later; refuse it where it comes in.
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise work.error("the JSON text is nested too deeply", kind="limit") from None
    except ValueError as error:
        raise work.error(f"not a JSON text: {error}", kind="format") from None
    return value


def _refuse_constant(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


def _write(value: Value, parts: list[str], work: Work, depth: int) -> None:
    work.spend(1)
    if depth > MAX_JSON_NESTING:
        raise work.error("the value is nested too deeply to print it as JSON", kind="limit")
    if isinstance(value, str):
        work.spend_text(len(value))
        parts.append(encode_basestring(value))
    elif isinstance(value, list):
        _write_array(value, parts, work, depth)
    elif isinstance(value, Mapping):
        _write_object(value, parts, work, depth)
    else:
        parts.append(_primitive_json(value))


def _write_array(items: list[object], parts: list[str], work: Work, depth: int) -> None:
    parts.append("[")
    for number, item in enumerate(items):
        if number:
            parts.append(",")
        _write(as_value(item), parts, work, depth + 1)
    parts.append("]")


def _write_object(members: Mapping[str, object], parts: list[str], work: Work, depth: int) -> None:
    parts.append("{")
    for number, (key, item) in enumerate(members.items()):
        if number:
            parts.append(",")
        work.spend_text(len(key))
        parts.append(encode_basestring(key))
        parts.append(":")
        _write(as_value(item), parts, work, depth + 1)
    parts.append("}")


def _primitive_json(value: float | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not math.isfinite(value):
        return "null"
    # repr keeps every digit, so that fromJSON(toJSON(x)) is x.
    return repr(value).removesuffix(".0")
