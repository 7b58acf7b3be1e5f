"""The part of the store with timers, deliveries of hooks and tokens of remote triggers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from mulligan.core.ids import PipelineId, ProjectId, StepId
from mulligan.core.trigger_records import Delivery, Outcome, RemoteToken, Timer
from mulligan.ports.acts import NO_ACTS, Acts


class TriggerStore(Protocol):
    """Triggers. `Acts.triggers` of any act changes them too.

    A `TriggerChange` raises StaleRevisionError if the timer is not at the revision before the
    given one, and ConflictError (code "outcome") if the pipeline has an outcome of the delivery.
    """

    async def move_timer(self, timer: Timer, acts: Acts = NO_ACTS) -> None:
        """Replace a timer that is at the revision before.

        Raises:
            StaleRevisionError: It is not: somebody else has moved it, or it is gone.
        """
        ...

    async def due_timers(self, until: datetime, *, limit: int = 100) -> tuple[Timer, ...]:
        """Return timers that fire at or before that instant, earliest first."""
        ...

    async def next_timer_at(self) -> datetime | None:
        """Return when the first timer fires."""
        ...

    async def list_timers(self, pipeline: PipelineId) -> tuple[Timer, ...]:
        """Return the timers of a pipeline by trigger."""
        ...

    async def find_timer(self, pipeline: PipelineId, trigger: StepId) -> Timer | None:
        """Return a timer."""
        ...

    async def listeners(self, project: ProjectId) -> tuple[PipelineId, ...]:
        """Return the live pipelines of a project that have code triggers, oldest first."""
        ...

    async def add_delivery(self, delivery: Delivery, *, keep: int) -> Delivery:
        """Store a delivery under the next number; drop the oldest of its hook beyond `keep`.

        Refused ones are counted apart from the others: they can't drive those out. Open ones stay.

        Raises:
            ConflictError: The hook has one with that key that was not refused (code "delivery").
        """
        ...

    async def find_delivery(self, number: int) -> Delivery | None:
        """Return a delivery by its number."""
        ...

    async def known_delivery(self, project: ProjectId, hook: str, key: str) -> Delivery | None:
        """Return the delivery with that key that was not refused."""
        ...

    async def list_deliveries(
        self, project: ProjectId, hook: str, *, limit: int = 50, before: int | None = None
    ) -> tuple[Delivery, ...]:
        """Return the deliveries of a hook, newest first; `before`: with a smaller number."""
        ...

    async def open_deliveries(self) -> tuple[Delivery, ...]:
        """Return those that are not done, oldest first."""
        ...

    async def settle_delivery(self, number: int, outcomes: Sequence[Outcome] = ()) -> None:
        """Mark a delivery as done; outcomes of pipelines that have none yet are added."""
        ...

    async def list_outcomes(self, delivery: int) -> tuple[Outcome, ...]:
        """Return what a delivery did, in the order in which it was stored."""
        ...

    async def drop_old_deliveries(self, before: datetime) -> int:
        """Delete deliveries that came earlier and are not open; return how many."""
        ...

    async def drop_deliveries(self, project: ProjectId, hook: str) -> None:
        """Delete all deliveries of a hook."""
        ...

    async def put_remote_token(self, token: RemoteToken, acts: Acts = NO_ACTS) -> None:
        """Insert or replace the token of a pipeline."""
        ...

    async def find_remote_token(self, pipeline: PipelineId) -> RemoteToken | None:
        """Return the token of a pipeline."""
        ...

    async def remote_token_with(self, digest: str) -> RemoteToken | None:
        """Return the token with that SHA-256."""
        ...

    async def drop_remote_token(self, pipeline: PipelineId, acts: Acts = NO_ACTS) -> bool:
        """Delete the token of a pipeline; tell whether there was one."""
        ...
