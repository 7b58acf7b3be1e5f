"""The logs of a whole run."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest
from log_model import run_numbers, texts, write_log

from mulligan.logs.lines import SectionKey
from mulligan.logs.merge import merge, read_page
from mulligan.logs.store import LogFiles, LogNameError
from mulligan.logs.writer import LineCounter, LogWriter


@pytest.fixture
def files(tmp_path: Path) -> LogFiles:
    """Return an empty store."""
    return LogFiles(tmp_path / "logs")


def fill(files: LogFiles, jobs: int, blocks: int, seed: int = 1) -> list[str]:
    """Write blocks of lines alternately to the logs of a run; return all texts in order."""
    chance = random.Random(seed)
    counter = LineCounter()
    writers = [LogWriter(files.path("r", f"j{job}", 1), counter) for job in range(jobs)]
    for job, writer in enumerate(writers):
        writer.begin_section(f"step{job}", 1, 1)
    written: list[str] = []
    for _ in range(blocks):
        own = [f"line {len(written) + at + 1}" for at in range(chance.randrange(1, 4))]
        chance.choice(writers).write("".join(f"{text}\n" for text in own).encode())
        written += own
    for writer in writers:
        writer.close()
    return written


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", "a\0", "-x", ".hidden", "a" * 201, "a\n", "ä"]
)
def test_unsafe_ids_are_refused(files: LogFiles, name: str) -> None:
    """No id leads out of the directory of its run or to a strange file."""
    with pytest.raises(LogNameError):
        files.path(name, "job", 1)
    with pytest.raises(LogNameError):
        files.path("run", name, 1)
    with pytest.raises(LogNameError):
        files.remove_run(name)


def test_attempts_count_from_one(files: LogFiles) -> None:
    """There is no attempt 0."""
    with pytest.raises(LogNameError):
        files.path("run", "job", 0)


def test_path_follows_the_layout(files: LogFiles, tmp_path: Path) -> None:
    """The directory is the run, the name is job and attempt."""
    assert files.path("b-1", "c.x", 2) == tmp_path / "logs" / "b-1" / "c.x.2.log"


def test_run_without_logs(files: LogFiles) -> None:
    """A run that never wrote has no readers, no numbers, and can be removed."""
    files.remove_run("r")

    assert files.readers("r") == []
    assert files.last_line_number("r") == 0
    assert files.read_page("r", limit=5).lines == []


def test_readers_know_their_job(files: LogFiles) -> None:
    """Each log is found once, compressed or not, with its job and attempt."""
    counter = LineCounter()
    for job, attempt, size in [("a.b", 1, 10_000), ("a.b", 10, 5), ("a.b", 2, 5), ("c", 1, 5)]:
        write_log(files.path("r", job, attempt), [("s", [b"x" * size])], counter=counter)
    files.compress("r", "a.b", 1)

    found = [(reader.job_id, reader.job_attempt) for reader in files.readers("r")]

    assert found == [("a.b", 1), ("a.b", 2), ("a.b", 10), ("c", 1)]
    assert [r.lines(1, 1)[0].section.job_attempt for r in files.readers("r")] == [1, 2, 10, 1]


def test_numbers_go_on_after_a_restart(files: LogFiles) -> None:
    """A counter that is made from the logs gives no number twice, compressed ones included."""
    write_log(files.path("r", "a", 1), [("s", [b"x\n" * 9_000])])
    write_log(files.path("r", "b", 1), [("s", [b"x\n"])], counter=LineCounter(9_001))
    files.compress("r", "a", 1)

    assert files.last_line_number("r") == 9_001


def test_killed_writers_lines_come_after_all_others(files: LogFiles) -> None:
    """Compressing gives lines without number those after the highest of the run."""
    write_log(files.path("r", "b", 1), [("s", [b"x\n"])], counter=LineCounter(500))
    dead = LogWriter(files.path("r", "a", 1), LineCounter())
    dead.begin_section("s", 1, 1)
    dead.write(b"one\n")
    with open(files.path("r", "a", 1), "ab") as log:
        log.write(b"two\n")

    assert not files.compress("r", "a", 1)

    assert run_numbers(files.reader("r", "a", 1).lines(1, 5)) == [1, 501]


def test_run_is_removed_whole(files: LogFiles, tmp_path: Path) -> None:
    """Nothing stays of a removed run, and other runs are not touched."""
    write_log(files.path("r1", "a", 1), [("s", [b"x\n"])])
    write_log(files.path("r2", "a", 1), [("s", [b"x\n"])])

    files.remove_run("r1")

    assert [entry.name for entry in (tmp_path / "logs").iterdir()] == ["r2"]


@pytest.mark.parametrize("reverse", [False, True])
def test_merged_lines_are_in_order(files: LogFiles, reverse: bool) -> None:
    """The lines of all logs come in the order of their numbers, or in the opposite."""
    written = fill(files, jobs=5, blocks=3_000)

    lines = list(merge(files.readers("r"), reverse=reverse))

    assert texts(lines) == (written[::-1] if reverse else written)
    assert run_numbers(lines) == sorted(run_numbers(lines), reverse=reverse)


def test_merge_of_a_part(files: LogFiles) -> None:
    """Range, limit and sections restrict what is merged."""
    written = fill(files, jobs=3, blocks=300)
    readers = files.readers("r")

    def middle(key: SectionKey) -> bool:
        """Choose one job."""
        return key.job_id == "j1"

    assert texts(merge(readers, 100, 20)) == written[99:119]
    assert texts(merge(readers, 100, to_run_line=110)) == written[99:110]
    assert texts(merge(readers, 1, 7, to_run_line=110, reverse=True)) == written[109:102:-1]
    own = texts(merge(readers, section=middle))
    assert own == texts(files.reader("r", "j1", 1).lines(1, 9_999))
    assert list(merge([])) == []


def test_pages_cover_everything(files: LogFiles) -> None:
    """Pages from the start and from the end are ascending and say whether there is more."""
    written = fill(files, jobs=4, blocks=100)
    readers = files.readers("r")

    first = read_page(readers, limit=10)
    last = read_page(readers, limit=10, from_end=True)
    whole = read_page(readers, limit=len(written))
    small = read_page(readers, limit=10, limit_bytes=1)

    assert (texts(first.lines), first.has_more) == (written[:10], True)
    assert (texts(last.lines), last.has_more) == (written[-10:], True)
    assert (texts(whole.lines), whole.has_more) == (written, False)
    assert (texts(small.lines), small.has_more) == (written[:1], True)


def test_merge_needs_little_memory(files: LogFiles) -> None:
    """Many large logs are merged without being loaded."""
    counter = LineCounter()
    writers = [LogWriter(files.path("r", f"j{job}", 1), counter) for job in range(20)]
    for writer in writers:
        writer.begin_section("s", 1, 1)
    block = b"x" * 99 + b"\n"
    for _ in range(50):
        for writer in writers:
            writer.write(block * 40)
    for writer in writers:
        writer.close()

    tracemalloc.start()
    try:
        count = sum(1 for _ in merge(files.readers("r")))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert count == 40_000
    assert peak < 12_000_000


def test_page_of_a_live_run_misses_no_line(files: LogFiles) -> None:
    """Who polls with the last number + 1 gets each line once, whole and in order."""
    chance = random.Random(3)
    counter = LineCounter()
    writers = [LogWriter(files.path("r", f"j{job}", 1), counter) for job in range(3)]
    for writer in writers:
        writer.begin_section("s", 1, 1)
    pending = [b""] * 3
    seen: list[str] = []
    following = 1
    for number in range(300):
        job = chance.randrange(3)
        pending[job] += b"job %d line %d\n" % (job, number)
        size = chance.randrange(len(pending[job]) + 1)
        writers[job].write(pending[job][:size])
        pending[job] = pending[job][size:]
        page = files.read_page("r", from_run_line=following, limit=5)
        assert all(line.complete for line in page.lines)
        seen += texts(page.lines)
        following = max([following, *(line.run_number + 1 for line in page.lines)])
    for writer, rest in zip(writers, pending, strict=True):
        writer.write(rest)
        writer.close()
    seen += texts(files.read_page("r", from_run_line=following, limit=999).lines)

    assert seen == texts(merge(files.readers("r")))
    assert sorted(int(text.split()[3]) for text in seen) == list(range(300))


def test_unfinished_lines_are_shown_on_request(files: LogFiles) -> None:
    """A page stops before a line that is being written, unless all or other logs are wanted."""
    counter = LineCounter()
    prompt = LogWriter(files.path("r", "a", 1), counter)
    other = LogWriter(files.path("r", "b", 1), counter)
    prompt.begin_section("ask", 1, 1)
    other.begin_section("work", 1, 1)
    prompt.write(b"sure? ")
    other.write(b"working\n")
    work = SectionKey(step_id="work", step_attempt=1, run_attempt=1)

    settled = files.read_page("r", limit=9)
    live = files.read_page("r", limit=9, unfinished=True)
    alone = files.read_page("r", limit=9, section=work)

    assert texts(settled.lines) == []
    assert texts(live.lines) == ["sure? ", "working"]
    assert texts(alone.lines) == ["working"]
    prompt.close()
    other.close()
    assert texts(files.read_page("r", limit=9, to_run_line=1).lines) == ["sure? "]
