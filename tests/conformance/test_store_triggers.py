"""What every store does with timers, deliveries of hooks and tokens of remote triggers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from conformance import store_builders as build
from mulligan.core.errors import ConflictError, StaleRevisionError
from mulligan.core.ids import PipelineId, ProjectId, RunId, StepId
from mulligan.core.trigger_records import (
    Delivery,
    DeliveryState,
    Outcome,
    RemoteToken,
    Timer,
    TimerState,
    TriggerChange,
)
from mulligan.core.triggers.choose import PassedOver
from mulligan.core.triggers.event import CodeEvent, EventRepository
from mulligan.core.triggers.spec import EventKind
from mulligan.ports import Acts, Store

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHOP = ProjectId("shop")
ONE, TWO = PipelineId("p-" + "1" * 32), PipelineId("p-" + "2" * 32)
NIGHTLY, HOURLY = StepId("T-1"), StepId("T-2")
EVENT = CodeEvent(
    host="github",
    kind=EventKind.PUSH,
    name="push",
    repository=EventRepository(full_name="shop/api"),
    paths=("a",),
)


def timer(trigger: StepId = NIGHTLY, minutes: int | None = 0, **fields: Any) -> Timer:
    """Return a timer that fires so many minutes after noon."""
    next_at = None if minutes is None else NOON + timedelta(minutes=minutes)
    return Timer(**{"pipeline": ONE, "trigger": trigger, "next_at": next_at, **fields})


async def define(store: Store, *timers: Timer, listens: bool = False) -> None:
    """Give the first pipeline these timers."""
    change = TriggerChange(defined=ONE, timers=timers, listens=listens)
    await store.put_remote_token(token(TWO), Acts(triggers=change))


def token(pipeline: PipelineId = ONE, digest: str = "d1") -> RemoteToken:
    """Return a token."""
    return RemoteToken(pipeline=pipeline, digest=digest + pipeline[-1], sealed=b"x", made_at=NOON)


def delivery(key: str = "k1", **fields: Any) -> Delivery:
    """Return a delivery of a hook."""
    given = {"project": SHOP, "hook": "h1", "received_at": NOON, "state": DeliveryState.OPEN}
    return Delivery(**{"key": key, "event": EVENT, **given, **fields})


async def test_timers_come_by_their_time(store: Store) -> None:
    """Those that are due come earliest first; those that never fire don't."""
    await define(store, timer(HOURLY, 5), timer(NIGHTLY, 1), timer(StepId("T-3"), None))

    assert await store.next_timer_at() == NOON + timedelta(minutes=1)
    due = await store.due_timers(NOON + timedelta(minutes=5))
    assert [each.trigger for each in due] == [NIGHTLY, HOURLY]
    assert await store.due_timers(NOON + timedelta(minutes=5), limit=1) == due[:1]
    assert await store.due_timers(NOON) == ()
    assert len(await store.list_timers(ONE)) == 3


async def test_a_timer_is_moved_once(store: Store) -> None:
    """Of two that read the same timer one moves it; the other is told, and nothing is stored."""
    await define(store, timer())
    [read] = await store.list_timers(ONE)
    state = TimerState(seen={"url main": "c0"}, last="started", last_at=NOON)
    moved = replace(read, next_at=NOON + timedelta(days=1), revision=read.revision + 1, state=state)

    await store.move_timer(moved)
    with pytest.raises(StaleRevisionError):
        await store.put_remote_token(token(), Acts(triggers=TriggerChange(moved=moved)))

    assert await store.find_timer(ONE, NIGHTLY) == moved
    assert await store.find_remote_token(ONE) is None


async def test_a_new_definition_replaces_timers_and_keeps_their_state(store: Store) -> None:
    """Timers that are gone are gone; one that stays has its new time and what it has seen."""
    await define(store, timer(), timer(HOURLY), listens=True)
    read = await store.find_timer(ONE, NIGHTLY)
    assert read is not None
    state = TimerState(seen={"url main": "c0"})
    await store.move_timer(replace(read, revision=read.revision + 1, state=state))

    await define(store, timer(minutes=7))

    [kept] = await store.list_timers(ONE)
    assert (kept.next_at, kept.state) == (NOON + timedelta(minutes=7), state)
    with pytest.raises(StaleRevisionError):  # who read it before the change must not fire it
        await store.move_timer(replace(read, revision=read.revision + 1))


async def test_listeners_are_live_pipelines_of_the_project(store: Store) -> None:
    """Pipelines without code triggers, deleted ones and those of others don't listen."""
    await store.put_project(build.build_project())
    for ident, deleted in ((ONE, None), (TWO, NOON)):
        pipeline = replace(build.build_pipeline(name=ident), id=ident, deleted_at=deleted)
        change = TriggerChange(defined=ident, listens=True)
        await store.put_pipeline(pipeline, None, Acts(triggers=change))

    assert await store.listeners(SHOP) == (ONE,)
    assert await store.listeners(ProjectId("bank")) == ()
    await define(store, listens=False)
    assert await store.listeners(SHOP) == ()


async def test_a_delivery_is_known_by_its_key(store: Store) -> None:
    """The same key again is refused, also after it is done; another hook may have it."""
    first = await store.add_delivery(delivery(), keep=5)

    with pytest.raises(ConflictError) as caught:
        await store.add_delivery(delivery(), keep=5)

    assert caught.value.code == "delivery"
    assert await store.known_delivery(SHOP, "h1", "k1") == first
    assert await store.find_delivery(first.number) == first
    await store.add_delivery(delivery(hook="h2"), keep=5)
    unnamed = [await store.add_delivery(delivery(""), keep=5) for _ in range(2)]
    assert await store.known_delivery(SHOP, "h1", "") is None
    assert await store.list_deliveries(SHOP, "h1", limit=2) == (unnamed[1], unnamed[0])
    assert await store.list_deliveries(SHOP, "h1", before=unnamed[0].number) == (first,)


async def test_a_refused_delivery_does_not_take_the_key(store: Store) -> None:
    """A stranger who guesses a key must not keep the real delivery out."""
    refused = await store.add_delivery(delivery(state=DeliveryState.REFUSED), keep=5)
    real = await store.add_delivery(delivery(), keep=5)

    assert await store.known_delivery(SHOP, "h1", "k1") == real
    assert await store.list_deliveries(SHOP, "h1") == (real, refused)


async def test_the_oldest_are_dropped_but_not_by_strangers(store: Store) -> None:
    """Each kind has its own bound; what is open stays."""
    opened = await store.add_delivery(delivery("open"), keep=2)
    done = []
    for number in range(3):
        added = await store.add_delivery(delivery(f"k{number}"), keep=2)
        await store.settle_delivery(added.number)
        done.append(added.number)
    for _ in range(4):
        await store.add_delivery(delivery("x", state=DeliveryState.REFUSED), keep=2)
    await store.add_delivery(delivery("last"), keep=2)

    kept = await store.list_deliveries(SHOP, "h1")
    states = [each.state for each in kept]
    assert states.count(DeliveryState.REFUSED) == 2
    assert [each.number for each in kept if each.state is DeliveryState.DONE] == [done[2], done[1]]
    assert opened.number in {each.number for each in kept}


async def test_a_pipeline_has_one_outcome_of_a_delivery(store: Store) -> None:
    """What the second one brings along is not stored; settling adds only what is missing."""
    stored = await store.add_delivery(delivery(), keep=5)
    started = Outcome(delivery=stored.number, pipeline=ONE, run=RunId("b-1"), trigger="T-1")
    await store.put_remote_token(token(TWO), Acts(triggers=TriggerChange(outcome=started)))

    with pytest.raises(ConflictError) as caught:
        await store.put_remote_token(token(), Acts(triggers=TriggerChange(outcome=started)))

    assert caught.value.code == "outcome"
    assert await store.find_remote_token(ONE) is None
    passed = PassedOver(trigger="T-1", filter="branch", reason="no")
    missed = Outcome(delivery=stored.number, pipeline=TWO, reason="none", passed_over=(passed,))
    assert [each.number for each in await store.open_deliveries()] == [stored.number]
    await store.settle_delivery(stored.number, [replace(started, run=RunId("b-2")), missed])
    assert await store.list_outcomes(stored.number) == (started, missed)
    assert await store.open_deliveries() == ()


async def test_old_deliveries_go_with_their_outcomes(store: Store) -> None:
    """By age, and with their hook; those that are open are not forgotten."""
    old = await store.add_delivery(delivery("old"), keep=5)
    await store.settle_delivery(old.number, [Outcome(delivery=old.number, pipeline=ONE)])
    opened = await store.add_delivery(delivery("open"), keep=5)

    assert await store.drop_old_deliveries(NOON) == 0
    assert await store.drop_old_deliveries(NOON + timedelta(seconds=1)) == 1
    assert await store.list_outcomes(old.number) == ()
    assert await store.list_deliveries(SHOP, "h1") == (opened,)
    await store.drop_deliveries(SHOP, "h1")
    assert await store.list_deliveries(SHOP, "h1") == ()


async def test_a_pipeline_has_one_remote_token(store: Store) -> None:
    """A new one takes the place of the old, which is known no more."""
    await store.put_remote_token(token(digest="old"))
    await store.put_remote_token(token(digest="new"))

    assert await store.remote_token_with("old1") is None
    assert await store.remote_token_with("new1") == await store.find_remote_token(ONE)
    assert await store.drop_remote_token(ONE) is True
    assert await store.drop_remote_token(ONE) is False
