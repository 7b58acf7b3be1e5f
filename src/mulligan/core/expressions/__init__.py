"""The pure language of conditions and placeholders.

`evaluate` computes an expression over a `Context`; `substitute_classic` and
`substitute_constrained` replace placeholders in texts; `condition_holds` judges the condition of a
stage, job or step. Nothing here reads a clock, a file or a variable of the process, and every call
ends within the limits of `mulligan.core.expressions.limits`.
"""

from mulligan.core.expressions.condition import ConditionVerdict, condition_holds, judge_condition
from mulligan.core.expressions.context import Context
from mulligan.core.expressions.errors import ExpressionError
from mulligan.core.expressions.evaluate import evaluate, to_output
from mulligan.core.expressions.nodes import Node
from mulligan.core.expressions.parser import parse
from mulligan.core.expressions.partial import Partial
from mulligan.core.expressions.substitute import substitute_classic, substitute_constrained
from mulligan.core.expressions.values import Value, is_true, to_text

__all__ = [
    "ConditionVerdict",
    "Context",
    "ExpressionError",
    "Node",
    "Partial",
    "Value",
    "condition_holds",
    "evaluate",
    "is_true",
    "judge_condition",
    "parse",
    "substitute_classic",
    "substitute_constrained",
    "to_output",
    "to_text",
]
