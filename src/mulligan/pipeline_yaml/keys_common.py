"""The table of keys: what several objects share."""

from typing import Any

from mulligan.core.expressions import ExpressionError, parse
from mulligan.pipeline_yaml.findings import Path
from mulligan.pipeline_yaml.shapes import (
    BOTH,
    V2,
    V3,
    Check,
    Each,
    Either,
    Flag,
    Key,
    MapOf,
    Note,
    Object,
    State,
    Text,
    Words,
    is_expression,
)
from mulligan.pipeline_yaml.tree import Node

ONLY_V2, ONLY_V3 = (V2,), (V3,)
LONGEST_CONDITION = 512
LONGEST_VALUE = 4000
MOST_MINUTES = 10_080
MOST_ENTRIES = 100

TEXT = Text()
NAME = Text(blank=False)
FLAG = Flag()
TEXTS = Each(TEXT, or_one=True)
VALUES = MapOf(TEXT)
ENVIRONMENT = MapOf(Text(longest=LONGEST_VALUE), key=r"[\s\S]{1,128}", most=MOST_ENTRIES)
SWITCH = Words(("enabled", "disabled"))
TEMPLATE = Text(blank=False)


def make_key(name: str, shape: Any, en: str, zh: str, sample: str, **more: Any) -> Key:
    """Make a row of the table."""
    return Key(name=name, shape=shape, note=Note(en, zh), sample=sample, **more)


def ignored(en: str, zh: str) -> dict[str, Any]:
    """Give what a row says whose key is ignored."""
    return {"state": State.IGNORED, "why": Note(en, zh)}


STORED = ignored("stored, but nothing here acts on it", "会保存，但在此不起作用")

CONDITION_MAP = Object(
    name="condition",
    title=Note("a condition", "条件"),
    keys=(
        make_key(
            "mode",
            Words(
                (
                    "RUN_WHEN_ALL_PARAMS_MATCH",
                    "NOT_RUN_WHEN_ALL_PARAMS_MATCH",
                    "FAILURE_NOT_CONTINUED",
                )
            ),
            "run when all variables match, or unless all do; `FAILURE_NOT_CONTINUED` (steps only, "
            "our own): after a failure that was not continued",
            "变量全部匹配时运行，或全部匹配时不运行；`FAILURE_NOT_CONTINUED`（仅步骤，自有扩展）："
            "在未被忽略的失败之后",
            "RUN_WHEN_ALL_PARAMS_MATCH",
            is_required=True,
        ),
        make_key("params", VALUES, "variables and their values", "变量及其值", "{region: east}"),
    ),
)


class Condition(Text, frozen=True):
    """A condition as a text: one of some words, or an expression."""

    def check(self, node: Node, path: Path, check: Check) -> None:
        """Check the length; warn about what is no expression, as it would never be true."""
        super().check(node, path, check)
        if check.findings.has_many_warnings:
            return
        text = node.text.strip()
        if check.version == V2 and text.startswith("${{") and text.endswith("}}"):
            text = text[3:-2].strip()
        if "${" in text:
            if is_expression(node):
                detail = "a condition stands without ${{ }}: a value is put in its place as text"
                check.findings.warn(node, path, detail)
            return
        try:
            parse(text)
        except ExpressionError as error:
            if text:
                detail = f"the condition can't be read, so it is never true: {error}"
                check.findings.warn(node, path, detail)


CONDITION = Either((Condition(longest=LONGEST_CONDITION), CONDITION_MAP))

IF_MODIFY = make_key(
    "if-modify",
    TEXTS,
    "paths; switched off when an event changed no file that matches (in v3.0 our own)",
    "路径；没有匹配的变更文件时停用（v3.0 中为自有扩展）",
    "[src/]",
)


def enable_key() -> Key:
    """Make the row of `enable`."""
    return make_key("enable", FLAG, "false: left out", "false：跳过", "false", default="true")


__all__ = [
    "BOTH",
    "CONDITION",
    "ENVIRONMENT",
    "FLAG",
    "IF_MODIFY",
    "MOST_MINUTES",
    "NAME",
    "ONLY_V2",
    "ONLY_V3",
    "STORED",
    "SWITCH",
    "TEMPLATE",
    "TEXT",
    "TEXTS",
    "VALUES",
    "enable_key",
    "ignored",
    "make_key",
]
