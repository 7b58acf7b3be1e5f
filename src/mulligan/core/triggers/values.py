"""What a run that an event started finds in its variables (spec/bkci-model-and-engine.md §2.15.1).

For merge requests `ci.head_ref` is the target branch and `ci.base_ref` the source: scripts rely on
it upstream.
"""

from collections.abc import Iterator, Mapping

from mulligan.core.triggers.event import CodeEvent, Issue, MergeRequest, Note, Review
from mulligan.core.triggers.spec import EventKind
from mulligan.core.values import LONGEST_VALUE

# How the names of values begin that an event brings; and those that begin otherwise.
_PREFIXES = ("GIT_CI_", "BK_CI_HOOK_", "BK_REPO_GIT")
_OTHERS = frozenset(
    {"BK_CI_TRIGGER_EVENT_TYPE", "BK_CI_START_WEBHOOK_USER_ID", "BK_CI_START_TASK_ID"}
    | {"matchBranch", "matchTag", "matchPaths"}
)
_SHORT = 8  # digits of a short commit id

# Names in the context `ci`, and what they are stored under.
CI_NAMES: dict[str, str] = {
    "event": "GIT_CI_EVENT",
    "event_type": "BK_CI_TRIGGER_EVENT_TYPE",
    "event_url": "GIT_CI_EVENT_URL",
    "action": "GIT_CI_ACTION",
    "ref": "GIT_CI_REF",
    "head_ref": "GIT_CI_HEAD_REF",
    "base_ref": "GIT_CI_BASE_REF",
    "branch": "BK_REPO_GIT_WEBHOOK_BRANCH",
    "sha": "GIT_CI_SHA",
    "sha_short": "GIT_CI_SHA_SHORT",
    "before_sha": "GIT_CI_BEFORE_SHA",
    "before_sha_short": "GIT_CI_BEFORE_SHA_SHORT",
    "commit_message": "GIT_CI_COMMIT_MESSAGE",
    "commit_author": "GIT_CI_COMMIT_AUTHOR",
    "repo": "GIT_CI_REPO",
    "repo_id": "GIT_CI_REPO_ID",
    "repo_name": "GIT_CI_REPO_NAME",
    "repo_group": "GIT_CI_REPO_GROUP",
    "repo_url": "GIT_CI_REPO_URL",
    "repo_type": "GIT_CI_REPO_TYPE",
    "repo_alias_name": "GIT_CI_REPO_ALIAS_NAME",
    "base_repo_url": "GIT_CI_BASE_REPO_URL",
    "head_repo_url": "GIT_CI_HEAD_REPO_URL",
    "mr_id": "GIT_CI_MR_ID",
    "mr_iid": "GIT_CI_MR_IID",
    "mr_title": "GIT_CI_MR_TITLE",
    "mr_desc": "GIT_CI_MR_DESC",
    "mr_url": "GIT_CI_MR_URL",
    "mr_action": "GIT_CI_MR_ACTION",
    "mr_proposer": "GIT_CI_MR_PROPOSER",
    "mr_reviewers": "BK_REPO_GIT_WEBHOOK_MR_REVIEWERS",
    "mr_labels": "BK_REPO_GIT_WEBHOOK_MR_LABELS",
    "mr_assignees": "BK_REPO_GIT_WEBHOOK_MR_ASSIGNEE",
    "milestone_id": "BK_REPO_GIT_WEBHOOK_MR_MILESTONE_ID",
    "milestone_name": "BK_REPO_GIT_WEBHOOK_MR_MILESTONE",
    "tag_from": "GIT_CI_TAG_FROM",
    "tag_message": "GIT_CI_TAG_MESSAGE",
    "create_ref": "BK_REPO_GITHUB_WEBHOOK_CREATE_REF_NAME",
    "create_type": "BK_REPO_GITHUB_WEBHOOK_CREATE_REF_TYPE",
    "issue_id": "BK_REPO_GIT_WEBHOOK_ISSUE_ID",
    "issue_iid": "BK_REPO_GIT_WEBHOOK_ISSUE_IID",
    "issue_title": "BK_REPO_GIT_WEBHOOK_ISSUE_TITLE",
    "issue_description": "BK_REPO_GIT_WEBHOOK_ISSUE_DESCRIPTION",
    "issue_state": "BK_REPO_GIT_WEBHOOK_ISSUE_STATE",
    "issue_owner": "BK_REPO_GIT_WEBHOOK_ISSUE_OWNER",
    "issue_milestone_id": "BK_REPO_GIT_WEBHOOK_ISSUE_MILESTONE_ID",
    "note_id": "BK_REPO_GIT_WEBHOOK_NOTE_ID",
    "note_type": "BK_REPO_GIT_WEBHOOK_NOTE_NOTEABLE_TYPE",
    "note_comment": "BK_REPO_GIT_WEBHOOK_NOTE_COMMENT",
    "note_author": "BK_REPO_GIT_WEBHOOK_NOTE_AUTHOR",
    "review_id": "BK_REPO_GIT_WEBHOOK_REVIEW_ID",
    "review_type": "BK_REPO_GIT_WEBHOOK_REVIEW_REVIEWABLE_TYPE",
    "review_state": "BK_REPO_GIT_WEBHOOK_REVIEW_STATE",
    "review_owner": "BK_REPO_GIT_WEBHOOK_REVIEW_OWNER",
}
# Event types as definitions write them, and what `ci.event` says.
_TYPES = {
    EventKind.PUSH: ("PUSH", "push"),
    EventKind.TAG: ("TAG_PUSH", "tag_push"),
    EventKind.MERGE_REQUEST: ("MERGE_REQUEST", "merge_request"),
    EventKind.CREATE: ("CREATE", "create"),
    EventKind.ISSUE: ("ISSUES", "issue"),
    EventKind.NOTE: ("NOTE", "note"),
    EventKind.REVIEW: ("REVIEW", "review"),
}
SCHEDULE = {"GIT_CI_EVENT": "schedule"}
_SCM_TYPES = {"github": "GITHUB", "gitlab": "GITLAB", "tgit": "TGIT"}


def event_type(event: CodeEvent) -> str:
    """Return the type of an event as definitions write it."""
    if event.kind is EventKind.MERGE_REQUEST and event.action == "merge":
        return "MERGE_REQUEST_ACCEPT"
    if event.kind is EventKind.MERGE_REQUEST and event.host == "github":
        return "PULL_REQUEST"
    return _TYPES.get(event.kind, (event.name.upper(), event.name))[0]


def start_values(event: CodeEvent, found: dict[str, str]) -> dict[str, str]:
    """Give the variables that an event brings to its run.

    Args:
        found: What the filters found: `matchBranch` and so on.

    Returns:
        Values by stored name; empty and over-long ones are left out.
    """
    pairs = [*_common(event), *_refs(event)]
    if event.merge_request is not None:
        pairs += _of_merge_request(event, event.merge_request)
    if event.issue is not None:
        pairs += _of_issue(event.issue)
    if event.note is not None:
        pairs += _of_note(event.note)
    if event.review is not None:
        pairs += _of_review(event.review)
    pairs += found.items()
    return {name: value for name, value in pairs if 0 < len(value) <= LONGEST_VALUE}


def event_values(values: Mapping[str, str]) -> dict[str, str]:
    """Return those of a run's values that the event has brought which started it."""
    return {
        name: value
        for name, value in values.items()
        if name.startswith(_PREFIXES) or name in _OTHERS
    }


Pairs = Iterator[tuple[str, str]]


def _common(event: CodeEvent) -> Pairs:
    repository = event.repository
    kind = _SCM_TYPES.get(event.host, "GIT")
    yield "GIT_CI_EVENT", _TYPES.get(event.kind, ("", event.name))[1]
    yield "BK_CI_TRIGGER_EVENT_TYPE", event_type(event)
    yield "BK_CI_HOOK_EVENT_TYPE", event_type(event)
    yield "BK_CI_HOOK_TYPE", kind
    yield "BK_CI_HOOK_REVISION", event.commit
    yield "BK_CI_HOOK_BRANCH", event.branch
    yield "BK_CI_HOOK_MESSAGE", event.message
    yield "BK_CI_START_WEBHOOK_USER_ID", event.user
    yield "BK_REPO_GIT_WEBHOOK_COMMIT_ID", event.commit
    yield "BK_REPO_GIT_WEBHOOK_EVENT_TYPE", event_type(event)
    yield "BK_REPO_GIT_WEBHOOK_PUSH_USERNAME", event.user
    yield "GIT_CI_ACTION", event.action
    yield "GIT_CI_EVENT_URL", event.url
    yield "GIT_CI_COMMIT_MESSAGE", event.message
    yield "GIT_CI_COMMIT_AUTHOR", event.author
    yield "GIT_CI_SHA", event.commit
    yield "GIT_CI_SHA_SHORT", event.commit[:_SHORT]
    yield "GIT_CI_BEFORE_SHA", event.before
    yield "GIT_CI_BEFORE_SHA_SHORT", event.before[:_SHORT]
    yield "GIT_CI_REPO", repository.full_name
    yield "GIT_CI_REPO_ID", repository.id
    yield "GIT_CI_REPO_NAME", repository.name
    yield "GIT_CI_REPO_GROUP", repository.group
    yield "GIT_CI_REPO_URL", repository.url
    yield "GIT_CI_REPO_TYPE", kind


def _refs(event: CodeEvent) -> Pairs:
    if event.merge_request is not None:
        return
    yield "GIT_CI_REF", event.ref
    yield "BK_REPO_GIT_WEBHOOK_BRANCH", event.branch or event.tag
    yield "GIT_CI_HEAD_REF", event.branch or event.tag
    if event.kind is EventKind.TAG:
        yield "BK_REPO_GIT_WEBHOOK_TAG_NAME", event.tag
        yield "GIT_CI_TAG_FROM", event.tag_from
        yield "GIT_CI_TAG_MESSAGE", event.message
    elif event.kind is EventKind.CREATE:
        yield "BK_REPO_GITHUB_WEBHOOK_CREATE_REF_NAME", event.branch or event.tag
        yield "BK_REPO_GITHUB_WEBHOOK_CREATE_REF_TYPE", "tag" if event.tag else "branch"
    elif event.kind is EventKind.PUSH:
        yield "BK_REPO_GIT_WEBHOOK_PUSH_BEFORE_COMMIT", event.before
        yield "BK_REPO_GIT_WEBHOOK_PUSH_AFTER_COMMIT", event.commit
        yield "BK_REPO_GIT_WEBHOOK_PUSH_TOTAL_COMMIT", str(event.commits)


def _of_merge_request(event: CodeEvent, request: MergeRequest) -> Pairs:
    is_merge = event.action == "merge"
    yield "GIT_CI_REF", f"refs/heads/{request.source}"
    yield "GIT_CI_HEAD_REF", request.target
    yield "GIT_CI_BASE_REF", request.source
    yield "GIT_CI_HEAD_REPO_URL", request.target_url
    yield "GIT_CI_BASE_REPO_URL", request.source_url
    yield "BK_REPO_GIT_WEBHOOK_BRANCH", request.target if is_merge else request.source
    yield "BK_CI_HOOK_SOURCE_BRANCH", request.source
    yield "BK_CI_HOOK_TARGET_BRANCH", request.target
    yield "BK_CI_HOOK_SOURCE_URL", request.source_url
    yield "BK_CI_HOOK_TARGET_URL", request.target_url
    for name, value in (
        ("ID", request.id),
        ("IID", request.number),
        ("TITLE", request.title),
        ("DESC", request.description),
        ("URL", request.url),
        ("ACTION", event.action),
        ("PROPOSER", request.author),
    ):
        yield f"GIT_CI_MR_{name}", value
    for name, value in (
        ("ID", request.id),
        ("NUMBER", request.number),
        ("TITLE", request.title),
        ("DESCRIPTION", request.description),
        ("URL", request.url),
        ("ACTION", event.action),
        ("AUTHOR", request.author),
        ("SOURCE_BRANCH", request.source),
        ("TARGET_BRANCH", request.target),
        ("SOURCE_URL", request.source_url),
        ("TARGET_URL", request.target_url),
        ("MERGE_COMMIT_SHA", request.merge_commit),
        ("BASE_COMMIT", request.base_commit),
        ("LAST_COMMIT", event.commit),
        ("ASSIGNEE", ",".join(request.assignees)),
        ("REVIEWERS", ",".join(request.reviewers)),
        ("LABELS", ",".join(request.labels)),
        ("MILESTONE", request.milestone),
        ("MILESTONE_ID", request.milestone_id),
    ):
        yield f"BK_REPO_GIT_WEBHOOK_MR_{name}", value


def _of_issue(issue: Issue) -> Pairs:
    prefix = "BK_REPO_GIT_WEBHOOK_ISSUE_"
    yield prefix + "ID", issue.id
    yield prefix + "IID", issue.number
    yield prefix + "TITLE", issue.title
    yield prefix + "DESCRIPTION", issue.description
    yield prefix + "STATE", issue.state
    yield prefix + "OWNER", issue.author
    yield prefix + "URL", issue.url
    yield prefix + "MILESTONE_ID", issue.milestone_id


def _of_note(note: Note) -> Pairs:
    prefix = "BK_REPO_GIT_WEBHOOK_NOTE_"
    yield prefix + "ID", note.id
    yield prefix + "NOTEABLE_TYPE", note.about
    yield prefix + "COMMENT", note.text
    yield prefix + "AUTHOR", note.author
    yield prefix + "URL", note.url


def _of_review(review: Review) -> Pairs:
    prefix = "BK_REPO_GIT_WEBHOOK_REVIEW_"
    yield prefix + "ID", review.id
    yield prefix + "STATE", review.state
    yield prefix + "REVIEWABLE_TYPE", review.about
    yield prefix + "OWNER", review.reviewer
