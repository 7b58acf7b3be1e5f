"""Replace placeholders in texts: the CLASSIC and the CONSTRAINED way.

CLASSIC replaces ``${name}`` and ``${{name}}`` by the text of a variable. CONSTRAINED computes what
stands in ``${{ }}`` and leaves ``${name}`` and ``$name`` to the shell.
"""

import re
from collections.abc import Callable

from mulligan.core.expressions.blocks import Block, find_blocks
from mulligan.core.expressions.context import Context
from mulligan.core.expressions.errors import ExpressionError
from mulligan.core.expressions.evaluate import evaluate_expression, to_output
from mulligan.core.expressions.limits import (
    MAX_SUBSTITUTED_LENGTH,
    MAX_SUBSTITUTION_WORK,
    Work,
)
from mulligan.core.expressions.parser import parse_expression

_CLASSIC = re.compile(r"\$\{(?:\{([^$^{}]++)\}\}|([^$^{}]++)\})")


def substitute_classic(
    text: str,
    lookup: Callable[[str], str | None],
    *,
    skip_comments: bool = False,
    inner: Callable[[str], str | None] | None = None,
) -> str:
    """Replace ``${name}`` and ``${{name}}`` by variables, with no regard for quotes.

    A name is any text without ``$ ^ { }``, blanks around it do not count. Unknown names stay as
    they are. Placeholders in a value are replaced once more, but not in the values of those.

    Args:
        text: any text.
        lookup: gives the text of a variable, None for an unknown name.
        skip_comments: leave lines alone whose first character that is not blank is ``#``.
        inner: as lookup, for placeholders that came in with a value; absent = the same.

    Raises:
        ExpressionError: ``cost`` when over 16,777,215 characters would be inserted.
    """
    # The first test costs microseconds for a long script, the second alone ten times as much.
    if "$" not in text or "${" not in text:
        return text
    classic = _Classic(lookup, inner or lookup)
    if not skip_comments:
        return classic.replace_all(text)
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if "${" in line and not line.lstrip().startswith("#"):
            lines[number] = classic.replace_all(line)
    return "\n".join(lines)


class _Classic:
    """Replace placeholders and keep count of what comes out."""

    def __init__(
        self, lookup: Callable[[str], str | None], inner: Callable[[str], str | None]
    ) -> None:
        self._lookup = lookup
        self._inner_lookup = inner
        self._expanded: dict[str, str | None] = {}
        self._length = 0

    def replace_all(self, text: str) -> str:
        """Replace the placeholders of a text by values whose own placeholders are replaced."""
        return _CLASSIC.sub(self._outer, text)

    def _outer(self, match: re.Match[str]) -> str:
        name = _name(match)
        if name not in self._expanded:
            value = self._lookup(name)
            if value is not None and "${" in value:
                value = _CLASSIC.sub(self._inner, value)
            self._expanded[name] = value
        return self._counted(self._expanded[name], match)

    def _inner(self, match: re.Match[str]) -> str:
        return self._counted(self._inner_lookup(_name(match)), match)

    def _counted(self, value: str | None, match: re.Match[str]) -> str:
        if value is None:
            return match.group()
        self._length += len(value)
        if self._length > MAX_SUBSTITUTED_LENGTH:
            raise _too_long()
        return value


def substitute_constrained(
    text: str,
    context: Context,
    *,
    on_error: Callable[[ExpressionError, str], None] | None = None,
    inner: Context | None = None,
) -> str:
    """Replace each ``${{ expression }}`` by what it gives, line by line.

    An expression that is wrong stays as text. Of expressions in each other the two innermost
    levels are computed; an inner result stands in quotes in the outer one unless a dot is next to
    it. Expressions that come in with a value are computed as well, once.

    Args:
        text: any text; ``${name}`` in it is not touched.
        context: what names stand for.
        on_error: called with the error and the expression that stays, for a log line. The column
            of the error counts within that expression.
        inner: as context, for expressions that came in with a value; absent = the same.

    Raises:
        ExpressionError: ``cost`` when all expressions together need too much work, or over
            16,777,215 characters would be inserted.
    """
    if "$" not in text or "${{" not in text:
        return text
    constrained = _Constrained(context, inner or context, on_error)
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if "${{" in line:
            lines[number] = constrained.replace_line(line)
    return "\n".join(lines)


class _Constrained:
    """Compute the expressions of one text, all on one account."""

    def __init__(
        self,
        context: Context,
        inner: Context,
        on_error: Callable[[ExpressionError, str], None] | None,
    ) -> None:
        self._context = context
        self._contexts = (context, inner)
        self._on_error = on_error
        self._work = Work(MAX_SUBSTITUTION_WORK)
        self._length = 0

    def replace_line(self, line: str) -> str:
        """Replace the expressions of one line, then those that came in with a value."""
        for context in self._contexts:
            self._context = context
            before = line
            line = self._replace_once(line)
            if line == before or "${{" not in line:
                break
        return line

    def _replace_once(self, line: str) -> str:
        parts: list[str] = []
        end = 0
        for block in find_blocks(line):
            parts += (line[end : block.start], self._compute(line, block))
            end = block.end
        parts.append(line[end:])
        return "".join(parts)

    def _compute(self, line: str, block: Block) -> str:
        """Give what stands for a block, with its inner blocks replaced first."""
        parts: list[str] = []
        end = block.start + 3
        for inner in block.inner:
            parts += (line[end : inner.start], self._compute(line, inner))
            end = inner.end
        parts.append(line[end : block.end - 2])
        expression = "".join(parts)
        self._work.position = 0
        # Parsing is paid for, also of a text that is known: what a text costs must not change.
        self._work.spend(len(expression) + 1)
        try:
            output = self._evaluate(expression)
        except ExpressionError as error:
            if error.kind == "cost":
                raise
            if self._on_error is not None:
                self._on_error(error, expression)
            return f"${{{{{expression}}}}}"
        return _quoted(output) if block.is_quoted else output

    def _evaluate(self, expression: str) -> str:
        value = evaluate_expression(parse_expression(expression), self._context, self._work)
        output = to_output(value, self._work)
        self._length += len(output)
        if self._length > MAX_SUBSTITUTED_LENGTH:
            raise _too_long()
        return output


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(match: re.Match[str]) -> str:
    return (match.group(1) or match.group(2)).strip()


def _too_long() -> ExpressionError:
    reason = f"the variables of the text have over {MAX_SUBSTITUTED_LENGTH} characters"
    return ExpressionError(reason, kind="cost")
