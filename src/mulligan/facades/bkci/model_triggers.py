"""The elements of the trigger job: what starts the pipeline without a person."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from mulligan.core.errors import InvalidError
from mulligan.core.expressions import ExpressionError, substitute_classic
from mulligan.core.ids import StepId, UserName
from mulligan.core.spec import ParameterSpec
from mulligan.core.triggers.cron import CronError, check_cron
from mulligan.core.triggers.proof import Host
from mulligan.core.triggers.spec import (
    CodeSpec,
    EventKind,
    RepositoryBy,
    RepositoryRef,
    TimerSpec,
    TriggerKind,
    TriggerReview,
    TriggerSpec,
)
from mulligan.facades.bkci.document import Part, scalar_text

MOST_LINES = 100  # cron expressions of one timer
MOST_BRANCHES = 3  # that a timer watches
MOST_REVIEWERS = 50  # of a trigger
DEFAULT_HOURS, MOST_HOURS = 24, 720  # that they have
_KINDS = {
    "manualTrigger": TriggerKind.MANUAL,
    "timerTrigger": TriggerKind.TIMER,
    "remoteTrigger": TriggerKind.REMOTE,
    "codeGitWebHookTrigger": TriggerKind.CODE,
    "codeTGitWebHookTrigger": TriggerKind.CODE,
    "codeGithubWebHookTrigger": TriggerKind.CODE,
    "codeGitlabWebHookTrigger": TriggerKind.CODE,
    "codeScmGitWebHookTrigger": TriggerKind.CODE,
}
# codeGit and codeScmGit stand for any host that speaks Git, unless they name one.
_HOSTS = {
    "codeTGitWebHookTrigger": (Host.TGIT.value,),
    "codeGithubWebHookTrigger": (Host.GITHUB.value,),
    "codeGitlabWebHookTrigger": (Host.GITLAB.value,),
}
_EVENTS = {
    "PUSH": EventKind.PUSH,
    "TAG_PUSH": EventKind.TAG,
    "MERGE_REQUEST": EventKind.MERGE_REQUEST,
    "PULL_REQUEST": EventKind.MERGE_REQUEST,
    "MERGE_REQUEST_ACCEPT": EventKind.MERGED,
    "CREATE": EventKind.CREATE,
    "ISSUES": EventKind.ISSUE,
    "NOTE": EventKind.NOTE,
    "REVIEW": EventKind.REVIEW,
}
_REPOSITORIES = {by.value: by for by in RepositoryBy}
_SEPARATORS = re.compile(r"[,;]")
_NO_OPTIONS = Part({})
# When a timer's lines are judged, any instant will do; a fixed one gives everybody the same answer.
_ANY_INSTANT = datetime(2026, 1, 1, tzinfo=UTC)


def read_triggers(
    trigger: Part, parameters: Iterable[ParameterSpec] = ()
) -> tuple[TriggerSpec, ...]:
    """Read the trigger elements, in order.

    Args:
        parameters: The start parameters; their defaults stand for variables in times.

    Raises:
        InvalidError: A time can't be read, or fires more than once within a minute.
    """
    defaults = {parameter.name: parameter.default for parameter in parameters}
    return tuple(_read(element, defaults) for element in trigger.parts("elements"))


def _read(element: Part, defaults: dict[str, str]) -> TriggerSpec:
    name = element.text("@type")
    kind = _KINDS.get(name, TriggerKind.OTHER)
    options = element.part("additionalOptions") or _NO_OPTIONS
    enabled = options.flag("enable", default=True)
    fields = _fields(element)
    event = _EVENTS.get(_first(fields, "eventType").strip().upper() or "PUSH")
    if kind is TriggerKind.CODE and event is None:
        kind = TriggerKind.OTHER
    return TriggerSpec(
        id=StepId(element.text("id")),
        kind=kind,
        element=name,
        name=element.text("name"),
        enabled=enabled,
        timer=_timer(element, defaults, checked=enabled) if kind is TriggerKind.TIMER else None,
        code=_code(name, fields, event) if kind is TriggerKind.CODE and event else None,
    )


def _fields(element: Part) -> Part:
    """Return where the fields stand: some kinds have them in `data.input`."""
    data = element.part("data")
    inner = data.part("input") if data is not None else None
    return element if inner is None else Part({**element.value, **inner.value}, element.pointer)


def _first(fields: Part, *keys: str) -> str:
    return next((found for key in keys if (found := fields.text(key))), "")


# --- times ------------------------------------------------------------------------------------


def _timer(element: Part, defaults: dict[str, str], *, checked: bool) -> TimerSpec:
    lines = _lines(element, defaults)
    if checked:
        for key, line in lines:
            _check_line(element, key, line)
    zone = element.text("timeZone").strip()
    if zone and not is_time_zone(zone):
        raise InvalidError(
            f"there is no time zone {zone!r}",
            pointer=element.at("timeZone"),
            code="bad-time-zone",
            values=(zone,),
        )
    branches = element.texts("branches")
    if len(branches) > MOST_BRANCHES:
        raise InvalidError(
            f"a timer watches at most {MOST_BRANCHES} branches",
            pointer=element.at("branches"),
            code="too-many-watched-branches",
            values=(str(MOST_BRANCHES),),
        )
    by = element.word("repositoryType", _REPOSITORIES, RepositoryBy.NONE)
    value = _first(element, "repoHashId") if by is RepositoryBy.ID else _first(element, "repoName")
    return TimerSpec(
        lines=tuple(line for _, line in lines),
        zone=zone,
        only_changes=element.flag("noScm"),
        repository=RepositoryRef(by=by, value=value),
        branches=branches,
        values=_start_values(element),
    )


def _lines(element: Part, defaults: dict[str, str]) -> list[tuple[str, str]]:
    """Return the expressions with the members that they stand in."""
    found: list[tuple[str, str]] = []
    for key in ("newExpression", "advanceExpression", "expression"):
        for text in element.texts(key):
            for line in _substituted(text, defaults).splitlines():
                parts = line.split()
                if not parts:
                    continue
                if key == "newExpression" and len(parts) > 5:
                    parts[0] = "0"  # the simple form knows no seconds
                found.append((key, " ".join(parts)))
        if found and key == "advanceExpression":
            break  # the old member is only read when there is no other
    if len(found) > MOST_LINES:
        raise element.bad_type("advanceExpression", f"at most {MOST_LINES} lines")
    return found


def _substituted(text: str, defaults: dict[str, str]) -> str:
    try:
        return substitute_classic(text, defaults.get)
    except ExpressionError:
        return text


def _check_line(element: Part, key: str, line: str) -> None:
    try:
        check_cron(line, _ANY_INSTANT)
    except CronError as error:
        raise InvalidError(
            f"illegal crontab: {error}",
            pointer=element.at(key),
            code="bad-cron",
            values=(line[:200], str(error)),
        ) from None


@lru_cache(maxsize=256)
def is_time_zone(name: str) -> bool:
    """Tell whether there is a time zone of that name."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True


def _start_values(element: Part) -> tuple[tuple[str, str], ...]:
    """Read `startParams`: JSON text (or a list) of `{key, value}`."""
    given = element.value.get("startParams")
    if given in (None, ""):
        return ()
    try:
        items = json.loads(given) if isinstance(given, str) else given
        pairs = [(item["key"], scalar_text(item.get("value"))) for item in items]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pairs = [(None, None)]
    if not all(isinstance(key, str) and isinstance(value, str) for key, value in pairs):
        raise InvalidError(
            "startParams must be JSON text of the form [{key, value}]",
            pointer=element.at("startParams"),
            code="bad-start-params",
        )
    return tuple((str(key), str(value)) for key, value in pairs)


# --- events of code hosts ---------------------------------------------------------------------


def _code(element: str, fields: Part, event: EventKind) -> CodeSpec:
    comments = fields.texts("includeNoteComment")
    _check_patterns(fields, comments)
    actions = {
        EventKind.PUSH: "includePushAction",
        EventKind.TAG: "includeTagAction",
        EventKind.MERGE_REQUEST: "includeMrAction",
    }.get(event, "")
    return CodeSpec(
        event=event,
        hosts=_hosts(element, fields),
        repository=_repository(fields),
        branches=_list(fields, "branchName"),
        not_branches=_list(fields, "excludeBranchName"),
        source_branches=_list(fields, "includeSourceBranchName"),
        not_source_branches=_list(fields, "excludeSourceBranchName"),
        tags=_list(fields, "tagName"),
        not_tags=_list(fields, "excludeTagName"),
        from_branches=_list(fields, "fromBranches"),
        users=_list(fields, "includeUsers"),
        not_users=_list(fields, "excludeUsers"),
        paths=_list(fields, "includePaths"),
        not_paths=_list(fields, "excludePaths"),
        paths_are_patterns=fields.text("pathFilterType") == "RegexBasedFilter",
        messages=_list(fields, "includeCommitMsg"),
        not_messages=_list(fields, "excludeCommitMsg"),
        actions=_list(fields, actions)
        if actions and fields.value.get(actions) is not None
        else None,
        issue_actions=_list(fields, "includeIssueAction"),
        note_types=_list(fields, "includeNoteTypes"),
        note_comments=comments,
        review_states=_list(fields, "includeCrState"),
        review_types=_list(fields, "includeCrTypes"),
        labels=_list(fields, "includeLabels"),
        not_labels=_list(fields, "excludeLabels"),
        skip_wip=fields.flag("skipWip"),
        replaces_queued=fields.flag("webhookQueue"),
        check=fields.flag("enableCheck", default=True),
        third_url=fields.text("thirdUrl").strip() if fields.flag("enableThirdFilter") else "",
        third_secret=fields.text("thirdSecretToken").strip(),
        review=_review(fields),
    )


def _review(fields: Part) -> TriggerReview | None:
    """Read who must let runs begin (our own); names, because texts of events are of strangers."""
    reviewers = _list(fields, "reviewers")
    if not reviewers and fields.flag("reviewForksOnly"):
        raise InvalidError(
            "reviewForksOnly needs reviewers",
            pointer=fields.at("reviewers"),
            code="review-without-people",
        )
    if not reviewers:
        return None
    if len(reviewers) > MOST_REVIEWERS or any("$" in name for name in reviewers):
        detail = f"1 to {MOST_REVIEWERS} names of users, without variables"
        raise fields.bad_type("reviewers", detail)
    hours = fields.whole("reviewTimeout", DEFAULT_HOURS)
    if not 1 <= hours <= MOST_HOURS:
        raise InvalidError(
            f"{hours} hours are not within 1 to {MOST_HOURS}",
            pointer=fields.at("reviewTimeout"),
            code="out-of-range",
            values=(str(hours), "1", str(MOST_HOURS)),
        )
    return TriggerReview(
        reviewers=tuple(UserName(name) for name in dict.fromkeys(reviewers)),
        timeout_s=hours * 3600.0,
        only_forks=fields.flag("reviewForksOnly"),
    )


def _list(fields: Part, key: str) -> tuple[str, ...]:
    """Return a list, or a text that is one: separated by commas and semicolons."""
    parts = (part.strip() for text in fields.texts(key) for part in _SEPARATORS.split(text))
    return tuple(part for part in parts if part)


def _hosts(element: str, fields: Part) -> tuple[str, ...]:
    named = fields.text("scmType").strip().lower().removeprefix("scm_").removesuffix("_git")
    if named in set(Host):
        return (named,)
    return _HOSTS.get(element, ())


def _repository(fields: Part) -> RepositoryRef:
    by = fields.word("repositoryType", _REPOSITORIES, RepositoryBy.NONE)
    hash_id, name = fields.text("repositoryHashId").strip(), fields.text("repositoryName").strip()
    if by is RepositoryBy.SELF:
        return RepositoryRef()
    if by is RepositoryBy.ID or (by is RepositoryBy.NONE and hash_id):
        return RepositoryRef(by=RepositoryBy.ID, value=hash_id)
    return RepositoryRef(by=RepositoryBy.NAME, value=name)


def _check_patterns(fields: Part, patterns: tuple[str, ...]) -> None:
    if not patterns:
        return
    from mulligan.core.triggers.comments import PatternError, check_pattern  # few need it

    for pattern in patterns:
        try:
            check_pattern(pattern)
        except PatternError as error:
            raise InvalidError(
                f"illegal regular expression: {error}",
                pointer=fields.at("includeNoteComment"),
                code="bad-pattern",
                values=(pattern[:200], str(error)),
            ) from None
