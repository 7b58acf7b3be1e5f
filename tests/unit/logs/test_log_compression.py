"""Compressed logs: the same to every reader, at any moment."""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
from pathlib import Path

import pytest
from log_model import PIECE, texts, write_log

from mulligan.logs.compression import compress
from mulligan.logs.format import LogError
from mulligan.logs.lines import SectionKey
from mulligan.logs.reader import LogReader
from mulligan.logs.writer import LineCounter, LogWriter

KEY = SectionKey(step_id="b", step_attempt=1, run_attempt=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a finished log of 1 MB with short, long and odd lines."""
    path = tmp_path / "job.1.log"
    chance = random.Random(7)
    chunks = [
        b"".join(b"%d %s\n" % (at, b"word " * chance.randrange(20)) for at in range(count))
        for count in [5, 1, 900, 300, 3_000] * 2
    ]
    long_line = b"y" * (5 * PIECE + 3) + b"\r\n" + chance.randbytes(30_000)
    write_log(path, [("a", chunks), ("b", [long_line, *chunks]), ("c", [b"end"])])
    return path


def everything(reader: LogReader) -> list[object]:
    """Return an answer of each method that reads."""
    count = reader.line_count
    return [
        reader.sections(),
        reader.last_run_line,
        reader.last_and_settled(),
        reader.size,
        reader.lines(1, count),
        reader.lines(count // 2, 10),
        reader.lines(1, 50, KEY),
        reader.tail(1_000),
        reader.tail(5, KEY),
        reader.by_run_line(300, 4_000, limit=10_000),
        reader.by_run_line(1, limit=40, from_end=True, section=KEY),
        reader.next_run_line(77),
        reader.read_from(0, 100_000),
        reader.read_from(500_001, 100_000),
        b"".join(reader.raw()),
        b"".join(reader.raw(KEY)),
        reader.search("99 word"),
    ]


def test_compressed_log_reads_like_the_plain_one(path: Path) -> None:
    """Every way to read gives the same, to a reader from before and to a new one."""
    reader = LogReader(path)
    plain = everything(reader)
    length = path.stat().st_size

    assert compress(path)

    assert not path.exists()
    assert path.with_name("job.1.log.zst").stat().st_size < length / 2
    assert everything(reader) == plain
    assert everything(LogReader(path)) == plain


def test_stream_goes_on_while_the_log_is_compressed(path: Path) -> None:
    """A download that has begun is not cut off."""
    content = path.read_bytes()
    stream = LogReader(path).raw(chunk_bytes=10_000)
    first = next(stream)

    compress(path)

    assert first + b"".join(stream) == content


def test_any_zstd_program_reads_it(path: Path, tmp_path: Path) -> None:
    """The compressed log is an ordinary zstd file."""
    program = shutil.which("zstd")
    if program is None:
        pytest.skip("there is no zstd program here")
    content = path.read_bytes()
    compress(path)

    subprocess.run([program, "-q", "-d", f"{path}.zst", "-o", str(tmp_path / "out")], check=True)

    assert (tmp_path / "out").read_bytes() == content


@pytest.mark.parametrize(("size", "compressed"), [(8 * 1024 - 1, False), (8 * 1024, True)])
def test_small_log_stays_plain(tmp_path: Path, size: int, compressed: bool) -> None:
    """Below 8 KiB there is nothing to win."""
    path = tmp_path / "job.1.log"
    write_log(path, [("s", [b"x" * (size - 1) + b"\n"])])

    assert compress(path) == compressed
    assert path.exists() != compressed


def test_missing_log_is_not_compressed(tmp_path: Path) -> None:
    """A job without output has nothing to compress."""
    assert not compress(tmp_path / "job.1.log")
    assert list(tmp_path.iterdir()) == []


def test_crash_while_writing_the_compressed_file(path: Path) -> None:
    """Half a compressed file does not count; the next try replaces it."""
    before = everything(LogReader(path))
    path.with_name("job.1.log.zst.tmp").write_bytes(b"half")
    between = everything(LogReader(path))

    assert compress(path)

    assert between == before
    assert everything(LogReader(path)) == before
    assert not path.with_name("job.1.log.zst.tmp").exists()


def test_crash_before_the_plain_file_is_removed(path: Path) -> None:
    """With both files there the log is read once, and the next try removes the plain one."""
    before = everything(LogReader(path))
    copy = path.read_bytes()
    compress(path)
    path.write_bytes(copy)
    between = everything(LogReader(path))

    assert compress(path)

    assert between == before
    assert not path.exists()
    assert everything(LogReader(path)) == before


def test_no_space_for_the_compressed_file(path: Path) -> None:
    """When it doesn't fit, the plain log stays and nothing else is left."""
    before = sorted(entry.name for entry in path.parent.iterdir())
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limit[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            compress(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    assert sorted(entry.name for entry in path.parent.iterdir()) == before


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 100])
def test_broken_compressed_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    """A file that is no compressed log is reported, not shown as an empty one; its place is not."""
    (tmp_path / "job.1.log.zst").write_bytes(content)

    with pytest.raises(LogError, match=r"^the log job\.1\.log\.zst ") as caught:
        LogReader(tmp_path / "job.1.log").tail(1)

    assert str(tmp_path) not in str(caught.value)


def test_compressed_lines_of_a_killed_writer(tmp_path: Path) -> None:
    """A log is repaired before it is compressed, with numbers from the run's counter."""
    path = tmp_path / "job.1.log"
    dead = LogWriter(path, LineCounter())
    dead.begin_section("s", 1, 1)
    dead.write(b"x" * 10_000 + b"\n")
    with open(path, "ab") as log:
        log.write(b"uncounted")

    assert compress(path, LineCounter(100))

    last = LogReader(path).tail(1)[0]
    assert (last.text, last.run_number, last.complete) == ("uncounted", 100, True)
    assert texts(LogReader(path).lines(1, 1)) == ["x" * 10_000]
    assert os.path.exists(tmp_path / "job.1.log.zst")
