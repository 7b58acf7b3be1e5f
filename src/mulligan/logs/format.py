"""Define the files of a log: their names, their records and where lines are cut.

A log of one job attempt is three files side by side:

``NAME.log``
    The bytes of the output as they are stored: masked, ANSI and ``##[...]`` markers kept. Every
    section ends with a newline. Once finished it may be ``NAME.log.zst`` instead.
``NAME.idx``
    One entry of 32 bytes for each written chunk in which a line starts. The index is the commit
    record of the lines: a line that no entry counts has no number yet and is not shown.
``NAME.sec``
    One record for each begin and end of a section (an attempt of a step).

The order of writing is section record, log bytes, index entry. So whatever an entry counts is in
the log, and its section is known; what a killed writer left beyond that, ``repair`` puts right.

A *line* has a number. It is a line of output without its newline, or, of one that is longer than
16 KiB, a piece.

This module is imported by the step host, which must start fast: it imports nothing but struct.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE_BYTES = 16_384
"""The longest line, in bytes; a longer one is cut (BK-CI's limit of a log line is 16 KB)."""

CHUNK_BYTES = 65_536
"""The most that one index entry stands for, in bytes (the size of a pipe's buffer)."""

REGION_BYTES = CHUNK_BYTES + PIECE_BYTES + 4
"""The most from an entry's offset to the end of its last line: chunk, rest of the line, newline,
and 3 bytes of a character that was not cut."""

ENTRY_BYTES = 32
_ENTRY = struct.Struct("<QQQQ")
_RECORD = struct.Struct("<BxHIIQQQ")
_BEGIN = 0xB5
_END = 0xE5
_COUNT_BITS = 16


class LogError(Exception):
    """The log can't do what was asked.

    - LogFullError: no space left; the writer goes on once there is space again
    - LogSealedError: the log is finished and compressed
    """


class LogFullError(LogError):
    """There is no space left for the output; it is counted as lost until there is."""


class LogSealedError(LogError):
    """The log is finished and compressed, nothing can be added."""


class SectionRecord:
    """Hold one record of the section file.

    Args:
        is_begin: False for the end of a section; then the identifying fields are empty.
        offset: bytes of the log before this point.
        line: number of the next line in the file, from 1.
        time_ms: epoch milliseconds.
    """

    __slots__ = (
        "is_begin",
        "line",
        "offset",
        "run_attempt",
        "step_attempt",
        "step_id",
        "tag",
        "time_ms",
    )

    def __init__(
        self,
        *,
        is_begin: bool,
        offset: int,
        line: int,
        time_ms: int,
        step_id: str = "",
        step_attempt: int = 0,
        run_attempt: int = 0,
        tag: str = "",
    ) -> None:
        self.is_begin = is_begin
        self.offset = offset
        self.line = line
        self.time_ms = time_ms
        self.step_id = step_id
        self.step_attempt = step_attempt
        self.run_attempt = run_attempt
        self.tag = tag

    def pack(self) -> bytes:
        """Return the record as it is stored."""
        names = self.step_id.encode() + b"\0" + self.tag.encode()
        head = _RECORD.pack(
            _BEGIN if self.is_begin else _END,
            len(names),
            self.step_attempt,
            self.run_attempt,
            self.offset,
            self.line,
            self.time_ms,
        )
        return head + names


def index_path(path: str) -> str:
    """Return the path of the index of the log at ``path`` (which ends in ``.log``)."""
    return path.removesuffix(".log") + ".idx"


def section_path(path: str) -> str:
    """Return the path of the section file of the log at ``path``."""
    return path.removesuffix(".log") + ".sec"


def compressed_path(path: str) -> str:
    """Return the path that the log at ``path`` has when it is compressed."""
    return path + ".zst"


def pack_entry(offset: int, line: int, run_line: int, time_ms: int, count: int) -> bytes:
    """Return an index entry: ``count`` lines start at ``offset``, the first is ``line``.

    Args:
        count: 1 to 65,536.
    """
    return _ENTRY.pack(offset, line, run_line, time_ms << _COUNT_BITS | count - 1)


def unpack_entries(data: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield (offset, line, run_line, time_ms, count) of each whole entry in ``data``."""
    whole = len(data) - len(data) % ENTRY_BYTES
    for offset, line, run_line, packed in _ENTRY.iter_unpack(data[:whole]):
        yield offset, line, run_line, packed >> _COUNT_BITS, (packed & 0xFFFF) + 1


def parse_records(data: bytes) -> tuple[list[SectionRecord], list[int]]:
    """Return the whole section records at the start of ``data`` and where each of them ends.

    Stops at the first one that is torn or is none.
    """
    records: list[SectionRecord] = []
    ends: list[int] = []
    position = 0
    while position + _RECORD.size <= len(data):
        kind, names_length, step_attempt, run_attempt, offset, line, time_ms = _RECORD.unpack_from(
            data, position
        )
        end = position + _RECORD.size + names_length
        if kind not in (_BEGIN, _END) or end > len(data):
            break
        step_id, _, tag = data[position + _RECORD.size : end].partition(b"\0")
        record = SectionRecord(
            is_begin=kind == _BEGIN,
            offset=offset,
            line=line,
            time_ms=time_ms,
            step_id=step_id.decode(errors="replace"),
            step_attempt=step_attempt,
            run_attempt=run_attempt,
            tag=tag.decode(errors="replace"),
        )
        records.append(record)
        ends.append(end)
        position = end
    return records, ends


def count_starts(data: bytes, open_length: int, before: bytes) -> tuple[int, int, int]:
    """Count the lines that start in a chunk, in a few steps per 16 KiB however short they are.

    Args:
        data: the chunk, not empty.
        open_length: bytes of the unfinished line before the chunk; 0 when a line starts with it.
        before: the last 3 bytes before the chunk, or all if there are fewer.

    Returns:
        How many lines start; where the first one does, relative to the chunk (at least -3, because
        a character is not cut; without meaning if none starts); bytes of the unfinished line at
        the end of the chunk.
    """
    size = len(data)
    position = -open_length
    starts = 0 if open_length else 1
    first = 0
    while True:
        low = max(position, 0)
        newline = data.rfind(b"\n", low, position + PIECE_BYTES + 1)
        if newline >= 0:
            if not starts:
                first = data.find(b"\n", low) + 1
            starts += data.count(b"\n", low, newline + 1)
            position = newline + 1
            if position == size:
                return starts - 1, first, 0
        elif size - position <= PIECE_BYTES:
            return starts, first, size - position
        else:
            position += _piece_length(data, position + PIECE_BYTES, before)
            if not starts:
                first = position
            starts += 1


def split_lines(data: bytes) -> Iterator[tuple[bytes, int, bool]]:
    """Yield the lines of ``data``, which begins at the start of one.

    Cuts exactly where ``count_starts`` does, however the same bytes came in chunks.

    Yields:
        The line without its newline; its length in ``data``; whether it ended with a newline.
        Without one it is a piece of a longer line, or the rest of ``data``.
    """
    size = len(data)
    position = 0
    while position < size:
        newline = data.rfind(b"\n", position, position + PIECE_BYTES + 1)
        if newline >= 0:
            for line in data[position:newline].split(b"\n"):
                yield line, len(line) + 1, True
            position = newline + 1
        elif size - position <= PIECE_BYTES:
            yield data[position:], size - position, False
            return
        else:
            length = _piece_length(data, position + PIECE_BYTES, b"")
            yield data[position : position + length], length, False
            position += length


def _piece_length(data: bytes, end: int, before: bytes) -> int:
    """Return the length of a full piece that would end at ``end``: without half a character.

    Only bytes of the piece itself decide, so that it does not matter what has arrived after it.
    """
    last = data[end - 3 : end] if end >= 3 else (before + data[:end])[-3:]
    for back in (1, 2, 3):
        byte = last[-back]
        if byte < 0x80:
            break
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return PIECE_BYTES - back if needed > back else PIECE_BYTES
    return PIECE_BYTES
