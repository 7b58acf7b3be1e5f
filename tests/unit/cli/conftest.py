"""Fixtures: a fake server, and an environment without settings of this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_api import FakeApi, fake_api

from mulligan.cli import language
from mulligan.cli.client import Client
from mulligan.cli.options import Session
from mulligan.cli.servers import ServerOptions


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("URL", "TOKEN", "PROJECT", "PIPELINE", "DATA", "CONTEXT"):
        monkeypatch.delenv(f"MULLIGAN_{name}", raising=False)
    monkeypatch.setenv("MULLIGAN_LANG", "en")
    language.choose(None)
    for name in ("CONFIG", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """Give a fake server."""
    with fake_api() as made:
        yield made


@pytest.fixture
def client(api: FakeApi) -> Iterator[Client]:
    """Give a client of it."""
    made = Client(api.url, "secret")
    yield made
    made.close()


@pytest.fixture
def session(client: Client) -> Session:
    """Give a session in the project `shop`."""
    return Session(lambda: client, "shop", "table", ServerOptions(url=client.url))
