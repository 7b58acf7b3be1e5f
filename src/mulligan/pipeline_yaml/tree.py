"""YAML as values of JSON, every node with its place.

Built from the parser's events with a bound on the depth: PyYAML's own composer in C crashes the
process on a text of a hundred thousand brackets. Tags construct nothing.
"""

import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

import yaml

from mulligan.pipeline_yaml.document_error import DocumentError

MOST_LEVELS = 100
# An alias counts each time it is used: a few lines must not become gigabytes.
MOST_NODES = 500_000

_TEXT_TAG = "tag:yaml.org,2002:str"
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?=.*[.eE])(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_LONGEST_INT = 18  # digits: what fits into 64 bits


class Node:
    """A scalar, a list of nodes, or nodes by key.

    Args:
        text: Of a scalar, as it is written.
        file: In which the node stands; "" when there is only one.
        keys: Where the keys of a mapping stand: (line, column).
    """

    __slots__ = ("column", "content", "file", "keys", "line", "text")

    def __init__(self, line: int, column: int, content: Any, *, file: str = "") -> None:
        self.line = line
        self.column = column
        self.content = content
        self.file = file
        self.text = ""
        self.keys: dict[str, tuple[int, int]] = {}

    def value(self) -> Any:
        """Give the value of JSON that it is.

        Raises:
            DocumentError: Its aliases make it too large.
        """
        return _Counter(MOST_NODES).value(self, 0)

    def demand_size(self, most: int) -> None:
        """Check how many nodes it holds, aliases counted each time.

        Raises:
            DocumentError: More than that, or nested too deep.
        """
        _Counter(most).value(self, 0)

    def place(self, keys: list[str]) -> tuple[int, int]:
        """Return line and column of what the keys lead to, as far as they do."""
        node = self
        for key in keys:
            inside = node.member(key)
            if inside is None:
                break
            node = inside
        return node.line, node.column

    def member(self, key: str) -> "Node | None":
        """Return a member of a mapping or list."""
        if isinstance(self.content, dict):
            found: Node | None = self.content.get(key)
            return found
        if isinstance(self.content, list) and key.isdecimal() and int(key) < len(self.content):
            item: Node = self.content[int(key)]
            return item
        return None

    def error(self, message: str) -> DocumentError:
        """Return the error that says what is wrong here."""
        return DocumentError(message, self.line, self.column)


class _Counter:
    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0

    def value(self, node: Node, level: int) -> Any:
        self._count += 1
        if self._count > self._most:
            raise node.error(f"more than {self._most} values, aliases counted each time")
        if level > MOST_LEVELS:
            raise node.error(f"nested deeper than {MOST_LEVELS} levels")
        if isinstance(node.content, list):
            return [self.value(item, level + 1) for item in node.content]
        if isinstance(node.content, dict):
            return {key: self.value(item, level + 1) for key, item in node.content.items()}
        return node.content


def compose(text: str, *, file: str = "", merges: bool = False) -> Node:
    """Read the one document that a text holds; an empty text is null.

    Args:
        file: Its name, for the places.
        merges: `<<` takes over the members of the mappings that it names.

    Raises:
        DocumentError: Malformed, too deep, a key twice, or more than one document.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Composer(yaml.parse(text, Loader=loader), file, merges=merges).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise DocumentError(error.problem or str(error), *place) from None
    except yaml.YAMLError as error:
        raise DocumentError(" ".join(str(error).split())) from None


class _Composer:
    def __init__(self, events: Iterator[Any], file: str, *, merges: bool) -> None:
        self._events = events
        self._file = file
        self._merges = merges
        self._anchors: dict[str, Node | None] = {}

    def document(self) -> Node:
        node = Node(1, 1, None, file=self._file)
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._at(event, None).error("only one document is taken")
                node = self._node(next(self._events), 0)
        return node

    def _at(self, event: Any, content: Any) -> Node:
        mark = event.start_mark
        return Node(mark.line + 1, mark.column + 1, content, file=self._file)

    def _node(self, event: Any, level: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        node = self._at(event, None)
        if level > MOST_LEVELS:
            raise node.error(f"nested deeper than {MOST_LEVELS} levels")
        if event.anchor:
            self._anchors[event.anchor] = None  # until it is whole
        if isinstance(event, yaml.ScalarEvent):
            node.content = _scalar(event)
            node.text = event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            node.content = list(self._items(level))
        else:
            node.content = self._members(node, level)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            raise self._at(event, None).error(f"there is no anchor {event.anchor!r} before it")
        node = self._anchors[event.anchor]
        if node is None:
            raise self._at(event, None).error(f"{event.anchor!r} holds itself")
        return node

    def _items(self, level: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, level + 1)

    def _members(self, node: Node, level: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._at(event, None)
            if not isinstance(event, yaml.ScalarEvent):
                raise key.error("a key must be a text")
            if event.value in found:
                raise key.error(f"the key {event.value!r} stands twice")
            if self._merges and event.value == "<<" and not event.style:
                merged += _mappings(self._node(next(self._events), level + 1))
                continue
            node.keys[event.value] = (key.line, key.column)
            found[event.value] = self._node(next(self._events), level + 1)
        for source in merged:
            for name, member in source.content.items():
                if name not in found:
                    found[name] = member
                    node.keys[name] = source.keys[name]
        return found


def _mappings(node: Node) -> list[Node]:
    """Return what `<<` names: one mapping, or several of which the first counts most."""
    found = node.content if isinstance(node.content, list) else [node]
    for each in found:
        if not isinstance(each.content, dict):
            raise each.error("<< takes mappings only")
    return found


def _scalar(event: Any) -> Any:
    """Give what a scalar means in JSON: `on`, `yes` and dates stay texts."""
    text: str = event.value
    if event.style or event.tag == _TEXT_TAG:
        return text
    lowered = text.lower() if len(text) <= len("false") else text
    if lowered in _WORDS:
        return _WORDS[lowered]
    if _INT.fullmatch(text) and len(text) <= _LONGEST_INT:
        return int(text)
    if _FLOAT.fullmatch(text) and isfinite(number := float(text)):
        return number
    return text
