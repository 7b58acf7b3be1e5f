"""The file in which results wait for a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mulligan.executors.host.spool import MAX_ACKNOWLEDGED_BYTES, Spool, read_lines
from mulligan.executors.local import read_spool


def payload(token: str, text: str = "") -> bytes:
    """Make a result as the host writes it."""
    return json.dumps({"t": "exit", "token": token, "cause": "exit", "message": text}).encode()


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Give a path where no file is yet."""
    return str(tmp_path / "spool")


def tokens(path: str) -> list[str]:
    """List the tokens in the file."""
    return [result.token for result in read_spool(path)]


def test_missing_file_holds_nothing(path: str) -> None:
    """A server that never ran a step finds nothing."""
    assert read_spool(path) == []


def test_results_stay_until_they_are_forgotten(path: str) -> None:
    """A host that starts keeps what an earlier one wrote; forgetting all of it empties the file."""
    spool = Spool(path)
    spool.write("a", payload("a"))
    spool.write("b", payload("b"))

    later = Spool(path)
    kept = tokens(path)
    later.forget(["a"])
    half = tokens(path)
    later.forget(["b", "unknown"])

    assert (kept, half) == (["a", "b"], ["a", "b"])
    assert read_lines(path) == []


def test_file_is_emptied_when_it_is_long_and_nothing_waits(path: str) -> None:
    """A short file of forgotten results stays, a long one is emptied."""
    spool = Spool(path)
    spool.write("a", payload("a"))
    spool.forget(["a"])
    short = tokens(path)

    spool.write("b", payload("b", "x" * MAX_ACKNOWLEDGED_BYTES))
    spool.forget(["b"])
    spool.write("c", payload("c"))

    assert short == ["a"]
    assert tokens(path) == ["c"]


def test_line_that_was_cut_off_is_left_out(path: str) -> None:
    """What a killed host left half written hides neither the lines before nor those after it."""
    Path(path).write_bytes(payload("a") + b"\n" + payload("torn")[:20])

    spool = Spool(path)
    spool.write("b", payload("b"))

    assert tokens(path) == ["a", "b"]
