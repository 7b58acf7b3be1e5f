"""Work: runs orders – directories, programs and their ends – with the step host.

Implements the port `Executor`. What each kind of step means is told in `kinds`.
"""

import asyncio
import errno
import os
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from mulligan.core.ids import RunId
from mulligan.core.prepare import StepOrder, in_workspace
from mulligan.executors.ends import (
    LEFT,
    after_archiving,
    end_of,
    is_good,
    late_ends_of,
    read_progress,
    with_left_files,
)
from mulligan.executors.keeping import KeeperStart
from mulligan.executors.kinds import prepare_program
from mulligan.executors.kinds.base import CannotRunError, Here, Place, Program
from mulligan.executors.kinds.deploy import needs_keeper
from mulligan.executors.kinds.plain import archive_files, archived_after
from mulligan.executors.kinds.plugin import FOLDER
from mulligan.executors.local import LocalExecutor, read_spool
from mulligan.executors.programs.content import PARTIAL
from mulligan.executors.scripts import ScriptError
from mulligan.executors.tokens import SCRIPT, job_token, step_token
from mulligan.executors.values import KillCause, Progress, StepRequest
from mulligan.executors.workspaces import RunFiles, Workspaces
from mulligan.log import get_log
from mulligan.logs.masking import Masker, mask_text
from mulligan.logs.store import LogFiles
from mulligan.ports import LateEnd, StepEnd

__all__ = ["RunFiles", "Work"]

T = TypeVar("T")
log = get_log()

# Variables of the server's own environment that steps must not see.
_HIDDEN_PREFIX = "MULLIGAN_"
_KNOWN_RUNS = 4096
_KILL_CAUSES: dict[str, KillCause] = {"timeout": "timeout", "lost": "lost"}
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_REASON = "+reason"  # ends the token of what only writes why a step can't be run
_REASON_S = 10.0
_LOOK_FOR_SPACE_S = 0.2


class Work:
    """Runs orders in the data directory `root`.

    Args:
        on_output: Called with a run's id when one of its logs grew.
        on_progress: Called with what a running step tells of its progress.
        disk_full_grace_s: How long output waits for space before it is dropped, and a step for
            the space of its script.
        kill_grace_s: Between TERM and KILL after a time-out.
        registry, auth_file, private_targets, java: See `Place`.
    """

    def __init__(
        self,
        *,
        root: Path,
        logs: LogFiles,
        on_output: Callable[[RunId], None],
        on_progress: Callable[[StepOrder, str], None] = lambda _order, _rate: None,
        disk_full_grace_s: float = 60.0,
        kill_grace_s: float = 10.0,
        registry: str = "",
        auth_file: str = "",
        private_targets: bool = False,
        java: str = "",
    ) -> None:
        self._place = Place(
            root=root.absolute(),
            registry=registry,
            auth_file=auth_file,
            private_targets=private_targets,
            java=java,
        )
        self._folders = Workspaces(root=root, logs=logs)
        self._spool = root / "spool" / "host.jsonl"
        self._logs = logs
        self._disk_full_grace_s = disk_full_grace_s
        self._kill_grace_s = kill_grace_s
        self._next_lines: dict[RunId, int] = {}
        # steps whose program has not been started yet -> why it shall not be, or ""
        self._preparing: dict[str, str] = {}
        self._running: dict[str, StepOrder] = {}
        self._ended: dict[str, list[str]] = {}  # by job attempt: steps that are in the spool
        self._leaving: set[str] = set()  # those of them that left files
        self._base_env = {
            name: value for name, value in os.environ.items() if not name.startswith(_HIDDEN_PREFIX)
        } | {"CI": "true"}
        self._base_env.setdefault("PATH", os.defpath)

        def progress(update: Progress) -> None:
            on_output(RunId(update.token.partition("/")[0]))
            order = self._running.get(update.token.removesuffix(SCRIPT)) if update.rate else None
            rate = read_progress(update.rate)
            if order is not None and rate:
                on_progress(order, rate)

        self._host = LocalExecutor(spool_path=os.fspath(self._spool), on_progress=progress)
        self._keeper = KeeperStart(root)
        self._on_output = on_output
        self._late: tuple[LateEnd, ...] = ()
        self._late_tokens: dict[str, str] = {}  # of steps -> of their job attempts

    # --- life -----------------------------------------------------------------------------------

    async def open(self) -> None:
        """Start the step host; the one of an earlier life has ended with its server."""
        for folder in (self._place.artifacts, self._spool.parent):
            folder.mkdir(parents=True, exist_ok=True)
        for partial in self._place.artifacts.glob(PARTIAL + "*"):
            partial.unlink(missing_ok=True)  # of a step that was killed
        results = read_spool(os.fspath(self._spool))
        self._late = late_ends_of(results, self._folders.temp)
        self._late_tokens = {each.token: each.job_token for each in results}
        self._folders.open(self._late_tokens.values())
        await self._host.start()
        self._keeper.resume()

    async def close(self) -> None:
        """End the host and every step; deployed services go on."""
        await self._keeper.close()
        await self._host.close()

    async def late_ends(self) -> tuple[LateEnd, ...]:
        """Return what the spool holds of an earlier life."""
        return self._late

    async def forget_late_ends(self) -> None:
        """Let the spool go, and what those steps left."""
        await asyncio.to_thread(self._folders.delete_temp, set(self._late_tokens.values()))
        self._host.forget(self._late_tokens)
        self._late, self._late_tokens = (), {}

    # --- steps ----------------------------------------------------------------------------------

    async def run_step(self, order: StepOrder, timeout_s: float) -> StepEnd:
        """Run a step to its end."""
        token = step_token(order)
        self._forget(order)
        self._preparing[token] = ""
        self._running[token] = order
        try:
            workspace = await self._with_space(token, lambda: self._folders.prepare(order))
            order = in_workspace(order, os.fspath(workspace))
            here = self._here(order, workspace, timeout_s)
            if needs_keeper(order):
                await self._keeper.start()
            if order.notes:
                await self._say(order, "\n".join(order.notes))
            program = await self._with_space(token, lambda: _prepared(order, here))
            return await self._run(order, program, here)
        except CannotRunError as error:
            end = StepEnd(cause=error.cause, message=str(error))
        except ScriptError as error:
            end = StepEnd(cause="spawn", message=str(error))
        except OSError as error:
            end = StepEnd(cause="files", message=f"the step's files can't be used: {error}")
        finally:
            self._preparing.pop(token, None)
            del self._running[token]
            self._ended.setdefault(job_token(order), []).extend((token, token + SCRIPT))
            self._on_output(order.run_id)
        await self.explain(order, end.message)
        return end

    async def explain(self, order: StepOrder, message: str) -> None:
        """Write into the log of its job why a step can't be run."""
        await self._say(order, f"##[error]{message}")

    async def _say(self, order: StepOrder, message: str) -> None:
        token = step_token(order) + _REASON
        self._ended.setdefault(job_token(order), []).append(token)
        try:
            here = self._here(order, self._place.root, _REASON_S)
            log_path = self._logs.path(order.run_id, order.job_id, order.job_attempt)
            for folder in (here.temp, log_path.parent):
                os.makedirs(folder, exist_ok=True)
            shown = mask_text(Masker(order.secrets), message)  # arguments can be seen by others
            argv = ("/bin/sh", "-c", 'printf "%s\\n" "$1"', "sh", shown)
            program = Program(argv=argv, env=dict(here.base_env), cwd=here.temp)
            await self._run_program(order, token, program, here)
        except OSError as error:
            log.warning("reason_not_logged", run_id=order.run_id, error=str(error))

    async def _run(self, order: StepOrder, program: Program, here: Here) -> StepEnd:
        token = step_token(order)
        patterns = archived_after(order)
        cause = self._preparing.pop(token)
        if cause:
            return StepEnd(cause=cause)
        end = await self._run_program(order, token + (SCRIPT if patterns else ""), program, here)
        if order.kind == "plugin":
            # it goes with its program, unless that was killed
            await asyncio.to_thread(shutil.rmtree, here.temp / FOLDER, ignore_errors=True)
        if order.kind == "script":
            # not overwritten by the next step: a shell may still be reading it
            self._folders.remove_script(order, Path(program.argv[-1]))
        if patterns and is_good(end):
            after = archive_files(here, patterns)
            end = after_archiving(end, await self._run_program(order, token, after, here))
        elif not program.leaves_files:
            return end
        self._leaving.add(token)
        return with_left_files(here.temp, end)

    async def _run_program(
        self, order: StepOrder, token: str, program: Program, here: Here
    ) -> StepEnd:
        result = await self._host.run_step(self._request(order, token, program, here))
        if result.next_line:
            self._next_lines[order.run_id] = result.next_line
        return end_of(result)

    async def _with_space(self, token: str, act: Callable[[], Awaitable[T]]) -> T:
        """Do what writes files; while the disk is full, wait as long as output would."""
        until = time.monotonic() + self._disk_full_grace_s
        while True:
            try:
                return await act()
            except OSError as error:
                if error.errno not in _FULL or time.monotonic() > until:
                    raise
            await asyncio.sleep(_LOOK_FOR_SPACE_S)
            if self._preparing[token]:
                raise CannotRunError(self._preparing[token], "ended while the disk was full")

    def _here(self, order: StepOrder, workspace: Path, timeout_s: float) -> Here:
        facts = {
            "WORKSPACE": os.fspath(workspace),
            "MULLIGAN_ATTEMPT": str(order.step_attempt),
            "MULLIGAN_RUN_ATTEMPT": str(order.run_attempt),
        }
        return Here(
            place=self._place,
            workspace=workspace,
            temp=self._folders.temp_of(order),
            base_env=self._base_env | facts,
            env=self._base_env | order.env | facts,
            timeout_s=timeout_s,
        )

    def _request(self, order: StepOrder, token: str, program: Program, here: Here) -> StepRequest:
        log_path = self._logs.path(order.run_id, order.job_id, order.job_attempt)
        return StepRequest(
            token=token,
            job_token=job_token(order),
            run_id=order.run_id,
            argv=program.argv,
            env=program.env,
            cwd=os.fspath(program.cwd),
            temp_dir=os.fspath(here.temp),
            timeout=here.timeout_s,
            grace=self._kill_grace_s,
            log_path=os.fspath(log_path),
            step_id=order.step_id,
            step_attempt=order.step_attempt,
            run_attempt=order.run_attempt,
            secrets=(*order.secrets, *program.secrets),
            commands=program.commands,
            next_line=self._next_line(order.run_id),
            disk_full_grace=self._disk_full_grace_s,
        )

    def _next_line(self, run_id: RunId) -> int:
        """Give where the line numbers of a run go on; read from its logs once per life."""
        known = self._next_lines.get(run_id)
        if known is None:
            known = self._logs.last_line_number(run_id) + 1
            self._next_lines[run_id] = known
        return known

    def kill_step(self, order: StepOrder, cause: str, grace_s: float) -> None:
        """Ask a running step to end."""
        token = step_token(order)
        known = _KILL_CAUSES.get(cause, "cancelled")
        if token in self._preparing:
            self._preparing[token] = known
        for each in (token, token + SCRIPT):
            self._host.kill(each, known, grace_s)

    async def end_job(self, order: StepOrder) -> None:
        """End what is left of the job attempt."""
        await self._host.end_job(job_token(order))
        self._forget(order)
        await self._folders.remove_temp(order)
        if len(self._next_lines) > _KNOWN_RUNS:
            self._next_lines.clear()  # looked up again where needed

    def _forget(self, order: StepOrder) -> None:
        """Drop what the next life would report: who goes on with a job has stored it."""
        tokens = self._ended.pop(job_token(order), ())
        self._host.forget(tokens)
        if self._leaving.intersection(tokens):
            self._leaving.difference_update(tokens)
            for name in LEFT:
                (self._folders.temp_of(order) / name).unlink(missing_ok=True)


async def _prepared(order: StepOrder, here: Here) -> Program:
    return prepare_program(order, here)
