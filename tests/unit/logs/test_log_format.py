"""Where lines are cut, and what is stored."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_model import PIECE, model_lines

from mulligan.logs.format import (
    SectionRecord,
    count_starts,
    pack_entry,
    parse_records,
    split_lines,
    unpack_entries,
)

BLOCKS = st.one_of(
    st.binary(max_size=6),
    st.sampled_from([b"\n", b"\r\n", "é".encode(), "€".encode(), "😀".encode(), b"\xf0", b"\x80"]),
    st.builds(
        lambda unit, count: unit * count, st.sampled_from([b"x", b"\xff"]), st.integers(1, 9)
    ),
    st.builds(lambda near: b"y" * near, st.integers(PIECE - 5, PIECE + 5)),
)
OUTPUTS = st.lists(BLOCKS, max_size=12).map(b"".join)


def counted(chunks: list[bytes]) -> tuple[int, int]:
    """Return how many lines start in all the chunks, and the length of the unfinished one."""
    starts = open_length = 0
    before = b""
    for chunk in chunks:
        here, _, open_length = count_starts(chunk, open_length, before)
        starts += here
        before = (before + chunk)[-3:]
    return starts, open_length


@pytest.mark.parametrize("length", [1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 5 * PIECE + 7])
def test_long_line_is_cut_into_full_pieces(length: int) -> None:
    """A line has as many pieces of 16 KiB as it needs, and no byte is lost."""
    data = b"x" * length + b"\n"

    pieces = [line for line, _, _ in split_lines(data)]

    assert b"".join(pieces) == data[:-1]
    assert [len(piece) for piece in pieces[:-1]] == [PIECE] * (len(pieces) - 1)
    assert len(pieces) == -(-length // PIECE)


@pytest.mark.parametrize("character", ["é", "€", "😀"])
@pytest.mark.parametrize("shift", [0, 1, 2, 3])
def test_character_on_a_cut_stays_whole(character: str, shift: int) -> None:
    """A character that would be cut in two begins the next piece."""
    text = "a" * (PIECE - shift) + character + "bbbb"

    pieces = [line.decode() for line, _, _ in split_lines(text.encode())]

    assert "".join(pieces) == text
    assert len(pieces) == 2


def test_cut_character_may_begin_in_an_earlier_chunk() -> None:
    """The start of a piece can lie up to 3 bytes before the chunk that makes it necessary."""
    line = b"a" * (PIECE - 3) + "😀".encode()

    starts, first, open_length = count_starts(line[PIECE:], PIECE, line[PIECE - 3 : PIECE])

    assert (starts, first, open_length) == (1, -3, 4)


@given(OUTPUTS)
@settings(max_examples=80, deadline=None)
def test_lines_are_those_of_the_model(output: bytes) -> None:
    """Splitting gives the lines of the model and accounts for every byte."""
    found = list(split_lines(output))

    assert [line for line, _, _ in found] == [line for line, _ in model_lines(output)]
    assert sum(length for _, length, _ in found) == len(output)


@given(st.lists(OUTPUTS.filter(bool), max_size=6), st.integers(1, 5))
@settings(max_examples=80, deadline=None)
def test_counting_does_not_depend_on_chunks(chunks: list[bytes], size: int) -> None:
    """The lines counted chunk by chunk are those of the whole output."""
    output = b"".join(chunks)
    ended = not output or output.endswith(b"\n")

    starts, open_length = counted(chunks)
    small = counted([output[at : at + size] for at in range(0, min(len(output), 300), size)])

    assert starts == len(model_lines(output))
    assert open_length == (0 if ended else len(model_lines(output)[-1][0]))
    assert small[0] == len(model_lines(output[:300]))


@given(st.integers(0, 2**63), st.integers(1, 2**63), st.integers(1, 2**63), st.integers(1, 65_536))
def test_index_entry_reads_back(offset: int, line: int, run_line: int, count: int) -> None:
    """An entry gives back what was packed, and a torn one after it is left out."""
    fields = (offset, line, run_line, 1_787_300_110_000, count)
    packed = pack_entry(*fields)

    assert list(unpack_entries(packed + packed[:31])) == [fields]


@given(st.text(max_size=20), st.text(max_size=20).filter(lambda text: "\0" not in text))
def test_section_record_reads_back(step_id: str, tag: str) -> None:
    """A record gives back what was packed, for any text without NUL, and stops at a torn one."""
    record = SectionRecord(
        is_begin=True,
        offset=7,
        line=3,
        time_ms=1_787_300_110_000,
        step_id=step_id.replace("\0", ""),
        step_attempt=2,
        run_attempt=4,
        tag=tag,
    )
    packed = record.pack()

    records, ends = parse_records(packed + packed[:-1])

    assert ends == [len(packed)]
    assert all(
        getattr(records[0], name) == getattr(record, name) for name in SectionRecord.__slots__
    )


def test_writer_imports_only_small_modules() -> None:
    """The step host gets no heavy module with the writer and the masker."""
    program = (
        "import os, sys; before = set(sys.modules); "
        "import mulligan.logs.writer, mulligan.logs.masking; "
        "print(*sorted(set(sys.modules) - before))"
    )

    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _with_path(program)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert set(answer.stdout.split()) <= {
        "__future__",
        "_struct",
        "binascii",
        "errno",
        "mulligan",
        "mulligan.logs",
        "mulligan.logs.format",
        "mulligan.logs.masking",
        "mulligan.logs.writer",
        "struct",
    }


def _with_path(program: str) -> str:
    """Make the package found although the site packages are not."""
    return f"import sys; sys.path[:] = {sys.path!r}; {program}"
