"""What is made of the files that a program left, and of ends that nobody heard."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from mulligan.core.report import ArchivedFile
from mulligan.executors.ends import (
    DEPLOYMENT,
    MANIFEST,
    REPORT,
    RESULT,
    end_of,
    late_ends_of,
    with_left_files,
)
from mulligan.executors.values import StepCommand, StepResult
from mulligan.ports import StepEnd

FILE = {"path": "a", "size": 1, "digest": "a" * 64}
GOOD = StepEnd(exit_code=0)
BAD = StepEnd(exit_code=1)


def left(folder: Path, name: str, content: object) -> Path:
    """Leave a file; bytes as they are."""
    data = content if isinstance(content, bytes) else msgspec.json.encode(content)
    (folder / name).write_bytes(data)
    return folder


def test_report_completes_the_end(tmp_path: Path) -> None:
    """Artifacts, outputs and pin come with a good end; outputs of the script come first."""
    report = {"artifacts": [FILE], "outputs": [["b", "2"]], "pin": "c0ffee", "message": "unused"}
    folder = left(tmp_path, REPORT, report)

    end = with_left_files(folder, StepEnd(exit_code=0, outputs=(("a", "1"),)))

    assert end.artifacts == (ArchivedFile(path="a", size=1, digest="a" * 64),)
    assert (end.outputs, end.pin) == ((("a", "1"), ("b", "2")), "c0ffee")
    assert (end.cause, end.message) == ("exit", "")


def test_report_says_why_it_failed(tmp_path: Path) -> None:
    """The cause and the message of a program that failed replace the plain exit code."""
    folder = left(tmp_path, REPORT, {"cause": "unauthorized", "message": "no right"})

    end = with_left_files(folder, BAD)

    assert (end.cause, end.exit_code, end.message) == ("unauthorized", 1, "no right")


@pytest.mark.parametrize("cause", ["timeout", "cancelled", "signal", "lost"])
def test_ended_program_has_no_report(tmp_path: Path, cause: str) -> None:
    """A program that was ended did not write the report that lies there."""
    folder = left(tmp_path, REPORT, {"artifacts": [FILE]})

    end = with_left_files(folder, StepEnd(cause=cause))

    assert end == StepEnd(cause=cause)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (REPORT, b"{"),
        (REPORT, b" " * (16 * 1024 * 1024 + 1)),
        (REPORT, {"artifacts": [FILE | {"digest": "../../etc/passwd"}]}),
        (MANIFEST, [FILE | {"digest": "A" * 64}]),
        (MANIFEST, b"[]]"),
    ],
)
def test_broken_file_fails_the_step(tmp_path: Path, name: str, content: Any) -> None:
    """What can't be read is the machine's fault, never a good end."""
    end = with_left_files(left(tmp_path, name, content), GOOD)

    assert end.cause == "files"


def test_exit_69_is_only_special_for_deployments(tmp_path: Path) -> None:
    """A script may use any exit code; of a deploy driver 69 means "not reached"."""
    plain = with_left_files(tmp_path, StepEnd(exit_code=69))
    deployed = with_left_files(left(tmp_path, DEPLOYMENT, {}), StepEnd(exit_code=69))

    assert (plain.cause, deployed.cause) == ("exit", "unreachable")


def test_late_end_has_what_was_left(tmp_path: Path) -> None:
    """An end of an earlier life is completed from the folder of its job attempt."""
    token, job = "r-1/7/1/1/e-1", "r-1/7/1/1"
    (tmp_path / "r-1.7.1.1").mkdir()
    left(tmp_path / "r-1.7.1.1", REPORT, {"artifacts": [FILE], "pin": "c0ffee"})
    result = StepResult(token=token, job_token=job, exit_code=0, cause="exit")

    late = late_ends_of([result], tmp_path)

    assert [(each.step_id, each.end.pin, len(each.end.artifacts)) for each in late] == [
        ("e-1", "c0ffee", 1)
    ]


def test_files_belong_to_the_last_step_of_a_job(tmp_path: Path) -> None:
    """An earlier step of the same job attempt does not get what the last one left."""
    (tmp_path / "r-1.7.1.1").mkdir()
    left(tmp_path / "r-1.7.1.1", DEPLOYMENT, {})
    left(tmp_path / "r-1.7.1.1", RESULT, {"state": 1})
    results = [
        StepResult(token=f"r-1/7/1/1/{step}", job_token="r-1/7/1/1", exit_code=0, cause="exit")
        for step in ("e-1", "e-2")
    ]

    late = late_ends_of(results, tmp_path)

    assert [each.end.result for each in late] == [None, {"state": 1}]


def told(*commands: tuple[str, dict[str, str], str]) -> StepEnd:
    """Give the end of a step that printed commands."""
    said = tuple(StepCommand(name=name, args=args, value=value) for name, args, value in commands)
    return end_of(StepResult(token="t", exit_code=0, cause="exit", commands=said))


def test_metrics_are_numbers_and_booleans() -> None:
    """The last value of each counts; anything else is left out."""
    gate = "set-gate-value"

    end = told(
        (gate, {"name": "cover"}, "0.7"),
        (gate, {"name": "cover"}, " 0.8 "),
        (gate, {"name": "clean"}, "true"),
        (gate, {"name": "bad"}, "much"),
        (gate, {}, "1"),
    )

    assert end.metrics == (("cover", "0.8"), ("clean", "true"))
    assert end.message == (
        "the metric 'bad' is 'much' and was left out: only finite numbers, true and false count"
    )
    assert told((gate, {"name": "cover"}, "nan")).metrics == ()
    assert told((gate, {"name": "cover"}, "1")).message == ""


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("0.5", "0.5"),
        ("0.123456", "0.1235"),
        ("1", "1"),
        ("0", "0"),
        ("2", ""),
        ("x", ""),
        ('{"a": 1}', '{"a": 1}'),
        ("{", ""),
        ('{"a": "' + "x" * 40_000 + '"}', ""),
    ],
)
def test_rates_of_progress(text: str, rate: str) -> None:
    """A number from 0 to 1, or a JSON object that is not too long."""
    assert told(("set-progress-rate", {}, text)).progress == rate
