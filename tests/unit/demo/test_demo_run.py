"""The demonstration against a server that keeps its promises, and against some that don't."""

import io
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from demo_small_server import SmallServer, elements

from mulligan.demo.run import run_demo
from mulligan.demo.scene import Printer

# Whole runs with real processes: some ten seconds together.
pytestmark = pytest.mark.slow

StartServer = Callable[..., SmallServer]

IDLE = ("compile", "unit tests")  # their work is tested elsewhere


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Start servers; all are ended after the test."""
    servers: list[SmallServer] = []

    def start(**options: Any) -> SmallServer:
        servers.append(SmallServer(tmp_path / "server", **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_story_is_told_in_the_promised_order(start_server: StartServer, work: Path) -> None:
    """With checkouts, artifacts and four jobs all lines come in order and all checks pass."""
    server = start_server()
    out = io.StringIO()

    exit_code = run_demo(server.url, work, out, releases=False, once=True)

    lines = out.getvalue().splitlines()
    assert exit_code == 0, out.getvalue()
    promised = ("failed: ", "curl ", "re-run: ", "kept: ", "saved: ", "page: ", "demo: ")
    story = [line for line in lines if line.startswith(promised)]
    assert [line.split(" ")[0] + " " for line in story] == list(promised)
    assert story[0] == "failed: integration test (exit 69)"
    assert story[2].startswith("re-run: integration test, ")
    assert story[3].startswith("kept: checkout, compile, package, upload package, ")
    assert lines[-1] == "demo: 25 checks passed"


def test_plain_pipeline_under_a_second_name_passes_too(
    start_server: StartServer, work: Path
) -> None:
    """With shell steps in one job the retry goes on in its middle; a taken name is no obstacle."""
    server = start_server(idle_steps=IDLE, name_taken="shop")
    out = io.StringIO()

    exit_code = run_demo(server.url, work, out, releases=False, once=True, plain=True)

    assert exit_code == 0, out.getvalue()
    lines = out.getvalue().splitlines()
    assert "re-run: integration test, publish, report" in lines
    assert "kept: checkout, compile, unit tests, package" in lines
    assert "shop-2" in server.names


def test_curl_line_is_the_call_that_is_made(start_server: StartServer, work: Path) -> None:
    """The line shows exactly the request that the server got, but never the token."""
    server = start_server(idle_steps=IDLE, broken_promise="new-run")  # ends after that call
    out = io.StringIO()

    run_demo(server.url, work, out, releases=False, once=True, plain=True, token="s3cret")

    curl = next(line for line in out.getvalue().splitlines() if line.startswith("curl "))
    method, target, headers = next(call for call in server.seen if "build_retry" in call[1])
    assert curl.startswith(f"curl -X {method} '{server.url}{target}' -H ")
    assert headers["X-DEVOPS-UID"] == "alice"
    assert headers["Authorization"] == "Bearer s3cret"
    assert '-H "Authorization: Bearer $MULLIGAN_TOKEN"' in curl
    assert "s3cret" not in out.getvalue()


def test_without_git_the_files_are_copied(
    start_server: StartServer, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where git is missing the demonstration says so and still passes."""
    programs = work.parent / "bin"
    programs.mkdir()
    for name in ("sh", "cp", "cat"):
        (programs / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(programs))
    server = start_server(idle_steps=IDLE)
    out = io.StringIO()

    exit_code = run_demo(server.url, work, out, releases=False, once=True, plain=True)

    assert exit_code == 0, out.getvalue()
    assert "project: git is not installed" in out.getvalue()


@pytest.mark.parametrize(
    ("broken_promise", "what"),
    [
        ("rerun-kept", "all that was good is kept"),
        ("rerun-secretly", "kept steps ran once"),
        ("new-run", "a retry is the same run"),
        ("lost-log", "the log of attempt 1 is as it was"),
        ("stale-attempt", "a retry is attempt 2"),
        ("exit-code", "the error names the exit code 69"),
        ("no-finally", "report runs although the run fails"),
    ],
)
def test_broken_promise_is_noticed(
    start_server: StartServer, work: Path, broken_promise: str, what: str
) -> None:
    """A server that breaks one promise makes the demonstration fail and name that promise."""
    server = start_server(broken_promise=broken_promise, idle_steps=IDLE)
    out = io.StringIO()

    exit_code = run_demo(server.url, work, out, releases=False, once=True, plain=True)

    assert exit_code == 1
    last = out.getvalue().splitlines()[-1]
    assert last.startswith(f"demo: FAILED: not true: {what}")


def test_server_that_is_not_there_is_told(work: Path) -> None:
    """No server: one line says which call failed, and the exit code is 1."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        out = io.StringIO()

        exit_code = run_demo(url, work, out, once=True)

    assert exit_code == 1
    assert out.getvalue().startswith("demo: FAILED: GET /readyz: ")


def test_stop_ends_the_demonstration_and_its_feed(start_server: StartServer, work: Path) -> None:
    """Without `once` it stays after the last line until it is stopped; then the feed is down."""
    server = start_server(idle_steps=IDLE)
    out = io.StringIO()
    stop = threading.Event()
    results: list[int] = []

    def play() -> None:
        code = run_demo(server.url, work, out, releases=False, once=False, stop=stop, plain=True)
        results.append(code)

    thread = threading.Thread(target=play)
    thread.start()
    deadline = time.monotonic() + 60
    while "checks passed" not in out.getvalue() and time.monotonic() < deadline:
        thread.join(0.05)
    stayed = thread.is_alive()

    stop.set()
    thread.join(10)

    assert stayed
    assert results == [0]
    assert out.getvalue().splitlines()[-2] == "the server stays up; Ctrl-C ends it"
    feed_url = (work / "feed.address").read_text().strip()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(feed_url.rsplit(":", 1)[1]))) != 0


def is_failed(element: dict[str, Any]) -> bool:
    """Tell whether a step of the small server has failed."""
    return bool(element["status"] == "FAILED")


def test_who_sits_there_sees_the_failed_run_until_enter(
    start_server: StartServer, work: Path
) -> None:
    """Nothing is retried before Enter; with it all goes on as without anybody there."""
    server = start_server(idle_steps=IDLE)
    out = io.StringIO()
    presses = iter([False, False, True])
    retried_before: list[bool] = []

    def enter() -> bool:
        retried_before.append(any("build_retry" in target for _, target, _ in server.seen))
        return next(presses)

    exit_code = run_demo(server.url, work, out, releases=False, once=True, plain=True, enter=enter)

    assert exit_code == 0, out.getvalue()
    assert retried_before == [False, False, False]
    assert out.getvalue().splitlines()[-1] == "demo: 25 checks passed"


def test_who_sits_there_may_repair_by_hand(start_server: StartServer, work: Path) -> None:
    """A run that somebody repairs meanwhile is not retried again, only told about."""
    server = start_server(idle_steps=IDLE)
    out = io.StringIO()
    repairs: list[dict[str, Any]] = []

    def enter() -> bool:
        run = server.runs["b-1"]
        if not repairs:
            [failed] = [each for each in elements(run["model"]["stages"]) if is_failed(each)]
            repairs.append(server.retry(run, failed["id"]))
        return False

    exit_code = run_demo(server.url, work, out, releases=False, once=True, plain=True, enter=enter)

    story = out.getvalue().splitlines()
    assert exit_code == 0, out.getvalue()
    assert [target for _, target, _ in server.seen if "build_retry" in target] == []
    assert "it is repaired; by a program this call does the same:" in story
    assert "re-run: integration test, publish, report" in story


def test_stop_in_the_middle_is_an_interruption(start_server: StartServer, work: Path) -> None:
    """Stopped before its end the demonstration says so and its exit code is 130."""
    server = start_server(idle_steps=IDLE)
    out = io.StringIO()
    stop = threading.Event()
    stop.set()

    exit_code = run_demo(server.url, work, out, releases=False, once=True, stop=stop, plain=True)

    assert exit_code == 130
    assert out.getvalue().splitlines()[-1] == "demo: FAILED: interrupted"


def test_output_fits_a_terminal_without_unicode() -> None:
    """An ASCII terminal gets other marks, and a question mark for what it can't show."""
    raw = io.BytesIO()
    printer = Printer(io.TextIOWrapper(raw, encoding="ascii", newline="\n"))

    printer.result(good=True, text="build")
    printer.result(good=False, text="preis: 5 €")

    assert raw.getvalue() == b"  + build\n  x preis: 5 ?\n"
