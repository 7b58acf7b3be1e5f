"""What a plugin's output file and exit code mean together."""

import json
from typing import Any

import pytest

from mulligan.executors.programs.plugin_output import (
    LONGEST_MESSAGE,
    is_sensitive,
    judge,
    patterns_of,
    text_of,
)

USER, THIRD_PARTY, PLUGIN = 1, 2, 3


def output(status: str = "success", **more: Any) -> bytes:
    """Give the content of an output file."""
    return json.dumps({"status": status, **more}).encode()


@pytest.mark.parametrize(
    ("content", "exit_code", "error"),
    [
        (b"", 0, None),
        (b" \n", 0, None),
        (b"", 3, (USER, 2199004)),
        (output(), 0, None),
        (output(), 1, (USER, 2199004)),
        (b"\xef\xbb\xbf" + output(), 0, None),
        (output("failure"), 0, (PLUGIN, 2199001)),
        (output("error"), 0, (PLUGIN, 2199001)),
        (output("whatever"), 0, (PLUGIN, 2199001)),
        (b"{}", 0, (PLUGIN, 2199001)),
        (output("failure", errorType=1, errorCode=100_001), 0, (USER, 100_001)),
        (output("failure", errorType="2", errorCode=5), 0, (THIRD_PARTY, 5)),
        (output("failure", errorType=2), 1, (THIRD_PARTY, 2199001)),
        (output("failure", errorType=3, errorCode=7), 2, (PLUGIN, 7)),
        (output("failure", errorType=0), 0, (PLUGIN, 2199001)),
        (output("failure", errorType=9, errorCode="x"), 0, (PLUGIN, 2199001)),
        (output("failure", errorCode=True), 0, (PLUGIN, 2199001)),
        (output("failure", errorCode=2**40), 0, (PLUGIN, 2199001)),
        (b"not json", 0, (PLUGIN, 2199001)),
        (b"[" * 100_000, 0, (PLUGIN, 2199001)),
        (b"\xff\xfe", 0, (PLUGIN, 2199001)),
        (b'["success"]', 0, (PLUGIN, 2199001)),
    ],
)
def test_result(content: bytes, exit_code: int, error: tuple[int, int] | None) -> None:
    """The plugin's own error wins; without a file the exit code decides."""
    verdict = judge(content, exit_code)

    assert verdict.is_failure == (error is not None)
    if error is not None:
        assert (verdict.error_type, verdict.error_code) == error
        assert verdict.message


def test_message_of_a_failure() -> None:
    """It is the plugin's own, within bounds; without one its status is named."""
    assert judge(output("failure", message="no such branch"), 0).message == "no such branch"
    assert judge(output("error"), 0).message == "the plugin reported 'error'"
    assert len(judge(output("failure", message="x" * 9000), 0).message) == LONGEST_MESSAGE


def test_no_file_is_mentioned() -> None:
    """The log says that there was no output."""
    assert judge(b"", 0).warnings == ["No output"]


def test_outputs_of_a_failed_plugin_are_kept() -> None:
    """Data counts for both results; what is no object is mentioned."""
    data = {"a": {"type": "string", "value": "v"}, "b": 7}

    verdict = judge(output("failure", data=data), 0)

    assert verdict.data == {"a": data["a"]}
    assert verdict.warnings == ["the output 'b' is not an object"]
    assert judge(output(data=[1]), 0).warnings == ["data in output.json is not an object"]


def test_metrics_only_of_the_type_quality() -> None:
    """Any other type has none."""
    metrics = {"rate": {"value": "0.8"}, "count": {"value": 3}, "plain": True}

    assert judge(output(type="quality", qualityData=metrics), 0).metrics == {
        "rate": "0.8",
        "count": "3",
        "plain": "true",
    }
    assert judge(output(type="default", qualityData=metrics), 0).metrics == {}


def test_boundless_metrics_are_left_out_with_a_warning() -> None:
    """Python writes NaN into JSON; nothing can be compared with it."""
    metrics = {"a": float("nan"), "b": {"value": 1}}

    verdict = judge(output(type="quality", qualityData=metrics), 0)

    assert verdict.metrics == {"b": "1"}
    assert verdict.warnings == ["the metric 'a' is NaN: only finite numbers count"]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (["a", "b,c"], ["a", "b", "c"]),
        ("a, b,", ["a", "b"]),
        (None, []),
        ([], []),
        (7, ["7"]),
    ],
)
def test_files_of_an_artifact(value: object, found: list[str]) -> None:
    """A list, or texts with commas."""
    assert patterns_of(value) == found


def test_values_are_texts() -> None:
    """Lists and maps as JSON, without escapes."""
    assert [text_of(value) for value in ("x", None, 1, True, ["ä"])] == [
        "x",
        "",
        "1",
        "true",
        '["ä"]',
    ]


@pytest.mark.parametrize(
    ("item", "declared", "is_secret"),
    [
        ({}, None, False),
        ({"isSensitive": True}, None, True),
        ({"isSensitive": "true"}, {}, True),
        ({"isSensitive": False}, {"isSensitive": True}, True),
        ({}, {"isSensitive": False}, False),
    ],
)
def test_secret_outputs(item: dict[str, Any], declared: object, *, is_secret: bool) -> None:
    """The plugin says so itself, or its task.json does."""
    assert is_sensitive(item, declared) is is_secret
