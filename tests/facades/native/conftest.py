"""Fixtures: a server in this process, and what a client does with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from native_client import NativeClient
from native_server import NativeServer, served


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NativeServer]:
    """Give a server that needs credentials; its executor must not have been misused."""
    made = NativeServer(tmp_path)
    yield made
    assert made.executor.misuses == []


@pytest.fixture
def api(server: NativeServer) -> Iterator[NativeClient]:
    """Give a client of the server as `admin`, with a project `shop`."""
    with NativeClient(server) as client:
        client.post("/projects", {"name": "shop"}, expect=201)
        yield client


@pytest.fixture
def dev_api(tmp_path: Path) -> Iterator[NativeClient]:
    """Give a client of a development server, without a credential."""
    (tmp_path / "dev").mkdir()
    with NativeClient(NativeServer(tmp_path / "dev", is_dev=True)) as client:
        client.token = ""
        yield client


@pytest.fixture
def url(server: NativeServer) -> Iterator[str]:
    """Serve over a real socket, for streams; give the URL."""
    with served(server) as found:
        yield found
