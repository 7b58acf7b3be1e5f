"""`mulligan secret`."""

import sys

import click

from mulligan.cli.client import part
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.options import Session, may_preview, with_session
from mulligan.cli.output import moment, note, one_line

_MOST = 1000
_PROJECT = click.option("--project", required=True, help="Where.")


@click.group(
    help="Set, list and remove the secrets of a project.\n\n"
    + EXAMPLE
    + "mulligan secret set npm-token --project shop < token.txt"
)
def secret() -> None:
    """Group of the commands about secrets."""


@secret.command(
    "set",
    help="Set a secret to what comes on stdin; one newline at its end does not count. Steps get "
    "it as ${{ settings.NAME.value }}.\n\n"
    + EXAMPLE
    + "mulligan secret set npm-token --project shop < token.txt",
)
@click.argument("name")
@click.option("--remark", default="", help="What it is for.")
@_PROJECT
@may_preview
@with_session
def set_secret(session: Session, name: str, remark: str) -> None:
    """Set a secret."""
    if sys.stdin.isatty():
        note("type the value, then Ctrl-D on a line of its own")
    value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise click.UsageError("no value came on stdin")
    path = f"{session.path}/secrets/{part(name)}"
    stored = session.client.call("PUT", path, {"value": value, "remark": remark})
    session.show_made(stored, told=f"set secret {stored['name']} of {session.project}")


@secret.command(
    "list",
    help="List secrets, without their values.\n\n"
    + EXAMPLE
    + "mulligan secret list --project shop",
)
@_PROJECT
@with_session
def list_secrets(session: Session) -> None:
    """List secrets."""
    items = session.client.pages(f"{session.path}/secrets", _MOST)
    session.show_list(
        items,
        ("SECRET", "KIND", "FIELDS", "REMARK", "SET BY", "SET"),
        lambda item: (
            item["name"],
            item["kind"],
            ",".join(item["fields"]),
            one_line(item["remark"]),
            item["updated_by"],
            moment(item["updated_at"]),
        ),
    )


@secret.command(
    "remove",
    help="Remove a secret.\n\n" + EXAMPLE + "mulligan secret remove npm-token --project shop",
)
@click.argument("name")
@_PROJECT
@may_preview
@with_session
def remove_secret(session: Session, name: str) -> None:
    """Remove a secret."""
    session.client.call("DELETE", f"{session.path}/secrets/{part(name)}")
    note(f"removed secret {name} of {session.project}")
