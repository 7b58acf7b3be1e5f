"""The token service: logging in, looking at tokens, ending them."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from account_server import (
    PASSWORDS,
    WRONG,
    AccountServer,
    Json,
    assert_error,
    assert_refusal,
    token_body,
)

GROUPS = "/v3/manage/pipelinegroups"
TOKENS = "/v3/auth/tokens"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture
def swr(tmp_path: Path) -> Iterator[AccountServer]:
    """Give a server with accounts and people."""
    with AccountServer(tmp_path) as server:
        yield server.staff()


def test_token_call(swr: AccountServer) -> None:
    """The answer has the documented shape, microseconds, and lasts 24 hours."""
    answer = swr.ask_token(token_body("dev1", "S3cret!", "acme"), "?nocatalog=true")

    token = answer.json()["token"]
    assert answer.status_code == 201
    assert len(answer.headers["X-Subject-Token"]) >= 43
    assert answer.headers["Cache-Control"] == "no-store"
    assert list(token) == [
        "methods",
        "issued_at",
        "expires_at",
        "user",
        "roles",
        "project",
        "catalog",
    ]
    assert token["methods"] == ["password"]
    assert token["user"]["name"] == "dev1"
    assert token["user"]["domain"]["name"] == "acme"
    assert token["roles"] == [{"id": "0", "name": "te_admin"}]
    assert token["project"]["name"] == "cn-north-4"
    assert token["project"]["domain"] == token["user"]["domain"]
    assert token["catalog"] == []
    assert INSTANT.fullmatch(token["issued_at"])
    assert INSTANT.fullmatch(token["expires_at"])
    begun, ended = (datetime.fromisoformat(token[key]) for key in ("issued_at", "expires_at"))
    assert ended - begun == timedelta(hours=24)


def test_catalog_unless_unwanted(swr: AccountServer) -> None:
    """Without `nocatalog` the answer names this server's services."""
    token = swr.ask_token(token_body("dev1", "S3cret!", "acme")).json()["token"]

    urls = {entry["type"]: entry["endpoints"][0]["url"] for entry in token["catalog"]}
    assert set(urls) == {"identity", "swr"}
    assert urls["identity"].endswith("/v3")


def test_scopes(swr: AccountServer) -> None:
    """A token is for a region by name or id, or for the whole account."""
    first = swr.ask_token(token_body("dev1", "S3cret!", "acme")).json()["token"]["project"]
    by_id = {"project": {"id": first["id"]}}
    domain = {"domain": {"name": "acme"}}
    domain_by_id = {"domain": {"id": first["domain"]["id"]}}
    qualified = {"project": {"name": "eu-west-0", "domain": {"name": "acme"}}}

    answers = {
        name: swr.ask_token(token_body("dev1", "S3cret!", "acme", scope)).json()["token"]
        for name, scope in {
            "id": by_id,
            "domain": domain,
            "domain id": domain_by_id,
            "qualified": qualified,
        }.items()
    }

    assert answers["id"]["project"] == first
    for name in ("domain", "domain id"):
        assert answers[name]["domain"] == first["domain"]
        assert "project" not in answers[name]
    assert answers["qualified"]["project"]["name"] == "eu-west-0"
    assert answers["qualified"]["project"]["id"] != first["id"]


def test_domain_by_id(swr: AccountServer) -> None:
    """The account may be named by the id that the service gave."""
    shown = swr.ask_token(token_body("dev1", "S3cret!", "acme")).json()["token"]
    body = token_body("dev1", "S3cret!", "acme")
    user = body["auth"]["identity"]["password"]["user"]

    user["domain"] = {"id": shown["user"]["domain"]["id"]}
    right = swr.ask_token(body)
    user["domain"] = {"id": "0" * 32}
    wrong = swr.ask_token(body)

    assert right.json()["token"]["user"] == shown["user"]
    assert_refusal(wrong, 401)


@pytest.mark.parametrize(
    ("name", "password", "domain", "scope"),
    [
        ("dev1", "wrong", "acme", None),
        ("nobody", "S3cret!", "acme", None),
        ("dev1", "S3cret!", "globex", None),
        ("dev1", "S3cret!", "nowhere", None),
        ("dev1", "S3cret!", "acme", {"domain": {"name": "globex"}}),
        ("dev1", "S3cret!", "acme", {"project": {"name": "r", "domain": {"name": "globex"}}}),
    ],
)
def test_wrong_login(
    swr: AccountServer, name: str, password: str, domain: str, scope: Json | None
) -> None:
    """A wrong password, an unknown user and somebody else's account get the same answer."""
    answer = swr.ask_token(token_body(name, password, domain, scope))
    reference = swr.ask_token(token_body("nobody", "x", "acme"))

    assert_refusal(answer, 401)
    assert answer.json() == reference.json()
    assert answer.json()["error"]["title"] == "Unauthorized"


def _without(path: str) -> Json:
    body = token_body("dev1", "S3cret!", "acme")
    *parents, last = path.split(".")
    inner: Any = body
    for key in parents:
        inner = inner[key]
    del inner[last]
    return body


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "text",
        {},
        {"auth": None},
        *(
            _without(path)
            for path in (
                "auth.identity",
                "auth.scope",
                "auth.identity.methods",
                "auth.identity.password",
                "auth.identity.password.user",
                "auth.identity.password.user.name",
                "auth.identity.password.user.password",
                "auth.identity.password.user.domain",
                "auth.identity.password.user.domain.name",
                "auth.scope.project",
                "auth.scope.project.name",
            )
        ),
        token_body("dev1", "S3cret!", "acme", {"project": {"name": "r"}, "domain": {"name": "d"}}),
        token_body("dev1", "S3cret!", "acme", {"project": {"name": 7}}),
        token_body("dev1", 7, "acme"),  # type: ignore[arg-type]
    ],
)
def test_malformed_body(swr: AccountServer, body: object) -> None:
    """What is absent or of a wrong type is answered with 400 in the service's shape."""
    assert_refusal(swr.ask_token(body), 400)


def test_body_that_is_no_json(swr: AccountServer) -> None:
    """Bytes that are no JSON are 400, too many of them 413."""
    assert_refusal(swr.raw("POST", TOKENS, b"{"), 400)
    assert_refusal(swr.raw("POST", TOKENS, b'"\\ud800"'), 400)
    assert_refusal(swr.raw("POST", TOKENS, b"[" * 1000), 400)
    assert_refusal(swr.raw("POST", TOKENS, b" " * 100_000), 413)


def test_token_lets_in_for_a_day(swr: AccountServer) -> None:
    """The token is good in both headers until 24 hours are over."""
    token = swr.log_in("dev1")

    assert swr.call("GET", GROUPS, token=token).status_code == 200
    bearer = swr.call("GET", GROUPS, Authorization=f"Bearer {token}")
    swr.advance(24 * 3600 + 1)
    late = swr.call("GET", GROUPS, token=token)

    assert bearer.status_code == 200
    assert_error(late, 401, "SWR.4010000")


def test_show_token(swr: AccountServer) -> None:
    """A look at a token gives the body of the token call again, `HEAD` only its headers."""
    made = swr.ask_token(token_body("dev1", "S3cret!", "acme"))
    token = made.headers["X-Subject-Token"]
    both = {"X-Auth-Token": token, "X-Subject-Token": token}

    shown = swr.raw("GET", TOKENS, None, both)
    head = swr.raw("HEAD", TOKENS, None, both)

    assert shown.status_code == 200
    assert shown.json() == made.json()
    assert shown.headers["X-Subject-Token"] == token
    assert (head.status_code, head.content) == (200, b"")


def test_token_of_others(swr: AccountServer) -> None:
    """Nobody but its user and an admin looks at a token or ends it."""
    mine, others = swr.log_in("dev1"), swr.log_in("dev2")
    both = {"X-Auth-Token": others, "X-Subject-Token": mine}

    for method in ("GET", "DELETE"):
        assert_refusal(swr.raw(method, TOKENS, None, both), 403)
    by_admin = swr.raw(
        "DELETE", TOKENS, None, {"X-Auth-Token": swr.admin_token, "X-Subject-Token": mine}
    )

    assert by_admin.status_code == 204
    assert swr.call("GET", GROUPS, token=mine).status_code == 401
    assert swr.call("GET", GROUPS, token=others).status_code == 200


def test_revoke_token(swr: AccountServer) -> None:
    """A revoked token is refused from that moment, as caller and as subject."""
    token, other = swr.log_in("dev1"), swr.log_in("dev1")
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    swr.call("GET", GROUPS, token=token)

    gone = swr.raw("DELETE", TOKENS, None, headers)

    assert (gone.status_code, gone.content) == (204, b"")
    assert_error(swr.call("GET", GROUPS, token=token), 401, "SWR.4010000")
    assert_refusal(swr.raw("DELETE", TOKENS, None, headers), 401)
    assert_refusal(swr.raw("GET", TOKENS, None, {**headers, "X-Auth-Token": other}), 404)
    assert swr.call("GET", GROUPS, token=other).status_code == 200


def test_service_needs_a_credential(swr: AccountServer) -> None:
    """Only the token call itself is open; its errors keep their shape."""
    for method, target in (
        ("GET", TOKENS),
        ("DELETE", TOKENS),
        ("GET", "/v3/projects"),
    ):
        assert_refusal(swr.raw(method, target), 401)
        assert_refusal(swr.call(method, target, token=WRONG), 401)
    token = swr.log_in("dev1")
    assert_refusal(swr.call("GET", TOKENS, token=token), 400)


def test_version(swr: AccountServer) -> None:
    """The version is shown to who has a credential; without one 404 lets clients go on."""
    for target in ("/v3", "/v3/"):
        shown = swr.call("GET", target, token=swr.log_in("dev1"))
        assert shown.json()["version"]["id"].startswith("v3.")
        assert_refusal(swr.raw("GET", target), 404)
        assert_refusal(swr.call("GET", target, token=WRONG), 401)


def test_projects(swr: AccountServer) -> None:
    """The list holds the part of the account that the token is for, with the token's id."""
    made = swr.ask_token(token_body("dev1", "S3cret!", "acme", {"project": {"name": "eu-west-0"}}))
    token = made.headers["X-Subject-Token"]

    found = swr.call("GET", "/v3/projects", token=token).json()

    project = made.json()["token"]["project"]
    assert [item["name"] for item in found["projects"]] == ["eu-west-0"]
    item = found["projects"][0]
    assert (item["id"], item["domain_id"]) == (project["id"], project["domain"]["id"])
    assert (item["is_domain"], item["enabled"], item["description"]) == (False, True, "")
    assert set(item["links"]) == {"self", "next", "previous"}
    assert set(found["links"]) == {"self", "next", "previous"}


@pytest.mark.parametrize("change", [{"password": "n3w!"}, {"disabled": True}])
def test_change_of_user_ends_tokens(swr: AccountServer, change: Json) -> None:
    """A new password and a disabled user end that user's tokens at once, not those of others."""
    token, other = swr.log_in("dev1"), swr.log_in("dev2")
    swr.call("GET", GROUPS, token=token)

    changed = swr.native("PATCH", "/users/dev1", change)

    assert changed["name"] == "dev1"
    assert_error(swr.call("GET", GROUPS, token=token), 401, "SWR.4010000")
    assert_refusal(swr.ask_token(token_body("dev1", "S3cret!", "acme")), 401)
    assert swr.call("GET", GROUPS, token=other).status_code == 200


def test_new_password_is_good(swr: AccountServer) -> None:
    """After the change the new password logs in."""
    swr.native("PATCH", "/users/dev1", {"password": "n3w!"})

    answer = swr.ask_token(token_body("dev1", "n3w!", "acme"))

    assert answer.status_code == 201


def test_removal_of_member_ends_tokens(swr: AccountServer) -> None:
    """Who is taken out of an account has no token for it any more."""
    token = swr.log_in("dev1")

    swr.native("DELETE", "/projects/acme/members/dev1")

    assert_error(swr.call("GET", GROUPS, token=token), 401, "SWR.4010000")
    assert_refusal(swr.ask_token(token_body("dev1", "S3cret!", "acme")), 401)


def test_lowered_role_counts_at_once(swr: AccountServer) -> None:
    """Rights are those of the moment, not those of the login."""
    token = swr.log_in("dev1")
    assert swr.call("POST", GROUPS, token=token, content=b'{"group":"one"}').status_code == 201

    swr.native("PUT", "/projects/acme/members/dev1", {"role": "viewer"})

    lowered = swr.call("POST", GROUPS, token=token, content=b'{"group":"two"}')
    assert_error(lowered, 403, "S2I.4039002")


def test_guessing_does_not_lock_the_user_out(swr: AccountServer) -> None:
    """After many wrong passwords the right one still logs in."""
    for number in range(12):
        assert_refusal(swr.ask_token(token_body("dev1", f"guess{number}", "acme")), 401)

    answer = swr.ask_token(token_body("dev1", PASSWORDS["dev1"], "acme"))

    assert answer.status_code == 201


def test_token_survives_a_restart(tmp_path: Path) -> None:
    """A token is good after a restart, a revoked one is not; the body is the same."""
    with AccountServer(tmp_path) as swr:
        swr.staff()
        kept, gone = swr.log_in("dev1"), swr.log_in("dev1")
        both = {"X-Auth-Token": kept, "X-Subject-Token": kept}
        before = swr.raw("GET", TOKENS, None, both).json()
        swr.raw("DELETE", TOKENS, None, {"X-Auth-Token": gone, "X-Subject-Token": gone})

    with AccountServer(tmp_path) as swr:
        assert swr.raw("GET", TOKENS, None, both).json() == before
        assert swr.call("GET", GROUPS, token=gone).status_code == 401
