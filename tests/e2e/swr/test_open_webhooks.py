"""The setting `swr.webhook_auth = optional`: the address of a trigger is proof enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.conftest import RUNNERS
from e2e.swr.client import SwrClient
from e2e.swr.definitions import builds, triggers, webhook
from e2e.swr.scenario import Pipeline, World
from mulligan.testing.server import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mulligan.testing.models import Workbench


@pytest.fixture
def open_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """Run a server whose webhooks need no credential."""
    setting = ("--set", "swr.webhook_auth=optional")
    with ServerProcess(tmp_path / "data", "--runners", RUNNERS, *setting) as process:
        yield process


def test_who_knows_the_address_may_start(open_server: ServerProcess, bench: Workbench) -> None:
    """Without a credential the run is the creator's; a wrong credential is refused still."""
    dev1 = World(open_server).login("dev1")
    body = builds(bench, "one", pre_operation=triggers("or", webhook()))
    pipeline = Pipeline(dev1, body)
    stranger = SwrClient(open_server.url)
    liar = SwrClient(open_server.url, {"X-Auth-Token": "wrong"})

    refused = pipeline.fire(client=liar)
    taken = pipeline.fire(client=stranger)

    assert refused.error == (401, "SWR.4010000")
    assert (taken.http, taken.json) == (201, {})
    pipeline.settle("success")
    assert pipeline.jobs(0)[0]["creator_name"] == "dev1"
