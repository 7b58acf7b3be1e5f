"""The pager: only on a terminal, only where one is named, and leaving it early is no failure."""

import os
import pty
import subprocess
import sys

import pytest

SCRIPT = """
import sys
from mulligan.cli.pager import paged
with paged():
    for number in range(int(sys.argv[1])):
        sys.stdout.buffer.write(b"line %d\\n" % number)
print("after")
"""


def printed(lines: int, environment: dict[str, str], *, terminal: bool = True) -> str:
    """Print lines through the pager of an environment; return what is seen in the end."""
    seen, screen = pty.openpty() if terminal else os.pipe()
    names = {"PATH": os.environ["PATH"], **environment}
    with os.fdopen(seen, "rb", buffering=0) as reader:
        child = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(lines)], stdout=screen, stderr=screen, env=names
        )
        os.close(screen)
        text = b""
        try:
            while part := reader.read(65536):
                text += part
        except OSError:  # that is how the end of a terminal reads
            pass
        assert child.wait(20) == 0
    return text.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    "environment",
    [
        {"PAGER": "sed s/line/page/"},
        {"PAGER": "none-such", "MULLIGAN_PAGER": "sed s/line/page/"},
    ],
)
def test_the_pager_of_the_environment(environment: dict[str, str]) -> None:
    """It gets what is printed meanwhile; its own variable wins; what follows goes past it."""
    assert printed(2, environment) == "page 0\npage 1\nafter\n"


@pytest.mark.parametrize(
    ("terminal", "environment"),
    [
        (True, {}),
        (True, {"PAGER": ""}),
        (True, {"PAGER": "sed s/line/page/", "MULLIGAN_PAGER": "cat"}),
        (True, {"PAGER": "sed s/line/page/", "TERM": "dumb"}),
        (False, {"PAGER": "sed s/line/page/"}),
    ],
)
def test_no_pager(*, terminal: bool, environment: dict[str, str]) -> None:
    """Nobody has named one, or nobody looks."""
    assert printed(1, environment, terminal=terminal) == "line 0\nafter\n"


def test_a_pager_that_there_is_not() -> None:
    """It is said, and the text is printed all the same."""
    text = printed(1, {"PAGER": "none-such"})

    assert "none-such" in text
    assert text.endswith("line 0\nafter\n")


def test_a_pager_that_is_left_early() -> None:
    """Whoever has seen enough gets no error, however much there would have been."""
    assert printed(200_000, {"PAGER": "head -n 1"}) == "line 0\nafter\n"
