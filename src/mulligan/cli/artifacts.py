"""`mulligan artifact`: files that a run has kept."""

import itertools
from pathlib import Path

import click

from mulligan.cli.bkci_calls import bkci
from mulligan.cli.downloads import fetch, size_text
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_USAGE, FailureError
from mulligan.cli.options import RUN_HELP, Session, names_run, with_session
from mulligan.cli.output import one_line
from mulligan.cli.problems import Json
from mulligan.cli.references import find_run

_PAGE = 100


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
@with_session
def list_artifacts(session: Session, run: str | None, pipeline: str | None) -> None:
    """List artifacts."""
    session.show_list(
        _artifacts(session, find_run(session, run, pipeline)),
        ("NAME", "SIZE", "PATH"),
        lambda item: (one_line(item["name"]), size_text(item["size"]), one_line(_short(item))),
        none="the run has kept no files",
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
@with_session
def download(
    session: Session, run: str | None, pipeline: str | None, name: str, to: Path | None
) -> None:
    """Download an artifact."""
    found = find_run(session, run, pipeline)
    wanted = _named(_artifacts(session, found), name)
    query = {"artifactoryType": "PIPELINE", "path": wanted["fullPath"]}
    link = bkci(session.client, "GET", found["project"], "artifactories/user_download_url", query)
    source = "/api/" + link["url"].partition("/api/")[2]
    digest = next(each["value"] for each in wanted["properties"] if each["key"] == "sha256")
    target = fetch(session, source, digest, to, wanted["name"])
    told = f"downloaded {target} ({size_text(wanted['size'])})"
    session.show_made({**wanted, "file": str(target)}, told=told)


def _artifacts(session: Session, run: Json) -> list[Json]:
    """Return what a run has kept, of each path the newest."""
    items: list[Json] = []
    for page in itertools.count(1):
        query = {
            "pipelineId": run["pipeline"],
            "buildId": run["id"],
            "page": page,
            "pageSize": _PAGE,
        }
        found = bkci(session.client, "GET", run["project"], "artifactories/file_info", query)
        items += found["records"]
        if page >= found["totalPages"]:
            break
    return items


def _short(item: Json) -> str:
    """Return the path of a file in its run: behind pipeline and run."""
    return str(item["fullPath"]).split("/", 3)[3]


def _named(items: list[Json], name: str) -> Json:
    for key in (_short, lambda item: item["name"]):
        found = [item for item in items if key(item) == name]
        if len(found) == 1:
            return found[0]
        if found:
            paths = ", ".join(map(_short, found))
            raise FailureError(f"{len(found)} files are called {name!r}: {paths}", EXIT_USAGE)
    raise FailureError(f"the run has kept no file {name!r}", EXIT_USAGE)
