"""The content store: bytes under their SHA-256 (`ab/abcdef…`).

The same file is kept once, and what one attempt stored is never changed by another.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

CHUNK_BYTES = 1024 * 1024
PARTIAL = ".new-"  # begins the name of a file that is not whole yet


class Deposit:
    """A file on its way into the store: write to it, then `keep`. A context manager.

    Attributes:
        size: Bytes that were written.
        digest, sha512: Of them, after `keep`.
    """

    def __init__(self, store: Path) -> None:
        store.mkdir(parents=True, exist_ok=True)
        self._store = store
        descriptor, name = tempfile.mkstemp(prefix=PARTIAL, dir=store)
        self._file = os.fdopen(descriptor, "wb")
        self._path = Path(name)
        self._sha256 = hashlib.sha256()
        self._sha512 = hashlib.sha512()
        self.size = 0
        self.digest = ""
        self.sha512 = ""

    def __enter__(self) -> Deposit:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop what was not kept."""
        self._file.close()
        if not self.digest:
            with contextlib.suppress(OSError):
                self._path.unlink()

    def write(self, data: bytes) -> int:
        """Append; return how many bytes that were."""
        self._sha256.update(data)
        self._sha512.update(data)
        self.size += len(data)
        return self._file.write(data)

    def keep(self, *, is_program: bool = False) -> None:
        """Put it in its place, durably."""
        self._file.flush()
        self._path.chmod(0o700 if is_program else 0o600)
        os.fsync(self._file.fileno())
        digest = self._sha256.hexdigest()
        target = place_of(self._store, digest)
        target.parent.mkdir(exist_ok=True)
        self._path.replace(target)
        folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self.digest, self.sha512 = digest, self._sha512.hexdigest()


def place_of(store: Path, digest: str) -> Path:
    """Give where the bytes of a digest lie."""
    return store / digest[:2] / digest


def keep_file(store: Path, path: Path) -> Deposit:
    """Copy a file into the store."""
    with path.open("rb") as source, Deposit(store) as deposit:
        while chunk := source.read(CHUNK_BYTES):
            deposit.write(chunk)
        deposit.keep(is_program=bool(os.fstat(source.fileno()).st_mode & 0o100))
    return deposit
