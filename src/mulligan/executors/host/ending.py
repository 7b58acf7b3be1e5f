"""End a family of processes: TERM, a time of grace, KILL, until none is left."""

from __future__ import annotations

import signal
import time

from mulligan.executors.host import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mulligan.executors.host.reactor import Reactor
    from mulligan.executors.host.timers import Timer

_FIRST_LOOK_S = 0.005
_MOST_BETWEEN_LOOKS_S = 0.1
# A process that waits inside the kernel (a dead network disk) can't be killed. After this long
# nobody waits for it any more.
PATIENCE_S = 10.0


class Ending:
    """One ending. It begins at once and calls `done` when it is over.

    Args:
        reactor: the loop.
        find: looks for the living members of the family; it is asked again and again, because
            they may still have children.
        grace: seconds between TERM and KILL; 0 kills at once.
        done: gets the processes that could not be killed, mostly none.

    Attributes:
        is_over: whether `done` was called.
    """

    def __init__(
        self,
        reactor: Reactor,
        find: Callable[[], set[int]],
        grace: float,
        done: Callable[[set[int]], None],
    ) -> None:
        self._reactor = reactor
        self._find = find
        self._done = done
        self._kill_at = time.monotonic() + grace
        self._asked: set[int] = set()
        self._pause = _FIRST_LOOK_S
        self.is_over = False
        self._timer: Timer | None = None

    def hurry(self, grace: float) -> None:
        """Shorten the grace; a longer one than before changes nothing."""
        self._kill_at = min(self._kill_at, time.monotonic() + grace)
        self.look()

    def look(self) -> None:
        """Signal who is left now, or notice that nobody is."""
        if self.is_over:
            return
        if self._timer is not None:
            self._timer.cancel()
        now = time.monotonic()
        left = self._find()
        if not left or now >= self._kill_at + PATIENCE_S:
            self.is_over = True
            self._done(left)
            return
        if now >= self._kill_at:
            processes.send_signal(left, signal.SIGKILL)
        else:
            processes.send_signal(left - self._asked, signal.SIGTERM)
            # a stopped process takes the TERM only when it goes on
            processes.send_signal(left - self._asked, signal.SIGCONT)
            self._asked |= left
        self._timer = self._reactor.after(self._next_pause(now), self.look)

    def _next_pause(self, now: float) -> float:
        pause, self._pause = self._pause, min(self._pause * 2, _MOST_BETWEEN_LOOKS_S)
        if now < self._kill_at < now + pause:
            self._pause = _FIRST_LOOK_S
            return self._kill_at - now
        return pause
