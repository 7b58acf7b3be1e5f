"""Texts that become programs, and output that is followed."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest

from conformance.keeper_bench import until
from mulligan.executors.keeper.following import MOST_BYTES_AT_ONCE, Follower
from mulligan.executors.keeper.scripts import (
    ScriptError,
    ScriptTimeoutError,
    run_script,
    write_script,
)

PATH = "/usr/local/bin:/usr/bin:/bin"


def output_of(text: str, folder: Path) -> tuple[int, str]:
    """Write a text, run it, and return its exit code and output."""
    argv = write_script(text, folder / "scripts" / "text", PATH)
    ended = subprocess.run(argv, env={"PATH": PATH}, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("echo a; false; echo b", (1, "a\n")),
        ("\ufeffecho a\r\necho b\r\n", (0, "a\nb\n")),
        ("#!/bin/sh\nfalse; echo a", (0, "a\n")),
        ("#!/usr/bin/env python3\nprint(1)", (0, "1\n")),
        ("#!/usr/bin/env -S python3 -I\nprint(2)", (0, "2\n")),
        ("#! python3\nprint(3)", (0, "3\n")),
        ("#!\necho a", (0, "a\n")),
    ],
)
def test_text_runs(tmp_path: Path, text: str, outcome: tuple[int, str]) -> None:
    """A text runs by `sh -e`, or by what its first line names; foreign line ends don't matter."""
    assert output_of(text, tmp_path) == outcome


@pytest.mark.parametrize("text", ["echo \0", "#!/no/such/program\n", "#!no-such-program\n"])
def test_text_that_can_not_run_is_refused(tmp_path: Path, text: str) -> None:
    """A NUL character, or an interpreter that isn't there, is told before anything runs."""
    with pytest.raises(ScriptError):
        write_script(text, tmp_path / "text", PATH)


def is_over(stat: Path) -> bool:
    """Return whether a process is gone or waits to be reaped."""
    try:
        return " Z " in stat.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_program_may_not_take_too_long(tmp_path: Path) -> None:
    """A program that takes too long is killed with its group, even if it ignores TERM."""
    pid_file = tmp_path / "pid"
    text = f"sleep 1000 & echo $! >{pid_file}; wait"
    argv = write_script(text, tmp_path / "text", PATH)

    with pytest.raises(ScriptTimeoutError):
        run_script(argv, {"PATH": PATH}, tmp_path, 2.0)

    # the kernel kills in its own time, and whose orphan it is decides when it's reaped
    child = Path(f"/proc/{pid_file.read_text().strip()}/stat")
    until(lambda: is_over(child), "the child is over")


def test_program_that_can_not_start_is_told(tmp_path: Path) -> None:
    """A folder that is gone is an error of the text, not a crash."""
    with pytest.raises(ScriptError):
        run_script(["/bin/true"], {}, tmp_path / "gone", 1.0)


def test_output_is_followed_from_its_present_end(tmp_path: Path) -> None:
    """What was there before is left out; what comes is copied once."""
    path, output = tmp_path / "log", io.BytesIO()
    path.write_bytes(b"before\n")
    follower = Follower(path, output)

    follower.copy()
    with path.open("ab") as log:
        log.write(b"one\n")
    follower.copy()
    follower.copy()

    assert output.getvalue() == b"one\n"


def test_file_that_comes_later_or_is_emptied_is_followed(tmp_path: Path) -> None:
    """A file may appear, and be emptied by the keeper, while it is followed."""
    path, output = tmp_path / "log", io.BytesIO()
    follower = Follower(path, output)

    follower.copy()
    path.write_bytes(b"long output\n")
    follower.copy()
    path.write_bytes(b"new\n")
    follower.copy()

    assert output.getvalue() == b"long output\nnew\n"


def test_flood_is_copied_in_parts(tmp_path: Path) -> None:
    """One call copies a bounded number of bytes."""
    path, output = tmp_path / "log", io.BytesIO()
    follower = Follower(path, output)
    path.write_bytes(b"x" * (MOST_BYTES_AT_ONCE + 5))

    follower.copy()
    once = len(output.getvalue())
    follower.end_line()

    assert once == MOST_BYTES_AT_ONCE
    assert output.getvalue() == b"x" * (MOST_BYTES_AT_ONCE + 5) + b"\n"
