"""`mulligan env`, `deployments`: what is live where, and what was done to it."""

import click

from mulligan.cli.client import part
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_USAGE, FailureError
from mulligan.cli.options import Session, in_project, with_session
from mulligan.cli.output import between, moment, one_line, table
from mulligan.cli.problems import Json

MOST = 10_000  # items of a list
_ENVIRONMENT_HELP = "ENV is the name, id (env-…) or key of an environment."
_TITLES = (
    "LIVE",
    "NUMBER",
    "DEPLOYMENT",
    "WHAT",
    "STATUS",
    "RELEASE",
    "STAGE",
    "STARTED",
    "TOOK",
    "BY",
)


@click.group(help="Show environments and what is live there.\n\n" + EXAMPLE + "mulligan env list")
def env() -> None:
    """Group of the commands about environments."""


@env.command(
    "list", help="List environments.\n\n" + EXAMPLE + "mulligan env list --project shop -o json"
)
@in_project
@with_session
def list_environments(session: Session) -> None:
    """List environments."""
    items = session.listed("environments", MOST)
    session.show_list(
        items,
        ("ENVIRONMENT", "ID", "DRIVER", "LIVE", "GREY", "BUSY", "CHANGED"),
        lambda item: (
            one_line(item["name"]),
            item["id"],
            item["driver"],
            release_text(item["live"]),
            release_text(item["gray"]),
            _busy(item),
            moment(item["updated_at"]),
        ),
        none=f"project {session.project} has no environments: nothing was deployed",
    )


@env.command(
    "show",
    help="Show an environment with its newest deployments. "
    + _ENVIRONMENT_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan env show prod",
)
@click.argument("environment", metavar="ENV")
@in_project
@with_session
def show_environment(session: Session, environment: str) -> None:
    """Show an environment."""
    found = find_environment(session, environment)
    if not session.is_table:
        session.emit(found)
        return
    click.echo(f"{one_line(found['name'])} ({found['id']}), driver {found['driver']}")
    for kind, what in (("live", "live"), ("gray", "grey release"), ("holder", "under way")):
        deployment = found[kind]
        if deployment is not None:
            click.echo(
                f"{what}: {release_text(deployment)}, {deployment['kind']} by "
                f"{one_line(deployment['actor'])} at {moment(deployment['started_at'])}, "
                f"run {deployment['run']}"
            )
    if found["live"] is None:
        click.echo("nothing is live")
    click.echo()
    newest = session.client.pages(f"{path_to(session, found)}/deployments", 10)
    table(_TITLES, [_row(item) for item in newest])


@click.command(
    help="List the deployments of an environment, newest first. "
    + _ENVIRONMENT_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan deployments prod --limit 5"
)
@click.argument("environment", metavar="ENV")
@in_project
@click.option("--limit", type=click.IntRange(1, MOST), default=20, show_default=True)
@with_session
def deployments(session: Session, environment: str, limit: int) -> None:
    """List deployments."""
    found = find_environment(session, environment)
    items = session.client.pages(f"{path_to(session, found)}/deployments", limit)
    session.show_list(items, _TITLES, _row, wide={"RUN": "run"})


def _row(item: Json) -> tuple[str, ...]:
    return (
        "*" if item["is_live"] else "",
        str(item["number"]),
        item["id"],
        item["kind"],
        item["status"],
        release_text(item),
        one_line(item["stage"]["name"]) if item["stage"] else "-",
        moment(item["started_at"]),
        between(item["started_at"], item["ended_at"]),
        one_line(item["actor"]),
    )


def release_text(deployment: Json | None) -> str:
    """Name what a deployment brought."""
    if deployment is None:
        return "-"
    names = [deployment["image"], *deployment["files"]]
    return one_line(" ".join(name for name in names if name)) or deployment["id"]


def _busy(environment: Json) -> str:
    holder = environment["holder"]
    return f"{holder['kind']} by {one_line(holder['actor'])}" if holder else ""


def path_to(session: Session, environment: Json) -> str:
    """Return the path of an environment in the API."""
    return f"{session.path}/environments/{part(environment['id'])}"


def find_environment(session: Session, text: str) -> Json:
    """Return an environment by its id, name or key.

    Raises:
        FailureError: There is none, or several have that name.
    """
    items = session.listed("environments", MOST)
    for key in ("id", "name", "key"):
        found = [item for item in items if item[key] == text]
        if len(found) == 1:
            return found[0]
        if found:
            idents = ", ".join(f"{item['id']} ({item['application']})" for item in found)
            message = f"{len(found)} environments are called {text!r}; say which: {idents}"
            raise FailureError(message, EXIT_USAGE)
    names = ", ".join(one_line(item["name"]) for item in items) or "none"
    message = f"project {session.project!r} has no environment {text!r}; it has {names}"
    raise FailureError(message, EXIT_USAGE)
