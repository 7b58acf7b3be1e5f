"""A command group whose commands are imported when they are used."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import click


class Lazy(NamedTuple):
    """Where a command is, and its line in the help."""

    module: str
    attribute: str
    short_help: str


class LazyGroup(click.Group):
    """`sections`: commands by title, in the order in which the help shows them."""

    def __init__(
        self, *args: Any, sections: Sequence[tuple[str, Mapping[str, Lazy]]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._sections = sections
        self._lazy = {name: lazy for _, part in sections for name, lazy in part.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        lazy = self._lazy.get(cmd_name)
        if lazy is None:
            return None
        command = getattr(importlib.import_module(lazy.module), lazy.attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - the table says so
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing any."""
        for title, part in self._sections:
            with formatter.section(title):
                formatter.write_dl([(name, lazy.short_help) for name, lazy in part.items()])
