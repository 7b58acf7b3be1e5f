"""What the `output.json` of a plugin says: its result and its outputs.

The rules are those of spec/bkci-yaml-and-plugins.md §3.3. Only values in, values out; what is to
be kept of files is done by `plugin`.
"""

from __future__ import annotations

import json
import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SUCCESS = "success"
LONGEST_VALUE = 4000  # characters of an output
LONGEST_MESSAGE = 4000
MOST_FILES = 100  # of one artifact

# Error types and codes (spec/bkci-model-and-engine.md §2.16).
_USER, _THIRD_PARTY, _PLUGIN = 1, 2, 3
_ERROR_TYPES = {"1": _USER, "2": _THIRD_PARTY}
_DEFAULT_CODE = 2199001
_TASK_FAILED = 2199004
_LARGEST_CODE = 2**31 - 1


class Verdict:
    """How a plugin's work went.

    Attributes:
        message: Why it failed, "" = it did not.
        error_type, error_code: Of the failure.
        data: Its outputs by name, as it gave them; only objects.
        metrics: Of quality, by name.
        warnings: What is wrong with the file and does not matter to the result.
    """

    def __init__(self, message: str = "", error_type: int = 0, error_code: int = 0) -> None:
        self.message = message
        self.error_type = error_type
        self.error_code = error_code
        self.data: dict[str, dict[str, Any]] = {}
        self.metrics: dict[str, str] = {}
        self.warnings: list[str] = []

    @property
    def is_failure(self) -> bool:
        """Tell whether the plugin failed."""
        return bool(self.error_code)


def judge(content: bytes, exit_code: int) -> Verdict:
    """Say what a plugin's end means.

    Args:
        content: Of its output file, empty without one.
        exit_code: Of its program.
    """
    if not content.strip():
        verdict = _by_exit_code(exit_code)
        verdict.warnings.append("No output")
        return verdict
    try:
        output = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return Verdict(f"output.json is not valid JSON: {error}", _PLUGIN, _DEFAULT_CODE)
    if not isinstance(output, dict):
        return Verdict("output.json is not a JSON object", _PLUGIN, _DEFAULT_CODE)
    is_success = output.get("status") == SUCCESS
    verdict = _by_exit_code(exit_code) if is_success else _own_error(output)
    _take_data(verdict, output.get("data"))
    if output.get("type") == "quality":
        _take_metrics(verdict, output.get("qualityData"))
    return verdict


def _by_exit_code(exit_code: int) -> Verdict:
    if exit_code == 0:
        return Verdict()
    return Verdict(f"the plugin ended with exit code {exit_code}", _USER, _TASK_FAILED)


def _own_error(output: dict[str, Any]) -> Verdict:
    error_type = _ERROR_TYPES.get(str(output.get("errorType")), _PLUGIN)
    given = output.get("errorCode")
    code = given if type(given) is int and 0 < given <= _LARGEST_CODE else _DEFAULT_CODE
    message = output.get("message")
    text = message if isinstance(message, str) else ""
    text = text[:LONGEST_MESSAGE] or f"the plugin reported {output.get('status')!r}"
    return Verdict(text, error_type, code)


def _take_data(verdict: Verdict, data: object) -> None:
    if data is None:
        return
    if not isinstance(data, dict):
        verdict.warnings.append("data in output.json is not an object")
        return
    for name, item in data.items():
        if isinstance(item, dict):
            verdict.data[name] = item
        else:
            verdict.warnings.append(f"the output {name!r} is not an object")


def _take_metrics(verdict: Verdict, given: object) -> None:
    for name, item in (given if isinstance(given, dict) else {}).items():
        text = text_of(item.get("value") if isinstance(item, dict) else item)[:LONGEST_VALUE]
        if _is_boundless(text):
            verdict.warnings.append(f"the metric {name!r} is {text}: only finite numbers count")
        else:
            verdict.metrics[name] = text


def _is_boundless(text: str) -> bool:
    """Tell whether a text is a number that nothing can be compared with: nan, inf, 1e999."""
    try:
        return not math.isfinite(float(text))
    except ValueError:
        return False


def text_of(value: object) -> str:
    """Give a value as a text; lists and maps as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def patterns_of(value: object) -> list[str]:
    """Split the files of an artifact: a list, or texts with commas."""
    texts = value if isinstance(value, list) else [value]
    parts = (part for text in texts for part in text_of(text).split(","))
    return [part.strip() for part in parts if part.strip()]


def is_sensitive(item: dict[str, Any], declared: object) -> bool:
    """Tell whether an output is secret: it says so itself, or `task.json` does."""
    flags = [item.get("isSensitive")]
    if isinstance(declared, dict):
        flags.append(declared.get("isSensitive"))
    return any(flag in (True, "true") for flag in flags)
