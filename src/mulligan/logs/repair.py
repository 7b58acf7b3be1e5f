"""Put right what a killed writer left behind."""

from __future__ import annotations

import os

from mulligan.logs.format import (
    CHUNK_BYTES,
    ENTRY_BYTES,
    REGION_BYTES,
    count_starts,
    index_path,
    pack_entry,
    parse_records,
    section_path,
    split_lines,
    unpack_entries,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mulligan.logs.writer import LineCounter

_FILE_MODE = 0o600


class Restored:
    """Hold the state from which a writer goes on (the fields are those of ``LogWriter``)."""

    __slots__ = ("before", "entries", "lines", "offset", "open_length", "section_open")

    def __init__(self) -> None:
        self.offset = 0
        self.lines = 0
        self.entries = 0
        self.open_length = 0
        self.before = b""
        self.section_open = False


def repair(path: str, counter: LineCounter) -> Restored:
    """Make index, sections and bytes of a log agree again, and say where it ends.

    Drops torn records and entries for bytes that don't exist; keeps every byte of the log, and
    gives lines that no entry counts new numbers of the run and the time of the file's last change.
    Must not run beside a writer. Does nothing to a sound log.

    Args:
        path: of a log that exists and is not compressed.
        counter: of the run; raised above the numbers that the log already has.
    """
    log = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        index = os.open(index_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
        try:
            size = os.fstat(log).st_size
            restored = Restored()
            restored.section_open = _trim_sections(section_path(path), size)
            _trim_index(restored, log, index, counter)
            _index_rest(restored, log, index, counter)
        finally:
            os.close(index)
    finally:
        os.close(log)
    return restored


def _trim_sections(path: str, log_size: int) -> bool:
    """Drop a torn record and those beyond the log; tell whether the last section is open."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        size = os.fstat(file).st_size
        records, ends = parse_records(os.pread(file, size, 0))
        while records and records[-1].offset > log_size:
            del records[-1], ends[-1]
        sound = ends[-1] if ends else 0
        if sound < size:
            os.ftruncate(file, sound)
    finally:
        os.close(file)
    return bool(records) and records[-1].is_begin


def _trim_index(restored: Restored, log: int, index: int, counter: LineCounter) -> None:
    """Drop entries without bytes; set the state to the end of what the last entry counts."""
    log_size = os.fstat(log).st_size
    index_size = os.fstat(index).st_size
    entries = index_size // ENTRY_BYTES
    entry = None
    while entries:
        entry = next(unpack_entries(os.pread(index, ENTRY_BYTES, (entries - 1) * ENTRY_BYTES)))
        offset, line, *_ = entry
        # A line number of 0 is what a power cut leaves: the size was stored, the bytes were not.
        if line > 0 and offset < log_size:
            break
        entry = None
        entries -= 1
    if entries * ENTRY_BYTES < index_size:
        os.ftruncate(index, entries * ENTRY_BYTES)
    if entry is None:
        return
    offset, line, run_line, time_ms, count = entry
    counter.raise_to(run_line + count)
    found = 0
    for _, length, ended in split_lines(os.pread(log, REGION_BYTES, offset)):
        found += 1
        offset += length
        # An unfinished line that is not the last thing in the log was cut: the next is a new one.
        restored.open_length = 0 if ended or offset < log_size else length
        if found == count:
            break
    if found < count:
        os.pwrite(
            index,
            pack_entry(entry[0], line, run_line, time_ms, found),
            (entries - 1) * ENTRY_BYTES,
        )
    restored.entries = entries
    restored.lines = line + found - 1
    restored.offset = offset


def _index_rest(restored: Restored, log: int, index: int, counter: LineCounter) -> None:
    """Append entries for the bytes that follow."""
    time_ms = os.fstat(log).st_mtime_ns // 1_000_000
    restored.before = os.pread(log, 3, max(restored.offset - 3, 0))[: restored.offset]
    while data := os.pread(log, CHUNK_BYTES, restored.offset):
        starts, first, open_length = count_starts(data, restored.open_length, restored.before)
        if starts:
            run_line = counter.take(starts)
            line = restored.lines + 1
            entry = pack_entry(restored.offset + first, line, run_line, time_ms, starts)
            os.pwrite(index, entry, restored.entries * ENTRY_BYTES)
            restored.entries += 1
            restored.lines += starts
        restored.offset += len(data)
        restored.open_length = open_length
        restored.before = (restored.before + data)[-3:]
