"""`on` to the elements of the trigger job (spec/bkci-yaml-and-plugins.md §1.4)."""

import json
from collections.abc import Iterator
from typing import Any

from mulligan.pipeline_yaml.fields import Fields, Json, Origins, present, scalar
from mulligan.pipeline_yaml.shapes import V2
from mulligan.pipeline_yaml.tree import Node

WEBHOOKS = {
    "git": "codeGitWebHookTrigger",
    "tgit": "codeTGitWebHookTrigger",
    "github": "codeGithubWebHookTrigger",
    "gitlab": "codeGitlabWebHookTrigger",
    "svn": "codeSVNWebHookTrigger",
    "p4": "codeP4WebHookTrigger",
    "scm_git": "codeScmGitWebHookTrigger",
    "scm_svn": "codeScmSvnWebHookTrigger",
    "tapd": "codeTapdWebHookTrigger",
}
# Triggers whose fields stand in `data.input`.
NESTED = frozenset(WEBHOOKS[kind] for kind in ("tgit", "p4", "scm_git", "scm_svn", "tapd"))
EVENTS = {
    "push": "PUSH",
    "tag": "TAG_PUSH",
    "mr": "MERGE_REQUEST",
    "mr-merged": "MERGE_REQUEST_ACCEPT",
    "issue": "ISSUES",
    "review": "REVIEW",
    "note": "NOTE",
    "change-commit": "CHANGE_COMMIT",
    "change-content": "CHANGE_CONTENT",
    "change-submit": "CHANGE_SUBMIT",
    "shelve-commit": "SHELVE_COMMIT",
    "shelve-submit": "SHELVE_SUBMIT",
    "story": "STORY",
    "bug": "BUG",
}
OF_GITHUB = {"tag": "CREATE", "mr": "PULL_REQUEST"}
REVIEW_HOURS = 24  # that who is asked has, unless the file says otherwise
_SHORT = {"push": "branches", "tag": "tags"}
# Keys of all events that hold lists, as comma texts.
JOINED = {
    "users": "includeUsers",
    "users-ignore": "excludeUsers",
    "paths": "includePaths",
    "paths-ignore": "excludePaths",
}
OF_EVENT = {
    "push": {"branches": "branchName", "branches-ignore": "excludeBranchName"},
    "tag": {
        "tags": "tagName",
        "tags-ignore": "excludeTagName",
        "from-branches": "fromBranches",
    },
    "mr": {
        "target-branches": "branchName",
        "target-branches-ignore": "excludeBranchName",
        "source-branches": "includeSourceBranchName",
        "source-branches-ignore": "excludeSourceBranchName",
    },
}
ACTIONS: dict[str, tuple[str, list[str]]] = {
    "push": ("includePushAction", ["push-file", "new-branch"]),
    "tag": ("includeTagAction", []),
    "mr": ("includeMrAction", ["open", "reopen", "push-update"]),
    "issue": ("includeIssueAction", []),
    "story": ("includeStoryAction", []),
    "bug": ("includeBugAction", []),
}
NOTE_TYPES = {"commit": "Commit", "merge_request": "Review", "issue": "Issue"}
DAY_NUMBERS = {"Sun": 1, "Mon": 2, "Tue": 3, "Wed": 4, "Thu": 5, "Fri": 6, "Sat": 7}
_DEFAULT_EVENTS = ("push", "tag", "mr")
DEFAULT_NAMES = {"manualTrigger": "manual", "remoteTrigger": "remote", "timerTrigger": "schedule"}


def read_triggers(root: Fields, origins: Origins) -> list[Json]:
    """Return the elements, numbered `T-1-1-N`; a file without `on` has the default ones."""
    on = root.get("on")
    if on is None:
        whole = Fields(Node(root.node.line, root.node.column, {}, file=root.node.file))
        made = [_manual(whole, "enabled"), *_defaults(whole, _repository("", ""))]
    else:
        made = []
        parts = [Fields(item, root.version) for item in _entries(on)]
        first = next((part for part in parts if not _is_foreign(part)), None)
        made += _ways(first, origins)
        for part in parts:
            made += _events(part, origins)
    for number, element in enumerate(made, 1):
        element["id"] = f"T-1-1-{number}"
    return made


def _is_foreign(part: Fields) -> bool:
    return part.has("repo-name") or part.has("repo-id")


def _entries(on: Node) -> list[Node]:
    return on.content if isinstance(on.content, list) else [on]


def _defaults(part: Fields, where: Json) -> list[Json]:
    return [
        _webhook(event, "git", where, _short(part.node, event, ["*"])) for event in _DEFAULT_EVENTS
    ]


def _short(node: Node, event: str, texts: list[str]) -> Fields:
    """Give the long form of a list."""
    items = [_text(node, text) for text in texts]
    inner = Node(node.line, node.column, items, file=node.file)
    key = _SHORT.get(event, "target-branches")
    if event not in {"push", "tag", "mr", "mr-merged"}:
        key = "paths"
    return Fields(Node(node.line, node.column, {key: inner}, file=node.file))


def _text(node: Node, text: str) -> Node:
    made = Node(node.line, node.column, text, file=node.file)
    made.text = text
    return made


# --- by hand, from outside, by time -------------------------------------------------------------


def _ways(part: Fields | None, origins: Origins) -> Iterator[Json]:
    if part is None:
        part = Fields(Node(1, 1, {}))
    manual = part.get("manual")
    yield origins.mark(_manual(part.part("manual"), part.text("manual")), manual or part.node)
    for schedule in part.parts("schedules"):
        yield origins.mark(_timer(schedule), schedule.node)
    remote = part.get("remote")
    if remote is not None:
        yield origins.mark(_remote(part.part("remote"), remote.text), remote)


def _manual(long: Fields, word: str) -> Json:
    return _element(
        "manualTrigger",
        long,
        {
            "canElementSkip": long.flag("can-skip-step"),
            "useLatestParameters": long.flag("use-latest-inputs"),
        },
        enable=word != "disabled",
    )


def _remote(long: Fields, word: str) -> Json:
    return _element("remoteTrigger", long, {}, enable=word != "disabled")


def _timer(part: Fields) -> Json:
    params = [{"key": key, "value": scalar(item)} for key, item in part.members("start-params")]
    return _element(
        "timerTrigger",
        part,
        {
            "newExpression": _interval(part.part("interval")),
            "advanceExpression": part.texts("cron"),
            "noScm": not part.flag("always"),
            "branches": part.texts("branches"),
            "repositoryType": part.text("repo-type"),
            "repoHashId": part.text("repo-id"),
            "repoName": part.text("repo-name"),
            "startParams": json.dumps(params, ensure_ascii=False) if params else "",
        },
    )


def _interval(part: Fields) -> list[str]:
    days = ",".join(str(DAY_NUMBERS[day]) for day in part.texts("week"))
    if not days:
        return []
    times = [point.split(":") for point in part.texts("time-points") or ["00:00"]]
    return [f"0 {int(minute)} {int(hour)} ? * {days}" for hour, minute in times]


# --- events of repositories ---------------------------------------------------------------------


def _events(part: Fields, origins: Origins) -> Iterator[Json]:
    kind = part.text("type", "git")
    where = _place(part)
    for key, item in part.node.content.items():
        if key in EVENTS and item.content is not None:
            yield origins.mark(_webhook(key, kind, where, _long(item, key, part.version)), item)
    for hook in part.parts("repo_hook"):
        there = _repository(hook.text("name"), "")
        events = hook.part("events")
        if not events.node.content:
            for element in _defaults(hook, there):
                yield origins.mark(element, hook.node)
        for key, item in events.node.content.items():
            if key in EVENTS and item.content is not None:
                yield origins.mark(_webhook(key, "git", there, _long(item, key, V2)), item)


def _long(item: Node, event: str, version: str) -> Fields:
    if isinstance(item.content, dict):
        return Fields(item, version)
    texts = [each.text for each in item.content] if isinstance(item.content, list) else [item.text]
    return _short(item, event, texts)


def _repository(name: str, scm: str, ident: str = "") -> Json:
    where: Json = {"repositoryType": "SELF"}
    if ident:
        where = {"repositoryType": "ID", "repositoryHashId": ident}
    elif name:
        where = {"repositoryType": "NAME", "repositoryName": name}
    return where | ({"scmCode": scm} if scm else {})


def _place(part: Fields) -> Json:
    """Return the members that say where an event comes from."""
    where = _repository(part.text("repo-name"), part.text("scm-code"), part.text("repo-id"))
    return where | present({"workspaceId": part.text("workspace-id")})


def _webhook(event: str, kind: str, where: Json, part: Fields) -> Json:
    kind_of_event = EVENTS[event]
    if kind == "github":
        kind_of_event = OF_GITHUB.get(event, kind_of_event)
    base = "mr" if event == "mr-merged" else event
    fields: Json = {"eventType": kind_of_event, **where}
    for key, member in (JOINED | OF_EVENT.get(base, {})).items():
        fields[member] = ",".join(part.texts(key))
    if fields["includePaths"] or fields["excludePaths"] or part.get("path-filter-type"):
        fields["pathFilterType"] = part.text("path-filter-type", "NamePrefixFilter")
    if base in ACTIONS:
        member, default = ACTIONS[base]
        fields[member] = part.texts("action") or (["merge"] if event == "mr-merged" else default)
    fields |= _special(base, part)
    asked = part.part("custom-filter")
    if asked.node.content:
        fields |= {
            "enableThirdFilter": True,
            "thirdUrl": asked.text("url"),
            "thirdSecretToken": asked.text("credentials"),
        }
    reviewers = part.texts("reviewers")
    if reviewers:
        fields |= {
            "reviewers": reviewers,
            "reviewTimeout": part.whole("review-timeout-hours", REVIEW_HOURS),
            "reviewForksOnly": part.flag("review-forks-only") or None,
        }
    fields = present(fields)
    made = WEBHOOKS[kind]
    own: Json = {"data": {"input": fields}} if made in NESTED else fields
    return _element(made, part, own, name=event)


def _special(event: str, part: Fields) -> Json:
    match event:
        case "mr":
            return {
                "block": part.flag("block-mr") or None,
                "enableCheck": part.flag("report-commit-check", default=True),
                "webhookQueue": part.flag("webhook-queue") or None,
                "skipWip": part.flag("skip-wip") or None,
                "includeLabels": part.texts("labels"),
                "excludeLabels": part.texts("labels-ignore"),
            }
        case "review":
            return {"includeCrTypes": part.texts("types"), "includeCrState": part.texts("states")}
        case "note":
            return {
                "includeNoteTypes": [NOTE_TYPES[word] for word in part.texts("types")],
                "includeNoteComment": part.texts("comment"),
            }
        case _:
            return {}


def _element(
    kind: str, part: Fields, fields: dict[str, Any], *, name: str = "", enable: bool = True
) -> Json:
    made: Json = {
        "@type": kind,
        "name": part.text("name") or name or DEFAULT_NAMES.get(kind, kind),
        "version": "1.*",
        **{key: value for key, value in fields.items() if value not in (None, "", [])},
    }
    if part.text("id"):
        made["stepId"] = part.text("id")
    if part.text("desc"):
        made["desc"] = part.text("desc")
    if not enable or not part.flag("enable", default=True):
        made["additionalOptions"] = {"enable": False}
    return made
