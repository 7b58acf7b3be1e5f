"""Mutexes: locks of a project that one job holds at a time, over all its runs and pipelines.

Tickets stand in the store in the order of asking; which one is next follows from them alone
(spec/bkci-model-and-engine.md §2.11).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from mulligan.core.expressions import ExpressionError
from mulligan.core.ids import JobId, RunId
from mulligan.core.minutes import minutes_of, waiting_minutes
from mulligan.core.run import MutexTicket, Run
from mulligan.core.spec import MutexSpec
from mulligan.core.variables import Scope, open_text

LONGEST_NAME = 255  # characters


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A stored ticket: the job holds the mutex or waits for it."""

    run: RunId
    job: JobId
    places: int
    held: bool


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with a ticket: its job takes the mutex, or may not wait for it."""

    ticket: Ticket
    takes: bool


def next_move(tickets: Sequence[Ticket]) -> Move | None:
    """Decide on one mutex. `tickets`: all of it, oldest first."""
    waiting = [ticket for ticket in tickets if not ticket.held]
    if len(waiting) == len(tickets):
        return Move(ticket=waiting[0], takes=True) if waiting else None
    for ahead, ticket in enumerate(waiting):
        if ahead >= ticket.places:
            return Move(ticket=ticket, takes=False)
    return None


def ticket_for(run: Run, job_id: JobId, spec: MutexSpec, now: datetime) -> MutexTicket | str:
    """Give what the job asks for now, or say why it can't ask. Who may not wait has no place."""
    scope = Scope(run, job_id)
    try:
        text = open_text(run, spec.name, job_id)
        wait = timedelta(minutes=_wait_minutes(spec, scope))
    except ExpressionError as error:
        return f"the mutex can't be asked for: {error.reason}"
    if text is None:
        return f"the name of the mutex, {spec.name!r}, would show a secret"
    name = text.strip()
    if not name:
        return f"the name of the mutex is empty: {spec.name!r} gives no text"
    if len(name) > LONGEST_NAME:
        return f"the name of the mutex has {len(name)} characters; {LONGEST_NAME} are allowed"
    may_wait = bool(wait and spec.places)
    return MutexTicket(
        name=name,
        asked_at=now,
        places=spec.places if may_wait else 0,
        due_at=now + wait if may_wait else None,
    )


def _wait_minutes(spec: MutexSpec, scope: Scope) -> int:
    """Give how long a job may wait. A text that gives no number leaves the number beside it."""
    minutes = minutes_of(spec.timeout_text, scope.get) if spec.timeout_text else None
    return waiting_minutes(spec.timeout_s // 60 if minutes is None else minutes)
