"""The table of the README tells the truth."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_table_names_every_bug_and_every_test() -> None:
    """Each number from 1 to 48 has its row, and the tests named are those that exist."""
    table = (HERE / "README.md").read_text()
    tests = "".join(path.read_text() for path in HERE.glob("test_*.py") if path != Path(__file__))

    numbers = [int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)]
    named = set(re.findall(r"`(test_\w+)`", table))
    defined = set(re.findall(r"^(?:async )?def (test_\w+)\(", tests, re.MULTILINE))

    assert numbers == list(range(1, 49))
    assert named == defined
