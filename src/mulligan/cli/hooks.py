"""`mulligan hook` and `mulligan trigger`: what starts pipelines without a person."""

import sys

import click

from mulligan.cli.client import part
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.options import Session, may_preview, with_session
from mulligan.cli.output import moment, note, one_line, table
from mulligan.cli.problems import Json
from mulligan.cli.references import find_pipeline

_MOST = 1000
_KINDS = ("github", "gitlab", "gitea", "gitee", "tgit", "standard")
_PROJECT = click.option("--project", required=True, help="Where.")


@click.group(
    help="Hooks to which code hosts deliver their events.\n\n"
    + EXAMPLE
    + "mulligan hook add --project shop --kind github --secret-stdin < secret.txt"
)
def hook() -> None:
    """Group of the commands about hooks."""


@hook.command(
    "add",
    help="Make a hook, for one pipeline or for all of a project; prints what the code host has to "
    "be told. The secret comes on stdin.\n\n"
    + EXAMPLE
    + "mulligan hook add --project shop --pipeline build --kind github --secret-stdin < secret.txt",
)
@click.option("--kind", required=True, type=click.Choice(_KINDS), help="Who delivers.")
@click.option("--pipeline", default=None, help="Id or name; without it all of the project.")
@click.option("--secret-stdin", is_flag=True, required=True, help="Take the secret from stdin.")
@click.option("--name", default="", help="What people call it.")
@click.option("--event", "events", multiple=True, help="Starts a pipeline without code triggers.")
@click.option("--credential", default="", help="Secret whose token tells the host how runs go.")
@click.option("--api", default="", help="Base of the host's API.")
@_PROJECT
@may_preview
@with_session
def add_hook(
    session: Session,
    kind: str,
    pipeline: str | None,
    secret_stdin: bool,  # noqa: FBT001 - an option of the command line
    name: str,
    events: tuple[str, ...],
    credential: str,
    api: str,
) -> None:
    """Make a hook."""
    assert secret_stdin  # noqa: S101 - required
    body: Json = {"kind": kind, "secret": sys.stdin.read().strip("\r\n"), "name": name}
    body |= {"credential": credential, "api": api}
    if events:
        body["events"] = list(events)
    path = session.path
    if pipeline is not None:
        path += f"/pipelines/{part(find_pipeline(session, pipeline)['id'])}"
    made = session.client.call("POST", f"{path}/hooks", body)
    session.show_made(made, line=f"{made['id']}  {made['url']}")


@hook.command("list", help="List hooks.\n\n" + EXAMPLE + "mulligan hook list --project shop")
@_PROJECT
@with_session
def list_hooks(session: Session) -> None:
    """List hooks."""
    items = session.client.pages(f"{session.path}/hooks", _MOST)
    session.show_list(
        items,
        ("HOOK", "NAME", "KIND", "PIPELINE", "URL"),
        lambda item: (
            item["id"],
            one_line(item["name"]),
            item["kind"],
            item["pipeline"] or "all",
            item["url"],
        ),
    )


@hook.command(
    "remove",
    help="Delete a hook with its deliveries.\n\n"
    + EXAMPLE
    + "mulligan hook remove 3vXk… --project shop",
)
@click.argument("hook_id", metavar="HOOK")
@_PROJECT
@may_preview
@with_session
def remove_hook(session: Session, hook_id: str) -> None:
    """Delete a hook."""
    session.client.call("DELETE", f"{session.path}/hooks/{part(hook_id)}")
    note(f"removed hook {hook_id} of {session.project}")


@hook.command(
    "deliveries",
    help="List what a hook was delivered, newest first.\n\n"
    + EXAMPLE
    + "mulligan hook deliveries 3vXk… --project shop --limit 20",
)
@click.argument("hook_id", metavar="HOOK")
@click.option("--limit", default=20, type=click.IntRange(1, _MOST), help="How many.")
@_PROJECT
@with_session
def list_deliveries(session: Session, hook_id: str, limit: int) -> None:
    """List deliveries."""
    items = session.client.pages(f"{session.path}/hooks/{part(hook_id)}/deliveries", limit)
    session.show_list(
        items,
        ("DELIVERY", "CAME", "STATE", "EVENT", "BY", "ABOUT"),
        lambda item: (
            str(item["id"]),
            moment(item["received_at"]),
            item["state"],
            item["event"],
            one_line(item["user"]),
            one_line(item["title"] or item["reason"]),
        ),
    )


@hook.command(
    "delivery",
    help="Show a delivery, and why each pipeline was started by it or not.\n\n"
    + EXAMPLE
    + "mulligan hook delivery 3vXk… 17 --project shop",
)
@click.argument("hook_id", metavar="HOOK")
@click.argument("number", type=int)
@_PROJECT
@with_session
def show_delivery(session: Session, hook_id: str, number: int) -> None:
    """Show a delivery."""
    path = f"{session.path}/hooks/{part(hook_id)}/deliveries/{number}"
    found = session.client.get(path)
    if not session.is_table:
        session.emit(found)
        return
    rows = [
        (outcome["pipeline"], outcome["run"] or "-", outcome["trigger"], one_line(reason))
        for outcome in found["outcomes"]
        for reason in (outcome["reason"] or _passed(outcome),)
    ]
    click.echo(f"{found['event']} {found['ref']} by {found['user']}: {one_line(found['title'])}")
    table(("PIPELINE", "RUN", "TRIGGER", "REASON"), rows)


def _passed(outcome: Json) -> str:
    passed = outcome["passed_over"]
    return "; ".join(f"{each['trigger']}: {each['reason']}" for each in passed)


@hook.command(
    "replay",
    help="Let a delivery count once more: it may start new runs.\n\n"
    + EXAMPLE
    + "mulligan hook replay 3vXk… 17 --project shop",
)
@click.argument("hook_id", metavar="HOOK")
@click.argument("number", type=int)
@_PROJECT
@may_preview
@with_session
def replay(session: Session, hook_id: str, number: int) -> None:
    """Let a delivery count once more."""
    path = f"{session.path}/hooks/{part(hook_id)}/deliveries/{number}/replay"
    taken = session.client.call("POST", path)
    if not session.is_table:
        session.emit(taken)
        return
    for run in taken["runs"]:
        click.echo(run)
    if not taken["runs"]:
        note(f"nothing was started: {taken['reason']}")


@click.group(
    help="What starts pipelines without a person.\n\n"
    + EXAMPLE
    + "mulligan trigger list build --project shop"
)
def trigger() -> None:
    """Group of the commands about triggers."""


@trigger.command(
    "list",
    help="List the triggers of a pipeline; of timers, when they fire next.\n\n"
    + EXAMPLE
    + "mulligan trigger list build --project shop",
)
@click.argument("pipeline")
@_PROJECT
@with_session
def list_triggers(session: Session, pipeline: str) -> None:
    """List triggers."""
    ident = find_pipeline(session, pipeline)["id"]
    items = session.client.get(f"{session.path}/pipelines/{part(ident)}/triggers")["items"]
    session.show_list(
        items,
        ("TRIGGER", "KIND", "STATE", "WAITS FOR", "NEXT", "LAST"),
        lambda item: (
            item["id"],
            item["kind"],
            "on" if item["enabled"] else "off",
            ", ".join(item["waits_for"]),
            moment(item["next_at"]),
            one_line(item["last"]),
        ),
    )


@trigger.command(
    "token",
    help="Make a new token for the remote trigger of a pipeline; the old one is refused. Prints "
    "the address to call.\n\n" + EXAMPLE + "mulligan trigger token build --project shop",
)
@click.argument("pipeline")
@_PROJECT
@may_preview
@with_session
def make_token(session: Session, pipeline: str) -> None:
    """Make a token."""
    ident = find_pipeline(session, pipeline)["id"]
    made = session.client.call("POST", f"{session.path}/pipelines/{part(ident)}/remote-token")
    session.show_made(made, line=made["url"])
