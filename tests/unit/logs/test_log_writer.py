"""Writing sections, also when there is no space."""

from __future__ import annotations

import errno
import os
import resource
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from log_model import PIECE, numbers, run_numbers, texts, ticking, write_log

from mulligan.logs.format import LogError, LogFullError, LogSealedError, index_path
from mulligan.logs.masking import Masker
from mulligan.logs.reader import LogReader
from mulligan.logs.writer import LineCounter, LogWriter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a log will be, in a directory that does not exist yet."""
    return tmp_path / "run" / "job.1.log"


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the system refuse to make any file larger than ``size`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_lines_get_numbers_times_and_sections(path: Path) -> None:
    """A line has its number in the file and in the run, the time of its chunk and its section."""
    counter = LineCounter(10)
    writer = LogWriter(path, counter, now=ticking(1_000))
    writer.begin_section("build", 2, 3, tag="startVM-1")
    writer.write(b"one\ntwo\n")
    counter.take(5)
    writer.write(b"three\n")
    writer.close()

    lines = LogReader(path, job_id="j", job_attempt=4).lines(1, 10)

    assert texts(lines) == ["one", "two", "three"]
    assert numbers(lines) == [1, 2, 3]
    assert run_numbers(lines) == [10, 11, 17]
    assert [line.time_ms for line in lines] == [1_001_000, 1_001_000, 1_002_000]
    key = lines[0].section
    assert (key.step_id, key.step_attempt, key.run_attempt, key.tag) == ("build", 2, 3, "startVM-1")
    assert (key.job_id, key.job_attempt) == ("j", 4)


def test_unfinished_line_is_visible_and_goes_on(path: Path) -> None:
    """The start of a line can be read at once; its rest joins it under the same number."""
    writer = LogWriter(path, LineCounter())
    reader = LogReader(path)
    writer.begin_section("s", 1, 1)
    writer.write(b"Password? ")
    early = reader.lines(1, 10)
    writer.write(b"yes\nnext\n")

    late = reader.lines(1, 10)
    writer.close()

    assert (texts(early), early[0].complete) == (["Password? "], False)
    assert (texts(late), late[0].complete) == (["Password? yes", "next"], True)
    assert early[0].run_number == late[0].run_number == 1


def test_section_ends_with_a_newline(path: Path) -> None:
    """Output without a final newline does not run into that of the next step."""
    write_log(path, [("a", [b"no newline"]), ("b", []), ("c", [b"next"])])

    assert path.read_bytes() == b"no newline\nnext\n"
    assert [(s.key.step_id, s.first_line, s.last_line) for s in LogReader(path).sections()] == [
        ("a", 1, 1),
        ("b", 2, 1),
        ("c", 2, 2),
    ]


def test_new_section_ends_the_one_before(path: Path) -> None:
    """A section that was not ended ends where the next one begins."""
    writer = LogWriter(path, LineCounter())
    writer.begin_section("a", 1, 1)
    writer.write(b"1")
    writer.begin_section("b", 1, 1)
    writer.write(b"2\n")
    writer.close()

    assert [(s.offset, s.offset_end) for s in LogReader(path).sections()] == [(0, 2), (2, 4)]


def test_output_outside_of_a_section_is_refused(path: Path) -> None:
    """A writer has no place for output before the first and after the last section."""
    writer = LogWriter(path, LineCounter())
    writer.begin_section("a", 1, 1)
    writer.end_section()

    with pytest.raises(LogError, match="no section"):
        writer.write(b"x")
    writer.close()


def test_closing_twice_is_harmless(path: Path) -> None:
    """A second close does nothing."""
    writer = LogWriter(path, LineCounter())
    writer.close()

    writer.close()

    assert path.read_bytes() == b""


def test_compressed_log_is_not_opened(path: Path) -> None:
    """A writer does not begin a second log beside a finished one."""
    path.parent.mkdir()
    path.with_name("job.1.log.zst").write_bytes(b"")

    with pytest.raises(LogSealedError):
        LogWriter(path, LineCounter())


def test_files_are_private(path: Path) -> None:
    """Nobody but the server's user can read output."""
    write_log(path, [("a", [b"x\n"])])

    modes = {entry.stat().st_mode & 0o777 for entry in path.parent.iterdir()}

    assert modes == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_offset_and_lines_count_what_is_stored(path: Path) -> None:
    """The properties say what a reader will find."""
    writer = LogWriter(path, LineCounter())
    writer.begin_section("a", 1, 1)
    writer.write(b"one\ntw")

    assert (writer.offset, writer.lines) == (6, 2)
    writer.close()


def test_any_chunk_has_at_most_one_entry_per_64_kib(path: Path) -> None:
    """A large write is indexed every 64 KiB, a small one once."""
    writer = LogWriter(path, LineCounter())
    writer.begin_section("a", 1, 1)
    writer.write(b"x\n" * 50_000)
    writer.write(b"x\n" * 3)
    writer.close()

    assert os.path.getsize(index_path(str(path))) == 32 * 3


def test_secret_over_two_writes_is_never_on_disk(path: Path) -> None:
    """The file has no part of a secret between the two halves of it."""
    writer = LogWriter(path, LineCounter(), Masker(["hunter2-secret"]))
    writer.begin_section("a", 1, 1)
    writer.write(b"login hunter2-")
    writer.flush()
    between = path.read_bytes()
    writer.write(b"secret ok\n")
    writer.close()

    assert between == b"login "
    assert path.read_bytes() == b"login ****** ok\n"


def test_what_a_masker_holds_is_written_at_the_end_of_a_section(path: Path) -> None:
    """Characters that turned out harmless belong to the section in which they were printed."""
    write_log(path, [("a", [b"oh"]), ("b", [b"unter2\n"])], masker=Masker(["hunter2"]))

    assert texts(LogReader(path).lines(1, 5)) == ["oh", "unter2"]


def test_masks_may_make_a_chunk_longer(path: Path) -> None:
    """Lines stay found when masking doubles the length of a full chunk."""
    write_log(path, [("a", [b"abc\n" * 16_384])], masker=Masker(["abc"]))

    lines = LogReader(path).tail(2)

    assert (texts(lines), numbers(lines)) == (["******"] * 2, [16_383, 16_384])


def test_one_line_of_50_mb_takes_no_memory(path: Path) -> None:
    """Writing and reading a line without end needs far less memory than the line."""
    writer = LogWriter(path, LineCounter(), Masker(["hunter2"]))
    writer.begin_section("a", 1, 1)
    part = b"x" * 1_000_000
    tracemalloc.start()
    try:
        for _ in range(50):
            writer.write(part)
        writer.close()
        last = LogReader(path).tail(2)
        middle = LogReader(path).lines(1_500, 2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 2_000_000
    assert path.stat().st_size == 50_000_001
    assert last[-1].number == -(-50_000_000 // PIECE)
    assert [line.continues for line in [*middle, *last]] == [True, True, True, False]


def test_full_disk_is_reported_once_and_accounted_for(path: Path) -> None:
    """Output that has no space is counted, and a line says so when there is space again."""
    writer = LogWriter(path, LineCounter())
    writer.begin_section("a", 1, 1)
    writer.write(b"kept\nhalf")
    with largest_file(100):
        with pytest.raises(LogFullError):
            writer.write(b"x" * 200 + b"\n")
        writer.write(b"y" * 300 + b"\n")
        lost = writer.lost_bytes
        during = path.read_bytes()
    writer.write(b"after\n")
    writer.close()

    assert (during, lost) == (b"kept\nhalf", 502)
    assert texts(LogReader(path).lines(1, 9)) == [
        "kept",
        "half",
        "[502 bytes of output lost: no space left]",
        "after",
    ]
    assert writer.lost_bytes == 0


def test_second_shortage_is_reported_again(path: Path) -> None:
    """Each time that the space ends, the caller learns it once."""
    writer = LogWriter(path, LineCounter())
    writer.begin_section("a", 1, 1)

    for _ in range(2):
        with largest_file(60), pytest.raises(LogFullError):
            writer.write(b"x" * 100)
        writer.flush()
    writer.close()

    assert texts(LogReader(path).lines(1, 9)) == ["[100 bytes of output lost: no space left]"] * 2


def test_full_index_leaves_log_and_index_equal(path: Path) -> None:
    """When only the index has no space, the bytes are taken back from the log."""
    writer = LogWriter(path, LineCounter())
    writer.begin_section("a", 1, 1)
    writer.write(b"1\n")
    with largest_file(48), pytest.raises(LogFullError):
        writer.write(b"2\n")
    reader = LogReader(path)
    during = (path.read_bytes(), texts(reader.lines(1, 9)))
    writer.write(b"3\n")
    writer.close()

    assert during == (b"1\n", ["1"])
    assert texts(reader.lines(1, 9)) == ["1", "[2 bytes of output lost: no space left]", "3"]


def test_sections_that_begin_on_a_full_disk_are_kept(path: Path) -> None:
    """The sections of a shortage are there afterwards, with the loss in the first of them."""
    writer = LogWriter(path, LineCounter())
    writer.begin_section("a", 1, 1)
    writer.write(b"a")
    with largest_file(1):
        with pytest.raises(LogFullError):
            writer.write(b"lost")
        writer.begin_section("b", 1, 1)
        writer.write(b"lost too")
        writer.begin_section("c", 1, 1)
    writer.write(b"c\n")
    writer.close()

    lines = LogReader(path).lines(1, 9)

    assert [(line.section.step_id, line.text) for line in lines] == [
        ("a", "a"),
        ("a", "[12 bytes of output lost: no space left]"),
        ("c", "c"),
    ]
    assert [s.key.step_id for s in LogReader(path).sections()] == ["a", "b", "c"]


def test_section_that_begins_and_loses_on_a_full_disk_says_so(path: Path) -> None:
    """What is lost of the first section is accounted for in it."""
    writer = LogWriter(path, LineCounter())
    with largest_file(0):
        writer.begin_section("a", 1, 1)
        with pytest.raises(LogFullError):
            writer.write(b"lost")
    writer.close()

    lines = LogReader(path).lines(1, 9)

    assert [(line.section.step_id, line.text) for line in lines] == [
        ("a", "[4 bytes of output lost: no space left]")
    ]


def test_other_errors_are_not_hidden(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the device reaches the caller, and the files are as before."""
    writer = LogWriter(path, LineCounter())
    writer.begin_section("a", 1, 1)
    writer.write(b"1\n")
    written = os.write

    def failing(file: int, data: bytes) -> int:
        """Fail where the index is written."""
        if len(data) == 32:
            raise OSError(errno.EIO, "input/output error")
        return written(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", failing)
        with pytest.raises(OSError, match="input/output"):
            writer.write(b"2\n")
    writer.write(b"3\n")
    writer.close()

    assert texts(LogReader(path).lines(1, 9)) == ["1", "3"]
