"""`mulligan serve` where it can't: one line that says why, and an exit code."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from mulligan.cli.serve import run_server


def serve(data: Path, port: int = 0) -> int:
    """Serve until a reason not to is found; return the exit code."""
    return run_server(data, "127.0.0.1", port, None, (), is_dev=True)


def a_file(data: Path) -> None:
    """Leave a file where the directory should be."""
    data.write_text("")


def below_a_file(data: Path) -> None:
    """Leave a file where a parent of the directory should be."""
    data.parent.write_text("")


def broken_database(data: Path) -> None:
    """Leave something that is no database."""
    data.mkdir(parents=True)
    (data / "mulligan.db").write_bytes(b"\xff" * 10_000)


def broken_key(data: Path) -> None:
    """Leave a key that is none."""
    data.mkdir(parents=True)
    (data / "secret.key").write_text("short\n")


@pytest.mark.parametrize(
    ("prepare", "name", "reason"),
    [
        (a_file, "data", "Not a directory"),
        (below_a_file, "file/data", "Not a directory"),
        (broken_database, "data", "the database can't be opened: file is not a database"),
        (broken_key, "data", "secret.key holds no key: at least 32 characters are needed"),
    ],
)
def test_data_that_can_not_be_used(
    tmp_path: Path,
    prepare: Callable[[Path], None],
    name: str,
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is named with what is wrong, and nothing of the program's inside is shown."""
    data = tmp_path / name
    prepare(data)

    code = serve(data)

    said = capsys.readouterr().err
    assert code == 1
    assert said.startswith(f"can't serve from {data}: ")
    assert reason in said
    assert "Traceback" not in said


def test_an_address_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named before the data directory is touched."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code = serve(tmp_path / "data", port)

    assert code == 1
    assert f"can't serve on 127.0.0.1:{port}: " in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_settings_that_can_not_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are wrong usage, as settings that are wrong."""
    (tmp_path / "mulligan.toml").mkdir()

    code = serve(tmp_path)

    assert code == 2
    assert "setting mulligan.toml: can't be read: Is a directory" in capsys.readouterr().err
