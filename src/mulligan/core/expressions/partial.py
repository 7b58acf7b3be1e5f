"""Compute one root of an expression and leave the rest as text.

Templates are filled in before a pipeline exists: what their parameters say is known then, all else
is only known when the pipeline runs. So `startsWith(parameters.p, variables.q)` with `p` = `v`
becomes `startsWith('v', variables.q)`.
"""

import re
from collections.abc import Mapping

from mulligan.core.expressions.context import Context
from mulligan.core.expressions.errors import ExpressionError
from mulligan.core.expressions.evaluate import evaluate_expression, to_output
from mulligan.core.expressions.functions import FUNCTIONS
from mulligan.core.expressions.json_text import to_json
from mulligan.core.expressions.limits import Work
from mulligan.core.expressions.nodes import (
    Access,
    Call,
    Comparison,
    Literal,
    Logic,
    Node,
    Not,
    Root,
    Wildcard,
)
from mulligan.core.expressions.parser import Expression, parse_expression
from mulligan.core.expressions.values import Value, to_text

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*|[0-9]+")
_PLACEHOLDER = re.compile(r"\s*\$\{\{((?:(?!\}\}).)*)\}\}\s*", re.DOTALL)


class Partial:
    """What is known: the value of one root."""

    def __init__(self, root: str, value: Mapping[str, object]) -> None:
        self._root = root
        self._context = Context.from_tree({root: value})

    def compute(self, text: str) -> tuple[Value, bool]:
        """Compute an expression as far as it is known.

        Returns:
            The value and True if the text is a path into the root, else the text with what is
            known filled in, and False.

        Raises:
            ExpressionError: The text is no expression.
        """
        expression = parse_expression(text)
        top = expression.top
        if self._is_known(top):
            return self._evaluate(top), True
        return self._write(top), False

    def fill(self, text: str) -> str:
        """Give an expression with what is known filled in, as text.

        Raises:
            ExpressionError: The text is no expression.
        """
        value, is_value = self.compute(text)
        return to_output(value) if is_value else to_text(value)

    def mentions(self, text: str) -> bool:
        """Tell whether an expression names the root; False for what is no expression."""
        try:
            return any(root.name == self._root for root in parse_expression(text).roots)
        except ExpressionError:
            return False

    def _is_known(self, node: Node) -> bool:
        """Tell whether a node is the root, or a path into it with known keys."""
        if isinstance(node, Root):
            return node.name == self._root
        if not isinstance(node, Access) or not self._is_known(node.base):
            return False
        return all(isinstance(key, Wildcard | Literal) or self._is_known(key) for key in node.keys)

    def _evaluate(self, node: Node) -> Value:
        roots = (Root(0, self._root),)
        return evaluate_expression(Expression(top=node, roots=roots), self._context, Work())

    def _write(self, node: Node) -> str:
        if self._is_known(node):
            return _literal(self._evaluate(node))
        match node:
            case Literal():
                return _literal(node.value)
            case Root():
                return node.name
            case Access():
                return self._write(node.base) + "".join(self._key(key) for key in node.keys)
            case Not():
                return "!" + self._write(node.operand)
            case Logic():
                words = [self._write(operand) for operand in node.operands]
                return f"({f' {node.operator} '.join(words)})"
            case Comparison():
                rest = "".join(f" {operator} {self._write(each)}" for operator, each in node.rest)
                return f"({self._write(node.first)}{rest})"
            case Call():
                arguments = ", ".join(self._write(argument) for argument in node.arguments)
                return f"{FUNCTIONS[node.function].name}({arguments})"

    def _key(self, key: Node | Wildcard) -> str:
        if isinstance(key, Wildcard):
            return ".*"
        if isinstance(key, Literal) and isinstance(key.value, str) and _NAME.fullmatch(key.value):
            return f".{key.value}"
        return f"[{self._write(key)}]"


def _literal(value: Value) -> str:
    """Write a value as an expression that gives it."""
    if value is None:
        return "null"
    if isinstance(value, str):
        inner = _PLACEHOLDER.fullmatch(value)
        if inner is not None:  # it comes as an expression, and stays one
            return inner[1].strip()
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, list | Mapping):
        return "fromJSON('" + to_json(value, Work()).replace("'", "''") + "')"
    return to_text(value)
