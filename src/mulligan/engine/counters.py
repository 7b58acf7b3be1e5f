"""Counters: the last part of the recommended version of pipelines that have one.

A counter is an item of its project. It is changed in the transaction of the start or the end that
it counts. Present values are kept in memory, so that an end is counted while it is decided.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from msgspec.structs import replace

from mulligan.core.decision import Decision
from mulligan.core.events import RunFinished
from mulligan.core.ids import SYSTEM, PipelineId
from mulligan.core.items import ItemChange, VersionCount
from mulligan.core.records import Pipeline
from mulligan.core.run import Run
from mulligan.core.spec import CounterSpec, Counting, PipelineSpec
from mulligan.core.status import Status
from mulligan.ports import NO_ACTS, Acts, Clock, Store


class Count(NamedTuple):
    """What a start takes from a counter. `number`: what its run has; `change`: to be stored."""

    number: int | None = None
    change: ItemChange | None = None


NO_COUNT = Count()


class Counters:
    """One per process."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[PipelineId, VersionCount] = {}
        self._locks: dict[PipelineId, asyncio.Lock] = {}

    @contextlib.asynccontextmanager
    async def turn(
        self, pipeline: Pipeline, spec: PipelineSpec | None, given: int | None = None
    ) -> AsyncIterator[Count]:
        """Let one start after the other take its number; none if the pipeline counts nothing.

        Args:
            given: The number that the counter is set to before.
        """
        if spec is None or spec.counter is None:
            yield NO_COUNT
            return
        lock = self._locks.setdefault(pipeline.id, asyncio.Lock())
        async with lock:
            before = await self._item(pipeline, spec.counter)
            number = before.value if given is None else given
            grows = spec.counter.counting is Counting.EVERY
            item = replace(before, first=spec.counter.first, value=number + 1 if grows else number)
            if item.number:
                self._known[pipeline.id] = item
            is_same = item == before and item.number
            try:
                yield Count(number, None if is_same else ItemChange(put=(item,)))
            except BaseException:
                self.forget(pipeline.id)
                raise

    async def peek(self, pipeline: Pipeline, spec: PipelineSpec) -> int | None:
        """Return what the recommended version of the next run ends with."""
        if spec.counter is None:
            return None
        return (await self._item(pipeline, spec.counter)).value

    async def reset(self, pipeline: Pipeline, spec: PipelineSpec, acts: Acts = NO_ACTS) -> bool:
        """Let a counter begin anew with the next start; tell whether the pipeline has one."""
        if spec.counter is None:
            return False
        async with self._locks.setdefault(pipeline.id, asyncio.Lock()):
            first = spec.counter.first
            item = replace(await self._item(pipeline, spec.counter), first=first, value=first)
            try:
                await self._store.change_items(ItemChange(put=(item,)), acts)
            finally:
                self.forget(pipeline.id)
        return True

    async def present(self, run: Run) -> int | None:
        """Return what the recommended version of a run ends with if it begins now."""
        spec = run.index.spec.counter
        if spec is None or spec.counting is not Counting.SUCCESS or run.head.attempt > 1:
            return None
        await self.load(run)
        item = self._known.get(run.head.pipeline)
        return None if item is None else item.value

    async def load(self, run: Run) -> None:
        """Read the counter which the end of a run may change."""
        head, spec = run.head, run.index.spec.counter
        if spec is None or spec.counting is not Counting.SUCCESS or head.pipeline in self._known:
            return
        item = await self._store.find_item(VersionCount, head.project, head.pipeline)
        if item is not None:
            self._known[head.pipeline] = item

    def counted(self, decision: Decision) -> ItemChange | None:
        """Count the run if it has just succeeded in its first attempt."""
        head, spec = decision.run.head, decision.run.index.spec.counter
        if spec is None or spec.counting is not Counting.SUCCESS or head.attempt > 1:
            return None
        ends = any(isinstance(event, RunFinished) for event in decision.events)
        item = self._known.get(head.pipeline)
        if head.status is not Status.SUCCEEDED or not ends or item is None:
            return None
        item = self._known[head.pipeline] = replace(item, value=item.value + 1)
        return ItemChange(put=(item,))

    def forget(self, pipeline: PipelineId) -> None:
        """Read the counter anew: what was counted could not be stored."""
        self._known.pop(pipeline, None)

    async def _item(self, pipeline: Pipeline, spec: CounterSpec) -> VersionCount:
        item = self._known.get(pipeline.id)
        if item is None:
            item = await self._store.find_item(VersionCount, pipeline.project, pipeline.id)
        if item is not None:
            return item if item.first == spec.first else replace(item, value=spec.first)
        now = self._clock.now()
        return VersionCount(
            project=pipeline.project,
            id=pipeline.id,
            name=pipeline.id,
            created_by=SYSTEM,
            created_at=now,
            updated_by=SYSTEM,
            updated_at=now,
            first=spec.first,
            value=spec.first,
        )
