"""`mulligan demo` as people run it: a program that says at its end whether all was as promised."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mulligan.testing.server import processes_carrying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

DEADLINE_S = 120.0
ORDER = (
    "failed: ",
    "curl -X POST",
    "re-run: ",
    "kept: ",
    "saved: ",
    "failed: deploy",
    "curl -X POST",
    "live: ",
    "page: http",
    "demo: ",
)


class Demos:
    """Both forms, played at the same time: most of it is waiting."""

    def __init__(self, data: Path) -> None:
        """Start them."""
        self.data = data
        environment = os.environ | {"MULLIGAN_DATA": str(data)}
        self._started = {
            option: subprocess.Popen(
                [sys.executable, "-m", "mulligan", "demo", "--once", *option.split()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment,
            )
            for option in ("", "--crash")
        }

    def told(self, option: str) -> list[str]:
        """Wait for the end of one of them; return its lines. Its exit code is 0."""
        process = self._started[option]
        output, _ = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, output
        return output.splitlines()

    def close(self) -> None:
        """End what still runs."""
        for process in self._started.values():
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demos]:
    """Give both, started."""
    found = Demos(tmp_path_factory.mktemp("demos"))
    yield found
    found.close()


def test_the_repair_and_the_rollback_are_told_in_order(demos: Demos) -> None:
    """Without a terminal nothing waits for anybody, and every promise is kept."""
    lines = iter(lines_kept := demos.told(""))

    for begin in ORDER:
        assert any(line.startswith(begin) for line in lines), (begin, lines_kept)
    assert lines_kept[-1].endswith(" checks passed")


def test_a_run_outlives_its_server(demos: Demos) -> None:
    """The step that was cut off runs again, and nothing else."""
    lines = demos.told("--crash")

    assert "begun again: three" in lines
    assert "kept: one, two, four, five" in lines
    assert lines[-1].endswith(" checks passed")


def test_a_closed_terminal_ends_it(demos: Demos) -> None:
    """It tidies up as it does after Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mulligan", "demo", "--plain"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"MULLIGAN_DATA": str(demos.data)},
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("server: ")

    process.send_signal(signal.SIGHUP)

    told, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130, told


def test_nothing_is_left_of_them(demos: Demos) -> None:
    """Folders and processes go with the demonstration."""
    demos.told("")
    demos.told("--crash")

    assert list(demos.data.iterdir()) == []
    assert processes_carrying(str(demos.data)) == {}
