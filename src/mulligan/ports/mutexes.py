"""Mutexes of projects: who holds them and who waits for them."""

from typing import Protocol

from mulligan.core.ids import ProjectId
from mulligan.core.mutex import Ticket


class MutexStore(Protocol):
    """Tickets follow from jobs: `RunStore.append` keeps one for every job that has not ended.

    It raises ConflictError (code "mutex") if the job would be the second one to hold a mutex.
    """

    async def mutex_tickets(self, project: ProjectId, name: str) -> tuple[Ticket, ...]:
        """Return the tickets of a mutex in the order of asking."""
        ...

    async def awaited_mutexes(self) -> tuple[tuple[ProjectId, str], ...]:
        """Return the mutexes that some job waits for."""
        ...
