"""The newest commits of branches, asked from the repository itself with `git ls-remote`."""

import asyncio
import tempfile
from pathlib import Path

from mulligan.executors.programs.basics import StepError
from mulligan.executors.programs.git import Git, last_words
from mulligan.executors.programs.targets import read_remote
from mulligan.ports.sources import Source

_TIMEOUT_S = 30.0
_MOST_READ = 256 * 1024  # bytes: three branches take some hundred
_HEADS = "refs/heads/"


class GitHeads:
    """Implements `ports.sources.Heads`.

    Args:
        private_targets: Repositories of this machine and of private networks may be asked.
    """

    def __init__(self, *, private_targets: bool) -> None:
        self._private_targets = private_targets

    async def heads(self, source: Source, branches: tuple[str, ...]) -> dict[str, str]:
        """Return the newest commit of each branch that exists; () = the default one, as "HEAD".

        Raises:
            OSError: It can't be asked, for the reason in the text.
        """
        wanted = [each for each in branches if each and not each.startswith("-")] or ["HEAD"]
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                git, address = await asyncio.to_thread(self._git, source)
                output = await self._ask(git, address, wanted)
        except StepError as error:
            raise OSError(str(error)) from None
        except TimeoutError:
            raise TimeoutError(f"no answer within {_TIMEOUT_S:g} s") from None
        found: dict[str, str] = {}
        for line in output.splitlines():
            commit, _, ref = line.partition("\t")
            name = ref.removeprefix(_HEADS)
            if name in wanted:
                found[name] = commit
        return found

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
        try:
            output, said = await process.communicate()
        except BaseException:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            text = said[-_MOST_READ:].decode("utf-8", "replace")
            raise OSError(last_words(text) or "git ls-remote failed")
        return output[:_MOST_READ].decode("utf-8", "replace")
