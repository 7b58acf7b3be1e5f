"""End the server process at named points of its own code, and see what the next one makes of it.

The points are the calls of `mulligan.failpoints.hit`; a name stands for its first passing,
`name:3` for the third one.
"""

from __future__ import annotations

import contextlib
import http.client
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from mulligan.store.check import check
from mulligan.testing.bkci import FINISHED, BkciClient
from mulligan.testing.models import (
    BuildView,
    Workbench,
    finally_stage,
    job,
    one_job,
    pipeline,
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
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

Json = dict[str, Any]
T = TypeVar("T")

OK = 200
FAILPOINT_EXIT = 86
# A step that happens to run at many ends must not use up its budget: that rule is not the matter.
SETTINGS = ("--runners", "4", "--set", "recovery.lost_budget=1000", "--set", "steps.grace_s=0.3")
MOST_LIVES = 60

POINTS = [
    *[f"commit.before:{n}" for n in (1, 3, 8, 14)],
    *[f"commit.after:{n}" for n in (1, 4, 9, 15)],
    *[f"claim.after_commit:{n}" for n in (1, 3)],
    *[f"step.ended:{n}" for n in (1, 4, 8)],
    *[f"report.after_commit:{n}" for n in (1, 4, 8)],
    *[f"artifacts.after_commit:{n}" for n in (1, 2)],
    *[f"tidy.done:{n}" for n in (1, 2)],
    "start.after_commit",
    "act.after_commit",
    "retry.after_commit",
]


@dataclass(frozen=True)
class Facts:
    """Hold what a server told of a story at its end."""

    view: BuildView
    attempts: dict[str, list[Json]]
    stopped: str
    counts: list[int]
    artifacts: list[str]
    told: list[str]


def plugin(name: str, code: str, **inputs: str) -> Json:
    """Return a task of a built-in plugin."""
    return {
        "@type": "marketBuild",
        "id": f"e-{uuid.uuid4().hex}",
        "name": name,
        "atomCode": code,
        "version": "1.*",
        "data": {"input": inputs},
    }


def archiving(element: Json, pattern: str) -> Json:
    """Return a script step that archives files at its end."""
    return {**element, "enableArchiveFile": True, "archiveFile": pattern}


class Story:
    """Tell a server to build, repair and stop, in as many lives as that takes.

    `tell` may break off at any call when the server ends; told again to the next server it goes
    on where the answers it got have brought it.
    """

    def __init__(self, bench: Workbench, marker: str) -> None:
        """Prepare the pipelines; every process of a step carries `marker`."""
        self.bench = bench
        self._marker = marker
        self.project = f"p{uuid.uuid4().hex[:12]}"
        self.names = ["e11", "e12", "e21", "e31", "e41"]
        self.model = self._model()
        self.pipelines: list[str] = []
        self.build = ""
        self.is_retried = False
        self.stopped = ""
        bench.break_steps("e12")

    def _step(self, name: str, *lines: str) -> Json:
        env = f"export MULLIGAN_TEST_MARKER={self._marker}"
        return step(name, f"{env}\n{self.bench.script(name, *lines)}", step_id=name)

    def _model(self) -> Json:
        made = self._step("e11", 'echo "made by $MULLIGAN_ATTEMPT" > a.txt', "setEnv told yes")
        return pipeline(
            "story",
            [
                stage(
                    "build",
                    [
                        job("one", [archiving(made, "a.txt"), self._step("e12")]),
                        job("two", [self._step("e21", "sleep 0.05"), self._up()]),
                    ],
                ),
                stage("deploy", [job("three", [self._down(), self._step("e31", self._show())])]),
                finally_stage([job("four", [self._step("e41")])]),
            ],
        )

    @staticmethod
    def _up() -> Json:
        return plugin("up", "uploadArtifact", filePath="b.txt")

    @staticmethod
    def _down() -> Json:
        return plugin("down", "downloadArtifact", srcPaths="*.txt", destPath="got")

    def _show(self) -> str:
        return self.bench.note("got $told $(cat got/a.txt) $(ls got | wc -l)")

    def _prepare(self, client: BkciClient) -> None:
        client.project_create(self.project)
        script = self.model["stages"][1]["containers"][1]["elements"][0]
        script["script"] = "echo b > b.txt\n" + script["script"]
        self.pipelines.append(client.pipeline_create(self.project, self.model))
        held = one_job("held", [self._step("held")])
        self.pipelines.append(client.pipeline_create(self.project, held))

    def tell(self, client: BkciClient) -> Facts:
        """Go on to the end, and return what is known then."""
        if not self.pipelines:
            self._prepare(client)  # no failpoint is on this way
        if not self.build:
            self.build = self._started(client, self.pipelines[0])
        if not self.is_retried:
            self._retry(client)
        view = client.wait_finished(self.project, self.build)
        self._stop(client)
        return Facts(
            view=view,
            attempts=attempts_of(client, self.project, self.build),
            stopped=client.status(self.project, self.stopped)["status"],
            counts=[client.histories(self.project, each)["count"] for each in self.pipelines],
            artifacts=[a["name"] for a in client.status(self.project, self.build)["artifactList"]],
            told=[line for line in self.bench.journal() if line.startswith("got")],
        )

    def _started(self, client: BkciClient, pipeline_id: str) -> str:
        """Start a build, unless an earlier life has, of whose answer nothing came."""
        known = client.histories(self.project, pipeline_id)["records"]
        if known:
            return str(known[0]["id"])
        return str(client.start(self.project, pipeline_id)["id"])

    def _retry(self, client: BkciClient) -> None:
        view = client.wait_finished(self.project, self.build)
        if view.execute_count == 1 and view.status == "FAILED":
            with contextlib.suppress(FileNotFoundError):
                self.bench.repair("e12")
            status, body = client.retry(self.project, buildId=self.build, taskId="e12")
            assert status == OK, body
            assert body["data"]["executeCount"] == 2
        self.is_retried = True

    def _stop(self, client: BkciClient) -> None:
        if not self.stopped:
            self.bench.hold("held")
            self.stopped = self._started(client, self.pipelines[1])
        status = client.status(self.project, self.stopped)["status"]
        if status not in FINISHED:
            poll_until(lambda: self._is_held(client), what="the held step runs, or has ended")
            client.stop(self.project, self.stopped)
            client.wait_finished(self.project, self.stopped)

    def _is_held(self, client: BkciClient) -> bool:
        view = client.detail(self.project, self.stopped)
        return view.status in FINISHED or view.task("held").get("status") == "RUNNING"


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


def serve(tmp_path: Path, failpoint: str = "") -> ServerProcess:
    """Prepare a server on the test's data directory that ends at a failpoint."""
    environment = {"MULLIGAN_FAILPOINT": failpoint} if failpoint else {}
    return ServerProcess(tmp_path / "data", *SETTINGS, environment=environment)


def live(server: ServerProcess, tell: Callable[[BkciClient], T]) -> T | None:
    """Let a server live; return what `tell` returns, or None when the server ended before."""
    try:
        with server, BkciClient(server.url) as client:
            try:
                return tell(client)
            except (OSError, http.client.HTTPException, DeadlineError):
                wait_ended(server)
                return None
    except ServerStartError:
        wait_ended(server)
        return None


def wait_ended(server: ServerProcess) -> None:
    """Make sure that a server that does not answer has met its failpoint."""
    poll_until(lambda: not server.is_running(), what="the server has met its failpoint")
    assert exit_code(server) == FAILPOINT_EXIT, server.log_text()


def exit_code(server: ServerProcess) -> int | None:
    """Return how the server process ended."""
    return server._process.returncode if server._process is not None else None


def attempts_of(client: BkciClient, project: str, build: str) -> dict[str, list[Json]]:
    """Return all attempts of each step of a run, by step name."""
    answer = client.http.request("GET", f"/api/v1/projects/{project}/runs/{build}/steps")
    assert answer.http == OK, str(answer)
    return {item["name"]: item["attempts"] for item in answer.body["items"]}


def assert_consistent(tmp_path: Path, story: Story, facts: Facts) -> None:
    """Assert what must be true of the story whatever happened while it was told."""
    assert (facts.view.status, facts.view.execute_count) == ("SUCCEED", 2)
    assert check(tmp_path / "data" / "mulligan.db") == []
    assert facts.stopped == "CANCELED"
    assert facts.counts == [1, 1]
    assert sorted(facts.artifacts) == ["a.txt", "b.txt"]
    wanted = {"e11": 1, "e12": 1, "e21": 1, "e31": 1, "e41": 2}
    for name in story.names:
        statuses = Counter((each["status"], each["cause"]) for each in facts.attempts[name])
        lost = statuses.pop(("failed", "lost"), 0)
        failed = statuses.pop(("failed", "user"), 0)
        assert statuses == {("succeeded", None): wanted[name]}, (name, statuses)
        assert failed == (name == "e12"), (name, facts.attempts[name])
        # an attempt that was lost may have been lost before its process began
        ran = story.bench.ran(name)
        assert wanted[name] + failed <= ran <= wanted[name] + failed + lost, (name, ran, lost)
    number = facts.attempts["e11"][-1]["number"]
    assert set(facts.told) == {f"got yes made by {number} 2"}
    poll_until(lambda: not processes_carrying(story._marker), what="no process is left")
    poll_until(lambda: not processes_carrying(str(tmp_path / "data")), what="no helper is left")


@pytest.mark.parametrize("point", POINTS)
def test_end_at_a_point_loses_and_repeats_nothing(
    tmp_path: Path, bench: Workbench, marker: str, point: str
) -> None:
    """A server that ends there leaves all to the next one: answers hold, finished steps stay so."""
    story = Story(bench, marker)
    armed = serve(tmp_path, point)

    first = live(armed, story.tell)
    second = live(serve(tmp_path), story.tell)

    assert first is None
    assert exit_code(armed) == FAILPOINT_EXIT
    assert second is not None
    assert_consistent(tmp_path, story, second)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "point", ["step.ended", "report.after_commit", "commit.after:6", "commit.before:6"]
)
def test_every_life_ends_at_the_same_point(
    tmp_path: Path, bench: Workbench, marker: str, point: str
) -> None:
    """However often the server ends, each life gets further, and the story comes to its end."""
    story = Story(bench, marker)

    lives = 1
    while (facts := live(serve(tmp_path, point), story.tell)) is None:
        lives += 1
        assert lives < MOST_LIVES, story.bench.journal()

    assert lives > 3
    assert_consistent(tmp_path, story, facts)


@pytest.mark.parametrize("point", ["recover.late_taken", "recover.jobs_taken_back", "commit.after"])
def test_end_while_taking_up_what_was_left(
    tmp_path: Path, bench: Workbench, marker: str, point: str
) -> None:
    """A server that ends while it repairs what an earlier end left is repaired like any other."""
    story = Story(bench, marker)

    lives = [
        live(serve(tmp_path, each), story.tell) for each in ("step.ended:2", point, point, point)
    ]
    facts = live(serve(tmp_path), story.tell)

    assert lives[:2] == [None, None]
    assert facts is not None
    assert_consistent(tmp_path, story, facts)


def test_steps_whose_end_was_not_reported_run_once(tmp_path: Path, bench: Workbench) -> None:
    """In a chain each life sees one step end and reports none: still every step runs just once."""
    chain = Chain(bench)

    lives = 1
    while (status := live(serve(tmp_path, "step.ended"), chain.tell)) is None:
        lives += 1
        assert lives < MOST_LIVES, bench.journal()

    assert status == "SUCCEED"
    assert lives == len(chain.steps) + 1
    assert bench.journal() == ["make", "s1", "s2", "s3", "use", "v=1 x"]
    assert check(tmp_path / "data" / "mulligan.db") == []


class Chain:
    """Tell a server to run one build of steps that need each other's values and files."""

    def __init__(self, bench: Workbench) -> None:
        """Prepare the pipeline."""
        self.project = f"p{uuid.uuid4().hex[:12]}"
        self.pipeline = ""
        make = step("make", bench.script("make", "echo x > x.txt", "setEnv v 1"))
        self.steps = [
            archiving(make, "x.txt"),
            *[step(name, bench.script(name)) for name in ("s1", "s2", "s3")],
            plugin("up", "uploadArtifact", filePath="*.txt"),
            plugin("down", "downloadArtifact", srcPaths="x.txt", destPath="got"),
            step("use", bench.script("use", bench.note("v=$v $(cat got/x.txt)"))),
        ]

    def tell(self, client: BkciClient) -> str:
        """Go on to the end and return the status of the build."""
        if not self.pipeline:
            client.project_create(self.project)
            model = one_job("chain", self.steps)
            self.pipeline = client.pipeline_create(self.project, model)
        known = client.histories(self.project, self.pipeline)["records"]
        build = known[0] if known else client.start(self.project, self.pipeline)
        return client.wait_finished(self.project, build["id"]).status
