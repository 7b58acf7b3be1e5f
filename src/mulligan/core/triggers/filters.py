"""The filters of a code trigger, in order; the first that rejects says why.

All must accept. Texts are compared exactly; branches, tags and labels by Ant patterns.
"""

from collections.abc import Callable

import msgspec

from mulligan.core.triggers.event import CodeEvent
from mulligan.core.triggers.patterns import first_match
from mulligan.core.triggers.spec import CodeSpec, EventKind

SKIP_CI = "[skip ci]"
_WIP = "WIP"
_DEFAULT_ACTIONS = {
    EventKind.PUSH: ("new-branch", "push-file"),
    EventKind.TAG: ("create",),
    EventKind.MERGE_REQUEST: ("open", "reopen", "push-update"),
}


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """Which filter rejected, and why."""

    filter: str
    reason: str


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """All filters accepted. `values`: what they found, as start variables."""

    values: dict[str, str] = {}


Filter = Callable[[CodeSpec, CodeEvent], "Rejection | Match"]
_YES = Match()


def judge(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    """Let the filters of a trigger look at an event."""
    if not _is_wanted(spec, event):
        reason = f"the trigger waits for {spec.event.value}, this is {event.kind.value}"
        return Rejection(filter="event", reason=reason)
    values: dict[str, str] = {}
    for look in _ORDER[spec.event]:
        found = look(spec, event)
        if isinstance(found, Rejection):
            return found
        values.update(found.values)
    return Match(values=values)


def _is_wanted(spec: CodeSpec, event: CodeEvent) -> bool:
    if event.kind is EventKind.MERGE_REQUEST:
        merged = event.action == "merge"
        if spec.event is EventKind.MERGED:
            return merged
        return spec.event is EventKind.MERGE_REQUEST
    return spec.event is event.kind


def _listed(
    name: str, includes: tuple[str, ...], excludes: tuple[str, ...], text: str
) -> Rejection | str:
    """Look for a text in patterns, excludes first; return the pattern that matched."""
    if not includes and not excludes:
        return ""
    out = first_match(excludes, text)
    if out is not None:
        return Rejection(filter=name, reason=f"{text!r} is excluded by {out!r}")
    if not includes:
        return ""
    found = first_match(includes, text)
    if found is None:
        return Rejection(filter=name, reason=f"{text!r} matches none of {', '.join(includes)}")
    return found


def _user(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    if event.user in spec.not_users:
        return Rejection(filter="user", reason=f"user {event.user!r} is excluded")
    if spec.users and event.user not in spec.users:
        reason = f"user {event.user!r} is none of {', '.join(spec.users)}"
        return Rejection(filter="user", reason=reason)
    return _YES


def _branch(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    found = _listed("branch", spec.branches, spec.not_branches, event.branch)
    if isinstance(found, Rejection):
        return found
    return Match(values={"matchBranch": found or event.branch})


def _target_branch(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    target = event.merge_request.target if event.merge_request is not None else event.branch
    found = _listed("target branch", spec.branches, spec.not_branches, target)
    if isinstance(found, Rejection):
        return found
    return Match(values={"matchBranch": found or target})


def _source_branch(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    source = event.merge_request.source if event.merge_request is not None else ""
    found = _listed("source branch", spec.source_branches, spec.not_source_branches, source)
    return found if isinstance(found, Rejection) else _YES


def _tag(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    found = _listed("tag", spec.tags, spec.not_tags, event.tag)
    if isinstance(found, Rejection):
        return found
    return Match(values={"matchTag": found or event.tag})


def _from_branch(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    found = _listed("source branch of the tag", spec.from_branches, (), event.tag_from)
    return found if isinstance(found, Rejection) else _YES


def _skip_ci(_spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    if SKIP_CI in event.message:
        return Rejection(filter="skip-ci", reason=f"the commit message contains {SKIP_CI}")
    return _YES


def _has_commits(_spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    if event.action == "delete":
        return Rejection(filter="commits", reason="the branch was deleted")
    if not event.commits and event.action != "new-branch" and not event.forced:
        return Rejection(filter="commits", reason="the push brought no commit")
    return _YES


def _message(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    out = next((text for text in spec.not_messages if text in event.message), None)
    if out is not None:
        return Rejection(filter="message", reason=f"the commit message contains {out!r}")
    if spec.messages and not any(text in event.message for text in spec.messages):
        reason = f"the commit message contains none of {', '.join(spec.messages)}"
        return Rejection(filter="message", reason=reason)
    return _YES


def _action(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    wanted = _DEFAULT_ACTIONS.get(spec.event, ()) if spec.actions is None else spec.actions
    if event.action in wanted:
        return _YES
    reason = f"action {event.action!r} is none of {', '.join(wanted) or '(none)'}"
    return Rejection(filter="action", reason=reason)


def _path(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    if not spec.paths and not spec.not_paths:
        return _YES
    if event.paths is None:
        return Match(values={"matchPaths": ""})  # the host did not say; better once too often
    if not event.paths and not spec.paths:
        return _YES
    included, matched = _included(spec, event.paths)
    if not included:
        reason = f"no changed path matches {', '.join(spec.paths)}"
        return Rejection(filter="path", reason=reason)
    if all(_path_in(spec, spec.not_paths, path) is not None for path in included):
        reason = f"every changed path is excluded by {', '.join(spec.not_paths)}"
        return Rejection(filter="path", reason=reason)
    return Match(values={"matchPaths": ",".join(matched)})


def _included(spec: CodeSpec, paths: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Return the paths that are included, and the configured ones that matched."""
    if not spec.paths:
        return list(paths), []
    included: list[str] = []
    matched: dict[str, None] = {}
    for path in paths:
        found = _path_in(spec, spec.paths, path)
        if found is not None:
            included.append(path)
            matched[found] = None
    return included, list(matched)


def _path_in(spec: CodeSpec, configured: tuple[str, ...], path: str) -> str | None:
    path = path.removeprefix("/")
    for each in configured:
        wanted = each.removeprefix("/")
        if spec.paths_are_patterns:
            if first_match((wanted,), path) is not None:
                return each
        elif path.startswith(wanted):
            return each
    return None


def _wip(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    if spec.skip_wip and _WIP in event.title:
        return Rejection(filter="wip", reason=f"the title says {_WIP}")
    return _YES


def _labels(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    labels = event.merge_request.labels if event.merge_request is not None else ()
    for label in labels:
        out = first_match(spec.not_labels, label)
        if out is not None:
            return Rejection(filter="label", reason=f"label {label!r} is excluded by {out!r}")
    if spec.labels and not any(first_match(spec.labels, label) for label in labels):
        reason = f"no label matches {', '.join(spec.labels)}"
        return Rejection(filter="label", reason=reason)
    return _YES


def _one_of(name: str, wanted: tuple[str, ...], given: str) -> Rejection | Match:
    if wanted and given not in wanted:
        return Rejection(filter=name, reason=f"{given!r} is none of {', '.join(wanted)}")
    return _YES


def _issue_action(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    return _one_of("action", spec.issue_actions, event.action)


def _note_type(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    return _one_of("note type", spec.note_types, event.note.about if event.note else "")


def _note_comment(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    if not spec.note_comments:
        return _YES
    from mulligan.core.triggers.comments import is_found  # few need it, and it takes a while

    text = event.note.text if event.note is not None else ""
    if any(is_found(pattern, text) for pattern in spec.note_comments):
        return _YES
    reason = f"the comment matches none of {', '.join(spec.note_comments)}"
    return Rejection(filter="comment", reason=reason)


def _review_state(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    return _one_of("state", spec.review_states, event.review.state if event.review else "")


def _review_type(spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    return _one_of("type", spec.review_types, event.review.about if event.review else "")


def _not_deleted(_spec: CodeSpec, event: CodeEvent) -> Rejection | Match:
    if event.action == "delete":
        return Rejection(filter="action", reason="something was deleted")
    return _YES


_OF_MERGE_REQUESTS = (_wip, _user, _target_branch, _source_branch, _skip_ci, _message)
_ORDER: dict[EventKind, tuple[Filter, ...]] = {
    EventKind.PUSH: (_has_commits, _user, _branch, _skip_ci, _path, _message, _action),
    EventKind.TAG: (_user, _tag, _from_branch, _action),
    EventKind.MERGE_REQUEST: (*_OF_MERGE_REQUESTS, _action, _labels, _path),
    EventKind.MERGED: (*_OF_MERGE_REQUESTS, _labels, _path),
    EventKind.CREATE: (_not_deleted, _user, _branch),
    EventKind.ISSUE: (_user, _issue_action),
    EventKind.NOTE: (_user, _note_type, _note_comment),
    EventKind.REVIEW: (_user, _review_state, _review_type),
    EventKind.PING: (),
    EventKind.OTHER: (),
}
