"""Statuses: the table of moves, and how children make up their parent."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mulligan.core.cause import Cause, classify_exit
from mulligan.core.errors import IllegalTransitionError
from mulligan.core.status import FINAL, GOOD, Status, never_ran, roll_up
from mulligan.core.transitions import TRANSITIONS, Move, finish, next_status

STATUSES = st.sampled_from(list(Status))


def test_the_table_names_every_status_and_finals_have_no_way_out() -> None:
    """Every status has its row; the rows of final ones are empty."""
    assert set(TRANSITIONS) == set(Status)
    assert {status for status, row in TRANSITIONS.items() if not row} == FINAL
    assert {status for status in Status if status.is_final} == FINAL
    assert {status for status in Status if status.is_good} == GOOD


@pytest.mark.parametrize(("present", "move"), list(itertools.product(Status, Move)))
def test_every_pair_is_in_the_table_or_raises(present: Status, move: Move) -> None:
    """There is no move that passes silently."""
    allowed = TRANSITIONS[present].get(move)

    if allowed is None:
        with pytest.raises(IllegalTransitionError, match=f"node-1 is {present}"):
            next_status(present, move, node="node-1")
    else:
        assert next_status(present, move) is allowed


@pytest.mark.parametrize(("present", "result"), list(itertools.product(Status, sorted(FINAL))))
def test_a_node_ends_only_once(present: Status, result: Status) -> None:
    """Queued and running nodes may end in every way, ended ones in none."""
    if present in FINAL:
        with pytest.raises(IllegalTransitionError, match="the run is"):
            finish(present, result)
    else:
        assert finish(present, result) is result


@given(st.lists(st.lists(STATUSES, min_size=1), min_size=1))
def test_rolling_up_group_by_group_equals_all_at_once(groups: list[list[Status]]) -> None:
    """Stages of jobs roll up to what all jobs together do."""
    flat = [status for group in groups for status in group]

    assert roll_up(roll_up(group) for group in groups) is roll_up(flat)


@given(st.lists(STATUSES), st.randoms(use_true_random=False))
def test_the_order_of_children_does_not_matter(children: list[Status], random: object) -> None:
    """Neither their order nor how often each occurs."""
    shuffled = list(children)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert roll_up(shuffled) is roll_up(children) is roll_up(set(children))


@given(STATUSES, st.integers(1, 9))
def test_equal_children_make_an_equal_parent(status: Status, count: int) -> None:
    """All children equal: the parent is that; none at all: skipped."""
    assert roll_up([status] * count) is status
    assert roll_up([]) is Status.SKIPPED


@given(st.lists(STATUSES, min_size=1))
def test_a_parent_is_final_when_all_its_children_are(children: list[Status]) -> None:
    """And not before."""
    assert roll_up(children).is_final == all(child.is_final for child in children)


@pytest.mark.parametrize(
    ("status", "cause", "expected"),
    [
        (Status.QUEUED, None, True),
        (Status.SKIPPED, Cause.UNREACHED, True),
        (Status.SKIPPED, Cause.CONDITION, False),
        (Status.RUNNING, None, False),
        (Status.FAILED, Cause.USER, False),
    ],
)
def test_what_never_ran(status: Status, cause: Cause | None, expected: bool) -> None:
    """Waiting, or passed by because something before it went wrong."""
    assert never_ran(status, cause) is expected


@pytest.mark.parametrize(
    ("exit_code", "signal", "cause"),
    [(0, None, None), (1, None, Cause.USER), (None, 9, Cause.USER), (0, 15, Cause.USER)],
)
def test_only_exit_code_zero_is_a_success(
    exit_code: int | None, signal: int | None, cause: Cause | None
) -> None:
    """A process that ended by a signal has failed, whatever else is known."""
    assert classify_exit(exit_code, signal) is cause
