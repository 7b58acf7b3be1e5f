"""One service: its main process, all that came out of it, and what happens when it ends.

    start ──> running ──> stopped                   under trial: nobody starts it again
                 └──────> backoff ──> running …     committed: after a pause that gets longer

It is never started while anything of its earlier life is left.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import time

from mulligan.executors.host.ending import Ending
from mulligan.executors.keeper.family import TOKEN_VARIABLE, find_family, find_start_ticks
from mulligan.executors.keeper.launch import LaunchError, launch
from mulligan.executors.keeper.log_file import bound_log
from mulligan.executors.keeper.ports import list_listeners

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mulligan.executors.host.reactor import Reactor
    from mulligan.executors.host.timers import Timer

RUNNING, STOPPED, BACKOFF = "running", "stopped", "backoff"
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 30.0
# Who ran this long has not died of its start: the pauses begin anew.
PROVEN_AFTER_S = 30.0
# What a process left behind when it ended by itself has this long to end.
_LEFTOVERS_GRACE_S = 2.0
# A doubling more doesn't matter once the longest pause is reached.
_MOST_DOUBLINGS = 16


def pause_before(earlier: int) -> float:
    """Return the seconds until the next start, after so many pauses in a row."""
    return min(FIRST_PAUSE_S * 2.0 ** min(earlier, _MOST_DOUBLINGS), LONGEST_PAUSE_S)


def count_pauses(earlier: int, ran_s: float) -> int:
    """Return how many pauses in a row count for a process that ended after so many seconds."""
    return 0 if ran_s >= PROVEN_AFTER_S else earlier


class Service:
    """See the module.

    Args:
        reactor: the loop.
        spec: `key`, `slot`, `deployment`, `argv`, `env`, `cwd`, `log`, `grace`, `keep`; of an
            earlier keeper also `token`, `pid`, `ticks`, `restarts`, `started_at`.
        changed: is called when it was started again or ended by itself.
        is_alone: tells whether no other service has processes.
        reap: reaps children that have ended and tells their services.

    Attributes:
        keep: whether it is committed.
        state: RUNNING, STOPPED or BACKOFF.
        before: inodes of the sockets that listened before it was started.
    """

    def __init__(
        self,
        reactor: Reactor,
        spec: dict[str, Any],
        changed: Callable[[Service], None],
        is_alone: Callable[[Service], bool],
        reap: Callable[[], None],
    ) -> None:
        self._reactor = reactor
        self._changed = changed
        self._is_alone = is_alone
        self._reap = reap
        self.spec = spec
        self.keep: bool = spec["keep"]
        self.token: str = spec.get("token") or secrets.token_hex(8)
        self.pid: int = spec.get("pid") or 0  # stays known when the main process has ended
        self.ticks: int = spec.get("ticks") or 0
        self.restarts: int = spec.get("restarts") or 0
        self.state = STOPPED
        self.exit_code: int | None = None
        self.started_at: float = spec.get("started_at") or 0.0
        self.before: set[int] = set()
        self._started = time.monotonic()
        self._pauses = 0
        self._inherited = False
        self._was_tried = False  # by this keeper
        self._process: int | None = None  # descriptor of a main process that is no child of ours
        self._ending: Ending | None = None
        self._done: list[Callable[[set[int]], None]] = []
        self._timer: Timer | None = None
        self._is_stopping = False

    # --- what others see ----------------------------------------------------------------------

    @property
    def has_processes(self) -> bool:
        """Tell whether something of it may be alive."""
        return self.state == RUNNING or self._ending is not None

    @property
    def is_over(self) -> bool:
        """Tell whether its place is free: nothing is alive and nothing will be."""
        return self.state == STOPPED and self._ending is None

    def describe(self) -> dict[str, Any]:
        """Return what `status` answers."""
        return {
            "key": self.spec["key"],
            "slot": self.spec["slot"],
            "deployment": self.spec["deployment"],
            "state": self.state,
            "keep": self.keep,
            "pid": self.pid if self.state == RUNNING else None,
            "restarts": self.restarts,
            "exit_code": self.exit_code,
            "started_at": self.started_at,
        }

    def record(self) -> dict[str, Any]:
        """Return what the state file keeps."""
        return self.spec | {
            "keep": self.keep,
            "token": self.token,
            "pid": self.pid if self.has_processes else 0,
            "ticks": self.ticks,
            "restarts": self.restarts,
            "started_at": self.started_at,
        }

    def find(self) -> set[int]:
        """Find its living processes."""
        alone = self._is_alone(self)
        return find_family(self.token, self.pid, self.ticks, inherited=self._inherited, alone=alone)

    # --- life ---------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the main process. Raises LaunchError."""
        self.before = list_listeners()
        spec = self.spec
        env = spec["env"] | {TOKEN_VARIABLE: self.token}
        self.pid = launch(spec["argv"], env, spec["cwd"], spec["log"])
        self.ticks = find_start_ticks(self.pid) or 0
        self._inherited = False
        self._was_tried = True
        self.state = RUNNING
        self.exit_code = None
        self.started_at = time.time()
        self._started = time.monotonic()

    def take_over(self) -> None:
        """Go on with what an earlier keeper left: adopt, start anew, or end what is there."""
        self._inherited = True
        if self.keep and self.ticks and find_start_ticks(self.pid) == self.ticks:
            try:
                self._process = os.pidfd_open(self.pid)
            except OSError:
                pass  # ended just now
            else:
                self._reactor.watch(self._process, self.main_ended)
                self.state = RUNNING
                return
        self._end_leftovers(_LEFTOVERS_GRACE_S)

    def main_ended(self, exit_code: int | None = None) -> None:
        """Note that the main process has ended; of one that is no child the code is unknown."""
        if self._process is not None:
            self._reactor.unwatch(self._process)
            os.close(self._process)
            self._process = None
        self.exit_code = exit_code
        self._pauses = count_pauses(self._pauses, time.monotonic() - self._started)
        self.state = BACKOFF if self.keep and not self._is_stopping else STOPPED
        if self._ending is None:
            self._end_leftovers(_LEFTOVERS_GRACE_S)
        self._changed(self)

    def _end_leftovers(self, grace: float) -> None:
        self.state = BACKOFF if self.keep and not self._is_stopping else STOPPED
        self._ending = Ending(self._reactor, self.find, grace, self._ended)
        self._ending.look()

    def end(self, grace: float, done: Callable[[set[int]], None]) -> None:
        """End all of it, for good.

        Args:
            grace: seconds between TERM and KILL.
            done: gets the processes that could not be killed, mostly none.
        """
        self._is_stopping = True
        self._cancel_timer()
        self._done.append(done)
        if self._ending is None:
            self._ending = Ending(self._reactor, self.find, grace, self._ended)
            self._ending.look()
        else:
            self._ending.hurry(grace)

    def _ended(self, left: set[int]) -> None:
        """Go on when nothing is alive any more."""
        self._reap()
        if self._process is not None and find_start_ticks(self.pid) != self.ticks:
            self.main_ended()
        self._ending = None
        if self._is_stopping:
            if not left:
                self.state = STOPPED
            done, self._done = self._done, []
            for each in done:
                each(left)
        elif left:  # never two at once: look again later
            self._say(f"processes can't be killed: {sorted(left)}")
            self._timer = self._reactor.after(LONGEST_PAUSE_S, self._look_again)
        elif self.keep:
            self._restart_later()

    def _look_again(self) -> None:
        self._timer = None
        self._end_leftovers(0)

    # --- again --------------------------------------------------------------------------------

    def _restart_later(self) -> None:
        pause = 0.0  # what an earlier keeper left is started at once
        if self._was_tried:
            pause = pause_before(self._pauses)
            self._pauses += 1
        self.state = BACKOFF
        self._cancel_timer()
        self._timer = self._reactor.after(pause, self._restart)

    def _restart(self) -> None:
        self._timer = None
        self._was_tried = True
        self.restarts += 1
        try:
            self.start()
        except LaunchError as error:
            self._say(str(error))
            self._restart_later()
        else:
            self._say(f"started again, restart {self.restarts}")
        self._changed(self)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError):
            name = f"{self.spec['key']} ({self.spec['slot']}) {self.spec['deployment']}"
            sys.stderr.write(f"{name}: {text}\n")
            sys.stderr.flush()

    def bound_log(self) -> None:
        """Keep its output from filling the disk."""
        if self.has_processes:
            bound_log(self.spec["log"])
