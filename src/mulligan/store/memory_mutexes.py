"""Tickets for mutexes in the memory store."""

from mulligan.core.decision import Decision
from mulligan.core.errors import ConflictError
from mulligan.core.ids import JobId, ProjectId, RunId
from mulligan.core.mutex import Ticket
from mulligan.store.changed import changed_tickets

Place = tuple[RunId, JobId]
Mutex = tuple[ProjectId, str]


class MemoryMutexes:
    """Implements `ports.MutexStore`; the parts of an append that concern it."""

    def __init__(self) -> None:
        super().__init__()
        self._tickets: dict[Place, tuple[Mutex, Ticket]] = {}  # in the order of asking

    def _tickets_after(self, decision: Decision) -> dict[Place, tuple[Mutex, Ticket]]:
        """Give the tickets as they are after a decision.

        Raises:
            ConflictError: A mutex would be held twice.
        """
        changed = tuple(changed_tickets(decision))
        if not changed:
            return self._tickets
        after = dict(self._tickets)
        head = decision.run.head
        for job, mutex in changed:
            if job.status.is_final:
                after.pop((head.id, job.id), None)
                continue
            ticket = Ticket(run=head.id, job=job.id, places=mutex.places, held=mutex.held)
            after[head.id, job.id] = ((head.project, mutex.name), ticket)
        held = [mutex for mutex, ticket in after.values() if ticket.held]
        if len(set(held)) < len(held):
            raise ConflictError("the mutex is held by another job", code="mutex")
        return after

    async def mutex_tickets(self, project: ProjectId, name: str) -> tuple[Ticket, ...]:
        """Return the tickets of a mutex in the order of asking."""
        return tuple(ticket for mutex, ticket in self._tickets.values() if mutex == (project, name))

    async def awaited_mutexes(self) -> tuple[tuple[ProjectId, str], ...]:
        """Return the mutexes that some job waits for."""
        found = {mutex for mutex, ticket in self._tickets.values() if not ticket.held}
        return tuple(sorted(found))
