"""Fixtures of the end-to-end tests: a server per module, a client and a workbench per test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import Workbench
from mulligan.testing.server import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Several steps are held at the same time in some tests, each takes a runner.
RUNNERS = "8"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Run a development server for all tests of a module; each makes its own project."""
    data = tmp_path_factory.mktemp("server") / "data"
    with ServerProcess(data, "--runners", RUNNERS) as process:
        yield process


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """Run a development server for one test that moves its clock or restarts it."""
    with ServerProcess(tmp_path / "data", "--runners", RUNNERS) as process:
        yield process


@pytest.fixture
def client(server: ServerProcess) -> Iterator[BkciClient]:
    """Give a client of the module's server that acts as alice."""
    with BkciClient(server.url) as bkci:
        yield bkci


@pytest.fixture
def own_client(own_server: ServerProcess) -> Iterator[BkciClient]:
    """Give a client of the test's own server that acts as alice."""
    with BkciClient(own_server.url) as bkci:
        yield bkci


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    """Give a workbench in the test's own directory; no step is left waiting after the test."""
    workbench = Workbench(tmp_path / "bench")
    yield workbench
    workbench.release_all()
