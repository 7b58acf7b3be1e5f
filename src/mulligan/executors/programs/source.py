"""Fetch the newest commit of a branch or tag and keep its tree, with a shallow `.git`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mulligan.executors.programs.basics import Done, StepError, say
from mulligan.executors.programs.content import Deposit
from mulligan.executors.programs.git import Git, GitError
from mulligan.executors.programs.targets import read_remote
from mulligan.executors.programs.trees import write_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ARCHIVE = "source.tar"


def fetch_source(order: dict[str, Any]) -> Done:
    """Fetch into the current folder, which is empty, and store the tree.

    Raises:
        StepError: The repository can't be fetched.
    """
    work = Path.cwd()
    private_targets = bool(order["private_targets"])
    kind, name = order["reference"], order["name"]
    remote = read_remote(order["url"], private_targets=private_targets)
    say(f"Preparing: {remote.url}, {kind} {name}")
    git = Git(work, remote, private_targets=private_targets)
    reference = _reference(git, kind, name)
    say("Cloning")
    git.run("init", "-q", "--template=", ".")
    git.run("config", "remote.origin.url", remote.url)
    _fetch(git, reference, f"the {kind} {name!r} was not found in the repository")
    commit = git.run("rev-parse", "--verify", "FETCH_HEAD^{commit}").strip()
    git.run("checkout", "-q", "-f", "--detach", commit)
    committed_at = int(git.run("--no-pager", "log", "-1", "--format=%ct", commit).strip())
    say(git.run("--no-pager", "log", "-1", "--format=HEAD is now at %h %s", commit).strip())
    for left in ("FETCH_HEAD", "logs"):
        _remove(work / ".git" / left)
    with Deposit(Path(order["store"])) as deposit:
        count = write_tree(work, deposit, committed_at)  # type: ignore[arg-type]  # only written to
        deposit.keep()
    say(f"Successful: commit {commit}, {count} entries, {deposit.size} bytes")
    _empty(work)  # later stages take it from the store
    return Done(
        pin=commit,
        artifacts=[{"path": ARCHIVE, "size": deposit.size, "digest": deposit.digest}],
        outputs=[("commit", commit)],
    )


def _reference(git: Git, kind: str, name: str) -> str:
    """Give the full name of a branch or tag, if it can be one."""
    prefix = "refs/tags/" if kind == "tag" else "refs/heads/"
    reference = prefix + name.removeprefix(prefix)
    if name.startswith("-") or "\0" in name:
        raise StepError(f"{name!r} can't be the name of a {kind}")
    try:
        git.run("check-ref-format", reference)
    except GitError:
        raise StepError(f"{name!r} can't be the name of a {kind}") from None
    return reference


def _fetch(git: Git, reference: str, missing: str) -> None:
    arguments = ("fetch", "-q", "--no-tags", "--no-recurse-submodules")
    refspec = f"+{reference}:{reference.replace('refs/heads/', 'refs/remotes/origin/', 1)}"
    try:
        git.run(*arguments, "--depth=1", "origin", refspec)
    except GitError as error:
        text = error.output.lower()
        if "couldn't find remote ref" in text:
            raise StepError(missing) from None
        if "shallow" not in text:
            raise error.of_server() from None
        say("the server can't give a part of the history: all of it is fetched")
        git.run(*arguments, "origin", refspec)


def _empty(folder: Path) -> None:
    for entry in list(folder.iterdir()):
        _remove(entry)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        path.unlink()
