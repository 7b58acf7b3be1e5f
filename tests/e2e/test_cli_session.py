"""A whole session on the command line against a server: log in, start, repair, compare, look."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from e2e.shell import Shell, ended
from mulligan.testing.models import element_ids, one_job, pipeline, retry_model, review, stage, step
from mulligan.testing.models import job as job_of
from mulligan.testing.server import ServerProcess, poll_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Run a server that needs credentials."""
    with ServerProcess(tmp_path_factory.mktemp("server") / "data", dev=False) as process:
        yield process


@pytest.fixture
def shell(tmp_path: Path, serving: ServerProcess) -> Iterator[Shell]:
    """Give a shell elsewhere that is logged in, in a project of its own."""
    made = Shell(tmp_path)
    del made.environment["MULLIGAN_DATA"]
    made.environment["XDG_DATA_HOME"] = str(tmp_path / "none")
    made.environment["MULLIGAN_TOKEN"] = serving.admin_token()
    done = made("login", serving.url, "--name", "ci", "--project", tmp_path.name.replace("_", "-"))
    assert done.code == 0, done
    del made.environment["MULLIGAN_TOKEN"]
    yield made
    made.bench.release_all()
    assert not (tmp_path / "none").exists(), "a command has not used the server of the context"


def test_session(shell: Shell, serving: ServerProcess) -> None:
    """From the first file to the repaired run, with the server that one is logged in at."""
    model = retry_model(shell.bench)
    shell.bench.break_steps("e12")
    path = shell.write("shop.json", model)

    who = shell("whoami")
    previewed = shell("pipeline", "apply", path, "--dry-run")
    applied = shell("pipeline", "apply", path, "--json")
    started = shell("run", "start", "demo", "--watch")
    run = started.out.strip()

    assert (who.code, who.out) == (0, f"admin at {serving.url} (admin)\n")
    assert "would be a new pipeline" in previewed.out
    assert applied.json[0]["version"] == 1
    assert started.code == 1, started
    assert shell("runs", "-o", "name").out == f"{run}\n"
    assert shell("show", "1", "--pipeline", "demo", "--exit-status").code == 1
    assert shell("show", "@mine", "--json", "id,number").json == {"id": run, "number": 1}
    address = f"{serving.url}/projects/p/runs/{run}?step=x"
    assert shell("show", address, "--json=id").json == {"id": run}

    plan = shell("plan", "@failed", "--from", "test", "--json").json
    ways = {each["mode"]: each["allowed"] for each in shell("plan", run, "--modes", "--json").json}
    shell.bench.repair("e12")
    retried = shell("retry", "@failed", "--from", "test", "--log", "--reason", "flaky")

    assert plan["target"]["node"] == element_ids(model)["e12"]
    assert ways["retry-step"]
    assert not ways.get("resume", False)
    assert retried.code == 0, retried
    assert "e12, attempt 2 ---" in retried.out
    assert "e11" not in retried.out  # it was kept
    tried = [line.split("\t")[1] for line in shell("attempts", run).out.splitlines()]
    assert tried == ["start", "retry"]
    tries = shell("attempts", run, "--step", "test", "--json").json
    assert [each["status"] for each in tries] == ["failed", "succeeded"]
    steps = shell("diff", f"{run}@1", f"{run}@2", "--json").json["steps"]
    changed = {each["name"]: each["after"]["status"] for each in steps}
    opened = shell("open", run)
    assert changed["e12"] == "succeeded"
    assert "e11" not in changed
    assert opened.out.endswith(f"/runs/{run}\n")


def test_again_and_off(shell: Shell) -> None:
    """A run is started again as it was; a disabled pipeline starts no more."""
    path = shell.write("web.json", one_job("web", [step("only", shell.bench.script("only"))]))
    assert shell("run", path).code == 0

    again = shell("rebuild", "@latest", "--wait")
    previewed = shell("pipeline", "disable", "web", "--dry-run")
    still_on = shell("pipeline", "view", "web", "--json").json["locked"]
    shell("pipeline", "disable", "web")
    refused = shell("run", "start", "web")
    shell("pipeline", "enable", "web")

    assert again.code == 0, again
    assert shell.bench.ran("only") == 2
    assert (previewed.code, still_on, refused.code) == (0, False, 5)
    assert shell("pipeline", "view", "web", "--json").json["locked"] is False
    (version,) = shell("pipeline", "history", "web", "-o", "table").out.splitlines()[1:]
    assert version.split()[0] == "1"


def test_versions_of_a_pipeline(shell: Shell) -> None:
    """Versions are compared as files, and drawn."""
    shell("import", shell.write("web.json", one_job("web", [step("only", "echo one")])))
    shell("import", shell.write("web.json", one_job("web", [step("only", "echo two")])))

    changes = shell("pipeline", "diff", "web").out.splitlines()
    graph = shell("pipeline", "graph", "web")
    mermaid = shell("pipeline", "graph", "web", "--mermaid")

    assert any(line.startswith("-") and "echo one" in line for line in changes)
    assert any(line.startswith("+") and "echo two" in line for line in changes)
    assert graph.out.splitlines()[-1].endswith("└─ only")
    assert mermaid.out.startswith("flowchart LR\n")


def test_waiting_ends_in_time(shell: Shell) -> None:
    """At --timeout a run that waits for a person is told from one that goes on."""
    deploy = stage("deploy", [job_of("deploy", [step("deploy", shell.bench.script("deploy"))])])
    path = shell.write("gated.json", pipeline("gated", [{**deploy, "checkIn": review(["admin"])}]))
    shell.bench.hold("deploy")
    run = shell("run", path, "--no-watch").out.strip()
    poll_until(lambda: shell("show", run, "--json").json["gates"], what="the run waits")

    waits = shell("watch", run, "--timeout", "0s")
    listed = shell("approvals", "--json").json
    approved = shell("approve", run, "-m", "fine")
    poll_until(lambda: shell.bench.ran("deploy") == 1, what="the step runs")
    goes_on = shell("watch", run, "--timeout", "0s", "--wait")
    shell.bench.release("deploy")
    watched = shell("watch", run, "--wait")

    assert (waits.code, goes_on.code, watched.code) == (6, 8, 0), (waits, goes_on, watched)
    assert [item["run"] for item in listed] == [run]
    assert approved.code == 0, approved


def test_lines_of_logs(shell: Shell) -> None:
    """Lines are looked for with those around them, in steps that failed."""
    script = "for n in $(seq 9); do echo line $n; done"
    model = one_job("noisy", [step("fine", "echo line 5"), step("bad", f"{script}; exit 1")])
    shell("run", shell.write("noisy.json", model))

    found = shell("logs", "@failed", "--failed", "--grep", "line [38]", "-C", "1").out

    assert found.splitlines()[1:] == [
        "line 2",
        "line 3",
        "line 4",
        "--",
        *(f"line {n}" for n in (7, 8, 9)),
    ]


def test_first_file_of_a_repository(shell: Shell) -> None:
    """`init` writes a file that passes, and runs."""
    (shell.root / "Makefile").write_text("all:\n\t@echo built\ntest:\n\t@echo tested\n")

    written = shell("init")
    twice = shell("init")
    done = shell("run", written.out.strip(), "--log")

    assert (written.code, twice.code, done.code) == (0, 5, 0), (written, twice, done)
    assert "tested" in done.out


def test_raw_calls(shell: Shell) -> None:
    """Any call is sent with the credential of the context; errors have their exit codes."""
    projects = shell("api", "GET", "/projects", "-f", "limit=1")
    missing = shell("api", "GET", "/runs/b-0")

    assert len(json.loads(projects.out)["items"]) == 1
    assert missing.code == 2


def test_watch_survives_a_restart(tmp_path: Path) -> None:
    """Who follows a run and its log misses nothing while the server is killed and started again."""
    shell = Shell(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    with ServerProcess(tmp_path / "data", "--port", port, dev=False) as process:
        script = shell.bench.script("long")
        shell.bench.hold("long")
        model = one_job("long", [step("first", "echo one"), step("long", f"echo two\n{script}")])
        path = shell.write("long.json", model)
        run = shell("run", path, "--no-watch").out.strip()
        where = ("--url", process.url, "--token", process.admin_token())
        watcher = shell.start("watch", run, "-o", "jsonl", *where)
        reader = shell.start("logs", run, "-f", *where)
        poll_until(lambda: shell.bench.ran("long") == 1, what="the step runs")
        assert watcher.stderr is not None
        assert reader.stdout is not None
        begun = [watcher.stderr.readline(), reader.stdout.readline(), reader.stdout.readline()]

        process.kill()
        process.restart()
        shell.bench.release("long")

        watched, read = ended(watcher), ended(reader)

    assert watched.code == 0, watched
    assert "succeeded  build / long (" in watched.err
    *events, last = (json.loads(line) for line in watched.out.splitlines())
    numbers = [each["seq"] for each in events]
    assert numbers == list(range(1, len(numbers) + 1))  # none twice, none left out
    assert events[-1]["event"]["type"] == "RunFinished"
    assert last["status"] == "succeeded"
    assert read.code == 0, read
    assert begun[2] == "one\n"
    assert "one\n" not in read.out
    assert "two\n" in read.out
