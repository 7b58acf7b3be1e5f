"""Trigger elements of a model: what they mean, and what saving refuses."""

from typing import Any

import pytest

from bkci.scenes import CountedIds, Json, minimal_model
from mulligan.core.errors import InvalidError
from mulligan.core.ids import UserName
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
from mulligan.facades.bkci.errors import render_error
from mulligan.facades.bkci.model_in import read_model


def compiled(*elements: Json, params: tuple[Json, ...] = ()) -> tuple[TriggerSpec, ...]:
    """Read a model with these trigger elements."""
    model = minimal_model()
    container = model["stages"][0]["containers"][0]
    container["elements"] = list(elements)
    container["params"] = list(params)
    spec, _ = read_model(model, ids=CountedIds())
    return spec.triggers


def element(kind: str, **fields: Any) -> Json:
    """Give a trigger element."""
    return {"@type": kind, "id": "e-" + "a" * 32, "name": kind, **fields}


def test_a_timer_is_read_whole() -> None:
    """Lines of both members, variables in them, watched branches, parameters of the start."""
    [found] = compiled(
        element(
            "timerTrigger",
            newExpression=["5 0 8 ? * 2,3"],
            advanceExpression=["0 ${HOUR} * * *\n\n30 20 * * *"],
            noScm=True,
            repositoryType="NAME",
            repoName="shop/api",
            branches=["main", "dev"],
            startParams='[{"key": "A", "value": "1"}, {"key": "N", "value": 2}]',
            timeZone="Asia/Shanghai",
        ),
        params=({"id": "HOUR", "type": "STRING", "defaultValue": "6"},),
    )

    assert found.kind is TriggerKind.TIMER
    assert found.timer == TimerSpec(
        lines=("0 0 8 ? * 2,3", "0 6 * * *", "30 20 * * *"),
        zone="Asia/Shanghai",
        only_changes=True,
        repository=RepositoryRef(by=RepositoryBy.NAME, value="shop/api"),
        branches=("main", "dev"),
        values=(("A", "1"), ("N", "2")),
    )


def test_a_code_trigger_is_read_whole() -> None:
    """Lists come as lists or texts with commas; an absent list of actions is not an empty one."""
    [found] = compiled(
        element(
            "codeGithubWebHookTrigger",
            eventType="PULL_REQUEST",
            repositoryType="NAME",
            repositoryName="shop/api",
            branchName="main, rel/*;dev",
            excludeUsers=["bot"],
            includeMrAction=[],
            pathFilterType="RegexBasedFilter",
            includePaths="src/**",
            skipWip=True,
            reviewers="ann, bob",
            reviewTimeout="2",
            reviewForksOnly=True,
        )
    )

    assert found.code == CodeSpec(
        event=EventKind.MERGE_REQUEST,
        hosts=("github",),
        repository=RepositoryRef(by=RepositoryBy.NAME, value="shop/api"),
        branches=("main", "rel/*", "dev"),
        not_users=("bot",),
        actions=(),
        paths=("src/**",),
        paths_are_patterns=True,
        skip_wip=True,
        review=TriggerReview(
            reviewers=(UserName("ann"), UserName("bob")), timeout_s=7200, only_forks=True
        ),
    )


REVIEWS: dict[str, tuple[Json, str]] = {
    "nobody": ({"reviewForksOnly": True}, "review-without-people"),
    "a variable": ({"reviewers": ["${{ ci.actor }}"]}, "bad-type"),
    "no time": ({"reviewers": ["ann"], "reviewTimeout": 0}, "out-of-range"),
    "too many": ({"reviewers": [f"u{number}" for number in range(51)]}, "bad-type"),
}


@pytest.mark.parametrize("case", REVIEWS)
def test_a_review_needs_people_and_time(case: str) -> None:
    """Who wants to be asked is never passed by because of a slip."""
    fields, code = REVIEWS[case]
    with pytest.raises(InvalidError) as caught:
        compiled(element("codeGitWebHookTrigger", **fields))

    assert caught.value.code == code


def test_fields_may_stand_in_data_input() -> None:
    """TGit and its like keep their fields in `data.input`; SELF is the own repository."""
    data = {"input": {"eventType": "TAG_PUSH", "tagName": "v*", "repositoryType": "SELF"}}
    [found] = compiled(element("codeTGitWebHookTrigger", data=data))

    assert found.code == CodeSpec(event=EventKind.TAG, hosts=("tgit",), tags=("v*",))


def test_our_own_field_names_the_host() -> None:
    """A Git trigger is for any host, or for the one that it names."""
    plain, gitea = compiled(
        element("codeGitWebHookTrigger", eventType="PUSH"),
        element("codeGitWebHookTrigger", id="", eventType="PUSH", scmType="gitea"),
    )

    assert plain.code is not None
    assert gitea.code is not None
    assert (plain.code.hosts, gitea.code.hosts) == ((), ("gitea",))


@pytest.mark.parametrize("kind", ["codeSVNWebHookTrigger", "codeP4WebHookTrigger", "marketEvent"])
def test_kinds_that_never_fire_are_kept(kind: str) -> None:
    """They are taken in, so that a model moves over whole."""
    [found] = compiled(element(kind, eventType="POST_COMMIT"))

    assert (found.kind, found.timer, found.code) == (TriggerKind.OTHER, None, None)


def test_a_switched_off_timer_may_be_wrong() -> None:
    """What never fires needs no right time."""
    off = {"additionalOptions": {"enable": False}}
    [found] = compiled(element("timerTrigger", advanceExpression=["nonsense"], **off))

    assert not found.enabled


REFUSED = {
    "an illegal crontab": ({"advanceExpression": ["0 0 25 * * ?"]}, "bad-cron", "0 0 25 * * ?"),
    "too often": ({"advanceExpression": ["*/5 * * * * ?"]}, "bad-cron", "60"),
    "a variable without value": ({"advanceExpression": ["0 ${NO} * * *"]}, "bad-cron", "${NO}"),
    "a time zone": ({"timeZone": "Mars/Base"}, "bad-time-zone", "Mars/Base"),
    "start parameters": ({"startParams": "{}x"}, "bad-start-params", "startParams"),
    "branches": ({"branches": ["a", "b", "c", "d"]}, "too-many-watched-branches", "3"),
}


@pytest.mark.parametrize(("fields", "code", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_saving_refuses(fields: Json, code: str, said: str) -> None:
    """A timer that can't fire as it says is refused, in both languages, with its place."""
    with pytest.raises(InvalidError) as caught:
        compiled(element("timerTrigger", **fields))

    assert caught.value.code == code
    for language in ("zh", "en"):
        status, body = render_error(caught.value, language)
        assert (status, body["status"]) == (400, 2100015)
        assert said in body["message"]
    assert caught.value.pointer.startswith("/stages/0/containers/0/elements/0/")


def test_a_pattern_of_comments_must_be_one() -> None:
    """A regular expression that can't be read is refused at once, not at the first comment."""
    with pytest.raises(InvalidError) as caught:
        compiled(element("codeGitWebHookTrigger", eventType="NOTE", includeNoteComment=["("]))

    assert caught.value.code == "bad-pattern"
