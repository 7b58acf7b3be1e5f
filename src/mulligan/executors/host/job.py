"""One job attempt in the host: its log, its steps, and the processes that they leave behind.

A process that a step leaves behind may live until the job attempt ends: a later step may use a
service that an earlier one started. What it prints after its step is thrown away.
"""

from __future__ import annotations

import os

from mulligan.executors.host import processes
from mulligan.executors.host.ending import Ending
from mulligan.executors.host.messages import CAUSE_CANCELLED, JOB_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from mulligan.executors.host.output import LogSink
    from mulligan.executors.host.reactor import Reactor

    class Terminable(Protocol):
        """A step, as far as its job must know it."""

        def terminate(self, cause: str, grace: float) -> None:
            """End every process of the step."""
            ...


_READ_BYTES = 64 * 1024


class Job:
    """One job attempt.

    Args:
        token: of the job attempt.
        run_id: of its run.
        sink: its log.
        reactor: the loop.

    Attributes:
        steps: those that are not finished.
        leaders: the main processes of its steps, also of ended ones: their sessions may live on.
    """

    def __init__(self, token: str, run_id: str, sink: LogSink, reactor: Reactor) -> None:
        self.token = token
        self.run_id = run_id
        self.sink = sink
        self.steps: set[Terminable] = set()
        self.leaders: set[int] = set()
        self._reactor = reactor
        self._pipes: set[int] = set()
        self._ending: Ending | None = None
        self._grace = 0.0
        self._find: Callable[[], set[int]] | None = None
        self._ended: Callable[[], None] | None = None

    def discard(self, pipe: int) -> None:
        """Throw away what still comes out of a pipe; a writer must not fail because of it."""

        def read() -> None:
            try:
                data = os.read(pipe, _READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                self._reactor.unwatch(pipe)
                self._pipes.discard(pipe)
                os.close(pipe)

        self._pipes.add(pipe)
        self._reactor.watch(pipe, read)

    def end(self, grace: float, find: Callable[[], set[int]], ended: Callable[[], None]) -> None:
        """End all steps, then all processes that are left; call `ended` when that is done.

        Args:
            grace: seconds between TERM and KILL, for both.
            find: looks for processes of this job.
            ended: is called once.
        """
        if self._ended is not None:
            return
        self._grace, self._find, self._ended = grace, find, ended
        for step in list(self.steps):
            step.terminate(CAUSE_CANCELLED, grace)
        self.end_rest()

    @property
    def is_ending(self) -> bool:
        """Tell whether `end` was called."""
        return self._ended is not None

    def end_rest(self) -> None:
        """Go on with the ending when no step is left."""
        if self._ended is None or self._find is None or self.steps or self._ending is not None:
            return
        self._ending = Ending(self._reactor, self._find, self._grace, lambda _left: self._close())
        self._ending.look()

    def look(self) -> None:
        """Notice at once when the last process is gone."""
        if self._ending is not None:
            self._ending.look()

    def _close(self) -> None:
        for pipe in self._pipes:
            self._reactor.unwatch(pipe)
            os.close(pipe)
        self._pipes.clear()
        self.sink.close()
        if self._ended is not None:
            self._ended()


def find_left(job: Job, *, is_alone: bool) -> set[int]:
    """Find the processes that the steps of `job` left behind.

    Args:
        job: it has no running step.
        is_alone: no other job is active, so everything that is left belongs to this one; also
            what left its session and cleared its environment.
    """
    table = processes.list_processes()
    if is_alone:
        return processes.descendants(table, [os.getpid()])
    return processes.family(table, job.leaders, JOB_VARIABLE, job.token)
