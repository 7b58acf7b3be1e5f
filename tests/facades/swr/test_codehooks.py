"""Code hooks: what proves the sender, what a payload means, and what was delivered before."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from mulligan.core.triggers.proof import is_proven
from mulligan.facades.swr.codehook_calls import Deliveries
from mulligan.facades.swr.codehook_pushes import Push, read_push, starts

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "it is ünlikely"
BODY = b'{"ref": "refs/heads/main"}'
NO_COMMIT = "0" * 40
COMMIT = "a0" * 20


def headers(**given: str) -> Callable[[str], str]:
    """Give a look-up of headers; `_` in names stands for `-`."""
    known = {name.lower().replace("_", "-"): value for name, value in given.items()}
    return lambda name: known.get(name.lower(), "")


def signed(body: bytes = BODY, secret: str = SECRET) -> str:
    """Give the signature of a body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def gitee(at: datetime = NOON, secret: str = SECRET) -> dict[str, str]:
    """Give the headers of a signed call of Gitee."""
    stamp = str(int(at.timestamp() * 1000))
    digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    token = base64.b64encode(digest).decode()
    return {"X_Gitee_Token": token, "X_Gitee_Timestamp": stamp}


GOOD = {
    "GitHub": {"X_Hub_Signature_256": f"sha256={signed()}"},
    "Gitea": {"X_Gitea_Signature": signed()},
    "Gogs": {"X_Gogs_Signature": signed()},
    "GitLab": {"X_Gitlab_Token": SECRET},
    "Gitee, plain": {"X_Gitee_Token": SECRET},
    "Gitee, signed": gitee(),
    "Gitee, signed and encoded": {
        **gitee(),
        "X_Gitee_Token": quote(gitee()["X_Gitee_Token"], safe=""),
    },
    "Gitee, a clock behind": gitee(NOON - timedelta(minutes=59)),
    "Gitee, a clock ahead": gitee(NOON + timedelta(minutes=59)),
    "generic": {"X_Mulligan_Token": SECRET},
}
BAD: dict[str, dict[str, str]] = {
    "nothing": {},
    "empty": {"X_Gitlab_Token": "", "X_Hub_Signature_256": ""},
    "wrong secret": {"X_Hub_Signature_256": f"sha256={signed(secret='other')}"},
    "other body": {"X_Hub_Signature_256": f"sha256={signed(b'{}')}"},
    "no digits": {"X_Hub_Signature_256": "sha256="},
    "secret as signature": {"X_Hub_Signature_256": SECRET},
    "signature as token": {"X_Gitlab_Token": signed()},
    "longer": {"X_Gitlab_Token": SECRET + "x"},
    "start": {"X_Gitlab_Token": SECRET[:-1]},
    "odd letters": {"X_Gitlab_Token": "\udcff"},
    "Gitee, wrong secret": gitee(secret="other"),
    "Gitee, too old": gitee(NOON - timedelta(hours=2)),
    "Gitee, from the future": gitee(NOON + timedelta(hours=2)),
    "Gitee, no number": {**gitee(), "X_Gitee_Timestamp": "²"},
    "Gitee, far too long": {**gitee(), "X_Gitee_Timestamp": "1" * 5000},
    "Gitee, without its time": {"X_Gitee_Token": gitee()["X_Gitee_Token"]},
}


# --- proof --------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", GOOD.values(), ids=GOOD.keys())
def test_proof(given: dict[str, str]) -> None:
    """Each code host's way to show the secret is taken."""
    assert is_proven(headers(**given), BODY, SECRET, NOON)


@pytest.mark.parametrize("given", BAD.values(), ids=BAD.keys())
def test_no_proof(given: dict[str, str]) -> None:
    """Whatever does not show the secret is refused."""
    assert not is_proven(headers(**given), BODY, SECRET, NOON)


@pytest.mark.parametrize(
    "given", [{}, {"X_Gitlab_Token": ""}, {"X_Hub_Signature_256": signed(secret="")}]
)
def test_hook_without_a_secret(given: dict[str, str]) -> None:
    """Nothing proves the knowledge of an empty secret."""
    assert not is_proven(headers(**given), BODY, "", NOON)


# --- payloads -----------------------------------------------------------------------------------


def payload(ref: str = "refs/heads/main", **fields: Any) -> dict[str, Any]:
    """Give a payload of a push."""
    return {"ref": ref, "before": COMMIT, "after": COMMIT, **fields}


TAG = "refs/tags/v1"
STARTS = {
    "a branch": payload(),
    "a new branch": payload(before=NO_COMMIT, created=True),
    "GitLab": payload(object_kind="push"),
    "Gitee": payload(hook_name="push_hooks"),
    "no commits named": {"ref": "refs/heads/main"},
    "a branch with a slash": payload("refs/heads/release/1"),
    "a new tag": payload(TAG, before=NO_COMMIT),
    "a new tag of GitHub": payload(TAG, before=NO_COMMIT, created=True, deleted=False),
    "a new tag of GitLab": payload(TAG, before=NO_COMMIT, object_kind="tag_push"),
    "a new tag of Gitee": payload(TAG, created=True, hook_name="tag_push_hooks"),
}
STARTS_NOT: dict[str, Any] = {
    "another branch": payload("refs/heads/other"),
    "the start of a name": payload("refs/heads/mai"),
    "a tag named like a branch": payload("refs/tags/main"),
    "a deleted branch": payload(after=NO_COMMIT),
    "a branch said to be deleted": payload(deleted=True),
    "a deleted tag": payload(TAG, after=NO_COMMIT),
    "a tag that was moved": payload(TAG),
    "a merge request": payload(object_kind="merge_request"),
    "an issue of Gitee": payload(hook_name="issue_hooks"),
    "a note": payload("refs/notes/commits"),
    "a bare name": payload("main"),
    "no ref": {"zen": "Keep it logically awesome."},
    "a ref of another type": {"ref": ["refs/heads/main"]},
    "no object": [payload()],
    "nothing": None,
}
TRIGGER = {"branchs": ["main", "release/1"], "trigger_tag_create_event": True}


def would_start(given: object, trigger: dict[str, Any], **names: str) -> bool:
    """Tell whether a payload starts a pipeline with that trigger."""
    push = read_push(headers(**names), given)
    return push is not None and starts(push, trigger)


@pytest.mark.parametrize("given", STARTS.values(), ids=STARTS.keys())
def test_push_that_starts(given: object) -> None:
    """A push to a branch of the trigger starts it, and so does a new tag."""
    assert would_start(given, TRIGGER)


@pytest.mark.parametrize("given", STARTS_NOT.values(), ids=STARTS_NOT.keys())
def test_push_that_starts_nothing(given: object) -> None:
    """Other branches, what is gone, moved tags and other events start nothing."""
    assert not would_start(given, TRIGGER)


@pytest.mark.parametrize("trigger", [{}, {"branchs": []}, {"trigger_tag_create_event": False}])
@pytest.mark.parametrize("ref", ["refs/heads/main", TAG])
def test_trigger_without_a_condition(trigger: dict[str, Any], ref: str) -> None:
    """A trigger that names neither branches nor tags is never met."""
    assert not would_start(payload(ref, before=NO_COMMIT), trigger)


@pytest.mark.parametrize(("event", "is_push"), [("push", True), ("ping", False), ("create", False)])
@pytest.mark.parametrize("name", ["X_GitHub_Event", "X_Gitea_Event", "X_Gogs_Event"])
def test_event_in_a_header(name: str, event: str, is_push: bool) -> None:
    """Where a header names the event, only pushes count: a new tag comes as `create` as well."""
    assert would_start(payload(), TRIGGER, **{name: event}) is is_push


def test_push_of_a_tag() -> None:
    """What is read is the ref, and whether it is new or gone."""
    read = read_push(headers(), payload(TAG, before=NO_COMMIT))

    assert read == Push(ref=TAG, is_new=True, is_gone=False)


# --- deliveries ---------------------------------------------------------------------------------


def test_delivery_counts_once_a_day() -> None:
    """The same delivery to the same hook is new once, and again after a day."""
    known = Deliveries()

    found = [
        known.add("h1", "d1", NOON),
        known.add("h1", "d1", NOON + timedelta(hours=23)),
        known.add("h2", "d1", NOON),
        known.add("h1", "d2", NOON),
        known.add("h1", "d1", NOON + timedelta(hours=25)),
    ]

    assert found == [True, False, True, True, True]


def test_delivery_without_a_name() -> None:
    """What has no id is new every time."""
    known = Deliveries()

    assert [known.add("h1", "", NOON) for _ in range(2)] == [True, True]


def test_delivery_that_is_forgotten() -> None:
    """What started nothing may come again; forgetting twice does no harm."""
    known = Deliveries()
    known.add("h1", "d1", NOON)

    known.forget("h1", "d1")
    known.forget("h1", "d1")

    assert known.add("h1", "d1", NOON)


def test_deliveries_are_bounded() -> None:
    """The oldest ones go when there are too many."""
    known = Deliveries()

    for number in range(20_000):
        known.add("h1", str(number), NOON)

    assert known.add("h1", "0", NOON)
    assert not known.add("h1", "19999", NOON)
    assert len(known) == 10_000
