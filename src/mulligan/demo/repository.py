"""The sample project as a git repository with a history, made when the demonstration starts.

The same files, authors and dates give the same commit ids every time.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import msgspec

SAMPLE = Path(__file__).parent / "sample"
BRANCH = "main"
AUTHOR = ("Robin Teal", "robin@shop.example")
GIT_WITHIN_S = 60.0


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One commit of the sample; `files` are paths in the sample, `date` is RFC 3339."""

    message: str
    date: str
    files: tuple[str, ...]


HISTORY = (
    Commit(
        message="catalogue",
        date="2026-03-02T09:10:00+00:00",
        files=(
            "README.md",
            "shop/VERSION",
            "shop/__init__.py",
            "shop/catalogue.py",
            "tests/__init__.py",
            "tests/test_catalogue.py",
        ),
    ),
    Commit(
        message="prices with rounding",
        date="2026-03-03T14:25:00+00:00",
        files=("shop/pricing.py", "tests/test_pricing.py"),
    ),
    Commit(
        message="http",
        date="2026-03-05T16:40:00+00:00",
        files=(
            "ci/__init__.py",
            "ci/build.py",
            "ci/integration.py",
            "ci/package.py",
            "ci/publish.py",
            "feed.py",
            "shop/__main__.py",
            "shop/costs.py",
            "shop/server.py",
            "tests/test_server.py",
        ),
    ),
)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the pipeline gets the project from.

    Attributes:
        folder: The files of the newest commit, on this machine.
        head: Id of the newest commit; empty when there is no git repository.
        without_git: Why there is none, in plain words; empty when there is one.
    """

    folder: Path
    head: str = ""
    without_git: str = ""

    @property
    def url(self) -> str:
        """What `git clone` takes."""
        return self.folder.as_uri()


class GitError(Exception):
    """Git is here but refused a command; the text is what it said."""


def make_source(folder: Path) -> Source:
    """Make the sample project in a folder (absolute) that does not exist yet.

    It becomes a repository, or a plain copy when git is missing or does not work.
    """
    if shutil.which("git") is None:
        reason = "git is not installed"
    else:
        try:
            return Source(folder=folder, head=make_repository(folder))
        except GitError as error:
            reason = f"git does not work here: {error}"
            shutil.rmtree(folder)
    for commit in HISTORY:
        copy_files(folder, commit.files)
    return Source(folder=folder, without_git=reason)


def make_repository(folder: Path) -> str:
    """Commit the history; return the id of the newest commit.

    Raises:
        GitError: A command failed or took more than a minute.
    """
    folder.mkdir(parents=True)
    run_git(folder, "init", "--quiet")
    for commit in HISTORY:
        copy_files(folder, commit.files)
        run_git(folder, "add", "--all")
        run_git(folder, "commit", "--quiet", "-m", commit.message, date=commit.date)
    return run_git(folder, "rev-parse", "HEAD")


def copy_files(folder: Path, names: Iterable[str]) -> None:
    """Copy files of the sample; nothing else that may lie there (compiled modules)."""
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SAMPLE / name, target)


def run_git(folder: Path, *arguments: str, date: str = "") -> str:
    """Run git without any setting of the machine or the user; return what it printed.

    Raises:
        GitError: Exit code not 0, or no end within a minute.
    """
    name, email = AUTHOR
    settings = {"user.name": name, "user.email": email, "init.defaultBranch": BRANCH}
    options = [text for key, value in settings.items() for text in ("-c", f"{key}={value}")]
    try:
        done = subprocess.run(
            ["git", *options, *arguments],
            cwd=folder,
            env=git_environment(folder, date),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=GIT_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {arguments[0]} took more than {GIT_WITHIN_S:.0f} s") from error
    if done.returncode != 0:
        raise GitError(f"git {arguments[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()


def git_environment(folder: Path, date: str) -> dict[str, str]:
    """Return the environment without the GIT_* of a hook that may have started us."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    own = {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "HOME": str(folder),  # git before 2.32 does not know GIT_CONFIG_GLOBAL
        "XDG_CONFIG_HOME": str(folder),
        "LC_ALL": "C",
    }
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
    return clean | own | dates
