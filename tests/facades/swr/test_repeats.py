"""Repeats of a call with the same `Idempotency-Key`: the first answer, whatever came meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from account_server import AccountServer, assert_error
from definition_client import GROUPS, PIPELINES, DefinitionClient
from definition_texts import definition, review

from mulligan.testing.server import poll_until

KEY: dict[str, Any] = {"Idempotency_Key": "k1"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[AccountServer]:
    """Give a server with accounts and people."""
    with AccountServer(tmp_path) as made:
        yield made.staff()


@pytest.fixture
def dev1(server: AccountServer) -> DefinitionClient:
    """Give a maintainer of acme, with a group `team-a`."""
    client = DefinitionClient(server)
    client.group()
    return client


def start_review(dev1: DefinitionClient, *users: str) -> str:
    """Start a pipeline that asks users for a review, wait until it does, and return its path."""
    path = f"{PIPELINES}/{dev1.create(definition(review('all', *users)))['id']}"
    assert dev1.call("POST", f"{path}/start").status_code == 201
    stranger = DefinitionClient(dev1.server, "dev3")
    vote = {"mode": "review", "review_result": "pass"}

    def is_asking() -> bool:
        """A vote is refused as a stranger's only while the review is open."""
        answer = stranger.call("PUT", f"{path}/stages/0/start_info", vote)
        return answer.status_code == 403

    poll_until(is_asking, what="the review asks")
    return path


def assert_repeat(answer: Any) -> None:
    """Check for the first answer `{}`, given once more."""
    assert (answer.status_code, answer.json()) == (201, {})
    assert answer.headers["Idempotency-Replayed"] == "true"


def test_a_repeated_vote(dev1: DefinitionClient) -> None:
    """A vote that closed the review is answered again as it was."""
    path = start_review(dev1, "dev1") + "/stages/0/start_info"
    vote = {"mode": "review", "review_result": "pass"}

    first = dev1.call("PUT", path, vote, **KEY)
    repeat = dev1.call("PUT", path, vote, **KEY)

    assert first.status_code == 201
    assert_repeat(repeat)
    other = dev1.call("PUT", path, {**vote, "review_result": "refuse"}, **KEY)
    assert "another call" in assert_error(other, 400, "SWR.4000014")


def test_a_repeated_stop(dev1: DefinitionClient) -> None:
    """A stop is answered again as it was, although nothing is under way any more."""
    path = start_review(dev1, "dev2")

    first = dev1.call("POST", f"{path}/stop", **KEY)
    repeat = dev1.call("POST", f"{path}/stop", **KEY)

    assert first.status_code == 201
    assert_repeat(repeat)


def test_a_repeated_signal(dev1: DefinitionClient) -> None:
    """A signal that was recorded is not recorded once more for the round after."""
    condition = {"operator": "and", "triggers": [{"webhook": {}}, {"webhook": {}}]}
    made = dev1.create(definition(review("all", "dev2"), pre_operation=condition))
    hooks = [urlsplit(each["webhook"]["url"]).path for each in made["pre_operation"]["triggers"]]

    first = dev1.call("POST", hooks[0], **KEY)
    started = dev1.call("POST", hooks[1])
    repeat = dev1.call("POST", hooks[0], **KEY)

    assert (first.status_code, started.status_code) == (202, 201)
    assert (repeat.status_code, repeat.json()) == (202, first.json())
    assert repeat.headers["Idempotency-Replayed"] == "true"
    triggers = dev1.detail(made["id"])["status"]["pre_operation"]["triggers_status"]
    assert [each["is_satisfied"] for each in triggers] == [False, False]


def test_a_key_of_another_account(server: AccountServer, dev1: DefinitionClient) -> None:
    """The same call in another account is another call: it does not get that one's answer."""
    server.native("PUT", "/projects/globex/members/dev1", {"role": "owner"})
    elsewhere = DefinitionClient(server, "dev1", "globex")
    first = dev1.call("POST", GROUPS, {"group": "team-b"}, **KEY)

    answer = elsewhere.call("POST", GROUPS, {"group": "team-b"}, **KEY)

    assert first.status_code == 201
    assert "another call" in assert_error(answer, 400, "SWR.4000014")
    assert elsewhere.get(GROUPS).json() == []
