"""What a run has left behind: artifacts, its page, since when it fails."""

import hashlib
import io
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fake_api import FakeApi

from mulligan.cli import output
from mulligan.cli.main import cli

RUN = "b-" + "1" * 32
CONTENT = b"the package"
KEPT = f"/api/v1/projects/shop/runs/{RUN}/artifacts"


def file(path: str, attempt: int = 1) -> dict[str, Any]:
    """Return a file as the server lists it."""
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "size": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "download": f"{KEPT}/e-1/{attempt}/{path}",
    }


@pytest.fixture
def world(api: FakeApi) -> FakeApi:
    """Give a server with a run that has kept files."""
    run = {"id": RUN, "project": "shop", "pipeline": "p-1"}
    api.answers["GET", f"/api/v1/runs/{RUN}"] = (200, run)
    first = [file("dist/web.war"), file("dist/one.txt"), file("dist/web.war", 2)]
    pages = {"": (first, "3"), "&cursor=3": ([file("doc/one.txt")], None)}
    for query, (items, cursor) in pages.items():
        found = {"items": items, "next_cursor": cursor}
        api.answers["GET", f"{KEPT}?limit=200{query}"] = (200, found)
    of_one = {"items": first[:1], "next_cursor": None}
    api.answers["GET", f"{KEPT}?attempt=1&limit=200"] = (200, of_one)
    api.answers["GET", f"{KEPT}/e-1/1/dist/web.war"] = (200, b"the first")
    api.answers["GET", f"{KEPT}/e-1/2/dist/web.war"] = (200, CONTENT)
    return api


def invoke(api: FakeApi, *words: str) -> Result:
    """Run a command on the fake server."""
    return CliRunner().invoke(cli, [*words, "--url", api.url])


def test_files_of_all_pages_are_listed(world: FakeApi) -> None:
    """Each path is listed once; an attempt can be asked for by its number."""
    done = invoke(world, "artifact", "list", RUN)
    first = invoke(world, "artifact", "list", RUN, "--attempt", "1")

    paths = [[line.split("\t")[2] for line in each.stdout.splitlines()] for each in (done, first)]
    assert paths == [["dist/web.war", "dist/one.txt", "doc/one.txt"], ["dist/web.war"]]


@pytest.mark.parametrize("name", ["web.war", "dist/web.war"])
def test_file_is_downloaded_and_checked(world: FakeApi, tmp_path: Path, name: str) -> None:
    """It is found by name or path, and written as it was kept."""
    done = invoke(world, "artifact", "download", RUN, "--name", name, "--to", str(tmp_path))

    assert done.exit_code == 0, done.output
    assert (tmp_path / "web.war").read_bytes() == CONTENT


@pytest.mark.parametrize(("name", "says"), [("one.txt", "2 files"), ("none", "no file 'none'")])
def test_file_that_is_not_one(world: FakeApi, tmp_path: Path, name: str, says: str) -> None:
    """A name of several, or of none, is wrong usage."""
    done = invoke(world, "artifact", "download", RUN, "--name", name, "--to", str(tmp_path))

    assert done.exit_code == 2
    assert says in done.stderr


def test_torn_file_is_not_kept(world: FakeApi, tmp_path: Path) -> None:
    """What came is not what was announced: nothing is written."""
    world.answers["GET", f"{KEPT}/e-1/2/dist/web.war"] = (200, b"the pack")

    done = invoke(world, "artifact", "download", RUN, "--name", "web.war", "--to", str(tmp_path))

    assert done.exit_code == 1
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == []


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ((RUN,), f"/projects/shop/runs/{RUN}"),
        (("--project", "a b"), "/projects/a%20b"),
        (("--pipeline", "web"), "/projects/local/pipelines/p-1"),
    ],
)
def test_pages(world: FakeApi, words: tuple[str, ...], path: str) -> None:
    """The address of a page is printed; nothing is opened without a terminal."""
    found = (200, {"items": [{"id": "p-1"}]})
    world.answers["GET", "/api/v1/projects/local/pipelines?name=web"] = found

    assert invoke(world, "open", *words).stdout == f"{world.url}{path}\n"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def test_links_are_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link is an escape sequence on a terminal that wants them, and the text elsewhere."""
    for name in ("NO_COLOR", "TERM", "FORCE_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    in_a_pipe = output.linked("web", "http://x")
    monkeypatch.setattr(sys, "stderr", Terminal())
    on_a_terminal = output.linked("web", "http://x")
    monkeypatch.setenv("TERM", "dumb")

    assert in_a_pipe == output.linked("web", "http://x") == "web"
    assert on_a_terminal == "\x1b]8;;http://x\x1b\\web\x1b]8;;\x1b\\"
