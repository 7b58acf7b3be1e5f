"""The stream of events, read by curl: what a shell script sees of a run."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import Workbench, one_job, step
from mulligan.testing.server import ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine"),
]


def read_until(url: str, last: str, kind: str) -> tuple[list[dict[str, Any]], str]:
    """Read events behind `last` with `curl -N` until one of that type; also give its id."""
    command = ["curl", "-sN", "--max-time", "60", "-H", f"Last-Event-ID: {last}", url]
    found: list[dict[str, Any]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout is not None
        for line in curl.stdout:
            name, _, value = line.rstrip("\n").partition(": ")
            if name == "id":
                last = value
            elif name == "data":
                found.append(json.loads(value))
                if found[-1]["event"]["type"] == kind:
                    break
        curl.kill()
    return found, last


def test_curl_reads_events_as_they_come_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    """Events come one by one, not at the end; the id of the last one leads on without a gap."""
    bench = Workbench(tmp_path / "bench")
    bench.hold("b")
    model = one_job("curl", [step(name, bench.script(name)) for name in ("a", "b")])
    with ServerProcess(tmp_path / "data") as server:
        with BkciClient(server.url) as client:
            client.project_create("curl")
            client.start("curl", client.pipeline_create("curl", model))
        first, last = read_until(f"{server.url}/api/v1/events?project=curl", "0", "StepFinished")
        server.restart()
        bench.release("b")
        rest, _ = read_until(f"{server.url}/api/v1/events?project=curl", last, "RunFinished")

    numbers = [each["seq"] for each in first + rest]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert rest[-1]["event"]["status"] == "succeeded"
