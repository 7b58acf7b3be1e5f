"""Tickets for mutexes, in SQL. `Append` writes them."""

from mulligan.core.ids import ProjectId
from mulligan.core.mutex import Ticket
from mulligan.store.sql.base import SqlBase

_TICKETS = (
    "SELECT runs.id, job, places, held FROM mutex_tickets "
    "JOIN runs ON runs.key = mutex_tickets.run "
    "WHERE mutex_tickets.project = (SELECT number FROM projects WHERE id = ?) AND name = ? "
    "ORDER BY mutex_tickets.id"
)
_AWAITED = (
    "SELECT DISTINCT projects.id, mutex_tickets.name FROM mutex_tickets "
    "JOIN projects ON projects.number = mutex_tickets.project WHERE held = 0 ORDER BY 1, 2"
)


class SqlMutexes(SqlBase):
    """Implements `ports.MutexStore`."""

    async def mutex_tickets(self, project: ProjectId, name: str) -> tuple[Ticket, ...]:
        """Return the tickets of a mutex in the order of asking."""
        rows = await self._all(_TICKETS, (project, name))
        return tuple(
            Ticket(run=run, job=job, places=places, held=bool(held))
            for run, job, places, held in rows
        )

    async def awaited_mutexes(self) -> tuple[tuple[ProjectId, str], ...]:
        """Return the mutexes that some job waits for."""
        return tuple((project, name) for project, name in await self._all(_AWAITED))
