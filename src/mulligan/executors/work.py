"""Work: what each kind of step means on this machine – its directory, program and environment.

Implements the port `Executor` with the step host (`local.py`).
"""

import asyncio
import errno
import os
import re
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from mulligan.core.ids import JobId, RunId, StepId
from mulligan.core.prepare import StepOrder
from mulligan.core.report import ArchivedFile
from mulligan.core.run import Run
from mulligan.executors.local import LocalExecutor, read_spool
from mulligan.executors.scripts import SCRIPT_KINDS, ScriptError, prepare_script
from mulligan.executors.values import KillCause, Progress, StepRequest, StepResult
from mulligan.logs.store import LogFiles
from mulligan.logs.writer import LineCounter
from mulligan.ports import LateEnd, StepEnd

T = TypeVar("T")

_HERE = Path(__file__).parent
_CHECKOUT = (_HERE / "checkout.sh").read_text()
# Variables of the server's own environment that steps must not see.
_HIDDEN_PREFIX = "MULLIGAN_"
_KNOWN_RUNS = 4096
_SCRIPT = "+script"  # ends the token of a script that archiving follows; that has the plain one
_MANIFEST = "manifest.json"
_TRASH = ".trash-"  # begins the name of a workspace that is being deleted
_SHORTEST_SCRIPT_ERROR = 800_000  # codes that a script may give itself: 8xxxxx
_LONGEST_SCRIPT_ERROR = 899_999
_KILL_CAUSES: dict[str, KillCause] = {"timeout": "timeout", "lost": "lost"}
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_LOOK_FOR_SPACE_S = 0.2
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Work:
    """Runs orders in the data directory `root`.

    Args:
        on_output: Called with a run's id when one of its logs grew.
        disk_full_grace_s: How long output waits for space before it is dropped, and a step for
            the space of its script.
    """

    def __init__(
        self,
        *,
        root: Path,
        logs: LogFiles,
        on_output: Callable[[RunId], None],
        disk_full_grace_s: float = 60.0,
        kill_grace_s: float = 10.0,
    ) -> None:
        self._workspaces = root / "workspaces"
        self._temp = root / "steps"
        self._artifacts = root / "artifacts"
        self._spool = root / "spool" / "host.jsonl"
        self._logs = logs
        self._disk_full_grace_s = disk_full_grace_s
        self._kill_grace_s = kill_grace_s
        self._next_lines: dict[RunId, int] = {}
        self._ready: set[str] = set()  # job attempts whose directories exist
        # steps whose program has not been started yet -> why it shall not be, or ""
        self._preparing: dict[str, str] = {}
        self._ended: dict[str, list[str]] = {}  # by job attempt: steps that are in the spool
        self._archiving: set[str] = set()  # those of them that left a manifest
        self._base_env = {
            name: value for name, value in os.environ.items() if not name.startswith(_HIDDEN_PREFIX)
        } | {"CI": "true"}
        self._base_env.setdefault("PATH", os.defpath)

        def progress(update: Progress) -> None:
            on_output(RunId(update.token.partition("/")[0]))

        self._host = LocalExecutor(spool_path=os.fspath(self._spool), on_progress=progress)
        self._on_output = on_output
        self._late: tuple[LateEnd, ...] = ()
        self._late_tokens: list[str] = []

    # --- life -----------------------------------------------------------------------------------

    async def open(self) -> None:
        """Start the step host; the one of an earlier life has ended with its server."""
        for folder in (self._workspaces, self._artifacts, self._spool.parent):
            folder.mkdir(parents=True, exist_ok=True)
        results = read_spool(os.fspath(self._spool))
        self._late = late_ends_of(results, self._temp)
        self._late_tokens = [result.token for result in results]
        for left in (self._temp, *self._workspaces.glob(_TRASH + "*")):
            shutil.rmtree(left, ignore_errors=True)
        self._temp.mkdir(exist_ok=True)
        await self._host.start()

    async def close(self) -> None:
        """End the host and every step."""
        await self._host.close()

    async def late_ends(self) -> tuple[LateEnd, ...]:
        """Return what the spool holds of an earlier life."""
        return self._late

    async def forget_late_ends(self) -> None:
        """Let the spool go."""
        self._host.forget(self._late_tokens)
        self._late, self._late_tokens = (), []

    # --- steps ----------------------------------------------------------------------------------

    async def run_step(self, order: StepOrder, timeout_s: float) -> StepEnd:
        """Run a step to its end."""
        token = step_token(order)
        self._forget(order)
        self._preparing[token] = ""
        try:
            workspace = await self._with_space(token, lambda: self._prepare_workspace(order))
            request = await self._with_space(
                token, lambda: self._prepare_program(order, workspace, timeout_s)
            )
            return await self._run(order, request, workspace)
        except _CannotRunError as error:
            return StepEnd(cause=error.cause, message=str(error))
        except ScriptError as error:
            return StepEnd(cause="spawn", message=str(error))
        except OSError as error:
            return StepEnd(cause="files", message=f"the step's files can't be used: {error}")
        finally:
            self._preparing.pop(token, None)
            self._ended.setdefault(job_token(order), []).extend((token, token + _SCRIPT))
            self._on_output(order.run_id)

    async def _run(self, order: StepOrder, request: StepRequest, workspace: Path) -> StepEnd:
        token = step_token(order)
        cause = self._preparing.pop(token)
        if cause:
            return StepEnd(cause=cause)
        result = await self._host.run_step(request)
        if result.next_line:
            self._next_lines[order.run_id] = result.next_line
        if order.kind == "script":
            # not overwritten by the next step: a shell may still be reading it
            self._remove_script(order, Path(request.argv[-1]))
        end = end_of(result)
        if not _is_good(end):
            return end
        if request.token != token:
            argv = self._archive(self._temp_of(order), _archived_after(order))
            env = self._environment(order, workspace)
            after = self._request(order, token, argv, env, workspace, request.timeout or 0.0)
            end = _after_archiving(end, end_of(await self._host.run_step(after)))
        elif order.kind != "archive":
            return end
        self._archiving.add(token)
        return _with_manifest(self._temp_of(order), end) if _is_good(end) else end

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
                raise _CannotRunError(self._preparing[token], "ended while the disk was full")

    async def _prepare_program(
        self, order: StepOrder, workspace: Path, timeout_s: float
    ) -> StepRequest:
        env = self._environment(order, workspace)
        temp = self._temp_of(order)
        cwd = workspace
        match order.kind:
            case "script":
                argv = self._script(order, temp, env)
            case "checkout":
                argv = ("sh", "-c", _CHECKOUT)
                env.update(_checkout_env(order))
                cwd = _inside(workspace, str(order.inputs.get("path") or ""))
                cwd.mkdir(parents=True, exist_ok=True)
            case "archive":
                argv = self._archive(temp, _split_patterns(order.inputs.get("patterns")))
            case "download":
                argv = self._download(temp, order)
            case _:
                raise _CannotRunError(
                    "plugin",
                    f"the plugin {order.code or order.kind!r} is not installed on this server",
                )
        token = step_token(order) + (_SCRIPT if _archived_after(order) else "")
        return self._request(order, token, argv, env, cwd, timeout_s)

    def _remove_script(self, order: StepOrder, script: Path) -> None:
        try:
            script.unlink()
        except OSError:  # the script took it, or its folder, away itself
            self._ready.discard(job_token(order))  # so the next step finds what it needs again
            shutil.rmtree(script, ignore_errors=True)

    def _request(
        self,
        order: StepOrder,
        token: str,
        argv: tuple[str, ...],
        env: dict[str, str],
        cwd: Path,
        timeout_s: float,
    ) -> StepRequest:
        log_path = self._logs.path(order.run_id, order.job_id, order.job_attempt)
        return StepRequest(
            token=token,
            job_token=job_token(order),
            run_id=order.run_id,
            argv=argv,
            env=env,
            cwd=os.fspath(cwd),
            temp_dir=os.fspath(self._temp_of(order)),
            timeout=timeout_s,
            grace=self._kill_grace_s,
            log_path=os.fspath(log_path),
            step_id=order.step_id,
            step_attempt=order.step_attempt,
            run_attempt=order.run_attempt,
            secrets=order.secrets,
            commands=order.kind == "script",
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
        for each in (token, token + _SCRIPT):
            self._host.kill(each, known, grace_s)

    async def end_job(self, order: StepOrder) -> None:
        """End what is left of the job attempt."""
        await self._host.end_job(job_token(order))
        self._forget(order)
        self._ready.discard(job_token(order))
        _remove_folder(self._temp_of(order))
        if len(self._next_lines) > _KNOWN_RUNS:
            self._next_lines.clear()  # looked up again where needed

    def _forget(self, order: StepOrder) -> None:
        """Drop what the next life would report: who goes on with a job has stored it."""
        tokens = self._ended.pop(job_token(order), ())
        self._host.forget(tokens)
        if self._archiving.intersection(tokens):
            self._archiving.difference_update(tokens)
            (self._temp_of(order) / _MANIFEST).unlink(missing_ok=True)

    # --- kinds ----------------------------------------------------------------------------------

    def _script(self, order: StepOrder, temp: Path, env: dict[str, str]) -> tuple[str, ...]:
        inputs = order.inputs
        kind = str(inputs.get("scriptType") or "SHELL")
        if kind not in SCRIPT_KINDS:
            raise _CannotRunError("config", f"the script type {kind!r} is unknown")
        return prepare_script(
            kind,  # type: ignore[arg-type]  # checked against the kinds above
            str(inputs.get("script") or ""),
            temp_dir=os.fspath(temp),
            path=env["PATH"],
            continue_on_error=bool(inputs.get("continueNoneZero")),
        )

    def _archive(self, temp: Path, patterns: list[str]) -> tuple[str, ...]:
        # what a script left under that name is none
        (temp / _MANIFEST).unlink(missing_ok=True)
        order = {
            "act": "archive",
            "patterns": patterns,
            "store": os.fspath(self._artifacts),
            "manifest": os.fspath(temp / _MANIFEST),
        }
        return _artifact_program(temp, order)

    def _download(self, temp: Path, order: StepOrder) -> tuple[str, ...]:
        work = {
            "act": "download",
            "patterns": _split_patterns(order.inputs.get("patterns")) or ["*"],
            "store": os.fspath(self._artifacts),
            "dest": str(order.inputs.get("dest") or "."),
            "files": dict(order.inputs.get("files") or {}),
        }
        return _artifact_program(temp, work)

    # --- directories ----------------------------------------------------------------------------

    async def _prepare_workspace(self, order: StepOrder) -> Path:
        """Make the directories of a job attempt, once: its later steps find them there."""
        workspace = self._workspaces / order.run_id / order.job_id
        token = job_token(order)
        is_fresh = order.workspace != "live"
        if token in self._ready and not is_fresh:
            return workspace
        if is_fresh and workspace.exists():
            await asyncio.to_thread(shutil.rmtree, workspace, ignore_errors=True)
        if not is_fresh and not workspace.exists() and self._has_worked(order):
            raise _CannotRunError(
                "files", "the working directory of the job is gone: run the job from its start"
            )
        for folder in (
            workspace,
            self._temp_of(order),
            self._logs.path(order.run_id, order.job_id, order.job_attempt).parent,
        ):
            os.makedirs(folder, exist_ok=True)
        self._ready.add(token)
        return workspace

    def _has_worked(self, order: StepOrder) -> bool:
        """Tell whether a step of the job wrote a log, and so had the directory."""
        folder = self._logs.path(order.run_id, order.job_id, order.job_attempt).parent
        return any(folder.glob(f"{order.job_id}.*"))

    def _temp_of(self, order: StepOrder) -> Path:
        """Give the folder for scripts and messages of a job attempt."""
        return self._temp / job_token(order).replace("/", ".")

    def _environment(self, order: StepOrder, workspace: Path) -> dict[str, str]:
        env = self._base_env | order.env
        env["WORKSPACE"] = os.fspath(workspace)
        env["MULLIGAN_ATTEMPT"] = str(order.step_attempt)
        env["MULLIGAN_RUN_ATTEMPT"] = str(order.run_attempt)
        return env


def _with_manifest(temp: Path, end: StepEnd) -> StepEnd:
    """Add what a step archived to how it ended."""
    manifest = temp / _MANIFEST
    try:
        files = msgspec.json.decode(manifest.read_bytes(), type=tuple[ArchivedFile, ...])
    except msgspec.MsgspecError as error:
        return StepEnd(cause="files", message=f"the list of archived files is broken: {error}")
    if not all(_DIGEST.fullmatch(file.digest) for file in files):
        return StepEnd(cause="files", message="the list of archived files has a wrong digest")
    return msgspec.structs.replace(end, artifacts=files)


class _CannotRunError(Exception):
    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause


def step_token(order: StepOrder) -> str:
    """Name a step attempt under a fence; `_late_end` reads it back."""
    return f"{order.run_id}/{order.job_id}/{order.fence}/{order.step_attempt}/{order.step_id}"


def job_token(order: StepOrder) -> str:
    """Name a job attempt under a fence."""
    return f"{order.run_id}/{order.job_id}/{order.job_attempt}/{order.fence}"


def late_ends_of(results: Iterable[StepResult], temp: Path) -> tuple[LateEnd, ...]:
    """Read how steps ended whose server did not live to hear of it.

    Args:
        results: Of the spool.
        temp: The folder with the folders of the job attempts of that server's life.
    """
    by_token = {result.token: result for result in results}
    # a manifest is removed before the next step of its job begins
    latest = {result.job_token: result.token for result in by_token.values()}
    found = []
    for token, result in by_token.items():
        end = end_of(result)
        script = by_token.get(token + _SCRIPT)
        if script is not None:
            end = _after_archiving(end_of(script), end)
        elif token.endswith(_SCRIPT) and (_is_good(end) or token[: -len(_SCRIPT)] in by_token):
            continue  # its archiving is missing, or tells
        folder = temp / result.job_token.replace("/", ".")
        is_latest = latest[result.job_token] == token
        if is_latest and _is_good(end) and (folder / _MANIFEST).exists():
            end = _with_manifest(folder, end)
        late = _late_end(token.removesuffix(_SCRIPT), end)
        found += [late] if late is not None else []
    return tuple(found)


def _late_end(token: str, end: StepEnd) -> LateEnd | None:
    parts = token.split("/", 4)
    if len(parts) != 5:
        return None
    run_id, job_id, fence, attempt, step_id = parts
    return LateEnd(
        run_id=RunId(run_id),
        job_id=JobId(job_id),
        fence=int(fence),
        step_id=StepId(step_id),
        step_attempt=int(attempt),
        end=end,
    )


def _is_good(end: StepEnd) -> bool:
    return end.cause == "exit" and end.exit_code == 0


def _archived_after(order: StepOrder) -> list[str]:
    """Give the patterns of files that a script step wants to be archived at its end."""
    if order.kind != "script" or not order.inputs.get("enableArchiveFile"):
        return []
    return _split_patterns(order.inputs.get("archiveFile"))


def _after_archiving(script: StepEnd, archiving: StepEnd) -> StepEnd:
    """Join the ends of a good script and of its archiving: if that failed, the step has failed."""
    if _is_good(archiving):
        return script
    return msgspec.structs.replace(
        archiving, variables=script.variables, outputs=script.outputs, remark=script.remark
    )


def end_of(result: StepResult) -> StepEnd:
    """Read the commands that a step printed or wrote."""
    variables: list[tuple[str, str]] = []
    outputs: list[tuple[str, str]] = []
    remark: str | None = None
    error: tuple[int, str] | None = None
    for command in result.commands:
        name = command.args.get("name", "")
        if command.name == "set-variable" and name:
            variables.append((name, command.value))
        elif command.name == "set-output" and name:
            outputs.append((name, command.value))
        elif command.name == "set-remark":
            remark = command.value
        elif command.name == "set-error":
            error = _script_error(command.args, command.value) or error
    pin = ""
    for name, value in result.set_env.items():
        if name == ":pin":
            pin = value
        elif not name.startswith(":"):
            variables.append((name, value))
    return StepEnd(
        exit_code=result.exit_code,
        signal=result.signal,
        cause=result.cause,
        message=result.message,
        variables=tuple(variables),
        outputs=tuple(outputs),
        remark=remark,
        error=error,
        pin=pin,
    )


def _script_error(args: dict[str, str], text: str) -> tuple[int, str] | None:
    code = args.get("error_code", "")
    if not code.isdecimal() or not _SHORTEST_SCRIPT_ERROR <= int(code) <= _LONGEST_SCRIPT_ERROR:
        return None
    return int(code), args.get("error_message") or text


def _checkout_env(order: StepOrder) -> dict[str, str]:
    inputs = order.inputs
    url = str(inputs.get("url") or "").strip()
    if not url:
        raise _CannotRunError("config", "the checkout has no URL of a repository")
    return {
        "MULLIGAN_GIT_URL": url,
        "MULLIGAN_GIT_KIND": str(inputs.get("ref_kind") or "branch"),
        "MULLIGAN_GIT_REF": str(inputs.get("ref") or ""),
        "MULLIGAN_GIT_PIN": order.pin,
        "MULLIGAN_GIT_DEPTH": str(inputs.get("fetch_depth") or ""),
        "MULLIGAN_GIT_SUBMODULES": "true" if inputs.get("submodules") else "false",
    }


def _inside(workspace: Path, path: str) -> Path:
    try:
        target = (workspace / path).resolve()
    except ValueError as error:  # a NUL character
        raise _CannotRunError("config", f"{path!r} can't be a path: {error}") from None
    if not target.is_relative_to(workspace.resolve()):
        raise _CannotRunError("config", f"the path {path!r} leads out of the workspace")
    return target


def _split_patterns(value: object) -> list[str]:
    """Split patterns at commas, semicolons and line ends; variables may have brought some in."""
    texts: Iterable[object] = value if isinstance(value, list) else [value or ""]
    parts = (part for text in texts for part in re.split(r"[,;\n]", str(text)))
    return [part.strip() for part in parts if part.strip()]


def _artifact_program(temp: Path, order: Mapping[str, object]) -> tuple[str, ...]:
    file = temp / "order.json"
    file.write_bytes(msgspec.json.encode(order))
    return (sys.executable, "-I", "-S", os.fspath(_HERE / "artifacts.py"), os.fspath(file))


def _remove_folder(folder: Path) -> None:
    """Remove a small folder; what can't be removed now goes at the next start."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.path for entry in entries]
        for name in names:
            os.unlink(name)
        os.rmdir(folder)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)


class RunFiles:
    """What runs leave on disk besides the store (port `Files`)."""

    def __init__(self, *, root: Path, logs: LogFiles) -> None:
        self._workspaces = root / "workspaces"
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
        """Delete directories of runs that nothing has written to for so long."""
        return await asyncio.to_thread(self._sweep, time.time() - max_age_s)

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
