"""Commands about packages: files go up and down whole, or not at all."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fake_api import FakeApi

from mulligan.cli.main import cli

PACKAGE = "/api/v1/projects/shop/packages/acme/libs/web"
FILE = f"{PACKAGE}/1.0/target/web.war"
CONTENT = b"war" * 1000


def invoke(api: FakeApi, *words: str) -> Result:
    """Run a command on the fake server, in the project `shop`."""
    return CliRunner().invoke(cli, ["package", *words, "--url", api.url, "--project", "shop"])


def file(content: bytes = CONTENT) -> dict[str, Any]:
    """Return a file as the server lists it."""
    return {
        "path": "target/web.war",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "sha512": hashlib.sha512(content).hexdigest(),
        "created_by": "alice",
        "created_at": "2026-11-22T05:00:00Z",
        "updated_at": "2026-11-22T05:00:00Z",
    }


@pytest.fixture
def world(api: FakeApi) -> FakeApi:
    """Give a server with one file."""
    api.answers["GET", f"{PACKAGE}/files"] = (200, {"items": [file()], "next_cursor": None})
    api.answers["GET", FILE] = (200, CONTENT)
    api.answers["PUT", FILE] = (201, file())
    api.answers["GET", "/api/v1/projects/shop"] = (200, {"id": "shop"})
    return api


def test_upload(world: FakeApi, tmp_path: Path) -> None:
    """The content goes up as it is, under a key that makes it safe to repeat."""
    path = tmp_path / "web.war"
    path.write_bytes(CONTENT)

    done = invoke(world, "upload", "acme/libs/web", "1.0", str(path), "--as", "target/web.war")

    request = world.requests[-1]
    assert done.exit_code == 0, done.output
    assert (request.method, request.target, request.body) == ("PUT", FILE, CONTENT)
    assert request.headers["Idempotency-Key"]
    assert request.headers["Content-Type"] == "application/octet-stream"


def test_download(world: FakeApi, tmp_path: Path) -> None:
    """The file lies in the folder under its own name; nothing is left beside it."""
    done = invoke(
        world, "download", "acme/libs/web", "1.0", "target/web.war", "--to", str(tmp_path)
    )

    assert done.exit_code == 0, done.output
    assert (tmp_path / "web.war").read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [tmp_path / "web.war"]


def test_damaged_download_leaves_the_old_file(world: FakeApi, tmp_path: Path) -> None:
    """What does not fit its digest replaces nothing."""
    world.answers["GET", FILE] = (200, CONTENT[:-1])
    target = tmp_path / "web.war"
    target.write_bytes(b"old")

    done = invoke(world, "download", "acme/libs/web", "1.0", "target/web.war", "--to", str(target))

    assert done.exit_code == 1
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    "words",
    [
        ("files", "web", "1.0"),
        ("files", "acme//web", "1.0"),
        ("download", "acme/libs/web", "1.0", "nope"),
        ("upload", "acme/libs/web", "1.0", "/nowhere/web.war"),
    ],
)
def test_wrong_usage(world: FakeApi, words: tuple[str, ...]) -> None:
    """Names that are none, and files that are not there, end with 2."""
    done = invoke(world, *words)

    assert done.exit_code == 2
    assert done.stderr.startswith("mulligan: ")


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 * 1024**3, "5.0 GiB")],
)
def test_sizes_for_people(world: FakeApi, size: int, shown: str) -> None:
    """Sizes have the unit that people read."""
    item = file() | {"size": size}
    world.answers["GET", f"{PACKAGE}/files"] = (200, {"items": [item], "next_cursor": None})

    done = invoke(world, "files", "acme/libs/web", "1.0", "-o", "table")

    assert f"  {shown}  " in done.stdout
