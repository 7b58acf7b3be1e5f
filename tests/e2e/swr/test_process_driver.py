"""A real program, deployed as a process from a package that the pipeline built."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import textwrap
import urllib.error
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.definitions import build, definition, package, review
from e2e.swr.scenario import Pipeline, World, assert_empty_object
from mulligan.testing.server import ServerProcess, poll_until, processes_carrying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]

pytestmark = pytest.mark.slow

ARTIFACT = "app.tar.gz"
SHARED = "current"  # each run overwrites this version of the package
ANSWER_TIMEOUT_S = 5
RESTART_S = 40.0

PROGRAM = textwrap.dedent(
    """\
    import os
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    VERSION = open("version").read().strip()
    if VERSION.startswith("dead"):
        raise SystemExit("the program ends at once")


    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            sick = VERSION.startswith("sick") and self.path == "/healthz"
            body = f"{VERSION} {os.getpid()}".encode()
            self.send_response(500 if sick else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass


    print("program starts", VERSION, flush=True)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["APP_PORT"])), Handler).serve_forever()
    """
)


@pytest.fixture
def program_world(tmp_path: Path) -> Iterator[World]:
    """Give a server of the test's own; programs that it deployed are ended with it."""
    with ServerProcess(tmp_path / "data", "--runners", "4") as server:
        yield World(server)
    for pid in processes_carrying(str(tmp_path)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Program:
    """Own the ports, the settings and the pipeline of a deployed program."""

    def __init__(self, world: World) -> None:
        """Choose free ports; nothing is made yet."""
        self.world = world
        self.port, self.gray_port = free_port(), free_port()
        self.client = world.login("dev1")

    def info(self, **more: object) -> str:
        """Return the text of `input_info`."""
        start = f"exec {sys.executable} -u app.py"
        value = {
            "driver": "process",
            "environment": "prod",
            "application": "shop",
            "start": start,
            "env": {"APP_PORT": str(self.port)},
            "health": health(self.port),
            **more,
        }
        return json.dumps(value)

    def gray_info(self) -> str:
        """Return the text of `input_info` of a grey release on the second port."""
        start = f"APP_PORT={self.gray_port} exec {sys.executable} -u app.py"
        gray = {"strategy": "canary", "start": start, "health": health(self.gray_port)}
        return self.info(gray=gray)

    def stages(self, service: str, info: str, **params: str) -> list[Json]:
        """Return a stage that packs the program and one that deploys it."""
        given = {"deploy_mode": "cceMode", "input_info": info, **params}
        release = {"name": "release", "service_name": service, "params": given}
        made, used = package(SHARED, ARTIFACT, ARTIFACT), package(SHARED, ARTIFACT)
        return [
            build("pack", pack_script(), output_resources=[made]),
            {**release, "input_resources": [used]},
        ]

    def pipeline(self, **more: object) -> Pipeline:
        """Make the pipeline pack, release."""
        return Pipeline(self.client, definition(self.stages("official_deploy", self.info(**more))))

    def gray_pipeline(self) -> Pipeline:
        """Make the pipeline pack, grey release, review, release."""
        params = {"deploy_mode": "cceMode", "input_info": ""}
        promotion = {"name": "promote", "service_name": "official_deploy", "params": params}
        gray = self.stages("gray_deploy", self.gray_info(), gray_mode="service")
        return Pipeline(self.client, definition([*gray, review("one", "dev1"), promotion]))

    def answer(self, *, gray: bool = False) -> list[str]:
        """Return version and process id that the program answers, empty when it is not there."""
        return ask(self.gray_port if gray else self.port)

    def wait_version(self, version: str, *, not_pid: str = "") -> list[str]:
        """Wait until the program answers with a version, from another process if given."""

        def there() -> list[str] | None:
            found = self.answer()
            return found if found[:1] == [version] and found[1] != not_pid else None

        return poll_until(there, what=f"the program answers {version}", timeout_s=RESTART_S)


@pytest.fixture
def program(program_world: World) -> Program:
    """Give a program that is not deployed yet."""
    return Program(program_world)


def health(port: int) -> Json:
    """Return the health check of a program."""
    return {"url": f"http://127.0.0.1:{port}/healthz", "timeout_s": 10}


def pack_script() -> str:
    """Return the build of the archive `app.tar.gz` of the version in VERSION."""
    lines = ["cat > app.py <<'END'", f"{PROGRAM}END", "echo ${VERSION} > version"]
    return "\n".join([*lines, f"tar czf {ARTIFACT} app.py version"])


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def ask(port: int) -> list[str]:
    """Return the words that a program on a port answers, empty when it does not."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=ANSWER_TIMEOUT_S) as got:
            return str(got.read().decode()).split()
    except (urllib.error.URLError, OSError):
        return []


def test_rollback_of_a_program(program: Program) -> None:
    """The program answers v2, and v1 after the rollback, though its package was overwritten."""
    pipeline = program.pipeline()
    pipeline.run("success", VERSION="v1")
    first = program.answer()
    pipeline.run("success", VERSION="v2")
    second = program.answer()

    pipeline.roll_back(1)

    assert [first[0], second[0]] == ["v1", "v2"]
    assert program.answer()[0] == "v1"
    lines = [entry["content"] for entry in pipeline.log(1, newest(pipeline))["log"]]
    assert any("program starts v2" in line for line in lines)


def newest(pipeline: Pipeline) -> int:
    """Return the id of the newest job of the release stage that was no rollback."""
    return next(int(job["id"]) for job in pipeline.jobs(1) if job["mode"] != "rollback")


@pytest.mark.parametrize("version", ["sick", "dead"])
def test_program_that_is_not_healthy(program: Program, version: str) -> None:
    """A failing health check, or an early end, fails the stage; a rollback brings back v2."""
    pipeline = program.pipeline(health={**health(program.port), "timeout_s": 2})
    for good in ("v1", "v2"):
        pipeline.run("success", VERSION=good)

    status = pipeline.run("stage_exception", VERSION=version)

    assert status["stage_index"] == 1
    assert pipeline.jobs(1)[0]["state"] == "Failed"
    pipeline.roll_back(1)
    assert program.answer()[0] == "v2"
    pipeline.roll_back(1)
    assert program.answer()[0] == "v1"


@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_program_after_a_restart_of_the_server(program: Program, how: str) -> None:
    """After an end and a new start of the server the live program answers."""
    pipeline = program.pipeline()
    for version in ("v1", "v2"):
        pipeline.run("success", VERSION=version)
    pipeline.roll_back(1)

    getattr(program.world.server, how)()
    program.world.resume()

    program.wait_version("v1")
    assert pipeline.status()["status"] == "rollback_success"
    pipeline.run("success", VERSION="v3")
    assert program.answer()[0] == "v3"


def test_program_that_dies_is_started_again(program: Program) -> None:
    """The live program is started again when its process dies."""
    program.pipeline().run("success", VERSION="v1")
    _, pid = program.answer()

    os.kill(int(pid), signal.SIGKILL)

    program.wait_version("v1", not_pid=pid)


def test_gray_program_is_promoted(program: Program) -> None:
    """The grey program runs beside the stable one; promotion makes it the only one."""
    program.pipeline().run("success", VERSION="v1")
    pipeline = program.gray_pipeline()
    pipeline.start(VERSION="v2")
    pipeline.wait_asking(2)
    beside = [program.answer()[0], program.answer(gray=True)[0]]

    assert_empty_object(pipeline.vote(2, "pass"))
    pipeline.settle("success")

    assert beside == ["v1", "v2"]
    assert program.answer()[0] == "v2"
    assert program.answer(gray=True) == []
    pipeline.roll_back(3)
    assert program.answer()[0] == "v1"


def test_gray_program_is_rolled_back(program: Program) -> None:
    """A rollback of the grey release ends the grey program and leaves the stable one alone."""
    program.pipeline().run("success", VERSION="v1")
    before = program.answer()
    pipeline = program.gray_pipeline()
    pipeline.start(VERSION="v2")
    pipeline.wait_asking(2)

    pipeline.roll_back(1)

    assert program.answer(gray=True) == []
    assert program.answer() == before
