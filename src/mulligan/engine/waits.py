"""What a run and its jobs wait for, and who has it: for people who look."""

from datetime import datetime

import msgspec

from mulligan.core.ids import RunId
from mulligan.core.run import Run
from mulligan.core.status import Status
from mulligan.engine.lines import group_of
from mulligan.engine.mutexes import Holder
from mulligan.engine.service import Engine

MOST_HOLDERS = 20  # that are named


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is waited for.

    Args:
        node: A job; "" = the run as a whole.
        kind: "mutex" or "limit" (of a job), "group" (the run's concurrency group) or "queue" (the
            runs of its pipeline).
        name: Of the mutex or group; else "".
        ahead: How many others are in front of it in the queue.
        holders: Who has it now; at most MOST_HOLDERS.
        due_at: When the waiting ends in vain, if that is known.
    """

    node: str
    kind: str
    name: str
    ahead: int
    holders: tuple[Holder, ...]
    due_at: datetime | None = None


async def waits_of(engine: Engine, run: Run) -> tuple[Wait, ...]:
    """Tell what a run and its jobs wait for just now, besides people."""
    if run.awaits_trigger:
        return ()  # for people, not for other runs
    if run.head.status is Status.QUEUED:
        return (await _turn_of(engine, run),)
    found = []
    for job_id in run.jobs:
        others = engine.limits.in_the_way(run, job_id)
        if others:
            names = [await engine.mutexes.holder(*other) for other in others[:MOST_HOLDERS]]
            found.append(Wait(node=job_id, kind="limit", name="", ahead=0, holders=tuple(names)))
        ticket = run.awaited_mutex(job_id)
        if ticket is None:
            continue
        place = await engine.mutexes.place(run, job_id, ticket.name)
        found.append(
            Wait(
                node=job_id,
                kind="mutex",
                name=ticket.name,
                ahead=place.ahead,
                holders=(place.holder,) if place.holder is not None else (),
                due_at=ticket.due_at,
            )
        )
    return tuple(found)


async def _turn_of(engine: Engine, run: Run) -> Wait:
    head = run.head
    group = group_of(head)
    if group is None:
        queued = engine.lines.load(head.pipeline, without_groups=True).queued
        running = engine.lines.running(head.pipeline)
    else:
        queued = engine.lines.group_load(group).queued
        running = engine.lines.group_running(group)
    return Wait(
        node="",
        kind="queue" if group is None else "group",
        name="" if group is None else group[1],
        ahead=_ahead(queued, head.id),
        holders=tuple([await engine.mutexes.holder(run_id) for run_id in running[:MOST_HOLDERS]]),
    )


def _ahead(queued: tuple[RunId, ...], run_id: RunId) -> int:
    return queued.index(run_id) if run_id in queued else 0
