"""Read a document in JSON or YAML, and find the line and column of any part of it.

Imports next to nothing: the command line reads files with it, too.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from mulligan.pipeline_yaml.document_error import DocumentError

_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"[^\s,\]}]*")

Place = tuple[int, int]


def read_document(data: bytes, *, is_yaml: bool | None = None) -> Any:
    """Give the value of a JSON or YAML text.

    Args:
        is_yaml: Which of the two it is; None: JSON if it begins with a brace or bracket.

    Raises:
        DocumentError: It is not UTF-8, malformed, nested too deep, or (YAML) has a key twice.
    """
    text = _decode(data)
    if is_yaml is None:
        is_yaml = not looks_like_json(text)
    return _read_yaml(text) if is_yaml else _read_json(text)


def looks_like_json(text: str) -> bool:
    """Tell whether a text is meant as JSON."""
    return text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["}


def locate(data: bytes, pointer: str, *, is_yaml: bool | None = None) -> Place | None:
    """Return line and column (from 1) of what a JSON pointer names, or of its nearest parent.

    None: the text can't be read.
    """
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
    try:
        text = _decode(data)
        if is_yaml is None:
            is_yaml = not looks_like_json(text)
        if is_yaml:
            return _locate_in_yaml(text, keys)
        return _place(text, _find_in_json(text, keys))
    except (DocumentError, ValueError, RecursionError):
        return None


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        raise DocumentError("not UTF-8", *_place(before, len(before))) from None


def _place(text: str, position: int) -> Place:
    line = text.count("\n", 0, position) + 1
    return line, position - text.rfind("\n", 0, position)


# --- JSON -------------------------------------------------------------------------------------


def _read_json(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise DocumentError(f"{word} is no JSON", *_place(text, text.find(word)))

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        message = error.msg[:1].lower() + error.msg[1:]
        raise DocumentError(message, error.lineno, error.colno) from None
    except RecursionError:
        raise DocumentError("nested too deep") from None
    except ValueError as error:  # a number of thousands of digits
        raise DocumentError(str(error)) from None


def _find_in_json(text: str, keys: list[str]) -> int:
    """Return where the value stands that `keys` lead to; the text is known to be JSON."""
    position = _space(text, 0)
    for key in keys:
        inside = _enter(text, position, key)
        if inside is None:
            break
        position = inside
    return position


def _enter(text: str, position: int, key: str) -> int | None:
    """Return where a member of the value at `position` stands."""
    closing = {"{": "}", "[": "]"}.get(text[position])
    if closing is None:
        return None
    position = _space(text, position + 1)
    number = 0
    while text[position] != closing:
        name = str(number)
        if closing == "}":
            name, position = scanstring(text, position + 1, True)  # noqa: FBT003 - its signature
            position = _space(text, _space(text, position) + 1)
        if name == key:
            return position
        position = _space(text, _skip(text, position))
        if text[position] == ",":
            position = _space(text, position + 1)
        number += 1
    return None


def _skip(text: str, position: int) -> int:
    """Return the end of the value at `position`."""
    depth = 0
    while True:
        character = text[position]
        if character == '"':
            _, position = scanstring(text, position + 1, True)  # noqa: FBT003 - its signature
        elif character in "[{":
            depth += 1
            position += 1
        elif character in "]}":
            depth -= 1
            position += 1
        elif character in ",:":
            position += 1
        else:
            match = _SCALAR.match(text, position)
            position = match.end() if match else position + 1
        if depth == 0:
            return position
        position = _space(text, position)


def _space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


# --- YAML -------------------------------------------------------------------------------------


def _read_yaml(text: str) -> Any:
    from mulligan.pipeline_yaml.tree import compose

    return compose(text).value()


def _locate_in_yaml(text: str, keys: list[str]) -> Place:
    from mulligan.pipeline_yaml.tree import compose

    return compose(text).place(keys)
