"""A shell for tests: runs `mulligan` as a person does, on a data directory of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from mulligan.testing.models import Workbench, retry_model

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]

DEADLINE_S = 60.0


class Done(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return what it printed as data."""
        assert self.code == 0, self
        return json.loads(self.out)


class Shell:
    """Runs `mulligan` in one directory, on one data directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.data = root / "data"
        clean = {name: text for name, text in os.environ.items() if "MULLIGAN" not in name}
        self.environment = {
            **clean,
            "MULLIGAN_DATA": str(self.data),
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            "XDG_CONFIG_HOME": str(root / "config"),
            "XDG_CACHE_HOME": str(root / "cache"),
        }
        self.bench = Workbench(root / "bench")

    def write(self, name: str, model: Json) -> str:
        """Write a pipeline file and return its path."""
        path = self.root / name
        path.write_text(json.dumps(model, indent=1), encoding="utf-8")
        return str(path)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command in a session of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "mulligan", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.root,
            start_new_session=True,
        )

    def __call__(self, *words: str) -> Done:
        """Run a command to its end."""
        return ended(self.start(*words))

    def failed_run(self, *broken: str) -> tuple[str, Json]:
        """Run the shared pipeline with broken steps; return the id of the run and its model."""
        model = retry_model(self.bench)
        self.bench.break_steps(*broken)
        done = self("run", self.write("shop.json", model))
        assert done.code == 1, done
        return done.out.strip(), model


def ended(process: subprocess.Popen[str]) -> Done:
    """Wait for the end of a command."""
    out, err = process.communicate(timeout=DEADLINE_S)
    return Done(process.returncode, out, err)
