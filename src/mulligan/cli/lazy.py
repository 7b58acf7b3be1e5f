"""A command group whose commands are imported when they are used."""

from __future__ import annotations

import importlib
import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mulligan.cli.language import is_chinese

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_FIELDS = re.compile(r"[a-z_]+(,[a-z_]+)+,?", re.IGNORECASE)


class Lazy(NamedTuple):
    """Where a command is, and its line in the help."""

    module: str
    attribute: str
    short_help: str


class EnoughError(Exception):
    """Who reads the output wants no more of it; click alone would call that a failure."""


class LazyGroup(click.Group):
    """Imports a command when it is used.

    Args:
        sections: Commands by title, in the order in which the help shows them.
        aliases: More names of them, which the help does not show.
    """

    def __init__(
        self,
        *args: Any,
        sections: Sequence[tuple[str, Mapping[str, Lazy]]],
        aliases: Mapping[str, str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._sections = sections
        self._lazy = {name: lazy for _, part in sections for name, lazy in part.items()}
        self._aliases = aliases

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words of a command line."""
        return super().parse_args(ctx, arranged(args))

    def invoke(self, ctx: click.Context) -> Any:
        """Do what the command line says.

        Raises:
            EnoughError: The output is read no further.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise EnoughError from None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the options of the group itself."""
        params = super().get_params(ctx)
        if not is_chinese():
            return params
        from mulligan.cli.chinese import with_chinese_help

        return [with_chinese_help(param) for param in params]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        lazy = self._lazy.get(self._aliases.get(cmd_name, cmd_name))
        if lazy is None:
            return None
        command = getattr(importlib.import_module(lazy.module), lazy.attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - the table says so
        if is_chinese():
            from mulligan.cli.chinese import translated

            return translated(self._aliases.get(cmd_name, cmd_name), command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing any."""
        titles = {title: title for title, _ in self._sections}
        lines = {name: lazy.short_help for name, lazy in self._lazy.items()}
        if is_chinese():
            from mulligan.cli import chinese

            titles, lines = chinese.SECTIONS, chinese.COMMANDS
        for title, part in self._sections:
            with formatter.section(titles[title]):
                formatter.write_dl([(name, lines[name]) for name in part])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names of commands without importing any."""
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [
            CompletionItem(name, help=lazy.short_help)
            for name, lazy in self._lazy.items()
            if name.startswith(incomplete)
        ]


def arranged(args: Sequence[str]) -> list[str]:
    """Give `--json` its value, and move `--lang` to the front, where this group takes it.

    The value is the word behind it if that is a list of fields, else none: a single field is given
    as `--json=FIELD`, as a word alone may be an argument.
    """
    first: list[str] = []
    words: list[str] = []
    rest = deque(args)
    while rest:
        word = rest.popleft()
        if word == "--json":
            has_fields = bool(rest) and _FIELDS.fullmatch(rest[0]) is not None
            word = f"--json={rest.popleft() if has_fields else ''}"
        if word == "--lang" and rest:
            word = f"--lang={rest.popleft()}"
        (first if word.startswith("--lang=") else words).append(word)
        if word == "--":
            break
    return [*first, *words, *rest]
