"""Recommended versions and aliases: each start and each success counts once."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from builders import one_job
from engine_world import ADMIN, World, a_world
from mulligan.core.errors import InfrastructureError
from mulligan.core.records import Pipeline, PipelineSettings
from mulligan.core.spec import CounterSpec, Counting, PipelineSpec
from mulligan.core.status import Status
from mulligan.engine.catalog import Definition

pytestmark = pytest.mark.anyio


def counting(how: Counting, first: int = 5) -> PipelineSpec:
    """Give a definition of one step with a counter."""
    return replace(one_job("a"), counter=CounterSpec(first=first, counting=how))


async def numbers(world: World, made: Pipeline, count: int, **fields: Any) -> list[int | None]:
    """Run a pipeline some times, one after the other."""
    found = []
    for _ in range(count):
        head = await world.start(made, **fields)
        found.append((await world.wait_end(head.id)).head.version_number)
    return found


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (Counting.NEVER, [5, 5, 5]),
        (Counting.EVERY, [5, 6, 7]),
        (Counting.SUCCESS, [5, 5, 6]),
    ],
)
async def test_what_counts(world: World, how: Counting, expected: list[int]) -> None:
    """Of three runs the first fails: every start counts, every success, or nothing."""
    world.scripted.fail("a", times=1)
    made = await world.add_pipeline(counting(how))

    assert await numbers(world, made, 3) == expected


async def test_a_retry_counts_nothing(world: World) -> None:
    """A run that succeeds in its second attempt keeps its number and does not count."""
    world.scripted.fail("a", times=1)
    made = await world.add_pipeline(counting(Counting.SUCCESS))
    head = await world.start(made)
    await world.wait_end(head.id)

    await world.retry(head.id)
    run = await world.wait_end(head.id)

    assert (run.head.status, run.head.version_number) == (Status.SUCCEEDED, 5)
    assert await numbers(world, made, 1) == [5]


async def test_the_counter_is_set_by_a_start_and_by_a_new_beginning(world: World) -> None:
    """A start may set it; a definition that begins with another number begins anew."""
    made = await world.add_pipeline(counting(Counting.EVERY))
    await numbers(world, made, 2)

    assert await numbers(world, made, 1, version_number=40) == [40]
    assert await numbers(world, made, 1) == [41]
    await world.catalog.edit_pipeline(
        ADMIN,
        made,
        Definition(spec=counting(Counting.EVERY, 100), dialect="bkci", source={"name": "build"}),
    )
    assert await numbers(world, made, 2) == [100, 101]


async def test_simultaneous_starts_get_different_numbers(world: World) -> None:
    """Twenty starts at once, and one that can't be stored: no number twice, none left out."""
    made = await world.add_pipeline(counting(Counting.EVERY))
    world.unruly.failing = [InfrastructureError("the disk is full")]
    with pytest.raises(InfrastructureError):
        await world.start(made)

    heads = await asyncio.gather(*(world.start(made) for _ in range(20)))

    assert sorted(head.version_number or 0 for head in heads) == list(range(5, 25))


async def test_the_next_life_counts_on(hand: World) -> None:
    """What was counted is stored with what it counts."""
    made = await hand.add_pipeline(counting(Counting.SUCCESS))
    head = await hand.start(made)
    order = await hand.claim(head.id)

    async with a_world(store=hand.store, clock=hand.clock, works=False) as second:
        await second.report(await second.claim(head.id, attempt=1))
        assert (await second.run(head.id)).head.status is Status.SUCCEEDED
        assert order.step_id == "a"

    async with a_world(store=hand.store, clock=hand.clock) as third:
        assert await numbers(third, made, 1) == [6]


async def test_a_run_that_waited_has_the_present_number(hand: World) -> None:
    """Its counter grew while it waited: it is read again when the run begins."""
    made = await hand.add_pipeline(counting(Counting.SUCCESS), PipelineSettings(run_lock="SINGLE"))
    first = await hand.start(made)
    second = await hand.start(made)

    await hand.report(await hand.claim(first.id))
    await hand.wait_status(second.id, Status.RUNNING)

    assert (first.version_number, second.version_number) == (5, 5)
    assert (await hand.run(second.id)).head.version_number == 6


async def test_aliases_count_the_runs_of_a_day(world: World) -> None:
    """The count begins anew at midnight in the time zone of the server."""
    settings = PipelineSettings(alias_rule='${{DATE:"MMdd"}}-${{BUILD_NO_OF_DAY}}')
    made = await world.add_pipeline(one_job("a"), settings)

    first, second = [(await world.start(made)).alias for _ in range(2)]
    world.clock.advance(hours=4)  # noon and four hours in UTC is midnight eight hours east
    third = (await world.start(made)).alias

    assert [first, second, third] == ["1122-1", "1122-2", "1123-1"]
