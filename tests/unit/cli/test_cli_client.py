"""The client on real sockets."""

import pytest
from fake_api import FakeApi

from mulligan.cli.client import Client
from mulligan.cli.exits import FailureError
from mulligan.cli.problems import ProblemError, UnreachableError


def test_call_carries_token_body_and_key(api: FakeApi, client: Client) -> None:
    """A POST carries the credential, JSON, and a key that makes it safe to repeat."""
    api.answers["POST", "/api/v1/projects"] = (201, {"id": "shop"})

    made = client.call("POST", "/projects", {"name": "小店"})

    (request,) = api.requests
    assert made == {"id": "shop"}
    assert request.headers["Authorization"] == "Bearer secret"
    assert request.headers["Content-Type"] == "application/json"
    assert len(request.headers["Idempotency-Key"]) == 32
    assert request.body == '{"name": "小店"}'.encode()


def test_broken_connection_is_repeated_with_the_same_key(api: FakeApi, client: Client) -> None:
    """A kept connection that breaks before the answer is replaced, under the same key."""
    api.answers["GET", "/api/v1/clock"] = (200, {})
    api.answers["POST", "/api/v1/projects"] = (201, {"id": "shop"})
    client.get("/clock")
    api.drops = 1

    made = client.call("POST", "/projects", {})

    first, second = api.requests[1:]
    assert made == {"id": "shop"}
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


def test_no_answer_at_all(api: FakeApi, client: Client) -> None:
    """A server that hangs up again and again is unreachable: exit 7."""
    api.drops = 100

    with pytest.raises(UnreachableError) as caught:
        client.get("/clock")

    assert caught.value.exit_code == 7


def test_stranger(api: FakeApi, client: Client) -> None:
    """What answers with something else than JSON is no server of ours."""
    api.answers["GET", "/api/v1/runs"] = (200, b"<html>welcome</html>")

    with pytest.raises(UnreachableError, match="no Mulligan server"):
        client.get("/runs")


def test_refusal_names_the_ways_out(api: FakeApi, client: Client) -> None:
    """The message of a refusal holds what would be possible instead."""
    problem = {"detail": "the step has succeeded", "instead": ["retry the job", "retry the stage"]}
    api.answers["POST", "/api/v1/x"] = (409, problem)

    with pytest.raises(ProblemError) as caught:
        client.call("POST", "/x")

    assert caught.value.exit_code == 5
    assert caught.value.message == (
        "the step has succeeded (possible instead: retry the job; retry the stage)"
    )


def test_pages_until_enough(api: FakeApi, client: Client) -> None:
    """A list is read page by page until there are no more, or as many as wanted."""
    api.answers["GET", "/api/v1/runs?"] = (200, {"items": [{"n": 1}], "next_cursor": "5"})
    api.answers["GET", "/api/v1/runs?limit=199&cursor=5"] = (
        200,
        {"items": [{"n": 2}], "next_cursor": None},
    )

    assert client.pages("/runs", 200) == [{"n": 1}, {"n": 2}]
    assert client.pages("/runs", 1) == [{"n": 1}]


def test_events_of_a_stream(api: FakeApi, client: Client) -> None:
    """Events come with their ids and names; lines of data are joined, comments left out."""
    text = b": beat\n\nid: 3\ndata: one\ndata: two\n\nid: 4\nevent: end\ndata: {}\n\n"
    api.answers["GET", "/api/v1/events"] = (200, text)

    events = list(client.stream("/events", run="b-1"))

    assert [tuple(event) for event in events] == [
        ("", "open", ""),
        ("3", "", "one\ntwo"),
        ("4", "end", "{}"),
    ]


@pytest.mark.parametrize("url", ["example", "ftp://example", "http://", "http://h:x", "http://h:0"])
def test_bad_url(url: str) -> None:
    """A URL that can't be one of a server is wrong usage."""
    with pytest.raises(FailureError) as caught:
        Client(url)

    assert caught.value.exit_code == 2


def test_bad_token() -> None:
    """A token with a line end is refused before it can break a header."""
    with pytest.raises(FailureError) as caught:
        Client("http://h", "a\r\nX-Other: b")

    assert caught.value.exit_code == 2
    assert "X-Other" not in caught.value.message
