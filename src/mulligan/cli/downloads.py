"""Files that come from the server: whole and checked, or not at all."""

import hashlib
import os
import tempfile
from pathlib import Path

from mulligan.cli.exits import EXIT_FAILED, FailureError
from mulligan.cli.options import Session


def fetch(session: Session, source: str, digest: str, to: Path | None, name: str) -> Path:
    """Download a file; return where it is.

    Args:
        source: Path in the API.
        digest: SHA-256 that it must have, in hexadecimal.
        to: File or folder; None = the current one.
        name: Its path on the server, of which the last part is its name in a folder.

    Raises:
        FailureError: It is another file than was announced, or can't be written.
    """
    target = to if to is not None else Path()
    if target.is_dir():
        target /= name.rpartition("/")[2]
    try:
        _write(session, source, digest, target)
    except OSError as error:
        raise FailureError(f"{target}: {error.strerror or error}", EXIT_FAILED) from None
    return target


def _write(session: Session, source: str, digest: str, target: Path) -> None:
    """Write a file beside its place, check it, and put it there."""
    found = hashlib.sha256()
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for piece in session.client.read(source):
                found.update(piece)
                file.write(piece)
        if found.hexdigest() != digest:
            raise FailureError("what came is not what was announced; try again", EXIT_FAILED)
        beside.chmod(0o666 & ~_umask())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def size_text(size: int) -> str:
    """Show a number of bytes in the unit that people read."""
    amount, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.1f} {unit}" if unit != "B" else f"{size} B"
