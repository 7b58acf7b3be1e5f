"""Whatever is written in whatever portions, the reader gives what a simple model gives."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from log_model import PIECE, model_texts, texts, ticking

from mulligan.logs.compression import compress
from mulligan.logs.lines import LogLine
from mulligan.logs.reader import LogReader
from mulligan.logs.writer import LineCounter, LogWriter

CHUNKS = st.one_of(
    st.binary(max_size=30),
    st.text(st.sampled_from("aé€😀\n\r"), max_size=30).map(str.encode),
    st.sampled_from([1, 100, PIECE - 1, PIECE, PIECE + 1, 70_000]).map(lambda size: b"x" * size),
    st.sampled_from([3, 600, 22_000]).map(lambda count: b"ab\n" * count),
)
SECTIONS = st.lists(st.tuples(st.lists(CHUNKS, max_size=6), st.booleans()), max_size=4)
Sections = list[tuple[list[bytes], bool]]


def written(path: Path, sections: Sections) -> LogReader:
    """Write a log; a section with True is written by a writer that vanishes without closing."""
    writer = LogWriter(path, LineCounter(), now=ticking())
    for number, (chunks, vanishes) in enumerate(sections):
        writer.begin_section(str(number), 1, 1)
        for chunk in chunks:
            writer.write(chunk)
        if vanishes:
            writer = LogWriter.open(path, LineCounter(), now=ticking())
    writer.close()
    return LogReader(path)


def expected(sections: Sections) -> list[tuple[str, str]]:
    """Return section and text of each line."""
    return [
        (str(number), text)
        for number, (chunks, _) in enumerate(sections)
        for text in model_texts(b"".join(chunks))
    ]


def shown(lines: list[LogLine]) -> list[tuple[str, str]]:
    """Return section and text of lines."""
    return [(line.section.step_id, line.text) for line in lines]


@given(SECTIONS)
@settings(max_examples=60, deadline=None)
def test_reader_gives_what_was_written(sections: Sections) -> None:
    """All lines are there, in order, in their section, with ascending numbers and offsets."""
    with tempfile.TemporaryDirectory() as directory:
        reader = written(Path(directory) / "job.1.log", sections)
        lines = reader.lines(1, 1_000_000, limit_bytes=1 << 40)

    assert shown(lines) == expected(sections)
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert all(a.run_number < b.run_number for a, b in pairwise(lines))
    assert all(a.offset_end == b.offset for a, b in pairwise(lines))
    assert all(line.complete for line in lines)


@given(SECTIONS, st.integers(1, 200), st.integers(1, 50), st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_part_is_a_part_of_the_whole(
    sections: Sections, first: int, count: int, compressed: bool
) -> None:
    """Any window, tail or section is what a slice of the whole list is."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "job.1.log"
        reader = written(path, sections)
        if compressed:
            compress(path)
        whole = reader.lines(1, 1_000_000, limit_bytes=1 << 40)
        middle = len(whole) // 2
        run_line = whole[middle].run_number if whole else 1

        assert reader.lines(first, count) == whole[first - 1 : first - 1 + count]
        assert reader.tail(count) == whole[-count:]
        assert reader.by_run_line(run_line, limit=count) == whole[middle : middle + count]
        assert reader.by_run_line(0, run_line, limit=1, from_end=True) == whole[middle:][:1]
        for section in reader.sections():
            own = [line for line in whole if line.section == section.key]
            assert reader.tail(count, section.key) == own[-count:]
            assert len(own) == section.last_line - section.first_line + 1
            output = b"".join(sections[int(section.key.step_id)][0])
            assert b"".join(reader.raw(section.key)).removesuffix(b"\n") == output.removesuffix(
                b"\n"
            )
        assert texts(reader.read_from(0, 1 << 40)[0]) == texts(whole)
