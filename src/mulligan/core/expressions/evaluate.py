"""Compute the value of an expression."""

from collections.abc import Mapping
from typing import TypeVar

from mulligan.core.expressions.context import Context, FlatObject
from mulligan.core.expressions.functions import FUNCTIONS
from mulligan.core.expressions.json_text import to_json
from mulligan.core.expressions.limits import CHARACTERS_PER_UNIT, Work
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
from mulligan.core.expressions.parser import Expression, parse_expression, unknown_root
from mulligan.core.expressions.values import (
    Value,
    as_value,
    is_equal,
    is_less,
    is_true,
    to_number,
    to_text,
)

_Default = TypeVar("_Default")
_MISSING = object()


class _Filtered(list[object]):
    """Hold what a wildcard found: a later key is taken from each item."""


def evaluate(text: str, context: Context) -> Value:
    """Parse and compute an expression.

    Returns:
        The value. ``&&`` and ``||`` give an operand, not a boolean; a missing property is None.

    Raises:
        ExpressionError: See its kinds; an unknown root is a ``parse`` error.
    """
    return evaluate_expression(parse_expression(text), context, Work())


def evaluate_expression(expression: Expression, context: Context, work: Work) -> Value:
    """Compute a parsed expression, paying from the given work."""
    for root in expression.roots:
        if not context.has_root(root.name):
            raise unknown_root(root)
    return _Evaluation(context, work).compute(expression.top)


def to_output(value: Value, work: Work | None = None) -> str:
    """Print a value into a text: arrays and objects as JSON, all else in its text form.

    An object that has a text of its own prints as that text.
    """
    if isinstance(value, FlatObject) and value.own_text is not None:
        return value.own_text
    if isinstance(value, list | Mapping):
        return to_json(value, work or Work())
    return to_text(value)


class _Evaluation:
    """Compute the nodes of one expression."""

    __slots__ = ("_context", "_work")

    def __init__(self, context: Context, work: Work) -> None:
        self._context = context
        self._work = work

    def compute(self, node: Node) -> Value:
        self._work.position = node.position
        self._work.spend(1)
        match node:
            case Literal():
                return node.value
            case Root():
                return self._context.get_root(node.name)
            case Access():
                return self._follow(node)
            case Comparison():
                return self._compare(node)
            case Logic():
                return self._decide(node)
            case Not():
                return not is_true(self.compute(node.operand))
            case _:
                return self._call(node)

    def _decide(self, node: Logic) -> Value:
        stops_at = node.operator == "||"
        value: Value = None
        for operand in node.operands:
            value = self.compute(operand)
            if is_true(value) is stops_at:
                break
        return value

    def _compare(self, node: Comparison) -> Value:
        left = self.compute(node.first)
        for operator, operand in node.rest:
            right = self.compute(operand)
            for value in (left, right):
                if isinstance(value, str):
                    self._work.spend(len(value) // CHARACTERS_PER_UNIT)
            left = _holds(operator, left, right)
        return left

    def _call(self, node: Call) -> Value:
        arguments = [self.compute(argument) for argument in node.arguments]
        self._work.position = node.position
        return FUNCTIONS[node.function].run(arguments, self._work)

    def _follow(self, node: Access) -> Value:
        value = self.compute(node.base)
        for key in node.keys:
            if isinstance(key, Wildcard):
                self._work.position = key.position
                value = self._all_of(value)
            elif isinstance(value, _Filtered):
                value = self._from_each(value, self.compute(key))
            else:
                value = self._item(value, self.compute(key), None)
        return value

    def _all_of(self, value: Value) -> _Filtered:
        """Give the items of an array or object; of filtered items, the items of each."""
        found = _Filtered()
        for source in value if isinstance(value, _Filtered) else (value,):
            if isinstance(source, list):
                items = source
            else:
                items = list(source.values()) if isinstance(source, Mapping) else []
            self._work.spend(len(items) + 1)
            found += items
        return found

    def _from_each(self, items: _Filtered, key: Value) -> _Filtered:
        """Take a key from each item; items without it are dropped."""
        self._work.spend(len(items))
        found = _Filtered()
        for source in items:
            item = self._item(source, key, _MISSING)
            if item is not _MISSING:
                found.append(item)
        return found

    def _item(self, value: object, key: Value, missing: _Default) -> Value | _Default:
        """Give one item of an array or one property of an object, or what stands for none."""
        if isinstance(value, list):
            index = _index(key)
            return as_value(value[index]) if 0 <= index < len(value) else missing
        if not isinstance(value, Mapping) or isinstance(key, list | Mapping):
            return missing
        if isinstance(value, FlatObject):
            self._work.spend(value.search_units)
        name = to_text(key)
        return as_value(value[name]) if name in value else missing


def _index(key: Value) -> int:
    """Read an array index, which may be a numeric text; -1 for what is no index."""
    if isinstance(key, str) and key.strip():
        key = to_number(key)
    # An infinite number has no integer form, so is_integer() goes first; NaN is none either.
    return int(key) if isinstance(key, float) and key.is_integer() else -1


def _holds(operator: str, left: Value, right: Value) -> bool:
    if operator == "==":
        return is_equal(left, right)
    if operator == "!=":
        return not is_equal(left, right)
    if operator[0] == ">":
        left, right = right, left
    return is_less(left, right) or (len(operator) > 1 and is_equal(left, right))
