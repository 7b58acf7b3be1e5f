"""The program itself: what becomes of it when its output can't be written."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "mulligan", "help", "exit-codes"]


def test_who_reads_the_output_has_enough() -> None:
    """It is no failure: `mulligan runs | head -1` in a script goes on."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            COMMAND, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (0, "")


def test_output_that_can_not_be_written() -> None:
    """It is said in a line, and the exit code tells a script."""
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run(
            COMMAND, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )

    assert done.returncode == 1
    assert done.stderr == "mulligan: [Errno 28] No space left on device\n"


def test_a_file_that_can_not_be_written_without_any_output(tmp_path: Path) -> None:
    """What starts it may have closed its output; the line says what is wrong all the same."""
    (tmp_path / ".ci").write_text("a file where a folder should be")
    init = shlex.join([*COMMAND[:3], "init"])
    done = subprocess.run(
        ["/bin/sh", "-c", f"{init} >&-"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("mulligan: [Errno ")
    assert done.stderr.count("\n") == 1
