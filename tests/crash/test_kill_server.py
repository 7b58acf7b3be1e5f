"""End the server process at any instant, start it again, and look at what it made of its runs.

MULLIGAN_KILLS sets how often the busy run is interrupted (default 8; 50 for a long look).
"""

from __future__ import annotations

import http.client
import itertools
import os
import random
import subprocess
import threading
import time
import uuid
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import Workbench, job, one_job, pipeline, retry_model, stage, step
from mulligan.testing.server import ServerProcess, poll_until, processes_carrying

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("MULLIGAN_KILLS", "8"))
JOBS, STEPS_PER_JOB = 3, 5
# A step that happens to run at many kills must not use up its budget: that rule is not the matter.
SETTINGS = ("--runners", "4", "--set", "recovery.lost_budget=1000")
OK = 200
DATA_DIRECTORY_IN_USE = 3


def wait_gone(text: str) -> None:
    """Wait until no process carries `text` or works below it."""
    poll_until(lambda: not processes_carrying(text), what=f"no process with {text}")


class BusyPipeline:
    """Make a pipeline of 30 short steps in two stages, each noting its start and its end."""

    def __init__(self, directory: Path, marker: str, chance: random.Random) -> None:
        """Write the journal to `directory` and put `marker` into the environment of each step."""
        self.journal_path = directory / "busy-journal"
        names = [
            [[f"s{s}j{j}t{t}" for t in range(STEPS_PER_JOB)] for j in range(JOBS)] for s in (1, 2)
        ]
        self.names = [name for jobs in names for steps in jobs for name in steps]
        self.model = pipeline(
            "busy",
            [
                stage(
                    f"stage{number}",
                    [
                        job(f"job{number}{place}", [self._step(n, marker, chance) for n in steps])
                        for place, steps in enumerate(jobs)
                    ],
                )
                for number, jobs in enumerate(names)
            ],
        )

    def _step(self, name: str, marker: str, chance: random.Random) -> dict[str, Any]:
        note = f"$BK_CI_BUILD_ID {name} $token >> '{self.journal_path}'"
        lines = [
            "token=$(cat /proc/sys/kernel/random/uuid)",
            f"echo start {note}",
            f"MULLIGAN_TEST_MARKER={marker} sleep {chance.uniform(0.05, 0.15):.3f}",
            f"echo end {note}",
        ]
        return step(name, "\n".join(lines))

    def notes(self) -> list[tuple[str, str, str, str]]:
        """Return what steps noted, in order: start or end, build, step, token of the process."""
        if not self.journal_path.exists():
            return []
        rows = [line.split() for line in self.journal_path.read_text().splitlines()]
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def starts(self, build: str, name: str) -> int:
        """Return how often a step of a build was started."""
        return [note[:3] for note in self.notes()].count(("start", build, name))


class Submitter:
    """Start builds of a tiny pipeline in a thread, until the server is gone."""

    def __init__(self, url: str, project: str, pipeline_id: str) -> None:
        """Remember in `accepted` the id of every build whose start was answered 200."""
        self.accepted: list[str] = []
        self._client = BkciClient(url)
        self._project = project
        self._pipeline = pipeline_id
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def join(self) -> list[str]:
        """Stop submitting and return what was accepted."""
        self._done.set()
        self._thread.join()
        self._client.close()
        return self.accepted

    def _run(self) -> None:
        while not self._done.wait(0.03):
            try:
                status, body = self._client.try_start(self._project, self._pipeline)
            except (OSError, http.client.HTTPException, ValueError):
                return  # killed in the middle of the call: whether it counts is open
            if status == OK:
                self.accepted.append(body["data"]["id"])


class Witness:
    """Remember which steps the API reported as finished, and how often each had started then."""

    def __init__(self, busy: BusyPipeline) -> None:
        """Watch the builds of `busy`."""
        self.reported: dict[tuple[str, str], int] = {}
        self._busy = busy

    def look(self, client: BkciClient, project: str, build: str) -> bool:
        """Note the steps reported as finished by now; return whether the build goes on."""
        view = client.detail(project, build)
        for name in self._busy.names:
            key = (build, name)
            if view.task(name).get("status") == "SUCCEED" and key not in self.reported:
                self.reported[key] = self._busy.starts(build, name)
        return view.status != "SUCCEED"


def new_project(client: BkciClient) -> str:
    """Make a project and return its id."""
    project = f"p{uuid.uuid4().hex[:12]}"
    client.project_create(project)
    return project


@pytest.fixture
def marker() -> str:
    """Give a text that only the steps of this test carry."""
    return uuid.uuid4().hex


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    """Give a workbench; no step is left waiting after the test."""
    workbench = Workbench(tmp_path / "bench")
    yield workbench
    workbench.release_all()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """Run a server for one test."""
    with ServerProcess(tmp_path / "data", *SETTINGS) as process:
        yield process


def _attempt_statuses(client: BkciClient, project: str, build: str) -> dict[str, list[str]]:
    """Return the statuses of all attempts of each step of a run, by step name."""
    answer = client.http.request("GET", f"/api/v1/projects/{project}/runs/{build}/steps")
    assert answer.http == OK, str(answer)
    items = answer.body["items"]
    return {item["name"]: [each["status"] for each in item["attempts"]] for item in items}


def _interrupt(
    server: ServerProcess, project: str, pipelines: tuple[str, str], witness: Witness
) -> Iterator[tuple[list[str], list[str]]]:
    """Start builds, kill the server at a random instant and start it again, KILLS times.

    Yields after each kill the accepted builds of the busy and of the tiny pipeline.
    """
    chance = random.Random(KILLS)
    running: list[str] = []
    for _ in range(KILLS):
        with BkciClient(server.url) as client:
            started = client.start(project, pipelines[0])["id"]
            running.append(started)
            submitter = Submitter(server.url, project, pipelines[1])
            instant = time.monotonic() + chance.uniform(0.02, 1.2)
            while time.monotonic() < instant:
                running = [b for b in running if witness.look(client, project, b)]
        server.kill()
        yield [started], submitter.join()
        server.start()


@pytest.mark.timeout(120 + 10 * KILLS)
def test_runs_survive_kills_at_random_instants(
    server: ServerProcess, tmp_path: Path, marker: str
) -> None:
    """Whatever the instant: runs end green by themselves, and no finished step runs again."""
    busy = BusyPipeline(tmp_path, marker, random.Random(KILLS))
    with BkciClient(server.url) as client:
        project = new_project(client)
        pipelines = (
            client.pipeline_create(project, busy.model),
            client.pipeline_create(project, one_job("tiny", [step("tiny", "true")])),
        )
    witness = Witness(busy)
    builds, tiny = [], []

    for started, accepted in _interrupt(server, project, pipelines, witness):
        builds += started
        tiny += accepted
    with BkciClient(server.url) as client:
        views = [client.wait_finished(project, b, 60.0 + 2 * KILLS) for b in builds]
        tiny_views = [client.wait_finished(project, b) for b in tiny]
        attempts = [_attempt_statuses(client, project, b) for b in builds]

    assert [view.status for view in views] == ["SUCCEED"] * KILLS
    assert {view.status for view in tiny_views} <= {"SUCCEED"}
    assert len({view.data["buildNum"] for view in tiny_views}) == len(tiny)
    again = {k: n for k, n in witness.reported.items() if busy.starts(*k) != n}
    assert again == {}
    for steps in attempts:
        assert set(busy.names) <= set(steps)
        for name in busy.names:
            assert steps[name].count("succeeded") == 1, (name, steps[name])
            assert steps[name][-1] == "succeeded", (name, steps[name])
    _assert_one_process_at_a_time(busy)
    wait_gone(marker)


def _assert_one_process_at_a_time(busy: BusyPipeline) -> None:
    """Assert that in each job steps ran in order and never beside their own predecessors."""
    by_job: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for kind, build, name, token in busy.notes():
        by_job[build, name.partition("t")[0]].append((kind, name, token))
    for key, notes in by_job.items():
        names = [name for _, name, _ in notes]
        assert names == sorted(names), (key, notes)
        tokens = [token for _, _, token in notes]
        changes = sum(a != b for a, b in itertools.pairwise(tokens))
        assert changes + 1 == len(set(tokens)), (key, notes)
        assert notes[-1][0] == "end", (key, notes)


def test_nothing_of_a_killed_server_stays_alive(
    server: ServerProcess, bench: Workbench, marker: str
) -> None:
    """With the server gone its steps end too, also what they had put into the background."""
    background = f"export MULLIGAN_TEST_MARKER={marker}\nsleep 600 &\nsetsid sleep 600 &"
    script = background + "\n" + bench.script("held", "true")
    with BkciClient(server.url) as client:
        project = new_project(client)
        pipeline_id = client.pipeline_create(project, one_job("held", [step("held", script)]))
        bench.hold("held")
        build = client.start(project, pipeline_id)["id"]
        poll_until(lambda: bench.ran("held") == 1, what="the step started")
    alive = processes_carrying(marker)

    server.kill()
    wait_gone(marker)
    wait_gone(str(server.data))
    bench.release("held")
    server.start()

    assert len(alive) >= 2, alive
    with BkciClient(server.url) as client:
        assert client.wait_finished(project, build).status == "SUCCEED"
    assert bench.ran("held") == 2
    assert server.terminate() == 0
    wait_gone(marker)


def test_lost_step_fails_when_asked_to_and_can_be_retried(tmp_path: Path, bench: Workbench) -> None:
    """With `recovery.on_lost = fail` an interrupted step is a failure that a retry repairs."""
    bench.hold("e12")
    setting = ("--set", "recovery.on_lost=fail")
    with ServerProcess(tmp_path / "data", *setting) as server:
        with BkciClient(server.url) as client:
            project = new_project(client)
            pipeline_id = client.pipeline_create(project, retry_model(bench))
            build = client.start(project, pipeline_id)["id"]
            poll_until(lambda: bench.ran("e12") == 1, what="the step started")
            poll_until(
                lambda: client.detail(project, build).job("2").get("status") == "SUCCEED",
                what="the other job ended",
            )

        server.restart()
        bench.release("e12")
        with BkciClient(server.url) as client:
            lost = client.wait_finished(project, build)
            status, _ = client.retry(project, buildId=build, taskId="test")
            repaired = client.wait_finished(project, build)

    assert (lost.status, lost.execute_count) == ("FAILED", 1)
    assert status == OK
    assert (repaired.status, repaired.execute_count) == ("SUCCEED", 2)
    assert bench.counts("e11", "e12", "e21", "e31") == [1, 2, 1, 1]


def test_answered_retry_survives_a_kill(server: ServerProcess, bench: Workbench) -> None:
    """A retry that was answered is carried out by the server that is started next."""
    bench.break_steps("e12")
    with BkciClient(server.url) as client:
        project = new_project(client)
        build = client.start(project, client.pipeline_create(project, retry_model(bench)))["id"]
        client.wait_finished(project, build)
        bench.repair("e12")
        status, body = client.retry(project, buildId=build, taskId="test")

    server.restart()

    with BkciClient(server.url) as client:
        view = client.wait_finished(project, build)
    assert (status, body["data"]["executeCount"]) == (OK, 2)
    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert view.attempts("e11", "e12", "e13", "e21") == [1, 2, 2, 1]
    assert bench.ran("e11") == 1


def test_sigterm_ends_with_zero_and_the_run_goes_on(
    server: ServerProcess, tmp_path: Path, marker: str
) -> None:
    """A server that is told to end does so without error, and its run goes on at the next start."""
    busy = BusyPipeline(tmp_path, marker, random.Random(1))
    with BkciClient(server.url) as client:
        project = new_project(client)
        build = client.start(project, client.pipeline_create(project, busy.model))["id"]
        poll_until(lambda: len(busy.notes()) >= 4, what="the run is busy")

    code = server.terminate()
    wait_gone(str(server.data))
    server.start()

    assert code == 0
    with BkciClient(server.url) as client:
        assert client.wait_finished(project, build).status == "SUCCEED"
        steps = _attempt_statuses(client, project, build)
    assert all(steps[name].count("succeeded") == 1 for name in busy.names)
    _assert_one_process_at_a_time(busy)
    wait_gone(marker)


def test_idle_server_ends_with_zero(server: ServerProcess) -> None:
    """SIGTERM is the regular end of a server, and leaves no process behind."""
    lines = server.stdout_text().splitlines()

    code = server.terminate()

    assert lines == [f"listening on {server.url}"]
    assert code == 0
    wait_gone(str(server.data))


def test_second_server_on_the_same_data_is_refused(server: ServerProcess) -> None:
    """A data directory has one server: a second one ends with 3 and names the first."""
    second = subprocess.run(
        server.command, env=server.environment, capture_output=True, timeout=60, check=False
    )

    assert second.returncode == DATA_DIRECTORY_IN_USE
    assert str(server.pid) in (second.stdout + second.stderr).decode()
    with BkciClient(server.url) as client:
        assert client.http.request("GET", "/readyz").http == OK


def test_killed_server_needs_no_help_to_start_again(server: ServerProcess) -> None:
    """After SIGKILL the lock on the data directory is free and what was stored is there."""
    with BkciClient(server.url) as client:
        project = new_project(client)
        model = one_job("kept", [step("only", "true")])
        pipeline_id = client.pipeline_create(project, model)

    for _ in range(2):
        server.restart()

    with BkciClient(server.url) as client:
        assert client.pipeline_get(project, pipeline_id)["name"] == "kept"
        build = client.start(project, pipeline_id)["id"]
        assert client.wait_finished(project, build).status == "SUCCEED"
