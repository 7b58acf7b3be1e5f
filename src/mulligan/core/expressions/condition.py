"""Judge the condition of a stage, job or step that its author wrote."""

from collections.abc import Collection, Mapping

import msgspec

from mulligan.core.expressions.context import Context
from mulligan.core.expressions.errors import ExpressionError
from mulligan.core.expressions.evaluate import evaluate
from mulligan.core.expressions.substitute import substitute_classic
from mulligan.core.expressions.values import is_true


class ConditionVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what came of a condition.

    ``expression`` is the text after the replacement of placeholders, in which the column of
    ``error`` counts. A condition with an error does not hold.
    """

    holds: bool
    expression: str
    error: ExpressionError | None = None


def condition_holds(
    text: str, variables: Mapping[str, str], *, blank: bool, hidden: Collection[str] = ()
) -> bool:
    """Tell whether a condition holds; see `judge_condition` for the rule and the reason."""
    return judge_condition(text, variables, blank=blank, hidden=hidden).holds


def judge_condition(
    text: str, variables: Mapping[str, str], *, blank: bool, hidden: Collection[str] = ()
) -> ConditionVerdict:
    """Judge a condition over flat variables.

    Placeholders are first replaced by the raw values, without quotes: ``${{ variables.a }} == 'x'``
    becomes ``x == 'x'``, in which ``x`` is an unknown name. Then the text is computed as an
    expression. Every error makes the condition false.

    Args:
        text: an expression, as a rule without ``${{ }}``.
        variables: dotted names and texts.
        blank: the result for a blank text (true for steps, false for stages and jobs).
        hidden: names that placeholders may use and the expression must not see.
    """
    if not text.strip():
        return ConditionVerdict(holds=blank, expression=text)
    expression = text
    try:
        expression = substitute_classic(text, variables.get)
        value = evaluate(expression, Context.from_flat(variables, hidden))
    except ExpressionError as error:
        return ConditionVerdict(holds=False, expression=expression, error=error)
    return ConditionVerdict(holds=is_true(value), expression=expression)
