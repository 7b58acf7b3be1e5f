"""The data directory belongs to one process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mulligan.core.errors import InfrastructureError
from mulligan.store.lock import DataInUseError, DataLock
from mulligan.store.sql.store import SqlStore

HOLD = """
import sys
from pathlib import Path
from mulligan.store.lock import DataLock
DataLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_taker_learns_who_has_it(tmp_path: Path) -> None:
    """Within one process too, the second lock fails and names the holder."""
    with DataLock(tmp_path):
        with pytest.raises(DataInUseError) as caught:
            DataLock(tmp_path).acquire()

        assert caught.value.pid == os.getpid()
        assert str(os.getpid()) in str(caught.value)
        assert isinstance(caught.value, InfrastructureError)


def test_it_can_be_taken_again_when_it_was_released(tmp_path: Path) -> None:
    """Releasing, also twice, lets the next one in; the file that stays locks nobody out."""
    first = DataLock(tmp_path)
    first.acquire()
    first.release()
    first.release()

    with DataLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_holder_whose_pid_cannot_be_read_is_another_process(tmp_path: Path) -> None:
    """Between the lock and the writing of the pid there is no number to tell."""
    with DataLock(tmp_path):
        (tmp_path / "lock").write_text("")

        with pytest.raises(DataInUseError, match="another process") as caught:
            DataLock(tmp_path).acquire()

    assert caught.value.pid is None


def test_a_directory_that_is_missing_is_an_error_of_the_system(tmp_path: Path) -> None:
    """Nothing is made on the way."""
    with pytest.raises(FileNotFoundError):
        DataLock(tmp_path / "missing").acquire()


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    """A process that is killed leaves nothing to be cleaned up."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DataInUseError) as caught:
            DataLock(tmp_path).acquire()

        holder.kill()
        holder.wait()

        assert caught.value.pid == holder.pid
        DataLock(tmp_path).acquire()


@pytest.mark.anyio
async def test_a_store_takes_its_directory(tmp_path: Path) -> None:
    """A second store on the same directory is refused until the first is closed."""
    first, second = (SqlStore(tmp_path / "mulligan.db") for _ in range(2))
    await first.open()

    with pytest.raises(DataInUseError):
        await second.open()

    await first.close()
    await second.open()
    await second.close()
