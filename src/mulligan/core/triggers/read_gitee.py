"""Events of Gitee."""

from collections.abc import Callable

from msgspec.structs import replace

from mulligan.core.triggers.event import CodeEvent, Issue, Note
from mulligan.core.triggers.payload import Payload, repository_of
from mulligan.core.triggers.read_github import merge_request_of, read_push
from mulligan.core.triggers.spec import EventKind

_HOST = "gitee"
_NOTES_ABOUT = {"PullRequest": "Review", "Issue": "Issue"}
_ISSUE_ACTIONS = {"state_change": "update"}


def read_gitee(name: str, payload: Payload) -> CodeEvent:
    """Read an event; `name`: of its header ("Push Hook"), `hook_name` of the payload counts."""
    kind = payload.text("hook_name") or name.lower().replace(" ", "_") + "s"
    if kind in {"push_hooks", "tag_push_hooks"} or (not name and payload.has("ref")):
        return read_push(_HOST, kind, payload)
    event = CodeEvent(
        host=_HOST,
        kind=EventKind.OTHER,
        name=kind,
        repository=repository_of(payload.part("repository", "project")),
        user=payload.text("sender.login", "sender.username", "author.login"),
        action=payload.text("action"),
    )
    reader = _READERS.get(kind)
    return event if reader is None else reader(payload, event)


def _merge_request(payload: Payload, event: CodeEvent) -> CodeEvent:
    pull = payload.part("pull_request")
    request = merge_request_of(pull)
    action = payload.text("action")
    if action == "update" and payload.text("action_desc") == "source_branch_changed":
        action = "push-update"
    is_merge = action == "merge"
    return replace(
        event,
        kind=EventKind.MERGE_REQUEST,
        action=action,
        branch=request.target if is_merge else request.source,
        commit=(request.merge_commit if is_merge else "") or pull.text("head.sha"),
        message=request.title,
        merge_request=request,
    )


def _note(payload: Payload, event: CodeEvent) -> CodeEvent:
    comment, pull = payload.part("comment"), payload.part("pull_request")
    return replace(
        event,
        kind=EventKind.NOTE,
        action="comment",
        note=Note(
            id=comment.text("id"),
            about=_NOTES_ABOUT.get(payload.text("noteable_type"), "Commit"),
            text=comment.text("body"),
            url=comment.text("html_url"),
            author=comment.text("user.login", "user.name"),
        ),
        merge_request=merge_request_of(pull) if pull.has("head") else None,
        branch=pull.text("head.ref"),
        commit=pull.text("head.sha") or comment.text("commit_id"),
    )


def _issue(payload: Payload, event: CodeEvent) -> CodeEvent:
    issue, action = payload.part("issue"), payload.text("action")
    return replace(
        event,
        kind=EventKind.ISSUE,
        action=_ISSUE_ACTIONS.get(action, action),
        issue=Issue(
            id=issue.text("id"),
            number=issue.text("number"),
            title=issue.text("title"),
            description=issue.text("body"),
            state=issue.text("state"),
            url=issue.text("html_url"),
            author=issue.text("user.login", "user.name"),
        ),
    )


_READERS: dict[str, Callable[[Payload, CodeEvent], CodeEvent]] = {
    "merge_request_hooks": _merge_request,
    "note_hooks": _note,
    "issue_hooks": _issue,
}
