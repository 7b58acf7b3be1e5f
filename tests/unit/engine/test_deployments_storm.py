"""Many people and a real runner at once on one environment, while the store comes and goes."""

import asyncio
import contextlib
import random

import pytest

from mulligan.core.deployments import Act, Outcome
from mulligan.core.errors import InfrastructureError, MulliganError, StaleRevisionError
from mulligan.core.ids import RunId
from mulligan.core.records import Pipeline
from mulligan.engine import changes, deployments, runner
from mulligan.ports import StepEnd
from release_world import PROD, Releases, check_ledger, definition, deploy, releases

pytestmark = pytest.mark.anyio

ENDS = (StepEnd(exit_code=1), StepEnd(cause="unreachable"), StepEnd(cause="lost"))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once what failed."""
    monkeypatch.setattr(runner, "_RETRY_REPORT_S", 0.0005)
    monkeypatch.setattr(runner, "_LONGEST_WAIT_S", 0.002)
    monkeypatch.setattr(changes, "TRY_AGAIN_S", 0.0005)
    monkeypatch.setattr(deployments, "_LOOK_AGAIN_S", 0.002)


class Person:
    """Somebody who starts, stops, retries and rolls back one pipeline without looking."""

    def __init__(self, world: Releases, pipeline: Pipeline, chance: random.Random) -> None:
        self.world = world
        self.pipeline = pipeline
        self.chance = chance
        self.run_id: RunId | None = None
        self.accepted = 0

    async def act(self, times: int) -> None:
        """Do this and that; what is refused or fails is no matter."""
        for _ in range(times):
            with contextlib.suppress(MulliganError):
                await self._act()
            for _ in range(self.chance.randrange(6)):
                await asyncio.sleep(0)

    async def _act(self) -> None:
        world, chance = self.world, self.chance
        kind = chance.random()
        if self.run_id is None or kind < 0.35:
            run = self.run_id and await world.run(self.run_id)
            if not run or run.head.status.is_final:
                self.run_id = (await world.start(self.pipeline)).id
        elif kind < 0.6:
            await world.roll_back(self.run_id)
            self.accepted += 1
        elif kind < 0.75:
            await world.retry_stage(self.run_id, 0)
        elif kind < 0.85:
            await world.stop(self.run_id)
        elif kind < 0.92:
            world.clock.advance(seconds=61)
            await world.stop(self.run_id)
        else:
            error = chance.choice((InfrastructureError("away"), StaleRevisionError("quicker")))
            world.disk.failing += [error] * chance.randrange(3)
            world.disk.ledger_failing += [error] * chance.randrange(3)


@pytest.mark.parametrize("seed", range(12))
async def test_storm(seed: int) -> None:
    """However they meet: one act at a time, one record per act, and in the end all is free."""
    chance = random.Random(seed)
    async with releases(slots=8) as world:
        people = []
        for number in range(5):
            stage = deploy(0, f"d{number}", first_job=number * 10)
            pipeline = await world.add(definition(stage, name=f"p{number}"))
            people.append(Person(world, pipeline, chance))
            for _ in range(20):
                end = chance.choice((*ENDS, StepEnd(exit_code=0), StepEnd(exit_code=0)))
                world.scripted.end_with(f"d{number}", end)

        await asyncio.gather(*(person.act(60) for person in people))
        world.disk.failing.clear()
        world.disk.ledger_failing.clear()
        for person in people:
            if person.run_id is not None:
                await world.wait_end(person.run_id)
        await world.settled()

        assert not (await world.environment()).holder
        check_ledger(world.disk)
        acts = world.acts()
        assert sum(person.accepted for person in people) == sum(
            kind is Act.ROLLBACK for kind, _ in acts
        )
        assert {outcome for _, outcome in acts} <= set(Outcome) - {Outcome.RUNNING}
        assert world.scripted.misuses == world.scripted.overlaps == []
        assert list(world.disk.environments) == [PROD]
