"""Commands about plugins: where they come from, and what is sent."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fake_api import FakeApi

from mulligan.cli.main import cli
from plugin_zips import plugin_zip
from step_bench import commit, git

PLUGINS = "/api/v1/plugins"
INSTALLED = {"atomCode": "echo", "version": "1.0.0"}


def invoke(api: FakeApi, *words: str) -> Result:
    """Run a command on the fake server."""
    api.answers["POST", PLUGINS] = (201, INSTALLED)
    return CliRunner().invoke(cli, ["plugin", *words, "--url", api.url])


def names(body: bytes) -> list[str]:
    """List what is in a zip."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return archive.namelist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a repository with a plugin, tagged v1; its newest commit has one more file."""
    root = tmp_path / "echo"
    commit(root, {"task.json": "{}", "bin/run.sh": "#!/bin/sh\n"})
    git(root, "tag", "v1")
    (root / "bin" / "run.sh").chmod(0o755)
    commit(root, {"later.txt": "x"})
    return root


def test_install_a_zip(api: FakeApi, tmp_path: Path) -> None:
    """It goes up as it is, under a key that makes it safe to repeat."""
    file = tmp_path / "echo.zip"
    file.write_bytes(plugin_zip())

    done = invoke(api, "install", str(file), "--version", "1.0.0")

    request = api.requests[-1]
    assert done.exit_code == 0, done.output
    assert request.target == f"{PLUGINS}?version=1.0.0"
    assert request.body == plugin_zip()
    assert request.headers["Content-Type"] == "application/zip"
    assert request.headers["Idempotency-Key"]


def test_install_a_folder(api: FakeApi, folder: Path) -> None:
    """All but the repository's own files is packed, with modes; the same again is the same zip."""
    assert invoke(api, "install", str(folder)).exit_code == 0
    (folder / "later.txt").touch()
    assert invoke(api, "install", str(folder)).exit_code == 0

    first, second = (request.body for request in api.requests[-2:])
    assert first == second
    assert names(first) == ["bin/run.sh", "later.txt", "task.json"]
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.getinfo("bin/run.sh").external_attr >> 16 & 0o111
    assert api.requests[-1].target == PLUGINS


def test_install_from_git(api: FakeApi, folder: Path) -> None:
    """A ref behind @ is taken; without one it is the newest commit."""
    assert invoke(api, "install", "--git", f"{folder}@v1").exit_code == 0
    assert invoke(api, "install", "--git", str(folder)).exit_code == 0

    old, new = (request.body for request in api.requests[-2:])
    assert names(old) == ["bin/run.sh", "task.json"]
    assert "later.txt" in names(new)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["install"], "either ZIP or DIR"),
        (["install", "gone.zip"], "can't read gone.zip"),
        (["install", "."], "has no task.json"),
        (["install", "--git", "./gone"], "can't clone ./gone"),
    ],
)
def test_wrong_sources(
    api: FakeApi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    problem: str,
) -> None:
    """Each is wrong usage, said in a line; nothing is sent."""
    monkeypatch.chdir(tmp_path)

    done = invoke(api, *words)

    assert done.exit_code == 2
    assert problem in done.output
    assert api.requests == []


def test_remove(api: FakeApi) -> None:
    """The version is named in the path."""
    api.answers["DELETE", f"{PLUGINS}/echo/1.0.0"] = (204, b"")

    done = invoke(api, "remove", "echo", "1.0.0")

    assert done.exit_code == 0, done.output
    assert "removed echo 1.0.0" in done.output


def test_who_may_use_a_plugin(api: FakeApi) -> None:
    """Projects switch, admins restrict; the answer is told in words."""
    off = {"atomCode": "echo", "enabled": False, "reason": "it is switched off"}
    api.answers["PUT", "/api/v1/projects/shop/plugins/echo"] = (200, off)
    restricted = {"atomCode": "echo", "projects": ["shop", "lab"], "off_in": [], "settings": []}
    api.answers["PUT", f"{PLUGINS}/echo/projects"] = (200, restricted)

    switched = invoke(api, "disable", "echo", "--project", "shop")
    assert (switched.exit_code, json.loads(api.requests[-1].body)) == (0, {"enabled": False})
    assert switched.stderr == "echo is not enabled: it is switched off\n"
    released = invoke(api, "restrict", "echo", "--only", "shop", "--only", "lab")
    assert released.stderr == "echo is released for shop, lab\n"
    invoke(api, "restrict", "echo")
    assert json.loads(api.requests[-1].body) == {"projects": None}


def test_a_private_setting_comes_on_stdin(api: FakeApi) -> None:
    """It is in no argument, and not shown."""
    api.answers["PUT", f"{PLUGINS}/echo/settings/key"] = (204, None)
    words = ["plugin", "setting", "set", "echo", "key", "--url", api.url]

    done = CliRunner().invoke(cli, words, input="hunter-22\n")

    assert done.exit_code == 0, done.output
    assert json.loads(api.requests[-1].body) == {"value": "hunter-22"}
    assert "hunter" not in done.output
    assert CliRunner().invoke(cli, words, input="").exit_code == 2
