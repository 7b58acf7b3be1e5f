"""Timers, deliveries and remote tokens in SQL: `ports.triggers.TriggerStore`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from mulligan.core.errors import ConflictError
from mulligan.core.ids import PipelineId, ProjectId, StepId
from mulligan.core.trigger_records import (
    Delivery,
    DeliveryState,
    Outcome,
    RemoteToken,
    Timer,
)
from mulligan.ports import NO_ACTS, Acts
from mulligan.store.instants import instant, micros
from mulligan.store.sql import rows
from mulligan.store.sql.acts import write_acts
from mulligan.store.sql.base import SqlBase
from mulligan.store.sql.dialects import Connection
from mulligan.store.sql.trigger_rows import move_timer

_TIMER = "SELECT pipeline, trigger_id, next_at, revision, doc FROM timers"
_LISTENERS = (
    "SELECT pipelines.id FROM listeners JOIN pipelines ON pipelines.id = listeners.pipeline "
    "WHERE pipelines.project = (SELECT number FROM projects WHERE id = ?) "
    "AND pipelines.deleted = 0 ORDER BY pipelines.number"
)
_DELIVERY = "SELECT number, state, doc FROM deliveries"
_INSERT_DELIVERY = (
    "INSERT INTO deliveries (hook, project, key, state, received_at, doc) VALUES (?, ?, ?, ?, ?, ?)"
)
_OLD_OF_HOOK = (
    "SELECT number FROM deliveries WHERE project = ? AND hook = ? AND state {states} "
    "ORDER BY number DESC LIMIT -1 OFFSET ?"
)
_DROP_OUTCOMES = "DELETE FROM outcomes WHERE delivery = ?"
_DROP_DELIVERY = "DELETE FROM deliveries WHERE number = ?"
_ADD_OUTCOME = (
    "INSERT INTO outcomes (delivery, pipeline, doc) VALUES (?, ?, ?) "
    "ON CONFLICT (delivery, pipeline) DO NOTHING"
)
_PUT_REMOTE = (
    "INSERT INTO remote_tokens (pipeline, digest, doc) VALUES (?, ?, ?) "
    "ON CONFLICT (pipeline) DO UPDATE SET digest = excluded.digest, doc = excluded.doc"
)


class SqlTriggers(SqlBase):
    """What starts pipelines from outside."""

    async def move_timer(self, timer: Timer, acts: Acts = NO_ACTS) -> None:
        """Replace a timer that is at the revision before."""

        def unit(connection: Connection) -> None:
            move_timer(connection, timer)
            write_acts(self.dialect, connection, acts)

        await self._write(unit)

    async def due_timers(self, until: datetime, *, limit: int = 100) -> tuple[Timer, ...]:
        """Return timers that fire at or before that instant, earliest first."""
        sql = f"{_TIMER} WHERE next_at IS NOT NULL AND next_at <= ? ORDER BY next_at LIMIT ?"
        return tuple(map(_timer, await self._all(sql, (micros(until), limit))))

    async def next_timer_at(self) -> datetime | None:
        """Return when the first timer fires."""
        sql = "SELECT next_at FROM timers WHERE next_at IS NOT NULL ORDER BY next_at LIMIT 1"
        return await self._find(sql, (), lambda row: instant(row[0]))

    async def list_timers(self, pipeline: PipelineId) -> tuple[Timer, ...]:
        """Return the timers of a pipeline by trigger."""
        sql = f"{_TIMER} WHERE pipeline = ? ORDER BY trigger_id"
        return tuple(map(_timer, await self._all(sql, (pipeline,))))

    async def find_timer(self, pipeline: PipelineId, trigger: StepId) -> Timer | None:
        """Return a timer."""
        sql = f"{_TIMER} WHERE pipeline = ? AND trigger_id = ?"
        return await self._find(sql, (pipeline, trigger), _timer)

    async def listeners(self, project: ProjectId) -> tuple[PipelineId, ...]:
        """Return the live pipelines of a project that have code triggers, oldest first."""
        return tuple(ident for (ident,) in await self._all(_LISTENERS, (project,)))

    # --- deliveries -----------------------------------------------------------------------------

    async def add_delivery(self, delivery: Delivery, *, keep: int) -> Delivery:
        """Store a delivery under the next number; drop the oldest of its hook beyond `keep`."""
        is_refused = delivery.state is DeliveryState.REFUSED
        values = (
            delivery.hook,
            delivery.project,
            delivery.key if delivery.key and not is_refused else None,
            delivery.state.value,
            micros(delivery.received_at),
            rows.text(replace(delivery, number=0)),
        )
        old = _OLD_OF_HOOK.format(states="= 'refused'" if is_refused else "= 'done'")

        def unit(connection: Connection) -> Delivery:
            try:
                number = self.dialect.insert(connection, _INSERT_DELIVERY, values)
            except self.dialect.clashes as error:
                message = f"hook {delivery.hook} has the delivery {delivery.key!r}"
                raise ConflictError(message, code="delivery") from error
            place = (delivery.project, delivery.hook, keep)
            _drop(connection, connection.execute(old, place).fetchall())
            return replace(delivery, number=number)

        return await self._write(unit)

    async def find_delivery(self, number: int) -> Delivery | None:
        """Return a delivery by its number."""
        return await self._find(f"{_DELIVERY} WHERE number = ?", (number,), _delivery)

    async def known_delivery(self, project: ProjectId, hook: str, key: str) -> Delivery | None:
        """Return the delivery with that key that was not refused."""
        sql = f"{_DELIVERY} WHERE project = ? AND hook = ? AND key = ?"
        return await self._find(sql, (project, hook, key), _delivery)

    async def list_deliveries(
        self, project: ProjectId, hook: str, *, limit: int = 50, before: int | None = None
    ) -> tuple[Delivery, ...]:
        """Return the deliveries of a hook, newest first."""
        sql = f"{_DELIVERY} WHERE project = ? AND hook = ?"
        values: tuple[Any, ...] = (project, hook)
        if before is not None:
            sql, values = f"{sql} AND number < ?", (*values, before)
        found = await self._all(f"{sql} ORDER BY number DESC LIMIT ?", (*values, limit))
        return tuple(map(_delivery, found))

    async def open_deliveries(self) -> tuple[Delivery, ...]:
        """Return those that are not done, oldest first."""
        found = await self._all(f"{_DELIVERY} WHERE state = 'open' ORDER BY number")
        return tuple(map(_delivery, found))

    async def settle_delivery(self, number: int, outcomes: Sequence[Outcome] = ()) -> None:
        """Mark a delivery as done; outcomes of pipelines that have none yet are added."""
        values = [(number, outcome.pipeline, rows.text(outcome)) for outcome in outcomes]

        def unit(connection: Connection) -> None:
            sql = "UPDATE deliveries SET state = 'done' WHERE number = ?"
            if connection.execute(sql, (number,)).rowcount:
                connection.executemany(_ADD_OUTCOME, values)

        await self._write(unit)

    async def list_outcomes(self, delivery: int) -> tuple[Outcome, ...]:
        """Return what a delivery did, in the order in which it was stored."""
        sql = "SELECT doc FROM outcomes WHERE delivery = ? ORDER BY position"
        return tuple(rows.outcome(doc) for (doc,) in await self._all(sql, (delivery,)))

    async def drop_old_deliveries(self, before: datetime) -> int:
        """Delete deliveries that came earlier and are not open; return how many."""
        sql = "SELECT number FROM deliveries WHERE received_at < ? AND state <> 'open'"
        values = (micros(before),)

        def unit(connection: Connection) -> int:
            return _drop(connection, connection.execute(sql, values).fetchall())

        return await self._write(unit)

    async def drop_deliveries(self, project: ProjectId, hook: str) -> None:
        """Delete all deliveries of a hook."""
        sql = "SELECT number FROM deliveries WHERE project = ? AND hook = ?"

        def unit(connection: Connection) -> None:
            _drop(connection, connection.execute(sql, (project, hook)).fetchall())

        await self._write(unit)

    # --- remote triggers ------------------------------------------------------------------------

    async def put_remote_token(self, token: RemoteToken, acts: Acts = NO_ACTS) -> None:
        """Insert or replace the token of a pipeline."""
        await self._do(_PUT_REMOTE, (token.pipeline, token.digest, rows.text(token)), acts)

    async def find_remote_token(self, pipeline: PipelineId) -> RemoteToken | None:
        """Return the token of a pipeline."""
        sql = "SELECT doc FROM remote_tokens WHERE pipeline = ?"
        return await self._find(sql, (pipeline,), lambda row: rows.remote_token(row[0]))

    async def remote_token_with(self, digest: str) -> RemoteToken | None:
        """Return the token with that SHA-256."""
        sql = "SELECT doc FROM remote_tokens WHERE digest = ?"
        return await self._find(sql, (digest,), lambda row: rows.remote_token(row[0]))

    async def drop_remote_token(self, pipeline: PipelineId, acts: Acts = NO_ACTS) -> bool:
        """Delete the token of a pipeline; tell whether there was one."""
        sql = "DELETE FROM remote_tokens WHERE pipeline = ?"
        return await self._do(sql, (pipeline,), acts) > 0


def _timer(row: tuple[str, str, int | None, int, str]) -> Timer:
    pipeline, trigger, next_at, revision, doc = row
    return Timer(
        pipeline=PipelineId(pipeline),
        trigger=StepId(trigger),
        next_at=None if next_at is None else instant(next_at),
        revision=revision,
        state=rows.timer_state(doc),
    )


def _delivery(row: tuple[int, str, str]) -> Delivery:
    number, state, doc = row
    return replace(rows.delivery(doc), number=number, state=DeliveryState(state))


def _drop(connection: Connection, numbers: Sequence[tuple[int]]) -> int:
    connection.executemany(_DROP_OUTCOMES, numbers)
    connection.executemany(_DROP_DELIVERY, numbers)
    return len(numbers)
