"""Lines found by RE2 in blocks, against the same search line by line; and lines by place."""

from __future__ import annotations

import re
import tempfile
import time
from functools import partial
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from log_model import PIECE, model_lines, write_log

from mulligan.logs import find as finder
from mulligan.logs.find import LineHit
from mulligan.logs.lines import SectionKey
from mulligan.logs.query import ESCAPES, PatternError, compile_query, loosened
from mulligan.logs.reader import LogReader
from mulligan.logs.search import plain_text

FAR = 1e18


def every(_key: SectionKey) -> bool:
    """Want all sections."""
    return True


def is_of(step: str, key: SectionKey) -> bool:
    """Want the sections of a step."""
    return key.step_id == step


def search(
    reader: LogReader, text: str, *, regexp: bool = False, case: bool = True
) -> list[LineHit]:
    """Find all lines, a few at a time."""
    pattern = compile_query(text, is_regexp=regexp, ignore_case=not case)
    hits: list[LineHit] = []
    first: int | None = 1
    while first is not None:
        found = reader.find(pattern, first=first, limit=3, deadline=FAR, is_wanted=every)
        assert len(found.hits) <= 3
        hits += found.hits
        first = found.next_line
    return hits


@pytest.fixture
def mixed(tmp_path: Path) -> LogReader:
    """Give a log with colours, long lines, wrong bytes, CR LF and a last line without its end."""
    output = [
        b"plain error one\n",
        b"\x1b[31mer\x1b[0mror in colours\n",
        b"x" * (PIECE + 10) + b" error after a cut\n",
        b"windows error\r\n",
        b"\xff\xfe error in wrong bytes\n",
        "fehler: Ärger, 错误 error\n".encode(),
        b"nothing\n",
        b"ERROR loud\n",
        b"error at the end",
    ]
    path = tmp_path / "job.1.log"
    write_log(path, [("a", output[:4]), ("b", [b"".join(output[4:])]), ("a", [b"error again\n"])])
    return LogReader(path)


@pytest.mark.parametrize("block", [1, 4096, finder.BLOCK_BYTES])
@pytest.mark.parametrize(
    ("text", "regexp", "case"),
    [
        ("error", False, True),
        ("ERROR", False, False),
        (r"e\w+r\b", True, True),
        (r"^error", True, True),
        (r"end$", True, True),
        ("错误", False, True),
        ("nowhere", False, True),
        (r"one\s+error", True, True),
    ],
)
def test_finds_what_a_look_at_every_line_finds(
    mixed: LogReader,
    monkeypatch: pytest.MonkeyPatch,
    block: int,
    text: str,
    regexp: bool,
    case: bool,
) -> None:
    """Whatever the size of blocks: the same lines, with the match where it says."""
    monkeypatch.setattr(finder, "BLOCK_BYTES", block)
    expression = re.compile(text if regexp else re.escape(text), 0 if case else re.IGNORECASE)
    lines = mixed.lines(1, 1000)

    hits = search(mixed, text, regexp=regexp, case=case)

    wanted = [line.number for line in lines if expression.search(plain_text(line.text))]
    assert [hit.number for hit in hits] == wanted
    for hit in hits:
        assert expression.fullmatch(hit.text[hit.begin : hit.end])


def test_places_count_within_the_attempt_of_a_step(mixed: LogReader) -> None:
    """A step with two sections goes on counting; `numbered` finds the same line by its place."""
    for hit in search(mixed, "error", case=False):
        found = mixed.numbered(hit.place, 1, partial(is_of, hit.section.step_id))
        ((place, line),) = found.lines
        assert (place, line.number) == (hit.place, hit.number)


def test_lines_by_number_come_from_any_place(mixed: LogReader) -> None:
    """A page, the end, and beyond it; the total is known without reading."""
    both = mixed.numbered(1, 100, lambda key: key.step_id == "a")

    assert both.total == 6  # the long line is two
    assert [place for place, _ in both.lines] == [1, 2, 3, 4, 5, 6]
    assert both.lines[-1][1].text == "error again"
    tail = mixed.numbered(5, 2, lambda key: key.step_id == "a")
    assert tail.lines == both.lines[4:]
    assert mixed.numbered(7, 5, lambda key: key.step_id == "a").lines == []
    assert mixed.numbered(1, 5, lambda key: key.step_id == "none").total == 0


def test_the_last_lines_are_the_last_ones_however_long(mixed: LogReader) -> None:
    """They have the numbers of all others; when there are too many bytes the first are left out."""

    def is_a(key: SectionKey) -> bool:
        return key.step_id == "a"

    both = mixed.numbered(1, 100, is_a)
    assert mixed.last_numbered(2, is_a) == msgspec.structs.replace(both, lines=both.lines[4:])
    assert mixed.last_numbered(9, is_a) == both
    assert mixed.last_numbered(0, is_a).lines == []
    cut = mixed.last_numbered(9, is_a, limit_bytes=1)
    assert (cut.total, cut.lines[-1]) == (6, both.lines[-1])


def test_a_search_stops_when_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has looked through one block at least, and says where to go on."""
    monkeypatch.setattr(finder, "BLOCK_BYTES", 1)
    path = tmp_path / "job.1.log"
    write_log(path, [("a", [b"error %d\n" % number for number in range(10)])])
    reader = LogReader(path)
    pattern = compile_query("error", is_regexp=False, ignore_case=False)

    found = reader.find(pattern, first=1, limit=100, deadline=time.monotonic() - 1, is_wanted=every)

    assert found.next_line is not None
    assert [hit.number for hit in found.hits] == list(range(1, found.next_line))


# Words and what may stand between or inside of them: colours, links, titles, sequences that are cut
# off, bytes that are no UTF-8, also in the middle of a character.
PIECES = st.sampled_from(
    [
        *(b"a", b"b", b"ab", b" ", b"err", b"3", b"m", b"-", "é".encode(), "错".encode(), b"\n"),
        *(b"\x1b[0m", b"\x1b[1;31m", b"\x1b[K", b"\x1b]8;;ab\x07", b"\x1b]0;b\x1b\\", b"\x1b7"),
        *(b"\x1b", b"\x1b[3", b"\x1b]ab", b"\xff", b"\xe9", b"\x94\x99", b"\r\n"),
    ]
)
OUTPUT = st.lists(PIECES, max_size=40).map(b"".join)
_ATOMS = [
    "a",
    "b",
    "ab",
    "é",
    "错",
    ".",
    r"\w",
    r"\d",
    r"\S",
    r"\.",
    r"\x61",
    "[a-c]",
    "[^a]",
    "[[:alpha:]]",
]
_EDGES = ["^", "$", r"\b", r"\B"]
EXPRESSIONS = st.recursive(
    st.one_of(
        st.sampled_from(_EDGES),
        st.tuples(
            st.sampled_from(_ATOMS), st.sampled_from(["", "", "*", "+", "?", "+?", "{2}", "{0,2}"])
        ).map("".join),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.tuples(inner, inner).map("|".join),
        inner.map(lambda text: f"({text})*"),
        inner.map(lambda text: f"(?P<n>{text})?"),
        inner.map(lambda text: f"(?i:{text})"),
    ),
    max_leaves=5,
)
LITERALS = st.text(st.sampled_from("ab er3m-é错\x1b[."), min_size=1, max_size=3)


@given(
    OUTPUT,
    st.one_of(st.tuples(EXPRESSIONS, st.just(True)), st.tuples(LITERALS, st.just(False))),
    st.booleans(),
    st.sampled_from([1, 3, 1000]),
)
@example(b"\x1b[1merr\x1b[0mor\n", ("error", False), True, 3)
@example(b"\x1b[1m", ("^$", True), True, 3)
@example(b"\x1b[1m", ("$^", True), True, 3)
@settings(max_examples=250, deadline=None)
def test_sequences_hide_nothing(
    output: bytes, query: tuple[str, bool], case: bool, misses: int
) -> None:
    """Whichever way a block is searched: the lines and places of each line without sequences."""
    text, regexp = query
    exact = compile_query(text, is_regexp=regexp, ignore_case=not case).exact
    plain = [ESCAPES.sub(b"", line) for line, _ in model_lines(output)]
    found = [(number, exact.search(line)) for number, line in enumerate(plain, start=1)]

    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(finder, "_MISSES", misses)
        path = Path(directory) / "job.1.log"
        write_log(path, [("a", [output])])
        hits = search(LogReader(path), text, regexp=regexp, case=case)

    assert [(hit.number, hit.text[hit.begin : hit.end]) for hit in hits] == [
        (number, match[0].decode(errors="replace")) for number, match in found if match is not None
    ]


@pytest.mark.parametrize(
    "text",
    [
        r"(?:npm ERR!|^[ \t]*error\b)[^:]+: (?P<what>\w{1,3}?)$",
        r"[]a][^]b][[:^space:]x][\]\w]\x{e9}\x41\pL\p{Han}\ \-{,3}{(?i)x(?i:y)",
    ],
)
def test_most_expressions_are_searched_in_coloured_logs_as_they_are(text: str) -> None:
    """They have a form that lets sequences stand in them."""
    assert compile_query(text, is_regexp=True, ignore_case=False).loose is not None


@pytest.mark.parametrize(
    "text", [r"\Aa", r"a\z", r"\Ca", r"\Qa.b\E", r"(?s)a.b", r"(?-m:^)a", r"\141"]
)
def test_some_expressions_are_searched_without_the_sequences(text: str) -> None:
    """What they mean could change when something stands between their parts."""
    assert loosened(text) is None
    compile_query(text, is_regexp=True, ignore_case=False)


@pytest.mark.parametrize("text", ["", "(", "x" * 1001, "a{1,1000}{1,1000}"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    """Also one that would take too much memory."""
    with pytest.raises(PatternError):
        compile_query(text, is_regexp=True, ignore_case=False)
