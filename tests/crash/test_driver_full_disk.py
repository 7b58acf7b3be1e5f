"""A deploy driver whose disk is full just when its act has been carried out."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mulligan.executors.deploy import command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

# Lets no more than this be written to a file: the order's result is longer.
MOST_BYTES = 1000


def order_for(directory: Path, info: dict[str, Any]) -> Path:
    """Write the order of a first deployment and return its path."""
    order = {
        "act": "deploy",
        "resume": False,
        "deployment": "d-1",
        "key": "default/prod/shop",
        "driver": "command",
        "info": info,
        "files": {},
        "store": str(directory / "store"),
        "root": str(directory / "root"),
        "timeout_s": 60,
        "result": str(directory / "result.json"),
    }
    path = directory / "order.json"
    path.write_text(json.dumps(order))
    return path


def test_result_of_a_done_act_waits_for_space(tmp_path: Path) -> None:
    """An act that was carried out on a full disk is told as done when there is space again."""
    done = tmp_path / "done"
    info = {"driver": "command", "deploy": f"echo done >> '{done}'", "about": "x" * MOST_BYTES}
    driver = subprocess.Popen(
        [sys.executable, command.__file__, order_for(tmp_path, info)],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (MOST_BYTES, resource.RLIM_INFINITY)
        ),
    )
    assert driver.stdout is not None
    said = []
    for line in driver.stdout:
        said.append(line)
        if "waiting for space" in line:
            break
    between = (tmp_path / "result.json").exists()

    resource.prlimit(driver.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    rest, _ = driver.communicate(timeout=20)

    assert driver.returncode == 0, (said, rest)
    assert not between
    assert done.read_text() == "done\n"
    assert json.loads((tmp_path / "result.json").read_text())["state"]["deployment"] == "d-1"
