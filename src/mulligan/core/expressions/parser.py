"""Parse expressions: operator precedence by binding power, one function for each form.

    ``||`` < ``&&`` < ``== !=`` < ``< <= > >=`` < ``!`` < ``. []`` < ``()``

There is no arithmetic, no conditional operator and no text in double quotes.
"""

import math
from collections.abc import Collection
from functools import lru_cache
from types import MappingProxyType

import msgspec

from mulligan.core.expressions.errors import ExpressionError
from mulligan.core.expressions.functions import FUNCTIONS
from mulligan.core.expressions.limits import MAX_EXPRESSION_LENGTH, MAX_NESTING
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
from mulligan.core.expressions.tokens import END, NAME, NUMBER, PROPERTY, STRING, Scanner, Token

_LOGIC = frozenset({"||", "&&"})
_BINDING = MappingProxyType({"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4})
_WEAKEST = 1
_WORDS = MappingProxyType(
    {"null": None, "true": True, "false": False, "NaN": math.nan, "Infinity": math.inf}
)
# Conditions have up to 512 characters; longer texts are parsed each time, to bound the memory.
_CACHED_LENGTH = 1024
_CACHED_TEXTS = 1024


class Expression(msgspec.Struct, frozen=True, kw_only=True):
    """Hold a parsed text: its top node and every root that it names, first use first."""

    top: Node
    roots: tuple[Root, ...]


def parse(text: str, roots: Collection[str] | None = None) -> Node:
    """Parse an expression without ``${{ }}`` around it.

    Args:
        text: up to 21,000 characters, nested up to 50 deep.
        roots: the names that may begin a path; None allows every name.

    Raises:
        ExpressionError: ``parse`` or ``limit``.
    """
    expression = parse_expression(text)
    if roots is not None:
        for root in expression.roots:
            if root.name not in roots:
                raise unknown_root(root)
    return expression.top


def parse_expression(text: str) -> Expression:
    """Parse an expression without looking at its roots; short texts are remembered."""
    if len(text) <= _CACHED_LENGTH:
        return _parse_remembered(text)
    if len(text) > MAX_EXPRESSION_LENGTH:
        reason = f"the expression has {len(text)} characters; {MAX_EXPRESSION_LENGTH} are allowed"
        raise ExpressionError(reason, kind="limit", position=MAX_EXPRESSION_LENGTH)
    return _Parser(text).parse_all()


def unknown_root(root: Root) -> ExpressionError:
    """Build the error for a name that the context does not have."""
    reason = f"unknown name {root.name[:40]!r}; a text stands in single quotes"
    return ExpressionError(reason, kind="parse", position=root.position)


@lru_cache(maxsize=_CACHED_TEXTS)
def _parse_remembered(text: str) -> Expression:
    return _Parser(text).parse_all()


class _Parser:
    """Parse one text; ``_next`` is the operator token after what was read."""

    def __init__(self, text: str) -> None:
        self._scanner = Scanner(text)
        self._next = Token(END, "", 0)
        self._roots: dict[str, Root] = {}
        self._nesting = 0

    def parse_all(self) -> Expression:
        top = self._parse_binary(_WEAKEST, self._scanner.read_operand())
        if self._next.kind != END:
            raise _unexpected(self._next)
        return Expression(top=top, roots=tuple(self._roots.values()))

    def _parse_binary(self, weakest: int, token: Token) -> Node:
        """Parse from an operand on, as far as operators bind at least that strongly."""
        left = self._parse_path(token)
        while (power := _BINDING.get(self._next.kind, 0)) >= weakest:
            left = self._parse_chain(left, power)
        return left

    def _parse_chain(self, first: Node, power: int) -> Node:
        """Parse all operators of one power that follow, as one node."""
        position = self._next.position
        rest: list[tuple[str, Node]] = []
        while _BINDING.get(self._next.kind, 0) == power:
            operator = self._next.kind
            rest.append((operator, self._parse_binary(power + 1, self._scanner.read_operand())))
        if rest[0][0] in _LOGIC:
            return Logic(position, rest[0][0], (first, *(operand for _, operand in rest)))
        return Comparison(position, first, tuple(rest))

    def _parse_path(self, token: Token) -> Node:
        """Parse ``!`` or a primary with its properties and indices."""
        if token.kind == "!":
            self._enter(token)
            operand = self._parse_path(self._scanner.read_operand())
            self._nesting -= 1
            return Not(token.position, operand)
        base = self._parse_primary(token)
        keys: list[Node | Wildcard] = []
        while (found := self._next).kind in {PROPERTY, "["}:
            keys.append(self._parse_index(found) if found.kind == "[" else self._property(found))
        return Access(token.position, base, tuple(keys)) if keys else base

    def _property(self, token: Token) -> Node | Wildcard:
        self._advance()
        if token.text == "*":
            return Wildcard(token.position)
        return Literal(token.position, token.text)

    def _parse_index(self, bracket: Token) -> Node | Wildcard:
        self._enter(bracket)
        token = self._scanner.read_operand()
        key: Node | Wildcard
        if token.kind == "*":
            key = Wildcard(token.position)
            self._advance()
        else:
            key = self._parse_binary(_WEAKEST, token)
        self._leave("]")
        return key

    def _parse_primary(self, token: Token) -> Node:
        if token.kind == NAME:
            return self._parse_name(token)
        if token.kind == "(":
            self._enter(token)
            inner = self._parse_binary(_WEAKEST, self._scanner.read_operand())
            self._leave(")")
            return inner
        if token.kind not in {NUMBER, STRING}:
            raise _unexpected(token)
        self._advance()
        if token.kind == NUMBER:
            return Literal(token.position, float(token.text))
        return Literal(token.position, token.text[1:-1].replace("''", "'"))

    def _parse_name(self, token: Token) -> Node:
        """Parse a function call, a word with a value, or a root."""
        self._advance()
        if self._next.kind == "(":
            return self._parse_call(token)
        if token.text in _WORDS:
            return Literal(token.position, _WORDS[token.text])
        return self._roots.setdefault(token.text, Root(token.position, token.text))

    def _parse_call(self, name: Token) -> Node:
        function = FUNCTIONS.get(name.text.lower())
        if function is None:
            reason = f"unknown function {name.text[:40]!r}"
            raise ExpressionError(reason, kind="parse", position=name.position)
        self._enter(self._next)
        arguments: list[Node] = []
        token = self._scanner.read_operand()
        if token.kind == ")":
            self._next = token
        else:
            arguments.append(self._parse_binary(_WEAKEST, token))
        while self._next.kind == ",":
            arguments.append(self._parse_binary(_WEAKEST, self._scanner.read_operand()))
        self._leave(")")
        if not function.fewest <= len(arguments) <= function.most:
            reason = f"{function.name} takes {_count(function.fewest, function.most)}"
            raise ExpressionError(reason, kind="parse", position=name.position)
        return Call(name.position, name.text.lower(), tuple(arguments))

    def _advance(self) -> None:
        self._next = self._scanner.read_operator()

    def _enter(self, token: Token) -> None:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            reason = f"the expression is nested over {MAX_NESTING} deep"
            raise ExpressionError(reason, kind="limit", position=token.position)

    def _leave(self, bracket: str) -> None:
        if self._next.kind != bracket:
            raise _unexpected(self._next, expected=bracket)
        self._nesting -= 1
        self._advance()


def _count(fewest: int, most: int) -> str:
    return f"{fewest} arguments" if fewest == most else f"{fewest} to {most} arguments"


def _unexpected(token: Token, expected: str = "") -> ExpressionError:
    found = "the end" if token.kind == END else repr(token.text[:40])
    instead = f"; expected {expected!r}" if expected else ""
    return ExpressionError(f"unexpected {found}{instead}", kind="parse", position=token.position)
