"""The newest commits of branches, from a real repository."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from mulligan.executors.heads import GitHeads
from mulligan.ports.sources import Source

pytestmark = pytest.mark.anyio


def git(folder: Path, *words: str) -> str:
    """Call git in a folder; return what it prints."""
    done = subprocess.run(
        ["git", "-c", "user.name=ann", "-c", "user.email=ann@x", *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a repository with two branches."""
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "one")
    git(tmp_path, "checkout", "-q", "-b", "feature/a")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "two")
    return tmp_path


async def test_branches_are_asked_by_name(repository: Path) -> None:
    """Those that exist come with their commits; without names it is the default one."""
    heads, source = GitHeads(private_targets=True), Source(url=repository.as_uri())

    found = await heads.heads(source, ("main", "feature/a", "gone", "--upload-pack=x"))
    head = await heads.heads(source, ())

    assert found == {
        "main": git(repository, "rev-parse", "main"),
        "feature/a": git(repository, "rev-parse", "feature/a"),
    }
    assert head == {"HEAD": git(repository, "rev-parse", "HEAD")}


@pytest.mark.parametrize("url", ["file:///gone", "https://127.0.0.1/x", "--upload-pack=x", "x"])
async def test_what_can_not_be_asked_says_why(url: str) -> None:
    """Private addresses and files are not asked unless the setting allows it."""
    with pytest.raises(OSError, match=r"\w"):
        await GitHeads(private_targets=False).heads(Source(url=url), ("main",))


async def test_a_repository_that_is_gone(tmp_path: Path) -> None:
    """What git says is the reason."""
    source = Source(url=(tmp_path / "gone").as_uri())

    with pytest.raises(OSError, match="remote repository"):
        await GitHeads(private_targets=True).heads(source, ("main",))


async def test_a_server_that_never_answers() -> None:
    """It is given up, and git leaves nothing behind that goes on waiting for it."""
    gone = asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):  # until the other side is gone
            pass
        gone.set()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        source = Source(url=f"http://127.0.0.1:{port}/x.git")
        heads = GitHeads(private_targets=True, timeout_s=0.5)
        with pytest.raises(TimeoutError, match=r"within 0\.5 s"):
            await heads.heads(source, ("main",))
        async with asyncio.timeout(30):
            await gone.wait()
