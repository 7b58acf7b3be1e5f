"""Remarks and help in both languages."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import mulligan.cli
from mulligan.cli import language
from mulligan.cli.chinese import REMARKS
from mulligan.cli.chinese_options import OPTIONS
from mulligan.cli.main import cli

SOURCES = sorted(Path(mulligan.cli.__file__).parent.glob("*.py"))


def calls() -> Iterator[str]:
    """Yield the texts that are given to `tr` as they are."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="tr"), args=[ast.Constant(value=str(text)), *_]):
                    yield text
                case _:
                    pass


def test_every_remark_has_its_chinese_text() -> None:
    """What is said in English is said in Chinese, with the same values in it."""
    names = string.Formatter().parse

    assert set(calls()) <= set(REMARKS)
    for english, chinese in REMARKS.items():
        assert sorted(each[1] for each in names(english) if each[1]) == sorted(
            each[1] for each in names(chinese) if each[1]
        ), english


def test_no_remark_is_left_over() -> None:
    """Each text is still said somewhere."""
    said = "".join(path.read_text() for path in SOURCES if path.name != "chinese.py")

    assert [text for text in REMARKS if text not in said and text != "Example:"] == []


def helps(command: click.Command, ctx: click.Context) -> Iterator[str]:
    """Yield what the options of a command, and of those below it, are for."""
    for param in command.get_params(ctx):
        if isinstance(param, click.Option) and param.help:
            yield param.help
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            assert below is not None
            yield from helps(below, click.Context(below, parent=ctx, info_name=name))


def test_every_option_has_its_chinese_text() -> None:
    """What an option is for is said in Chinese, with the same names of variables in it."""
    language.choose("en")
    variables = re.compile(r"MULLIGAN_[A-Z]+|--[a-z-]+")
    english = set(helps(cli, click.Context(cli, info_name="mulligan")))

    assert english == set(OPTIONS)
    for text, chinese in OPTIONS.items():
        assert sorted(variables.findall(text)) == sorted(variables.findall(chinese)), text


@pytest.mark.parametrize(
    ("environment", "is_chinese"),
    [
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, False),
        ({"MULLIGAN_LANG": "zh", "LC_ALL": "C"}, True),
        ({}, False),
    ],
)
def test_language_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], is_chinese: bool
) -> None:
    """The first variable that is set counts."""
    for name in ("MULLIGAN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, text in environment.items():
        monkeypatch.setenv(name, text)

    language.choose(None)

    assert language.is_chinese() is is_chinese


def test_values_with_braces() -> None:
    """What a name holds is never taken for a place to put something."""
    assert language.tr("stage {name}", name="{x} {0}") == "stage {x} {0}"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--lang", "zh", "--help"], "运行与修复"),
        (["retry", "--help", "--lang", "zh"], "示例：\n    mulligan retry @failed"),
        (["token", "create", "--help", "--lang=zh"], "创建令牌并打印"),
        (["show", "7", "--lang", "zh"], "属于哪条流水线"),
        (["--help", "--lang", "zh"], "显示版本并退出"),
        (["logs", "--help", "--lang", "zh"], "只限失败的步骤"),
        (["hook", "add", "--help", "--lang", "zh"], "由谁投递"),
    ],
)
def test_chinese(words: list[str], says: str) -> None:
    """The option may stand anywhere, and the next command is not touched by it."""
    assert says in CliRunner().invoke(cli, words).output
    assert "Run a part of a run again" in CliRunner().invoke(cli, ["retry", "--help"]).output
