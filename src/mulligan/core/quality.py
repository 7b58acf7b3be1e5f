"""Quality rules: what metrics must be like before a stage begins, or after it has ended. Pure.

A rule is kept in its project; a run takes those that its stages name along when it starts, so that
a later change of a rule is no change of what runs.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping

import msgspec

from mulligan.core.ids import UserName

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
}
# The operators that a gate of a pipeline file has.
_CONDITION = re.compile(r"([^<>=!]+\.[^<>=!]+?)\s*(>=|<=|==|>|<)\s*(-?[0-9]+(?:\.[0-9]+)?)")
_TRUTH = {"true": 1.0, "false": 0.0}


class MetricCondition(msgspec.Struct, frozen=True, kw_only=True):
    """What a metric must be like. `value`: a number, or true or false."""

    metric: str
    operator: str
    value: str


class RuleNotice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who is told when a rule is not satisfied: people by mail, or chats; texts have variables."""

    people: tuple[str, ...] = ()
    chats: tuple[str, ...] = ()


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All conditions must hold. `gatekeepers`: who may let a run pass all the same."""

    id: str
    name: str
    conditions: tuple[MetricCondition, ...]
    gatekeepers: tuple[UserName, ...] = ()
    notices: tuple[RuleNotice, ...] = ()


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """How a rule judged a run. `values`: (metric, what it was; "" = nobody told it)."""

    rule: str
    passed: bool
    values: tuple[tuple[str, str], ...] = ()


def read_condition(text: str) -> MetricCondition | None:
    """Read `plugin.metric > 1` or `plugin.task name.metric > 1`; None if it is neither.

    A metric is known by all three names: its own, with its plugin, and with its task besides.
    """
    match = _CONDITION.fullmatch(text.strip())
    if match is None or not all(part.strip() for part in match[1].split(".")):
        return None
    return MetricCondition(metric=match[1].strip(), operator=match[2], value=match[3])


def names_of(metric: str, code: str, task: str) -> tuple[str, str]:
    """Return the longer names of a metric that a task of a plugin has told."""
    return f"{code}.{metric}", f"{code}.{task}.{metric}"


def number_of(text: str) -> float | None:
    """Give the value of a metric as a number; None if it is none."""
    number = _float(text)
    return number if number is not None and math.isfinite(number) else None


def is_boundless(text: str) -> bool:
    """Tell whether a text is a number that nothing can be compared with: nan, inf, 1e999."""
    number = _float(text)
    return number is not None and not math.isfinite(number)


def _float(text: str) -> float | None:
    text = text.strip().lower()
    if text in _TRUTH:
        return _TRUTH[text]
    try:
        return float(text)
    except ValueError:
        return None


def judge(rules: tuple[Rule, ...], metrics: Mapping[str, str]) -> Iterator[Finding]:
    """Tell of each rule whether the metrics satisfy it; one that nobody told does not."""
    for rule in rules:
        values = tuple((each.metric, metrics.get(each.metric, "")) for each in rule.conditions)
        passed = all(_holds(each, metrics) for each in rule.conditions)
        yield Finding(rule=rule.id, passed=passed, values=values)


def _holds(condition: MetricCondition, metrics: Mapping[str, str]) -> bool:
    found = number_of(metrics.get(condition.metric, ""))
    wanted = number_of(condition.value)
    if found is None or wanted is None:
        return False
    return OPERATORS[condition.operator](found, wanted)
