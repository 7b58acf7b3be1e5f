"""Every setting is documented, with its default."""

from pathlib import Path

import pytest

from mulligan.config import names

PAGE = Path(__file__).parents[2] / "docs/operate/settings.md"


@pytest.mark.parametrize("name", sorted(names()))
def test_setting_is_documented(name: str) -> None:
    """The table of settings has a row for each setting of the code."""
    assert f"| `{name}` |" in PAGE.read_text()


def test_no_setting_is_invented() -> None:
    """The table names no setting that the code does not have."""
    rows = [line.split("`")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]

    assert sorted(rows) == sorted(names())
