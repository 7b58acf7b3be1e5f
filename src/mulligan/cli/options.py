"""Options that many commands share."""

import functools
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from mulligan.cli.client import Client, part
from mulligan.cli.completions import pipelines, runs, steps
from mulligan.cli.exits import EXIT_CONFLICT, EXIT_INTERRUPTED, FailureError
from mulligan.cli.forms import FORMS, Form, chosen, emit
from mulligan.cli.language import tr
from mulligan.cli.output import cell, note, tabbed, table
from mulligan.cli.problems import Json, ProblemError
from mulligan.cli.servers import (
    DEFAULT_PROJECT,
    ServerOptions,
    connect,
    context_in_use,
    usual_project,
)

F = TypeVar("F", bound=Callable[..., Any])

_NOT_FOUND = 404


class Session:
    """What a command needs: the server, the project, the form of its output.

    Args:
        reach: Finds or starts the server; called when it is needed first.
        server: What was said about it on the command line.
        is_preview: What would change something is shown instead, see `Client.is_preview`.
    """

    def __init__(
        self,
        reach: Callable[[], Client],
        project: str | None,
        form: Form | str,
        server: ServerOptions,
        *,
        is_preview: bool = False,
    ) -> None:
        self._reach = reach
        self.named_project = project
        self.form = Form(form) if isinstance(form, str) else form
        self.server = server
        self.is_preview = is_preview

    @functools.cached_property
    def client(self) -> Client:
        """Return the client of the server."""
        client = self._reach()
        client.is_preview = self.is_preview
        return client

    @property
    def project(self) -> str:
        """Return the project: named, of the environment, of the context, or `local`."""
        return self.named_project or usual_project(self.server)

    @property
    def pipeline(self) -> str | None:
        """Return the pipeline that is meant when none is named, if there is one."""
        context = context_in_use(self.server)
        of_context = context.pipeline if context else ""
        return os.environ.get("MULLIGAN_PIPELINE") or of_context or None

    @property
    def path(self) -> str:
        """Return the path of the project in the API."""
        return f"/projects/{part(self.project)}"

    @property
    def is_table(self) -> bool:
        """Tell whether the output is for people."""
        return self.form.is_for_people

    def emit(self, value: Any) -> None:
        """Print data for programs."""
        emit(value, self.form)

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
        wide: Mapping[str, str] | None = None,
    ) -> None:
        """Print a list: for people a table, for programs the items as they are.

        Args:
            none: What people are told when the list is empty.
            wide: More columns for `-o wide`: title -> field.
        """
        if not self.is_table:
            self.emit(items)
            return
        if none and not items:
            note(none)
        more = dict(wide or {}) if self.form.name == "wide" else {}
        rows = [(*row(item), *(cell(item[field]) for field in more.values())) for item in items]
        if self.form.name == "tsv":
            tabbed(rows)
        else:
            table((*titles, *more), rows)

    def show_made(self, made: Json, *, line: str = "", told: str = "") -> None:
        """Print what an act made: for people one line and a remark, for programs all of it."""
        if not self.is_table:
            self.emit(made)
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
    @click.option("--context", metavar="NAME", help="One of `mulligan context list`.")
    @click.option(
        "-o",
        "--output",
        type=click.Choice(FORMS),
        help="Form.  [default: table, in a pipe without titles, with tabs]",
    )
    @click.option("--json", "as_json", metavar="[A,B,…]", help="As JSON, only these fields.")
    @click.option("--jq", metavar="EXPR", help="JSON through jq.")
    @functools.wraps(act)
    def command(
        *args: Any,
        url: str | None,
        token: str | None,
        data: Path | None,
        context: str | None,
        output: str | None,
        as_json: str | None,
        jq: str | None,
        project: str | None = None,
        dry_run: bool = False,
        **kwargs: Any,
    ) -> Any:
        server = ServerOptions(url=url, token=token, data=data, context=context, works=works)
        form = chosen(output, as_json, jq)
        session = Session(reaching(server), project, form, server, is_preview=dry_run)
        return act(session, *args, **kwargs)

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
    text = "Pipeline, for a RUN that is a number or begins with @ (MULLIGAN_PIPELINE)."
    option = click.option("--pipeline", metavar="ID|NAME", help=text, shell_complete=pipelines)
    argument = click.argument("run", metavar="[RUN]", required=False, shell_complete=runs)
    return argument(option(in_project(act)))


def names_step(*, required: bool = False, text: str = "") -> Callable[[F], F]:
    """Add the option `--step`."""
    text = text or "The step: its id, its own id in the file, or name."
    return click.option("--step", required=required, help=text, shell_complete=steps)


def may_preview(act: F) -> F:
    """Add the option `--dry-run`: what would change something is shown, not done."""
    return click.option("--dry-run", is_flag=True, help="Show what would be done; do nothing.")(act)


def may_ask(act: F) -> F:
    """Add the option `--yes`; the command gets `yes`, true also where nobody can be asked."""

    @click.option("-y", "--yes", is_flag=True, help="Do not ask (MULLIGAN_NO_INPUT).")
    @functools.wraps(act)
    def command(*args: Any, yes: bool, **kwargs: Any) -> Any:
        return act(*args, yes=yes or not asks(), **kwargs)

    return command  # type: ignore[return-value]  # click calls it by keyword, whatever F takes


def key_values(texts: Sequence[str], option: str = "-p") -> dict[str, str]:
    """Read `KEY=VALUE` of an option."""
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint=option)
        values[name] = value
    return values


def demand_yes() -> None:
    """Ask whether to go ahead.

    Raises:
        FailureError: No.
    """
    if not click.confirm(tr("Go ahead?"), default=True, err=True):
        raise FailureError(tr("nothing was changed"), EXIT_INTERRUPTED)


def asks() -> bool:
    """Tell whether somebody can be asked: only on a terminal, unless told not to."""
    is_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    return is_terminal and not os.environ.get("MULLIGAN_NO_INPUT")


RUN_HELP = (
    "RUN is an id (b-…), a number with --pipeline, @latest, @failed, @mine, or the address of its "
    "page; on a terminal it may be left out."
)
