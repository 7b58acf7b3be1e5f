"""Timers, deliveries and remote tokens in the memory store."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from mulligan.core.errors import ConflictError
from mulligan.core.ids import PipelineId, ProjectId, StepId
from mulligan.core.trigger_records import (
    Delivery,
    DeliveryState,
    Outcome,
    RemoteToken,
    Timer,
    TriggerChange,
)
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.memory_admin import MemoryAdmin


class MemoryTriggers(MemoryAdmin):
    """Implements `ports.triggers.TriggerStore`."""

    def __init__(self) -> None:
        super().__init__()
        self._deliveries: dict[int, Delivery] = {}
        self._last_delivery = 0
        self._remote_tokens: dict[PipelineId, RemoteToken] = {}

    async def move_timer(self, timer: Timer, acts: Acts = NO_ACTS) -> None:
        """Replace a timer that is at the revision before."""
        self._take_acts(acts, triggers=TriggerChange(moved=timer))

    async def due_timers(self, until: datetime, *, limit: int = 100) -> tuple[Timer, ...]:
        """Return timers that fire at or before that instant, earliest first."""
        return tuple(timer for at, timer in self._by_time() if at <= until)[:limit]

    async def next_timer_at(self) -> datetime | None:
        """Return when the first timer fires."""
        return next((at for at, _ in self._by_time()), None)

    def _by_time(self) -> list[tuple[datetime, Timer]]:
        found = [(timer.next_at, timer) for timer in self._timers.values() if timer.next_at]
        return sorted(found, key=lambda pair: pair[0])

    async def list_timers(self, pipeline: PipelineId) -> tuple[Timer, ...]:
        """Return the timers of a pipeline by trigger."""
        found = [timer for timer in self._timers.values() if timer.pipeline == pipeline]
        return tuple(sorted(found, key=lambda timer: timer.trigger))

    async def find_timer(self, pipeline: PipelineId, trigger: StepId) -> Timer | None:
        """Return a timer."""
        return self._timers.get((pipeline, trigger))

    async def listeners(self, project: ProjectId) -> tuple[PipelineId, ...]:
        """Return the live pipelines of a project that have code triggers, oldest first."""
        live = sorted(self._live(project), key=lambda pipeline: pipeline.number)
        return tuple(pipeline.id for pipeline in live if pipeline.id in self._listening)

    async def add_delivery(self, delivery: Delivery, *, keep: int) -> Delivery:
        """Store a delivery under the next number; drop the oldest of its hook beyond `keep`."""
        is_refused = delivery.state is DeliveryState.REFUSED
        if delivery.key and not is_refused:
            place = (delivery.project, delivery.hook, delivery.key)
            if await self.known_delivery(*place) is not None:
                message = f"hook {delivery.hook} has the delivery {delivery.key!r}"
                raise ConflictError(message, code="delivery")
        self._last_delivery += 1
        stored = replace(delivery, number=self._last_delivery)
        self._deliveries[stored.number] = stored
        kind = DeliveryState.REFUSED if is_refused else DeliveryState.DONE
        of_hook = [
            number
            for number, other in sorted(self._deliveries.items(), reverse=True)
            if (other.project, other.hook, other.state) == (delivery.project, delivery.hook, kind)
        ]
        self._drop(of_hook[keep:])
        return stored

    async def find_delivery(self, number: int) -> Delivery | None:
        """Return a delivery by its number."""
        return self._deliveries.get(number)

    async def known_delivery(self, project: ProjectId, hook: str, key: str) -> Delivery | None:
        """Return the delivery with that key that was not refused."""
        for delivery in self._deliveries.values():
            is_its = (delivery.project, delivery.hook, delivery.key) == (project, hook, key)
            if key and is_its and delivery.state is not DeliveryState.REFUSED:
                return delivery
        return None

    async def list_deliveries(
        self, project: ProjectId, hook: str, *, limit: int = 50, before: int | None = None
    ) -> tuple[Delivery, ...]:
        """Return the deliveries of a hook, newest first."""
        found = [
            delivery
            for number, delivery in sorted(self._deliveries.items(), reverse=True)
            if (delivery.project, delivery.hook) == (project, hook)
            and (before is None or number < before)
        ]
        return tuple(found[:limit])

    async def open_deliveries(self) -> tuple[Delivery, ...]:
        """Return those that are not done, oldest first."""
        found = sorted(self._deliveries.items())
        return tuple(each for _, each in found if each.state is DeliveryState.OPEN)

    async def settle_delivery(self, number: int, outcomes: Sequence[Outcome] = ()) -> None:
        """Mark a delivery as done; outcomes of pipelines that have none yet are added."""
        delivery = self._deliveries.get(number)
        if delivery is None:
            return
        self._deliveries[number] = replace(delivery, state=DeliveryState.DONE)
        for outcome in outcomes:
            self._outcomes.setdefault((number, outcome.pipeline), outcome)

    async def list_outcomes(self, delivery: int) -> tuple[Outcome, ...]:
        """Return what a delivery did, in the order in which it was stored."""
        return tuple(each for (of, _), each in self._outcomes.items() if of == delivery)

    async def drop_old_deliveries(self, before: datetime) -> int:
        """Delete deliveries that came earlier and are not open; return how many."""
        old = [
            number
            for number, each in self._deliveries.items()
            if each.received_at < before and each.state is not DeliveryState.OPEN
        ]
        self._drop(old)
        return len(old)

    async def drop_deliveries(self, project: ProjectId, hook: str) -> None:
        """Delete all deliveries of a hook."""
        place = (project, hook)
        found = self._deliveries.items()
        self._drop([number for number, each in found if (each.project, each.hook) == place])

    def _drop(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            del self._deliveries[number]
        for key in [key for key in self._outcomes if key[0] in numbers]:
            del self._outcomes[key]

    async def put_remote_token(self, token: RemoteToken, acts: Acts = NO_ACTS) -> None:
        """Insert or replace the token of a pipeline."""
        self._take_acts(acts)
        self._remote_tokens[token.pipeline] = token

    async def find_remote_token(self, pipeline: PipelineId) -> RemoteToken | None:
        """Return the token of a pipeline."""
        return self._remote_tokens.get(pipeline)

    async def remote_token_with(self, digest: str) -> RemoteToken | None:
        """Return the token with that SHA-256."""
        found = self._remote_tokens.values()
        return next((token for token in found if token.digest == digest), None)

    async def drop_remote_token(self, pipeline: PipelineId, acts: Acts = NO_ACTS) -> bool:
        """Delete the token of a pipeline; tell whether there was one."""
        self._take_acts(acts)
        return self._remote_tokens.pop(pipeline, None) is not None
