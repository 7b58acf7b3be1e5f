"""Mutexes: who is next, and who is told that there is no place.

What a job has asked for is stored with its run. Here one mutex is looked at whenever somebody has
asked for it or let it go; what follows is a change of the run that is next. A mutex never has two
holders: the store refuses the second one.
"""

import contextlib
import functools

import msgspec

from mulligan import failpoints
from mulligan.core.decision import Decision, Draft
from mulligan.core.errors import ConflictError, NotFoundError
from mulligan.core.flow import mutexes
from mulligan.core.flow.call_ends import is_waiting
from mulligan.core.ids import JobId, PipelineId, ProjectId, RunId
from mulligan.core.mutex import Move, Ticket, next_move
from mulligan.core.run import Run
from mulligan.engine.changes import Changes
from mulligan.log import get_log

log = get_log()


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A run, or one job of it, that has what others wait for."""

    run: RunId
    number: int
    pipeline: PipelineId
    pipeline_name: str
    job: str = ""
    job_name: str = ""

    def __str__(self) -> str:
        what = f"job {self.job_name} of " if self.job else ""
        return f"{what}{self.pipeline_name} #{self.number}"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a job stands in the queue of a mutex, and who has that."""

    ahead: int
    holder: Holder | None


class Mutexes:
    """The use cases of mutexes; `changes` stores what they decide."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._store = changes.store

    def committed(self, decision: Decision) -> None:
        """Look at the mutexes that a stored decision has asked for or let go."""
        names = {
            job.mutex.name
            for job in decision.jobs
            if job.mutex is not None and (job.status.is_final or not job.mutex.held)
        }
        for name in names:
            serve = functools.partial(self.serve, decision.run.head.project, name)
            self._changes.spawn(self._changes.surely(f"mutex {name}", serve))

    async def serve_all(self) -> None:
        """Look at all mutexes that somebody waits for: whoever let one go may have died of it."""
        for project, name in await self._store.awaited_mutexes():
            await self.serve(project, name)

    async def serve(self, project: ProjectId, name: str) -> None:
        """Let the next job have the mutex if it is free, and refuse those that have no place."""
        before: tuple[Ticket, ...] = ()
        while True:
            tickets = await self._store.mutex_tickets(project, name)
            circle = await self._circle(tickets)
            move = next_move(tickets) if circle is None else Move(ticket=circle, takes=False)
            if move is None:
                return
            failpoints.hit("mutex.served")
            if not await self._carry_out(tickets, move, is_circle=circle is not None):
                if tickets == before:  # nothing but a damaged database leads here
                    log.error("mutex_stuck", project=project, mutex=name, run_id=move.ticket.run)
                    return
                before = tickets

    async def _circle(self, tickets: tuple[Ticket, ...]) -> Ticket | None:
        """Find a ticket that waits for a job which itself waits for the end of the ticket's run."""
        held = next((ticket for ticket in tickets if ticket.held), None)
        for ticket in tickets if held is not None else ():
            if held is not None and not ticket.held and await self._is_waited_for(ticket, held):
                return ticket
        return None

    async def _is_waited_for(self, ticket: Ticket, held: Ticket) -> bool:
        """Tell whether a held ticket's job has led to a run, by calls that wait for their runs."""
        with contextlib.suppress(NotFoundError):  # a caller that is gone waits for nothing
            caller = (await self._changes.lines.get(ticket.run)).tip.head.caller
            while caller is not None:
                by = (await self._changes.lines.get(caller.run)).tip
                if not caller.waits or not is_waiting(by, caller.step, caller.step_attempt):
                    return False
                if caller.run == held.run:
                    return by.index.step_job[caller.step][0] == held.job
                caller = by.head.caller
        return False

    async def _carry_out(self, tickets: tuple[Ticket, ...], move: Move, *, is_circle: bool) -> bool:
        ticket = move.ticket
        holder = "" if move.takes else str(await self._describe(tickets))

        def decide(draft: Draft) -> bool:
            if move.takes:
                return mutexes.take_mutex(draft, ticket.job)
            refuse = mutexes.refuse_circle if is_circle else mutexes.refuse_mutex
            return refuse(draft, ticket.job, holder)

        try:
            return await self._changes.change(ticket.run, decide)
        except ConflictError as conflict:
            if conflict.code != "mutex":
                raise
            return True  # another server was quicker: look again

    async def time_out(self, run_id: RunId, job_id: JobId) -> None:
        """End a job that has waited too long."""
        await self._changes.change(run_id, lambda draft: mutexes.time_out_mutex(draft, job_id))

    async def place(self, run: Run, job_id: JobId, name: str) -> Place:
        """Tell where a job that waits stands now."""
        tickets = await self._store.mutex_tickets(run.head.project, name)
        waiting = [(ticket.run, ticket.job) for ticket in tickets if not ticket.held]
        own = (run.head.id, job_id)
        if own not in waiting:  # its turn has just come
            return Place(ahead=0, holder=None)
        return Place(ahead=waiting.index(own), holder=await self._describe(tickets))

    async def holder(self, run_id: RunId, job_id: str = "") -> Holder:
        """Describe a run or a job that has something."""
        run = (await self._changes.lines.get(run_id)).tip
        pipeline = await self._store.find_pipeline(run.head.pipeline)
        job = run.index.jobs.get(JobId(job_id))
        return Holder(
            run=run_id,
            number=run.head.number,
            pipeline=run.head.pipeline,
            pipeline_name=pipeline.name if pipeline is not None else run.head.pipeline,
            job=job_id,
            job_name=(job.name if job is not None else "") or job_id,
        )

    async def _describe(self, tickets: tuple[Ticket, ...]) -> Holder | None:
        found = next((ticket for ticket in tickets if ticket.held), None)
        return None if found is None else await self.holder(found.run, found.job)
