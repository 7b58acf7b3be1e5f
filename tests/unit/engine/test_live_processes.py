"""Live processes: what is live on this machine is kept running, in every environment."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mulligan.core.errors import InfrastructureError
from mulligan.engine import live_processes
from mulligan.engine.live_processes import LiveProcesses
from mulligan.ports import StepEnd
from release_world import Releases, definition, deploy, gray_release, releases

pytestmark = pytest.mark.anyio


class Keeper:
    """Notes what it is asked to keep running. `errors`: raised by the next calls."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.errors: list[Exception] = []

    async def ensure(self, services: list[dict[str, Any]]) -> list[str]:
        """Note the services by name."""
        self.asked.append([each["name"] for each in services])
        if self.errors:
            raise self.errors.pop(0)
        return ["one would not start"]


@pytest.fixture
async def world() -> AsyncIterator[Releases]:
    """Give a world with a runner."""
    async with releases() as made:
        yield made


@contextlib.asynccontextmanager
async def watched(world: Releases) -> AsyncIterator[Keeper]:
    """Watch live processes for a while."""
    keeper = Keeper()
    watcher = LiveProcesses(
        store=world.store, deployments=world.engine.deployments, ensure=keeper.ensure
    )
    task = asyncio.get_running_loop().create_task(watcher.watch())
    await asyncio.sleep(0)
    try:
        yield keeper
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def runs_as(name: str) -> StepEnd:
    """End as the process driver does whose service has a name."""
    return StepEnd(exit_code=0, result={"state": {"service": {"name": name}}})


async def test_what_is_live_is_started_once(
    world: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the start what is live is started; from then on only the keeper is seen to."""
    monkeypatch.setattr(live_processes, "_LOOK_EVERY_S", 0.01)
    pipeline = await world.add(definition(deploy(0, driver="process")))
    for name in ("one", "two"):
        world.scripted.end_with("deploy", runs_as(name))
        run = await world.release(pipeline, name)

    async with watched(world) as keeper:
        await world.until(lambda: len(keeper.asked) > 3, "it is looked at again")
        assert keeper.asked[:4] == [["two"], [], [], []]
    await world.rolled_back(run.head.id)
    async with watched(world) as keeper:
        await world.until(lambda: bool(keeper.asked))

    assert keeper.asked[0] == ["one"]


async def test_first_process_wakes_the_watch(world: Releases) -> None:
    """Where there is nothing to keep it sleeps, until the first deployment has ended."""
    pipeline = await world.add(definition(deploy(0, driver="process")))

    async with watched(world) as keeper:
        world.scripted.end_with("deploy", runs_as("one"))
        await world.release(pipeline, "v1")
        await world.until(lambda: bool(keeper.asked), "the keeper is asked for")

    assert keeper.asked == [[]]


async def test_other_drivers_wake_nobody(world: Releases) -> None:
    """Only the end of a deployment of a process makes all environments be looked at."""
    other = await world.add(definition(deploy(0, "other", environment="test"), name="other"))
    process = await world.add(definition(deploy(0, driver="process", first_job=200)))
    changed = world.engine.deployments.changed()

    await world.release(other, "x1")
    is_woken = changed.is_set()
    await world.release(process, "v1")

    assert not is_woken
    assert changed.is_set()


async def test_nothing_is_asked_while_a_deployment_is_under_way(world: Releases) -> None:
    """The keeper is left to the driver while that works; other drivers have no services."""
    one = await world.add(definition(deploy(0, driver="process")))
    other = definition(deploy(0, "other", environment="test", first_job=200), name="other")
    world.scripted.end_with("other", runs_as("of a command"))
    world.scripted.end_with("deploy", runs_as("one"))
    await world.release(one, "v1")
    await world.begin_release(one, "v2")

    async with watched(world) as keeper:
        await world.release(await world.add(other), "x1")
        await asyncio.sleep(0)

        assert keeper.asked == []
    world.scripted.release("deploy")


async def test_gray_release_is_seen_to(world: Releases) -> None:
    """An open grey release runs beside the stable one."""
    first = definition(deploy(0, "first", first_job=900, driver="process"), name="first")
    world.scripted.end_with("first", runs_as("stable"))
    await world.release(await world.add(first), "v1")
    world.scripted.end_with("gray", runs_as("grey"))
    head = await world.start(
        await world.add(gray_release(driver="process")), values={"VERSION": "v2"}
    )
    await world.wait_review(head.id, 2)

    async with watched(world) as keeper:
        await world.until(lambda: ["stable", "grey"] in keeper.asked)


@pytest.mark.parametrize("error", [InfrastructureError("away"), OSError("no socket")])
async def test_keeper_that_can_not_be_reached(
    world: Releases, error: Exception, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    """What goes wrong is logged, and looked at again."""
    monkeypatch.setattr(live_processes, "_LOOK_EVERY_S", 0.01)
    world.scripted.end_with("deploy", runs_as("one"))
    await world.release(await world.add(definition(deploy(0, driver="process"))), "v1")

    async with watched(world) as keeper:
        keeper.errors = [error, error]
        await world.until(lambda: len(keeper.asked) > 3)

    assert "live_processes_not_seen_to" in logged
    assert "live_process" in logged


async def test_more_environments_than_a_page(
    world: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All environments are seen to, however many there are."""
    monkeypatch.setattr(live_processes, "_PAGE", 2)
    for n in range(5):
        step = f"d{n}"
        world.scripted.end_with(step, runs_as(step))
        stage = deploy(0, step, environment=f"e{n}", driver="process", first_job=n * 10)
        await world.release(await world.add(definition(stage, name=f"p{n}")), "v1")

    async with watched(world) as keeper:
        await world.until(lambda: bool(keeper.asked))

    assert sorted(keeper.asked[0]) == [f"d{n}" for n in range(5)]
