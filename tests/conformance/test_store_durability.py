"""What was answered is on disk, whatever happens to the process or the disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.store_loop import Loop
from mulligan.core.ids import RunId
from mulligan.store.check import check
from mulligan.store.sql.store import SqlStore

TESTS = Path(__file__).parent.parent
ANSWERS = 600  # until the kill
RUNS = 20


def child(module: str, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start a module of these tests as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", f"conformance.{module}", *arguments],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )


@pytest.mark.parametrize("round_", range(3))
def test_answered_appends_survive_a_kill(tmp_path: Path, round_: int) -> None:
    """After SIGKILL amid many appends every answered one is there, and all is consistent."""
    with child("store_child", str(tmp_path), str(RUNS)) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(ANSWERS + 97 * round_)]
        writer.kill()
        lines += writer.stdout.read().splitlines(keepends=True)
    answered: dict[str, int] = {}
    for line in lines:
        if line.endswith(b"\n"):
            name, number = line.decode().split()
            answered[name] = int(number)

    with Loop(SqlStore(tmp_path / "mulligan.db")) as loop:
        heads = {run: loop.run(loop.store.find_head(RunId(run))) for run in answered}

    assert len(answered) == RUNS
    for run, revision in answered.items():
        head = heads[run]
        assert head is not None
        assert head.revision in {revision, revision + 1}  # one more may have been on its way
    findings = check(tmp_path / "mulligan.db")
    assert [line for line in findings if "will carry it on" not in line] == []


def test_a_full_disk_loses_nothing_and_passes(tmp_path: Path) -> None:
    """When files can't grow, appends fail; what was answered stays, and with room it goes on."""
    with child("store_full_disk", str(tmp_path)) as writer:
        printed, _ = writer.communicate(timeout=60)

    assert printed.decode().splitlines() == ["True InfrastructureError", "True", "True"]
    assert writer.returncode == 0
