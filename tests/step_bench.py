"""Orders for real steps, and a place to run them."""

import hashlib
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mulligan.core.ids import JobId, PipelineId, ProjectId, RunId, StepId
from mulligan.core.prepare import StepOrder
from mulligan.executors.work import Work
from mulligan.logs.store import LogFiles
from mulligan.ports import StepEnd

GIT_IDENTITY = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com")


class Bench:
    """A data directory in which steps run, and the log of all of them."""

    def __init__(self, root: Path, work: Work) -> None:
        self.root = root
        self.work = work
        self.fence = 0

    def order(self, kind: str, inputs: dict[str, Any], **changes: Any) -> StepOrder:
        """Make an order; each has a job attempt of its own."""
        self.fence += 1
        fields: dict[str, Any] = {
            "run_id": RunId("r-1"),
            "project": ProjectId("default"),
            "pipeline": PipelineId("p-1"),
            "run_attempt": 1,
            "job_id": JobId("7"),
            "job_attempt": self.fence,
            "fence": self.fence,
            "step_id": StepId("e-1"),
            "step_attempt": 1,
            "step_name": kind,
            "kind": kind,
            "code": kind,
            "inputs": inputs,
            "env": {},
            "timeout_s": 60.0,
            "job_timeout_s": 60.0,
            "workspace": "fresh",
        }
        return StepOrder(**(fields | changes))

    async def run(self, kind: str, inputs: dict[str, Any], **changes: Any) -> StepEnd:
        """Run a step and end its job."""
        order = self.order(kind, inputs, **changes)
        end = await self.work.run_step(order, order.timeout_s)
        await self.work.end_job(order)
        return end

    def log(self) -> str:
        """Return the output of the newest order's job attempt."""
        return self._log_path().read_text()

    def has_log(self) -> bool:
        """Tell whether the newest order's job attempt has a log yet."""
        return self._log_path().exists()

    def _log_path(self) -> Path:
        return LogFiles(self.root / "logs").path(RunId("r-1"), JobId("7"), self.fence)

    def keep(self, content: bytes) -> str:
        """Put bytes into the content store; return their digest."""
        digest = hashlib.sha256(content).hexdigest()
        place = self.place(digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return digest

    def place(self, digest: str) -> Path:
        """Give where bytes of a digest lie."""
        return self.root / "artifacts" / digest[:2] / digest


@asynccontextmanager
async def a_bench(root: Path, **settings: Any) -> AsyncIterator[Bench]:
    """Open a data directory in `root`."""
    settings = {"private_targets": True, "kill_grace_s": 0.5} | settings
    logs = LogFiles(root / "logs")
    work = Work(root=root, logs=logs, on_output=lambda _run: None, **settings)
    await work.open()
    try:
        yield Bench(root, work)
    finally:
        await work.close()


def git(folder: Path, *arguments: str) -> str:
    """Run git in a repository."""
    argv = ["git", *GIT_IDENTITY, *arguments]
    done = subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, files: dict[str, str], message: str = "change") -> str:
    """Write files and commit them; return the commit. The repository is made when missing."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")
