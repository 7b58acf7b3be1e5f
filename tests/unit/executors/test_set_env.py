"""The file of `setEnv` and `setGateValue`."""

from __future__ import annotations

from pathlib import Path

import pytest

from mulligan.executors.host.set_env import read_set_env


def test_missing_file(tmp_path: Path) -> None:
    """A step that set nothing has no file."""
    assert read_set_env(str(tmp_path / "none")) == ({}, [])


@pytest.mark.parametrize(
    ("content", "variables"),
    [
        (b"A=1\0B=2\0A=3\0", {"A": "3", "B": "2"}),
        (b"A=x\ny=z\0", {"A": "x\ny=z"}),
        (b"A=\0", {"A": ""}),
        (b"A=1\0B=cut", {"A": "1"}),
        (b"nonsense\0A=1\0", {"A": "1"}),
        (b"A=\xff\0", {"A": "\ufffd"}),
    ],
)
def test_variables(tmp_path: Path, content: bytes, variables: dict[str, str]) -> None:
    """Each complete record sets a variable; the last value counts."""
    file = tmp_path / "set-env"
    file.write_bytes(content)

    assert read_set_env(str(file)) == (variables, [])


def test_gate_values(tmp_path: Path) -> None:
    """Gate values are commands, not variables."""
    file = tmp_path / "set-env"
    file.write_bytes(b":gate:cover=91\0")

    assert read_set_env(str(file)) == (
        {},
        [{"name": "set-gate-value", "args": {"name": "cover"}, "value": "91"}],
    )
