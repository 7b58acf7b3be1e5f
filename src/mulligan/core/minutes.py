"""Time limits that a text gives in minutes (spec/bkci-model-and-engine.md §2.6)."""

import re
from collections.abc import Callable

from mulligan.core.expressions import substitute_classic

LONGEST_MINUTES = 10_080  # seven days
_ONE_VARIABLE = re.compile(r"\$\{\{?[^{}]+\}?\}")
_WHOLE = re.compile(r"-?\d+")
_MOST_DIGITS = 9  # `int` refuses texts of some thousand digits


def minutes_of(text: str, find: Callable[[str], str | None]) -> int | None:
    """Read a number of minutes, or the variable that gives it; None: it is neither.

    Only a text that is one variable as a whole is looked up. What lies beyond the longest time, on
    either side, keeps its sign and is just as far beyond it.

    Raises:
        ExpressionError: The variable's text gets too large.
    """
    text = text.strip()
    if _ONE_VARIABLE.fullmatch(text):
        text = substitute_classic(text, find).strip()
    if not _WHOLE.fullmatch(text):
        return None
    if len(text) > _MOST_DIGITS:
        text = text[: text.startswith("-")] + text.lstrip("-0")[:_MOST_DIGITS].rjust(1, "0")
    return max(-1, min(int(text), LONGEST_MINUTES + 1))


def running_minutes(minutes: int) -> int:
    """Clamp the time that work may take: 0, less, and more than the longest mean the longest."""
    return minutes if 1 <= minutes <= LONGEST_MINUTES else LONGEST_MINUTES


def waiting_minutes(minutes: int) -> int:
    """Clamp the time that may be waited; 0 and less mean not at all."""
    return max(0, min(minutes, LONGEST_MINUTES))
