"""Cut an expression into tokens.

What a character means depends on what may stand there: ``.5`` is a number where a value is
expected and a property after one. So the parser says which of the two it wants.
"""

import re
from typing import NamedTuple

from mulligan.core.expressions.errors import ExpressionError
from mulligan.core.expressions.values import NUMBER_PATTERN

END = "end"
NUMBER = "number"
STRING = "string"
NAME = "name"
PROPERTY = "property"

_NAME_PATTERN = r"[A-Za-z_][A-Za-z0-9_-]*"
_OPERAND = re.compile(
    rf"""(?P<number>{NUMBER_PATTERN}(?![A-Za-z0-9_.+-]))
    |(?P<string>'(?:[^']++|'')*+')
    |(?P<name>{_NAME_PATTERN})
    |(?P<mark>[!()*])""",
    re.VERBOSE,
)
_OPERATOR = re.compile(
    rf"""\.\s*+(?P<property>{_NAME_PATTERN}|[0-9]+(?![A-Za-z0-9_-])|\*)
    |(?P<mark>\|\||&&|[=!<>]=|[<>\[\](),])""",
    re.VERBOSE,
)
_BLANKS = re.compile(r"\s*+")
_WORD = re.compile(r"[A-Za-z0-9_.+-]+")


class Token(NamedTuple):
    """Hold one token: its kind (marks are their own kind), its text, its column."""

    kind: str
    text: str
    position: int


class Scanner:
    """Read the tokens of a text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = 0

    def read_operand(self) -> Token:
        """Read what may begin a value: number, string, name, ``! ( ) *`` or the end."""
        return self._read(_OPERAND)

    def read_operator(self) -> Token:
        """Read what may follow a value: property, operator, bracket, comma or the end."""
        return self._read(_OPERATOR)

    def _read(self, pattern: re.Pattern[str]) -> Token:
        blanks = _BLANKS.match(self._text, self._offset)
        position = blanks.end() if blanks else self._offset
        if position == len(self._text):
            return Token(END, "", position)
        match = pattern.match(self._text, position)
        if match is None or match.lastgroup is None:
            raise self._unexpected(position)
        self._offset = match.end()
        text = match.group(match.lastgroup)
        return Token(text if match.lastgroup == "mark" else match.lastgroup, text, position)

    def _unexpected(self, position: int) -> ExpressionError:
        """Say what is wrong with the text at a column."""
        character = self._text[position]
        word = _WORD.match(self._text, position)
        if character == "'":
            reason = "unexpected or unfinished text in quotes; a quote inside is written ''"
        elif character == '"':
            reason = 'unexpected ": texts stand in single quotes'
        elif word is not None:
            reason = f"unexpected {word.group()[:40]!r}"
        else:
            reason = f"unexpected {character!r}"
        return ExpressionError(reason, kind="parse", position=position)
