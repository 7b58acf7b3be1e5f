"""Whatever people, runners, time and crashes do: a mutex has one owner, and no waiter is lost."""

import asyncio
import contextlib
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from builders import job, pipeline, stage
from engine_world import SHOP, World
from mulligan.core.errors import MulliganError
from mulligan.core.ids import JobId, RunId
from mulligan.core.records import Pipeline
from mulligan.core.run import Run
from mulligan.core.spec import MutexSpec
from mulligan.core.status import Status
from mulligan.engine import changes
from mulligan.ports import StepEnd
from mulligan.store.memory import MemoryStore

NAMES = ("north", "south")
ACTS = ("start", "start", "work", "work", "work", "fail", "stop", "lose", "retry", "wait", "crash")


class Storm:
    """Some runs of two pipelines whose jobs share two mutexes; the runners are played here."""

    def __init__(self) -> None:
        self.world = World(store=MemoryStore())
        self.made: list[Pipeline] = []
        self.runs: list[RunId] = []

    async def open(self) -> None:
        """Make the pipelines."""
        await self.world.open(works=False)
        north, south = (MutexSpec(name=name, places=3, timeout_s=600) for name in NAMES)
        specs = (
            pipeline(stage("s", job("1", "a", mutex=north), job("2", "b", mutex=south)), name="p"),
            pipeline(
                stage("s", job("1", "a", mutex=south), job("2", "b", depends_on=(JobId("1"),))),
                stage("t", job("3", "c", mutex=north), job("4", "d", mutex=north)),
                name="q",
            ),
        )
        self.made = [await self.world.add_pipeline(spec) for spec in specs]

    async def rest(self) -> None:
        """Let all that follows happen."""
        for _ in range(60):
            await asyncio.sleep(0)

    async def snapshots(self) -> list[Run]:
        """Return all runs as they are stored."""
        return [await self.world.store.get_run(run_id) for run_id in self.runs]

    async def jobs(self, *, held: bool) -> list[tuple[RunId, JobId]]:
        """Return the jobs that a runner may claim, or holds."""
        wanted = Status.RUNNING if held else Status.QUEUED
        return [
            (run.head.id, found.id)
            for run in await self.snapshots()
            for _, found in sorted(run.jobs.items())
            if found.status is wanted and found.queued_at is not None
        ]

    async def act(self, kind: str, pick: int) -> None:
        """Let one thing happen; nothing where it does not fit."""
        if kind == "start":
            head = await self.world.start(self.made[pick % 2])
            self.runs.append(head.id)
        elif kind in {"work", "fail"}:
            await self._work(pick, StepEnd(exit_code=int(kind == "fail")))
        elif kind == "lose":
            await self._work(pick, None)
        elif kind == "wait":
            await self._wait(1 + pick % 6)
        elif kind == "crash":
            await self.world.crash()
            self.world = World(store=self.world.store, clock=self.world.clock)
            await self.world.open(works=False)
        elif self.runs:
            run_id = self.runs[pick % len(self.runs)]
            await (self.world.stop(run_id) if kind == "stop" else self.world.retry(run_id))

    async def _work(self, pick: int, end: StepEnd | None) -> None:
        offered = await self.jobs(held=False)
        if not offered:
            return
        run_id, job_id = offered[pick % len(offered)]
        attempt = (await self.world.run(run_id)).job(job_id).attempt
        order = await self.world.engine.claim_job(run_id, job_id, attempt, self.world.runner.name)
        if end is None:
            await self.world.engine.lose_job(run_id, job_id)
        elif order is not None:
            await self.world.report(order, end)

    async def _wait(self, minutes: int) -> None:
        self.world.clock.advance(minutes=minutes)
        for row in await self.world.store.outbox():
            kind, _, node = row.effect.key.partition(":")
            due_at = row.effect.due_at
            if kind == "mutex" and due_at is not None and due_at <= self.world.clock.now():
                await self.world.engine.mutexes.time_out(row.run_id, JobId(node))

    async def check(self) -> None:
        """One owner; the owner is the job that may work; nobody waits for what is free."""
        owners: Counter[str] = Counter()
        waiters: Counter[str] = Counter()
        for run in await self.snapshots():
            for found in run.jobs.values():
                if found.mutex is not None and not found.status.is_final:
                    (owners if found.mutex.held else waiters)[found.mutex.name] += 1
                    assert found.mutex.held == (found.queued_at is not None)
        for name in NAMES:
            tickets = await self.world.store.mutex_tickets(SHOP, name)
            assert [ticket.held for ticket in tickets].count(True) == owners[name] <= 1
            assert len(tickets) == owners[name] + waiters[name]
            assert owners[name] == 1 or not waiters[name], f"nobody is let in to {name}"
            assert waiters[name] <= 3

    async def finish(self) -> None:
        """Do all the work that is left; every run must come to its end."""
        for _ in range(500):
            if not await self.jobs(held=False):
                break
            await self._work(0, StepEnd(exit_code=0))
            await self.rest()
            await self.check()
        assert {run.head.status.is_final for run in await self.snapshots()} <= {True}
        assert [await self.world.store.mutex_tickets(SHOP, name) for name in NAMES] == [(), ()]
        assert not [row for row in await self.world.store.outbox() if row.effect.kind == "timer"]


async def play(course: list[tuple[str, int, bool]]) -> None:
    """Let things happen one after the other; some find the store away for a moment."""
    storm = Storm()
    await storm.open()
    for kind, pick, is_away in course:
        store = storm.world.store
        assert isinstance(store, MemoryStore)
        store.outages = int(is_away)
        with contextlib.suppress(MulliganError):  # refused, or not stored: nothing has changed
            await storm.act(kind, pick)
        store.outages = 0
        await storm.rest()
        await storm.check()
    await storm.finish()
    await storm.world.crash()


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(ACTS), st.integers(0, 99), st.sampled_from((False, False, False, True))
        ),
        max_size=40,
    )
)
def test_one_owner_and_no_lost_waiter(course: list[tuple[str, int, bool]]) -> None:
    """After every act there is at most one owner, and one whenever somebody waits."""
    before, changes.TRY_AGAIN_S = changes.TRY_AGAIN_S, 0.0
    try:
        asyncio.run(play(course))
    finally:
        changes.TRY_AGAIN_S = before
