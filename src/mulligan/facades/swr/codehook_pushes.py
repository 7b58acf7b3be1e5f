"""What the payload of a code host tells, and whether it starts a pipeline. Pure."""

from collections.abc import Callable
from typing import Any

import msgspec

_BRANCH, _TAG = "refs/heads/", "refs/tags/"
# Headers and fields that name the kind of an event, and the names that pushes have there.
_EVENT_HEADERS = ("X-GitHub-Event", "X-Gitea-Event", "X-Gogs-Event")
_KINDS = {
    "object_kind": frozenset({"push", "tag_push"}),  # GitLab
    "hook_name": frozenset({"push_hooks", "tag_push_hooks"}),  # Gitee
}


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """A branch or tag that was moved."""

    ref: str
    is_new: bool
    is_gone: bool


def read_push(header: Callable[[str], str], payload: object) -> Push | None:
    """Give the push that a payload tells of; None if it is about something else."""
    if not isinstance(payload, dict):
        return None
    if any(event not in {"", "push"} for event in map(header, _EVENT_HEADERS)):
        return None
    for field, names in _KINDS.items():
        if field in payload and payload[field] not in names:
            return None
    ref = payload.get("ref")
    if not isinstance(ref, str):
        return None
    before, after = _commit(payload, "before"), _commit(payload, "after")
    return Push(
        ref=ref,
        is_new=payload.get("created") is True or not before,
        is_gone=payload.get("deleted") is True or after == "",
    )


def _commit(payload: dict[str, Any], key: str) -> str | None:
    """Give a commit; "" if it is none (all zeros), None if nothing is said about it."""
    value = payload.get(key)
    return value.strip("0") if isinstance(value, str) else None


def starts(push: Push, trigger: dict[str, Any]) -> bool:
    """Tell whether a push starts a pipeline with that `code_trigger`."""
    if push.is_gone:
        return False
    if push.ref.startswith(_BRANCH):
        return push.ref.removeprefix(_BRANCH) in trigger.get("branchs", ())
    is_tag = push.ref.startswith(_TAG)
    return is_tag and push.is_new and trigger.get("trigger_tag_create_event") is True
