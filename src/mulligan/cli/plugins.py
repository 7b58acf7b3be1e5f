"""`mulligan plugin`: install, list and remove plugins; who may use them; private settings."""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from mulligan.cli.client import part
from mulligan.cli.examples import EXAMPLE
from mulligan.cli.exits import EXIT_USAGE, FailureError
from mulligan.cli.options import Session, may_preview, with_session
from mulligan.cli.output import moment, note, one_line

_MOST = 10_000  # items of a list
_CLONE_S = 600
_NOT_PACKED = frozenset({".git", "__pycache__"})


@click.group(help="Look after plugins.\n\n" + EXAMPLE + "mulligan plugin list")
def plugin() -> None:
    """Group of the commands about plugins."""


@plugin.command(
    "install",
    help="Install a plugin from its release zip, a folder with task.json at its top, or a git "
    "repository. Server admins only.\n\n"
    + EXAMPLE
    + "mulligan plugin install echo.zip --version 1.0.0",
)
@click.argument("source", metavar="[ZIP|DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--version", help="Three numbers; absent: as task.json says.")
@click.option("--git", metavar="URL[@REF]", help="Take it from a git repository.")
@may_preview
@with_session
def install(session: Session, source: Path | None, version: str | None, git: str | None) -> None:
    """Install a plugin."""
    if (source is None) == (git is None):
        raise FailureError("give either ZIP or DIR, or --git URL", EXIT_USAGE)
    with contextlib.ExitStack() as stack:
        if git is not None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            source = _cloned(git, folder / "repository")
        assert source is not None  # noqa: S101 - one of both is given
        archive = stack.enter_context(_opened(source))
        size = archive.seek(0, 2)
        archive.seek(0)
        made = session.client.upload(
            "/plugins",
            archive,
            size,
            method="POST",
            media="application/zip",
            query={"version": version},
        )
    session.show_made(made, told=f"installed {made['atomCode']} {made['version']}")


@plugin.command("list", help="List installed plugins.\n\n" + EXAMPLE + "mulligan plugin list")
@with_session
def list_plugins(session: Session) -> None:
    """List plugins."""
    items = session.client.pages("/plugins", _MOST)
    session.show_list(
        items,
        ("PLUGIN", "VERSION", "NAME", "LANGUAGE", "INSTALLED", "BY"),
        lambda item: (
            one_line(item["atomCode"]),
            item["version"],
            one_line(item["name"]),
            item["language"],
            moment(item["installed_at"]),
            one_line(item["installed_by"]),
        ),
        none="no plugins are installed",
    )


@plugin.command(
    "remove",
    help="Remove a version of a plugin. Server admins only.\n\n"
    + EXAMPLE
    + "mulligan plugin remove echo 1.0.0",
)
@click.argument("code")
@click.argument("version")
@may_preview
@with_session
def remove(session: Session, code: str, version: str) -> None:
    """Remove a version."""
    session.client.call("DELETE", f"/plugins/{part(code)}/{part(version)}")
    note(f"removed {code} {version}")


@plugin.command(
    "enabled",
    help="List the plugins that a project can use, and why not the others.\n\n"
    + EXAMPLE
    + "mulligan plugin enabled --project shop",
)
@click.option("--project", required=True, help="Where.")
@with_session
def list_enabled(session: Session) -> None:
    """List plugins of a project."""
    session.show_list(
        session.client.pages(f"{session.path}/plugins", _MOST),
        ("PLUGIN", "NEWEST", "ENABLED", "WHY NOT"),
        lambda item: (
            one_line(item["atomCode"]),
            item["version"],
            "yes" if item["enabled"] else "no",
            one_line(item["reason"]),
        ),
        none="no plugins are installed",
    )


@plugin.command(
    "enable",
    help="Switch a plugin on in a project; only of those that are released for it.\n\n"
    + EXAMPLE
    + "mulligan plugin enable echo --project shop",
)
@click.argument("code")
@click.option("--project", required=True, help="Where.")
@may_preview
@with_session
def enable(session: Session, code: str) -> None:
    """Switch a plugin on."""
    _switch(session, code, is_on=True)


@plugin.command(
    "disable",
    help="Switch a plugin off in a project: its steps fail there.\n\n"
    + EXAMPLE
    + "mulligan plugin disable echo --project shop",
)
@click.argument("code")
@click.option("--project", required=True, help="Where.")
@may_preview
@with_session
def disable(session: Session, code: str) -> None:
    """Switch a plugin off."""
    _switch(session, code, is_on=False)


def _switch(session: Session, code: str, *, is_on: bool) -> None:
    path = f"{session.path}/plugins/{part(code)}"
    made = session.client.call("PUT", path, {"enabled": is_on})
    state = "enabled" if made["enabled"] else f"not enabled: {made['reason']}"
    session.show_made(made, told=f"{code} is {state}")


@plugin.command(
    "restrict",
    help="Release a plugin for some projects only; without --only for all. Server admins only.\n\n"
    + EXAMPLE
    + "mulligan plugin restrict echo --only shop --only lab",
)
@click.argument("code")
@click.option("--only", "projects", multiple=True, metavar="PROJECT", help="May use it.")
@may_preview
@with_session
def restrict(session: Session, code: str, projects: tuple[str, ...]) -> None:
    """Release a plugin."""
    body = {"projects": list(projects) or None}
    made = session.client.call("PUT", f"/plugins/{part(code)}/projects", body)
    who = "all projects" if made["projects"] is None else ", ".join(made["projects"])
    session.show_made(made, told=f"{code} is released for {who}")


@plugin.group(
    "setting",
    help="Private settings of plugins, which only their own steps read. Server admins only.\n\n"
    + EXAMPLE
    + "mulligan plugin setting set echo api-key < key.txt",
)
def setting() -> None:
    """Group of the commands about private settings."""


@setting.command(
    "set",
    help="Set a private setting; the value comes on stdin.\n\n"
    + EXAMPLE
    + "mulligan plugin setting set echo api-key < key.txt",
)
@click.argument("code")
@click.argument("name")
@may_preview
@with_session
def set_setting(session: Session, code: str, name: str) -> None:
    """Set a private setting."""
    value = sys.stdin.read().removesuffix("\n").removesuffix("\r")
    if not value:
        raise click.UsageError("no value came on stdin")
    session.client.call("PUT", f"/plugins/{part(code)}/settings/{part(name)}", {"value": value})
    note(f"set {name} of {code}")


@setting.command(
    "list",
    help="List the names of private settings.\n\n" + EXAMPLE + "mulligan plugin setting list echo",
)
@click.argument("code")
@with_session
def list_settings(session: Session, code: str) -> None:
    """List private settings."""
    found = session.client.get(f"/plugins/{part(code)}/policy")
    items = [{"name": name} for name in found["settings"]]
    session.show_list(items, ("SETTING",), lambda item: (item["name"],), none="there are none")


@setting.command(
    "remove",
    help="Remove a private setting.\n\n" + EXAMPLE + "mulligan plugin setting remove echo api-key",
)
@click.argument("code")
@click.argument("name")
@may_preview
@with_session
def remove_setting(session: Session, code: str, name: str) -> None:
    """Remove a private setting."""
    session.client.call("DELETE", f"/plugins/{part(code)}/settings/{part(name)}")
    note(f"removed {name} of {code}")


def _cloned(git: str, folder: Path) -> Path:
    """Fetch a repository; what stands behind the last @, if no part of the address, is a ref."""
    url, at, ref = git.rpartition("@")
    if not at or "/" in ref or ":" in ref:
        url, ref = git, ""
    command = ["git", "clone", "--quiet", "--depth", "1"]
    command += ["--branch", ref] if ref else []
    try:
        done = subprocess.run(
            [*command, "--", url, str(folder)],
            check=False,
            capture_output=True,
            text=True,
            timeout=_CLONE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FailureError(f"can't clone {url}: {error}", EXIT_USAGE) from None
    if done.returncode != 0:
        raise FailureError(f"can't clone {url}: {done.stderr.strip()}", EXIT_USAGE)
    return folder


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[BinaryIO]:
    """Open a zip, or make one of a folder."""
    try:
        if source.is_dir():
            with tempfile.TemporaryFile() as packed:
                _pack(source, packed)
                yield packed
        else:
            with source.open("rb") as file:
                yield file
    except OSError as error:
        reason = error.strerror or error
        raise FailureError(f"can't read {source}: {reason}", EXIT_USAGE) from None


def _pack(folder: Path, packed: BinaryIO) -> None:
    if not (folder / "task.json").is_file():
        raise FailureError(f"{folder} has no task.json at its top", EXIT_USAGE)
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if not _NOT_PACKED.isdisjoint(name.parts) or not path.is_file():
                continue
            # without a time: the same content again is the same zip
            entry = zipfile.ZipInfo(name.as_posix())
            entry.external_attr = path.stat().st_mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            with path.open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target)
