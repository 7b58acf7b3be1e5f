"""The supervisor: timers that fire, effects that are carried out, and what a crash left."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from builders import job, one_job, pipeline, review, stage, step
from engine_world import BOB, NOON, UnrulyStore, World, a_world
from mulligan.core.cause import Cause
from mulligan.core.decision import Effect
from mulligan.core.errors import InfrastructureError
from mulligan.core.events import ReviewReminded
from mulligan.core.flow.votes import Answer
from mulligan.core.ids import JobId, RunId, StageId, StepId
from mulligan.core.status import Status
from mulligan.engine import supervisor
from mulligan.engine.commands import AnswerStage
from mulligan.engine.service import RecoveryPolicy
from mulligan.engine.supervisor import Supervisor

pytestmark = pytest.mark.anyio

ONE = one_job("a")
TWO = one_job("a", "b")
JOB = JobId("1")
REVIEWED = pipeline(stage("one", job("1", "a"), review=review("bob", timeout_s=3600)))


# --- timers -------------------------------------------------------------------------------------


async def test_review_times_out(world: World) -> None:
    """A review that nobody answers in its time is refused by the system, and the run fails."""
    made = await world.add_pipeline(REVIEWED)
    head = await world.start(made)

    world.clock.advance(hours=1)
    world.supervisor.clock_moved()
    run = await world.wait_end(head.id)

    gate = run.gates["one"]
    assert (run.head.status, run.head.cause) == (Status.FAILED, Cause.REJECTED)
    assert (gate.state, gate.votes[-1].suggestion) == ("rejected", "TIMEOUT")


ASKS = step("ask", kind="review", inputs={"reviewUsers": ["bob"], "reminderTime": 1})


async def test_a_review_step_is_asked_while_all_runners_are_busy() -> None:
    """It needs none; after a restart its reminder and its time come all the same."""
    async with a_world(slots=1) as world:
        busy = await world.add_pipeline(one_job("long"))
        asking = replace(ASKS, timeout_s=7200)
        reviewed = await world.add_pipeline(pipeline(stage("s", job("1", asking)), name="asks"))
        world.scripted.hold("long")
        await world.start(busy)
        await world.wait_started("long")
        head = await world.start(reviewed)
        line = await world.engine.lines.get(head.id)
        await world.until(lambda: "ask" in line.stored.gates)
        await world.crash()

        world.clock.advance(hours=1)
        next_life = World(store=world.store, clock=world.clock)
        await next_life.open()
        await next_life.until(lambda: bool(reminders(next_life)))
        waiting = await next_life.run(head.id)
        world.clock.advance(hours=1)
        next_life.supervisor.clock_moved()
        run = await next_life.wait_end(head.id)
        await next_life.close()

    assert waiting.open_gate("ask") is not None
    assert run.step(StepId("ask")).cause is Cause.TIMEOUT


def reminders(world: World) -> list[object]:
    """Return the reminders that were stored."""
    assert isinstance(world.store, UnrulyStore)
    return [
        event
        for decision in world.store.appended
        for event in decision.events
        if isinstance(event, ReviewReminded)
    ]


async def test_answered_review_does_not_time_out(world: World) -> None:
    """The timer of a review goes with its answer."""
    made = await world.add_pipeline(REVIEWED)
    world.scripted.hold("a")
    head = await world.start(made)
    yes = Answer(user=BOB, approve=True)
    await world.engine.answer_stage(
        AnswerStage(actor=BOB, run_id=head.id, stage=StageId("one"), answer=yes)
    )

    world.clock.advance(hours=2)
    world.supervisor.clock_moved()
    world.scripted.release("a")
    run = await world.wait_end(head.id)

    assert run.head.status is Status.SUCCEEDED
    assert world.supervisor._timers == {}
    assert await world.store.outbox() == ()


async def test_timer_does_not_fire_before_its_time(hand: World) -> None:
    """A time-out that comes too early changes nothing."""
    made = await hand.add_pipeline(REVIEWED)
    head = await hand.start(made)
    before = await hand.run(head.id)

    hand.clock.advance(minutes=59)
    await hand.engine.time_out_review(head.id, StageId("one"))
    await hand.engine.queues.time_out(head.id)

    assert await hand.run(head.id) == before


async def test_timer_that_could_not_be_stored_fires_again(world: World) -> None:
    """A time-out that meets an outage is not forgotten."""
    made = await world.add_pipeline(REVIEWED)
    head = await world.start(made)
    world.unruly.outages = 1

    world.clock.advance(hours=1)
    world.supervisor.clock_moved()
    await world.until(lambda: world.unruly.outages == 0)
    world.clock.advance(seconds=1)
    world.supervisor.clock_moved()
    run = await world.wait_end(head.id)

    assert run.head.cause is Cause.REJECTED


async def test_timer_of_a_run_that_is_gone_is_dropped(hand: World, logged: list[str]) -> None:
    """A timer without a run, or of an unknown kind, does no harm."""
    for key in ("review:one", "snooze"):
        effect = Effect(kind="timer", key=key, due_at=NOON)
        hand.supervisor._take_effect(RunId("b-nobody"), None, effect)

    await hand.supervisor._fire_due()

    assert hand.supervisor._timers == {}
    assert logged == ["timer_failed"]


async def test_timer_that_was_set_anew_meanwhile_does_not_fire(
    hand: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one timer fires another may be moved or dropped: that counts at once."""
    for name in ("one", "two", "three"):
        effect = Effect(kind="timer", key=f"queue:{name}", due_at=NOON)
        hand.supervisor._take_effect(RunId("b-nobody"), None, effect)
    later = NOON + timedelta(hours=1)
    fired: list[str] = []

    async def fire(run_id: RunId, key: str) -> None:
        fired.append(key)
        hand.supervisor._timers[run_id, "queue:two"] = later
        hand.supervisor._timers.pop((run_id, "queue:three"))

    monkeypatch.setattr(hand.supervisor, "_fire", fire)
    await hand.supervisor._fire_due()

    assert fired == ["queue:one"]
    assert hand.supervisor._timers == {(RunId("b-nobody"), "queue:two"): later}


async def test_sleep_is_bounded(hand: World) -> None:
    """Without timers nothing wakes the supervisor; else it looks every 30 s at least."""
    idle = hand.supervisor._sleep_s()
    hand.supervisor._timers[RunId("b"), "queue"] = NOON + timedelta(seconds=5)
    soon = hand.supervisor._sleep_s()
    hand.supervisor._timers[RunId("b"), "queue"] = NOON + timedelta(days=1)
    late = hand.supervisor._sleep_s()
    hand.supervisor._timers[RunId("b"), "queue"] = NOON - timedelta(days=1)

    assert (idle, soon, late, hand.supervisor._sleep_s()) == (None, 5.0, 30.0, 0.0)


async def test_timer_fires_when_its_time_has_come(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor wakes by itself although nobody moved the clock."""
    monkeypatch.setattr(supervisor, "_LONGEST_SLEEP_S", 0.001)
    made = await world.add_pipeline(REVIEWED)
    head = await world.start(made)

    world.clock.advance(hours=1)
    run = await world.wait_end(head.id)

    assert run.head.cause is Cause.REJECTED


# --- effects ------------------------------------------------------------------------------------


async def test_good_run_is_tidied(world: World) -> None:
    """The end of a good run frees its directories, compresses its logs, and is then done."""
    made = await world.add_pipeline(ONE)

    head = await world.start(made)
    await world.wait_end(head.id)
    await world.until(lambda: world.files.compressed == [head.id])
    await asyncio.sleep(0)

    assert world.files.discarded == [head.id]
    assert await world.store.outbox() == ()


async def test_bad_run_keeps_its_directories(world: World) -> None:
    """A run that may be retried keeps the files that a retry needs."""
    made = await world.add_pipeline(ONE)
    world.scripted.fail("a")

    head = await world.start(made)
    await world.wait_end(head.id)
    await world.until(lambda: world.files.compressed == [head.id])

    assert world.files.discarded == []


async def test_run_that_goes_on_is_not_tidied(hand: World) -> None:
    """A late wish to tidy a run that was retried meanwhile touches nothing."""
    made = await hand.add_pipeline(ONE)
    head = await hand.start(made)

    await hand.engine.tidy_run(head.id)

    assert (hand.files.discarded, hand.files.compressed) == ([], [])


@pytest.mark.parametrize("error", [OSError("disk full"), InfrastructureError("gone")])
async def test_tidying_that_fails_stays_in_the_outbox(
    world: World, error: Exception, logged: list[str]
) -> None:
    """What could not be tidied is tried again by the next life of the server."""
    made = await world.add_pipeline(ONE)
    world.files.error = error

    head = await world.start(made)
    await world.wait_end(head.id)
    await world.until(lambda: "tidy_failed" in logged)

    assert [row.effect.kind for row in await world.store.outbox()] == ["tidy"]


async def test_server_without_a_runner_kills_nothing(hand: World) -> None:
    """A kill for a process that has no runner is left to whoever holds the job."""
    made = await hand.add_pipeline(ONE)
    head = await hand.start(made)
    await hand.claim(head.id)
    alone = Supervisor(
        engine=hand.engine,
        store=hand.store,
        clock=hand.clock,
        executor=hand.executor,
        dispatcher=hand.dispatcher,
        runner=None,
    )
    hand.engine.on_effects = alone.take_effects

    await hand.stop(head.id)

    assert [row.effect.kind for row in await hand.store.outbox()] == ["kill"]


async def test_kill_of_a_run_ended_by_force_leaves_the_outbox(hand: World) -> None:
    """Nobody reports for a run that was ended by force: its kill is done when it is sent."""
    made = await hand.add_pipeline(ONE)
    head = await hand.start(made)
    await hand.claim(head.id)
    await hand.stop(head.id)
    hand.clock.advance(seconds=61)

    await hand.stop(head.id)
    for _ in range(5):
        await asyncio.sleep(0)

    assert "kill" not in [row.effect.kind for row in await hand.store.outbox()]


async def test_effect_that_can_not_be_dropped_does_no_harm(
    hand: World, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage while the outbox is cleaned is only noted."""

    async def fail(*_: object) -> None:
        raise InfrastructureError("gone")

    monkeypatch.setattr(hand.store, "drop_effect", fail)

    await hand.supervisor._drop(RunId("b-1"), "kill", "1")

    assert logged == ["effect_stays"]


async def test_notices_are_left_alone(hand: World) -> None:
    """An effect that this server knows nothing of stays stored and disturbs nobody."""
    effect = Effect(kind="notify", key="ann")

    hand.supervisor._take_effect(RunId("b-1"), None, effect)

    assert hand.dispatcher.depth == 0


# --- sweeping -----------------------------------------------------------------------------------


async def test_directories_are_swept_every_day(
    hand: World, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be retried any more is deleted, one day after that; trouble is only noted."""
    monkeypatch.setattr(supervisor, "_DAY_S", 0)
    swept: list[float] = []

    async def sweep(max_age_s: float) -> int:
        swept.append(max_age_s)
        if len(swept) == 1:
            raise OSError("disk gone")
        return 1

    monkeypatch.setattr(hand.files, "sweep", sweep)

    sweeping = asyncio.create_task(hand.supervisor.sweep())
    await hand.until(lambda: len(swept) >= 2 and "workspaces_swept" in logged)
    sweeping.cancel()

    assert swept[0] == timedelta(days=28).total_seconds()
    assert logged[:2] == ["sweep_failed", "workspaces_swept"]


async def test_nothing_is_swept_if_everything_can_be_retried(
    hand: World, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a limit for retries every directory stays."""
    monkeypatch.setattr(supervisor, "_DAY_S", 0)
    hand.engine._recovery_policy = RecoveryPolicy(window_days=0)

    sweeping = asyncio.create_task(hand.supervisor.sweep())
    for _ in range(10):
        await asyncio.sleep(0)
    sweeping.cancel()

    assert logged == []
