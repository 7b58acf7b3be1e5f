"""Who may answer: the rule behind every answer and every list of what waits."""

from datetime import UTC, datetime

import pytest

from mulligan.core.flow.reviewers import may_answer
from mulligan.core.ids import SYSTEM, UserName
from mulligan.core.refusal import RefusalCode
from mulligan.core.run import Gate, Vote

AT = datetime(2026, 1, 1, tzinfo=UTC)
REVIEWS = ("stage-review", "step-review", "quality", "trigger-review")


def gate(kind: str, *voted: tuple[int, str], group: int = 0) -> Gate:
    """Return an open gate that asks ann and ben, with votes by (group, user)."""
    votes = tuple(Vote(group=at, user=UserName(user), approve=True, at=AT) for at, user in voted)
    return Gate(
        node="n",
        number=1,
        kind=kind,
        run_attempt=1,
        opened_at=AT,
        group=group,
        reviewers=("ann", "ben"),
        votes=votes,
    )


@pytest.mark.parametrize("kind", REVIEWS)
@pytest.mark.parametrize("user", ["eve", SYSTEM, ""])
def test_only_those_who_are_asked(kind: str, user: str) -> None:
    """Nobody else answers a review, whatever they are called."""
    refusal = may_answer(gate(kind), UserName(user))

    assert refusal is not None
    assert (refusal.code, refusal.rule) == (RefusalCode.NOT_A_REVIEWER, "R10")


@pytest.mark.parametrize("kind", REVIEWS)
def test_once_for_each_group(kind: str) -> None:
    """An answer is final; who is in two groups is asked twice."""
    ann, ben = UserName("ann"), UserName("ben")
    again = may_answer(gate(kind, (0, "ann")), ann)

    assert again is not None
    assert again.code is RefusalCode.ALREADY_VOTED
    assert may_answer(gate(kind, (0, "ann")), ben) is None
    assert may_answer(gate(kind, (0, "ann"), group=1), ann) is None


def test_a_pause_asks_nobody_by_name() -> None:
    """Whoever may start runs lets it go on."""
    assert may_answer(gate("pause"), UserName("eve")) is None


def test_no_person_gives_a_signal() -> None:
    """A stage that waits for a signal is answered by nobody: it names no one."""
    waiting = Gate(node="n", number=1, kind="signal", run_attempt=1, opened_at=AT)

    assert may_answer(waiting, UserName("ann")) is not None
