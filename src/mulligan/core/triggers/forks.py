"""Whether an event brings code of strangers, and who is asked before it runs."""

from mulligan.core.triggers.choose import plain_address
from mulligan.core.triggers.event import CodeEvent
from mulligan.core.triggers.spec import EventKind, TriggerReview, TriggerSpec

_OF_REQUESTS = frozenset({EventKind.MERGE_REQUEST, EventKind.REVIEW})


def may_be_from_fork(event: CodeEvent) -> bool:
    """Tell whether an event is of a merge request from another repository, as far as one knows.

    One whose source is not told, or is gone, counts as such. One that was merged is the code of
    the repository itself.
    """
    request = event.merge_request
    if event.kind is EventKind.MERGE_REQUEST and event.action == "merge":
        return False
    if request is None:
        is_comment = event.note is not None and event.note.about == "Review"
        return event.kind in _OF_REQUESTS or is_comment
    source, target = plain_address(request.source_url), plain_address(request.target_url)
    return not source or source != target


def review_of(trigger: TriggerSpec | None, event: CodeEvent) -> TriggerReview | None:
    """Return who must let the run begin that a trigger starts; None = nobody."""
    if trigger is None or trigger.code is None or trigger.code.review is None:
        return None
    review = trigger.code.review
    return None if review.only_forks and not may_be_from_fork(event) else review
