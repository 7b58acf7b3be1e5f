"""`mulligan artifact`: files that a run has kept."""

from pathlib import Path

import click

from mulligan.cli.downloads import fetch, size_text
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_USAGE, FailureError
from mulligan.cli.options import RUN_HELP, Session, names_run, with_session
from mulligan.cli.output import one_line
from mulligan.cli.problems import Json
from mulligan.cli.references import find_run, path_of

_MOST = 10_000  # files of a run

_names_attempt = click.option(
    "--attempt",
    type=click.IntRange(min=1),
    help="What this attempt of the run kept; of each path the newest if absent.",
)


@click.group(help="Files that a run has kept.\n\n" + EXAMPLE + "mulligan artifact list @latest")
def artifact() -> None:
    """Group of the commands about artifacts."""


@artifact.command(
    "list",
    help="List the files that a run has kept. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan artifact list @latest --json=name",
)
@names_run
@_names_attempt
@with_session
def list_artifacts(
    session: Session, run: str | None, pipeline: str | None, attempt: int | None
) -> None:
    """List artifacts."""
    session.show_list(
        _artifacts(session, find_run(session, run, pipeline), attempt),
        ("NAME", "SIZE", "PATH"),
        lambda item: (one_line(item["name"]), size_text(item["size"]), one_line(item["path"])),
        none="the run has kept no files",
        wide={"STEP": "step_name", "ATTEMPT": "attempt", "SHA-256": "sha256"},
    )


@artifact.command(
    "download",
    help="Download a file that a run has kept; it is checked against its digest. "
    + RUN_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan artifact download @latest --name dist/web.tar.gz",
)
@names_run
@click.option("--name", required=True, help="Its name, or its path in the run.")
@click.option("--to", type=click.Path(path_type=Path), help="File or folder; the current one.")
@_names_attempt
@with_session
def download(
    session: Session,
    run: str | None,
    pipeline: str | None,
    name: str,
    to: Path | None,
    attempt: int | None,
) -> None:
    """Download an artifact."""
    wanted = _named(_artifacts(session, find_run(session, run, pipeline), attempt), name)
    target = fetch(session, wanted["download"], wanted["sha256"], to, wanted["name"])
    told = f"downloaded {target} ({size_text(wanted['size'])})"
    session.show_made({**wanted, "file": str(target)}, told=told)


def _artifacts(session: Session, run: Json, attempt: int | None) -> list[Json]:
    """Return what a run has kept, of each path the newest."""
    items = session.client.pages(f"{path_of(run)}/artifacts", _MOST, attempt=attempt)
    return list({item["path"]: item for item in items}.values())


def _named(items: list[Json], name: str) -> Json:
    for key in ("path", "name"):
        found = [item for item in items if item[key] == name]
        if len(found) == 1:
            return found[0]
        if found:
            paths = ", ".join(item["path"] for item in found)
            raise FailureError(f"{len(found)} files are called {name!r}: {paths}", EXIT_USAGE)
    raise FailureError(f"the run has kept no file {name!r}", EXIT_USAGE)
