"""The elements of the trigger job back to `on`."""

import json
import re

from mulligan.pipeline_yaml.fields import Json
from mulligan.pipeline_yaml.from_common import (
    Notes,
    flag,
    only_set,
    part,
    parts,
    text,
    texts,
    whole,
)
from mulligan.pipeline_yaml.to_triggers import (
    ACTIONS,
    DAY_NUMBERS,
    DEFAULT_NAMES,
    EVENTS,
    JOINED,
    NESTED,
    NOTE_TYPES,
    OF_EVENT,
    OF_GITHUB,
    REVIEW_HOURS,
    WEBHOOKS,
)

_KINDS = {element: kind for kind, element in WEBHOOKS.items()}
_KEYS = {event: key for key, event in EVENTS.items()}
_KEYS |= {event: key for key, event in OF_GITHUB.items()}
_INTERVAL = re.compile(r"0 ([0-5]?[0-9]) ([01]?[0-9]|2[0-3]) \? \* ([1-7](?:,[1-7])*)")
_DAYS = {str(number): day for day, number in DAY_NUMBERS.items()}
# What happens to requests and branches; a model without a list means all of it.
_ALL = {
    "push": ["push-file", "new-branch"],
    "mr": ["open", "close", "reopen", "push-update", "merge"],
}
_PLACE = ("repo-id", "repo-name", "type", "scm-code", "workspace-id")
_DEFAULT_KEYS = ("push", "tag", "mr")


def write_triggers(elements: list[Json], pointer: str, notes: Notes) -> object:
    """Return `on`; None for the triggers that a file without it has."""
    first: Json = {}
    others: list[Json] = []
    for number, element in enumerate(elements):
        _put(element, f"{pointer}/{number}", first, others, notes)
    first.setdefault("manual", "disabled")
    if first["manual"] == "enabled":
        del first["manual"]
    if not others and _is_default(first):
        return None
    entries = [entry for entry in (first, *others) if entry]
    if not entries:
        return {"manual": "enabled"}
    if not first and others:
        entries.insert(0, {"manual": "enabled"})
    return entries[0] if len(entries) == 1 else entries


def _put(element: Json, where: str, first: Json, others: list[Json], notes: Notes) -> None:
    """Put one trigger where it belongs. `first`: the entry of the file's own repository."""
    kind = text(element, "@type")
    if kind == "manualTrigger" and "manual" not in first:
        first["manual"] = _manual(element)
    elif kind == "remoteTrigger" and "remote" not in first:
        first["remote"] = _own(element, "remote") or "enabled"
    elif kind == "timerTrigger":
        made = _timer(element)
        if {"cron", "interval"} & made.keys():
            first.setdefault("schedules", []).append(made)
        else:
            notes.add(where, "a timer without times")
    elif kind in _KINDS:
        _add_event(element, kind, where, first, others, notes)
    else:
        notes.add(where, f"a trigger of type {kind!r}")


def _is_default(entry: Json) -> bool:
    return entry == {key: ["*"] for key in _DEFAULT_KEYS}


def _own(element: Json, default_name: str) -> Json:
    """Return the keys that every trigger has."""
    name = text(element, "name")
    enabled = flag(part(element, "additionalOptions"), "enable", default=True)
    return only_set(
        {
            "id": text(element, "stepId") or None,
            "name": name if name and name != default_name else None,
            "desc": text(element, "desc") or None,
            "enable": None if enabled else False,
        }
    )


def _manual(element: Json) -> object:
    made = only_set(
        {
            "can-skip-step": flag(element, "canElementSkip") or None,
            "use-latest-inputs": flag(element, "useLatestParameters") or None,
            **_own(element, DEFAULT_NAMES["manualTrigger"]),
        }
    )
    if made == {"enable": False}:
        return "disabled"
    return made or "enabled"


def _timer(element: Json) -> Json:
    cron = [line for key in ("advanceExpression", "expression") for line in _lines(element, key)]
    intervals = _lines(element, "newExpression")
    made: Json = {}
    matches = [_INTERVAL.fullmatch(line) for line in intervals]
    days = {match[3] for match in matches if match is not None}
    if not cron and intervals and None not in matches and len(days) == 1:
        points = [f"{int(match[2]):02}:{int(match[1]):02}" for match in matches if match]
        week = [_DAYS[day] for day in days.pop().split(",")]
        made["interval"] = {"week": week, "time-points": points}
    else:
        lines = [*intervals, *cron]
        made["cron"] = lines[0] if len(lines) == 1 else lines
    return only_set(
        {
            **made,
            "always": None if flag(element, "noScm") else True,
            "branches": texts(element, "branches"),
            "repo-type": text(element, "repositoryType") or None,
            "repo-id": text(element, "repoHashId") or None,
            "repo-name": text(element, "repoName") or None,
            "start-params": _start_params(element),
            **_own(element, DEFAULT_NAMES["timerTrigger"]),
        }
    )


def _lines(element: Json, key: str) -> list[str]:
    value = element.get(key)
    found = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [str(line) for line in found if str(line).strip()]


def _start_params(element: Json) -> Json:
    given = element.get("startParams")
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return {}
    items = given if isinstance(given, list) else []
    return {text(item, "key"): text(item, "value") for item in items if isinstance(item, dict)}


def _add_event(
    element: Json, kind: str, pointer: str, first: Json, others: list[Json], notes: Notes
) -> None:
    """Put an event into the last entry of its repository that has no such event yet."""
    source = part(part(element, "data"), "input") if kind in NESTED else element
    event = _KEYS.get(text(source, "eventType").strip() or "PUSH")
    if event is None:
        notes.add(pointer, f"the event {text(source, 'eventType')!r}")
        return
    where = only_set(
        {
            "repo-id": text(source, "repositoryHashId") or None,
            "repo-name": text(source, "repositoryName") or None,
            "type": _KINDS[kind] if _KINDS[kind] != "git" else None,
            "scm-code": text(source, "scmCode") or None,
            "workspace-id": text(source, "workspaceId") or None,
        }
    )
    if "repo-id" in where:
        where.pop("repo-name", None)
    entry = others[-1] if others else first
    there = {key: entry.get(key) for key in _PLACE}
    if entry is first and not where:
        fits = event not in first
    else:
        fits = bool(others) and only_set(there) == where and event not in entry
    if not fits:
        entry = dict(where)
        others.append(entry)
    entry[event] = _event(source, element, event, pointer, notes)


def _event(source: Json, element: Json, event: str, pointer: str, notes: Notes) -> object:
    base = "mr" if event == "mr-merged" else event
    made: Json = {
        key: texts(source, member) for key, member in (JOINED | OF_EVENT.get(base, {})).items()
    }
    if text(source, "pathFilterType") == "RegexBasedFilter":
        made["path-filter-type"] = "RegexBasedFilter"
    if base in ACTIONS:
        member, default = ACTIONS[base]
        actions = texts(source, member) if source.get(member) is not None else _ALL.get(base, [])
        default = ["merge"] if event == "mr-merged" else default
        made["action"] = actions if actions != default else None
    made |= _special(source, base)
    if flag(source, "enableThirdFilter"):
        made["custom-filter"] = only_set(
            {
                "url": text(source, "thirdUrl"),
                "credentials": text(source, "thirdSecretToken") or None,
            }
        )
    made |= _reviewed(source)
    for member in ("includeCommitMsg", "excludeCommitMsg"):
        if texts(source, member):
            notes.add(pointer, f"the filter {member!r}")
    made = only_set({**made, **_own(element, event)})
    short = {"push": "branches", "tag": "tags", "mr": "target-branches"}.get(base)
    return made[short] if short and list(made) == [short] else made


def _reviewed(source: Json) -> Json:
    reviewers = texts(source, "reviewers")
    if not reviewers:
        return {}
    hours = whole(source, "reviewTimeout", REVIEW_HOURS)
    return {
        "reviewers": reviewers,
        "review-timeout-hours": hours if hours != REVIEW_HOURS else None,
        "review-forks-only": flag(source, "reviewForksOnly") or None,
    }


def _special(source: Json, event: str) -> Json:
    match event:
        case "mr":
            return {
                "block-mr": flag(source, "block") or None,
                "report-commit-check": None if flag(source, "enableCheck", default=True) else False,
                "webhook-queue": flag(source, "webhookQueue") or None,
                "skip-wip": flag(source, "skipWip") or None,
                "labels": texts(source, "includeLabels"),
                "labels-ignore": texts(source, "excludeLabels"),
            }
        case "review":
            return {
                "types": texts(source, "includeCrTypes"),
                "states": texts(source, "includeCrState"),
            }
        case "note":
            words = {value: key for key, value in NOTE_TYPES.items()}
            given = source.get("includeNoteComment")
            return {
                "types": [words.get(word, word) for word in texts(source, "includeNoteTypes")],
                "comment": [given] if isinstance(given, str) and given else given or None,
            }
        case _:
            return {}


__all__ = ["parts", "write_triggers"]
