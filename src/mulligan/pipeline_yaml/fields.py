"""Read checked nodes, and remember which part of the model came from which node."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mulligan.pipeline_yaml.findings import Path, pointer_of
from mulligan.pipeline_yaml.shapes import V3, is_expression
from mulligan.pipeline_yaml.tree import Node

Json = dict[str, Any]

# Members of the model, and the keys of YAML that they come from.
_KEYS = {
    "id": "id",
    "stepId": "id",
    "stageIdForUser": "id",
    "name": "name",
    "desc": "desc",
    "timeout": "timeout-minutes",
    "timeoutVar": "timeout-minutes",
    "customCondition": "if",
    "customVariables": "if",
    "runCondition": "if",
    "dependOnName": "depend-on",
    "dependOnType": "depend-on",
    "customEnv": "env",
    "mutexGroup": "mutex",
    "mutexGroupName": "label",
    "matrixControlOption": "strategy",
    "matrixGroupFlag": "strategy",
    "strategyStr": "matrix",
    "includeCaseStr": "include",
    "excludeCaseStr": "exclude",
    "maxConcurrency": "max-parallel",
    "checkIn": "check-in",
    "reviewGroups": "reviews",
    "reviewParams": "reviews",
    "dispatchType": "runs-on",
    "retryCount": "retry-times",
    "data": "with",
    "input": "with",
    "defaultValue": "value",
    "fastKill": "fast-kill",
    "advanceExpression": "cron",
    "newExpression": "interval",
    "concurrencyGroup": "concurrency",
    "script": "run",
}


class Fields:
    """The members of a mapping that was checked; absent and empty are the same."""

    __slots__ = ("node", "version")

    def __init__(self, node: Node, version: str = V3) -> None:
        self.node = node
        self.version = version

    def get(self, key: str) -> Node | None:
        """Return a member; None when it is absent or empty."""
        found = self.node.content.get(key) if isinstance(self.node.content, dict) else None
        return None if found is None or found.content is None else found

    def text(self, key: str, default: str = "") -> str:
        """Return a text as it is written."""
        found = self.get(key)
        return default if found is None else found.text

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a boolean."""
        found = self.get(key)
        return default if found is None else found.text.lower() == "true"

    def whole(self, key: str, default: int) -> int:
        """Return a whole number; the default for an expression."""
        found = self.get(key)
        return default if found is None or is_expression(found) else int(found.text)

    def part(self, key: str) -> Fields:
        """Return a mapping; an empty one when there is none."""
        found = self.get(key)
        if found is None or not isinstance(found.content, dict):
            found = Node(self.node.line, self.node.column, {}, file=self.node.file)
        return Fields(found, self.version)

    def parts(self, key: str) -> Iterator[Fields]:
        """Yield the mappings of a list, or the one that stands alone."""
        found = self.get(key)
        if found is not None:
            for item in found.content if isinstance(found.content, list) else [found]:
                yield Fields(item, self.version)

    def members(self, key: str) -> Iterator[tuple[str, Node]]:
        """Yield keys and values of a mapping."""
        yield from self.part(key).node.content.items()

    def texts(self, key: str) -> list[str]:
        """Return a list of texts; one alone is a list of one."""
        found = self.get(key)
        return [] if found is None else texts_of(found)

    def pairs(self, key: str) -> list[Json]:
        """Return a mapping as a list of `{key, value}`."""
        return [{"key": name, "value": scalar(item)} for name, item in self.members(key)]

    def has(self, key: str) -> bool:
        """Tell whether a key stands there with something behind it."""
        return self.get(key) is not None


def texts_of(node: Node) -> list[str]:
    """Return a list of texts; one alone is a list of one."""
    items = node.content if isinstance(node.content, list) else [node]
    return [item.text for item in items if item.content is not None]


def scalar(node: Node) -> str:
    """Give a value as text: scalars as they are written, others as JSON."""
    if isinstance(node.content, dict | list):
        return json.dumps(node.value(), ensure_ascii=False)
    return node.text if node.content is not None else ""


def plain(node: Node) -> Any:
    """Give a value as JSON; numbers with a point keep their letters as a text (1.10)."""
    if isinstance(node.content, dict):
        return {key: plain(item) for key, item in node.content.items()}
    if isinstance(node.content, list):
        return [plain(item) for item in node.content]
    return node.text if isinstance(node.content, float) else node.content


def present(value: Mapping[str, Any]) -> Json:
    """Leave out members that are None, empty text, list or map."""
    return {key: item for key, item in value.items() if item not in (None, "", [], {})}


class Origins:
    """Which node an object of the model came from."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._nodes: dict[int, tuple[Json, Node]] = {}
        self._paths: dict[int, Path] = {}

    def mark(self, made: Json, node: Node) -> Json:
        """Remember where an object comes from; give it back."""
        self._nodes[id(made)] = (made, node)
        return made

    def find(self, model: Any, pointer: str) -> Node:
        """Return the node that a JSON pointer into the model leads to, or the nearest one."""
        node = self._root
        value = model
        for key in pointer.split("/")[1:]:
            value = _member(value, key)
            known = self._nodes.get(id(value))
            if known is not None:
                node = known[1]
            elif isinstance(node.content, dict) and key in _KEYS:
                node = node.content.get(_KEYS[key], node)
            elif isinstance(node.content, dict):
                node = node.content.get(key, node)
        return node

    def path(self, node: Node) -> Path:
        """Return the path of a node in the YAML; () if it is not in it."""
        if not self._paths:
            waiting: list[tuple[Path, Node]] = [((), self._root)]
            while waiting:
                path, found = waiting.pop()
                self._paths[id(found)] = path
                if isinstance(found.content, dict):
                    waiting += [((*path, key), item) for key, item in found.content.items()]
                elif isinstance(found.content, list):
                    waiting += [((*path, str(at)), item) for at, item in enumerate(found.content)]
        return self._paths.get(id(node), ())

    def pointer(self, node: Node) -> str:
        """Return the JSON pointer of a node in the YAML."""
        return pointer_of(self.path(node))


def _member(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
        return value[int(key)]
    return None
