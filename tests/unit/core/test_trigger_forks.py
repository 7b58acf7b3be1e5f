"""Which events may bring the code of strangers."""

import pytest
from msgspec.structs import replace

from mulligan.core.ids import StepId, UserName
from mulligan.core.triggers.event import CodeEvent, EventRepository, MergeRequest, Note
from mulligan.core.triggers.forks import may_be_from_fork, review_of
from mulligan.core.triggers.spec import (
    CodeSpec,
    EventKind,
    TriggerKind,
    TriggerReview,
    TriggerSpec,
)

OWN, FORK = "https://git.example.com/shop/api.git", "https://git.example.com/eve/api.git"


def event(kind: EventKind, request: MergeRequest | None = None, action: str = "") -> CodeEvent:
    """Give an event."""
    place = EventRepository(full_name="shop/api")
    return CodeEvent(
        host="github",
        kind=kind,
        name="x",
        repository=place,
        merge_request=request,
        action=action,
    )


def request(source: str, target: str = OWN) -> MergeRequest:
    """Give a merge request between repositories."""
    return MergeRequest(source_url=source, target_url=target)


CASES: dict[str, tuple[CodeEvent, bool]] = {
    "push": (event(EventKind.PUSH), False),
    "tag": (event(EventKind.TAG), False),
    "request inside": (event(EventKind.MERGE_REQUEST, request(OWN), "open"), False),
    "written otherwise": (
        event(EventKind.MERGE_REQUEST, request("git@git.example.com:Shop/API.git"), "open"),
        False,
    ),
    "request of a fork": (event(EventKind.MERGE_REQUEST, request(FORK), "open"), True),
    "its fork is gone": (event(EventKind.MERGE_REQUEST, request(""), "open"), True),
    "nothing is told": (event(EventKind.MERGE_REQUEST, None, "open"), True),
    "merged": (event(EventKind.MERGE_REQUEST, request(FORK), "merge"), False),
    "review of a fork": (event(EventKind.REVIEW, request(FORK)), True),
    "review of nothing known": (event(EventKind.REVIEW), True),
    "comment on a request": (
        replace(event(EventKind.NOTE), note=Note(about="Review")),
        True,
    ),
    "comment on an issue": (replace(event(EventKind.NOTE), note=Note(about="Issue")), False),
}


@pytest.mark.parametrize("case", CASES)
def test_what_may_be_of_strangers(case: str) -> None:
    """What nobody knows counts as a fork; a trigger for all asks about everything."""
    given, of_strangers = CASES[case]
    review = TriggerReview(reviewers=(UserName("bob"),), only_forks=True)
    code = CodeSpec(event=EventKind.MERGE_REQUEST, review=review)
    trigger = TriggerSpec(id=StepId("T-1"), kind=TriggerKind.CODE, element="x", code=code)
    always = replace(trigger, code=replace(code, review=replace(review, only_forks=False)))
    never = replace(trigger, code=replace(code, review=None))

    assert may_be_from_fork(given) is of_strangers
    assert (review_of(trigger, given) is review) is of_strangers
    assert review_of(always, given) is not None
    assert review_of(never, given) is review_of(None, given) is None
