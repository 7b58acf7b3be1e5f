"""Move what a step prints from its pipe into the log."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import termios
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mulligan.executors.host.commands import CommandDetector
    from mulligan.executors.host.output import LogSink
    from mulligan.executors.host.reactor import Reactor
    from mulligan.executors.host.timers import Timer

# How long output is still read after the main process has ended, when somebody holds the pipe.
DRAIN_S = 0.2
_READ_BYTES = 64 * 1024
# At most 1 MiB from one step before the others have their turn.
_READS_A_TURN = 16
_BIG_PIPE_BYTES = 1024 * 1024
_RETRY_S = 0.2


class Pump:
    """Reads one pipe until its end, or until `DRAIN_S` after `drain`.

    While the disk is full nothing is read, so the step waits in its own write; after the time
    allowed for that its output is dropped, and the step goes on.

    Args:
        reactor: the loop.
        pipe: descriptor that doesn't block; the pump owns it until `release`.
        sink: takes the output.
        detector: sees the output before it is masked; or None.
        full_grace: seconds to wait for space on the disk.
        moved: is called after output was moved.
        done: is called when there will be no more output.

    Attributes:
        is_done: whether there will be no more output.
    """

    def __init__(
        self,
        reactor: Reactor,
        pipe: int,
        sink: LogSink,
        detector: CommandDetector | None,
        *,
        full_grace: float,
        moved: Callable[[], None],
        done: Callable[[], None],
    ) -> None:
        self._reactor = reactor
        self._pipe = pipe
        self._sink = sink
        self._detector = detector
        self._full_grace = full_grace
        self._moved = moved
        self._done = done
        self._timer: Timer | None = None
        self._full_since: float | None = None
        self._is_draining = False
        self._is_big = False
        self.is_done = False
        reactor.watch(pipe, self.pull)

    def pull(self) -> None:
        """Move what is in the pipe, up to the limit of a turn."""
        if self._pipe < 0 or self._full_since is not None:
            return
        if self._sink.is_full() and _waiting_bytes(self._pipe) > 0:
            self._wait_for_space()
            return
        for _ in range(_READS_A_TURN):
            try:
                data = os.read(self._pipe, _READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                self._close()
                return
            if self._detector is not None:
                self._detector.feed(data)
            has_space = self._sink.write(data)
            self._moved()
            if not has_space:
                self._wait_for_space()
                return
            if len(data) < _READ_BYTES and not self._is_draining:
                return
            self._enlarge()

    def drain(self) -> None:
        """Read what is there now, and stop soon: the main process has ended."""
        self._is_draining = True
        self.pull()
        if self._full_since is None and not self.is_done:
            self._after(DRAIN_S, self._finish)

    def hurry(self) -> None:
        """Drop what has no space instead of waiting for it."""
        if self._full_since is not None:
            self._sink.drop_output()
            self._look_for_space()

    def release(self) -> int:
        """Stop, and give the pipe away; -1 if it was read to its end."""
        if self._timer is not None:
            self._timer.cancel()
        pipe, self._pipe = self._pipe, -1
        if pipe >= 0:
            self._reactor.unwatch(pipe)
        return pipe

    def _close(self) -> None:
        os.close(self.release())
        self._finish()

    def _finish(self) -> None:
        self.is_done = True
        self._done()

    def _enlarge(self) -> None:
        """Give a step that prints much a longer pipe, so that it waits less often."""
        if not self._is_big:
            self._is_big = True
            with contextlib.suppress(OSError):  # there is a limit for each user
                fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _BIG_PIPE_BYTES)

    def _wait_for_space(self) -> None:
        # Not watched at all: the end of a pipe is reported to whoever watches for anything.
        self._reactor.unwatch(self._pipe)
        self._full_since = time.monotonic()
        self._after(_RETRY_S, self._look_for_space)

    def _look_for_space(self) -> None:
        if self._full_since is None:
            return
        if self._sink.is_full():
            if time.monotonic() - self._full_since < self._full_grace:
                self._after(_RETRY_S, self._look_for_space)
                return
            self._sink.drop_output()
        self._full_since = None
        self._reactor.watch(self._pipe, self.pull)
        if self._is_draining:
            self.drain()

    def _after(self, seconds: float, callback: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._reactor.after(seconds, callback)


def _waiting_bytes(pipe: int) -> int:
    """Return how much could be read now; 0 also at the end."""
    buffer = fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4)
    return int.from_bytes(buffer, sys.byteorder)
