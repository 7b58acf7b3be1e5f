"""What one expression may cost, so that no text can hold up the server."""

from mulligan.core.expressions.errors import ExpressionError

MAX_EXPRESSION_LENGTH = 21_000
"""Characters of one expression; the figure of BK-CI."""

MAX_NESTING = 50
"""Brackets, calls, indices and negations inside each other; the figure of BK-CI."""

MAX_JSON_NESTING = 100
"""Arrays and objects inside each other that are printed; as ``limits.json_depth``."""

MAX_TEXT_LENGTH = 1_000_000
"""Characters of a text that an expression makes."""

MAX_WORK = 200_000
"""Units for one evaluation, at most about 0.2 s; see `Work`."""

MAX_SUBSTITUTION_WORK = 1_000_000
"""Units for all expressions of one substituted text, at most about 1 s."""

MAX_SUBSTITUTED_LENGTH = 16_777_215
"""Characters of a text after substitution; the largest model of BK-CI."""

CHARACTERS_PER_UNIT = 64
"""Characters that are copied or compared for one unit of work."""

JSON_CHARACTERS_PER_UNIT = 8
"""Characters of JSON that are parsed for one unit of work."""

NAMES_PER_UNIT = 8
"""Names of flat variables that are looked at for one unit of work."""


class Work:
    """Count down what an evaluation may still cost and know where it is.

    One unit is one visited part of an expression, one array item, one parsed character of an
    expression (in substitution), or as many of other things as the constants say. It stands for
    about a microsecond.
    """

    __slots__ = ("position", "units_left")

    def __init__(self, units: int = MAX_WORK) -> None:
        self.units_left = units
        self.position = 0

    def spend(self, units: int) -> None:
        """Take units away; raise `ExpressionError` (``cost``) when none are left."""
        self.units_left -= units
        if self.units_left < 0:
            raise self.error("the expression needs too much work", kind="cost")

    def spend_text(self, length: int) -> None:
        """Pay for a text that is made, and refuse one over `MAX_TEXT_LENGTH`."""
        if length > MAX_TEXT_LENGTH:
            raise self.error(f"a text would get over {MAX_TEXT_LENGTH} characters", kind="cost")
        self.spend(length // CHARACTERS_PER_UNIT + 1)

    def error(self, reason: str, *, kind: str) -> ExpressionError:
        """Build an error that points at the part which is evaluated now."""
        return ExpressionError(reason, kind=kind, position=self.position)
