"""Which server a command talks to, and with which token."""

import json
import os
from pathlib import Path

import pytest
from fake_api import FakeApi

from mulligan.cli.exits import FailureError
from mulligan.cli.options import Session
from mulligan.cli.servers import ServerOptions, connect, data_directory, running_server


@pytest.fixture
def data(tmp_path: Path, api: FakeApi) -> Path:
    """Give a data directory on which the fake server runs."""
    api.answers["GET", "/healthz"] = (200, {})
    api.answers["GET", "/api/v1/x"] = (200, {})
    (tmp_path / "admin-token").write_text("of-admin\n")
    announce(tmp_path, {"url": api.url, "pid": os.getpid()})
    return tmp_path


def announce(data: Path, content: object) -> None:
    """Write what a server leaves in its data directory."""
    (data / "server.json").write_text(json.dumps(content))


def token_sent(api: FakeApi, options: ServerOptions) -> str | None:
    """Connect, make a call, and return the credential that came."""
    with connect(options) as client:
        client.get("/x")
    return api.requests[-1].headers.get("Authorization")


def test_server_of_the_data_directory(api: FakeApi, data: Path) -> None:
    """The server that runs on the data directory is used with the admin's token."""
    assert token_sent(api, ServerOptions(data=data)) == "Bearer of-admin"


def test_data_directory_wins_over_the_environments_server(
    api: FakeApi, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--data leads to its own server; the token of another server is not sent there."""
    monkeypatch.setenv("MULLIGAN_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("MULLIGAN_TOKEN", "of-another-server")

    assert token_sent(api, ServerOptions(data=data)) == "Bearer of-admin"


def test_url_is_asked_without_the_token_of_the_data_directory(
    api: FakeApi, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The admin's token of this machine is never sent to a URL."""
    monkeypatch.setenv("MULLIGAN_DATA", str(data))

    assert token_sent(api, ServerOptions(url=api.url)) is None


@pytest.mark.parametrize(
    "content",
    [
        {"url": "URL", "pid": 2**30},
        {"url": "URL", "pid": 0},
        {"url": "http://127.0.0.1:1", "pid": 1},
        {"url": "URL"},
        {"url": "nonsense", "pid": 1},
        [],
        "x",
    ],
)
def test_left_over_announcement(api: FakeApi, data: Path, content: object) -> None:
    """What a killed server left behind leads nowhere."""
    if isinstance(content, dict) and content["url"] == "URL":
        content["url"] = api.url
    announce(data, content)

    assert running_server(data) is None


def test_server_on_all_addresses_is_reached_by_loopback(api: FakeApi, data: Path) -> None:
    """0.0.0.0 is where a server listens, not where it is reached."""
    announce(data, {"url": f"http://0.0.0.0:{api.server_port}", "pid": os.getpid()})

    found = running_server(data)

    assert found is not None
    assert found.url == api.url


def test_server_of_another_command_takes_no_work(api: FakeApi, data: Path) -> None:
    """A server that ends with another command is no place for work that must last."""
    announce(data, {"url": api.url, "pid": os.getpid(), "ends_with_command": True})
    options = ServerOptions(data=data)

    with connect(options) as client, pytest.raises(FailureError) as caught:
        Session(lambda: client, None, "table", options).demand_lasting_server()

    assert caught.value.exit_code == 5
    assert str(os.getpid()) in caught.value.message


def test_data_directory_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The data directory is named, of the environment, or below the user's data."""
    monkeypatch.setenv("XDG_DATA_HOME", "/share")
    by_default = data_directory(None)
    monkeypatch.setenv("MULLIGAN_DATA", "/environment")

    assert by_default == Path("/share/mulligan")
    assert data_directory(None) == Path("/environment")
    assert data_directory(tmp_path) == tmp_path
    monkeypatch.chdir(tmp_path)
    assert data_directory(Path("here")) == tmp_path / "here"


def test_flags_for_the_next_command() -> None:
    """A printed command leads to the same server and never shows the token."""
    options = ServerOptions(url="http://h", token="secret", data=Path("/d"))

    assert options.as_flags() == ["--url", "http://h", "--data", "/d"]
