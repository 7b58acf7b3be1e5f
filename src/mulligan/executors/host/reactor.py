"""Wait for what is ready and for what is due, and call what belongs to it. One thread."""

from __future__ import annotations

import os
import select
import signal
import time

from mulligan.executors.host.timers import Timers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mulligan.executors.host.timers import Timer

_BATCH = 64


class Reactor:
    """The loop of the host.

    Attributes:
        turn: counts how often it waited.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._timers = Timers()
        self._stopped = False
        self.turn = 0

    def watch(self, file: int, callback: Callable[[], None]) -> None:
        """Call `callback` whenever `file` can be read or was closed on the other side."""
        self._epoll.register(file, select.EPOLLIN)
        self._callbacks[file] = callback

    def watch_writing(self, file: int, *, on: bool) -> None:
        """Call the callback of a watched file also when it can be written (or no more)."""
        self._epoll.modify(file, select.EPOLLIN | (select.EPOLLOUT if on else 0))

    def unwatch(self, file: int) -> None:
        """Stop watching `file`; call it before the file is closed."""
        if self._callbacks.pop(file, None) is not None:
            self._epoll.unregister(file)

    def watch_signals(self, numbers: Sequence[int], callback: Callable[[bytes], None]) -> None:
        """Call `callback` with the numbers of the signals that came, one byte each."""
        reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, lambda _number, _frame: None)

        def drain() -> None:
            callback(os.read(reader, 4096))

        self.watch(reader, drain)

    def after(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` in `seconds`."""
        return self._timers.add(time.monotonic() + seconds, callback)

    def stop(self) -> None:
        """Leave `run` after the present callback."""
        self._stopped = True

    def run(self) -> None:
        """Call what is ready and what is due until `stop` is called."""
        while not self._stopped:
            due_at = self._timers.next_at()
            self.turn += 1
            timeout = -1 if due_at is None else max(due_at - time.monotonic(), 0)
            for file, _events in self._epoll.poll(timeout, _BATCH):
                callback = self._callbacks.get(file)
                if callback is not None:
                    callback()
            self._timers.run_due(time.monotonic())
