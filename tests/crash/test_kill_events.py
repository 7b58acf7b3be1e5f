"""A reader of events misses nothing and gets nothing twice when the server is killed."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import Workbench, one_job, step
from mulligan.testing.server import ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

PATH = "/api/v1/events?project="


class Reader:
    """Reads one project's events; goes on after a cut where it was, as browsers do."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.events: list[Any] = []

    def read(self, url: str, until: str) -> None:
        """Read until an event of that type, or until the server is gone."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        last = str(self.events[-1]["seq"]) if self.events else "0"
        connection.request("GET", PATH + self.project, headers={"Last-Event-ID": last})
        answer = connection.getresponse()
        assert answer.status == 200
        try:
            while line := answer.readline():
                if line.startswith(b"data: "):
                    self.events.append(json.loads(line[6:]))
                    if self.events[-1]["event"]["type"] == until:
                        return
        except (http.client.HTTPException, OSError):
            return  # cut off in the middle of an event: it comes again
        finally:
            connection.close()


def test_events_go_on_after_a_kill(tmp_path: Path) -> None:
    """What a reader saw over two lives of the server is what is stored, each event once."""
    bench = Workbench(tmp_path / "bench")
    bench.hold("b")
    model = one_job("events", [step(name, bench.script(name)) for name in ("a", "b", "c")])
    with ServerProcess(tmp_path / "data") as server:
        with BkciClient(server.url) as client:
            client.project_create("kills")
            build = client.start("kills", client.pipeline_create("kills", model))["id"]
        reader = Reader("kills")
        reader.read(server.url, "StepFinished")

        server.restart()
        reader.read(server.url, "StepStarted")
        bench.release_all()
        reader.read(server.url, "RunFinished")
        whole = Reader("kills")
        whole.read(server.url, "RunFinished")

    assert reader.events == whole.events
    assert {event["run"] for event in whole.events} == {build}
    seqs = [event["seq"] for event in reader.events]
    assert seqs == sorted(set(seqs))
