"""Build an image with buildah and push it."""

from __future__ import annotations

import re
from pathlib import Path

from mulligan.executors.programs.basics import Done, StepError, say
from mulligan.executors.programs.containers import Storage
from mulligan.executors.programs.layout import file_inside, lay_out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def build_image(order: dict[str, Any]) -> Done:
    """Lay out the build folder in the current one, build, push.

    Raises:
        StepError: The tools are missing, or building or pushing failed.
    """
    work = Path.cwd()
    lay_out(order, work)
    temp = Path(order["temp"])
    dockerfile = _dockerfile(order, work, temp)
    context = _context(work, order["build_path"])
    full_name = f"{order['registry']}/{order['image']}"
    with Storage(temp / "containers", order["registry"], order["auth_file"]) as storage:
        common = [*storage.auth_options(), "--signature-policy", storage.policy()]
        say(f"Building {full_name}")
        build = ["bud", "--isolation", "chroot", *common, "-t", full_name, "-f", str(dockerfile)]
        if storage.run("buildah", *build, str(context), cwd=work) != 0:
            raise StepError("the image could not be built")
        digest = _push(storage, common, full_name)
    say(f"Successful: {full_name}@{digest}")
    return Done(outputs=[("image", order["image"]), ("digest", digest)])


def _push(storage: Storage, common: list[str], full_name: str) -> str:
    """Push; return the digest that the registry has the image by."""
    say(f"Pushing {full_name}")
    file = storage.folder / "digest"
    push = ["push", *common, "--digestfile", str(file)]
    if storage.is_plain:
        push.append("--tls-verify=false")
    if storage.run("buildah", *push, full_name, f"docker://{full_name}") != 0:
        raise StepError(f"the image could not be pushed to the registry {storage.registry}")
    digest = file.read_text().strip()
    if not _DIGEST.fullmatch(digest):
        raise StepError("the registry did not tell the digest of the image")
    return digest


def _dockerfile(order: dict[str, Any], work: Path, temp: Path) -> Path:
    """Give the Dockerfile: the text lies outside of the build folder, so no file is in its way."""
    if order["dockerfile_content"]:
        file = temp / "Dockerfile"
        file.write_text(order["dockerfile_content"], encoding="utf-8", errors="surrogateescape")
        return file
    return file_inside(work, order["dockerfile_path"], "the Dockerfile")


def _context(work: Path, path: str) -> Path:
    given = Path(path)
    if given.is_absolute() or ".." in given.parts or "\0" in path:
        raise StepError(f"the build path {path!r} is not a path in the build folder")
    found = (work / given).resolve()
    if not found.is_relative_to(work.resolve()):
        raise StepError(f"the build path {path!r} leads out of the build folder")
    if not found.is_dir():
        raise StepError(f"the build path {path!r} is not a folder")
    return found
