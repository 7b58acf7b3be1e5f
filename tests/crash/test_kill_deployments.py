"""End server, keeper or step host at any instant while releases go out and back.

MULLIGAN_KILLS sets how often the storm is interrupted (default 6; 50 for a long look).
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from storm import Ledger, Operator, Used, Versions, Witness, rests
from storm_sites import CommandSite, Journal, ProgramSite, stages_of

from e2e.swr.definitions import build
from e2e.swr.scenario import Pipeline, World
from mulligan.executors.keeper.client import Keeper, KeeperError
from mulligan.store.check import check
from mulligan.testing.server import ServerProcess, poll_until, processes_carrying

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

Json = dict[str, Any]

KILLS = int(os.environ.get("MULLIGAN_KILLS", "6"))
# A step that happens to run at many kills must not use up its budget: that rule is not the matter.
SETTINGS = ("--runners", "4", "--set", "recovery.lost_budget=1000")
REST_S = 60.0
RESTART_S = 40.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Give a server of the test's own; what it deployed is ended with it."""
    with ServerProcess(tmp_path / "data", *SETTINGS) as server:
        yield World(server)
    with suppress(KeeperError):
        Keeper(tmp_path / "data").shutdown()
    for pid in processes_carrying(str(tmp_path)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Storm:
    """Own five pipelines on three environments, and kill what carries them out."""

    def __init__(self, world: World, directory: Path) -> None:
        """Make the pipelines."""
        self.world = world
        self.chance = random.Random(KILLS)
        self.journal = Journal(directory / "journal")
        self.witness = Witness(self.journal.starts)
        self.versions = Versions()
        self.errors: list[str] = []
        self.database = world.server.data / "mulligan.db"
        client = world.login("dev1")
        self.plain = CommandSite(directory, "plain", self.journal, self.chance)
        self.gray = CommandSite(directory, "gray", self.journal, self.chance)
        self.program = ProgramSite()

        def made(*stages: Json) -> Pipeline:
            return Pipeline(client, stages_of([*stages]))

        before = build("compile", "sleep 0.05")
        self.first = Used(made(before, *self.plain.release()), 1)
        self.second = Used(made(*self.plain.release()), 0)
        self.base = Used(made(*self.gray.release()), 0)
        self.graying = Used(made(*self.gray.gray_release()), 2, review_stage=1)
        self.process = Used(made(*self.program.release()), 1)
        self.used = [self.first, self.second, self.base, self.graying, self.process]

    def rage(self, kill: str) -> None:
        """Use the pipelines for a random while, kill something in the middle, and look."""
        operator = Operator(self.used, [self.plain, self.gray], self.chance, self.versions)
        instant = time.monotonic() + self.chance.uniform(0.1, 1.5)
        while time.monotonic() < instant:
            self.witness.look(self.database)
        if kill != "server":
            self._kill_beside(kill)
            instant = time.monotonic() + self.chance.uniform(0.1, 0.6)
            while time.monotonic() < instant:
                self.witness.look(self.database)
        self.world.server.kill()
        self.errors += operator.join()
        self.world.resume()

    def _kill_beside(self, which: str) -> None:
        pid = self._keeper() if which == "keeper" else self._host()
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _keeper(self) -> int:
        try:
            return Keeper(self.world.server.data).ping()
        except KeeperError:
            return 0  # nothing was deployed yet

    def _host(self) -> int:
        """Return the guard of the step host: with it all steps end."""
        task = Path(f"/proc/{self.world.server.pid}/task/{self.world.server.pid}/children")
        for pid in task.read_text().split():
            if b"/executors/host/" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return int(pid)
        return 0

    def calm(self) -> Ledger:
        """Let everything come to rest, close what is open, and return what is stored then."""
        for site in (self.plain, self.gray):
            site.set_broken(is_broken=False)
        poll_until(lambda: all(map(rests, self.used)), what="all rests", timeout_s=REST_S)
        if self.graying.pipeline.stage(1)["status"] == "running":
            self.graying.pipeline.vote(1, "pass")
            self.graying.accepted["vote"] += 1
        poll_until(lambda: all(map(rests, self.used)), what="all rests", timeout_s=REST_S)
        return Ledger.read(self.database)

    def settle(self) -> None:
        """Deploy once more everywhere: what was cut off on purpose is made good by that."""
        for used in (self.first, self.base, self.process):
            used.pipeline.start(VERSION=self.versions.new())
            used.accepted["start"] += 1
            used.pipeline.settle("success")


@pytest.mark.timeout(120 + 10 * KILLS)
def test_releases_survive_kills_at_random_instants(world: World, tmp_path: Path) -> None:
    """Whatever the instant: what was accepted counts, what ended stays, what is live is true."""
    storm = Storm(world, tmp_path / "sites")
    storm.settle()

    for kill in itertools.islice(itertools.cycle(KINDS), KILLS):
        storm.rage(kill)
    rested = storm.calm()
    for site in (storm.plain, storm.gray):
        assert_live(site, rested)
    storm.settle()
    ledger = storm.calm()

    assert storm.errors == []
    assert_nothing_under_way(ledger)
    assert_requests_counted(storm, ledger)
    assert_acts_once(storm, ledger)
    assert storm.witness.again() == {}
    for site in (storm.plain, storm.gray):
        live = ledger.environments[site.application]["live"]
        assert site.live == ledger.version_of(live)
    assert_program(storm, ledger)
    assert check(storm.database) == []
    assert world.server.terminate() == 0
    Keeper(world.server.data).shutdown()
    poll_until(lambda: not processes_carrying(str(tmp_path)), what="no process is left")


KINDS = ("server", "server", "keeper", "server", "host", "server")


def assert_nothing_under_way(ledger: Ledger) -> None:
    """Assert that no environment is held and no deployment open."""
    assert {each["holder"] for each in ledger.environments.values()} == {""}
    assert "running" not in {each["outcome"] for each in ledger.deployments.values()}


def assert_requests_counted(storm: Storm, ledger: Ledger) -> None:
    """Assert that each request that was accepted is an attempt of a run, and no other is."""
    for used in storm.used:
        attempts = ledger.attempts[str(used.pipeline.created["bk_pipeline_id"])]
        for kind in ("start", "retry", "rollback"):
            least, most = used.accepted[kind], used.accepted[kind] + used.open[kind]
            assert least <= attempts[kind] <= most, (kind, used, attempts)


def assert_acts_once(storm: Storm, ledger: Ledger) -> None:
    """Assert that an act has one id and one release however often it is tried, one at a time."""
    acts = [(each["run"], each["job"], each["job_attempt"]) for each in ledger.deployments.values()]
    assert len(acts) == len(set(acts))
    told: dict[str, set[tuple[str, str, str]]] = {}
    by_site: dict[str, list[str]] = {}
    starts: Counter[str] = Counter()
    for note in storm.journal.notes():
        by_site.setdefault(note.site, []).append(note.token)
        # a new stable release ends a grey one that is still out
        if note.action == "abort" and ledger.deployments[note.deployment]["act"] != "abort":
            continue
        told.setdefault(note.deployment, set()).add((note.site, note.action, note.version))
        starts[note.deployment] += note.kind == "start"
    assert set(told) <= set(ledger.deployments)
    assert {ident: what for ident, what in told.items() if len(what) != 1} == {}
    for tokens in by_site.values():
        changes = sum(one != other for one, other in itertools.pairwise(tokens))
        assert changes + 1 == len(set(tokens)), tokens
    for ident, found in ledger.deployments.items():
        assert starts[ident] <= max(1, found.get("tries", 0)), (found, starts[ident])


def assert_live(site: CommandSite, ledger: Ledger) -> None:
    """Assert that what is live is what the ledger says, except where an act was cut off since."""
    environment = ledger.environments[site.application]
    acts = ledger.acts_of(site.application)
    is_sure = {"live": True, "gray": True}
    for act in acts:
        touched = ("gray",) if act["act"] in {"gray", "abort"} else ("live", "gray")
        if act["outcome"] == "failed" and act.get("tries", 0) <= 1:
            continue  # a text that fails here fails before its effect; an earlier try had it or not
        is_sure |= dict.fromkeys(touched, act["outcome"] == "succeeded")
    story = [f"{each['act']} {each['outcome']} {each['release']['image']}" for each in acts[-4:]]
    for file, version in (("live", site.live), ("gray", site.gray)):
        if is_sure[file]:
            assert version == ledger.version_of(environment[file]), f"{file}: {story}"


def assert_program(storm: Storm, ledger: Ledger) -> None:
    """Assert that the program answers as the deployment that is live."""
    live = ledger.environments[storm.program.application]["live"]
    poll_until(
        lambda: storm.program.answer()[1:] == [live],
        what=f"the program of {live} answers",
        timeout_s=RESTART_S,
    )
