"""Stages that do work – source, compile, image, tests – over the API and with real programs."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.definitions import build, definition, package, source, source_input
from e2e.swr.scenario import Pipeline, World
from e2e.swr.test_images import ask, files_of, needs_images, registry
from mulligan.testing.server import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.swr.client import SwrClient

__all__ = ["registry"]  # a fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Closed(BaseHTTPRequestHandler):
    """A server that lets nobody in."""

    def do_GET(self) -> None:
        """Refuse."""
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def closed_url() -> Iterator[str]:
    """Run such a server; give a URL with a credential of it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Closed)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://dev1:s3cret-word@127.0.0.1:{server.server_port}/shop.git"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def image_world(tmp_path: Path, registry: str) -> Iterator[World]:
    """Give a server with the registry in its settings."""
    setting = f"images.registry={registry}"
    with ServerProcess(tmp_path / "data", "--runners", "2", "--set", setting) as server:
        yield World(server)


def image_stage(dockerfile: str, tag: str, *inputs: Any) -> dict[str, Any]:
    """Return a dockerfile_build stage that makes `acme/shop`."""
    output = {"namespace": "acme", "repository": "shop", "tag": tag}
    return {
        "name": "image",
        "service_name": "dockerfile_build",
        "params": {"dockerfile_content": dockerfile},
        "input_resources": [*inputs],
        "output_resources": [{"name": "img", "type": "image", "params": output}],
    }


@needs_images
def test_source_to_image(image_world: World, registry: str, repository: str) -> None:
    """The page of the repository goes through a package into an image."""
    client = image_world.login("dev1")
    made = package("1.${SYS_INCREMENT}", "shop.war", "target/shop.war")
    used = package("1.${SYS_INCREMENT}", "shop.war")
    script = "mkdir target && cp index.html target/shop.war"
    text = "FROM scratch\nCOPY shop.war index.html /srv/\n"
    stages = [
        source(repository),
        build("compile", script, input_resources=[source_input()], output_resources=[made]),
        image_stage(text, "v${SYS_INCREMENT}", source_input(), used),
    ]
    pipeline = Pipeline(client, definition(stages))

    pipeline.run("success")

    page = b"<h1>shop</h1>\n"
    assert pipeline.jobs(2)[0]["resource"] == "acme/shop:v1"
    assert files_of(registry, "acme/shop", "v1") == {"srv/shop.war": page, "srv/index.html": page}
    assert ask(registry, "acme/shop/manifests/v1")[0]["Docker-Content-Digest"]


def test_source_without_a_right_is_unauthorized(dev1: SwrClient, closed_url: str) -> None:
    """A repository that refuses the credential makes the stage `unauthorized`; the log masks it."""
    pipeline = Pipeline(dev1, definition([source(closed_url)]))
    pipeline.start()

    stage = pipeline.wait_stage(0, "unauthorized")

    log = str(pipeline.log(0))
    assert stage["status"] == "unauthorized"
    assert "Cloning" in log
    assert "s3cret-word" not in log


def test_output_that_is_missing_fails_the_stage(dev1: SwrClient) -> None:
    """A compile that makes no file ends in stage_exception, and its log says why."""
    made = package("1", "shop.war", "target/shop.war")
    pipeline = Pipeline(dev1, definition([build("compile", "true", output_resources=[made])]))
    pipeline.start()

    pipeline.wait_stage(0, "stage_exception")

    assert "target/shop.war" in str(pipeline.log(0))


def test_too_few_passed_tests_fail_the_stage(dev1: SwrClient) -> None:
    """A unit_test stage counts its report, and fails below the expected rate."""
    report = "<testsuite><testcase/><testcase><failure/></testcase></testsuite>"
    params = {
        "basic_env": "java",
        "test_shell": f"echo '{report}' >r.xml",
        "report_path": "r.xml",
        "pass_rate": 51,
    }
    stage = {"name": "tests", "service_name": "unit_test", "params": params}
    pipeline = Pipeline(dev1, definition([stage]))
    pipeline.start()

    pipeline.wait_stage(0, "stage_exception")

    assert "1 passed, 1 failed" in str(pipeline.log(0))
