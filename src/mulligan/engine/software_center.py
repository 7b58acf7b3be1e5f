"""The software center: files of packages. Bytes lie in the content store, by their SHA-256."""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from mulligan.core.errors import InfrastructureError
from mulligan.core.ids import ProjectId, UserName
from mulligan.core.packages import Package, PackageFile, PackagePlace
from mulligan.core.rights import Actor
from mulligan.engine.audited import audited, with_receipt
from mulligan.engine.commands import ReceiptRequest
from mulligan.engine.package_names import join_package, split_file_path, split_package
from mulligan.ports import Clock, Store

T = TypeVar("T")

MOST_BYTES = 1024 * 1024 * 1024  # of a file, unless the settings say otherwise
_CHUNK_BYTES = 1024 * 1024
_UPLOAD = ".upload-"
_PAGE = 1000


class FileTooLargeError(Exception):
    """A file is over the limit."""


class KeptBytes(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that lie in the content store under `digest` (SHA-256)."""

    digest: str
    sha512: str
    size: int


class SoftwareCenter:
    """Packages, their versions and files.

    Args:
        root: Folder of the content store: bytes with the digest d lie at `d[:2]/d`.
        most_bytes: The size that a file may have.
    """

    def __init__(
        self, *, store: Store, clock: Clock, root: Path, most_bytes: int = MOST_BYTES
    ) -> None:
        self._store = store
        self._clock = clock
        self._root = root
        self.most_bytes = most_bytes

    def path_of(self, digest: str) -> Path:
        """Return where bytes lie."""
        return self._root / digest[:2] / digest

    async def discard_leftovers(self) -> None:
        """Delete what uploads of an earlier life left. Before the first request."""
        await asyncio.to_thread(_discard_leftovers, self._root)

    # --- putting files there --------------------------------------------------------------------

    async def keep(self, chunks: AsyncIterator[bytes], announced: int | None = None) -> KeptBytes:
        """Write bytes into the content store; when this returns they are on the disk.

        Args:
            announced: How many are said to come.

        Raises:
            FileTooLargeError: They are too many; nothing is kept.
            InfrastructureError: They can't be written; nothing is kept.
        """
        if announced is not None and announced > self.most_bytes:
            raise FileTooLargeError
        incoming = await _on_disk(_Incoming, self._root)
        try:
            async for chunk in _buffered(chunks):
                if incoming.size + len(chunk) > self.most_bytes:
                    raise FileTooLargeError
                await _on_disk(incoming.write, chunk)
            return await _on_disk(incoming.finish)
        finally:
            await asyncio.shield(_on_disk(incoming.discard))

    async def publish(
        self,
        actor: Actor,
        place: PackagePlace,
        kept: KeptBytes,
        *,
        receipt: ReceiptRequest | None = None,
    ) -> PackageFile:
        """Make kept bytes a file of a package; package and version are made when missing.

        A file at the same place is replaced; runs and releases that have its bytes keep them.
        """
        return await self._put(actor, place, kept, receipt)

    async def register(
        self,
        project: ProjectId,
        namespace: str,
        package: str,
        version: str,
        file_path: str,
        digest: str,
        size: int,
        sha512: str,
        actor: UserName,
    ) -> PackageFile:
        """Make what a step archived a file of a package. May be repeated.

        Args:
            package: `<repository>%20<name>`.
            file_path: Folders and name, joined by `/`.
            digest, size: As archived; the bytes lie in the content store.
            sha512: 128 hexadecimal digits; "" = it is computed here.

        Raises:
            InvalidError: `file_path` leads elsewhere.
            InfrastructureError: The bytes are not there.
        """
        repository, name = split_package(package)
        folder, filename = split_file_path(file_path)
        place = PackagePlace(
            project=project,
            namespace=namespace,
            repository=repository,
            package=name,
            version=version,
            folder=folder,
            filename=filename,
        )
        if not sha512:
            sha512 = await asyncio.to_thread(_sha512_of, self.path_of(digest))
        kept = KeptBytes(digest=digest, sha512=sha512, size=size)
        return await self._put(Actor(user=actor, way="run"), place, kept, None)

    async def _put(
        self, actor: Actor, place: PackagePlace, kept: KeptBytes, receipt: ReceiptRequest | None
    ) -> PackageFile:
        now = self._clock.now()
        file = PackageFile(
            version=0,
            folder=place.folder,
            filename=place.filename,
            size=kept.size,
            digest=kept.digest,
            sha512=kept.sha512,
            creator=actor.user,
            created_at=now,
            updated_at=now,
        )
        target = "/".join(
            part
            for part in (
                place.namespace,
                join_package(place.repository, place.package),
                place.version,
                place.folder,
                place.filename,
            )
            if part
        )
        acts = audited(
            self._clock,
            actor,
            "package.put",
            project=place.project,
            target=target,
            digest=kept.digest,
        )
        acts = with_receipt(self._clock, acts, actor, receipt, file)
        return await self._store.put_package_file(place, file, acts)

    # --- finding them ---------------------------------------------------------------------------

    async def find(self, place: PackagePlace) -> PackageFile | None:
        """Return the file at a place."""
        return await self._store.find_package_file(place)

    async def find_elsewhere(
        self, project: ProjectId, namespace: str, repository: str, name: str
    ) -> Package | None:
        """Return a package of these names that another project has, a public one first."""
        private: Package | None = None
        offset = 0
        while projects := await self._store.list_projects(limit=_PAGE, offset=offset):
            for other in projects:
                if other.id == project:
                    continue
                found = await self._store.find_package(other.id, namespace, repository, name)
                if found is not None and found.visibility == "public":
                    return found
                private = private or found
            offset += _PAGE
        return private


async def _on_disk(act: Callable[..., T], *values: object) -> T:
    """Do what blocks in a thread; what the disk refuses is an error of storage."""
    try:
        return await asyncio.to_thread(act, *values)
    except OSError as error:
        raise InfrastructureError(f"the file can't be kept: {error.strerror}") from error


async def _buffered(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join small chunks: each one is a call into a thread."""
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size >= _CHUNK_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    if size:
        yield b"".join(parts)


class _Incoming:
    """A file that is being written beside its place. Blocks: for threads."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._root = root
        self._path: Path | None = root / f"{_UPLOAD}{secrets.token_hex(16)}"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "wb", buffering=0)
        self._sha256 = hashlib.sha256()
        self._sha512 = hashlib.sha512()
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """Append."""
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._sha256.update(chunk)
        self._sha512.update(chunk)
        self.size += len(chunk)

    def finish(self) -> KeptBytes:
        """Put it into its place; it is there whole, or not at all."""
        assert self._path is not None  # noqa: S101 - finished once
        os.fsync(self._file.fileno())
        self._file.close()
        digest = self._sha256.hexdigest()
        target = self._root / digest[:2] / digest
        target.parent.mkdir(exist_ok=True, mode=0o700)
        self._path.replace(target)
        self._path = None
        for folder in (target.parent, self._root):
            _sync(folder)
        return KeptBytes(digest=digest, sha512=self._sha512.hexdigest(), size=self.size)

    def discard(self) -> None:
        """Delete it, unless it is in its place."""
        self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _discard_leftovers(root: Path) -> None:
    for path in root.glob(_UPLOAD + "*"):
        path.unlink(missing_ok=True)


def _sha512_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha512").hexdigest()
    except OSError as error:
        raise InfrastructureError(f"the file can't be read: {error.strerror}") from error
