"""Run locks: may a run begin, must it wait, is it refused? (spec/bkci-build-api.md §2.2.1)"""

from __future__ import annotations

import pytest

from mulligan.core.admission import Admission, Load, admit, may_leave_queue
from mulligan.core.ids import RunId
from mulligan.core.records import PipelineSettings
from mulligan.core.refusal import Refusal, RefusalCode

FLOOR = 200


def load(queued: int, running: int) -> Load:
    """Give a load; waiting runs are called b-1, b-2 …, the oldest first."""
    waiting = tuple(RunId(f"b-{number}") for number in range(1, queued + 1))
    return Load(queued=waiting, running=running)


def settings(lock: str, *, queue: int = 10, running: int = 50) -> PipelineSettings:
    """Give the settings of a pipeline."""
    return PipelineSettings(run_lock=lock, max_queue_size=queue, max_running=running)


@pytest.mark.parametrize(
    ("queued", "running", "begins"),
    [
        (0, 0, True),
        (0, 49, True),
        (0, 50, False),
        (1, 3, False),  # nobody overtakes those that wait
        (0, 199, False),
        (150, 49, False),
    ],
)
def test_multiple_runs_side_by_side(queued: int, running: int, begins: bool) -> None:
    """They begin up to the limit, then wait."""
    answer = admit(settings("MULTIPLE"), load(queued, running), FLOOR)

    assert answer == Admission(begins=begins)


@pytest.mark.parametrize(
    ("queued", "running", "limit", "is_full"),
    [(150, 50, 50, True), (149, 50, 50, False), (0, 200, 300, False), (100, 200, 300, True)],
)
def test_multiple_is_full_at_the_floor_or_the_limit(
    queued: int, running: int, limit: int, is_full: bool
) -> None:
    """Whichever is more: 200 unfinished runs, or as many as may run."""
    answer = admit(settings("MULTIPLE", running=limit), load(queued, running), FLOOR)

    assert isinstance(answer, Refusal) is is_full


@pytest.mark.parametrize("lock", ["SINGLE", "SINGLE_LOCK", "GROUP_LOCK"])
@pytest.mark.parametrize(
    ("queued", "running", "queue", "expected"),
    [
        (0, 0, 10, Admission(begins=True)),
        (0, 0, 0, Admission(begins=True)),
        (0, 1, 10, Admission(begins=False)),
        (9, 1, 10, Admission(begins=False)),
        (10, 1, 10, Admission(begins=False, drops=RunId("b-1"))),
        (1, 1, 1, Admission(begins=False, drops=RunId("b-1"))),
        (2, 0, 10, Admission(begins=False)),
    ],
)
def test_one_at_a_time(
    lock: str, queued: int, running: int, queue: int, expected: Admission
) -> None:
    """Others wait; in a full queue the oldest makes room (worked example 14)."""
    assert admit(settings(lock, queue=queue), load(queued, running), FLOOR) == expected


@pytest.mark.parametrize(("queued", "running"), [(0, 1), (1, 0), (1, 1)])
def test_one_at_a_time_without_a_queue(queued: int, running: int) -> None:
    """With no place to wait a start is refused, and told what would help."""
    answer = admit(settings("SINGLE", queue=0), load(queued, running), FLOOR)

    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.QUEUE_FULL
    assert answer.instead == ("wait for a run to end",)
    assert "SINGLE" in answer.message


@pytest.mark.parametrize(
    ("lock", "running", "expected"),
    [
        ("MULTIPLE", 49, True),
        ("MULTIPLE", 50, False),
        ("SINGLE", 0, True),
        ("SINGLE", 1, False),
        ("GROUP_LOCK", 0, True),
        ("GROUP_LOCK", 1, False),
    ],
)
def test_leaving_the_queue(lock: str, running: int, expected: bool) -> None:
    """The oldest waiting run begins as soon as there is room."""
    assert may_leave_queue(settings(lock), running) is expected
