"""Write the tables of commands in docs/reference/cli.md and its Chinese twin.

    .venv/bin/python docs/cli_commands.py

They are made from the commands themselves; a test checks that the pages are what this writes.
"""

from collections.abc import Iterator
from pathlib import Path

import click

from mulligan.cli.chinese import COMMANDS, SECTIONS
from mulligan.cli.main import SECTIONS as PARTS
from mulligan.cli.main import cli

FOLDER = Path(__file__).parent / "reference"
PAGES = {"en": FOLDER / "cli.md", "zh": FOLDER / "cli.zh-CN.md"}
_BEGIN = "<!-- commands: written by docs/cli_commands.py -->"
_END = "<!-- end of commands -->"
_COLUMNS = {"en": "| command | what it does | options |", "zh": "| 命令 | 作用 | 选项 |"}
# What many commands take stands on the page once.
SHARED = frozenset(
    {
        *("--url", "--token", "--data", "--context", "--output", "--json", "--jq"),
        *(
            "--project",
            "--pipeline",
            "--watch",
            "--wait",
            "--log",
            "--timeout",
            "--yes",
            "--dry-run",
        ),
        *("--help", "--root", "--repo"),
    }
)


def all_commands(
    command: click.Command, context: click.Context, words: str = ""
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield every command that is no group, with its words."""
    if not isinstance(command, click.Group):
        yield words, command, context
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None  # noqa: S101 - the group has named it
        below = click.Context(found, info_name=name, parent=context)
        yield from all_commands(found, below, f"{words} {name}".strip())


def filled(page: str, language: str) -> str:
    """Return a page with its tables as they must be."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n" + "\n".join(_lines(language)) + f"\n{_END}{after}"


def _lines(language: str) -> Iterator[str]:
    root = click.Context(cli, info_name="mulligan")
    by_first: dict[str, list[str]] = {}
    for words, command, context in all_commands(cli, root):
        by_first.setdefault(words.split()[0], []).append(_row(words, command, context, language))
    for title, part in PARTS:
        shown = SECTIONS[title] if language == "zh" else title
        yield from ("", f"### {shown}", "", _COLUMNS[language], "|---|---|---|")
        for name in part:
            yield from by_first[name]
    yield ""


def _row(words: str, command: click.Command, context: click.Context, language: str) -> str:
    pieces = [each for each in command.collect_usage_pieces(context) if each != "[OPTIONS]"]
    text = COMMANDS[words] if language == "zh" else command.get_short_help_str(300).rstrip(".")
    options = ", ".join(f"`{name}`" for name in _options(command))
    call = " ".join([words, *pieces])
    return "| " + " | ".join(_cell(each) for each in (f"`{call}`", text, options)) + " |"


def _options(command: click.Command) -> Iterator[str]:
    for param in command.params:
        if isinstance(param, click.Option) and not param.hidden:
            long = [name for name in param.opts if name.startswith("--")] or param.opts
            if not SHARED & set(param.opts):
                yield long[0]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write both pages."""
    for language, path in PAGES.items():
        path.write_text(filled(path.read_text(encoding="utf-8"), language), encoding="utf-8")


if __name__ == "__main__":
    main()
