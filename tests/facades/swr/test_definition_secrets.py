"""What definitions hold that not everybody may see: messages, settings of targets."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from account_server import AccountServer
from definition_client import PIPELINES, YAML_TYPE, DefinitionClient
from definition_texts import build, definition, deploy, rules

from mulligan.facades.swr.fields import Fields
from mulligan.facades.swr.triggers_in import read_post_operation

SENT_TO = "https://ann:s3cret@example.com/hook"
SHOWN = "https://ann:******@example.com/hook"
MESSAGE = {
    "method": "POST",
    "url": SENT_TO,
    "headers": {"Authorization": "Bearer t0ken"},
    "body": "b0dy",
}
INFO = json.dumps({"driver": "command", "application": "shop", "deploy": "sh d", "token": "t0ken"})
PLAIN_INFO = '{"driver":"command",  "application":"shop","deploy":"sh d"}'


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


def make(dev1: DefinitionClient, info: str = INFO) -> int:
    """Make a pipeline with a message and a deployment."""
    stage = build(post_operation={"triggers": [{"webhook": MESSAGE}]})
    return int(dev1.create(definition(stage, deploy(info)))["id"])


def message_of(stages: Any) -> Any:
    """Return the message of the first stage."""
    return stages[0]["post_operation"]["triggers"][0]["webhook"]


def test_a_password_in_the_address_of_a_message(dev1: DefinitionClient) -> None:
    """Nobody gets it back; sent back masked it stays."""
    number = make(dev1)

    detail = dev1.detail(number)
    updated = dev1.update(number, description="new")

    assert message_of(detail["stages"]) == {**MESSAGE, "url": SHOWN}
    assert updated.status_code == 201
    assert message_of(dev1.get(PIPELINES).json()[0]["stages"])["url"] == SHOWN
    assert "s3cret" not in dev1.call("GET", f"{PIPELINES}/{number}", Accept=YAML_TYPE).text


def test_a_masked_password_stands_for_the_stored_one() -> None:
    """Only the very address that was shown does; another one is taken as it is."""
    stored = {"triggers": [{"webhook": {"method": "POST", "url": SENT_TO}}]}
    elsewhere = SHOWN.replace("example.com", "example.org")

    read = [
        read_post_operation(
            Fields({"triggers": [{"webhook": {"method": "GET", "url": url}}]}),
            frozenset(),
            rules(),
            stored,
        )
        for url in (SHOWN, elsewhere)
    ]

    urls = [each["triggers"][0]["webhook"]["url"] for each in read]
    assert urls == [SENT_TO, elsewhere]


@pytest.mark.parametrize("user", ["dev2", "dev3"])
def test_who_may_not_edit_sees_no_secrets(
    server: AccountServer, dev1: DefinitionClient, user: str
) -> None:
    """What messages hold and secrets of targets are for those who may edit."""
    number = make(dev1)
    other = DefinitionClient(server, user)

    shown = [
        other.call("GET", f"{PIPELINES}/{number}").text,
        other.call("GET", f"{PIPELINES}/{number}", Accept=YAML_TYPE).text,
        other.call("GET", PIPELINES).text,
    ]

    for text in shown:
        assert "/hook" in text
        assert "s3cret" not in text
        assert "t0ken" not in text
        assert "b0dy" not in text
    assert dev1.detail(number)["stages"][1]["params"]["input_info"] == INFO


def test_settings_without_secrets_stay_as_written(
    server: AccountServer, dev1: DefinitionClient
) -> None:
    """Where nothing has to be masked everybody gets the very text."""
    number = make(dev1, PLAIN_INFO)

    detail = DefinitionClient(server, "dev3").detail(number)

    assert detail["stages"][1]["params"]["input_info"] == PLAIN_INFO


def test_a_template_has_no_credentials_of_messages(
    server: AccountServer, dev1: DefinitionClient
) -> None:
    """Addresses come without a login, headers not at all; secrets of targets for editors only."""
    body = {"name": "mine", "label": "deploy"}
    made = dev1.call("POST", f"{PIPELINES}/{make(dev1)}/template", body).json()
    path = f"/v3/manage/pipelinetemplates/{made['id']}"

    own, others = dev1.get(path), DefinitionClient(server, "dev3").get(path)

    assert message_of(own.json()["stages"]) == {
        "method": "POST",
        "url": "https://example.com/hook",
        "body": "b0dy",
    }
    assert "t0ken" in own.text
    assert "t0ken" not in others.text
