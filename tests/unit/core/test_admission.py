"""Run locks: may a run begin, must it wait, is it refused? (spec/bkci-build-api.md §2.2.1)"""

from __future__ import annotations

import pytest

from mulligan.core.admission import (
    Admission,
    Load,
    Member,
    admit,
    may_go_on,
    may_leave_queue,
    superseded,
)
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


GROUP_ROWS = [
    # own queue, (queued, running) of the group, places, what is decided
    (0, (0, 0), 10, Admission(begins=True)),
    (0, (0, 0), 0, Admission(begins=True)),
    (0, (0, 1), 10, Admission(begins=False)),
    (0, (1, 0), 10, Admission(begins=False)),  # nobody overtakes those of other pipelines
    (0, (7, 1), 1, Admission(begins=False)),  # the places are those of the own pipeline
    (1, (7, 1), 1, Admission(begins=False, drops=RunId("b-1"))),
    (2, (0, 0), 1, Admission(begins=True)),  # its own runs wait for other groups
]


@pytest.mark.parametrize(("own", "group", "places", "expected"), GROUP_ROWS)
def test_one_at_a_time_in_a_group(
    own: int, group: tuple[int, int], places: int, expected: Admission
) -> None:
    """A run waits for the runs of its group, in the queue of its pipeline."""
    found = admit(settings("GROUP_LOCK", queue=places), load(own, 1), FLOOR, group=load(*group))

    assert found == expected


@pytest.mark.parametrize("group", [(0, 1), (1, 0), (1, 1)])
def test_group_without_a_queue(group: tuple[int, int]) -> None:
    """With no place to wait a run is refused while anything of the group goes on or waits."""
    found = admit(settings("GROUP_LOCK", queue=0), load(0, 0), FLOOR, group=load(*group))

    assert isinstance(found, Refusal)
    assert found.code is RefusalCode.QUEUE_FULL


@pytest.mark.parametrize(
    ("group", "begins"), [((0, 0), True), ((0, 1), False), ((9, 0), False), ((9, 1), False)]
)
def test_superseding_run_is_never_refused(group: tuple[int, int], begins: bool) -> None:
    """It begins when the others are gone; whoever waits goes too, so no queue is too short."""
    found = admit(
        settings("GROUP_LOCK", queue=0), load(9, 1), FLOOR, group=load(*group), supersedes=True
    )

    assert found == Admission(begins=begins)


def members(text: str) -> list[Member]:
    """Give runs by a letter each: `s` supersedes, `x` is stopping already, `.` is neither."""
    return [
        Member(id=RunId(f"b-{number}"), supersedes=letter == "s", is_stopping=letter == "x")
        for number, letter in enumerate(text)
    ]


@pytest.mark.parametrize(
    ("group", "gone", "newest"),
    [
        ("", [], None),
        ("..", [], None),
        ("s", [], 0),
        ("..s", [0, 1], 2),
        ("..s.", [0, 1], 2),  # a younger one waits for its turn
        (".s.s", [0, 1, 2], 3),
        ("xs", [], 1),
        (".x.s", [0, 2], 3),
    ],
)
def test_who_makes_way(group: str, gone: list[int], newest: int | None) -> None:
    """All that is older than the newest run that supersedes, unless it is stopping already."""
    found, by = superseded(members(group))

    assert found == tuple(RunId(f"b-{number}") for number in gone)
    assert (by.id if by is not None else None) == (
        RunId(f"b-{newest}") if newest is not None else None
    )


@pytest.mark.parametrize(
    ("lock", "queued", "running", "refused"),
    [
        ("SINGLE", 0, 0, False),
        ("SINGLE", 0, 1, False),  # it goes on beside the other one
        ("SINGLE", 99, 1, False),
        ("MULTIPLE", 150, 50, True),
        ("MULTIPLE", 0, 50, False),
        ("EXCLUSIVE", 0, 1, False),
    ],
)
def test_going_on_after_a_review(lock: str, queued: int, running: int, refused: bool) -> None:
    """A run that was approved does not wait again and stops nobody; it may be refused."""
    found = may_go_on(settings(lock), load(queued, running), FLOOR)

    assert isinstance(found, Refusal) is refused


def test_going_on_after_a_review_without_a_queue() -> None:
    """Where no run may wait, none may go on beside another one."""
    found = may_go_on(settings("SINGLE", queue=0), load(0, 1), FLOOR)

    assert isinstance(found, Refusal)
    assert found.code is RefusalCode.QUEUE_FULL
