"""Commands in the output of scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.executors.host.commands import (
    MAX_COMMANDS,
    MAX_LINE_BYTES,
    CommandDetector,
    parse_command,
)


def detect(*pieces: bytes) -> list[tuple[str, dict[str, str], str]]:
    """Feed the pieces and return what was found."""
    detector = CommandDetector()
    for piece in pieces:
        detector.feed(piece)
    detector.close()
    return [(c["name"], c["args"], c["value"]) for c in detector.commands]


@pytest.mark.parametrize(
    ("line", "name", "args", "value"),
    [
        (b"::set-variable name=K::V", "set-variable", {"name": "K"}, "V"),
        (b'"::set-variable name=K::V"', "set-variable", {"name": "K"}, "V"),
        (b'::set-variable name=K::"V"', "set-variable", {"name": "K"}, '"V"'),
        (b"::set-variable name=K::a::b::", "set-variable", {"name": "K"}, "a::b::"),
        (b"::set-variable name=K::", "set-variable", {"name": "K"}, ""),
        (b"::set-variable  name=K:: V ", "set-variable", {"name": "K"}, " V "),
        (b"::set-variable\tname=K::V", "set-variable", {"name": "K"}, "V"),
        (b"::set-variable name=K::1%0A2%0D%25", "set-variable", {"name": "K"}, "1\n2\r%"),
        (b"::set-variable name=K::%250A", "set-variable", {"name": "K"}, "%0A"),
        (b"::set-variable name=K::\xff", "set-variable", {"name": "K"}, "\ufffd"),
        (b"::set-output name=K::V", "set-output", {"name": "K"}, "V"),
        (
            b"::set-output name=K,type=report,label=L,path=D::index.html",
            "set-output",
            {"name": "K", "type": "report", "label": "L", "path": "D"},
            "index.html",
        ),
        (b"::set-gate-value name=K::91.5", "set-gate-value", {"name": "K"}, "91.5"),
        (b"::set-gate-value name=K::a%0Ab", "set-gate-value", {"name": "K"}, "a%0Ab"),
        (b"::set-remark some text", "set-remark", {}, "some text"),
        (b"::set-progress-rate 0.5", "set-progress-rate", {}, "0.5"),
        (
            b"::set-error error_code=812345,error_message=a, b::c",
            "set-error",
            {"error_code": "812345"},
            "a, b::c",
        ),
    ],
)
def test_command_is_taken_apart(line: bytes, name: str, args: dict[str, str], value: str) -> None:
    """Each command gives its name, what stands before the value, and the value."""
    assert detect(line + b"\n") == [(name, args, value)]


@pytest.mark.parametrize(
    "line",
    [
        b"x::set-variable name=K::V",
        b" ::set-variable name=K::V",
        b"'::set-variable name=K::V'",
        b"::set-variable name=K",
        b"::set-variable K::V",
        b"::set-variable name=::V",
        b"::set-variablename=K::V",
        b"::set-nothing name=K::V",
        b"::set-error message",
        b"::set-",
        b"",
    ],
)
def test_other_lines_are_not_commands(line: bytes) -> None:
    """Only a known command at the start of its line counts."""
    assert detect(line + b"\n") == []


def test_line_without_end() -> None:
    """The last line needs no line feed."""
    assert len(detect(b"out\n::set-remark x")) == 1


def test_carriage_return_ends_a_line() -> None:
    """Both CR LF and a lone CR end a line."""
    found = detect(b"50%\r::set-remark a\r\n::set-remark b\r100%\n")

    assert [value for _, _, value in found] == ["a", "b"]


def test_too_many_commands_are_counted() -> None:
    """What goes beyond the limit is left out and counted."""
    detector = CommandDetector()

    detector.feed(b"::set-remark x\n" * (MAX_COMMANDS + 5))

    assert len(detector.commands) == MAX_COMMANDS
    assert detector.dropped == 5


@pytest.mark.parametrize("piece_size", [1000, 65536, 1_000_000])
def test_line_that_is_too_long_is_counted_once(piece_size: int) -> None:
    """A longer line is left out in whole, however it comes; the next one counts."""
    output = b"::set-remark " + b"x" * (MAX_LINE_BYTES + 10_000) + b"\n::set-remark y\n"
    detector = CommandDetector()

    for start in range(0, len(output), piece_size):
        detector.feed(output[start : start + piece_size])
    detector.close()

    assert [command["value"] for command in detector.commands] == ["y"]
    assert detector.dropped == 1


def test_line_of_the_longest_length() -> None:
    """A line of exactly the limit is taken."""
    line = b"::set-remark ".ljust(MAX_LINE_BYTES, b"x")

    assert len(detect(line + b"\n")) == 1


def test_memory_stays_bounded_without_line_ends() -> None:
    """The detector keeps no more than one line that may be a command."""
    detector = CommandDetector()
    for _ in range(100):
        detector.feed(b"::set-remark " * 10_000)

    assert len(detector._pending) <= MAX_LINE_BYTES


PIECES = st.sampled_from(
    [
        b"::set-variable name=K::V",
        b"::set-remark x",
        b"::set-",
        b"::s",
        b"::",
        b'"',
        b"\n",
        b"\r",
        b"text",
        b" ",
    ]
)


@given(st.lists(PIECES, max_size=20), st.lists(st.integers(1, 30), max_size=40))
def test_result_does_not_depend_on_the_pieces(parts: list[bytes], sizes: list[int]) -> None:
    """However output is cut, the same commands are found: those of its lines."""
    output = b"".join(parts)
    pieces = []
    rest = output
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    pieces.append(rest)
    lines = output.replace(b"\r", b"\n").split(b"\n")
    expected = [
        command
        for line in lines
        if line.removeprefix(b'"').startswith(b"::set-")
        and (command := parse_command(line)) is not None
    ]

    found = detect(*pieces)

    assert found == [(c["name"], c["args"], c["value"]) for c in expected]
