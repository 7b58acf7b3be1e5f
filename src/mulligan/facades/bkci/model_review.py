"""Reviews as a run has them: the entry gate of a stage, and the review task."""

from collections.abc import Mapping
from typing import Any

from mulligan.core.run import Gate, Run, Vote
from mulligan.core.spec import ReviewSpec
from mulligan.core.variables import shown_text
from mulligan.facades.bkci.times import Json, millis

_STATES = {"open": "REVIEWING", "approved": "REVIEW_PROCESSED", "rejected": "REVIEW_ABORT"}
_OF_GROUP = frozenset({"status", "operator", "reviewTime", "suggest", "params"})


def render_check_in(run: Run, source: Json, review: ReviewSpec, gate: Gate | None) -> Json:
    """Return the `checkIn` of a stage with the answers of its review groups.

    Args:
        source: As it stands in the stored document.
        gate: The review that belongs to the attempt shown; None before it is opened.
    """
    after = {key: value for key, value in source.items() if key != "status"}
    votes = {vote.group: vote for vote in gate.votes} if gate is not None else {}
    after["reviewGroups"] = [
        _group(group, review, votes.get(position), gate, position)
        for position, group in enumerate(source.get("reviewGroups") or ())
    ]
    if gate is None:
        return after
    after["status"] = _STATES.get(gate.state, gate.state)
    after["reviewParams"] = _with_values(source.get("reviewParams"), gate.values)
    if review.desc:
        after["reviewDesc"] = shown_text(run, review.desc)
    return after


def _group(
    source: Json, review: ReviewSpec, vote: Vote | None, gate: Gate | None, position: int
) -> Json:
    after = {key: value for key, value in source.items() if key not in _OF_GROUP}
    if gate is not None and gate.state == "open" and gate.group == position:
        after["reviewers"] = list(gate.reviewers)  # variables substituted
    if vote is None:
        return after
    changed = [
        {"key": param.key, "value": vote.values[param.key], "valueType": param.kind}
        for param in review.params
        if param.key in vote.values
    ]
    return after | {
        "status": "PROCESS" if vote.approve else "ABORT",
        "operator": vote.user,
        "reviewTime": millis(vote.at),
        "suggest": vote.suggestion,
        "params": changed,
    }


def render_review(source: Json, gate: Gate) -> Json:
    """Return what a review task shows besides its status."""
    shown: Json = {"actualReviewUsers": list(gate.reviewers)}
    if gate.votes:
        shown["suggest"] = gate.votes[-1].suggestion
    if source.get("params"):
        shown["params"] = _with_values(source["params"], gate.values)
    return shown


def _with_values(params: object, values: Mapping[str, Any]) -> list[Any]:
    given = params if isinstance(params, list) else []
    return [_with_value(param, values) for param in given]


def _with_value(param: Any, values: Mapping[str, Any]) -> Any:
    key = param.get("key") if isinstance(param, dict) else None
    return {**param, "value": values[key]} if isinstance(key, str) and key in values else param
