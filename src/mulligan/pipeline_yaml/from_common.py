"""Conditions, time limits and the like of a model back to keys; what has no key is noted."""

import re
from collections.abc import Mapping
from typing import Any

from mulligan.pipeline_yaml.fields import Json

DEFAULT_MINUTES = 900
LONGEST_MINUTES = 10_080
_MODES = {
    "CUSTOM_VARIABLE_MATCH": "RUN_WHEN_ALL_PARAMS_MATCH",
    "CUSTOM_VARIABLE_MATCH_NOT_RUN": "NOT_RUN_WHEN_ALL_PARAMS_MATCH",
    "PRE_TASK_FAILED_ONLY_EXCEPT_SKIP": "FAILURE_NOT_CONTINUED",
}
_WHOLE = re.compile(r"-?[0-9]{1,9}")


class Notes:
    """What a file can't say, by the pointer into the model."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, pointer: str, what: str) -> None:
        """Note something that is left out."""
        self.lines.append(f"{pointer}: {what}")


def text(source: Mapping[str, Any], key: str, default: str = "") -> str:
    """Return a member as text, as the importer would read it."""
    value = source.get(key)
    if value is None:
        return default
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def flag(source: Mapping[str, Any], key: str, *, default: bool = False) -> bool:
    """Return a boolean; texts and numbers are taken."""
    value = source.get(key)
    if value is None or value == "":
        return default
    return value.strip().lower() == "true" if isinstance(value, str) else bool(value)


def whole(source: Mapping[str, Any], key: str, default: int) -> int:
    """Return a whole number; texts of digits are taken."""
    value = source.get(key)
    if isinstance(value, str):
        return int(value) if _WHOLE.fullmatch(value.strip()) else default
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return int(value)


def part(source: Mapping[str, Any], key: str) -> Json:
    """Return an object; an empty one when there is none."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def parts(source: Mapping[str, Any], key: str) -> list[Json]:
    """Return the objects of a list."""
    value = source.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def texts(source: Mapping[str, Any], key: str) -> list[str]:
    """Return a list of texts; a single one may be a list with commas or semicolons."""
    value = source.get(key)
    if isinstance(value, str):
        value = re.split(r"[,;]", value)
    if not isinstance(value, list):
        return []
    return [str(item).strip() for item in value if str(item).strip()]


def pairs(source: Mapping[str, Any], key: str) -> Json:
    """Return a list of `{key, value}` as a map."""
    return {text(item, "key"): text(item, "value") for item in parts(source, key)}


def minutes(source: Mapping[str, Any]) -> object:
    """Return what `timeout-minutes` is; None for the default."""
    limit = whole(source, "timeout", DEFAULT_MINUTES)
    words = text(source, "timeoutVar").strip()
    if words and _WHOLE.fullmatch(words):
        limit = int(words)
    elif words:
        return words
    return None if limit == DEFAULT_MINUTES else limit or LONGEST_MINUTES


def condition(source: Mapping[str, Any], words: Mapping[str, str]) -> object:
    """Return what `if` is; None when there is none.

    Args:
        words: Words of `if` by the run conditions that they stand for.
    """
    when = text(source, "runCondition").strip()
    if when == "CUSTOM_CONDITION_MATCH":
        return text(source, "customCondition")
    if when in _MODES:
        found: Json = {"mode": _MODES[when], "params": pairs(source, "customVariables")}
        return {key: value for key, value in found.items() if value}
    return words.get(when)


def only_set(keys: Mapping[str, Any]) -> Json:
    """Leave out keys that are None, empty list or empty map; false, 0 and blank texts stay."""
    return {
        key: value for key, value in keys.items() if value is not None and value not in ([], {})
    }
