"""What every store does with tickets for mutexes: one holder, and an order."""

from datetime import datetime

import pytest

from conformance.store_builders import (
    NOW,
    RUNNER,
    SHOP,
    build_head,
    build_project,
    build_spec,
    create,
    decide,
    parts,
    put_pipeline,
    run_id,
)
from mulligan.core import events as e
from mulligan.core.errors import ConflictError
from mulligan.core.ids import JobId, ProjectId
from mulligan.core.mutex import Ticket
from mulligan.core.run import Run
from mulligan.core.status import Status
from mulligan.ports import Store

pytestmark = pytest.mark.anyio

SPEC = build_spec(jobs=2)
DOOR = "door"


def asks(name: str = DOOR, job: str = "1", at: datetime = NOW) -> e.MutexAsked:
    """Give the event that a job asks for a mutex."""
    return e.MutexAsked(at=at, node=job, mutex=name, run_attempt=1, places=2)


def takes(job: str = "1") -> e.JobQueued:
    """Give the event that a job has its mutex."""
    return e.JobQueued(at=NOW, node=job, run_attempt=1)


def ticket(number: int, job: str = "1", *, held: bool = False) -> Ticket:
    """Give a ticket of the run that tests know by a number."""
    return Ticket(run=run_id(number), job=JobId(job), places=2, held=held)


async def add_run(store: Store, number: int) -> Run:
    """Store a run that has begun."""
    if number == 1:
        await put_pipeline(store, spec=SPEC)
    decision = create(build_head(number), SPEC)
    await store.append(decision)
    return await append(
        store,
        decision.run,
        e.RunStarted(at=NOW),
        e.StageStarted(at=NOW, node=SPEC.stages[0].id, position=0),
    )


async def append(store: Store, run: Run, *events: e.Event) -> Run:
    """Store a decision of these events."""
    decision = decide(run, *events)
    await store.append(decision)
    return decision.run


async def test_tickets_stand_in_the_order_of_asking(store: Store) -> None:
    """Taking the mutex does not change the order; a mutex that nobody wants has no tickets."""
    first, second = await add_run(store, 1), await add_run(store, 2)

    second = await append(store, second, asks())
    first = await append(store, first, asks(), asks("other", "2"))
    asked = await store.mutex_tickets(SHOP, DOOR)
    await append(store, first, takes())

    assert asked == (ticket(2), ticket(1))
    assert await store.mutex_tickets(SHOP, DOOR) == (ticket(2), ticket(1, held=True))
    assert await store.mutex_tickets(SHOP, "other") == (ticket(1, "2"),)
    assert await store.mutex_tickets(SHOP, "unknown") == ()
    assert await store.mutex_tickets(ProjectId("none"), DOOR) == ()
    assert await store.awaited_mutexes() == ((SHOP, DOOR), (SHOP, "other"))


async def test_second_holder_is_refused(store: Store) -> None:
    """A decision that would make one changes nothing, also when both come from one run."""
    first, second = await add_run(store, 1), await add_run(store, 2)
    first = await append(store, first, asks(), asks(job="2"), takes())
    second = await append(store, second, asks())

    for run, job in ((second, "1"), (first, "2")):
        with pytest.raises(ConflictError) as refused:
            await append(store, run, takes(job))
        assert refused.value.code == "mutex"
        assert parts(await store.get_run(run.head.id)) == parts(run)

    assert [held.held for held in await store.mutex_tickets(SHOP, DOOR)] == [True, False, False]


async def test_ticket_goes_with_the_end_of_its_job(store: Store) -> None:
    """Whoever held or waited is gone in the transaction that ends the job; the next may take it."""
    first, second = await add_run(store, 1), await add_run(store, 2)
    first = await append(store, first, asks(), takes(), asks(job="2"))
    second = await append(store, second, asks())
    first = await append(store, first, e.JobClaimed(at=NOW, node="1", runner=RUNNER, fence=1))

    await append(
        store,
        first,
        e.JobFinished(at=NOW, node="1", status=Status.FAILED),
        e.JobFinished(at=NOW, node="2", status=Status.CANCELLED),
    )
    left = await store.mutex_tickets(SHOP, DOOR)
    await append(store, second, takes())

    assert left == (ticket(2),)
    assert await store.mutex_tickets(SHOP, DOOR) == (ticket(2, held=True),)
    assert await store.awaited_mutexes() == ()


async def test_retried_job_asks_behind_the_others(store: Store) -> None:
    """The next attempt of a job has a new place, not that of the one before."""
    first, second = await add_run(store, 1), await add_run(store, 2)
    first = await append(store, first, asks())
    await append(store, second, asks())

    await append(
        store,
        first,
        e.JobFinished(at=NOW, node="1", status=Status.CANCELLED),
        e.JobReset(at=NOW, node="1", run_attempt=2),
        asks(),
    )

    assert await store.mutex_tickets(SHOP, DOOR) == (ticket(2), ticket(1))


async def test_projects_do_not_share_mutexes(store: Store) -> None:
    """Tickets are found by project."""
    first = await add_run(store, 1)
    await store.put_project(build_project(ProjectId("bank")))
    await append(store, first, asks(), takes())

    assert await store.mutex_tickets(ProjectId("bank"), DOOR) == ()
