"""Opening a log again after its writer was killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from log_model import PIECE, numbers, run_numbers, texts, ticking, write_log

from mulligan.logs.compression import compress
from mulligan.logs.format import index_path, section_path
from mulligan.logs.reader import LogReader
from mulligan.logs.writer import LineCounter, LogWriter

Writes = list[tuple[str, bytes]]

ENDLESS = """
import random, sys
from mulligan.logs.writer import LineCounter, LogWriter
path, attempt, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
chance = random.Random(seed)
writer = LogWriter.open(path, LineCounter())
number = 0
while True:
    writer.begin_section("step", attempt, 1)
    for _ in range(20):
        data = b""
        for _ in range(chance.randrange(1, 40)):
            data += b"attempt %d line %d " % (attempt, number)
            data += b"." * chance.randrange(90) + b"\\n"
            number += 1
        while data:
            size = chance.randrange(1, 300)
            writer.write(data[:size])
            data = data[size:]
"""


def recorded_writes(path: Path, monkeypatch: pytest.MonkeyPatch) -> Writes:
    """Write a small log and return each write to its files, in order."""
    writes: Writes = []
    written = os.write

    def recording(file: int, data: bytes) -> int:
        """Write and take note."""
        inode = os.fstat(file).st_ino
        name = next(entry.name for entry in path.parent.iterdir() if entry.stat().st_ino == inode)
        writes.append((name, bytes(data)))
        return written(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", recording)
        write_log(
            path,
            [
                ("first", [b"one\ntwo\nthr", b"ee", b"\n\nfour\n"]),
                ("second", [b"no newline"]),
                ("third", [b"five\nsix"]),
            ],
        )
    return writes


def state_after(writes: Writes, size: int) -> dict[str, bytes]:
    """Return the files as they were when ``size`` bytes in all had been written."""
    files: dict[str, bytes] = {}
    for name, data in writes:
        files[name] = files.get(name, b"") + data[:size]
        size -= min(size, len(data))
    return files


def whole_lines(log: bytes) -> list[str]:
    """Return the lines of a log."""
    return log.decode().removesuffix("\n").split("\n") if log else []


def test_killed_at_any_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a kill at each byte of each write nothing of the log is lost and writing goes on."""
    source = tmp_path / "whole" / "job.1.log"
    writes = recorded_writes(source, monkeypatch)
    total = sum(len(data) for _, data in writes)
    path = tmp_path / "job.1.log"
    reader = LogReader(path)

    for size in range(total + 1):
        files = state_after(writes, size)
        for suffix in ("log", "idx", "sec"):
            path.with_suffix(f".{suffix}").write_bytes(files.get(f"job.1.{suffix}", b""))
        log = files.get("job.1.log", b"")
        torn = reader.lines(1, 99)
        writer = LogWriter.open(path, LineCounter(1_000), now=ticking())
        repaired = reader.lines(1, 99)
        writer.begin_section("again", 2, 2)
        writer.write(b"more\n")
        writer.close()
        lines = reader.lines(1, 99)

        assert path.read_bytes().startswith(log)
        assert texts(torn) == whole_lines(log)[: len(torn)]
        assert texts(repaired) == whole_lines(log)
        assert texts(lines) == [*whole_lines(log), "more"]
        assert numbers(lines) == list(range(1, len(lines) + 1))
        assert run_numbers(lines) == sorted(set(run_numbers(lines)))
        assert lines[-1].section.step_id == "again"
        assert run_numbers(repaired)[: len(torn)] == run_numbers(torn)


def test_open_section_stays_open(tmp_path: Path) -> None:
    """Who opens the log again can go on in the same section and in the same line."""
    path = tmp_path / "job.1.log"
    dead = LogWriter(path, LineCounter())
    dead.begin_section("s", 1, 1)
    dead.write(b"whole\nhal")

    writer = LogWriter.open(path, LineCounter())
    writer.write(b"f\n")
    writer.close()

    assert texts(LogReader(path).lines(1, 9)) == ["whole", "half"]
    assert LogReader(path).sections()[0].ended_ms is not None


def test_lost_index_is_made_again(tmp_path: Path) -> None:
    """Without its index a log has the same lines, with new numbers."""
    path = tmp_path / "job.1.log"
    output = b"".join(b"line %d\n" % number for number in range(30_000)) + b"z" * 3 * PIECE
    write_log(path, [("s", [output])])
    before = LogReader(path).lines(1, 50_000)
    os.unlink(index_path(str(path)))

    LogWriter.open(path, LineCounter(500)).close()

    after = LogReader(path).lines(1, 50_000)
    assert texts(after) == texts(before)
    assert [line.offset_end for line in after] == [line.offset_end for line in before]
    assert after[0].run_number == 500


def test_lost_sections_leave_the_lines_readable(tmp_path: Path) -> None:
    """Without the section file the lines are in a section without name."""
    path = tmp_path / "job.1.log"
    write_log(path, [("s", [b"a\nb\n"])])
    os.unlink(section_path(str(path)))

    lines = LogReader(path, job_id="j").lines(1, 9)

    assert texts(lines) == ["a", "b"]
    assert (lines[0].section.step_id, lines[0].section.job_id) == ("", "j")


@pytest.mark.parametrize("kept", [0, 1, 5, 9, 14, 20])
def test_power_cut_took_the_end_of_the_log(tmp_path: Path, kept: int) -> None:
    """Entries and sections for bytes that are not there are dropped, and zeros are no entries."""
    path = tmp_path / "job.1.log"
    write_log(path, [("a", [b"one\n", b"two\nthree\n"]), ("b", [b"four\n", b"five\n"])])
    os.truncate(path, kept)
    with open(index_path(str(path)), "ab") as index:
        index.write(bytes(80))
    log = path.read_bytes()
    assert len(LogReader(path).lines(1, 99)) <= 5

    writer = LogWriter.open(path, LineCounter(50), now=ticking())
    writer.begin_section("c", 1, 1)
    writer.write(b"six\n")
    writer.close()

    lines = LogReader(path).lines(1, 99)
    assert texts(lines) == [*whole_lines(log), "six"]
    assert numbers(lines) == list(range(1, len(lines) + 1))
    assert lines[-1].section.step_id == "c"


def test_counter_goes_on_above_the_log(tmp_path: Path) -> None:
    """A counter that begins too low does not give numbers a second time."""
    path = tmp_path / "job.1.log"
    write_log(path, [("a", [b"1\n2\n3\n"])], counter=LineCounter(40))
    counter = LineCounter()

    write_log(path, [("b", [b"4\n"])], counter=counter)

    assert run_numbers(LogReader(path).lines(1, 9)) == [40, 41, 42, 43]


def test_compressing_finishes_what_a_dead_writer_left(tmp_path: Path) -> None:
    """The last line of a killed writer is complete once its log is finished."""
    path = tmp_path / "job.1.log"
    dead = LogWriter(path, LineCounter())
    dead.begin_section("s", 1, 1)
    dead.write(b"whole\nhalf")
    with open(path, "ab") as log:
        log.write(b" and uncounted\nlast")

    compress(path)

    lines = LogReader(path).lines(1, 9)
    assert texts(lines) == ["whole", "half and uncounted", "last"]
    assert lines[-1].complete
    assert LogReader(path).sections()[0].ended_ms is None


def test_kill_and_open_again(tmp_path: Path) -> None:
    """Writers that are killed at any moment leave all lines in order, the last perhaps cut."""
    path = tmp_path / "job.1.log"
    chance = random.Random(4)
    for attempt in range(1, 7):
        start = path.stat().st_size if attempt > 1 else 0
        command = [sys.executable, "-S", "-c", ENDLESS, str(path), str(attempt), str(attempt)]
        environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(command, env=environment) as child:
            wait_for_size(path, start + chance.randrange(1, 200_000), child)
            child.send_signal(signal.SIGKILL)
        LogReader(path).tail(5)

    LogWriter.open(path, LineCounter()).close()
    lines = LogReader(path).lines(1, 1_000_000, limit_bytes=1 << 30)
    assert path.read_bytes().decode() == "".join(line.text + "\n" for line in lines)
    assert numbers(lines) == list(range(1, len(lines) + 1))
    assert run_numbers(lines) == sorted(set(run_numbers(lines)))
    for attempt in range(1, 7):
        own = [line for line in lines if line.section.step_attempt == attempt]
        expected = [f"attempt {attempt} line {number} " for number in range(len(own))]
        assert [text.rstrip(".") for text in texts(own)[:-1]] == expected[:-1]
        assert (own[-1].text.rstrip(".") + "." * 90).startswith(
            expected[-1][: len(own[-1].text.rstrip("."))]
        )


def wait_for_size(path: Path, size: int, child: subprocess.Popen[bytes]) -> None:
    """Wait until a file has grown, for at most 20 seconds."""
    deadline = time.monotonic() + 20
    while not path.exists() or path.stat().st_size < size:
        assert child.poll() is None, "the writer ended by itself"
        assert time.monotonic() < deadline, "the writer does not write"
        os.sched_yield()
