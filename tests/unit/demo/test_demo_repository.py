"""The sample project's repository."""

import shutil
import subprocess
from pathlib import Path

import pytest

from mulligan.demo.repository import HISTORY, Source, make_source

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(source: Source, *arguments: str) -> list[str]:
    """Return the lines that git prints about a repository."""
    command = ["git", "-C", str(source.folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


@needs_git
def test_repository_has_the_expected_commits(tmp_path: Path) -> None:
    """Three commits on main, oldest first, by one author at fixed times, nothing left over."""
    source = make_source(tmp_path / "project")

    log = git(source, "log", "--reverse", "--format=%s|%an|%aI|%cI", "main")

    assert log == [f"{commit.message}|Robin Teal|{commit.date}|{commit.date}" for commit in HISTORY]
    assert [commit.message for commit in HISTORY] == ["catalogue", "prices with rounding", "http"]
    assert git(source, "status", "--porcelain") == []
    assert source.without_git == ""


@needs_git
def test_commit_ids_are_the_same_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings of the user, or of a hook that started us, change nothing."""
    first = make_source(tmp_path / "first")
    (tmp_path / ".gitconfig").write_text("[user]\nname = Somebody\n[commit]\ngpgsign = true\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))

    second = make_source(tmp_path / "second")

    assert second.head == first.head
    assert len(first.head) == 40


@needs_git
def test_repository_can_be_cloned_by_its_url(tmp_path: Path) -> None:
    """The URL works with git also when the path has characters that URLs escape."""
    source = make_source(tmp_path / "a b%20c" / "project")
    target = tmp_path / "clone"

    subprocess.run(["git", "clone", "--quiet", source.url, str(target)], check=True)

    assert (target / "shop" / "server.py").is_file()


def test_without_git_the_files_are_copied_and_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where git is missing the source is a plain folder with all files of the newest commit."""
    monkeypatch.setenv("PATH", str(tmp_path))

    source = make_source(tmp_path / "project")

    assert source.without_git == "git is not installed"
    assert source.head == ""
    names = {name for commit in HISTORY for name in commit.files}
    files = {path for path in source.folder.rglob("*") if path.is_file()}
    assert {path.relative_to(source.folder).as_posix() for path in files} == names


def test_git_that_does_not_work_is_told_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A git that refuses leads to the copy too, and the reason holds what it said."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "git"
    program.write_text("#!/bin/sh\necho out of order >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    source = make_source(tmp_path / "project")

    assert source.without_git == "git does not work here: git init: out of order"
    assert (source.folder / "feed.py").is_file()
