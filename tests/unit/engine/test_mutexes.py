"""Mutexes of jobs over runs and pipelines: who has one, who waits, who is told to give up."""

import asyncio

import pytest

from builders import job, pipeline, stage, step
from engine_world import ADMIN, SHOP, World, a_world
from mulligan.core.cause import Cause
from mulligan.core.decision import Decision
from mulligan.core.errors import ConflictError, InfrastructureError
from mulligan.core.ids import JobId, ProjectId, RunId
from mulligan.core.records import PipelineSettings
from mulligan.core.run import Job, RunHead
from mulligan.core.spec import Dialect, MatrixSpec, MutexSpec, ParameterSpec, PipelineSpec
from mulligan.core.status import Status
from mulligan.engine import changes
from mulligan.engine.catalog import Definition
from mulligan.ports import StepEnd

pytestmark = pytest.mark.anyio

DOOR = "door"
JOB = JobId("1")


def door(places: int = 3, minutes: int = 10, name: str = DOOR) -> MutexSpec:
    """Give a mutex with a queue."""
    return MutexSpec(name=name, places=places, timeout_s=minutes * 60)


def through(mutex: MutexSpec | None, *steps: str, name: str = "build") -> PipelineSpec:
    """Give a pipeline with one job that needs the mutex."""
    return pipeline(stage("s", job("1", *(steps or ("a",)), mutex=mutex)), name=name)


async def job_of(world: World, head: RunHead, name: str = "1") -> Job:
    """Return a job as readers see it."""
    return (await world.run(head.id)).job(JobId(name))


async def holds(world: World, head: RunHead, name: str = "1") -> Job:
    """Wait until a job has its mutex and may be claimed."""
    async with asyncio.timeout(30):
        while (found := await job_of(world, head, name)).queued_at is None:
            assert not found.status.is_final, found
            await world.live.wait_run(head.id, 0.01)
    return found


async def tickets(world: World, name: str = DOOR) -> list[tuple[RunId, bool]]:
    """Return who has asked for the mutex, and who has it."""
    found = await world.store.mutex_tickets(SHOP, name)
    return [(ticket.run, ticket.held) for ticket in found]


def fail_after_end(world: World, *errors: Exception) -> None:
    """Let the changes right after the end of a run fail with these errors."""
    tell = world.engine.on_commit

    def committed(decision: Decision) -> None:
        tell(decision)
        if decision.run.head.status.is_final:
            world.unruly.failing = list(errors)

    world.engine.on_commit = committed


async def at_rest(world: World) -> None:
    """Let all that follows from what was done happen: nothing here waits for real time."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_jobs_of_two_pipelines_run_one_after_the_other(hand: World) -> None:
    """A mutex is that of the project: the next in the order of asking begins when one ends."""
    one = await hand.add_pipeline(through(door(), name="one"))
    two = await hand.add_pipeline(through(door(), name="two"))
    first, second, third = [await hand.start(made) for made in (one, two, one)]
    await holds(hand, first)
    await at_rest(hand)
    before = await tickets(hand)
    waiting = await job_of(hand, second)

    await hand.report(await hand.claim(first.id))
    await holds(hand, second)
    between = await tickets(hand)
    await hand.report(await hand.claim(second.id))
    await holds(hand, third)

    assert before == [(first.id, True), (second.id, False), (third.id, False)]
    assert (waiting.status, waiting.queued_at) == (Status.QUEUED, None)
    assert between == [(second.id, True), (third.id, False)]
    assert await tickets(hand) == [(third.id, True)]


async def test_other_projects_have_their_own_mutexes(hand: World) -> None:
    """The same name in another project is another mutex."""
    bank = ProjectId("bank")
    await hand.catalog.create_project(ADMIN, bank, "Bank")
    spec = through(door())
    other = await hand.catalog.create_pipeline(
        ADMIN, bank, Definition(spec=spec, dialect="bkci", source={"name": "build"})
    )

    heads = [await hand.start(await hand.add_pipeline(spec)), await hand.start(other)]

    for head in heads:
        await holds(hand, head)


async def test_name_comes_from_variables(hand: World) -> None:
    """Jobs share a mutex by its name as evaluated, not as written."""
    spec = pipeline(
        stage("s", job("1", "a", mutex=door(name="lock-${where}"))),
        parameters=(ParameterSpec(name="where"),),
    )
    made = await hand.add_pipeline(spec)

    north = await hand.start(made, values={"where": "north"})
    south = await hand.start(made, values={"where": "south"})
    again = await hand.start(made, values={"where": "north"})
    await holds(hand, north)
    await holds(hand, south)
    await at_rest(hand)

    assert await tickets(hand, "lock-north") == [(north.id, True), (again.id, False)]
    assert await tickets(hand, "lock-south") == [(south.id, True)]


@pytest.mark.parametrize(
    ("mutex", "ahead", "waits"),
    [
        (door(places=0, minutes=10), 0, False),
        (door(places=3, minutes=0), 0, False),
        (door(places=1), 0, True),
        (door(places=1), 1, False),
        (door(places=2), 1, True),
        (door(places=2), 2, False),
        (MutexSpec(name=DOOR, places=3, timeout_text="7"), 0, True),
        (MutexSpec(name=DOOR, places=3, timeout_s=600, timeout_text="0"), 0, False),
        (MutexSpec(name=DOOR, places=3, timeout_s=600, timeout_text="soon"), 0, True),
        (MutexSpec(name=DOOR, places=3, timeout_text="-5"), 0, False),
    ],
    ids=[
        "no-place",
        "no-time",
        "first-place",
        "one-place-taken",
        "second-place",
        "both-taken",
        "text",
        "text-wins",
        "text-is-no-number",
        "text-below-0",
    ],
)
async def test_who_may_wait(hand: World, mutex: MutexSpec, ahead: int, *, waits: bool) -> None:
    """A job that finds the mutex taken waits if it may and there is a place; else it fails."""
    patient = await hand.add_pipeline(through(door(places=9), name="patient"))
    owner = await hand.start(patient)
    await holds(hand, owner)
    for _ in range(ahead):
        await hand.start(patient)
    made = await hand.add_pipeline(through(mutex, name="mine"))

    head = await hand.start(made)
    await at_rest(hand)

    found = await job_of(hand, head)
    if waits:
        assert (found.status, found.mutex and found.mutex.held) == (Status.QUEUED, False)
        return
    assert (found.status, found.cause) == (Status.FAILED, Cause.LOCKED)
    assert "job 1 of patient #1" in found.message
    assert (await hand.run(head.id)).head.status is Status.FAILED
    assert (head.id, False) not in await tickets(hand)


async def test_free_mutex_needs_no_place(hand: World) -> None:
    """Whether a job may wait matters only when there is something to wait for."""
    head = await hand.start(await hand.add_pipeline(through(MutexSpec(name=DOOR))))

    await holds(hand, head)


async def test_waiting_ends_at_its_time(world: World) -> None:
    """A job that has waited for as long as it may fails, and its run with it."""
    world.scripted.hold("a")
    owner = await world.start(await world.add_pipeline(through(door(), name="one")))
    await world.wait_started("a")
    head = await world.start(await world.add_pipeline(through(door(minutes=5), "b", name="two")))
    await at_rest(world)
    assert [row.effect.key for row in await world.store.outbox()] == ["mutex:1"]

    world.clock.advance(minutes=4, seconds=59)
    world.supervisor.clock_moved()
    await at_rest(world)
    before = await job_of(world, head)
    world.clock.advance(seconds=1)
    world.supervisor.clock_moved()
    run = await world.wait_end(head.id)

    assert before.status is Status.QUEUED
    assert (run.job(JOB).status, run.job(JOB).cause) == (Status.FAILED, Cause.LOCKED)
    assert run.job(JOB).message == "waited 5 minutes for mutex door"
    assert await tickets(world) == [(owner.id, True)]
    assert await world.store.outbox() == ()
    world.scripted.release("a")
    await world.wait_end(owner.id)


@pytest.mark.parametrize("how", ["fails", "cancelled", "by force", "runner lost"])
async def test_mutex_is_let_go_however_its_job_ends(hand: World, how: str) -> None:
    """The next one gets it, whatever became of the holder."""
    made = await hand.add_pipeline(through(door()))
    first, second = await hand.start(made), await hand.start(made)
    await holds(hand, first)
    order = await hand.claim(first.id)

    if how == "fails":
        await hand.report(order, StepEnd(exit_code=1))
    elif how == "cancelled":
        await hand.stop(first.id)
        await hand.report(order, StepEnd(cause="cancelled"))
    elif how == "by force":
        await hand.stop(first.id)
        hand.clock.advance(minutes=2)
        await hand.stop(first.id)
    else:
        for fence in range(1, 5):
            await hand.engine.lose_job(first.id, JOB)
            if fence < 4:
                await hand.claim(first.id)
    await holds(hand, second)

    assert await tickets(hand) == [(second.id, True)]


async def test_cancelled_waiter_leaves_the_queue(hand: World) -> None:
    """A job that is cancelled while it waits is passed over."""
    made = await hand.add_pipeline(through(door()))
    first, second, third = [await hand.start(made) for _ in range(3)]
    await holds(hand, first)

    await hand.stop(second.id)
    stopped = await job_of(hand, second)
    await hand.report(await hand.claim(first.id))
    await holds(hand, third)

    assert stopped.status is Status.CANCELLED
    assert stopped.queued_at is None
    assert await tickets(hand) == [(third.id, True)]


async def test_retry_queues_again(hand: World) -> None:
    """A retried job asks anew, behind those that ask already."""
    made = await hand.add_pipeline(through(door()))
    first, second = await hand.start(made), await hand.start(made)
    await holds(hand, first)
    await hand.report(await hand.claim(first.id), StepEnd(exit_code=1))
    await holds(hand, second)

    await hand.retry(first.id)
    await at_rest(hand)
    queue = await tickets(hand)
    await hand.report(await hand.claim(second.id))
    await holds(hand, first)

    assert queue == [(second.id, True), (first.id, False)]
    assert (await job_of(hand, first)).attempt == 2


async def test_job_keeps_its_mutex_while_it_goes_on(hand: World) -> None:
    """A step that is tried again by its rule, or a lost runner, do not let others in."""
    spec = pipeline(stage("s", job("1", step("a", auto_retries=1), "b", mutex=door())))
    first = await hand.start(await hand.add_pipeline(spec))
    second = await hand.start(await hand.add_pipeline(through(door(), name="two")))
    await holds(hand, first)
    order = await hand.report(await hand.claim(first.id), StepEnd(exit_code=1))
    assert order is not None
    await hand.engine.lose_job(first.id, JOB)
    order = await hand.report(await hand.claim(first.id))
    await at_rest(hand)

    assert order is not None
    assert await tickets(hand) == [(first.id, True), (second.id, False)]


async def test_jobs_of_one_stage_take_turns(world: World) -> None:
    """Two jobs of one run that share a mutex never run side by side."""
    spec = pipeline(
        stage("s", *(job(name, f"s{name}", mutex=door(places=9)) for name in "1234")),
    )
    for name in "1234":
        world.scripted.hold(f"s{name}")
    head = await world.start(await world.add_pipeline(spec))

    for turn in range(1, 5):
        await world.wait_started(f"s{turn}")
        await at_rest(world)
        assert len(world.scripted.started) == turn
        world.scripted.release(f"s{turn}")
    run = await world.wait_end(head.id)

    assert run.head.status is Status.SUCCEEDED
    assert [name for name, _ in world.scripted.started] == ["s1", "s2", "s3", "s4"]


async def test_dependent_asks_when_it_may_run(hand: World) -> None:
    """A job that waits for another one, or whose condition does not hold, asks for nothing."""
    spec = pipeline(
        stage(
            "s",
            job("1", "a"),
            job("2", "b", depends_on=(JOB,), mutex=door()),
            job("3", step("c", enabled=False), mutex=door(name="other")),
        )
    )
    head = await hand.start(await hand.add_pipeline(spec))
    await at_rest(hand)
    before = await tickets(hand)

    await hand.report(await hand.claim(head.id))
    await holds(hand, head, "2")

    assert before == []
    assert await tickets(hand, "other") == []
    assert (await job_of(hand, head, "3")).cause is Cause.DISABLED


@pytest.mark.parametrize(
    ("name", "says"), [("${nothing}", "${nothing}"), ("", "is empty"), ("x" * 300, "300")]
)
async def test_name_that_is_none_fails_the_job(hand: World, name: str, says: str) -> None:
    """An unknown variable stays as it is written; no name, or a long one, is an error."""
    head = await hand.start(await hand.add_pipeline(through(door(name=name))))

    if name == "${nothing}":
        await holds(hand, head)
        assert await tickets(hand, says) == [(head.id, True)]
        return
    run = await hand.wait_end(head.id)

    assert (run.job(JOB).cause, run.head.status) == (Cause.CONFIG, Status.FAILED)
    assert says in run.job(JOB).message


async def test_next_life_serves_what_the_last_one_left(
    hand: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder died with its server just after its end was stored: the waiter gets its turn."""
    made = await hand.add_pipeline(through(door()))
    first, second = await hand.start(made), await hand.start(made)
    await holds(hand, first)
    order = await hand.claim(first.id)
    monkeypatch.setattr(hand.engine.mutexes, "committed", lambda _decision: None)  # it dies
    await hand.report(order)
    assert await tickets(hand) == [(second.id, False)]

    async with a_world(store=hand.store, clock=hand.clock) as following:
        run = await following.wait_end(second.id)

        assert run.head.status is Status.SUCCEEDED
        assert await tickets(following) == []


async def test_waiting_goes_on_in_the_next_life(hand: World) -> None:
    """A mutex that is held and a job that waits, with its time, survive the server."""
    patient = await hand.add_pipeline(through(door(minutes=9), name="patient"))
    hasty = await hand.add_pipeline(through(door(minutes=5), "b", name="hasty"))
    first, second, third = [await hand.start(made) for made in (patient, hasty, patient)]
    await holds(hand, first)
    await hand.claim(first.id)
    await at_rest(hand)
    hand.clock.advance(minutes=6)
    following = World(store=hand.store, clock=hand.clock)
    following.scripted.hold("a")

    await following.open()
    late = await following.wait_end(second.id)
    waiting = await tickets(following)
    following.scripted.release_all()
    ends = [await following.wait_end(head.id) for head in (first, third)]
    await following.close()

    assert late.job(JOB).message == "waited 5 minutes for mutex door"
    assert waiting == [(first.id, True), (third.id, False)]
    assert [run.head.status for run in ends] == [Status.SUCCEEDED, Status.SUCCEEDED]
    assert await tickets(following) == []


async def test_store_that_is_away_forgets_nobody(
    hand: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn that could not be stored is given again."""
    monkeypatch.setattr(changes, "TRY_AGAIN_S", 0.001)
    made = await hand.add_pipeline(through(door()))
    first = await hand.start(made)
    await holds(hand, first)
    second = await hand.start(made)
    await at_rest(hand)
    fail_after_end(hand, InfrastructureError("disk full"), InfrastructureError("disk full"))

    await hand.report(await hand.claim(first.id))
    await holds(hand, second)

    assert hand.unruly.failing == []


async def test_second_holder_is_refused_by_the_store(hand: World) -> None:
    """Another server that was quicker costs a look, nothing else."""
    made = await hand.add_pipeline(through(door()))
    first = await hand.start(made)
    await holds(hand, first)
    second = await hand.start(made)
    await at_rest(hand)
    await at_rest(hand)
    fail_after_end(hand, ConflictError("taken", code="mutex"))

    await hand.report(await hand.claim(first.id))
    await holds(hand, second)

    assert hand.unruly.failing == []
    assert await tickets(hand) == [(second.id, True)]


@pytest.mark.parametrize(
    ("name", "at_once"), [(DOOR, 1), ("door-${{ matrix.os }}", 2)], ids=["shared", "of-each"]
)
async def test_copies_of_a_matrix_job_take_the_mutex(hand: World, name: str, at_once: int) -> None:
    """Each copy asks for itself, by its own values; the job as a whole asks for nothing."""
    matrix = MatrixSpec(strategy='{"os": ["linux", "mac"]}')
    spec = pipeline(stage("s", job("1", "a", mutex=door(name=name), matrix=matrix)))
    head = await hand.start(await hand.add_pipeline(spec))
    await at_rest(hand)
    run = await hand.run(head.id)
    copies = [copy.id for copy in run.index.children[JOB]]
    free = [copy for copy in copies if run.job(copy).queued_at is not None]

    for copy in copies:
        await holds(hand, head, copy)
        await hand.report(await hand.claim(head.id, copy))
        await at_rest(hand)

    assert run.job(JOB).mutex is None
    assert free == copies[:at_once]
    assert (await hand.run(head.id)).head.status is Status.SUCCEEDED
    assert await hand.store.awaited_mutexes() == ()


async def test_name_may_be_an_expression(hand: World) -> None:
    """Where the dialect has expressions, they are computed in the name."""
    spec = pipeline(
        stage("s", job("1", "a", mutex=door(name="${{ format('lock-{0}', variables.where) }}"))),
        parameters=(ParameterSpec(name="where", default="north"),),
    )
    settings = PipelineSettings(dialect=Dialect.CONSTRAINED)
    head = await hand.start(await hand.add_pipeline(spec, settings))

    await holds(hand, head)

    assert await tickets(hand, "lock-north") == [(head.id, True)]


async def test_name_that_would_show_a_secret_fails_the_job(hand: World) -> None:
    """Names of mutexes are seen by everybody who may look at a run."""
    spec = pipeline(
        stage("s", job("1", "a", mutex=door(name="lock-${word}"))),
        parameters=(ParameterSpec(name="word", default="hunter2", sensitive=True),),
    )
    run = await hand.wait_end((await hand.start(await hand.add_pipeline(spec))).id)

    assert (run.job(JOB).cause, "hunter2" in run.job(JOB).message) == (Cause.CONFIG, False)
