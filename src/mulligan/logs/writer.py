"""Write the log of a job attempt: append-only, indexed, masked, safe to kill at any byte.

This module is imported by the step host, which must start fast: it imports os, time and errno.
"""

from __future__ import annotations

import errno
import os
import time
from _thread import allocate_lock

from mulligan.logs.format import (
    CHUNK_BYTES,
    ENTRY_BYTES,
    LogError,
    LogFullError,
    LogSealedError,
    SectionRecord,
    compressed_path,
    count_starts,
    index_path,
    pack_entry,
    section_path,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mulligan.logs.masking import Masker

# A quota and a limit on the size of files end the space of this log just as a full disk does.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# More than the line takes that says how much is lost.
_ACCOUNT_BYTES = 128
_FILE_MODE = 0o600
_DIRECTORY_MODE = 0o700


class LineCounter:
    """Hand out the line numbers of a run; all writers of the run share one. Safe for threads.

    Args:
        first: the first number to hand out.
    """

    def __init__(self, first: int = 1) -> None:
        self._next = first
        self._lock = allocate_lock()

    @property
    def next(self) -> int:
        """Return the number that would be handed out next."""
        return self._next

    def take(self, count: int) -> int:
        """Take a block of ``count`` numbers and return the first of them."""
        with self._lock:
            first = self._next
            self._next = first + count
        return first

    def raise_to(self, first: int) -> None:
        """Hand out no number below ``first`` from now on."""
        with self._lock:
            self._next = max(self._next, first)


class LogWriter:
    """Append the output of the steps of one job attempt, section by section.

    There must be one writer per log, used by one thread at a time. Opening an existing log repairs
    what a killed writer left and goes on after it; a section that was open then is still open.

    Every byte that was written and is not held back by the masker is in the file when the call
    returns, so that a reader of the live log sees it; whole lines are not needed. It is in the
    care of the system, not synced to the disk.

    Args:
        path: of the log, ends in ``.log``; its directory is made if it is missing.
        counter: of the run; raised above the numbers that the log already has.
        masker: hides secrets; may be replaced between two sections. None: nothing is masked.
        now: epoch seconds.

    Raises:
        LogSealedError: the log is compressed.
        OSError: it can't be opened.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        counter: LineCounter,
        masker: Masker | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = os.fspath(path)
        self.masker = masker
        self._counter = counter
        self._now = now
        self._offset = 0
        self._lines = 0
        self._entries = 0
        self._open_length = 0
        self._before = b""
        # Section records that are not on disk yet, and whether the last one there is a begin.
        self._records: list[SectionRecord] = []
        self._stored_open = False
        self._section_open = False
        self._lost = 0
        self._lost_reported = False
        self._restore()
        self._log = _open_append(self._path)
        try:
            self._index = _open_append(index_path(self._path))
        except OSError:
            os.close(self._log)
            raise

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        counter: LineCounter,
        masker: Masker | None = None,
        now: Callable[[], float] = time.time,
    ) -> LogWriter:
        """Open a log, new or not; the same as the constructor."""
        return cls(path, counter, masker, now)

    @property
    def offset(self) -> int:
        """Return the bytes in the log."""
        return self._offset

    @property
    def lines(self) -> int:
        """Return the lines in the log, an unfinished one included."""
        return self._lines

    @property
    def lost_bytes(self) -> int:
        """Return how many bytes had no space and are not accounted for in the log yet."""
        return self._lost

    def begin_section(
        self, step_id: str, step_attempt: int, run_attempt: int, tag: str = ""
    ) -> None:
        """Begin the section of a step attempt; ends the one before if that is still open.

        On a full disk the record is kept back and written before the next output that fits.

        Raises:
            LogFullError: as ``end_section``; the new section has begun all the same.
        """
        try:
            self.end_section()
        finally:
            self._begin(step_id, step_attempt, run_attempt, tag)

    def _begin(self, step_id: str, step_attempt: int, run_attempt: int, tag: str) -> None:
        record = SectionRecord(
            is_begin=True,
            offset=0,
            line=0,
            time_ms=self._time_ms(),
            step_id=step_id,
            step_attempt=step_attempt,
            run_attempt=run_attempt,
            tag=tag,
        )
        self._records.append(record)
        self._section_open = True
        self._try_catch_up()

    def write(self, data: bytes) -> None:
        """Append output to the open section.

        Args:
            data: any bytes in any portions.

        Raises:
            LogError: no section is open.
            LogFullError: there is no space; raised once until there is space again. The log is
                consistent, what didn't fit is counted, and the next call may be made as usual.
        """
        if not self._section_open:
            raise LogError(f"no section is open in {self._path}")
        if self.masker is None:
            self._append(data)
            return
        for start in range(0, len(data), CHUNK_BYTES):
            self._append(self.masker.feed(data[start : start + CHUNK_BYTES]))

    def flush(self) -> None:
        """Try again to write what waits for space on the disk.

        Does not release what the masker holds back: that could be the first half of a secret.
        """
        self._try_catch_up()

    def end_section(self) -> None:
        """End the open section: write what the masker held back and finish the last line.

        Raises:
            LogFullError: as ``write``.
        """
        if not self._section_open:
            return
        self._section_open = False
        try:
            if self.masker is not None:
                self._append(self.masker.flush_pending())
        finally:
            record = SectionRecord(is_begin=False, offset=0, line=0, time_ms=self._time_ms())
            self._records.append(record)
            self._try_catch_up()

    def close(self) -> None:
        """End the open section and close the files. May be called twice."""
        if self._log < 0:
            return
        try:
            self.end_section()
            self._try_catch_up()
        finally:
            os.close(self._log)
            os.close(self._index)
            self._log = self._index = -1

    def _append(self, data: bytes) -> None:
        """Write masked output, or count it as lost."""
        if len(data) <= CHUNK_BYTES:
            reported = self._append_chunk(data)
        else:
            view = memoryview(data)
            reported = False
            for start in range(0, len(data), CHUNK_BYTES):
                reported |= self._append_chunk(bytes(view[start : start + CHUNK_BYTES]))
        if reported:
            raise LogFullError(f"no space left for {self._path}")

    def _append_chunk(self, data: bytes) -> bool:
        """Write one chunk if there is space; tell whether a lack of it is to be reported."""
        if not data:
            return False
        try:
            if self._records or self._lost:
                data = self._catch_up(data)
            if data:
                self._put(data)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self._lost += len(data)
            first = not self._lost_reported
            self._lost_reported = True
            return first
        return False

    def _try_catch_up(self) -> None:
        """Write what waits for space, or as much of it as there is space for."""
        try:
            self._catch_up(b"")
        except OSError as error:
            if error.errno not in _FULL:
                raise

    def _catch_up(self, data: bytes) -> bytes:
        """Write the section records and the account of lost bytes that wait.

        The account goes out together with ``data`` where it can, lest a disk that has space for
        the one but not for the other gets an account for each chunk.

        Returns:
            What is still to be written of ``data``. An error means that nothing of it was.
        """
        while self._records or self._lost:
            if self._lost and self._stored_open:
                head = b"" if self._records else data[: CHUNK_BYTES - _ACCOUNT_BYTES]
                self._put_lost(head)
                data = data[len(head) :]
            elif self._records:
                self._put_record(self._records[0])
                del self._records[0]
            else:
                break
        return data

    def _put_lost(self, following: bytes) -> None:
        """Write a line that says how much is missing here, and what comes after it."""
        newline = b"\n" if self._open_length else b""
        account = b"[%d bytes of output lost: no space left]\n" % self._lost
        self._put(newline + account + following)
        self._lost = 0
        self._lost_reported = False

    def _put_record(self, record: SectionRecord) -> None:
        """Finish the last line and write a section record for this point of the log."""
        if self._open_length:
            self._put(b"\n")
        record.offset = self._offset
        record.line = self._lines + 1
        file = _open_append(section_path(self._path))
        try:
            _write_whole(file, record.pack(), os.fstat(file).st_size)
        finally:
            os.close(file)
        self._stored_open = record.is_begin

    def _put(self, data: bytes) -> None:
        """Write a chunk and its index entry; after an error both files are as before.

        Args:
            data: 1 to 65,536 bytes.
        """
        starts, first, open_length = count_starts(data, self._open_length, self._before)
        _write_whole(self._log, data, self._offset)
        if starts:
            run_line = self._counter.take(starts)
            entry = pack_entry(
                self._offset + first, self._lines + 1, run_line, self._time_ms(), starts
            )
            try:
                _write_whole(self._index, entry, self._entries * ENTRY_BYTES)
            except OSError:
                os.ftruncate(self._log, self._offset)
                raise
            self._entries += 1
            self._lines += starts
        self._offset += len(data)
        self._open_length = open_length
        self._before = data[-3:] if len(data) >= 3 else (self._before + data)[-3:]

    def _time_ms(self) -> int:
        return int(self._now() * 1000)

    def _restore(self) -> None:
        """Take over the state of a log that exists."""
        if os.path.exists(compressed_path(self._path)):
            raise LogSealedError(f"{self._path} is finished and compressed")
        if not os.path.exists(self._path):
            return
        # A new log, the usual case, does not pay for this import.
        from mulligan.logs.repair import repair

        found = repair(self._path, self._counter)
        self._offset = found.offset
        self._lines = found.lines
        self._entries = found.entries
        self._open_length = found.open_length
        self._before = found.before
        self._stored_open = self._section_open = found.section_open


def _open_append(path: str) -> int:
    """Open a file for appending; make it and its directory if they are missing."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        return os.open(path, flags, _FILE_MODE)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), _DIRECTORY_MODE, exist_ok=True)
        return os.open(path, flags, _FILE_MODE)


def _write_whole(file: int, data: bytes, size: int) -> None:
    """Append all of ``data``, or nothing: on an error the file has ``size`` bytes again."""
    written = os.write(file, data)
    try:
        while written < len(data):
            written += os.write(file, data[written:])
    except OSError:
        os.ftruncate(file, size)
        raise
