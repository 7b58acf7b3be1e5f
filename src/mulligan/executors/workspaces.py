"""Folders of jobs: made for their steps, listed, and deleted when nobody needs them any more."""

import asyncio
import os
import shutil
import time
from collections.abc import Collection
from pathlib import Path

from mulligan.core.ids import JobId
from mulligan.core.prepare import StepOrder
from mulligan.core.run import Run
from mulligan.executors.caches import sweep_caches
from mulligan.executors.kinds import begins_empty
from mulligan.executors.kinds.base import CannotRunError
from mulligan.executors.tokens import folder_name, job_token
from mulligan.logs.store import LogFiles
from mulligan.logs.writer import LineCounter

_TRASH = ".trash-"  # begins the name of a workspace that is being deleted


class Workspaces:
    """The folders of job attempts in the data directory `root`."""

    def __init__(self, *, root: Path, logs: LogFiles) -> None:
        self._workspaces = root / "workspaces"
        self.temp = root / "steps"
        self._logs = logs
        self._ready: set[str] = set()  # job attempts whose folders exist

    def open(self, unreported: Collection[str]) -> None:
        """Delete what an earlier life left in the folders for temporary files.

        Args:
            unreported: Tokens of job attempts with steps whose end nobody has stored yet. What
                those left stays: this life may end as well before it has told of them.
        """
        self._workspaces.mkdir(parents=True, exist_ok=True)
        self.temp.mkdir(exist_ok=True)
        kept = {folder_name(token) for token in unreported}
        left = [folder for folder in self.temp.iterdir() if folder.name not in kept]
        for folder in (*left, *self._workspaces.glob(_TRASH + "*")):
            _delete(folder)

    def delete_temp(self, reported: Collection[str]) -> None:
        """Delete the folders of job attempts of an earlier life: all their ends are stored."""
        for token in filter(None, reported):
            _delete(self.temp / folder_name(token))

    def temp_of(self, order: StepOrder) -> Path:
        """Give the folder for scripts and messages of a job attempt."""
        return self.temp / folder_name(job_token(order))

    async def prepare(self, order: StepOrder) -> Path:
        """Make the folders of a job attempt, once: its later steps find them there.

        Raises:
            CannotRunError: The step needs the files of earlier ones, and they are gone.
        """
        workspace = self._workspaces / order.run_id / order.job_id
        token = job_token(order)
        is_fresh = order.workspace != "live" or begins_empty(order.kind)
        if token in self._ready and not is_fresh:
            return workspace
        if is_fresh and workspace.exists():
            await asyncio.to_thread(_delete, workspace)
        if not is_fresh and not workspace.exists() and self._has_worked(order):
            raise CannotRunError(
                "files", "the working directory of the job is gone: run the job from its start"
            )
        for folder in (
            workspace,
            self.temp_of(order),
            self._logs.path(order.run_id, order.job_id, order.job_attempt).parent,
        ):
            os.makedirs(folder, exist_ok=True)
        self._ready.add(token)
        return workspace

    def _has_worked(self, order: StepOrder) -> bool:
        """Tell whether a step of the job wrote a log, and so had the directory."""
        folder = self._logs.path(order.run_id, order.job_id, order.job_attempt).parent
        return any(folder.glob(f"{order.job_id}.*"))

    def remove_script(self, order: StepOrder, script: Path) -> None:
        """Delete the script of a step that has ended."""
        try:
            script.unlink()
        except OSError:  # the script took it, or its folder, away itself
            self._ready.discard(job_token(order))  # so the next step finds what it needs again
            shutil.rmtree(script, ignore_errors=True)

    async def remove_temp(self, order: StepOrder) -> None:
        """Delete the folder of a job attempt; what can't be deleted now goes at the next start."""
        self._ready.discard(job_token(order))
        folder = self.temp_of(order)
        try:
            with os.scandir(folder) as entries:
                names = [entry.path for entry in entries]
            for name in names:
                os.unlink(name)
            os.rmdir(folder)
        except OSError:  # it has folders in it, perhaps large ones
            await asyncio.to_thread(_delete, folder)


class RunFiles:
    """What runs leave on disk besides the store (port `Files`)."""

    def __init__(self, *, root: Path, logs: LogFiles) -> None:
        self._workspaces = root / "workspaces"
        self._caches = root / "caches"
        self._logs = logs

    def live_workspaces(self, run: Run) -> frozenset[JobId]:
        """Return the jobs whose directory is still there; nobody else ever writes into it."""
        try:
            names = os.listdir(self._workspaces / run.head.id)
        except OSError:
            return frozenset()
        return frozenset(JobId(name) for name in names)

    def discard_workspaces(self, run: Run) -> None:
        """Move the directories of a run out of sight, and delete them in a thread."""
        folder = self._workspaces / run.head.id
        trash = self._workspaces / f"{_TRASH}{run.head.id}.{run.head.revision}"
        try:
            folder.rename(trash)
        except OSError:
            return  # it never had one, or it is gone
        asyncio.get_running_loop().run_in_executor(None, _delete, trash)

    async def sweep(self, max_age_s: float) -> int:
        """Delete directories of runs that nothing has written to for so long; and old caches."""
        swept = await asyncio.to_thread(self._sweep, time.time() - max_age_s)
        await asyncio.to_thread(sweep_caches, self._caches)
        return swept

    def _sweep(self, oldest: float) -> int:
        swept = 0
        for folder in self._workspaces.iterdir():
            newest = max((each.stat().st_mtime for each in (folder, *folder.iterdir())), default=0)
            if newest < oldest:
                _delete(folder)
                swept += 1
        return swept

    async def compress_logs(self, run: Run) -> None:
        """Compress the logs of ended job attempts."""
        await asyncio.to_thread(self._compress_logs, run)

    def _compress_logs(self, run: Run) -> None:
        # looked up once: asking for every log would read all indexes again each time
        counter = LineCounter(self._logs.last_line_number(run.head.id) + 1)
        for job_id, job in run.jobs.items():
            for attempt in range(1, job.attempt + 1):
                if attempt < job.attempt or job.status.is_final:
                    self._logs.compress(run.head.id, job_id, attempt, counter)


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
