"""Options that many commands share."""

import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from mulligan.cli.client import Client, part
from mulligan.cli.exits import EXIT_CONFLICT, FailureError
from mulligan.cli.output import emit, note, table
from mulligan.cli.problems import Json, ProblemError
from mulligan.cli.servers import ServerOptions, connect

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_PROJECT = "local"
_NOT_FOUND = 404
FORMS = ("table", "json", "yaml")


class Session:
    """What a command needs: the server, the project, the form of its output.

    Args:
        reach: Finds or starts the server; called when it is needed first.
        server: What was said about it on the command line.
    """

    def __init__(
        self, reach: Callable[[], Client], project: str | None, form: str, server: ServerOptions
    ) -> None:
        self._reach = reach
        self.named_project = project
        self.form = form
        self.server = server

    @functools.cached_property
    def client(self) -> Client:
        """Return the client of the server."""
        return self._reach()

    @property
    def project(self) -> str:
        """Return the project: named, of the environment, or `local`."""
        return self.named_project or os.environ.get("MULLIGAN_PROJECT") or DEFAULT_PROJECT

    @property
    def path(self) -> str:
        """Return the path of the project in the API."""
        return f"/projects/{part(self.project)}"

    @property
    def is_table(self) -> bool:
        """Tell whether the output is for people."""
        return self.form == "table"

    def listed(self, tail: str, most: int, **query: object) -> list[Json]:
        """Return up to `most` items of a list of the project.

        The default project may be missing: then nobody has put anything into it.
        """
        try:
            return self.client.pages(f"{self.path}/{tail}", most, **query)
        except ProblemError as error:
            if error.status == _NOT_FOUND and self.project == DEFAULT_PROJECT:
                return []
            raise

    def show_list(
        self,
        items: Sequence[Json],
        titles: Sequence[str],
        row: Callable[[Json], Sequence[str]],
        *,
        none: str = "",
    ) -> None:
        """Print a list: for people a table, for programs the items as they are.

        Args:
            none: What people are told when the list is empty.
        """
        if not self.is_table:
            emit(items, self.form)
            return
        if none and not items:
            note(none)
        table(titles, [row(item) for item in items])

    def show_made(self, made: Json, *, line: str = "", told: str = "") -> None:
        """Print what an act made: for people one line and a remark, for programs all of it."""
        if not self.is_table:
            emit(made, self.form)
            return
        if line:
            click.echo(line)
        if told:
            note(told)

    def demand_lasting_server(self) -> None:
        """Refuse work on a server that another command started for itself.

        Raises:
            FailureError: It would end in the middle of the work.
        """
        if self.client.borrowed_from is not None:
            raise FailureError(
                f"another command (pid {self.client.borrowed_from}) works on this data directory; "
                "wait until it ends, or start `mulligan serve` for both",
                EXIT_CONFLICT,
            )


def with_session(act: F) -> F:
    """Add the shared options to a command and hand it a connected `Session` as first argument."""
    return _with_session(act, works=False)


def with_working_session(act: F) -> F:
    """Like `with_session`, for a command that waits for runs: its own server carries them out."""
    return _with_session(act, works=True)


def _with_session(act: F, *, works: bool) -> F:

    @click.option("--url", help="Server (MULLIGAN_URL).")
    @click.option("--token", help="Token (MULLIGAN_TOKEN).")
    @click.option("--data", type=click.Path(path_type=Path), help="Data directory (MULLIGAN_DATA).")
    @click.option("-o", "--output", type=click.Choice(FORMS), default="table", help="Form.")
    @click.option("--json", "as_json", is_flag=True, help="Like -o json.")
    @functools.wraps(act)
    def command(
        *args: Any,
        url: str | None,
        token: str | None,
        data: Path | None,
        output: str,
        as_json: bool,
        project: str | None = None,
        **kwargs: Any,
    ) -> Any:
        server = ServerOptions(url=url, token=token, data=data, works=works)
        form = "json" if as_json else output
        return act(Session(reaching(server), project, form, server), *args, **kwargs)

    return command  # type: ignore[return-value]  # click calls it by keyword, whatever F takes


def reaching(server: ServerOptions) -> Callable[[], Client]:
    """Give what finds or starts the server, and leaves or ends it with the command."""
    context = click.get_current_context()
    return lambda: context.with_resource(connect(server))


def in_project(act: F) -> F:
    """Add the option `--project`; stands below `with_session`'s options."""
    text = f"Project (MULLIGAN_PROJECT).  [default: {DEFAULT_PROJECT}]"
    return click.option("--project", help=text)(act)


def names_run(act: F) -> F:
    """Add the argument RUN and what it may need: `--project` and `--pipeline`."""
    text = "Pipeline, for a RUN that is a number or begins with @."
    option = click.option("--pipeline", metavar="ID|NAME", help=text)
    return click.argument("run", metavar="RUN")(option(in_project(act)))


def may_watch(act: F) -> F:
    """Add the option `--watch/--no-watch`."""
    return click.option(
        "--watch/--no-watch", default=True, help="Follow until the end.  [default: watch]"
    )(act)


EXAMPLE = "\b\nExample:\n  "
RUN_HELP = "RUN is an id (b-…), a number with --pipeline, @latest or @failed."
