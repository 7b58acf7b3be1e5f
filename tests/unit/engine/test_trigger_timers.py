"""Timers: once at their time, whoever looks; only on changes; what is missed is left out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

import builders as b
from engine_world import ADMIN, ANN, NOON, SHOP, World
from mulligan.core.errors import InfrastructureError, NotFoundError
from mulligan.core.ids import ProjectId, StepId
from mulligan.core.items import ItemChange, LinkedRepository
from mulligan.core.records import Pipeline, Role
from mulligan.core.run import RunHead
from mulligan.core.spec import ParameterSpec, PipelineSpec
from mulligan.core.status import Status
from mulligan.core.trigger_records import Timer
from mulligan.core.triggers.spec import (
    RepositoryBy,
    RepositoryRef,
    TimerSpec,
    TriggerKind,
    TriggerSpec,
)
from mulligan.engine.catalog import Definition
from mulligan.engine.schedule import Schedule, zone_of
from mulligan.engine.timers import Timers
from mulligan.engine.trigger_sources import LinkedSources
from mulligan.ports import RunFilter
from mulligan.ports.sources import Source

pytestmark = pytest.mark.anyio
NIGHTLY = StepId("T-1")
zone_of("Asia/Shanghai")  # reads its file, which the event loop of a test must not
URL = "https://git.example.com/shop/api.git"


class FakeHeads:
    """Repositories whose newest commits the test sets."""

    def __init__(self) -> None:
        self.commits: dict[str, str] = {"HEAD": "c1"}
        self.error: OSError | None = None
        self.asked: list[str] = []
        self.answers = asyncio.Event()
        self.answers.set()

    async def heads(self, source: Source, branches: tuple[str, ...]) -> dict[str, str]:
        """Return what the test says."""
        self.asked.append(source.url)
        await self.answers.wait()
        if self.error is not None:
            raise self.error
        return {name: commit for name, commit in self.commits.items() if name in branches}


class NoSecrets:
    """No project has a secret."""

    async def detail(self, _project: ProjectId, secret_id: str) -> dict[str, str]:
        """Find none."""
        raise NotFoundError("secret", secret_id)


class Clockwork:
    """A world with timers."""

    def __init__(self, world: World, *, makes_up: bool = False) -> None:
        self.world = world
        self.heads = FakeHeads()
        self.timers = Timers(
            engine=world.engine,
            access=world.access,
            schedule=Schedule(world.clock),
            repositories=LinkedSources(world.store, NoSecrets()),
            heads=self.heads,
            makes_up=makes_up,
        )

    async def define(self, *lines: str, **fields: Any) -> Pipeline:
        """Make a pipeline that such a timer starts."""
        spec = self.spec(TimerSpec(lines=lines, **fields))
        return await self.world.add_pipeline(spec)

    @staticmethod
    def spec(timer: TimerSpec, *, enabled: bool = True) -> PipelineSpec:
        """Give a definition with a timer."""
        trigger = TriggerSpec(
            id=NIGHTLY,
            kind=TriggerKind.TIMER,
            element="timerTrigger",
            enabled=enabled,
            timer=timer,
        )
        spec = b.one_job("one")
        parameter = ParameterSpec(name="WHO", default="nobody")
        return replace(spec, triggers=(trigger,), parameters=(parameter,))

    async def timer(self, pipeline: Pipeline) -> Timer:
        """Return the timer of a pipeline."""
        [found] = await self.world.store.list_timers(pipeline.id)
        return found

    async def fire(self, pipeline: Pipeline) -> Timer:
        """Let the timer fire at its time; return it as it is afterwards."""
        timer = await self.timer(pipeline)
        assert timer.next_at is not None
        self.world.clock.instant = timer.next_at
        await self.timers.fire(timer)
        return await self.timer(pipeline)

    async def runs(self, pipeline: Pipeline) -> list[RunHead]:
        """Return the runs of a pipeline, oldest first."""
        page = await self.world.store.list_runs(RunFilter(pipeline=pipeline.id))
        return list(reversed(page.items))


@pytest.fixture
async def works() -> AsyncIterator[Clockwork]:
    """Give timers in a world in which nothing happens by itself."""
    world = World()
    await world.open(works=False)
    await world.access.create_user(ADMIN, "ann")
    await world.access.set_member(ADMIN, "shop", "ann", Role.RUNNER)
    yield Clockwork(world)
    await world.close()


async def test_a_timer_starts_its_pipeline_and_moves_on(works: Clockwork) -> None:
    """The run knows what started it; the timer is at its next time, in the same transaction."""
    pipeline = await works.define("0 13 * * *", values=(("WHO", "me"), ("OTHER", "x")))

    moved = await works.fire(pipeline)

    [head] = await works.runs(pipeline)
    assert (head.start_kind, head.started_by) == ("timer", "ann")
    assert head.origin is not None
    assert head.origin.trigger == NIGHTLY
    assert {each.name: each.value for each in head.parameters} == {"WHO": "me"}
    run = await works.world.run(head.id)
    assert run.value("GIT_CI_EVENT") == "schedule"
    assert run.value("BK_CI_START_TASK_ID") == NIGHTLY
    assert (moved.next_at, moved.state.last) == (NOON + timedelta(days=1, hours=1), "started")


async def test_two_that_read_the_same_timer_start_once(works: Clockwork) -> None:
    """Two servers, or two looks of one: the second finds the timer moved and does nothing."""
    pipeline = await works.define("0 13 * * *")
    timer = await works.timer(pipeline)
    works.world.clock.advance(hours=1)

    await asyncio.gather(works.timers.fire(timer), works.timers.fire(timer))
    await works.timers.fire(timer)

    assert len(await works.runs(pipeline)) == 1
    assert await works.world.engine.last_number(pipeline.id) == 1


async def test_what_could_not_be_stored_is_started_later(works: Clockwork) -> None:
    """Neither the start nor the new time is there; the next look starts it."""
    pipeline = await works.define("0 13 * * *")
    works.world.unruly.outages = 1

    with pytest.raises(InfrastructureError):
        await works.fire(pipeline)
    assert (await works.timer(pipeline)).next_at == NOON + timedelta(hours=1)
    assert await works.runs(pipeline) == []
    await works.fire(pipeline)

    assert len(await works.runs(pipeline)) == 1


@pytest.mark.parametrize(("makes_up", "count"), [(False, 0), (True, 1)])
async def test_a_missed_time(works: Clockwork, *, makes_up: bool, count: int) -> None:
    """Three days without a server: nothing is made up, or one start if the setting says so."""
    works = Clockwork(works.world, makes_up=makes_up)
    pipeline = await works.define("0 13 * * *")
    works.world.clock.advance(days=3)

    await works.timers.fire(await works.timer(pipeline))

    assert len(await works.runs(pipeline)) == count
    after = await works.timer(pipeline)
    assert after.next_at == NOON + timedelta(days=3, hours=1)
    assert ("missed" in after.state.last) is not makes_up


async def test_a_refused_start_is_left_out_with_its_reason(works: Clockwork) -> None:
    """A locked pipeline starts nothing; the timer goes on, and people see why."""
    pipeline = await works.define("0 13 * * *")
    await works.world.catalog.lock_pipeline(ADMIN, pipeline, locked=True)

    moved = await works.fire(pipeline)

    assert await works.runs(pipeline) == []
    assert "locked" in moved.state.last
    assert moved.next_at == NOON + timedelta(days=1, hours=1)


async def test_nobody_starts_in_the_name_of_who_may_not(works: Clockwork) -> None:
    """The last editor is no member any more: nothing starts."""
    pipeline = await works.define("0 13 * * *")
    await works.world.store.drop_member(ProjectId("shop"), pipeline.updated_by)

    moved = await works.fire(pipeline)

    assert await works.runs(pipeline) == []
    assert moved.state.last == "ann may not start the pipeline"


async def test_an_edit_counts_at_once(works: Clockwork) -> None:
    """New lines have new times; a switched-off timer and a deleted pipeline have none."""
    pipeline = await works.define("0 13 * * *")
    catalog, admin = works.world.catalog, ADMIN

    async def edit(timer: TimerSpec, *, enabled: bool = True) -> None:
        spec = works.spec(timer, enabled=enabled)
        definition = Definition(spec=spec, dialect="bkci", source={"name": spec.name})
        await catalog.edit_pipeline(admin, pipeline, definition)

    await edit(TimerSpec(lines=("30 12 * * *",)))
    assert (await works.timer(pipeline)).next_at == NOON + timedelta(minutes=30)
    await edit(TimerSpec(lines=("30 12 * * *",)), enabled=False)
    assert await works.world.store.list_timers(pipeline.id) == ()
    await edit(TimerSpec(lines=("30 12 * * *",), zone="Asia/Shanghai"))
    assert (await works.timer(pipeline)).next_at == NOON + timedelta(hours=16, minutes=30)
    deleted = await catalog.delete_pipeline(admin, pipeline)
    assert await works.world.store.list_timers(pipeline.id) == ()
    await catalog.restore_pipeline(admin, "shop", deleted.id)
    assert (await works.timer(pipeline)).next_at == NOON + timedelta(hours=16, minutes=30)


# --- only when the source has changed -----------------------------------------------------------


async def test_it_starts_once_for_each_changed_branch(works: Clockwork) -> None:
    """The first time all branches are new; then only those with another commit."""
    ref = RepositoryRef(by=RepositoryBy.NAME, value=URL)
    pipeline = await works.define(
        "0 * * * *", only_changes=True, repository=ref, branches=("main", "dev")
    )
    works.heads.commits = {"main": "m1", "dev": "d1"}

    await works.fire(pipeline)
    assert len(await works.runs(pipeline)) == 2
    unchanged = await works.fire(pipeline)
    assert len(await works.runs(pipeline)) == 2
    works.heads.commits["dev"] = "d2"
    await works.fire(pipeline)

    *_, newest = await works.runs(pipeline)
    assert len(await works.runs(pipeline)) == 3
    assert unchanged.state.last == "nothing has changed"
    assert newest.origin is not None
    assert (newest.origin.branch, newest.origin.commit) == ("dev", "d2")
    assert (await works.world.run(newest.id)).value("BK_REPO_GIT_WEBHOOK_BRANCH") == "dev"


async def test_a_crash_between_branches_loses_none(works: Clockwork) -> None:
    """The timer is done with its last branch: what is missing is started by the next life."""
    ref = RepositoryRef(by=RepositoryBy.NAME, value=URL)
    pipeline = await works.define(
        "0 * * * *", only_changes=True, repository=ref, branches=("main", "dev")
    )
    works.heads.commits = {"main": "m1", "dev": "d1"}
    starts = works.world.engine.start_run

    async def one_start(command: Any) -> RunHead:
        head = await starts(command)
        works.world.unruly.outages = 1  # the next one can't be stored
        return head

    works.world.engine.start_run = one_start  # type: ignore[method-assign] # plays an outage
    with pytest.raises(InfrastructureError):
        await works.fire(pipeline)
    works.world.engine.start_run = starts  # type: ignore[method-assign] # as before
    assert len(await works.runs(pipeline)) == 1

    await works.timers.fire(await works.timer(pipeline))

    branches = [head.origin.branch for head in await works.runs(pipeline) if head.origin]
    assert branches == ["main", "dev"]


async def test_checkouts_of_the_pipeline_are_watched_together(works: Clockwork) -> None:
    """Without a repository of its own, a timer looks at all checkouts and starts one run."""
    timer = TimerSpec(lines=("0 * * * *",), only_changes=True)
    spec = works.spec(timer)
    [stage] = spec.stages
    [job] = stage.jobs
    checkout = replace(
        job.steps[0], id=StepId("co"), kind="checkout", inputs={"url": URL, "ref": "main"}
    )
    job = replace(job, steps=(checkout, *job.steps))
    spec = replace(spec, stages=(replace(stage, jobs=(job,)),))
    pipeline = await works.world.add_pipeline(spec)
    works.heads.commits = {"main": "m1"}

    await works.fire(pipeline)
    await works.fire(pipeline)
    works.heads.commits = {"main": "m2"}
    await works.fire(pipeline)

    assert len(await works.runs(pipeline)) == 2
    assert set(works.heads.asked) == {URL}


async def test_a_repository_that_can_not_be_asked(works: Clockwork) -> None:
    """Nothing starts, the reason is seen, and the next time it is asked again."""
    ref = RepositoryRef(by=RepositoryBy.NAME, value=URL)
    pipeline = await works.define("0 * * * *", only_changes=True, repository=ref)
    works.heads.error = OSError("no route")

    failed = await works.fire(pipeline)
    works.heads.error = None
    await works.fire(pipeline)

    assert "no route" in failed.state.last
    assert len(await works.runs(pipeline)) == 1


# --- the loop -----------------------------------------------------------------------------------


async def test_the_loop_fires_what_is_due_and_sees_new_timers(works: Clockwork) -> None:
    """It sleeps until something is due; a moved clock or a saved pipeline wakes it."""
    catalog = works.world.catalog
    catalog.on_timers = works.timers.wake
    task = asyncio.create_task(works.timers.run())
    try:
        pipeline = await works.define("0 13 * * *")
        assert await works.runs(pipeline) == []
        works.world.clock.advance(hours=1)
        works.timers.wake()
        async with asyncio.timeout(30):
            while not await works.runs(pipeline):  # noqa: ASYNC110 - any condition
                await asyncio.sleep(0.001)
        [head] = await works.runs(pipeline)
        assert head.status is not Status.CANCELLED
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("page", [200, 7])
async def test_repositories_that_do_not_answer_keep_no_other_timer(
    works: Clockwork, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """However many timers wait for one, those that ask nobody start their pipelines.

    Also when more of them are due before it than are looked at in one go.
    """
    monkeypatch.setattr("mulligan.engine.timers._MOST_LOOKED_AT", page)
    ref = RepositoryRef(by=RepositoryBy.NAME, value=URL)
    for number in range(20):
        spec = works.spec(TimerSpec(lines=("0 13 * * *",), only_changes=True, repository=ref))
        await works.world.add_pipeline(replace(spec, name=f"watches {number}"))
    pipeline = await works.define("1 13 * * *")
    works.heads.answers.clear()
    works.world.clock.advance(hours=1)
    task = asyncio.create_task(works.timers.run())
    try:
        async with asyncio.timeout(30):
            while not works.heads.asked:  # noqa: ASYNC110 - any condition
                await asyncio.sleep(0.001)
            works.world.clock.advance(seconds=60)
            works.timers.wake()
            while not await works.runs(pipeline):  # noqa: ASYNC110 - any condition
                await asyncio.sleep(0.001)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_checkout_by_alias_is_watched(works: Clockwork) -> None:
    """The alias stands for the linked repository; one that is not there is not watched."""
    store = works.world.store
    linked = LinkedRepository(
        project=SHOP,
        id="r1",
        name="api",
        created_by=ANN,
        created_at=NOON,
        updated_by=ANN,
        updated_at=NOON,
        url=URL,
        secret="gone",
    )
    await store.change_items(ItemChange(put=(linked,)))
    ref = RepositoryRef(by=RepositoryBy.NAME, value="api")
    pipeline = await works.define("0 * * * *", only_changes=True, repository=ref)

    await works.fire(pipeline)
    await works.fire(pipeline)

    assert len(await works.runs(pipeline)) == 1
    assert set(works.heads.asked) == {URL}
