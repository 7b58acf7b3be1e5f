"""Fixtures: one server in this process for the tests of a module, each with its own project."""

from collections.abc import Iterator
from itertools import count

import pytest

from bkci.calling import Caller, called

_numbers = count(1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """Run a development server for all tests of a module."""
    with called(tmp_path_factory.mktemp("bkci") / "data") as caller:
        yield caller


@pytest.fixture
def alice(served: Caller) -> Caller:
    """Give a caller as alice in a project of the test's own."""
    project = f"shop-{next(_numbers)}"
    body = {"projectName": project, "englishName": project}
    served.call("POST", "projects/project/project_create", body)
    return Caller(served.http, served.server, "alice", project)
