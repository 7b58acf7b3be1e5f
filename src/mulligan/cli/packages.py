"""`mulligan package`: files of the software center, up and down."""

import os
from pathlib import Path

import click

from mulligan.cli.client import part
from mulligan.cli.documents import ensure_project
from mulligan.cli.downloads import fetch, size_text
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_USAGE, FailureError
from mulligan.cli.options import Session, in_project, may_preview, with_session
from mulligan.cli.output import moment, one_line
from mulligan.cli.problems import Json

_MOST = 10_000  # items of a list
_PARTS = 3
_PACKAGE_HELP = "PACKAGE is NAMESPACE/REPOSITORY/NAME."


@click.group(
    help="Look after packages of the software center.\n\n" + EXAMPLE + "mulligan package list"
)
def package() -> None:
    """Group of the commands about packages."""


@package.command("list", help="List packages.\n\n" + EXAMPLE + "mulligan package list")
@in_project
@click.option("--namespace", help="Only those of this organisation.")
@with_session
def list_packages(session: Session, namespace: str | None) -> None:
    """List packages."""
    items = session.listed("packages", _MOST, namespace=namespace)
    session.show_list(
        items,
        ("PACKAGE", "VERSIONS", "SIZE", "CHANGED", "BY"),
        lambda item: (
            one_line(f"{item['namespace']}/{item['repository']}/{item['name']}"),
            str(item["versions"]),
            size_text(item["size"]),
            moment(item["updated_at"]),
            one_line(item["created_by"]),
        ),
        none=f"project {session.project} has no packages",
    )


@package.command(
    "versions",
    help="List the versions of a package. "
    + _PACKAGE_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan package versions acme/libs/shop",
)
@click.argument("name", metavar="PACKAGE")
@in_project
@with_session
def list_versions(session: Session, name: str) -> None:
    """List versions."""
    items = session.client.pages(f"{_path(session, name)}/versions", _MOST)
    session.show_list(
        items,
        ("VERSION", "FILES", "SIZE", "CHANGED", "BY"),
        lambda item: (
            one_line(item["version"]),
            str(item["files"]),
            size_text(item["size"]),
            moment(item["updated_at"]),
            one_line(item["created_by"]),
        ),
    )


@package.command(
    "files",
    help="List the files of a version. "
    + _PACKAGE_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan package files acme/libs/shop 1.0",
)
@click.argument("name", metavar="PACKAGE")
@click.argument("version")
@in_project
@with_session
def list_files(session: Session, name: str, version: str) -> None:
    """List files."""
    items = _files(session, name, version)
    session.show_list(
        items,
        ("FILE", "SIZE", "SHA-256", "CHANGED"),
        lambda item: (
            one_line(item["path"]),
            size_text(item["size"]),
            item["sha256"],
            moment(item["updated_at"]),
        ),
    )


@package.command(
    "upload",
    help="Upload a file; package and version are made when missing. "
    + _PACKAGE_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan package upload acme/libs/shop 1.0 target/shop.war",
)
@click.argument("name", metavar="PACKAGE")
@click.argument("version")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "path", metavar="PATH", help="Its path there; the name of FILE if absent.")
@in_project
@may_preview
@with_session
def upload(session: Session, name: str, version: str, file: Path, path: str | None) -> None:
    """Upload a file."""
    target = _file_path(session, name, version, path or file.name)
    try:
        with file.open("rb") as content:
            ensure_project(session)
            made = session.client.upload(target, content, os.fstat(content.fileno()).st_size)
    except OSError as error:
        raise FailureError(f"{file}: {error.strerror or error}", EXIT_USAGE) from None
    session.show_made(
        made, told=f"uploaded {made['path']} ({size_text(made['size'])}, SHA-256 {made['sha256']})"
    )


@package.command(
    "download",
    help="Download a file; it is checked against its digest. "
    + _PACKAGE_HELP
    + "\n\n"
    + EXAMPLE
    + "mulligan package download acme/libs/shop 1.0 shop.war --to /tmp",
)
@click.argument("name", metavar="PACKAGE")
@click.argument("version")
@click.argument("path")
@click.option("--to", type=click.Path(path_type=Path), help="File or folder; the current one.")
@in_project
@with_session
def download(session: Session, name: str, version: str, path: str, to: Path | None) -> None:
    """Download a file."""
    found = [each for each in _files(session, name, version) if each["path"] == path]
    if not found:
        raise FailureError(f"{name} {version} has no file {path!r}", EXIT_USAGE)
    source = _file_path(session, name, version, path)
    target = fetch(session, source, found[0]["sha256"], to, path)
    session.show_made(
        {**found[0], "file": str(target)},
        told=f"downloaded {target} ({size_text(found[0]['size'])})",
    )


def _files(session: Session, name: str, version: str) -> list[Json]:
    return session.client.pages(f"{_path(session, name)}/files", _MOST, version=version)


def _path(session: Session, name: str) -> str:
    parts = name.split("/")
    if len(parts) != _PARTS or not all(parts):
        raise FailureError(f"{name!r} is not NAMESPACE/REPOSITORY/NAME", EXIT_USAGE)
    return f"{session.path}/packages/" + "/".join(map(part, parts))


def _file_path(session: Session, name: str, version: str, path: str) -> str:
    return f"{_path(session, name)}/{part(version)}/" + "/".join(map(part, path.split("/")))
