"""Lay out a work folder: sources and packages out of the content store."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mulligan.executors.programs.basics import StepError, say
from mulligan.executors.programs.content import place_of
from mulligan.executors.programs.trees import read_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def lay_out(order: dict[str, Any], work: Path) -> None:
    """Fill the empty folder `work` with what the order names.

    The first source is the folder's content, a further one a folder in it; packages are files.

    Raises:
        StepError: An input is not in the store any more, or two of them have one place.
    """
    store = Path(order["store"])
    for source in order["sources"]:
        folder = work / source["folder"] if source["folder"] else work
        if folder != work and os.path.lexists(folder):
            raise StepError(f"two inputs have the place {source['folder']!r}")
        folder.mkdir(exist_ok=True)
        count = read_tree(_kept(store, source), folder)
        say(f"source {source['name']}: {count} entries in {source['folder'] or '.'}/")
    for package in order["packages"]:
        target = work / package["name"]
        kept = _kept(store, package)
        if target.is_dir() and not target.is_symlink():
            raise StepError(f"the package file {package['name']!r} has the name of a folder")
        target.unlink(missing_ok=True)  # a link must not lead the copy elsewhere
        shutil.copyfile(kept, target)
        target.chmod(0o755 if kept.stat().st_mode & 0o100 else 0o644)
        say(f"package {package['name']}: {target.stat().st_size} bytes")


def _kept(store: Path, entry: dict[str, Any]) -> Path:
    path = place_of(store, entry["digest"])
    if not path.is_file():
        raise StepError(
            f"the content of {entry['name']!r} is not in the store any more: run its stage again",
            cause="files",
        )
    return path


def file_inside(work: Path, path: str, what: str) -> Path:
    """Find a file that the work folder must hold; links may not lead out of it.

    Raises:
        StepError: It is missing, no file, or outside.
    """
    given = Path(path)
    if given.is_absolute() or ".." in given.parts or "\0" in path:
        raise StepError(f"{what} {path!r} is not a path in the work folder")
    root = work.resolve()
    try:
        found = (root / given).resolve(strict=True)
    except (OSError, RuntimeError):  # a loop of links
        raise StepError(f"{what} {path!r} does not exist") from None
    if not found.is_relative_to(root):
        raise StepError(f"{what} {path!r} leads out of the work folder")
    if not found.is_file():
        raise StepError(f"{what} {path!r} is not a file")
    return found
