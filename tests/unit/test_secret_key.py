"""The server's own key."""

from pathlib import Path

import pytest

from mulligan.core.errors import InfrastructureError
from mulligan.secret_key import random_key, stored_key


def test_key_is_made_once(tmp_path: Path) -> None:
    """The file is made at the first use, for the owner alone, and read from then on."""
    path = tmp_path / "secret.key"

    first = stored_key(path, {}).derive("purpose", "text")

    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["secret.key"]
    assert stored_key(path, {}).derive("purpose", "text") == first


def test_key_of_the_environment_wins(tmp_path: Path) -> None:
    """With `MULLIGAN_SECRET_KEY` no file is made."""
    path = tmp_path / "secret.key"
    environment = {"MULLIGAN_SECRET_KEY": "0123456789abcdef" * 4}

    given = stored_key(path, environment).derive("purpose")

    assert not path.exists()
    assert given != stored_key(path, {}).derive("purpose")


def test_purposes_have_nothing_in_common() -> None:
    """No two pairs of purpose and text give the same, however they are cut."""
    key = random_key()
    pairs = [("a", "b"), ("ab", ""), ("a", ":b"), ("a:", "b"), ("b", "a")]

    derived = {key.derive(purpose, text) for purpose, text in pairs}

    assert len(derived) == len(pairs)
    assert derived.isdisjoint({random_key().derive("a", "b")})


@pytest.mark.parametrize("text", ["", "short", "x" * 31 + "\n"])
def test_file_that_holds_no_key(tmp_path: Path, text: str) -> None:
    """A file that is cut off is refused instead of replaced: what it was used for would be lost."""
    path = tmp_path / "secret.key"
    path.write_text(text)

    with pytest.raises(InfrastructureError):
        stored_key(path, {}).load()

    assert path.read_text() == text


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """A key that can't be written is an error of storage."""
    with pytest.raises(InfrastructureError):
        stored_key(tmp_path / "missing" / "secret.key", {}).load()
