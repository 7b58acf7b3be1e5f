"""Regular expressions of users on texts of strangers: in linear time, whatever both are.

Therefore no look-around and no references to groups (the syntax of RE2).
"""

from functools import lru_cache
from typing import Any

import re2

_LONGEST = 65_536  # characters that are looked at


class PatternError(ValueError):
    """A regular expression can't be read; the text says why."""


def check_pattern(pattern: str) -> None:
    """Check a regular expression.

    Raises:
        PatternError: It is none, or of the kinds that are not taken.
    """
    _compiled(pattern)


def is_found(pattern: str, text: str) -> bool:
    """Tell whether a regular expression is found somewhere in a text; a bad one never is."""
    try:
        return _compiled(pattern).search(text[:_LONGEST]) is not None
    except PatternError:
        return False


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise PatternError(f"{pattern[:100]!r}: {reason}") from None
