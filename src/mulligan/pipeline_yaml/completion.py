"""What may be written at a place of a pipeline file that is being written: keys, or values.

The text need not be valid yet: the place is told from indentations alone, and what may stand there
from the JSON Schema of the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from mulligan.pipeline_yaml.json_schema import make_schema
from mulligan.pipeline_yaml.shapes import V2, V3

MOST_LINES = 20_000
MOST_ITEMS = 200
_KEY = re.compile(r"^(?P<indent>[ ]*(?:- +)*)(?P<key>[\w./-]+|\"[^\"]*\"|'[^']*')\s*:(?:\s|$)")
_ITEM = re.compile(r"^(?P<indent>[ ]*)(?P<dashes>(?:- +)*-(?:\s|$))")
_VERSION = re.compile(r"(?m)^version:\s*[\"']?(v[23]\.0)")
Json = dict[str, Any]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that may be written. `kind`: key or value; `has`: what stands behind a key."""

    kind: str
    text: str
    desc: str = ""
    has: str = ""


def complete(text: str, line: int, column: int) -> tuple[Choice, ...]:
    """Return what may be written at a place; nothing where that is not known.

    Args:
        line, column: Of the cursor, from 1.
    """
    lines = text.splitlines()[:MOST_LINES]
    if not 1 <= line <= len(lines) + 1:
        return ()
    before = lines[line - 1][: column - 1] if line <= len(lines) else ""
    found = _VERSION.search(text)
    version = found[1] if found is not None and found[1] in {V2, V3} else V3
    schema = make_schema(version)
    key = _KEY.match(before)
    path = _path(lines[: line - 1], _indent_of(before))
    if key is not None:
        return _values(schema, [*path, *_dashes(key["indent"]), key["key"].strip("\"'")])
    if ":" in before:
        return ()
    present = _siblings(lines, line, _indent_of(before))
    place = [*path, *_dashes(before)]
    return tuple(each for each in _keys(schema, place) if each.text not in present)[:MOST_ITEMS]


def _indent_of(before: str) -> int:
    """Return at which column what is written at the end of a line belongs to its parent."""
    found = re.match(r"[ ]*(?:- +)*(?:-$)?", before)
    return len(found[0]) if found is not None else 0


def _dashes(text: str) -> list[str]:
    """Return a step into a list for each dash at the beginning of a text."""
    found = re.match(r"[ ]*((?:- *)*)", text)
    return ["-"] * found[1].count("-") if found is not None else []


def _path(lines: list[str], indent: int) -> list[str]:
    """Return the keys and list items that what stands at an indentation is in, outermost first."""
    parts: list[str] = []
    limit = indent
    for line in reversed(lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        steps = _steps(line)
        for column, word in reversed(steps):
            # the items of a list may stand as far left as its key
            is_key_of_list = parts[-1:] == ["-"] and word != "-" and column == limit
            if column < limit or is_key_of_list:
                parts.append(word)
                limit = column
        if limit == 0 and parts[-1:] != ["-"]:
            break
    return parts[::-1]


def _steps(line: str) -> list[tuple[int, str]]:
    """Return what a line opens, with the column where it begins: list items, then its key."""
    steps = []
    item = _ITEM.match(line)
    position = len(line) - len(line.lstrip(" "))
    if item is not None:
        for place, character in enumerate(item["dashes"], start=len(item["indent"])):
            if character == "-":
                steps.append((place, "-"))
        position = len(item["indent"]) + len(item["dashes"])
    key = _KEY.match(line)
    if key is not None:
        steps.append((position, key["key"].strip("\"'")))
    return steps


def _siblings(lines: list[str], line: int, indent: int) -> set[str]:
    """Return the keys that stand already in the mapping at the cursor."""
    found: set[str] = set()
    for some in (reversed(lines[: line - 1]), iter(lines[line:])):
        for each in some:
            if not each.strip():
                continue
            steps = _steps(each)
            column = steps[-1][0] if steps else len(each) - len(each.lstrip())
            if column < indent:
                break
            if column == indent and steps and steps[-1][1] != "-":
                found.add(steps[-1][1])
            if steps and steps[0][1] == "-" and steps[0][0] < indent:
                break  # another item of the list that the mapping is in
    return found


def _places(schema: Json, path: list[str]) -> Iterator[Json]:
    """Yield the schemas of what may stand at the end of a path."""
    here = list(_forms(schema, schema))
    for word in path:
        here = [
            form
            for each in here
            for form in _forms(schema, _member(each, word))
            if form is not None
        ]
    yield from here


def _member(form: Json, word: str) -> Any:
    if word == "-":
        return form.get("items")
    known = form.get("properties", {})
    return known.get(word, form.get("additionalProperties"))


def _forms(schema: Json, form: Any) -> Iterator[Json]:
    """Yield what a schema allows, references followed and alternatives one by one."""
    if not isinstance(form, dict):
        return
    reference = form.get("$ref")
    if isinstance(reference, str):
        yield from _forms(schema, schema["$defs"].get(reference.rsplit("/", 1)[-1]))
        return
    yield form
    for name in ("anyOf", "oneOf", "allOf"):
        for each in form.get(name, ()):
            yield from _forms(schema, each)


def _keys(schema: Json, path: list[str]) -> Iterator[Choice]:
    seen = set()
    for form in _places(schema, path):
        for name, each in form.get("properties", {}).items():
            if name in seen:
                continue
            seen.add(name)
            yield Choice(
                kind="key",
                text=name,
                desc=str(each.get("description", "")),
                has=_what(schema, each),
            )


def _what(schema: Json, form: Json) -> str:
    kinds = [each["type"] for each in _forms(schema, form) if isinstance(each.get("type"), str)]
    return kinds[0] if kinds else ""


def _values(schema: Json, path: list[str]) -> tuple[Choice, ...]:
    found: dict[str, Choice] = {}
    for form in _places(schema, path):
        words = [*form.get("enum", ()), *([form["const"]] if "const" in form else [])]
        if form.get("type") == "boolean":
            words += [True, False]
        for word in words:
            text = str(word).lower() if isinstance(word, bool) else str(word)
            found[text] = Choice(kind="value", text=text)
    return tuple(found.values())[:MOST_ITEMS]
