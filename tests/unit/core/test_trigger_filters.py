"""The filters of code triggers, as tables: what is let through, and the reason when it is not."""

from typing import Any

import pytest

from mulligan.core.ids import StepId
from mulligan.core.triggers.choose import choose, names_it
from mulligan.core.triggers.comments import PatternError, check_pattern, is_found
from mulligan.core.triggers.event import CodeEvent, EventRepository, MergeRequest, Note, Review
from mulligan.core.triggers.filters import Match, Rejection, judge
from mulligan.core.triggers.patterns import matches
from mulligan.core.triggers.spec import (
    CodeSpec,
    EventKind,
    RepositoryBy,
    RepositoryRef,
    TriggerKind,
    TriggerSpec,
)

REPOSITORY = EventRepository(
    full_name="shop/api",
    url="https://git.example.com/shop/api.git",
    ssh_url="git@git.example.com:shop/api.git",
)


def push(**fields: Any) -> CodeEvent:
    """Give a push of one commit to main by ann."""
    given: dict[str, Any] = {
        "host": "github",
        "kind": EventKind.PUSH,
        "name": "push",
        "repository": REPOSITORY,
        "user": "ann",
        "action": "push-file",
        "branch": "main",
        "commits": 1,
        "paths": ("src/a.py", "docs/b.md"),
    }
    return CodeEvent(**{**given, **fields})


def request(**fields: Any) -> CodeEvent:
    """Give a merge request of feature/a into main that was opened."""
    inner = {"source": "feature/a", "target": "main", "title": "Faster", "labels": ("perf",)}
    found = MergeRequest(**{**inner, **fields.pop("merge_request", {})})
    given = {"kind": EventKind.MERGE_REQUEST, "action": "open", "paths": None}
    return push(**{**given, **fields, "merge_request": found})


def of(event: EventKind = EventKind.PUSH, **fields: Any) -> CodeSpec:
    """Give a trigger."""
    return CodeSpec(event=event, **fields)


ANT = [
    ("*", "main", True),
    ("*", "feature/a", False),  # a star stays within its segment
    ("**", "feature/a", True),
    ("feature/*", "feature/a", True),
    ("feature/*", "feature/a/b", False),
    ("feature/**", "feature/a/b", True),
    ("feature/**", "feature", True),
    ("**/a", "x/y/a", True),
    ("**/a", "a", True),
    ("a/**/z", "a/z", True),
    ("a/**/z", "a/b/c/z", True),
    ("a/**/z", "a/b/c/y", False),
    ("rel-?.*", "rel-1.2", True),
    ("rel-?", "rel-10", False),
    ("v[1]", "v[1]", True),  # brackets mean nothing
    ("v[1]", "v1", False),
    ("/a", "a", False),
    ("", "a", False),
]


@pytest.mark.parametrize(("pattern", "text", "wanted"), ANT)
def test_ant_patterns(pattern: str, text: str, wanted: bool) -> None:
    """Patterns match as Spring's do."""
    assert matches(pattern, text) is wanted


MR, MERGED = EventKind.MERGE_REQUEST, EventKind.MERGED
REJECTED: dict[str, tuple[CodeSpec, CodeEvent, str]] = {
    "another event": (of(EventKind.TAG), push(), "event"),
    "a user who is excluded": (of(not_users=("ann",)), push(), "user"),
    "a user who is not named": (of(users=("bob",)), push(), "user"),
    "a branch that is excluded": (of(branches=("main",), not_branches=("m*",)), push(), "branch"),
    "a branch that is not named": (of(branches=("rel-*",)), push(), "branch"),
    "[S] one star is no slash": (of(branches=("*",)), push(branch="feature/a"), "branch"),
    "skip-ci": (of(), push(message="fix [skip ci]"), "skip-ci"),
    "no path": (of(paths=("lib",)), push(), "path"),
    "[S] a pattern named regex": (
        of(paths=(".*/a.py",), paths_are_patterns=True),
        push(),
        "path",
    ),
    "all paths excluded": (of(not_paths=("src", "docs")), push(), "path"),
    "all included paths excluded": (of(paths=("src",), not_paths=("src/a",)), push(), "path"),
    "includes, no files": (of(paths=("src",)), push(paths=()), "path"),
    "a message": (of(messages=("deploy",)), push(message="fix"), "message"),
    "a message that is excluded": (of(not_messages=("wip",)), push(message="wip x"), "message"),
    "an action": (of(actions=("new-branch",)), push(), "action"),
    "no action at all": (of(actions=()), push(), "action"),
    "nothing pushed": (of(), push(commits=0), "commits"),
    "a branch deleted": (of(), push(action="delete"), "commits"),
    "wip": (of(MR, skip_wip=True), request(merge_request={"title": "WIP: x"}), "wip"),
    "a target branch": (of(MR, branches=("rel",)), request(), "target branch"),
    "a source branch": (of(MR, source_branches=("fix/*",)), request(), "source branch"),
    "an excluded source": (of(MR, not_source_branches=("feature/*",)), request(), "source branch"),
    "closed": (of(MR), request(action="close"), "action"),
    "no action of requests": (of(MR, actions=()), request(), "action"),
    "merged, for the other kind": (of(MERGED), request(), "event"),
    "a label": (of(MR, labels=("bug",)), request(), "label"),
    "an excluded label": (of(MR, not_labels=("p*",)), request(), "label"),
    "a tag": (
        of(EventKind.TAG, tags=("v*",)),
        push(kind=EventKind.TAG, tag="1", action="create"),
        "tag",
    ),
    "a tag deleted": (of(EventKind.TAG), push(kind=EventKind.TAG, action="delete"), "action"),
    "a note's type": (
        of(EventKind.NOTE, note_types=("Issue",)),
        push(kind=EventKind.NOTE, note=Note(about="Review", text="/test")),
        "note type",
    ),
    "a note's text": (
        of(EventKind.NOTE, note_comments=("^/deploy", "(")),
        push(kind=EventKind.NOTE, note=Note(about="Review", text="/test")),
        "comment",
    ),
    "a review's state": (
        of(EventKind.REVIEW, review_states=("approved",)),
        push(kind=EventKind.REVIEW, review=Review(state="change_denied")),
        "state",
    ),
    "an issue's action": (
        of(EventKind.ISSUE, issue_actions=("open",)),
        push(kind=EventKind.ISSUE, action="close"),
        "action",
    ),
    "the order: the user before the branch": (
        of(not_users=("ann",), branches=("x",)),
        push(message="[skip ci]"),
        "user",
    ),
    "the order: skip-ci before the path": (
        of(paths=("x",), messages=("y",)),
        push(message="[skip ci]"),
        "skip-ci",
    ),
    "the order: wip before the user": (
        of(MR, skip_wip=True, not_users=("ann",)),
        request(merge_request={"title": "WIP"}),
        "wip",
    ),
}


@pytest.mark.parametrize(("spec", "event", "name"), REJECTED.values(), ids=REJECTED.keys())
def test_what_is_rejected(spec: CodeSpec, event: CodeEvent, name: str) -> None:
    """The first filter that rejects is named, with a reason."""
    found = judge(spec, event)

    assert isinstance(found, Rejection)
    assert found.filter == name
    assert found.reason


MATCHED: dict[str, tuple[CodeSpec, CodeEvent, dict[str, str]]] = {
    "no filters": (of(), push(), {"matchBranch": "main"}),
    "the pattern that matched": (
        of(branches=("rel/*", "m*")),
        push(),
        {"matchBranch": "m*"},
    ),
    "the paths that matched": (
        of(paths=("docs", "/src", "lib")),
        push(),
        {"matchBranch": "main", "matchPaths": "/src,docs"},
    ),
    "paths as patterns": (
        of(paths=("**/*.md",), paths_are_patterns=True),
        push(),
        {"matchBranch": "main", "matchPaths": "**/*.md"},
    ),
    "one path is left": (
        of(not_paths=("docs",)),
        push(),
        {"matchBranch": "main", "matchPaths": ""},
    ),
    "only excludes, no files": (of(not_paths=("docs",)), push(paths=()), {"matchBranch": "main"}),
    "paths that nobody knows": (
        of(paths=("docs",)),
        push(paths=None),
        {"matchBranch": "main", "matchPaths": ""},
    ),
    "a new branch without commits": (
        of(),
        push(commits=0, action="new-branch"),
        {"matchBranch": "main"},
    ),
    "forced back": (of(), push(commits=0, forced=True), {"matchBranch": "main"}),
    "merged": (of(MERGED), request(action="merge"), {"matchBranch": "main"}),
    "a comment": (
        of(EventKind.NOTE, note_comments=("(?i)TEST",)),
        push(kind=EventKind.NOTE, note=Note(text="please /test")),
        {},
    ),
    "a tag of a branch": (
        of(EventKind.TAG, tags=("v*",), from_branches=("main",)),
        push(kind=EventKind.TAG, tag="v1", tag_from="main", action="create"),
        {"matchTag": "v*"},
    ),
}


@pytest.mark.parametrize(("spec", "event", "values"), MATCHED.values(), ids=MATCHED.keys())
def test_what_matches(spec: CodeSpec, event: CodeEvent, values: dict[str, str]) -> None:
    """All filters accept, and tell what they found."""
    assert judge(spec, event) == Match(values=values)


def trigger(number: int, code: CodeSpec, **fields: Any) -> TriggerSpec:
    """Give a trigger of a definition."""
    element = "codeGitWebHookTrigger"
    return TriggerSpec(
        id=StepId(f"T-{number}"), kind=TriggerKind.CODE, element=element, code=code, **fields
    )


def test_the_first_match_ends_the_search() -> None:
    """Triggers are tried in order; what is off, of another host or repository is passed over."""
    other = RepositoryRef(by=RepositoryBy.NAME, value="shop/web")
    nowhere = RepositoryRef(by=RepositoryBy.NAME, value="gone")
    own = RepositoryRef(by=RepositoryBy.NAME, value="shop/api")
    triggers = (
        TriggerSpec(id=StepId("T-0"), kind=TriggerKind.MANUAL, element="manualTrigger"),
        trigger(1, of(), enabled=False),
        trigger(2, of(hosts=("gitlab",))),
        trigger(8, of()),  # of the pipeline's own repository, which nobody knows
        trigger(3, of(repository=other)),
        trigger(4, of(repository=nowhere)),
        trigger(5, of(branches=("rel",), repository=own)),
        trigger(6, of(repository=own)),
        trigger(7, of(repository=own)),
    )

    found = choose(triggers, push(), lambda ref: names_it(ref, push()))

    assert found.trigger is not None
    assert found.trigger.id == "T-6"
    assert [passed.filter for passed in found.passed_over] == [
        "enabled",
        "host",
        "repository",
        "repository",
        "repository",
        "branch",
    ]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("shop/api", True),
        ("https://git.example.com/shop/api", True),
        ("https://bot@git.example.com/Shop/API.git/", True),
        ("git@git.example.com:shop/api.git", True),
        ("ssh://git@git.example.com/shop/api", True),
        ("shop/web", False),
        ("api", None),
    ],
)
def test_a_repository_by_name_or_url(name: str, wanted: bool | None) -> None:
    """Full names and addresses name a repository in any of their writings; aliases don't."""
    assert names_it(RepositoryRef(by=RepositoryBy.NAME, value=name), push()) is wanted


def test_patterns_of_comments_take_linear_time() -> None:
    """A pattern that keeps others busy for ever is done at once; look-arounds are refused."""
    assert not is_found("(a+)+$", "a" * 50_000 + "b")
    with pytest.raises(PatternError, match="invalid"):
        check_pattern("(?=a)")


def test_a_filter_outside_is_asked_last() -> None:
    """Only when all others accept; its no passes the trigger over, its yes fires it."""
    asking = of(branches=("main",), third_url="https://filter.example.com/ask")
    other = of(branches=("dev",), third_url=asking.third_url)
    triggers = (trigger(1, other), trigger(2, asking), trigger(3, of()))

    first = choose(triggers, push(), lambda _: True)
    yes = choose(triggers, push(), lambda _: True, {"T-2": ""})
    no = choose(triggers, push(), lambda _: True, {"T-2": "not today"})

    assert (first.asks, first.trigger) == (triggers[1], None)
    assert (yes.asks, yes.trigger) == (None, triggers[1])
    assert no.trigger is triggers[2]
    assert [(each.filter, each.trigger) for each in no.passed_over] == [
        ("branch", "T-1"),
        ("third", "T-2"),
    ]
    assert no.passed_over[1].reason == "not today"
