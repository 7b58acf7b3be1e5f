"""Attempts side by side, and lines of logs that are looked for."""

import re
from typing import Any

import pytest

from mulligan.cli.compare import compared_steps
from mulligan.cli.following import length
from mulligan.cli.logs import matching


def state(**steps: tuple[str, int | None]) -> dict[str, Any]:
    """Return a run with steps of that status and exit code."""
    found = [
        {
            "id": name,
            "name": name,
            "status": status,
            "cause": None,
            "attempt": 1,
            "exit_code": code,
            "started_at": None,
            "ended_at": None,
        }
        for name, (status, code) in steps.items()
    ]
    job = {"id": "1", "name": "unit", "steps": found}
    return {"stages": [{"id": "stage-1", "name": "", "jobs": [job]}]}


def test_steps_side_by_side() -> None:
    """A step changed when its result did; one that is on one side only is shown so."""
    before = state(build=("succeeded", 0), test=("failed", 2), old=("succeeded", 0))
    after = state(build=("succeeded", 0), test=("failed", 1), new=("succeeded", 0))

    items = compared_steps(before, after)

    assert [(each["name"], each["changed"]) for each in items] == [
        ("build", False),
        ("test", True),
        ("old", True),
        ("new", True),
    ]
    assert items[2]["after"] is None
    assert items[3]["before"] is None


LINES = [f"{number}\n".encode() for number in range(10)]


@pytest.mark.parametrize(
    ("pattern", "around", "shown"),
    [
        (b"4", 0, "4"),
        (b"4", 1, "345"),
        (b"[46]", 1, "34567"),
        (b"[27]", 1, "123-678"),
        (b"[25]", 1, "123456"),
        (b"[09]", 1, "01-89"),
        (b"[38]", 0, "38"),
        (b"x", 3, ""),
    ],
)
def test_lines_around_what_is_found(pattern: bytes, around: int, shown: str) -> None:
    """Lines around each match, none twice, a mark where some are left out between groups."""
    found = b"".join(matching(LINES, re.compile(pattern), around)).decode()

    assert found.replace("--\n", "-").replace("\n", "") == shown


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("1h1", 3601)]
)
def test_length_of_time(text: str, seconds: float) -> None:
    """The usual ways to write a length are read."""
    assert length(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "10x", "-1", "1.5h", "10 m"])
def test_no_length_of_time(text: str) -> None:
    """Anything else is wrong usage."""
    import click

    with pytest.raises(click.BadParameter):
        length(text)
