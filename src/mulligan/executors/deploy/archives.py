"""Archives of releases: unpacked within bounds, and nothing of them outside their folder."""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path

from mulligan.executors.deploy.failures import FailedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any

_CHUNK_BYTES = 1024 * 1024
# An archive may hold as many entries, and as many bytes.
MAX_ENTRIES = 100_000
MAX_BYTES = 4 * 1024**3
# It may grow to as many times its size; below the second figure that doesn't matter.
MAX_RATIO = 200
FREE_BYTES = 256 * 1024**2
# Nothing that describes a file is longer; tarfile reads such a thing into memory as a whole.
_MAX_READ_BYTES = 8 * 1024 * 1024
_MAX_LINK_BYTES = 4096
_IS_ENCRYPTED = 0x1


def unpack(source: IO[bytes], name: str, folder: Path) -> None:
    """Unpack an archive into an existing folder.

    Nothing is written outside of it, and no link in it leads out of it. Set-user bits are dropped.

    Args:
        source: the archive, seekable.
        name: its ending says of which kind it is.
        folder: exists.

    Raises:
        FailedError: it is broken, too big, or holds what it must not.
    """
    size = os.fstat(source.fileno()).st_size
    writer = _Writer(name, folder, min(MAX_BYTES, max(FREE_BYTES, size * MAX_RATIO)))
    try:
        if name.endswith(".zip"):
            _unpack_zip(source, writer)
        else:
            _unpack_tar(source, name, writer)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise FailedError(f"{name} is broken: {error}") from None
    # what zipfile raises for a compression it lacks, and for an archive with a password
    except (NotImplementedError, RuntimeError) as error:
        raise FailedError(f"{name} can't be unpacked: {error}") from None
    _check_links(folder, name)


def _check_links(root: Path, archive: str) -> None:
    """Make sure that no link leads out, also not by way of others. Raises FailedError."""
    top = os.path.realpath(root)
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                continue
            found = os.path.realpath(path)
            if found != top and not found.startswith(top + os.sep):
                link = os.path.relpath(path, root)
                raise FailedError(f"{archive}: the link {link!r} leads out of the archive")


class _Bounded:
    """The content of a tar file: it may have so many bytes, and no long piece is read at once."""

    def __init__(self, source: Any, limit: int) -> None:
        self._source = source
        self._limit = limit

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _MAX_READ_BYTES:
            raise ValueError("a header is too long")
        content: bytes = self._source.read(size)
        self._check(self._source.tell())
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._check(offset)
        return int(self._source.seek(offset, whence))

    def _check(self, offset: int) -> None:
        if offset > self._limit:
            raise ValueError("it is too big when it is unpacked")

    def tell(self) -> int:
        return int(self._source.tell())


def _unpack_tar(source: IO[bytes], name: str, writer: _Writer) -> None:
    import gzip

    content = source if name.endswith(".tar") else gzip.GzipFile(fileobj=source)
    bounded: Any = _Bounded(content, writer.limit + MAX_ENTRIES * 2048)  # headers and padding
    try:
        with tarfile.open(fileobj=bounded, mode="r:") as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # or all of them stay in memory
                _add_member(archive, member, writer)
    except gzip.BadGzipFile as error:
        raise FailedError(f"{name} is broken: {error}") from None


def _add_member(archive: tarfile.TarFile, member: tarfile.TarInfo, writer: _Writer) -> None:
    if member.isdir():
        writer.add_folder(member.name)
    elif member.issym():
        writer.add_link(member.name, member.linkname)
    elif member.islnk():
        writer.add_hard_link(member.name, member.linkname)
    elif member.isreg():
        content = archive.extractfile(member)
        if content is None:
            raise FailedError(f"{writer.archive}: {member.name!r} can't be read")
        writer.add_file(member.name, content, member.size, member.mode)
    else:
        raise FailedError(f"{writer.archive}: {member.name!r} is a device or something like it")


def _unpack_zip(source: IO[bytes], writer: _Writer) -> None:
    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            mode = member.external_attr >> 16
            kind = stat.S_IFMT(mode)
            if member.flag_bits & _IS_ENCRYPTED:
                raise FailedError(f"{writer.archive}: {member.filename!r} is encrypted")
            if member.is_dir():
                writer.add_folder(member.filename)
                continue
            with archive.open(member) as content:
                if kind == stat.S_IFLNK:
                    target = content.read(_MAX_LINK_BYTES)
                    writer.add_link(member.filename, os.fsdecode(target))
                elif kind in (0, stat.S_IFREG):
                    writer.add_file(member.filename, content, None, stat.S_IMODE(mode) or 0o644)
                else:
                    raise FailedError(f"{writer.archive}: {member.filename!r} is a device")


class _Writer:
    """Writes the entries of one archive below a folder, through folders that are no links.

    Attributes:
        archive: its name, for messages.
        limit: so many bytes it may have.
    """

    def __init__(self, archive: str, folder: Path, limit: int) -> None:
        self.archive = archive
        self.limit = limit
        self._root = folder
        self._entries = 0
        self._bytes = 0

    def add_folder(self, name: str) -> None:
        """Make a folder; one that is there is fine."""
        parts = self._parts(name)
        self._parent((*parts, ""))

    def add_file(self, name: str, content: IO[bytes], size: int | None, mode: int) -> None:
        """Write a file; one of the same name is replaced."""
        path = self._free(name)
        written = 0
        with path.open("xb") as file:
            while chunk := content.read(_CHUNK_BYTES):
                written += len(chunk)
                self._bytes += len(chunk)
                if self._bytes > self.limit:
                    raise FailedError(
                        f"{self.archive} is too big: more than {self.limit} bytes when unpacked"
                    )
                file.write(chunk)
        if size is not None and written != size:
            raise FailedError(f"{self.archive} is broken: {name!r} is cut off")
        path.chmod((mode & 0o755) | 0o600)

    def add_link(self, name: str, target: str) -> None:
        """Make a symbolic link. Where it leads must be checked when all is there."""
        path = self._free(name)
        if not target or target.startswith("/") or "\0" in target:
            raise FailedError(f"{self.archive}: the link {name!r} leads out of the archive")
        path.symlink_to(target)

    def add_hard_link(self, name: str, target: str) -> None:
        """Give a file that was written before a second name."""
        parts = self._parts(target)
        source = self._parent(parts) / parts[-1] if parts else self._root
        if source.is_symlink() or not source.is_file():
            raise FailedError(f"{self.archive}: the link {name!r} leads to no file before it")
        path = self._free(name)
        os.link(source, path, follow_symlinks=False)

    def _parts(self, name: str) -> tuple[str, ...]:
        """Split the name of an entry. Raises FailedError: it would leave the folder."""
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            raise FailedError(f"{self.archive} has more than {MAX_ENTRIES} entries")
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        if name.startswith("/") or ".." in parts or "\0" in name:
            raise FailedError(f"{self.archive}: {name!r} leads out of the archive")
        return parts

    def _parent(self, parts: tuple[str, ...]) -> Path:
        """Make and return the folder of an entry. Raises FailedError: there is a link, a file."""
        path = self._root
        for part in parts[:-1]:
            path = path / part
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                path.mkdir(mode=0o755)
                continue
            if not stat.S_ISDIR(mode):
                raise FailedError(f"{self.archive}: {'/'.join(parts)!r} lies below a link or file")
        return path

    def _free(self, name: str) -> Path:
        """Return the path of an entry, where nothing is any more."""
        parts = self._parts(name)
        if not parts:
            raise FailedError(f"{self.archive}: {name!r} is no name")
        path = self._parent(parts) / parts[-1]
        if path.is_dir() and not path.is_symlink():
            raise FailedError(f"{self.archive}: {name!r} is a folder and a file")
        path.unlink(missing_ok=True)
        return path
