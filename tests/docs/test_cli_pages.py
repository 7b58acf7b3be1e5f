"""The pages about the command line tell every command, as it is."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import click
import pytest

from mulligan.cli.chinese import COMMANDS, SECTIONS
from mulligan.cli.main import SECTIONS as PARTS
from mulligan.cli.main import cli
from mulligan.cli.topics import ENVIRONMENT, EXIT_CODES


def _script() -> ModuleType:
    path = Path(__file__).parents[2] / "docs" / "cli_commands.py"
    found = importlib.util.spec_from_file_location("cli_commands", path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


SCRIPT = _script()
PAGES = SCRIPT.PAGES


@pytest.mark.parametrize("language", PAGES)
def test_commands_are_those_that_there_are(language: str) -> None:
    """The tables are made of the commands. After a change: `python docs/cli_commands.py`."""
    page = PAGES[language].read_text(encoding="utf-8")

    assert page == SCRIPT.filled(page, language)


@pytest.mark.parametrize("language", PAGES)
def test_exit_codes_and_variables_are_those_of_the_help(language: str) -> None:
    """The page and `mulligan help` name the same."""
    page = PAGES[language].read_text(encoding="utf-8")

    codes = re.findall(r"^\| (\d+) \|", page, re.MULTILINE)
    names = {name for names, _ in ENVIRONMENT for name in re.findall(r"MULLIGAN_[A-Z_]+", names)}
    assert codes == [code for code, _ in EXIT_CODES]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_every_command_has_its_chinese_line() -> None:
    """Each command, group and section has a text, and there is none besides."""
    words = {words for words, _, _ in SCRIPT.all_commands(cli, click.Context(cli))}
    groups = {each.rsplit(" ", 1)[0] for each in words if " " in each}

    assert set(COMMANDS) == words | groups
    assert set(SECTIONS) == {title for title, _ in PARTS}
