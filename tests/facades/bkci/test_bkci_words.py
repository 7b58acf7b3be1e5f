"""What is told to others in the words of this API, and what of a model is hidden."""

import json
from datetime import UTC, datetime

import pytest

from mulligan.core.events import GateOpened
from mulligan.core.ids import UserName
from mulligan.core.records import AuditEntry, PipelineSettings
from mulligan.engine.notices import Subscription
from mulligan.facades.bkci.callback_out import BkciWords
from mulligan.facades.bkci.notice_in import BkciNotices
from mulligan.facades.common.sensitive import without_secrets

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_tokens_of_callbacks_in_a_model_are_hidden() -> None:
    """Who may not edit a pipeline does not see the tokens of its callbacks."""
    rule = {"callbackEvent": "BUILD_END", "callbackUrl": "http://x/", "secretToken": "t-secret"}
    model = {"stages": [{"containers": [{}]}], "events": {"a": rule, "b": None}}

    shown = without_secrets(model)

    assert "t-secret" not in str(shown)
    assert shown["events"]["a"]["callbackUrl"] == "http://x/"


@pytest.mark.parametrize(
    ("action", "word", "pipeline"),
    [
        ("pipeline.create", "CREATE_PIPELINE", "p-1"),
        ("pipeline.edit", "UPDATE_PIPELINE", "p-1"),
        ("pipeline.delete", "DELETE_PIPELINE", "p-1"),
        ("pipeline.restore", "RESTORE_PIPELINE", "p-1"),
        ("project.edit", "PROJECT_UPDATE", ""),
        ("secret.create", "", "p-1"),
    ],
)
def test_acts_have_words(action: str, word: str, pipeline: str) -> None:
    """Acts on pipelines and projects are told, others are not."""
    entry = AuditEntry(at=NOW, actor=UserName("ann"), action=action, project="shop", target="p-1")

    found, body, about = BkciWords().act(entry)

    assert (found, about) == (word, pipeline)
    assert json.loads(body)["data"]["projectId"] == "shop"


@pytest.mark.parametrize(
    ("kind", "word"),
    [("pause", "BUILD_TASK_PAUSE"), ("step-review", "BUILD_TASK_PAUSE"), ("stage-review", "")],
)
def test_pauses_have_a_word(kind: str, word: str) -> None:
    """Waiting at a task is told, waiting at a stage has no event."""
    event = GateOpened(at=NOW, node="e-1", kind=kind, run_attempt=1)

    assert BkciWords().event_of(event) == word


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"types": ["SMS", "VOICE"], "users": "a"}, []),
        ({"types": []}, []),
        (
            {"types": ["RTX"], "users": "a;b, c"},
            [Subscription(people=("a", "b", "c"), by_mail=True)],
        ),
        (
            {"types": ["WEWORK_GROUP"], "wechatGroup": "x;y", "content": "c", "detailFlag": True},
            [Subscription(chats=("x", "y"), content="c", with_url=True)],
        ),
        (
            {"types": "EMAIL", "groups": ["owner"], "users": 7},
            [Subscription(roles=("owner",), by_mail=True)],
        ),
    ],
)
def test_subscriptions(given: dict[str, object], wanted: list[Subscription]) -> None:
    """The list counts, else the old single form; what nobody gets is left out."""
    words = BkciNotices()
    many = PipelineSettings(extra={"successSubscriptionList": [given, "nonsense"]})
    one = PipelineSettings(extra={"failSubscription": given})

    assert words.subscriptions(many, good=True) == wanted
    assert words.subscriptions(one, good=False) == wanted
    assert words.subscriptions(many, good=False) == []
