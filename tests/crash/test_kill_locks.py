"""End the server while mutexes are held and runs wait: nothing stays locked, nobody is lost."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import sqlite3
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from mulligan.store.check import check
from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import job, pipeline, stage, step
from mulligan.testing.server import DeadlineError, ServerProcess, poll_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

Json = dict[str, Any]
# A step that happens to run at many kills must not use up its budget: that rule is not the matter.
SETTINGS = ("--runners", "8", "--set", "recovery.lost_budget=1000", "--set", "steps.grace_s=0.3")
BUILDS = 2  # of each pipeline
KILLS = 2
DOOR = {
    "enable": True,
    "mutexGroupName": "door",
    "queueEnable": True,
    "queue": 99,
    "timeout": 60,
}


class Locks:
    """Two pipelines whose jobs share a mutex, and two whose builds share a concurrency group."""

    def __init__(self, client: BkciClient, directory: Path) -> None:
        self.journals = {kind: directory / f"{kind}-journal" for kind in ("mutex", "group")}
        self.project = f"p{uuid.uuid4().hex[:12]}"
        client.project_create(self.project)
        self.pipelines = [
            client.pipeline_create(self.project, self._model(name, kind))
            for kind in self.journals
            for name in (f"{kind}-one", f"{kind}-two")
        ]
        for pipeline_id in self.pipelines[2:]:
            client.change_setting(
                self.project, pipeline_id, runLockType="GROUP_LOCK", concurrencyGroup="prod"
            )

    def _model(self, name: str, kind: str) -> Json:
        note = f"echo $BK_CI_BUILD_ID >> '{self.journals[kind]}'"
        tasks = [step(f"{name}-{n}", f"{note}\nsleep 0.05\n{note}") for n in (1, 2)]
        only = job("only", tasks, mutexGroup={**DOOR, "enable": kind == "mutex"})
        return pipeline(name, [stage("build", [only])])

    def start(self, client: BkciClient, pipelines: list[str], times: int) -> list[str]:
        """Start builds of these pipelines in turn."""
        order = [each for _ in range(times) for each in pipelines]
        return [client.start(self.project, each)["id"] for each in order]

    def blocks(self, kind: str) -> list[str]:
        """Return the builds in the order in which they worked, each as often as it came back."""
        lines = self.journals[kind].read_text().split()
        return [build for build, _ in itertools.groupby(lines)]


def tickets(data: Path) -> int:
    """Count the tickets that are stored."""
    with contextlib.closing(sqlite3.connect(data / "mulligan.db")) as connection:
        (count,) = connection.execute("SELECT COUNT(*) FROM mutex_tickets").fetchone()
    return int(count)


def test_locks_survive_kills(tmp_path: Path) -> None:
    """Whatever the instant: all builds end green, and those that share a lock never overlap."""
    data = tmp_path / "data"
    with ServerProcess(data, *SETTINGS) as server:
        with BkciClient(server.url) as client:
            locks = Locks(client, tmp_path)
            builds = locks.start(client, locks.pipelines, BUILDS)
        journal = locks.journals["mutex"]

        def have_begun(builds: int) -> bool:
            return journal.exists() and len(set(journal.read_text().split())) >= builds

        for kill in range(KILLS):
            poll_until(partial(have_begun, kill + 1), what="the next build has the mutex")
            server.kill()
            server.start()
        with BkciClient(server.url) as client:
            ends = [client.wait_finished(locks.project, build, 60.0).status for build in builds]
        server.terminate()

    assert ends == ["SUCCEED"] * len(builds)
    for kind in locks.journals:
        worked = locks.blocks(kind)
        assert sorted(worked) == sorted(set(worked)), f"builds overlap by {kind}: {worked}"
        assert len(worked) == 2 * BUILDS
    assert tickets(data) == 0
    assert check(data / "mulligan.db") == []


def test_end_just_before_a_mutex_is_given(tmp_path: Path) -> None:
    """A server that ends before it gives a mutex away leaves that to the next one."""
    data = tmp_path / "data"
    environment = {"MULLIGAN_FAILPOINT": "mutex.served:2"}
    with ServerProcess(data, *SETTINGS, environment=environment) as server:
        builds: list[str] = []
        with (
            BkciClient(server.url) as client,
            contextlib.suppress(OSError, http.client.HTTPException, DeadlineError),
        ):
            locks = Locks(client, tmp_path)
            for pipeline_id in locks.pipelines[:2]:
                builds += locks.start(client, [pipeline_id], 1)
        poll_until(lambda: not server.is_running(), what="the server has met its failpoint")
    with ServerProcess(data, *SETTINGS) as server, BkciClient(server.url) as client:
        found = [
            record["id"]
            for pipeline_id in locks.pipelines[:2]
            for record in client.histories(locks.project, pipeline_id)["records"]
        ]
        ends = [client.wait_finished(locks.project, build).status for build in found]

    assert set(builds) <= set(found)
    assert ends
    assert set(ends) == {"SUCCEED"}
    assert len(locks.blocks("mutex")) == len(found)
    assert tickets(data) == 0
