"""The newest commits of branches, asked from the repository itself with `git ls-remote`."""

import asyncio
import os
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

from mulligan.executors.programs.basics import StepError
from mulligan.executors.programs.git import Git, last_words
from mulligan.executors.programs.targets import UnknownHostError, read_remote
from mulligan.ports.sources import Source

_TIMEOUT_S = 30.0
_LOOK_UP_S = 5.0
_MOST_READ = 256 * 1024  # bytes: three branches take some hundred
_CHUNK = 64 * 1024
_HEADS = "refs/heads/"


class GitHeads:
    """Implements `ports.sources.Heads` and `ChecksSources`.

    Args:
        private_targets: Repositories of this machine and of private networks may be asked.
        timeout_s: For one repository.
    """

    def __init__(self, *, private_targets: bool, timeout_s: float = _TIMEOUT_S) -> None:
        self._private_targets = private_targets
        self._timeout_s = timeout_s

    async def heads(self, source: Source, branches: tuple[str, ...]) -> dict[str, str]:
        """Return the newest commit of each branch that exists; () = the default one, as "HEAD".

        Raises:
            OSError: It can't be asked, for the reason in the text.
        """
        wanted = [each for each in branches if each and not each.startswith("-")] or ["HEAD"]
        try:
            async with asyncio.timeout(self._timeout_s):
                git, address = await asyncio.to_thread(self._git, source)
                output = await self._ask(git, address, wanted)
        except StepError as error:
            raise OSError(str(error)) from None
        except TimeoutError:
            raise TimeoutError(f"no answer within {self._timeout_s:g} s") from None
        found: dict[str, str] = {}
        for line in output.splitlines():
            commit, _, ref = line.partition("\t")
            name = ref.removeprefix(_HEADS)
            if name in wanted:
                found[name] = commit
        return found

    async def problem(self, url: str) -> str:
        """Tell why a repository would not be fetched from, "" = nothing is known against it.

        A host that can't be found may be there later; it is looked up again with every use.
        """
        try:
            async with asyncio.timeout(_LOOK_UP_S):
                await asyncio.to_thread(read_remote, url, private_targets=self._private_targets)
        except (UnknownHostError, TimeoutError):
            return ""
        except StepError as error:
            return str(error)
        return ""

    def _git(self, source: Source) -> tuple[Git, str]:
        """Return git for a repository, and its address without a credential."""
        remote = read_remote(source.url, private_targets=self._private_targets)
        if source.password and remote.scheme != "ssh":
            remote.user, remote.password = source.user, source.password
        place = Path(tempfile.gettempdir())
        return Git(place, remote, private_targets=self._private_targets), remote.url

    async def _ask(self, git: Git, url: str, wanted: list[str]) -> str:
        refs = [each if each == "HEAD" else _HEADS + each for each in wanted]
        process = await asyncio.create_subprocess_exec(
            *git.command("ls-remote", "--", url, *refs),
            env=git.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout is not None  # noqa: S101 - for the type checker
        assert process.stderr is not None  # noqa: S101
        try:
            output, said = await asyncio.gather(_read(process.stdout), _read(process.stderr))
            status = await process.wait()
        except BaseException:
            # its helpers too: they have the pipes, and wait for as long as the other side likes
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise
        if status:
            raise OSError(last_words(said.decode("utf-8", "replace")) or "git ls-remote failed")
        return output.decode("utf-8", "replace")


async def _read(stream: asyncio.StreamReader) -> bytes:
    """Read all that comes; of too much only the end is kept."""
    kept = b""
    while part := await stream.read(_CHUNK):
        kept = (kept + part)[-_MOST_READ:]
    return kept
