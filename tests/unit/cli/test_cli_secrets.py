"""Commands about secrets and channels: values come on stdin, and go nowhere but to the server."""

import json

import pytest
from click.testing import CliRunner, Result
from fake_api import FakeApi

from mulligan.cli.main import cli

SHOP = "/api/v1/projects/shop"
SECRET = {
    "name": "tok",
    "kind": "VALUE",
    "fields": ["value"],
    "remark": "for npm",
    "updated_by": "ann",
    "updated_at": "2026-11-22T12:00:00Z",
}
CHANNEL = {
    "name": "team",
    "type": "slack",
    "site": "https://hooks.example.com",
    "tells": ["failure"],
    "chats": [],
    "updated_by": "ann",
    "updated_at": "2026-11-22T12:00:00Z",
}


def invoke(api: FakeApi, *words: str, text: str = "") -> Result:
    """Run a command on the fake server."""
    return CliRunner().invoke(cli, [*words, "--url", api.url, "--project", "shop"], input=text)


def test_a_secret_comes_on_stdin(api: FakeApi) -> None:
    """One newline at its end does not count; the output does not repeat the value."""
    api.answers["PUT", f"{SHOP}/secrets/tok"] = (200, SECRET)

    done = invoke(api, "secret", "set", "tok", "--remark", "for npm", text="  va-lue\n\n")

    assert done.exit_code == 0, done.output
    sent = json.loads(api.requests[-1].body)
    assert sent == {"value": "  va-lue\n", "remark": "for npm"}
    assert "va-lue" not in done.output


def test_no_value_is_wrong_usage(api: FakeApi) -> None:
    """Without a value nothing is sent."""
    done = invoke(api, "secret", "set", "tok")

    assert done.exit_code == 2
    assert api.requests == []


def test_secrets_are_listed_and_removed(api: FakeApi) -> None:
    """A list shows names and fields."""
    api.answers["GET", f"{SHOP}/secrets"] = (200, {"items": [SECRET], "next_cursor": None})
    api.answers["DELETE", f"{SHOP}/secrets/tok"] = (204, None)

    listed = invoke(api, "secret", "list", "--output", "table")
    removed = invoke(api, "secret", "remove", "tok")

    assert (listed.exit_code, removed.exit_code) == (0, 0), listed.output + removed.output
    assert "tok" in listed.output
    assert "for npm" in listed.output


def test_a_channel_comes_on_stdin(api: FakeApi) -> None:
    """The URL is the first line, the key the second."""
    api.answers["PUT", f"{SHOP}/channels/team"] = (200, CHANNEL)
    words = ("channel", "set", "team", "--type", "slack", "--tell", "failure")

    done = invoke(api, *words, text="https://hooks.example.com/x\nkey-1\n")

    assert done.exit_code == 0, done.output
    sent = json.loads(api.requests[-1].body)
    assert (sent["url"], sent["key"]) == ("https://hooks.example.com/x", "key-1")
    assert (sent["type"], sent["tells"], sent["chats"]) == ("slack", ["failure"], [])


@pytest.mark.parametrize(("problem", "code"), [("", 0), ("answered 403", 1)])
def test_a_channel_is_tested(api: FakeApi, problem: str, code: int) -> None:
    """A message that was not taken is a failure that says why."""
    answer = {"sent": not problem, "problem": problem}
    api.answers["POST", f"{SHOP}/channels/team/test"] = (200, answer)

    done = invoke(api, "channel", "test", "team")

    assert done.exit_code == code
    assert problem in done.output
