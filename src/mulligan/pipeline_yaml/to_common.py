"""Conditions and time limits, which stages, jobs and steps share."""

import re

from mulligan.pipeline_yaml.fields import Fields, Json
from mulligan.pipeline_yaml.shapes import V2, is_expression

MODES = {
    "RUN_WHEN_ALL_PARAMS_MATCH": "CUSTOM_VARIABLE_MATCH",
    "NOT_RUN_WHEN_ALL_PARAMS_MATCH": "CUSTOM_VARIABLE_MATCH_NOT_RUN",
    "FAILURE_NOT_CONTINUED": "PRE_TASK_FAILED_ONLY_EXCEPT_SKIP",
}
_BRACKETS = re.compile(r"\s*\$\{\{((?:(?!\}\}).)*)\}\}\s*", re.DOTALL)


def default_minutes(version: str) -> int:
    """Return the limit of a job or step that says none."""
    return 480 if version == V2 else 900


def read_condition(part: Fields) -> Json:
    """Return the members that `if` becomes; {} when there is none."""
    found = part.get("if")
    if found is None:
        return {}
    if isinstance(found.content, dict):
        long = Fields(found)
        mode = MODES[long.text("mode")]
        return {"runCondition": mode, "customVariables": long.pairs("params")}
    text = found.text
    if part.version == V2 and (inside := _BRACKETS.fullmatch(text)):
        text = inside[1].strip()
    return {"runCondition": "CUSTOM_CONDITION_MATCH", "customCondition": text}


def read_paths(part: Fields) -> Json:
    """Return the member that `if-modify` becomes; {} when there is none."""
    paths = part.texts("if-modify")
    return {"ifModify": paths} if paths else {}


def read_timeout(part: Fields) -> Json:
    """Return `timeout`, and `timeoutVar` for an expression."""
    default = default_minutes(part.version)
    found = part.get("timeout-minutes")
    made: Json = {"timeout": part.whole("timeout-minutes", default)}
    if found is not None and is_expression(found):
        made["timeoutVar"] = found.text.strip()
    return made
