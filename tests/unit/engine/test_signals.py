"""Signals at the engine: starts, latches, conditions, channels, rights (§4.2 P2–P6, §4.4)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine_world import ADMIN, ANN, SHOP
from mulligan.core.errors import NotFoundError, RefusedError
from mulligan.core.hooks import Hook, HookKind
from mulligan.core.ids import UserName
from mulligan.core.records import Pipeline
from mulligan.core.refusal import RefusalCode
from mulligan.core.run import Run
from mulligan.core.spec import AfterFailure, PipelineSpec, SignalSpec
from mulligan.core.status import Status
from mulligan.engine.signals import MOST_CHAINED, Signal, Taken
from mulligan.facades.swr.status import standing_of
from mulligan.ports import RunFilter
from release_world import Releases, definition, hook, releases, review, stage

pytestmark = pytest.mark.anyio

BOTH = SignalSpec(signals=("h1", "h2"), needs_all=True)
ONE = SignalSpec(signals=("h1", "h2"))


@pytest.fixture
async def world() -> AsyncIterator[Releases]:
    """Give a world with a runner, and its administrator as a user."""
    async with releases() as made:
        await made.access.create_user(ADMIN, ANN, is_admin=True)
        yield made


async def make(world: Releases, spec: PipelineSpec, *hooks: Hook) -> Pipeline:
    """Make a pipeline with hooks."""
    return await world.add(spec, hooks)


async def send(world: Releases, hook_id: str, *, automatic: bool = False, **params: str) -> Taken:
    """Let a signal come."""
    found = await world.store.find_hook(hook_id)
    assert found is not None
    signal = Signal(hook=found, params=params, actor=ANN, is_automatic=automatic)
    return await world.signals.take(signal)


async def runs(world: Releases, pipeline: Pipeline) -> list[Run]:
    """Return the runs of a pipeline, oldest first."""
    page = await world.store.list_runs(RunFilter(pipeline=pipeline.id))
    return [await world.run(head.id) for head in reversed(page.items)]


async def latched(world: Releases, pipeline: Pipeline) -> list[str]:
    """Return the hooks that are latched."""
    return [each.id for each in await world.store.list_hooks(pipeline.id) if each.latched]


# --- the pipeline as a whole ----------------------------------------------------------------------


async def test_one_of_two_starts(world: Releases) -> None:
    """`or`: any signal starts the run, with its values; other parameters are dropped."""
    pipeline = await make(world, definition(stage(0, "a"), signals=ONE), hook("h1"), hook("h2"))

    taken = await send(world, "h2", v="v7", other="x")

    (run,) = await runs(world, pipeline)
    assert taken is Taken.STARTED
    assert run.value("VERSION") == "v7"
    assert run.head.start_kind == "webhook"


async def test_all_have_to_come(world: Releases) -> None:
    """`and`: P6 – the first is latched, again too, the second starts; then nothing is latched."""
    pipeline = await make(world, definition(stage(0, "a"), signals=BOTH), hook("h1"), hook("h2"))

    first = [await send(world, "h1", v="old"), await send(world, "h1", v="new")]
    kept = await latched(world, pipeline)
    second = await send(world, "h2")

    (run,) = await runs(world, pipeline)
    assert first == [Taken.LATCHED, Taken.LATCHED]
    assert (kept, second) == (["h1"], Taken.STARTED)
    assert run.value("VERSION") == "new"
    assert await latched(world, pipeline) == []


async def test_both_at_once(world: Releases) -> None:
    """Two signals of a condition at one moment: one is latched, one starts."""
    pipeline = await make(world, definition(stage(0, "a"), signals=BOTH), hook("h1"), hook("h2"))

    taken = await asyncio.gather(send(world, "h1"), send(world, "h2"))

    assert sorted(taken) == [Taken.LATCHED, Taken.STARTED]
    assert len(await runs(world, pipeline)) == 1
    assert await latched(world, pipeline) == []


async def test_latches_survive_a_restart(world: Releases) -> None:
    """What was latched counts after a restart."""
    pipeline = await make(world, definition(stage(0, "a"), signals=BOTH), hook("h1"), hook("h2"))
    await send(world, "h1", v="v3")

    following = await world.again()
    await following.open()
    taken = await send(following, "h2")

    (run,) = await runs(following, pipeline)
    assert taken is Taken.STARTED
    assert run.value("VERSION") == "v3"
    await following.close()


async def test_while_a_run_is_active(world: Releases) -> None:
    """P5: while a run executes or waits for a review a signal is refused and not latched."""
    spec = definition(stage(0, "a"), review(1, ANN), signals=BOTH)
    pipeline = await make(world, spec, hook("h1"), hook("h2"))
    world.scripted.hold("a")
    head = await world.start(pipeline)
    await world.wait_started("a")
    codes = []

    with pytest.raises(RefusedError) as executing:
        await send(world, "h1")
    codes.append(executing.value.refusal.code)
    world.scripted.release("a")
    await world.wait_review(head.id, 1)
    with pytest.raises(RefusedError) as paused:
        await send(world, "h1")
    codes.append(paused.value.refusal.code)

    assert codes == [RefusalCode.RUN_ACTIVE, RefusalCode.RUN_ACTIVE]
    assert await latched(world, pipeline) == []


async def test_while_a_run_is_held(world: Releases) -> None:
    """P4: while a failed run is held a signal is refused; when that is over it starts."""
    pipeline = await make(world, definition(stage(0, "a"), signals=ONE), hook("h1"), hook("h2"))
    world.scripted.fail("a", times=1)
    await world.release(pipeline, "v1")

    with pytest.raises(RefusedError) as held:
        await send(world, "h1")
    world.clock.advance(hours=72)
    taken = await send(world, "h1")

    assert held.value.refusal.code is RefusalCode.RUN_HELD
    assert taken is Taken.STARTED


async def test_after_a_stop_by_force(world: Releases) -> None:
    """A run that was stopped by force holds nothing off."""
    pipeline = await make(world, definition(stage(0, "a"), signals=ONE), hook("h1"), hook("h2"))
    world.scripted.hold("a", is_stubborn=True)
    head = await world.start(pipeline)
    await world.wait_started("a")
    await world.stop(head.id)
    world.clock.advance(minutes=2)
    await world.stop(head.id)

    run = await world.wait_end(head.id)
    taken = await send(world, "h1")

    assert standing_of(run.head, run.index.spec, world.clock.now()).status == "cancel"
    assert taken is Taken.STARTED


@pytest.mark.parametrize("handler", [AfterFailure.RESET])
async def test_after_a_reset(world: Releases, handler: AfterFailure) -> None:
    """P10: after return_to_start signals start at once."""
    spec = definition(stage(0, "a", after_failure=handler, hold_s=0), signals=ONE)
    pipeline = await make(world, spec, hook("h1"), hook("h2"))
    world.scripted.fail("a", times=1)
    await world.release(pipeline, "v1")

    assert await send(world, "h1") is Taken.STARTED


async def test_manual_start_leaves_latches(world: Releases) -> None:
    """A manual start ignores the condition of the pipeline, and what is latched stays."""
    pipeline = await make(world, definition(stage(0, "a"), signals=BOTH), hook("h1"), hook("h2"))
    await send(world, "h1")

    run = await world.release(pipeline, "v1")

    assert run.head.status is Status.SUCCEEDED
    assert await latched(world, pipeline) == ["h1"]


async def test_push_of_code(world: Releases) -> None:
    """A push is a trigger of its own, beside the condition."""
    push = hook("push", kind=HookKind.CODE, stage="100", converts=())
    pipeline = await make(
        world, definition(stage(0, "a"), signals=BOTH), hook("h1"), hook("h2"), push
    )

    taken = await send(world, "push")

    assert taken is Taken.STARTED
    assert len(await runs(world, pipeline)) == 1


async def test_pipeline_that_is_gone(world: Releases) -> None:
    """A signal for a deleted pipeline finds nothing."""
    pipeline = await make(world, definition(stage(0, "a"), signals=ONE), hook("h1"), hook("h2"))
    found = await world.store.find_hook("h1")
    assert found is not None
    stored = await world.store.find_pipeline(pipeline.id)
    assert stored is not None
    await world.catalog.delete_pipeline(ADMIN, stored)

    with pytest.raises(NotFoundError):
        await world.signals.take(Signal(hook=found, params={}, actor=ANN))


# --- one stage ------------------------------------------------------------------------------------


def told(*, needs_all: bool = False) -> PipelineSpec:
    """Give: a, and a stage that waits for s1 and s2; the pipeline has a condition of its own."""
    second = stage(1, "b", signals=("s1", "s2"), needs_all=needs_all)
    return definition(stage(0, "a"), second, signals=SignalSpec(signals=("h1",)))


STAGE_HOOKS = (hook("h1"), hook("s1", index=1), hook("s2", index=1))


async def test_stage_begins_by_its_signal(world: Releases) -> None:
    """S3: a stage that waits begins by its signal, which brings a value for what follows."""
    pipeline = await make(world, told(), *STAGE_HOOKS)
    head = await world.start(pipeline)
    await world.until(lambda: _waits(world, head.id), "it waits")

    taken = await send(world, "s1", v="v8")
    run = await world.wait_end(head.id)

    assert taken is Taken.STARTED
    assert run.value("VERSION") == "v8"
    assert run.head.status is Status.SUCCEEDED


def _waits(world: Releases, run_id: object) -> bool:
    line = world.engine.lines.find(run_id)  # type: ignore[arg-type]
    return line is not None and line.stored.awaits_signals is not None


async def test_early_signal_is_latched_for_this_run_only(world: Releases) -> None:
    """A signal for a stage that is not reached counts for this run, not for the next."""
    pipeline = await make(world, told(), *STAGE_HOOKS)
    world.scripted.hold("a")
    head = await world.start(pipeline)
    await world.wait_started("a")

    early = await send(world, "s1")
    world.scripted.release("a")
    first = await world.wait_end(head.id)
    second = await world.start(pipeline)
    await world.until(lambda: _waits(world, second.id), "it waits")

    assert early is Taken.EARLY
    assert first.head.status is Status.SUCCEEDED


async def test_signal_for_a_stage_of_an_idle_pipeline(world: Releases) -> None:
    """While nothing is active a signal for a stage is neither latched nor does it start."""
    pipeline = await make(world, told(), *STAGE_HOOKS)
    never = await send(world, "s1")
    world.scripted.fail("a", times=1)
    await world.release(pipeline, "v1")

    held = await send(world, "s1")
    world.clock.advance(hours=72)
    closed = await send(world, "s1")

    assert [never, held, closed] == [Taken.EARLY] * 3
    assert len(await runs(world, pipeline)) == 1
    assert (await runs(world, pipeline))[0].gates.get("stage-3") is None


@pytest.mark.parametrize("needs_all", [False, True])
async def test_first_stage_of_a_pipeline_without_a_condition(
    world: Releases,
    needs_all: bool,
) -> None:
    """The signal of the first stage starts the run, and counts for that stage."""
    first = stage(0, "a", signals=("s1", "s2"), needs_all=needs_all)
    pipeline = await make(world, definition(first), hook("s1", index=0), hook("s2", index=0))

    taken = await send(world, "s1", v="v2")
    (run,) = await runs(world, pipeline)
    waits = run.awaits_signals is not None
    if needs_all:
        await send(world, "s2")
    run = await world.wait_end(run.head.id)

    assert taken is Taken.STARTED
    assert waits is needs_all
    assert run.value("VERSION") == "v2"
    assert run.head.status is Status.SUCCEEDED


async def test_signal_of_a_stage_that_is_not_the_first(world: Releases) -> None:
    """Only the first stage starts a run by its signal."""
    second = stage(1, "b", signals=("s1",))
    pipeline = await make(world, definition(stage(0, "a"), second), hook("s1", index=1))

    assert await send(world, "s1") is Taken.EARLY
    assert await runs(world, pipeline) == []


async def test_early_signal_survives_a_restart(world: Releases) -> None:
    """What was latched for a stage counts in the next life of the server."""
    pipeline = await make(world, told(needs_all=True), *STAGE_HOOKS)
    head = await world.start(pipeline)
    await world.until(lambda: _waits(world, head.id), "it waits")
    await send(world, "s1", v="v4")

    following = await world.again()
    await following.open()
    taken = await send(following, "s2")
    run = await following.wait_end(head.id)

    assert taken is Taken.STARTED
    assert run.value("VERSION") == "v4"
    await following.close()


# --- channels and rights --------------------------------------------------------------------------


def channel(name: str = "built") -> Hook:
    """Give a trigger by a channel."""
    return hook(f"on-{name}", kind=HookKind.CHANNEL, name=name)


def by_channel() -> PipelineSpec:
    """Give a pipeline that a channel starts."""
    return definition(stage(0, "a"), signals=SignalSpec(signals=("on-built",)))


async def test_message_on_a_channel(world: Releases) -> None:
    """A message starts whoever listens, with its parameters, as the pipeline's creator."""
    pipeline = await make(world, by_channel(), channel())

    await world.signals.publish(SHOP, "built", {"v": "v6"}, chain=3)

    (run,) = await runs(world, pipeline)
    run = await world.wait_end(run.head.id)
    assert run.value("VERSION") == "v6"
    assert (run.head.started_by, run.head.chain, run.head.status) == (ANN, 3, Status.SUCCEEDED)


async def test_message_that_can_not_be_taken_is_dropped(world: Releases, logged: list[str]) -> None:
    """While a run is active a message is dropped with a line in the log."""
    pipeline = await make(world, by_channel(), channel())
    world.scripted.hold("a")
    await world.start(pipeline)
    await world.wait_started("a")

    await world.signals.publish(SHOP, "built", {}, chain=0)

    assert len(await runs(world, pipeline)) == 1
    assert "signal_dropped" in logged


async def test_chain_that_is_too_long(world: Releases, logged: list[str]) -> None:
    """A chain of messages deeper than twenty is cut."""
    pipeline = await make(world, by_channel(), channel())

    await world.signals.publish(SHOP, "built", {}, chain=MOST_CHAINED + 1)
    cut = await runs(world, pipeline)
    await world.signals.publish(SHOP, "built", {}, chain=MOST_CHAINED)

    assert cut == []
    assert "channel_dropped" in logged
    assert len(await runs(world, pipeline)) == 1


@pytest.mark.parametrize("kind", ["disabled", "unknown"])
async def test_creator_without_the_right(world: Releases, kind: str) -> None:
    """An automatic start by somebody who may not: the first stage is unauthorized, and held."""
    pipeline = await make(world, by_channel(), channel())
    found = await world.store.find_hook("on-built")
    assert found is not None
    if kind == "disabled":
        await world.access.create_user(ADMIN, "gone")
    signal = Signal(hook=found, params={}, actor=UserName("gone"), is_automatic=True)

    taken = await world.signals.take(signal)

    (run,) = await runs(world, pipeline)
    now = world.clock.now()
    assert taken is Taken.STARTED
    assert standing_of(run.head, run.index.spec, now).status == "unauthorized"
    assert world.scripted.started == []


async def test_creator_without_the_right_before_signals(world: Releases) -> None:
    """Also when the first stage waits for signals of its own."""
    first = stage(0, "a", signals=("s1",))
    spec = definition(first, signals=SignalSpec(signals=("on-built",)))
    pipeline = await make(world, spec, channel(), hook("s1", index=0))
    found = await world.store.find_hook("on-built")
    assert found is not None

    await world.signals.take(
        Signal(hook=found, params={}, actor=UserName("gone"), is_automatic=True)
    )

    (run,) = await runs(world, pipeline)
    now = world.clock.now()
    assert standing_of(run.head, run.index.spec, now).status == "unauthorized"
