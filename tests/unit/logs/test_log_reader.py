"""Reading lines by number, from the end, by run number, and live."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from log_model import PIECE, numbers, run_numbers, texts, write_log

from mulligan.logs.lines import SectionKey
from mulligan.logs.reader import LogReader
from mulligan.logs.search import plain_text
from mulligan.logs.writer import LineCounter, LogWriter

SECOND = SectionKey(step_id="second", step_attempt=1, run_attempt=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a log will be."""
    return tmp_path / "job.1.log"


@pytest.fixture
def numbered(path: Path) -> LogReader:
    """Return a reader of three sections with 1,000 lines each, "line 1" to "line 3000"."""
    output = [b"line %d\n" % number for number in range(1, 3001)]
    write_log(
        path,
        [
            ("first", [b"".join(output[at : at + 10]) for at in range(0, 1000, 10)]),
            ("second", [b"".join(output[1000:2000])]),
            ("third", output[2000:]),
        ],
        counter=LineCounter(101),
    )
    return LogReader(path)


def named(first: int, last: int) -> list[str]:
    """Return the texts of the lines with these numbers."""
    return [f"line {number}" for number in range(first, last + 1)]


def test_log_that_does_not_exist_is_empty(path: Path) -> None:
    """A job that has not started has an empty log, for every question."""
    reader = LogReader(path)

    assert (reader.line_count, reader.size, reader.last_run_line) == (0, 0, 0)
    assert reader.sections() == []
    assert reader.lines(1, 5) == reader.tail(5) == reader.by_run_line(1, limit=5) == []
    assert reader.read_from(0) == ([], 0)
    assert b"".join(reader.raw()) == b""
    assert reader.search("x").lines == []
    assert reader.last_and_settled() == (0, 0)
    assert reader.next_run_line(1) is None


def test_section_without_output_is_empty(path: Path) -> None:
    """A step that printed nothing has a section and no lines."""
    write_log(path, [("quiet", [])])
    reader = LogReader(path)

    assert reader.tail(5) == []
    assert [(s.first_line, s.last_line, s.offset_end) for s in reader.sections()] == [(1, 0, 0)]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"10%\r20%\r\n", ["10%\r20%"]),
        (b"\n\n", ["", ""]),
        (b"\x00\xff\xfe\n\xc3(\n", ["\x00\ufffd\ufffd", "\ufffd("]),
        (b"\x1b[31mred\x1b[0m\n##[error]x\n", ["\x1b[31mred\x1b[0m", "##[error]x"]),
        ("用户\n".encode(), ["用户"]),
        (b"last\r", ["last"]),
    ],
)
def test_text_of_lines(path: Path, output: bytes, expected: list[str]) -> None:
    """Newlines go, all else stays, and what is not UTF-8 becomes the replacement character."""
    write_log(path, [("s", [output])])

    assert texts(LogReader(path).lines(1, 9)) == expected


@pytest.mark.parametrize(
    ("first", "count"), [(1, 1), (1, 5000), (999, 3), (1500, 1), (2990, 50), (3001, 5), (-5, 7)]
)
def test_lines_by_number(numbered: LogReader, first: int, count: int) -> None:
    """Lines are found wherever they are, in any section."""
    lines = numbered.lines(first, count)
    start = max(first, 1)

    lines = numbered.lines(first, count)

    assert texts(lines) == named(start, min(start + count - 1, 3000))
    assert numbers(lines) == list(range(start, start + len(lines)))


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 5000])
def test_last_lines(numbered: LogReader, count: int) -> None:
    """The last lines come in ascending order."""
    assert texts(numbered.tail(count)) == named(max(3001 - count, 1), 3000)


def test_section_is_read_without_the_others(numbered: LogReader) -> None:
    """Every way to read can be limited to a section."""
    assert texts(numbered.lines(1, 2, SECOND)) == named(1001, 1002)
    assert texts(numbered.lines(1999, 5, SECOND)) == named(1999, 2000)
    assert texts(numbered.tail(2, SECOND)) == named(1999, 2000)
    assert texts(numbered.by_run_line(1, limit=2, section=SECOND)) == named(1001, 1002)
    assert b"".join(numbered.raw(SECOND)).decode().splitlines() == named(1001, 2000)
    assert numbered.next_run_line(1, section=SECOND) == 1101
    assert numbered.has_section(SECOND)


def test_sections_are_chosen_by_a_function(numbered: LogReader) -> None:
    """A function picks sections, which are then read as if the others were not there."""

    def outer(key: SectionKey) -> bool:
        """Leave the second one out."""
        return key.step_id != "second"

    assert texts(numbered.lines(999, 4, outer)) == [*named(999, 1000), *named(2001, 2002)]
    assert texts(numbered.tail(1002, outer)) == [*named(999, 1000), *named(2001, 3000)]
    assert not numbered.has_section(lambda key: key.step_attempt == 2)


@pytest.mark.parametrize(
    ("first", "last", "limit", "from_end", "expected"),
    [
        (1, None, 2, False, named(1, 2)),
        (1, None, 2, True, named(2999, 3000)),
        (201, 210, 100, False, named(101, 110)),
        (201, 210, 3, True, named(108, 110)),
        (3101, None, 5, False, []),
        (1, 100, 5, False, []),
        (0, 101, 5, True, named(1, 1)),
    ],
)
def test_lines_by_run_number(
    numbered: LogReader,
    first: int,
    last: int | None,
    limit: int,
    from_end: bool,
    expected: list[str],
) -> None:
    """A range of numbers of the run gives the lines in it, from its start or its end."""
    assert texts(numbered.by_run_line(first, last, limit=limit, from_end=from_end)) == expected


def test_run_numbers_with_gaps(path: Path) -> None:
    """A number of the run that another log has leads to the next one here."""
    counter = LineCounter()
    writer = LogWriter(path, counter)
    writer.begin_section("s", 1, 1)
    for text in (b"a\nb\n", b"c\nd\n"):
        writer.write(text)
        counter.take(10)
    writer.close()
    reader = LogReader(path)

    assert run_numbers(reader.lines(1, 9)) == [1, 2, 13, 14]
    assert texts(reader.by_run_line(2, 13, limit=9)) == ["b", "c"]
    assert texts(reader.by_run_line(3, 12, limit=9)) == []
    assert texts(reader.by_run_line(5, limit=9)) == ["c", "d"]
    assert reader.next_run_line(3, 12) is None
    assert reader.next_run_line(1, 12, from_end=True) == 2


def test_pieces_of_a_long_line_say_that_they_continue(path: Path) -> None:
    """A line over 16 KiB can be put together again from its pieces."""
    write_log(path, [("s", [b"a\n" + b"x" * (2 * PIECE + 5) + b"\nb\n"])])

    lines = LogReader(path).lines(1, 9)

    assert [(len(line.text), line.continues, line.complete) for line in lines] == [
        (1, False, True),
        (PIECE, True, True),
        (PIECE, True, True),
        (5, False, True),
        (1, False, True),
    ]


def test_answers_have_bounded_size(path: Path) -> None:
    """A page of very long lines ends early, but has a line."""
    write_log(path, [("s", [b"x" * PIECE + b"\n"] * 100)])
    reader = LogReader(path)
    size = 10 * (PIECE + 1)

    assert len(reader.lines(1, 100, limit_bytes=size)) == 10
    assert 9 <= len(reader.tail(100, limit_bytes=size)) <= 14
    assert reader.tail(100, limit_bytes=size)[-1].number == 100
    assert len(reader.lines(5, 100, limit_bytes=1)) == 1
    assert reader.tail(100, limit_bytes=1)[-1].number == 100


def test_following_gives_every_line_once_it_is_complete(path: Path) -> None:
    """A follower that asks after each byte sees each line, and its last state is the whole."""
    writer = LogWriter(path, LineCounter())
    writer.begin_section("s", 1, 1)
    reader = LogReader(path)
    seen: dict[int, str] = {}
    offset = 0
    output = "one\ntwö\n\nfour".encode()

    for at in range(len(output)):
        writer.write(output[at : at + 1])
        lines, offset = reader.read_from(offset)
        assert len(lines) <= 1
        seen |= {line.number: line.text for line in lines}
    writer.close()

    assert list(seen.values()) == ["one", "twö", "", "four"]
    assert reader.read_from(offset)[0][0].complete
    assert reader.read_from(reader.size) == ([], reader.size)


def test_following_in_small_steps_reads_everything(numbered: LogReader) -> None:
    """Steps of any size give all lines in order."""
    found: list[str] = []
    offset = 0
    while step := numbered.read_from(offset, limit_bytes=700)[0]:
        found += texts(step)
        offset = step[-1].offset_end

    assert found == named(1, 3000)


def test_following_begins_in_the_middle(numbered: LogReader) -> None:
    """After the last lines of a log, following goes on where they end."""
    last = numbered.lines(1, 1500)[-1]

    assert numbered.read_from(last.offset_end, 10)[0][0].text == "line 1501"
    assert numbered.read_from(last.offset + 1, 10)[0][0].text == "line 1501"


def test_raw_bytes_are_streamed(numbered: LogReader, path: Path) -> None:
    """The raw log comes in portions and is what is stored."""
    portions = list(numbered.raw(chunk_bytes=1_000))

    assert b"".join(portions) == path.read_bytes()
    assert max(map(len, portions)) == 1_000


def test_search_ignores_escape_sequences(path: Path) -> None:
    """A text is found although colours stand in the middle of it."""
    write_log(path, [("s", [b"ok\n\x1b[1mFa\x1b[0miled\x1b]8;;http://x\x07!\n", b"failed\n"])])
    reader = LogReader(path)

    assert numbers(reader.search("Failed!").lines) == [2]
    assert numbers(reader.search("failed", ignore_case=True).lines) == [2, 3]
    assert numbers(reader.search(re.compile("^[Ff]ailed")).lines) == [2, 3]
    assert reader.search("[0m").lines == []


@pytest.mark.parametrize("ignore_case", [False, True])
def test_search_finds_any_characters(path: Path, ignore_case: bool) -> None:
    """Letters beyond ASCII and bytes that are no text are found as they are shown."""
    write_log(path, [("s", ["größe 用户\n".encode(), b"bad \xff byte\n"])])
    reader = LogReader(path)

    assert numbers(reader.search("größe 用户", ignore_case=ignore_case).lines) == [1]
    assert numbers(reader.search("bad \ufffd", ignore_case=ignore_case).lines) == [2]
    assert reader.search("\ud800", ignore_case=ignore_case).lines == []


def test_search_goes_on_where_it_stopped(numbered: LogReader) -> None:
    """Searches with small limits find together what one without finds."""
    whole = numbers(numbered.search("7").lines)
    found: list[int] = []
    following: int | None = 1
    while following is not None:
        result = numbered.search("7", first=following, limit=20, limit_bytes=3_000)
        found += numbers(result.lines)
        following = result.next_line

    assert found == whole == [number for number in range(1, 3001) if "7" in str(number)]


def test_search_stays_in_its_sections(numbered: LogReader) -> None:
    """Only the chosen sections are searched."""
    assert numbers(numbered.search("line 100", section=SECOND).lines) == list(range(1001, 1010))


@pytest.mark.parametrize(
    "escape", ["\x1b[0m", "\x1b[38;5;1m", "\x1b[2K", "\x1b]0;title\x1b\\", "\x1b(B", "\x1bM"]
)
def test_escape_sequences_are_removed(escape: str) -> None:
    """Plain text has no escape sequence of any kind."""
    assert plain_text(f"a{escape}b") == "ab"


def test_reader_sees_what_is_added(path: Path) -> None:
    """One reader follows a log from before its start to its end, with its sections."""
    reader = LogReader(path)
    assert reader.sections() == []
    writer = LogWriter(path, LineCounter())
    counts = []
    for step in ("a", "b", "c"):
        writer.begin_section(step, 1, 1)
        writer.write(b"x\n")
        counts.append([(s.key.step_id, s.last_line, s.ended_ms is None) for s in reader.sections()])
    writer.close()

    assert counts == [
        [("a", 1, True)],
        [("a", 1, False), ("b", 2, True)],
        [("a", 1, False), ("b", 2, False), ("c", 3, True)],
    ]
    assert [s.ended_ms is None for s in reader.sections()] == [False] * 3
