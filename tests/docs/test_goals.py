"""The goals of the page: every one has a state, and the tests that are named exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("ui-goals.md", "ui-goals.zh-CN.md")
GOALS = 35
STATES = ("done", "partly: ", "not there: ", "完成", "部分完成：", "尚无：")
_ROW = re.compile(r"^\| (U\d+) \| (.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)
_TEST = re.compile(r"`([^`]+)`")


def rows(name: str) -> list[tuple[str, str, list[str]]]:
    """Give number, state and named tests of each goal."""
    found = _ROW.findall((ROOT / "docs" / name).read_text("utf-8"))
    return [(number, state, _TEST.findall(proof)) for number, _, state, proof in found]


@pytest.mark.parametrize("name", PAGES)
def test_every_goal_has_a_state(name: str) -> None:
    """None is left out, and what is done has a proof."""
    found = rows(name)

    assert [number for number, _, _ in found] == [f"U{n}" for n in range(1, GOALS + 1)]
    for number, state, tests in found:
        assert state.startswith(STATES), number
        assert tests or state not in {"done", "完成"}, number


def test_both_languages_name_the_same_proofs() -> None:
    """What proves a goal does not depend on who reads about it."""
    english, chinese = ([(row[0], row[2]) for row in rows(name)] for name in PAGES)

    assert english == chinese


def test_the_tests_that_are_named_exist() -> None:
    """A file, and where one is named a function of it."""
    for number, _, tests in rows(PAGES[0]):
        for path, _, function in (test.partition("::") for test in tests):
            file = ROOT / path
            assert file.is_file(), f"{number}: {path}"
            text = file.read_text("utf-8")
            assert not function or f"\ndef {function}(" in text, f"{number}: {path}::{function}"
