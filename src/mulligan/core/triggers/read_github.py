"""Events of GitHub, and of Gitea, Forgejo and Gogs, which speak almost like it."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from mulligan.core.triggers.event import (
    CodeEvent,
    Issue,
    MergeRequest,
    Note,
    Review,
)
from mulligan.core.triggers.payload import (
    HEADS,
    TAGS,
    Payload,
    changed_paths,
    commit_id,
    count_commits,
    repository_of,
)
from mulligan.core.triggers.spec import EventKind

_ACTIONS = {
    "opened": "open",
    "reopened": "reopen",
    "synchronize": "push-update",
    "synchronized": "push-update",
    "edited": "update",
}
_STATES = {"changes_requested": "change_required", "commented": "approving"}
_ISSUE_ACTIONS = {"opened": "open", "closed": "close", "reopened": "reopen", "edited": "update"}
_GITEA_REVIEWS = {
    "pull_request_approved": "approved",
    "pull_request_rejected": "change_required",
    "pull_request_review_approved": "approved",
    "pull_request_review_rejected": "change_required",
    "pull_request_review_comment": "approving",
}


def read_github(host: str, name: str, payload: Payload) -> CodeEvent:
    """Read an event; `name` is the one of its header."""
    reader = _READERS.get(name)
    if reader is not None:
        return reader(host, name, payload)
    if name in _GITEA_REVIEWS:
        return _review(host, name, payload)
    return _event(host, EventKind.OTHER, name, payload)


def _event(host: str, kind: EventKind, name: str, payload: Payload, **more: Any) -> CodeEvent:
    base = CodeEvent(
        host=host,
        kind=kind,
        name=name,
        repository=repository_of(payload.part("repository")),
        user=_login(payload.part("sender")),
        action=payload.text("action"),
    )
    return replace(base, **more)


def _login(part: Payload) -> str:
    return part.text("login", "username", "name")


def _ping(host: str, name: str, payload: Payload) -> CodeEvent:
    return _event(host, EventKind.PING, name, payload)


def read_push(host: str, name: str, payload: Payload) -> CodeEvent:
    """Read a push of a branch or tag."""
    ref = payload.text("ref")
    before = commit_id(payload.text("before"))
    after = commit_id(payload.text("after"))
    head = payload.part("head_commit")
    commits = payload.parts("commits")
    newest = head if head.has("id") else (commits[-1] if commits else head)
    is_gone = payload.flag("deleted") or (not after and payload.has("after"))
    is_new = payload.flag("created") or not before
    common = {
        "ref": ref,
        "before": before,
        "commit": after,
        "message": newest.text("message"),
        "author": newest.text("author.username", "author.name"),
        "commit_url": newest.text("url"),
        "commits": count_commits(payload, "total_commits"),
        "forced": payload.flag("forced"),
    }
    user = _login(payload.part("sender")) or _login(payload.part("pusher"))
    if ref.startswith(TAGS):
        action = "delete" if is_gone else "create"
        tag_from = payload.text("base_ref").removeprefix(HEADS)
        return _event(
            host,
            EventKind.TAG,
            name,
            payload,
            **common,
            user=user,
            action=action,
            tag=ref.removeprefix(TAGS),
            tag_from=tag_from,
        )
    action = "delete" if is_gone else "new-branch" if is_new else "push-file"
    return _event(
        host,
        EventKind.PUSH,
        name,
        payload,
        **common,
        user=user,
        action=action,
        branch=ref.removeprefix(HEADS),
        paths=changed_paths(commits) if payload.has("commits") else None,
    )


def _create(host: str, name: str, payload: Payload) -> CodeEvent:
    ref = payload.text("ref")
    is_tag = payload.text("ref_type") == "tag"
    return _event(
        host,
        EventKind.CREATE,
        name,
        payload,
        ref=(TAGS if is_tag else HEADS) + ref,
        tag=ref if is_tag else "",
        branch="" if is_tag else ref,
        commit=commit_id(payload.text("sha")),
        action="create",
    )


def merge_request_of(pull: Payload) -> MergeRequest:
    """Read a pull request as these hosts and Gitee describe it."""
    return MergeRequest(
        id=pull.text("id"),
        number=pull.text("number", "iid"),
        title=pull.text("title"),
        description=pull.text("body"),
        url=pull.text("html_url", "url"),
        source=pull.text("head.ref"),
        target=pull.text("base.ref"),
        source_url=repository_of(pull.part("head.repo")).url,
        target_url=repository_of(pull.part("base.repo")).url,
        author=_login(pull.part("user")),
        assignees=pull.texts("assignees", "login", "username", "name"),
        reviewers=pull.texts("requested_reviewers", "login", "username", "name"),
        labels=pull.texts("labels", "name"),
        milestone=pull.text("milestone.title"),
        milestone_id=pull.text("milestone.id"),
        base_commit=pull.text("base.sha"),
        merge_commit=pull.text("merge_commit_sha"),
    )


def _pull_request(host: str, name: str, payload: Payload) -> CodeEvent:
    pull = payload.part("pull_request")
    action = payload.text("action")
    if action == "closed":
        action = "merge" if pull.flag("merged") else "close"
    request = merge_request_of(pull)
    return _event(
        host,
        EventKind.MERGE_REQUEST,
        name,
        payload,
        action=_ACTIONS.get(action, action),
        branch=request.target if action == "merge" else request.source,
        commit=request.merge_commit if action == "merge" else pull.text("head.sha"),
        message=pull.text("title"),
        merge_request=request,
    )


def _issue_of(issue: Payload) -> Issue:
    return Issue(
        id=issue.text("id"),
        number=issue.text("number"),
        title=issue.text("title"),
        description=issue.text("body"),
        state=issue.text("state"),
        url=issue.text("html_url", "url"),
        author=_login(issue.part("user")),
        milestone_id=issue.text("milestone.id"),
    )


def _issues(host: str, name: str, payload: Payload) -> CodeEvent:
    action = payload.text("action")
    return _event(
        host,
        EventKind.ISSUE,
        name,
        payload,
        action=_ISSUE_ACTIONS.get(action, action),
        issue=_issue_of(payload.part("issue")),
    )


def _note(host: str, name: str, payload: Payload) -> CodeEvent:
    comment = payload.part("comment")
    issue = payload.part("issue")
    is_pull = issue.has("pull_request") or payload.has("pull_request") or payload.flag("is_pull")
    about = "Review" if is_pull else "Issue" if payload.has("issue") else "Commit"
    pull = payload.part("pull_request")
    return _event(
        host,
        EventKind.NOTE,
        name,
        payload,
        note=Note(
            id=comment.text("id"),
            about=about,
            text=comment.text("body"),
            url=comment.text("html_url", "url"),
            author=_login(comment.part("user")),
        ),
        issue=_issue_of(issue) if about == "Issue" else None,
        merge_request=merge_request_of(pull) if pull.has("head") else None,
        branch=pull.text("head.ref"),
        commit=comment.text("commit_id") or pull.text("head.sha"),
    )


def _review(host: str, name: str, payload: Payload) -> CodeEvent:
    review, pull = payload.part("review"), payload.part("pull_request")
    state = review.text("state").lower()
    return _event(
        host,
        EventKind.REVIEW,
        name,
        payload,
        review=Review(
            id=review.text("id"),
            state=_GITEA_REVIEWS.get(name) or _STATES.get(state, state),
            url=review.text("html_url"),
            reviewer=_login(review.part("user")) or _login(payload.part("sender")),
        ),
        merge_request=merge_request_of(pull),
        branch=pull.text("head.ref"),
        commit=review.text("commit_id") or pull.text("head.sha"),
    )


_READERS: dict[str, Callable[[str, str, Payload], CodeEvent]] = {
    "ping": _ping,
    "push": read_push,
    "create": _create,
    "pull_request": _pull_request,
    "pull_request_sync": _pull_request,
    "issues": _issues,
    "issue_comment": _note,
    "pull_request_comment": _note,
    "commit_comment": _note,
    "pull_request_review": _review,
    "pull_request_review_comment": _note,
}
