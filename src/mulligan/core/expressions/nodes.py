"""The parts of a parsed expression.

Every node has its ``position``: the 0-based column of the token that made it. Chains of one
precedence (``a || b || c``) are one node, so the depth of a tree is bounded by the brackets.
"""

from typing import TypeAlias

import msgspec


class Literal(msgspec.Struct, frozen=True, gc=False):
    """Hold a value that stands in the text."""

    position: int
    value: bool | float | str | None


class Root(msgspec.Struct, frozen=True, gc=False):
    """Name a root of the context."""

    position: int
    name: str


class Wildcard(msgspec.Struct, frozen=True, gc=False):
    """Stand for all values of an array or object, as the key of an `Access`."""

    position: int


class Access(msgspec.Struct, frozen=True):
    """Follow keys from a base: ``.name``, ``[index]``, ``.*``."""

    position: int
    base: "Node"
    keys: tuple["Node | Wildcard", ...]


class Call(msgspec.Struct, frozen=True):
    """Call a function; ``function`` is its lower-case name."""

    position: int
    function: str
    arguments: tuple["Node", ...]


class Not(msgspec.Struct, frozen=True):
    """Negate the truth of the operand."""

    position: int
    operand: "Node"


class Logic(msgspec.Struct, frozen=True):
    """Give the first operand that is false (``&&``) or true (``||``), else the last."""

    position: int
    operator: str
    operands: tuple["Node", ...]


class Comparison(msgspec.Struct, frozen=True):
    """Compare from left to right: ``a == b != c`` is ``(a == b) != c``."""

    position: int
    first: "Node"
    rest: tuple[tuple[str, "Node"], ...]


Node: TypeAlias = Literal | Root | Access | Call | Not | Logic | Comparison
