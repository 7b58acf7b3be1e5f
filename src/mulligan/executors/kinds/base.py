"""What every kind of step is given, and what it makes of it: a program for the step host."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from mulligan.core.prepare import StepOrder

_PROGRAMS = Path(__file__).parent.parent / "programs" / "__main__.py"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class CannotRunError(Exception):
    """A step can't be begun. `cause`: as in `StepEnd`."""

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The data directory, and what the server's settings say about steps.

    Args:
        registry: `host:port` of the registry that images are pushed to, "" without one.
        auth_file: Its credentials, as `buildah login --authfile` writes them; "" without.
        private_targets: Whether repositories and health checks on this machine and in private
            networks may be spoken to, and `file://` repositories read.
        java: Program that plugins in Java are run with, "" = `java` on PATH.
    """

    root: Path
    registry: str = ""
    auth_file: str = ""
    private_targets: bool = False
    java: str = ""

    @property
    def artifacts(self) -> Path:
        """Return the folder with the content store."""
        return self.root / "artifacts"


class Here(msgspec.Struct, frozen=True, kw_only=True):
    """Where one step runs.

    Args:
        workspace: Folder of its job.
        temp: Folder for scripts and messages of its job attempt.
        base_env: What every program gets; without the variables of the run.
        env: With them.
        timeout_s: How long the step may take, in seconds.
    """

    place: Place
    workspace: Path
    temp: Path
    base_env: Mapping[str, str]
    env: Mapping[str, str]
    timeout_s: float


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """What the step host runs for a step. Environment and secrets are not shown by `repr`.

    Args:
        secrets: Masked in the log, besides those of the order.
        commands: Whether `::set-…` in its output are commands.
        leaves_files: Whether it leaves files for `ends.with_left_files`.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: Path
    secrets: tuple[str, ...] = ()
    commands: bool = False
    leaves_files: bool = False

    def __repr__(self) -> str:
        """Name the program, and nothing that could be secret."""
        return f"Program(argv={self.argv[:1]!r})"


Prepare: TypeAlias = Callable[[StepOrder, Here], Program]


def inside(folder: Path, path: str) -> Path:
    """Give a place below `folder`; links are followed.

    Raises:
        CannotRunError: It is outside, or no path.
    """
    try:
        target = (folder / path).resolve()
    except ValueError as error:  # a NUL character
        raise CannotRunError("config", f"{path!r} can't be a path: {error}") from None
    if not target.is_relative_to(folder.resolve()):
        raise CannotRunError("config", f"the path {path!r} leads out of the workspace")
    return target


def plain_name(text: object, what: str) -> str:
    """Check that a text can be the name of one file in a folder."""
    name = str(text or "")
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise CannotRunError("config", f"{name!r} can't be the name of {what}")
    return name


def split_patterns(value: object) -> list[str]:
    """Split patterns at commas, semicolons and line ends; variables may have brought some in."""
    texts: Iterable[object] = value if isinstance(value, list) else [value or ""]
    parts = (part for text in texts for part in re.split(r"[,;\n]", str(text)))
    return [part.strip() for part in parts if part.strip()]


def digest_of(order: StepOrder, what: str) -> str:
    """Give the digest of an input that the engine found for the order.

    Raises:
        CannotRunError: There is none.
    """
    digest = (order.inputs.get("files") or {}).get(what)
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        kind, _, name = what.partition(":")
        raise CannotRunError("config", f"there is no {kind} {name!r} to work with")
    return digest


def write_private(file: Path, content: Mapping[str, object]) -> Path:
    """Write a JSON file that only this user can read."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        output.write(msgspec.json.encode(content))
    return file


def own_program(here: Here, order: Mapping[str, object]) -> tuple[str, ...]:
    """Give the call of a program of `programs`; `order["act"]` says which."""
    file = write_private(here.temp / "order.json", order)
    return (sys.executable, "-I", "-S", "-X", "utf8", os.fspath(_PROGRAMS), os.fspath(file))
