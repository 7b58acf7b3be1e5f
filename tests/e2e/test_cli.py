"""The command line as a person uses it: with no server, with one on the data directory, by URL."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from e2e.shell import DEADLINE_S, Done, Json, Shell, ended
from mulligan.testing.models import (
    element_ids,
    job,
    one_job,
    pipeline,
    retry_model,
    review,
    stage,
    step,
)
from mulligan.testing.server import ServerProcess, poll_until, processes_carrying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Give a shell; no step is left waiting after the test."""
    made = Shell(tmp_path)
    yield made
    made.bench.release_all()


def statuses(state: Json) -> dict[str, tuple[str, int]]:
    """Return status and attempt of every step by name."""
    return {
        each["name"]: (each["status"], each["attempt"])
        for part in state["stages"]
        for of in part["jobs"]
        for each in of["steps"]
    }


def test_failed_run_is_repaired_by_the_printed_command(shell: Shell) -> None:
    """A run without a server fails with exit 1 and says how to retry it; that repairs it."""
    model = retry_model(shell.bench)
    shell.bench.break_steps("e12")

    failed = shell("run", shell.write("shop.json", model))
    shell.bench.repair("e12")
    line = failed.err.split("retry it: mulligan ")[1].splitlines()[0]
    repaired = shell(*line.split())

    assert failed.code == 1
    assert "failed: e12 (exit 1)" in failed.err
    assert line == f"retry {failed.out.strip()} --step {element_ids(model)['e12']}"
    assert repaired.code == 0, repaired
    assert shell.bench.counts("e11", "e12", "e13", "e21", "e31") == [1, 2, 1, 1, 1]


def test_failed_run_shows_the_end_of_the_log(shell: Shell) -> None:
    """The last 20 lines of the failed step's log are shown, and no more."""
    script = shell.bench.script("noisy", 'for n in $(seq 30); do echo "line $n."; done')
    shell.bench.break_steps("noisy")

    done = shell("run", shell.write("noisy.json", one_job("noisy", [step("noisy", script)])))

    shown = [line for line in done.err.splitlines() if line.startswith("  | ")]
    assert shown == [f"  | line {number}." for number in range(11, 31)]


def test_plan_changes_nothing(shell: Shell) -> None:
    """A plan names what would run again and what is kept; the run stays as it was."""
    run, _ = shell.failed_run("e12")
    before = shell("show", run, "--json").json

    plan = shell("retry", run, "--step", "test", "--plan", "-o", "json")

    actions = {
        node["name"]: node["action"] for node in plan.json["nodes"] if node["kind"] == "step"
    }
    assert plan.code == 0
    assert actions["e11"] == actions["e21"] == "keep"
    assert actions["e12"] == actions["e13"] == "rerun"
    assert shell("show", run, "--json").json == before
    assert shell.bench.ran("e12") == 1


def test_lists_logs_and_states(shell: Shell) -> None:
    """Runs, states, attempts, logs and definitions are readable without a server, too."""
    run, model = shell.failed_run("e12")
    shell.bench.repair("e12")
    shell("retry", run, "--failed")

    listed = shell("runs", "-o", "json").json
    second = shell("show", run, "--json").json
    first = shell("show", "1", "--pipeline", "demo", "--attempt", "1", "--json").json
    logs = shell("logs", "@latest")
    exported = shell("export", run).json

    assert [(item["id"], item["status"], item["attempt"]) for item in listed] == [
        (run, "succeeded", 2)
    ]
    assert statuses(second)["e12"] == ("succeeded", 2)
    assert statuses(first)["e12"] == ("failed", 1)
    assert "--- build / e12, attempt 2 ---" in logs.out
    assert element_ids(exported) == element_ids(model)


def test_log_of_a_step_and_attempt(shell: Shell) -> None:
    """The log of each attempt of a step is printed as it is, alone on stdout."""
    script = shell.bench.script("say", f"echo tried $(grep -c say {shell.bench.journal_path})")
    shell.bench.break_steps("say")
    shell("run", shell.write("say.json", one_job("say", [step("say", script)])))
    shell("retry", "@failed")

    first = shell("logs", "@latest", "--step", "say", "--attempt", "1")
    latest = shell("logs", "@latest", "--step", "say", "-f")

    assert (first.out, latest.out) == ("tried 1\n", "tried 2\n")


def test_skip_with_a_reason(shell: Shell) -> None:
    """A skipped step lets the run go on to its end; the reason stays in the record."""
    run, _ = shell.failed_run("e12")

    done = shell("skip", run, "--step", "test", "--reason", "known")

    state = shell("show", run, "--json").json
    assert done.code == 0, done
    assert [(waiver["by"], waiver["reason"]) for waiver in state["waivers"]] == [("admin", "known")]
    assert statuses(state)["e12"][0] == "skipped"
    assert shell.bench.counts("e12", "e13", "e31") == [1, 1, 1]


def test_refused_retry(shell: Shell) -> None:
    """A retry that a rule refuses ends with exit 5, one of an unknown step with 2."""
    run, _ = shell.failed_run("e12")

    refused = shell("skip", run, "--step", "e11", "--reason", "because")
    unknown = shell("retry", run, "--step", "nothing")

    assert refused.code == 5, refused
    assert refused.err.startswith("mulligan: ")
    assert unknown.code == 2
    assert "e12" in unknown.err


@pytest.mark.parametrize("words", [("import", "--check"), ("import",), ("run",)])
def test_bad_model_is_refused_with_its_place(shell: Shell, words: tuple[str, ...]) -> None:
    """A file that breaks a rule is refused with exit 2, file, line, column and path."""
    model = one_job("bad", [step("only", "true")])
    model["stages"][1]["containers"] = []

    done = shell(*words, shell.write("bad.json", model))

    assert done.code == 2
    (line,) = [line for line in done.err.splitlines() if "bad.json" in line]
    place, _, text = line.partition(": ")
    assert place.startswith(f"{shell.root}/bad.json:")
    assert all(number.isdigit() for number in place.split(":")[1:])
    assert "at /stages/1" in text


def test_import_makes_versions(shell: Shell) -> None:
    """A file is stored once as a pipeline and then as its next version; YAML is taken, too."""
    model = one_job("web", [step("only", "true")])
    path = shell.write("web.json", model)
    as_yaml = shell.root / "web.yaml"

    checked = shell("import", "--check", path)
    first = shell("import", path)
    as_yaml.write_text(shell("export", "web", "-o", "yaml").out, encoding="utf-8")
    second = shell("import", str(as_yaml))

    (listed,) = shell("pipelines", "--json").json
    assert checked.out == f"{path}: ok (1 stages, 1 jobs, 1 steps)\n"
    assert first.out == f"{path}: pipeline {listed['id']} (1 stages, 1 jobs, 1 steps)\n"
    assert second.code == 0, second
    assert (listed["name"], listed["version"]) == ("web", 2)


def test_start_parameters(shell: Shell) -> None:
    """Values given with -p reach the run."""
    done = shell("run", shell.write("shop.json", retry_model(shell.bench)), "-p", "env=live=1")

    parameters = shell("show", "@latest", "--json").json["parameters"]
    assert done.code == 0, done
    assert ("env", "live=1") in [(each["name"], each["value"]) for each in parameters]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_stops_the_run(shell: Shell, number: signal.Signals) -> None:
    """Ctrl-C ends with 130, the run is cancelled, and none of its processes is left."""
    shell.bench.hold("long")
    path = shell.write("long.json", one_job("long", [step("long", shell.bench.script("long"))]))
    process = shell.start("run", path)
    poll_until(lambda: shell.bench.ran("long") == 1, what="the step runs")

    os.killpg(process.pid, number)  # as a terminal does: every process of the command gets it
    done = ended(process)

    assert done.code == 130, done
    assert "cancelled: run #1" in done.err
    assert processes_carrying(str(shell.root)) == {}
    assert [item["status"] for item in shell("runs", "--json").json] == ["cancelled"]


def test_looking_at_an_interrupted_run_does_not_begin_it(shell: Shell) -> None:
    """After `kill -9` a run goes on with the next command that waits for runs, with no other."""
    shell.bench.hold("long")
    path = shell.write("long.json", one_job("long", [step("long", shell.bench.script("long"))]))
    process = shell.start("run", path)
    poll_until(lambda: shell.bench.ran("long") == 1, what="the step runs")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=DEADLINE_S)

    seen = [shell("show", "@latest", "--json").json for _ in range(5)]
    shell.bench.release("long")
    watched = shell("watch", "@latest")

    assert {state["status"] for state in seen} <= {"queued", "running"}
    assert watched.code == 0, watched
    assert shell.bench.ran("long") == 2  # as it was interrupted, and after


def test_other_commands_reach_a_run_without_a_server(shell: Shell) -> None:
    """While a run waits for approval, another command can give it, but not start a second run."""
    deploy = stage("deploy", [job("deploy", [step("deploy", shell.bench.script("deploy"))])])
    model = pipeline("gated", [{**deploy, "checkIn": review(["admin"])}])
    path = shell.write("gated.json", model)
    process = shell.start("run", path)
    poll_until(lambda: (shell.data / "server.json").exists(), what="the server is there")
    poll_until(lambda: _gates(shell), what="the run waits")

    second = shell("run", path)
    approved = shell("approve", "@latest", "--stage", "deploy", "-m", "fine")
    done = ended(process)

    assert second.code == 5, second
    assert approved.code == 0, approved
    assert done.code == 0, done
    assert f"approve {done.out.strip()} --stage stage-2" in done.err
    assert shell.bench.ran("deploy") == 1


def _gates(shell: Shell) -> bool:
    done = shell("show", "@latest", "--json")
    return done.code == 0 and bool(done.json["gates"])


def test_no_watch_needs_a_server_that_goes_on(shell: Shell) -> None:
    """Without a server, a run that nobody waits for is a usage error, and nothing is started."""
    path = shell.write("web.json", one_job("web", [step("only", shell.bench.script("only"))]))

    done = shell("run", path, "--no-watch")

    assert done.code == 2
    assert shell("runs", "--json").json == []


@pytest.fixture
def serving(shell: Shell) -> Iterator[ServerProcess]:
    """Run a server that needs credentials on the shell's data directory."""
    with ServerProcess(shell.data, dev=False) as process:
        yield process


def test_server_of_the_data_directory_is_used(shell: Shell, serving: ServerProcess) -> None:
    """A run on the data directory of a server that runs is run by that server."""
    path = shell.write("web.json", one_job("web", [step("only", shell.bench.script("only"))]))

    started = shell("run", path, "--no-watch")
    watched = shell("watch", started.out.strip())

    assert (started.code, watched.code) == (0, 0), (started, watched)
    assert serving.is_running()
    assert shell.bench.ran("only") == 1


def test_server_by_url_and_token(
    shell: Shell, serving: ServerProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Flags lead to a server anywhere; without its token the exit code is 4."""
    token = serving.admin_token()
    elsewhere = Shell(tmp_path_factory.mktemp("elsewhere"))
    where = ("--url", serving.url, "--token", token)
    path = elsewhere.write("web.json", one_job("web", [step("only", "true")]))

    done = elsewhere("run", path, *where, "-o", "json")
    without = elsewhere("runs", "--url", serving.url)

    assert done.code == 0, done
    assert done.json["status"] == "succeeded"
    assert without.code == 4
    assert "--token" in without.err
    assert token not in done.err
    assert not elsewhere.data.exists()


def test_people(shell: Shell, serving: ServerProcess) -> None:
    """A user with a role gets in with a token, and out when it is revoked."""
    shell("project", "create", "shop")
    made = shell("user", "create", "alice")
    granted = shell("user", "grant", "alice", "viewer", "--project", "shop")
    token = shell("token", "create", "laptop", "--user", "alice", "--json").json

    def alice(*words: str) -> Done:
        return shell(*words, "--url", serving.url, "--token", token["token"])

    sees = alice("project", "list", "--json")
    may_not = alice("token", "create", "other", "--user", "admin")
    revoked = shell("token", "revoke", token["id"])
    refused = alice("project", "list")

    assert (made.code, granted.code, revoked.code) == (0, 0, 0)
    assert [item["id"] for item in sees.json] == ["shop"]
    assert may_not.code == 4
    assert refused.code == 4


def test_stop_and_follow_logs(shell: Shell, serving: ServerProcess) -> None:
    """A log is followed until its run ends; who watches a stopped run gets exit 3."""
    script = shell.bench.script("long", "echo never")
    shell.bench.hold("long")
    model = one_job("long", [step("long", f"echo hello\n{script}")])
    run = shell("run", shell.write("long.json", model), "--no-watch").out.strip()
    reader = shell.start("logs", run, "--step", "long", "-f")
    watcher = shell.start("watch", run)
    assert reader.stdout is not None
    first = reader.stdout.readline()

    stopped = shell("stop", run)

    assert first == "hello\n"
    assert stopped.code == 0
    assert ended(reader).code == 0
    assert ended(watcher).code == 3
    assert serving.is_running()
