"""`mulligan login`, `logout`, `whoami`, `context`: which server, and as whom."""

import os
import sys
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import click

from mulligan.cli import contexts
from mulligan.cli.client import Client
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_USAGE, FailureError
from mulligan.cli.options import Session, asks, with_session
from mulligan.cli.output import note, one_line
from mulligan.cli.references import caller


def _complete_context(_ctx: click.Context, _param: click.Parameter, typed: str) -> list[Any]:
    from click.shell_completion import CompletionItem

    try:
        known = contexts.load().known.values()
    except FailureError:
        return []
    return [
        CompletionItem(each.name, help=each.url)
        for each in known
        if each.name[: len(typed)] == typed
    ]


@click.command(
    help="Keep a server and a token for it, and use it from now on. The token is read from stdin, "
    "asked for on a terminal, or taken from MULLIGAN_TOKEN; `mulligan token create` makes one. It "
    "is kept in a file that nobody else can read.\n\n"
    + EXAMPLE
    + "mulligan login https://ci.example.com --token-stdin < token.txt"
)
@click.argument("url")
@click.option("--name", help="Its name.  [default: the host]")
@click.option("--token-stdin", is_flag=True, help="Read the token from the first line.")
@click.option("--project", default="", help="Project when none is named.")
@click.option("--pipeline", default="", help="Pipeline of a RUN that is a number alone.")
def login(url: str, name: str | None, token_stdin: bool, project: str, pipeline: str) -> None:  # noqa: FBT001 - click gives flags by name
    """Log in."""
    Client(url)  # says what is wrong with the URL, before its host becomes a name
    chosen = contexts.check_name(name or urlsplit(url).hostname or "")
    context = contexts.Context(chosen, url.rstrip("/"), project, pipeline)
    token = _token(token_stdin)
    with closing(Client(url, token)) as client:
        person = caller(client)
    _keep(context, use=True)
    contexts.keep_token(chosen, token)
    note(f"logged in at {context.url} as {person['user']}; context {chosen}")


def _token(from_stdin: bool) -> str:  # noqa: FBT001 - from click
    token = os.environ.get("MULLIGAN_TOKEN", "")
    if from_stdin:
        token = sys.stdin.readline().strip()
    elif asks() and not token:
        token = click.prompt("Token", hide_input=True, err=True).strip()
    if not token:
        raise click.UsageError("no token: give one with --token-stdin or MULLIGAN_TOKEN")
    return token


def _keep(context: contexts.Context, *, use: bool) -> None:
    """Store a context in place of the one of its name; its token goes where its URL changes."""
    known = contexts.load()
    before = known.known.get(context.name)
    if before is not None and before.url != context.url:
        contexts.keep_token(context.name, None)
    current = context.name if use or not known.current else known.current
    contexts.save(contexts.Contexts({**known.known, context.name: context}, current))


@click.command(
    help="Forget the token of a context; the server itself goes on taking it until it is revoked "
    "(`mulligan token revoke`).\n\n" + EXAMPLE + "mulligan logout"
)
@click.argument("name", required=False, shell_complete=_complete_context)
def logout(name: str | None) -> None:
    """Log out."""
    found = contexts.load().used(name)
    if found is None:
        raise FailureError("no context is in use", EXIT_USAGE)
    contexts.keep_token(found.name, None)
    note(f"forgot the token of {found.name}")


@click.command(help="Tell who one is, and on which server.\n\n" + EXAMPLE + "mulligan whoami")
@with_session
def whoami(session: Session) -> None:
    """Tell who one is."""
    found = caller(session.client)
    server = session.client.url
    if not session.is_table:
        session.emit({**found, "url": server})
        return
    more = " (admin)" if found["is_admin"] else ""
    click.echo(f"{one_line(found['user'])} at {server}{more}")


@click.group(
    help="Servers that are kept by name.\n\n" + EXAMPLE + "mulligan context use ci.example.com"
)
def context() -> None:
    """Group of the commands about contexts."""


@context.command("list", help="List contexts.\n\n" + EXAMPLE + "mulligan context list")
@with_session
def list_contexts(session: Session) -> None:
    """List contexts."""
    found = contexts.load()
    items = [
        {**each._asdict(), "current": each.name == found.current, "token": _has_token(each.name)}
        for each in found.known.values()
    ]
    session.show_list(
        items,
        ("", "NAME", "URL", "PROJECT", "PIPELINE", "TOKEN"),
        lambda item: (
            "*" if item["current"] else "",
            item["name"],
            item["url"],
            item["project"],
            item["pipeline"],
            "yes" if item["token"] else "no",
        ),
        none="there are no contexts; make one with: mulligan login URL",
    )


def _has_token(name: str) -> bool:
    return contexts.token_of(name) is not None


@context.command("use", help="Use a context.\n\n" + EXAMPLE + "mulligan context use prod")
@click.argument("name", shell_complete=_complete_context)
def use_context(name: str) -> None:
    """Use a context."""
    known = contexts.load()
    found = known.named(name)
    contexts.save(known._replace(current=found.name))
    note(f"now {found.name}: {found.url}")


@context.command(
    "add",
    help="Keep a server, without a token; the first one is used at once.\n\n"
    + EXAMPLE
    + "mulligan context add prod https://ci.example.com --project shop",
)
@click.argument("name")
@click.argument("url")
@click.option("--project", default="", help="Project when none is named.")
@click.option("--pipeline", default="", help="Pipeline of a RUN that is a number alone.")
def add_context(name: str, url: str, project: str, pipeline: str) -> None:
    """Keep a server."""
    Client(url)  # says what is wrong with the URL
    _keep(
        contexts.Context(contexts.check_name(name), url.rstrip("/"), project, pipeline), use=False
    )
    note(f"kept {name}: {url}")


@context.command("rm", help="Forget a context.\n\n" + EXAMPLE + "mulligan context rm prod")
@click.argument("name", shell_complete=_complete_context)
def remove_context(name: str) -> None:
    """Forget a context with its token."""
    known = contexts.load()
    found = known.named(name)
    contexts.keep_token(found.name, None)
    rest = {key: each for key, each in known.known.items() if key != found.name}
    contexts.save(contexts.Contexts(rest, "" if known.current == found.name else known.current))
    note(f"forgot {found.name}")
