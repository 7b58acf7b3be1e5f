"""The tools of these tests themselves: client, server process, workbench, process search."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from e2e.scenario import OK
from mulligan.testing.bkci import BkciCallError, BkciClient
from mulligan.testing.models import (
    BuildView,
    Workbench,
    element_ids,
    finally_stage,
    job,
    pipeline,
    retry_model,
    stage,
    step,
)
from mulligan.testing.server import (
    DeadlineError,
    ServerProcess,
    ServerStartError,
    poll_until,
    processes_carrying,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMITATION = """
import json, os, signal, sys, time
print("starting", file=sys.stderr, flush=True)
if "--fail" in sys.argv: sys.exit(7)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print("settings", [k for k in os.environ if k.startswith("MULLIGAN_")], file=sys.stderr, flush=True)
print("listening on http://127.0.0.1:1", flush=True)
while True: time.sleep(0.01)
"""


class Recorder(BaseHTTPRequestHandler):
    """Answer every request with what it was; `/refused` with an error of the dialect."""

    protocol_version = "HTTP/1.1"
    peers: ClassVar[list[tuple[str, int]]] = []

    def do_POST(self) -> None:
        """Answer a POST."""
        self._answer()

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the output of the tests clean."""

    def _answer(self) -> None:
        self.peers.append(self.client_address)
        sent = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        data = {
            "line": self.requestline,
            "user": self.headers.get("X-DEVOPS-UID", "").encode("latin-1").decode(),
            "type": self.headers.get("Content-Type"),
            "body": json.loads(sent) if sent else None,
        }
        refused = "build_stop" in self.path
        body = {"status": 2101182, "message": "over"} if refused else {"status": 0, "data": data}
        raw = json.dumps(body).encode()
        self.send_response(400 if refused else 200)
        self.send_header("X-Seen", "yes")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@pytest.fixture
def recorder() -> Iterator[str]:
    """Run a server that answers with the request, and give its URL."""
    Recorder.peers.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_client_writes_query_and_headers(recorder: str) -> None:
    """Booleans are words, None is left out, lists repeat their key, and the user is UTF-8."""
    with BkciClient(recorder, "用户名", "/v4/apigw-app") as client:
        query: dict[str, str | int | bool | list[str] | None]
        query = {"skip": True, "n": 3, "none": None, "status": ["A", "B"], "t": "a b"}
        answer = client.call("GET", "demo", "x", query={**query})

    assert answer.data["line"] == (
        "GET /v4/apigw-app/projects/demo/x?skip=true&n=3&status=A&status=B&t=a+b HTTP/1.1"
    )
    assert answer.data["user"] == "用户名"
    assert answer.headers["x-seen"] == "yes"


def test_client_sends_bodies_as_json(recorder: str) -> None:
    """A body is JSON with its type; headers of one call win over those of the client."""
    with BkciClient(recorder) as client:
        full = client.call("POST", "demo", "x", body={"a": "中"}, headers={"X-DEVOPS-UID": "bob"})
        bare = client.call("POST", "demo", "x", headers={"Content-Type": ""})

    assert (full.data["body"], full.data["user"]) == ({"a": "中"}, "bob")
    assert full.data["type"] == "application/json"
    assert (bare.data["body"], bare.data["type"]) == (None, None)


def test_client_keeps_its_connection(recorder: str) -> None:
    """Calls in a row use one connection."""
    with BkciClient(recorder) as client:
        for _ in range(3):
            client.status("demo", "b-1")

    assert len(set(Recorder.peers)) == 1


def test_client_tells_refusals_apart(recorder: str) -> None:
    """A refusal is returned where tests look for it and raised where they do not."""
    with BkciClient(recorder) as client:
        reply = client.stop("demo", "b-1")
        http, body = client.retry("demo", buildId="b-1", skip=True)

        with pytest.raises(BkciCallError, match="over"):
            client.data("POST", "demo", "build_stop")

    assert reply == (400, {"status": 2101182, "message": "over"})
    assert (http, body["data"]["line"]) == (
        OK,
        "POST /api/apigw-user/v4/projects/demo/build_retry?buildId=b-1&skip=true HTTP/1.1",
    )


def imitation(data: Path, *arguments: str) -> ServerProcess:
    """Return a server process that runs the imitation instead of the real server."""
    return ServerProcess(data, *arguments, command=[sys.executable, "-c", IMITATION])


def test_server_process_reads_url_and_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL comes from the one line on standard output; settings of this process stay here."""
    monkeypatch.setenv("MULLIGAN_KILLS", "3")

    with imitation(tmp_path / "data") as server:
        first = server.pid
        server.restart()
        second = server.pid
        code = server.terminate()

    assert server.url == "http://127.0.0.1:1"
    assert server.stdout_text() == "listening on http://127.0.0.1:1\n"
    assert server.log_text().count("starting\nsettings []\n") == 2
    assert first != second
    assert code == 5
    assert not server.is_running()


def test_server_process_is_ended_by_sigkill(tmp_path: Path) -> None:
    """A kill ends the process at once, and a second one has nothing to do."""
    with imitation(tmp_path / "data") as server:
        pid = server.pid

        server.kill()
        server.kill()

        assert not server.is_running()
        assert pid not in processes_carrying(str(server.data))


def test_server_process_that_ends_early(tmp_path: Path) -> None:
    """A server that ends before it is ready is an error with its exit code and its output."""
    server = imitation(tmp_path / "data", "--fail")

    with pytest.raises(ServerStartError, match=r"exit code 7(.|\n)*starting"):
        server.start()


def test_waiting_names_what_did_not_happen() -> None:
    """A condition that stays false ends the wait with its words."""
    with pytest.raises(DeadlineError, match="the moon"):
        poll_until(lambda: None, what="the moon", timeout_s=0.01)


def test_process_search_finds_marks(tmp_path: Path) -> None:
    """A process is found by its environment, its command line and its working directory."""
    mark = uuid.uuid4().hex
    below = tmp_path / mark
    below.mkdir()
    children = [
        subprocess.Popen(["sleep", "60"], env={"MARK": mark, "PATH": "/usr/bin:/bin"}),
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", mark]),
        subprocess.Popen(["sleep", "60"], cwd=below),
    ]

    wanted = {child.pid for child in children}
    poll_until(lambda: processes_carrying(mark).keys() >= wanted, what="all three are found")
    found = processes_carrying(mark)
    for child in children:
        child.kill()
        child.wait()

    assert found.keys() == wanted
    assert processes_carrying(mark) == {}


def run_script(script: str) -> subprocess.Popen[bytes]:
    """Start a step's script as a runner does."""
    return subprocess.Popen(["sh", "-e", "-c", script])


def test_workbench_steers_scripts(tmp_path: Path) -> None:
    """A script notes its start, waits while held, and fails while broken."""
    bench = Workbench(tmp_path / "with space")
    bench.hold("one")
    bench.break_steps("one")

    held = run_script(bench.script("one", bench.note("value $((1 + 1))")))
    poll_until(lambda: bench.ran("one") == 1, what="the script started")
    during = held.poll()
    bench.release("one")
    broken = held.wait()
    bench.repair("one")
    repaired = run_script(bench.script("one")).wait()

    assert during is None
    assert (broken, repaired) == (1, 0)
    assert bench.journal() == ["one", "value 2", "one"]
    assert bench.counts("one", "two") == [2, 0]


def test_models_are_numbered_by_position(tmp_path: Path) -> None:
    """Stages and jobs have the numbers that the server gives them on save."""
    model = retry_model(Workbench(tmp_path), good_job=True)

    view = BuildView({"status": "FAILED", "executeCount": 1, "model": model})

    assert [each["id"] for each in model["stages"]] == [f"stage-{n}" for n in range(1, 5)]
    assert [view.job(str(n))["name"] for n in range(6)] == [
        *["trigger", "build", "lint", "good", "deploy", "clean"]
    ]
    assert view.task("e12")["id"] == element_ids(model)["e12"]
    assert view.stage("stage-4")["finally"] is True
    assert len(set(element_ids(model).values())) == 8


def test_unknown_part_of_a_build_is_an_error() -> None:
    """Asking for a part that is not there, or there twice, is an error and not a guess."""
    same = [job(name, [step("same", "true")]) for name in ("a", "b")]
    model = pipeline("twice", [stage("build", same), finally_stage([job("c", [])])])
    view = BuildView({"status": "SUCCEED", "executeCount": 1, "model": model})

    with pytest.raises(LookupError, match="2 parts are called 'same'"):
        view.task("same")
    with pytest.raises(LookupError, match="0 parts are called '9'"):
        view.job("9")
