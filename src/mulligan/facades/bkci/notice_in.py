"""Which notices settings and reviews ask for (spec/bkci-model-and-engine.md §1.9)."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from mulligan.core.records import PipelineSettings, PipelineVersion
from mulligan.core.run import Run
from mulligan.engine.notices import Subscription
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.model_source import DIALECT
from mulligan.facades.bkci.times import Json

_SEPARATORS = re.compile(r"[,;]")
_CHAT = "WEWORK_GROUP"
# Ways to reach one person; there is a mail server for all of them, and none for SMS and VOICE.
_TO_PEOPLE = frozenset({"EMAIL", "RTX", "WECHAT", "WEWORK"})
_LISTS = {
    True: ("successSubscriptionList", "successSubscription"),
    False: ("failSubscriptionList", "failSubscription"),
}


class BkciNotices:
    """Implements `engine.notices.NoticeWords`."""

    def subscriptions(self, settings: PipelineSettings, *, good: bool) -> Sequence[Subscription]:
        """Return what the settings of a pipeline want to be told."""
        many, one = _LISTS[good]
        given = settings.extra.get(many)
        if not isinstance(given, list):
            given = [settings.extra.get(one)]
        found = [_subscription(each) for each in given if isinstance(each, dict)]
        return [each for each in found if each.by_mail or each.chats]

    def status_of(self, run: Run) -> str:
        """Return the word for the status of a run."""
        return AttemptView(run).run_status()

    def asked(self, version: PipelineVersion, node: str) -> Subscription:
        """Return who is asked at a stage or step besides its reviewers, and in which chats."""
        if version.dialect != DIALECT:
            return Subscription()
        for part in _parts(version.source):
            if part.get("id") == node:
                return _asked_in(part)
        return Subscription()


def _subscription(given: Json) -> Subscription:
    kinds = set(_texts(given.get("types")))
    is_chat = _CHAT in kinds or given.get("wechatGroupFlag") in (True, "true")
    return Subscription(
        people=_texts(given.get("users")),
        roles=_texts(given.get("groups")),
        by_mail=bool(kinds & _TO_PEOPLE),
        chats=_texts(given.get("wechatGroup")) if is_chat else (),
        title=_text(given.get("title")),
        content=_text(given.get("content")),
        with_url=given.get("detailFlag") in (True, "true"),
    )


def _asked_in(part: Json) -> Subscription:
    """Return who is asked at a stage or task of a model besides its reviewers."""
    review = part.get("checkIn") if "containers" in part else part
    if not isinstance(review, dict):
        return Subscription()
    options = review.get("additionalOptions")
    paused = options.get("subscriptionPauseUser") if isinstance(options, dict) else None
    is_chat = _CHAT in _texts(review.get("notifyType"))
    return Subscription(
        people=_texts(paused), chats=_texts(review.get("notifyGroup")) if is_chat else ()
    )


def _parts(source: Json) -> Iterator[Json]:
    """Yield the stages and elements of a model."""
    for stage in source.get("stages") or ():
        yield stage
        for container in stage.get("containers") or ():
            yield from container.get("elements") or ()


def _texts(value: Any) -> tuple[str, ...]:
    given = value if isinstance(value, list) else [value]
    texts = (part.strip() for each in given for part in _SEPARATORS.split(_text(each)))
    return tuple(text for text in texts if text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
