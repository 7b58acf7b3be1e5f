"""Parameters of templates: their values, and the text that they are filled into.

Filled in are values of nodes, not lines of text: nothing has to be escaped, and a list stays one.
"""

import re
from collections.abc import Mapping

from mulligan.core.expressions import ExpressionError, Partial, to_output
from mulligan.pipeline_yaml.fields import Fields, texts_of
from mulligan.pipeline_yaml.findings import Findings, Path, YamlError, at
from mulligan.pipeline_yaml.shapes import is_expression, near, shown
from mulligan.pipeline_yaml.tree import Node

ROOT = "parameters"
KINDS = ("string", "number", "boolean", "array")
MOST_UNITS = 400_000  # nodes and pieces of text after everything is filled in
CHARACTERS_PER_UNIT = 100
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_BLOCK = re.compile(r"\$\{\{((?:(?!\}\}|\$\{\{).)*)\}\}")


def node_of(value: object, place: Node) -> Node:
    """Make nodes of a value of JSON, standing where `place` stands."""
    made = Node(place.line, place.column, value, file=place.file)
    if isinstance(value, Mapping):
        made.content = {str(key): node_of(item, place) for key, item in value.items()}
        made.keys = {str(key): (place.line, place.column) for key in value}
    elif isinstance(value, list):
        made.content = [node_of(item, place) for item in value]
    elif isinstance(value, float):
        made.text = to_output(value)
        if value.is_integer():
            made.content = int(value)
    elif value is not None:
        made.text = to_output(value) if isinstance(value, bool) else str(value)
    return made


class Size:
    """Bounds what all templates of a file become together."""

    def __init__(self, most: int = MOST_UNITS) -> None:
        self._left = most

    def spend(self, node: Node, length: int = 0) -> None:
        """Pay for a node, and for a text of so many characters.

        Raises:
            YamlError: It is too much.
        """
        self._left -= 1 + length // CHARACTERS_PER_UNIT
        if self._left < 0:
            raise YamlError([at(node, (), "all templates together are too large")])


class Filler:
    """Fills the parameters of one template into its nodes."""

    def __init__(self, values: Mapping[str, object], size: Size) -> None:
        self._known = Partial(ROOT, values)
        self._size = size
        self._cost = _count(values)  # at most, of one use

    def fill(self, node: Node, *, is_condition: bool = False) -> Node:
        """Return the node with all `${{ parameters.… }}` filled in; places stay."""
        self._size.spend(node, len(node.text))
        made = Node(node.line, node.column, node.content, file=node.file)
        if isinstance(node.content, dict):
            made.content = {}
            for key, item in node.content.items():
                name = self._lines(key)
                made.content[name] = self.fill(item, is_condition=key == "if")
                made.keys[name] = node.keys.get(key, (node.line, node.column))
            return made
        if isinstance(node.content, list):
            made.content = [self.fill(item) for item in node.content]
            return made
        made.text = node.text
        if not isinstance(node.content, str):
            return made
        uses = node.text.count(ROOT)
        if uses:
            self._size.spend(node, uses * self._cost * CHARACTERS_PER_UNIT)
        if is_condition and "${{" not in node.text:
            return self._condition(made)
        return self._scalar(made)

    def _condition(self, made: Node) -> Node:
        if self._known.mentions(made.text):
            made.text = made.content = self._known.fill(made.text)
        return made

    def _scalar(self, made: Node) -> Node:
        """Fill a scalar; one that is a parameter and nothing else gets its value."""
        whole = _BLOCK.fullmatch(made.text.strip())
        if whole is not None and self._known.mentions(whole[1]):
            value, is_value = self._compute(whole[1])
            return node_of(value if is_value else f"${{{{ {value} }}}}", made)
        made.text = made.content = self._lines(made.text)
        return made

    def _lines(self, text: str) -> str:
        """Fill a text, line by line; lines that begin with # stay."""
        if "${{" not in text:
            return text
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if not line.lstrip().startswith("#"):
                lines[number] = _BLOCK.sub(self._block, line)
        return "\n".join(lines)

    def _block(self, match: re.Match[str]) -> str:
        if not self._known.mentions(match[1]):
            return match[0]
        value, is_value = self._compute(match[1])
        return to_output(value) if is_value else f"${{{{ {value} }}}}"  # type: ignore[arg-type]  # a Value

    def _compute(self, text: str) -> tuple[object, bool]:
        try:
            return self._known.compute(text)
        except ExpressionError:
            return text.strip(), False


def _count(value: object) -> int:
    """Give the size of a value, in units."""
    if isinstance(value, Mapping):
        return 1 + sum(_count(item) for item in value.values())
    if isinstance(value, list):
        return 1 + sum(_count(item) for item in value)
    return 1 + len(value) // CHARACTERS_PER_UNIT if isinstance(value, str) else 1


def read_values(
    declared: list[Node], given: Fields, where: Path, findings: Findings
) -> dict[str, object]:
    """Return the values of a template's parameters.

    Args:
        declared: The entries of its `parameters`.
        given: What the file that includes it says.
        where: Path of that, for what is wrong.
    """
    values: dict[str, object] = {}
    for node in declared:
        if not isinstance(node.content, dict):
            findings.error(node, where, "a parameter must be a map")
            continue
        part = Fields(node)
        name = part.text("name")
        if not name or "." in name:
            findings.error(node, where, f"{name[:60]!r} can't be the name of a parameter")
            continue
        if name in values:
            findings.error(node, where, f"the parameter {name[:60]!r} is declared twice")
        kind = part.text("type", "string")
        if kind not in KINDS:
            findings.error(node, where, f"a parameter is one of {', '.join(KINDS)}")
            continue
        chosen = given.get(name) or part.get("default")
        values[name] = None
        if chosen is not None:
            values[name] = _value(chosen, kind, name, findings, where)
            allowed = part.texts("values")
            if allowed and not set(texts_of(chosen)) <= set(allowed):
                detail = f"the parameter {name!r} must be one of {', '.join(allowed)}"
                findings.error(chosen, (*where, name), detail)
    for name in given.node.content:
        if name not in values:
            detail = f"the template has no parameter {name[:60]!r}"
            findings.error_at_key(given.node, where, name, detail, near(name, values))
    return values


def _value(node: Node, kind: str, name: str, findings: Findings, where: Path) -> object:
    value = node.value()
    if is_expression(node):
        return node.text
    if kind == "string" and not isinstance(node.content, dict | list):
        return node.text
    if kind == "number" and _NUMBER.fullmatch(node.text):
        return float(node.text)
    if kind == "boolean" and node.text.lower() in {"true", "false"}:
        return node.text.lower() == "true"
    if kind == "array" and isinstance(value, list):
        return value
    article = "an" if kind == "array" else "a"
    detail = f"the parameter {name!r} must be {article} {kind}, not {shown(node)}"
    findings.error(node, (*where, name), detail)
    return None
