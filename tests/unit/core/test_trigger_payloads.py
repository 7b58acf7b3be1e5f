"""What payloads of each host mean, and what a run finds of them in its variables."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hook_payloads as h
from mulligan.core.triggers.event import CodeEvent
from mulligan.core.triggers.proof import Host
from mulligan.core.triggers.reading import delivery_id, read_event
from mulligan.core.triggers.spec import EventKind
from mulligan.core.triggers.values import start_values

NONE = "0" * 40
PUSH, TAG, MR = EventKind.PUSH, EventKind.TAG, EventKind.MERGE_REQUEST


def read(host: Host, content: object, **headers: str) -> CodeEvent:
    """Read a payload; `_` in names of headers stands for `-`."""
    known = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return read_event(host, lambda name: known.get(name.lower(), ""), content)


def github(content: object, event: str = "push") -> CodeEvent:
    """Read an event of GitHub."""
    return read(Host.GITHUB, content, X_GitHub_Event=event)


def gitee(content: object) -> CodeEvent:
    """Read an event of Gitee."""
    return read(Host.GITEE, content)


def gitlab(content: object) -> CodeEvent:
    """Read an event of GitLab."""
    return read(Host.GITLAB, content)


COMMENT = {"id": 1, "body": "/test", "html_url": "https://x/1", "user": {"login": "ann"}}
ISSUE = {"id": 5, "number": 3, "title": "Slow", "state": "open", "user": {"login": "bob"}}
# case -> (event, kind, action, branch, tag)
EVENTS: dict[str, tuple[CodeEvent, EventKind, str, str, str]] = {
    "GitHub push": (github(h.push()), PUSH, "push-file", "main", ""),
    "GitHub new branch": (
        github(h.push(before=NONE, created=True, commits=[])),
        PUSH,
        "new-branch",
        "main",
        "",
    ),
    "GitHub deleted": (github(h.push(after=NONE, deleted=True)), PUSH, "delete", "main", ""),
    "GitHub tag": (
        github(h.push(ref="refs/tags/v1", before=NONE, created=True)),
        TAG,
        "create",
        "",
        "v1",
    ),
    "GitHub create": (
        github({"ref": "v1", "ref_type": "tag", "repository": {}}, "create"),
        EventKind.CREATE,
        "create",
        "",
        "v1",
    ),
    "GitHub opened": (github(h.pull_request(), "pull_request"), MR, "open", "feature/a", ""),
    "GitHub pushed": (
        github(h.pull_request("synchronize"), "pull_request"),
        MR,
        "push-update",
        "feature/a",
        "",
    ),
    "GitHub closed": (
        github(h.pull_request("closed"), "pull_request"),
        MR,
        "close",
        "feature/a",
        "",
    ),
    "GitHub merged": (
        github(h.pull_request("closed", merged=True, merge_commit_sha=h.OLD), "pull_request"),
        MR,
        "merge",
        "main",
        "",
    ),
    "GitHub ping": (github({"zen": "x"}, "ping"), EventKind.PING, "", "", ""),
    "GitHub star": (github({"action": "created"}, "star"), EventKind.OTHER, "created", "", ""),
    "Gitea pushed": (
        read(Host.GITEA, h.pull_request("synchronized"), X_Gitea_Event="pull_request"),
        MR,
        "push-update",
        "feature/a",
        "",
    ),
    "Gitea approved": (
        read(
            Host.GITEA,
            {**h.pull_request("reviewed"), "review": {"content": "ok"}},
            X_Gitea_Event_Type="pull_request_review_approved",
        ),
        EventKind.REVIEW,
        "reviewed",
        "feature/a",
        "",
    ),
    "GitLab push": (gitlab(h.gitlab_push()), PUSH, "push-file", "main", ""),
    "GitLab new branch": (gitlab(h.gitlab_push(before=NONE)), PUSH, "new-branch", "main", ""),
    "GitLab tag": (
        gitlab(h.gitlab_push(object_kind="tag_push", ref="refs/tags/v1", before=NONE)),
        TAG,
        "create",
        "",
        "v1",
    ),
    "GitLab opened": (gitlab(h.gitlab_merge_request()), MR, "open", "feature/a", ""),
    "GitLab update": (gitlab(h.gitlab_merge_request("update")), MR, "push-update", "feature/a", ""),
    "GitLab merged": (gitlab(h.gitlab_merge_request("merge")), MR, "merge", "main", ""),
    "TGit push": (read(Host.TGIT, h.tgit_push()), PUSH, "push-file", "main", ""),
    "TGit pushed": (
        read(Host.TGIT, h.gitlab_merge_request("update", extension_action="push-update")),
        MR,
        "push-update",
        "feature/a",
        "",
    ),
    "Gitee push": (gitee(h.gitee_push()), PUSH, "push-file", "main", ""),
    "Gitee opened": (gitee(h.gitee_merge_request("open")), MR, "open", "feature/a", ""),
    "Gitee pushed": (
        gitee(h.gitee_merge_request("update", "source_branch_changed")),
        MR,
        "push-update",
        "feature/a",
        "",
    ),
    "Gitee merged": (gitee(h.gitee_merge_request("merge")), MR, "merge", "main", ""),
    "GitHub, little": (github({"ref": "refs/heads/main"}), PUSH, "new-branch", "main", ""),
    "GitLab, little": (
        read(Host.GITLAB, {"ref": "refs/tags/v1"}, X_Gitlab_Event="Tag Push Hook"),
        TAG,
        "create",
        "",
        "v1",
    ),
    "GitLab deleted": (gitlab(h.gitlab_push(after=NONE)), PUSH, "delete", "main", ""),
    "Gitee, little": (gitee({"ref": "refs/heads/main"}), PUSH, "new-branch", "main", ""),
    "standard push": (read(Host.STANDARD, h.push()), PUSH, "push-file", "main", ""),
    "standard other": (read(Host.STANDARD, {"type": "x.y"}), EventKind.OTHER, "", "", ""),
}


@pytest.mark.parametrize("case", EVENTS)
def test_what_an_event_is(case: str) -> None:
    """The same happening is the same event, whichever host tells of it."""
    event, kind, action, branch, tag = EVENTS[case]

    assert (event.kind, event.action, event.branch, event.tag) == (kind, action, branch, tag)


@pytest.mark.parametrize(
    "event",
    [
        github(h.push()),
        gitlab(h.gitlab_push()),
        read(Host.TGIT, h.tgit_push()),
        gitee(h.gitee_push()),
        read(Host.GITEA, h.push(), X_Gitea_Event="push"),
    ],
    ids=lambda event: event.host,
)
def test_a_push_says_who_what_and_where(event: CodeEvent) -> None:
    """Repository, author, commits and paths come from every host."""
    assert event.repository.full_name == "shop/api"
    assert event.repository.url.endswith("/shop/api.git")
    assert (event.user, event.commit, event.before, event.commits) == ("ann", h.NEW, h.OLD, 1)
    assert event.message == "Faster look-up"
    assert event.paths


def test_paths_are_unknown_when_the_host_lists_only_some_commits() -> None:
    """GitLab lists the newest twenty: a filter of paths must not go by those alone."""
    assert gitlab(h.gitlab_push(total_commits_count=30)).paths is None


def test_a_push_that_says_nothing_of_commits_has_one() -> None:
    """Only who says that there was none is believed."""
    little = {"ref": "refs/heads/main", "before": h.OLD, "after": h.NEW}

    for event in (github(little), gitlab({"object_kind": "push", **little})):
        assert (event.action, event.commits, event.paths) == ("push-file", 1, None)
    assert github({**little, "commits": []}).commits == 0


def test_notes_and_issues() -> None:
    """Comments say what they are about; issues what became of them."""
    of_issue = github({"action": "created", "comment": COMMENT, "issue": ISSUE}, "issue_comment")
    pull = {**ISSUE, "pull_request": {}}
    of_pull = github({"action": "created", "comment": COMMENT, "issue": pull}, "issue_comment")
    of_commit = github({"comment": {**COMMENT, "commit_id": h.NEW}}, "commit_comment")
    of_gitlab = gitlab(
        {"object_kind": "note", "object_attributes": {"note": "/x", "noteable_type": "Issue"}}
    )
    issue = github({"action": "closed", "issue": ISSUE}, "issues")

    abouts = [event.note.about for event in (of_issue, of_pull, of_commit, of_gitlab) if event.note]
    assert abouts == ["Issue", "Review", "Commit", "Issue"]
    assert of_commit.commit == h.NEW
    assert issue.action == "close"
    assert start_values(issue, {})["BK_REPO_GIT_WEBHOOK_ISSUE_TITLE"] == "Slow"
    assert start_values(of_issue, {})["BK_REPO_GIT_WEBHOOK_NOTE_COMMENT"] == "/test"


def test_variables_of_a_push() -> None:
    """Scripts find branch, commits, author and event under the names that they know."""
    values = start_values(github(h.push()), {"matchBranch": "ma*"})

    assert (
        values.items()
        >= {
            "GIT_CI_EVENT": "push",
            "BK_CI_HOOK_EVENT_TYPE": "PUSH",
            "BK_REPO_GIT_WEBHOOK_BRANCH": "main",
            "GIT_CI_REF": "refs/heads/main",
            "GIT_CI_SHA": h.NEW,
            "GIT_CI_SHA_SHORT": h.NEW[:8],
            "GIT_CI_BEFORE_SHA": h.OLD,
            "GIT_CI_REPO": "shop/api",
            "GIT_CI_REPO_GROUP": "shop",
            "GIT_CI_REPO_NAME": "api",
            "GIT_CI_COMMIT_MESSAGE": "Faster look-up",
            "BK_CI_START_WEBHOOK_USER_ID": "ann",
            "matchBranch": "ma*",
        }.items()
    )


@pytest.mark.parametrize(("action", "branch"), [("open", "feature/a"), ("merge", "main")])
def test_head_and_base_of_a_merge_request_are_swapped(action: str, branch: str) -> None:
    """[S] head is the target and base the source; the branch is the source until it is merged."""
    values = start_values(gitlab(h.gitlab_merge_request(action)), {})

    assert (values["GIT_CI_HEAD_REF"], values["GIT_CI_BASE_REF"]) == ("main", "feature/a")
    assert values["BK_REPO_GIT_WEBHOOK_BRANCH"] == branch
    assert values["GIT_CI_MR_IID"] == "4"
    assert values["BK_REPO_GIT_WEBHOOK_MR_LABELS"] == "perf"


def test_over_long_values_are_left_out() -> None:
    """A value that no variable can hold is not there at all."""
    commit = {"id": h.NEW, "message": "x" * 4001}
    assert "GIT_CI_COMMIT_MESSAGE" not in start_values(github(h.push(commits=[commit])), {})


@pytest.mark.parametrize("host", Host)
def test_ids_of_deliveries(host: Host) -> None:
    """Every kind of host has a header that names a delivery; without it there is no name."""
    assert delivery_id(host, lambda _name: "x" * 300) == "x" * 200
    assert delivery_id(host, lambda _name: "") == ""


NAMES = (
    *("ref", "before", "after", "commits", "repository", "sender", "pull_request", "head"),
    *("object_kind", "object_attributes", "project", "labels", "comment", "issue", "user", "id"),
    *("action", "added", "review", "total_commits_count"),
)
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(Host), JSON, st.sampled_from(["push", "pull_request", "issues", "", "x"]))
def test_no_payload_is_too_strange(host: Host, content: Any, name: str) -> None:
    """Whatever comes from a proven sender is some event, never an error of the server."""
    event = read_event(host, lambda header: name if "vent" in header else "", content)

    assert all(isinstance(value, str) for value in start_values(event, {}).values())
