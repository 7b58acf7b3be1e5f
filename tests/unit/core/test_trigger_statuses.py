"""What each host is told of a run: address, token and words."""

import json

import pytest

from mulligan.core.triggers.origin import Origin
from mulligan.core.triggers.statuses import StatusRequest, is_known_host, status_request

SHA = "2" * 40


def made(host: str, url: str, state: str = "success", api: str = "") -> StatusRequest | None:
    """Make the request for a commit of shop/api."""
    origin = Origin(host=host, repository="shop/api", repository_id="15", url=url, commit=SHA)
    return status_request(
        origin,
        state,
        token="t0ken",
        name="mulligan/build",
        text="#1 succeeded",
        target="https://ci/runs/1",
        api=api,
    )


ADDRESSES = {
    "GitHub": (
        "github",
        "https://github.com/shop/api.git",
        "https://api.github.com/repos/shop/api",
    ),
    "GitHub of one's own": (
        "github",
        "https://git.x/shop/api",
        "https://git.x/api/v3/repos/shop/api",
    ),
    "Gitea": ("gitea", "https://git.x:3000/shop/api", "https://git.x:3000/api/v1/repos/shop/api"),
    "GitLab": ("gitlab", "https://git.x/shop/api.git", "https://git.x/api/v4/projects/15"),
    "Gitee": ("gitee", "https://gitee.x/shop/api", "https://gitee.x/api/v5/repos/shop/api"),
    "TGit": ("tgit", "https://git.x/shop/api", "https://git.x/api/v3/projects/15/commit"),
}


@pytest.mark.parametrize(("host", "url", "begins"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_where_a_status_goes(host: str, url: str, begins: str) -> None:
    """It follows from the repository's address; the token stands in a header only."""
    request = made(host, url)

    assert request is not None
    assert request.url.startswith(begins)
    assert SHA in request.url
    assert "t0ken" not in request.url + request.body.decode()
    assert any("t0ken" in value for value in request.headers.values())
    body = json.loads(request.body)
    assert body["target_url"] == "https://ci/runs/1"
    assert body.get("context", body.get("name")) == "mulligan/build"


WORDS = {
    ("github", "cancelled"): "error",
    ("github", "pending"): "pending",
    ("gitlab", "pending"): "running",
    ("gitlab", "failure"): "failed",
    ("gitlab", "cancelled"): "canceled",
    ("gitea", "failure"): "failure",
    ("tgit", "success"): "success",
}


@pytest.mark.parametrize(("host", "state"), WORDS)
def test_the_words_of_each_host(host: str, state: str) -> None:
    """Every host has its own."""
    request = made(host, "https://git.x/shop/api", state)

    assert request is not None
    assert json.loads(request.body)["state"] == WORDS[host, state]


def test_an_address_of_the_api_wins() -> None:
    """A host behind another name is reached where the hook says."""
    request = made("gitlab", "git@git.x:shop/api.git", api="https://inside/api/v4/")

    assert request is not None
    assert request.url == f"https://inside/api/v4/projects/15/statuses/{SHA}"


@pytest.mark.parametrize(
    ("host", "url"), [("standard", "https://x/y"), ("gitea", "git@git.x:shop/api.git"), ("", "")]
)
def test_what_can_not_be_told(host: str, url: str) -> None:
    """Without an address, or for a host without statuses, there is no request."""
    assert made(host, url) is None


@pytest.mark.parametrize(
    ("url", "linked", "known"),
    [
        ("https://github.com/a/b", "", True),
        ("http://github.com/a/b", "", False),
        ("https://github.com.evil.example/a/b", "", False),
        ("https://github.com@evil.example/a/b", "", False),
        ("https://git.example.com/a/b", "https://git.example.com/x/y.git", True),
        ("https://git.example.com/a/b", "https://GIT.example.com/x/y.git", True),
        ("https://git.example.com/a/b", "git@git.example.com:x/y.git", True),
        ("https://git.example.com/a/b", "ssh://git@git.example.com:2222/x/y.git", True),
        ("http://git.example.com/a/b", "http://git.example.com/x/y.git", True),
        ("http://git.example.com/a/b", "https://git.example.com/x/y.git", False),
        ("http://git.example.com/a/b", "git@git.example.com:x/y.git", False),
        ("https://git.example.com:8443/a/b", "https://git.example.com/x/y.git", False),
        ("https://evil.example/a/b", "https://git.example.com/x/y.git", False),
        ("https://[::1", "https://[::1", False),
        ("", "file:///srv/git", False),
    ],
)
def test_hosts_that_may_get_a_token(url: str, linked: str, known: bool) -> None:
    """Well-known ones, and those of linked repositories."""
    assert is_known_host(url, [linked]) is known
