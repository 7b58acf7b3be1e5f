"""The timers of the step host."""

from __future__ import annotations

from mulligan.executors.host.timers import Timers


def test_due_timers_run_in_order_of_time() -> None:
    """Only what is due runs, earlier times first, equal times in the order of making."""
    timers = Timers()
    calls: list[str] = []
    timers.add(2.0, lambda: calls.append("b"))
    timers.add(1.0, lambda: calls.append("a"))
    timers.add(2.0, lambda: calls.append("c"))
    timers.add(9.0, lambda: calls.append("never"))

    timers.run_due(2.0)

    assert calls == ["a", "b", "c"]
    assert timers.next_at() == 9.0


def test_cancelled_timer_does_not_run() -> None:
    """A cancelled timer is gone, also when it is cancelled twice or by another one."""
    timers = Timers()
    calls: list[str] = []
    first = timers.add(1.0, lambda: calls.append("first"))
    second = timers.add(2.0, lambda: calls.append("second"))
    timers.add(1.5, second.cancel)
    first.cancel()
    first.cancel()

    timers.run_due(5.0)

    assert calls == []
    assert timers.next_at() is None


def test_timer_that_adds_a_timer() -> None:
    """A call may add another one that is due at once."""
    timers = Timers()
    calls: list[str] = []

    def add_another() -> None:
        timers.add(1.0, lambda: calls.append("inner"))

    timers.add(1.0, add_another)

    timers.run_due(1.0)

    assert calls == ["inner"]


def test_cancelled_timers_do_not_pile_up() -> None:
    """Many timers that are cancelled long before their time take no space."""
    timers = Timers()
    for number in range(10_000):
        timers.add(1_000_000.0 + number, lambda: None).cancel()

    assert len(timers._heap) < 200
