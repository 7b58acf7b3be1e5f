"""A repository that wants a credential: it is used, and shown nowhere."""

from __future__ import annotations

import base64
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.client import CREATED
from e2e.swr.definitions import build, definition, make_repository, source, source_input
from e2e.swr.scenario import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.swr.client import SwrClient

USER, SECRET = "robot", "s3cr3t-of-the-repository"


class GuardedFiles(SimpleHTTPRequestHandler):
    """Serves files to those who know the password."""

    def do_GET(self) -> None:
        """Answer 401 without the password."""
        wanted = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
        if self.headers.get("Authorization") == f"Basic {wanted}":
            super().do_GET()
            return
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """Give host and path of a repository behind a password."""
    make_repository(tmp_path / "git", {"index.html": "<h1>shop</h1>\n"})
    bare = tmp_path / "git" / "shop.git"
    subprocess.run(["git", "update-server-info"], cwd=bare, check=True)
    handler = partial(GuardedFiles, directory=str(tmp_path / "git"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}/shop.git"
        server.shutdown()
        thread.join()


def reading(client: SwrClient, url: str) -> Pipeline:
    """Make source and a build that reads it."""
    stages = [source(url), build("read", "cat index.html", input_resources=[source_input()])]
    return Pipeline(client, definition(stages))


def everything(pipeline: Pipeline) -> str:
    """Return all that the server tells of a pipeline."""
    client = pipeline.client
    found = [
        client.raw("GET", pipeline.path).text,
        client.get("/v3/manage/pipelines", filter=f"name::{pipeline.name}").text,
        str(pipeline.created),
    ]
    for index in range(2):
        jobs = pipeline.jobs(index)
        found += [str(jobs), *(str(pipeline.log(index, job["id"])) for job in jobs)]
    return "\n".join(found)


def test_credential_in_the_address(dev1: SwrClient, guarded: str) -> None:
    """The credential in an address is used and masked in every answer and log."""
    pipeline = reading(dev1, f"http://{USER}:{SECRET}@{guarded}")

    pipeline.run("success")

    told = everything(pipeline)
    assert SECRET not in told
    assert f"{USER}:******@" in told


def test_masked_address_can_be_sent_back(dev1: SwrClient, guarded: str) -> None:
    """A client that sends the detail back does not lose the credential."""
    pipeline = reading(dev1, f"http://{USER}:{SECRET}@{guarded}")

    answer = pipeline.update(description="new")

    assert answer.http == CREATED
    assert SECRET not in answer.text
    pipeline.run("success")


@pytest.mark.parametrize("person", ["", f"{USER}:wrong@"])
def test_missing_or_wrong_credential(dev1: SwrClient, guarded: str, person: str) -> None:
    """Without the right credential the source stage fails."""
    pipeline = reading(dev1, f"http://{person}{guarded}")

    status = pipeline.run("unauthorized", "stage_exception")

    assert status["stage_index"] == 0
    assert "wrong@" not in everything(pipeline)
