"""Ctrl-C while a run is being started must not lose the run: it waits until its id is known."""

import signal
from types import FrameType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Holds back signals that end a command until `let_in`, then makes them KeyboardInterrupt.

    A request to end and a closed terminal count like Ctrl-C; what the process was told to ignore
    stays ignored. A second signal is never held back.
    """

    def __init__(self) -> None:
        self._count = 0
        self._is_open = False
        self._before = {number: signal.getsignal(number) for number in _SIGNALS}

    def __enter__(self) -> Self:
        """Take the signals."""
        for number, handler in self._before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
        if self._is_open or self._count > 1:
            raise KeyboardInterrupt

    def let_in(self) -> None:
        """Hold nothing back from now on.

        Raises:
            KeyboardInterrupt: A signal has come.
        """
        self._is_open = True
        if self._count:
            raise KeyboardInterrupt
