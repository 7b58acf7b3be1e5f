"""Keep what must happen at a time of the monotonic clock."""

from __future__ import annotations

import heapq

TYPE_CHECKING = False  # `typing` is left out: it takes a fifth of the time of the start
if TYPE_CHECKING:
    from collections.abc import Callable

# Cancelled timers stay in the heap until it is worth removing them.
_STALE_ALLOWED = 64


class Timer:
    """One call to come; `cancel` may be called at any time and as often as you like."""

    __slots__ = ("_timers", "at", "callback", "number")

    def __init__(self, timers: Timers, at: float, number: int, callback: Callable[[], None]):
        self._timers = timers
        self.at = at
        self.number = number
        self.callback: Callable[[], None] | None = callback

    def __lt__(self, other: Timer) -> bool:
        return (self.at, self.number) < (other.at, other.number)

    def cancel(self) -> None:
        """Make sure that the call doesn't come any more."""
        if self.callback is not None:
            self.callback = None
            self._timers.count_stale()


class Timers:
    """A heap of timers; adding and cancelling cost next to nothing."""

    __slots__ = ("_heap", "_made", "_stale")

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._made = 0
        self._stale = 0

    def add(self, at: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` at `at` (seconds, monotonic)."""
        self._made += 1
        timer = Timer(self, at, self._made, callback)
        heapq.heappush(self._heap, timer)
        return timer

    def count_stale(self) -> None:
        """Note that one more timer in the heap is cancelled; tidy up when half of them are."""
        self._stale += 1
        if self._stale > _STALE_ALLOWED and self._stale * 2 > len(self._heap):
            self._heap = [timer for timer in self._heap if timer.callback is not None]
            heapq.heapify(self._heap)
            self._stale = 0

    def next_at(self) -> float | None:
        """Tell when the next timer is due, or None."""
        heap = self._heap
        while heap and heap[0].callback is None:
            heapq.heappop(heap)
            self._stale -= 1
        return heap[0].at if heap else None

    def run_due(self, now: float) -> None:
        """Make every call whose time has come."""
        while (at := self.next_at()) is not None and at <= now:
            timer = heapq.heappop(self._heap)
            callback, timer.callback = timer.callback, None
            if callback is not None:
                callback()
