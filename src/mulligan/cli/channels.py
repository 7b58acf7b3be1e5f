"""`mulligan channel`."""

import sys

import click

from mulligan.cli.client import part
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.options import Session, may_preview, with_session
from mulligan.cli.output import moment, note

_MOST = 1000
_PROJECT = click.option("--project", required=True, help="Where.")
_TYPES = ("webhook", "wecom", "dingtalk", "feishu", "slack")
_TELLS = ("success", "failure", "review")


@click.group(
    help="Set, test, list and remove channels: where notices go to.\n\n"
    + EXAMPLE
    + "mulligan channel set team --type slack --tell failure --project shop < url.txt"
)
def channel() -> None:
    """Group of the commands about channels."""


@channel.command(
    "set",
    help="Set a channel. Its URL is the first line of stdin, the key for signatures the second.\n\n"
    + EXAMPLE
    + "mulligan channel set team --type slack --tell failure --project shop < url.txt",
)
@click.argument("name")
@click.option("--type", "kind", type=click.Choice(_TYPES), required=True, help="What it is.")
@click.option(
    "--tell",
    "tells",
    multiple=True,
    type=click.Choice(_TELLS),
    help="Of all pipelines of the project; without it only what pipelines send there.",
)
@click.option("--chat", "chats", multiple=True, help="Id of a chat that means this channel.")
@_PROJECT
@may_preview
@with_session
def set_channel(
    session: Session, name: str, kind: str, tells: tuple[str, ...], chats: tuple[str, ...]
) -> None:
    """Set a channel."""
    if sys.stdin.isatty():
        note("type the URL, and the key on the next line; then Ctrl-D")
    url, _, key = sys.stdin.read().strip().partition("\n")
    if not url:
        raise click.UsageError("no URL came on stdin")
    body = {"type": kind, "url": url.strip(), "key": key.strip(), "tells": tells, "chats": chats}
    stored = session.client.call("PUT", f"{session.path}/channels/{part(name)}", body)
    session.show_made(
        stored, told=f"set channel {stored['name']} of {session.project} at {stored['site']}"
    )


@channel.command(
    "list", help="List channels.\n\n" + EXAMPLE + "mulligan channel list --project shop"
)
@_PROJECT
@with_session
def list_channels(session: Session) -> None:
    """List channels."""
    items = session.client.pages(f"{session.path}/channels", _MOST)
    session.show_list(
        items,
        ("CHANNEL", "TYPE", "SITE", "TELLS", "CHATS", "SET"),
        lambda item: (
            item["name"],
            item["type"],
            item["site"],
            ",".join(item["tells"]),
            ",".join(item["chats"]),
            moment(item["updated_at"]),
        ),
    )


@channel.command(
    "test",
    help="Send a message through a channel now.\n\n"
    + EXAMPLE
    + "mulligan channel test team --project shop",
)
@click.argument("name")
@_PROJECT
@may_preview
@with_session
def test_channel(session: Session, name: str) -> None:
    """Send a message."""
    result = session.client.call("POST", f"{session.path}/channels/{part(name)}/test")
    if not session.is_table:
        session.emit(result)
    if not result["sent"]:
        raise click.ClickException(f"not sent: {result['problem']}")
    note(f"sent a message through {name}")


@channel.command(
    "remove",
    help="Remove a channel.\n\n" + EXAMPLE + "mulligan channel remove team --project shop",
)
@click.argument("name")
@_PROJECT
@may_preview
@with_session
def remove_channel(session: Session, name: str) -> None:
    """Remove a channel."""
    session.client.call("DELETE", f"{session.path}/channels/{part(name)}")
    note(f"removed channel {name} of {session.project}")
