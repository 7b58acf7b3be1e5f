"""Fixtures of the SWR tests: a server with people per module, a group and a target per test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.swr.definitions import make_repository
from e2e.swr.scenario import World, new_group
from e2e.swr.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.swr.client import SwrClient
    from mulligan.testing.server import ServerProcess


@pytest.fixture(scope="module")
def world(server: ServerProcess) -> World:
    """Give the accounts acme and other on the module's server."""
    return World(server)


@pytest.fixture
def own_world(own_server: ServerProcess) -> World:
    """Give the accounts on a server of the test's own, for clocks and kills."""
    return World(own_server)


@pytest.fixture(scope="module")
def dev1(world: World) -> SwrClient:
    """Give a client of dev1, who manages acme."""
    return world.login("dev1")


@pytest.fixture(scope="module")
def dev2(world: World) -> SwrClient:
    """Give a client of dev2, who reads and starts in acme."""
    return world.login("dev2")


@pytest.fixture(scope="module")
def dev3(world: World) -> SwrClient:
    """Give a client of dev3, who edits in acme."""
    return world.login("dev3")


@pytest.fixture(scope="module")
def eve(world: World) -> SwrClient:
    """Give a client of eve, who belongs to another account."""
    return world.login("eve", "other")


@pytest.fixture
def group(dev1: SwrClient) -> str:
    """Give a group of the test's own."""
    return new_group(dev1)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    """Give a deployment target of the test's own; nothing is left waiting after the test."""
    found = Target(tmp_path / "target")
    yield found
    found.clear_all()


@pytest.fixture
def repository(tmp_path: Path) -> str:
    """Give the address of a repository with one page."""
    return make_repository(tmp_path / "git", {"index.html": "<h1>shop</h1>\n"})
