"""The texts of a matrix: YAML, or JSON where that is no YAML, read as it is written.

Values of a matrix are texts everywhere: `3.10` stays `3.10`. Only what stands deeper, in a value
that is itself a map or a list, becomes JSON. Read from the parser's events, without anchors and
with a bound on the depth, as the text may come from a variable.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_LEVELS = 20
_LONGEST = 1_000_000  # characters of one text


class MatrixError(ValueError):
    """A matrix that gives no combinations because it is wrong; the message says what."""


class Scalar(NamedTuple):
    """A value as it is written, and what it is in JSON."""

    text: str
    value: Any


# a Scalar, a list or a dict of such
Tree = Any


def read_tree(text: str, what: str) -> Tree | None:
    """Read a text; None if it is blank.

    Raises:
        MatrixError: It is neither YAML nor JSON; `what` says in the message which text it was.
    """
    if not text.strip():
        return None
    if len(text) > _LONGEST:
        raise MatrixError(f"{what} of the matrix has more than {_LONGEST} characters")
    try:
        return _document(yaml.parse(text, Loader=_LOADER))
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or str(error)
    try:
        return _of_json(json.loads(text), 0)
    except (ValueError, RecursionError):
        raise MatrixError(f"{what} of the matrix is neither YAML nor JSON: {problem}") from None


def text_of_tree(tree: Tree) -> str:
    """Give a value as text; maps and lists as JSON."""
    return tree.text if isinstance(tree, Scalar) else msgspec.json.encode(_plain(tree)).decode()


def _plain(tree: Tree) -> Any:
    if isinstance(tree, Scalar):
        return tree.value
    if isinstance(tree, dict):
        return {name: _plain(value) for name, value in tree.items()}
    return [_plain(item) for item in tree]


def _document(events: Iterator[Any]) -> Tree | None:
    tree: Tree | None = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            if tree is not None:
                raise MatrixError("a text of a matrix is more than one document")
            tree = _node(next(events), events, 0)
    return tree


def _node(event: Any, events: Iterator[Any], level: int) -> Tree:
    _check_level(level)
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        raise MatrixError("anchors are not allowed in a matrix")
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(event.value, event.value if event.style else _json_value(event.value))
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(inner := next(events), yaml.SequenceEndEvent):
            items.append(_node(inner, events, level + 1))
        return items
    members: dict[str, Tree] = {}
    while not isinstance(inner := next(events), yaml.MappingEndEvent):
        if not isinstance(inner, yaml.ScalarEvent):
            raise MatrixError("a name in a matrix must be a text")
        members[inner.value] = _node(next(events), events, level + 1)
    return members


def _json_value(text: str) -> Any:
    """Give what a word without quotes is in JSON: a number, true, false, null, else a text."""
    if text in {"", "~"}:
        return None
    try:
        value = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, str) else value


def _of_json(value: Any, level: int) -> Tree:
    _check_level(level)
    if isinstance(value, dict):
        return {name: _of_json(item, level + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_of_json(item, level + 1) for item in value]
    return Scalar(value if isinstance(value, str) else json.dumps(value), value)


def _check_level(level: int) -> None:
    if level > _MOST_LEVELS:
        raise MatrixError(f"a text of a matrix is nested deeper than {_MOST_LEVELS} levels")
