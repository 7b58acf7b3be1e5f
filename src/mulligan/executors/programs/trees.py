"""Turn a folder into a tar archive and back. What comes back stays in its folder.

Owners are left out, and all entries have one time, so that the same files give the same bytes.
"""

from __future__ import annotations

import os
import stat
import tarfile
from pathlib import Path

from mulligan.executors.programs.basics import StepError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

_PERMISSIONS = 0o777


def write_tree(root: Path, output: IO[bytes], modified_at: int) -> int:
    """Write the files, folders and links below `root`; return how many entries that were.

    Args:
        output: Is written to in order.
        modified_at: Epoch seconds, of every entry.
    """
    count = 0
    with tarfile.open(
        fileobj=output, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1024 * 1024
    ) as archive:
        for path in _walk(os.fspath(root)):
            entry = tarfile.TarInfo(os.path.relpath(path, root))
            entry.mtime = modified_at
            found = os.lstat(path)
            entry.mode = stat.S_IMODE(found.st_mode) & _PERMISSIONS
            count += 1
            if stat.S_ISDIR(found.st_mode):
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            elif stat.S_ISLNK(found.st_mode):
                entry.type = tarfile.SYMTYPE
                entry.linkname = os.readlink(path)
                archive.addfile(entry)
            elif stat.S_ISREG(found.st_mode):
                entry.size = found.st_size
                with open(path, "rb") as content:
                    archive.addfile(entry, content)
            else:
                count -= 1
    return count


def _walk(folder: str) -> Iterator[str]:
    """Give all entries below a folder in a fixed order, each folder before what is in it."""
    with os.scandir(folder) as entries:
        names = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    for name, is_folder in names:
        path = f"{folder}/{name}"
        yield path
        if is_folder:
            yield from _walk(path)


def read_tree(archive_file: Path, root: Path) -> int:
    """Unpack an archive of `write_tree` into an existing folder; return the number of entries.

    Links are made at the end, so nothing is ever written through one.

    Raises:
        StepError: It is no such archive, or an entry would leave the folder.
    """
    links: list[tuple[Path, str]] = []
    count = 0
    try:
        with tarfile.open(archive_file, mode="r|", bufsize=1024 * 1024) as archive:
            for entry in archive:
                count += 1
                target = root / _safe_name(entry.name)
                if entry.issym():
                    links.append((target, entry.linkname))
                else:
                    _read_entry(archive, entry, target)
    except tarfile.TarError as error:
        raise StepError(f"the archive of a source is broken: {error}", cause="files") from None
    for target, destination in links:
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target):
            raise StepError(f"the archive has two entries {target.name!r}")
        target.symlink_to(destination)
    return count


def _safe_name(name: str) -> str:
    if name.startswith("/") or ".." in name.split("/") or "\0" in name:
        raise StepError(f"the archive has an entry outside of its folder: {name!r}")
    return name


def _read_entry(archive: tarfile.TarFile, entry: tarfile.TarInfo, target: Path) -> None:
    if entry.isdir():
        target.mkdir(parents=True, exist_ok=True)
        target.chmod((entry.mode & _PERMISSIONS) | 0o700)
        return
    content = archive.extractfile(entry) if entry.isreg() else None
    if content is None:
        raise StepError(f"the archive has an entry that is no file: {entry.name!r}")
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = (entry.mode & _PERMISSIONS) | 0o600
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(target, flags, mode), "wb") as output:
        while chunk := content.read(1024 * 1024):
            output.write(chunk)
        os.fchmod(output.fileno(), mode)
        os.utime(output.fileno(), (entry.mtime, entry.mtime))
