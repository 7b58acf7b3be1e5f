"""End the server at named points of its code while it deploys, rolls back and promotes.

The points are the calls of `mulligan.failpoints.hit`; a name stands for its first passing,
`name:3` for the third one.
"""

from __future__ import annotations

import http.client
import random
import shutil
from typing import TYPE_CHECKING

import pytest
from storm import ANSWERS, Ledger
from storm_sites import CommandSite, Journal, stages_of

from e2e.swr.client import CREATED
from e2e.swr.definitions import build, package
from e2e.swr.scenario import Pipeline, World
from mulligan.store.check import check
from mulligan.testing.server import (
    DeadlineError,
    ServerProcess,
    ServerStartError,
    poll_until,
    processes_carrying,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

FAILPOINT_EXIT = 86
SETTINGS = ("--runners", "4", "--set", "recovery.lost_budget=1000", "--set", "steps.grace_s=0.3")
MOST_LIVES = 60
# Where the texts find the directory of the test: the data directory is copied for each.
VARIABLE = "STORM_SITES"

POINTS = [
    *[f"commit.before:{n}" for n in (1, 4, 6, 9, 11, 14, 16)],
    *[f"commit.after:{n}" for n in (2, 5, 7, 10, 12, 15)],
    *[f"claim.after_commit:{n}" for n in (1, 3)],
    *[f"step.ended:{n}" for n in (2, 3, 5)],
    *[f"report.after_commit:{n}" for n in (2, 4, 6)],
    *[f"deployment.begun:{n}" for n in (1, 2, 3)],
    *[f"rollback.after_commit:{n}" for n in (1, 2)],
    "act.after_commit:2",
    "artifacts.after_commit",
    "start.after_commit:2",
]
# What each act of the story does, and the version that it is about.
ACTS = [
    ("deploy", "v1"),
    ("deploy", "v2"),
    ("rollback", "v1"),
    ("gray", "v3"),
    ("promote", "v3"),
    ("rollback", "v1"),
]


class Place:
    """Own a data directory and the site that its pipelines deploy to."""

    def __init__(self, directory: Path) -> None:
        """Use `directory`."""
        self.directory = directory
        self.data = directory / "data"
        self.sites = directory / "sites"
        self.sites.mkdir(parents=True, exist_ok=True)
        shown = f"${VARIABLE}"
        self.journal = Journal(self.sites / "journal", f"{shown}/journal")
        self.site = CommandSite(self.sites, "site", self.journal, random.Random(1), shown)

    def serve(self, failpoint: str = "") -> ServerProcess:
        """Prepare a server that ends at a failpoint."""
        environment = {VARIABLE: str(self.sites)}
        if failpoint:
            environment["MULLIGAN_FAILPOINT"] = failpoint
        return ServerProcess(self.data, *SETTINGS, environment=environment)

    def ledger(self) -> Ledger:
        """Read what is stored."""
        return Ledger.read(self.data / "mulligan.db")


class Story:
    """Deploy v2, go back to v1, promote v3 over a grey release, go back to v1."""

    def __init__(self, directory: Path) -> None:
        """Make the pipelines and deploy v1."""
        self.place = Place(directory)
        with self.place.serve() as server:
            client = World(server).login("dev1")
            made = package("current", "app.txt", "app.txt", name="libs%20app")
            used = package("current", "app.txt", name="libs%20app")
            pack = build("pack", "echo ${VERSION} > app.txt", output_resources=[made])
            [stage] = self.place.site.release()
            stage["input_resources"] = [*stage["input_resources"], used]
            self.plain = Pipeline(client, stages_of([pack, stage]))
            self.gray = Pipeline(client, stages_of(self.place.site.gray_release()))
            self.plain.run("success", VERSION="v1")

    def tell(self, url: str) -> None:
        """Go on to the end from where earlier lives have brought it."""
        self.plain.client.url = url
        self._start(self.plain, 2, "v2")
        self.plain.settle("success", "rollback_success")
        self._roll_back(self.plain, 1)
        self.plain.settle("rollback_success")
        self._start(self.gray, 1, "v3")
        poll_until(self._asks_or_rests, what="the review asks, or is behind")
        if self.gray.stage(1)["status"] == "running":
            assert self.gray.vote(1, "pass").http in ANSWERS
        self.gray.settle("success", "rollback_success")
        self._roll_back(self.gray, 2)
        self.gray.settle("rollback_success")

    def _start(self, pipeline: Pipeline, number: int, version: str) -> None:
        """Start a run, unless an earlier life has, of whose answer nothing came."""
        if int(pipeline.variables()["SYS_INCREMENT"] or 0) < number:
            assert pipeline.try_start({"VERSION": version}).http == CREATED

    def _roll_back(self, pipeline: Pipeline, stage: int) -> None:
        if pipeline.jobs(stage)[0]["mode"] != "rollback":
            assert pipeline.rollback(stage).http == CREATED

    def _asks_or_rests(self) -> bool:
        return self.gray.status()["status"] != "running" or self._asks()

    def _asks(self) -> bool:
        return str(self.gray.stage(1)["status"]) in {"running", "success"}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Give a story that has begun: v1 is live."""
    return Story(tmp_path_factory.mktemp("story"))


@pytest.fixture
def place(told: Story, tmp_path: Path) -> Place:
    """Give a copy of the place where the story has begun."""
    shutil.copytree(told.place.directory, tmp_path / "place")
    copied = Place(tmp_path / "place")
    copied.site.application = told.place.site.application
    return copied


def live(server: ServerProcess, tell: Callable[[str], None]) -> bool:
    """Let a server live; return whether the story came to its end in that life."""
    try:
        with server:
            try:
                tell(server.url)
            except (OSError, http.client.HTTPException, DeadlineError):
                wait_ended(server)
                return False
            return True
    except ServerStartError:
        wait_ended(server)
        return False


def wait_ended(server: ServerProcess) -> None:
    """Make sure that a server that does not answer has met its failpoint."""
    poll_until(lambda: not server.is_running(), what="the server has met its failpoint")
    assert exit_code(server) == FAILPOINT_EXIT, server.log_text()


def exit_code(server: ServerProcess) -> int | None:
    """Return how the server process ended."""
    return server._process.returncode if server._process is not None else None


def assert_told(place: Place) -> None:
    """Assert that each act was done once, under one id, and that the ledger says what is true."""
    ledger = place.ledger()
    acts = ledger.acts_of(place.site.application)
    notes = place.journal.notes()
    assert [(act["act"], version_of(ledger, act)) for act in acts] == ACTS
    assert {act["outcome"] for act in acts} == {"succeeded"}
    for act in acts:
        own = [note for note in notes if note.deployment == act["id"]]
        assert {(note.action, note.version) for note in own} == {
            ("deploy" if act["act"] == "promote" else act["act"], version_of(ledger, act))
        }
        starts = sum(note.kind == "start" for note in own)
        assert starts <= act["tries"], (act, own)
    environment = ledger.environments[place.site.application]
    assert (environment["holder"], environment["gray"]) == ("", "")
    assert (place.site.live, place.site.gray) == ("v1", "")
    assert ledger.version_of(environment["live"]) == "v1"
    assert check(place.data / "mulligan.db") == []
    poll_until(lambda: not processes_carrying(str(place.directory)), what="no process is left")


def version_of(ledger: Ledger, act: dict[str, str]) -> str:
    """Return the version that an act is about: for a rollback that which it restored."""
    return ledger.version_of(act["target"] if act["act"] == "rollback" else act["id"])


@pytest.mark.parametrize("point", POINTS)
def test_end_at_a_point_loses_and_repeats_nothing(told: Story, place: Place, point: str) -> None:
    """A server that ends there leaves all to the next one: each act is done once, under one id."""
    armed = place.serve(point)

    first = live(armed, told.tell)
    second = live(place.serve(), told.tell)

    assert (first, exit_code(armed)) == (False, FAILPOINT_EXIT)
    assert second
    assert_told(place)


@pytest.mark.parametrize(
    "point", ["deployment.begun", "deployment.tried", "step.ended", "report.after_commit"]
)
def test_every_life_ends_at_the_same_point(told: Story, place: Place, point: str) -> None:
    """However often the server ends, each life gets further, and the story comes to its end."""
    if point == "deployment.tried":
        assert not live(place.serve("deployment.begun"), told.tell)
        assert not live(place.serve(point), told.tell)
        assert not live(place.serve(point), told.tell)
        point = ""

    lives = 1
    while not live(place.serve(point), told.tell):
        lives += 1
        assert lives < MOST_LIVES, place.journal.notes()

    assert_told(place)


@pytest.mark.parametrize("point", ["recover.late_taken", "recover.jobs_taken_back", "commit.after"])
def test_end_while_taking_up_what_was_left(told: Story, place: Place, point: str) -> None:
    """A server that ends while it takes up a deployment leaves that to the next one."""
    lives = [
        live(place.serve(each), told.tell) for each in ("deployment.begun", point, point, point)
    ]

    last = live(place.serve(), told.tell)

    assert lives[:2] == [False, False]
    assert last
    assert_told(place)
