"""Events of GitLab, and of TGit, which speaks like its early versions."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from mulligan.core.triggers.event import CodeEvent, Issue, MergeRequest, Note, Review
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

_NOTES_ABOUT = {"MergeRequest": "Review", "Review": "Review", "Issue": "Issue"}
_ACTIONS = {"update": "push-update"}


def read_gitlab(host: str, name: str, payload: Payload) -> CodeEvent:
    """Read an event; its kind stands in the payload."""
    kind = payload.text("object_kind", "event_name") or _kind_of(name)
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(host, kind, payload)
    return _event(host, EventKind.OTHER, kind, payload)


def _kind_of(name: str) -> str:
    """Return the kind that a header names: "Tag Push Hook"."""
    return name.lower().removesuffix(" hook").replace(" ", "_")


def _event(host: str, kind: EventKind, name: str, payload: Payload, **more: Any) -> CodeEvent:
    project = payload.part("project")
    target = payload.part("object_attributes.target")
    repository = repository_of(
        project if project.has("id") or project.has("web_url") else payload.part("repository")
    )
    if not repository.full_name and target.has("http_url"):
        repository = repository_of(target)
    base = CodeEvent(
        host=host,
        kind=kind,
        name=name,
        repository=repository,
        user=payload.text("user.username", "user_username", "user.name", "user_name"),
        action=payload.text("object_attributes.action"),
    )
    return replace(base, **more)


def _push(host: str, name: str, payload: Payload) -> CodeEvent:
    ref = payload.text("ref")
    before = commit_id(payload.text("before"))
    after = commit_id(payload.text("after"))
    is_gone = not after and payload.has("after")
    commits = payload.parts("commits")
    total = count_commits(payload, "total_commits_count")
    newest = commits[-1] if commits else Payload(None)
    common = {
        "ref": ref,
        "before": before,
        "commit": after or commit_id(payload.text("checkout_sha")),
        "message": newest.text("message") or payload.text("message"),
        "author": newest.text("author.name"),
        "commit_url": newest.text("url"),
        "commits": total,
    }
    if ref.startswith(TAGS):
        return _event(
            host,
            EventKind.TAG,
            name,
            payload,
            **common,
            action="delete" if is_gone else "create",
            tag=ref.removeprefix(TAGS),
            tag_from=payload.text("create_from"),
        )
    action = "delete" if is_gone else "new-branch" if not before else "push-file"
    return _event(
        host,
        EventKind.PUSH,
        name,
        payload,
        **common,
        action=action,
        branch=ref.removeprefix(HEADS),
        # only the newest commits are listed
        paths=changed_paths(commits) if total <= len(commits) else None,
    )


def _request_of(request: Payload, payload: Payload) -> MergeRequest:
    return MergeRequest(
        id=request.text("id"),
        number=request.text("iid"),
        title=request.text("title"),
        description=request.text("description"),
        url=request.text("url"),
        source=request.text("source_branch"),
        target=request.text("target_branch"),
        source_url=repository_of(request.part("source")).url,
        target_url=repository_of(request.part("target")).url,
        author=request.text("author.username") or payload.text("user.username"),
        assignees=payload.texts("assignees", "username", "name"),
        reviewers=payload.texts("reviewers", "username", "name"),
        labels=payload.texts("labels", "title", "name") or request.texts("labels", "title"),
        milestone_id=request.text("milestone_id"),
        base_commit=request.text("oldrev"),
        merge_commit=request.text("merge_commit_sha"),
    )


def _merge_request(host: str, name: str, payload: Payload) -> CodeEvent:
    found = payload.part("object_attributes")
    action = found.text("extension_action") if host == "tgit" else ""
    action = action or found.text("action")
    request = _request_of(found, payload)
    is_merge = action == "merge"
    merged = request.merge_commit if is_merge else ""
    return _event(
        host,
        EventKind.MERGE_REQUEST,
        name,
        payload,
        action=_ACTIONS.get(action, action),
        branch=request.target if is_merge else request.source,
        commit=merged or found.text("last_commit.id"),
        message=found.text("last_commit.message") or request.title,
        author=found.text("last_commit.author.name"),
        merge_request=request,
    )


def _issue_of(issue: Payload, payload: Payload) -> Issue:
    return Issue(
        id=issue.text("id"),
        number=issue.text("iid"),
        title=issue.text("title"),
        description=issue.text("description"),
        state=issue.text("state"),
        url=issue.text("url"),
        author=payload.text("user.username", "user.name"),
        milestone_id=issue.text("milestone_id"),
    )


def _issue(host: str, name: str, payload: Payload) -> CodeEvent:
    issue = payload.part("object_attributes")
    return _event(host, EventKind.ISSUE, name, payload, issue=_issue_of(issue, payload))


def _note(host: str, name: str, payload: Payload) -> CodeEvent:
    note = payload.part("object_attributes")
    request = payload.part("merge_request")
    return _event(
        host,
        EventKind.NOTE,
        name,
        payload,
        action="comment",
        note=Note(
            id=note.text("id"),
            about=_NOTES_ABOUT.get(note.text("noteable_type"), "Commit"),
            text=note.text("note"),
            url=note.text("url"),
            author=payload.text("user.username", "user.name"),
        ),
        issue=_issue_of(payload.part("issue"), payload) if payload.has("issue") else None,
        merge_request=_request_of(request, payload) if request.has("iid") else None,
        branch=request.text("source_branch"),
        commit=note.text("commit_id") or request.text("last_commit.id"),
    )


def _review(host: str, name: str, payload: Payload) -> CodeEvent:
    return _event(
        host,
        EventKind.REVIEW,
        name,
        payload,
        action=payload.text("event"),
        user=payload.text("reviewer.reviewer.username", "author.username", "user.username"),
        review=Review(
            id=payload.text("id"),
            state=payload.text("state"),
            about=payload.text("reviewable_type") or "comparison",
            reviewer=payload.text("reviewer.reviewer.username"),
        ),
    )


_READERS: dict[str, Callable[[str, str, Payload], CodeEvent]] = {
    "push": _push,
    "tag_push": _push,
    "merge_request": _merge_request,
    "issue": _issue,
    "note": _note,
    "review": _review,
}
