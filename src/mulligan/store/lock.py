"""The data directory belongs to one process at a time."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from mulligan.core.errors import InfrastructureError


class DataInUseError(InfrastructureError):
    """Another process (or another part of this one) holds the data directory.

    Args:
        directory: The one that was asked for.
        pid: Who holds it; None when that could not be read.
    """

    def __init__(self, directory: Path, pid: int | None) -> None:
        holder = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"the data directory {directory} is in use by {holder}")
        self.directory = directory
        self.pid = pid


class DataLock:
    """An exclusive lock on DIR/lock that the kernel gives back when its process dies.

    The file stays; only the lock on it counts, so none is ever stale.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the directory, which must exist; write the pid into the lock file.

        Raises:
            DataInUseError: It is taken, also when this process took it.
            OSError: The file can't be made or locked.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        file = os.open(self._directory / "lock", flags, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _read_pid(file)
            os.close(file)
            raise DataInUseError(self._directory, pid) from None
        except OSError:
            os.close(file)
            raise
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    def release(self) -> None:
        """Let the directory go. Doing so twice is no error."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> "DataLock":
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _read_pid(file: int) -> int | None:
    text = os.pread(file, 32, 0).strip()
    return int(text) if text.isdigit() else None
