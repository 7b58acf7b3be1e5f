"""What a `TriggerChange` writes in SQL."""

from mulligan.core.errors import ConflictError, StaleRevisionError
from mulligan.core.trigger_records import Outcome, Timer, TriggerChange
from mulligan.store.instants import micros_or_none
from mulligan.store.sql import rows
from mulligan.store.sql.dialects import Connection, Dialect

_PUT_TIMER = (
    "INSERT INTO timers (pipeline, trigger_id, next_at, revision, doc) VALUES (?, ?, ?, 1, ?) "
    "ON CONFLICT (pipeline, trigger_id) DO UPDATE SET "
    "next_at = excluded.next_at, revision = timers.revision + 1"
)
_MOVE_TIMER = (
    "UPDATE timers SET next_at = ?, revision = ?, doc = ? "
    "WHERE pipeline = ? AND trigger_id = ? AND revision = ?"
)
_TIMERS = "SELECT trigger_id FROM timers WHERE pipeline = ?"
_DROP_TIMER = "DELETE FROM timers WHERE pipeline = ? AND trigger_id = ?"
_LISTEN = "INSERT INTO listeners (pipeline) VALUES (?) ON CONFLICT (pipeline) DO NOTHING"
_UNLISTEN = "DELETE FROM listeners WHERE pipeline = ?"
_INSERT_OUTCOME = "INSERT INTO outcomes (delivery, pipeline, doc) VALUES (?, ?, ?)"


def write_triggers(dialect: Dialect, connection: Connection, change: TriggerChange) -> None:
    """Store a change in the open transaction; raises as `ports.triggers.TriggerStore` says."""
    if change.defined is not None:
        _define(connection, change)
    if change.moved is not None:
        move_timer(connection, change.moved)
    if change.outcome is not None:
        _insert_outcome(dialect, connection, change.outcome)


def _define(connection: Connection, change: TriggerChange) -> None:
    pipeline = change.defined
    gone = {trigger for (trigger,) in connection.execute(_TIMERS, (pipeline,))}
    for timer in change.timers:
        gone.discard(timer.trigger)
        next_at = micros_or_none(timer.next_at)
        values = (pipeline, timer.trigger, next_at, rows.text(timer.state))
        connection.execute(_PUT_TIMER, values)
    connection.executemany(_DROP_TIMER, [(pipeline, trigger) for trigger in gone])
    connection.execute(_LISTEN if change.listens else _UNLISTEN, (pipeline,))


def move_timer(connection: Connection, timer: Timer) -> None:
    """Replace a timer that is at the revision before.

    Raises:
        StaleRevisionError: It is not.
    """
    place = (timer.pipeline, timer.trigger, timer.revision - 1)
    values = (micros_or_none(timer.next_at), timer.revision, rows.text(timer.state))
    if connection.execute(_MOVE_TIMER, (*values, *place)).rowcount != 1:
        message = f"timer {timer.trigger} of {timer.pipeline} is not at revision {place[2]}"
        raise StaleRevisionError(message)


def _insert_outcome(dialect: Dialect, connection: Connection, outcome: Outcome) -> None:
    try:
        values = (outcome.delivery, outcome.pipeline, rows.text(outcome))
        connection.execute(_INSERT_OUTCOME, values)
    except dialect.clashes as error:
        message = f"delivery {outcome.delivery} has been brought to {outcome.pipeline}"
        raise ConflictError(message, code="outcome") from error
