"""Whose request it is: tokens, signatures, `--dev` – and what a wrong one of them gets."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from account_server import WRONG, AccountServer, Json, assert_error, token_body
from signing import authorization, signed

GROUPS = "/v3/manage/pipelinegroups"
ZEROS = "0" * 64


@pytest.fixture
def swr(tmp_path: Path) -> Iterator[AccountServer]:
    """Give a server with accounts and people."""
    with AccountServer(tmp_path) as server:
        yield server.staff()


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[AccountServer]:
    """Give a server with `--dev`."""
    with AccountServer(tmp_path, is_dev=True) as server:
        yield server


@pytest.fixture
def key(swr: AccountServer) -> Json:
    """Give an access key of dev1 in acme."""
    made: Json = swr.native("POST", "/access-keys", {"project": "acme"}, token=swr.log_in("dev1"))
    return made


def now(swr: AccountServer) -> datetime:
    """Return the server's time."""
    return swr.server.clock.now()


def group_names(answer: Any) -> list[str]:
    """Return the names in a list of groups."""
    return [group["group"] for group in answer]


# --- tokens -------------------------------------------------------------------------------------


def test_no_credential(swr: AccountServer) -> None:
    """Without any credential the code says so; it is the same on every path."""
    for path in (GROUPS, "/v2/manage/packages", "/v3/manage/pipelines/1"):
        assert_error(swr.call("GET", path), 401, "SWR.4012000")


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Auth-Token": WRONG},
        {"X-Auth-Token": ""},
        {"X-Auth-Token": "中"},
        {"Authorization": f"Bearer {WRONG}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic ZGV2MTpTM2NyZXQh"},
        {"Authorization": ""},
    ],
)
def test_wrong_credential(swr: AccountServer, headers: dict[str, str]) -> None:
    """A credential that is nobody's is refused, with `--dev` or without."""
    answer = swr.raw("GET", GROUPS, None, headers)

    assert_error(answer, 401, "SWR.4010000")


def test_wrong_credential_in_development(dev: AccountServer) -> None:
    """With `--dev` nobody needs a credential, but a wrong one is refused."""
    assert dev.raw("GET", GROUPS).status_code == 200

    for headers in ({"X-Auth-Token": WRONG}, {"Authorization": f"Bearer {WRONG}"}):
        assert_error(dev.raw("GET", GROUPS, None, headers), 401, "SWR.4010000")
    aged = authorization("AK", "x-sdk-date", ZEROS)
    answer = dev.raw("GET", GROUPS, None, {"Authorization": aged, "X-Sdk-Date": "20200101T000000Z"})
    assert_error(answer, 401, "SWR.4010000")


def test_both_credentials_are_checked(swr: AccountServer) -> None:
    """With two credentials `X-Auth-Token` acts, but the other one must be right as well."""
    mine, others = swr.log_in("dev1"), swr.log_in("other", "globex")

    both = swr.call("GET", GROUPS, token=mine, Authorization=f"Bearer {others}")
    wrong = swr.call("GET", GROUPS, token=mine, Authorization=f"Bearer {WRONG}")

    assert both.status_code == 200
    assert_error(wrong, 401, "SWR.4010000")


def test_token_acts_in_its_account(swr: AccountServer) -> None:
    """What is made with a token is in the account that it is bound to, whatever a header says."""
    acme, globex = swr.log_in("dev1"), swr.log_in("other", "globex")
    body = b'{"group":"ours"}'

    made = swr.call("POST", GROUPS, token=acme, content=body, **{"X-DEVOPS-UID": "dev3"})

    assert made.status_code == 201
    assert "ours" in group_names(swr.call("GET", GROUPS, token=acme).json())
    assert "ours" not in group_names(swr.call("GET", GROUPS, token=globex).json())


def test_tokens_of_the_own_api(swr: AccountServer) -> None:
    """A bearer token acts in the first of its projects; without any in `default`."""
    bound = swr.native("POST", "/tokens", {"name": "ci", "projects": ["globex", "acme"]})["token"]
    swr.native("POST", "/projects", {"name": "default"})

    first = swr.call("POST", GROUPS, token=bound, content=b'{"group":"bound"}')
    second = swr.call("POST", GROUPS, token=swr.admin_token, content=b'{"group":"free"}')

    assert (first.status_code, second.status_code) == (201, 201)
    globex = swr.call("GET", GROUPS, token=swr.log_in("other", "globex")).json()
    assert "bound" in group_names(globex)
    assert "free" not in group_names(globex)


def test_development_account(dev: AccountServer) -> None:
    """Without a credential `admin` owns the account default; who is new there is a developer."""
    by_admin = dev.raw("POST", GROUPS, b'{"group":"one"}')
    by_new = dev.raw("POST", GROUPS, b'{"group":"two"}', {"X-DEVOPS-UID": "新人"})
    no_name = dev.raw("GET", GROUPS, None, {"X-DEVOPS-UID": "a/b"})
    forbidden = dev.raw("DELETE", GROUPS + "/one", None, {"X-DEVOPS-UID": "somebody"})

    assert (by_admin.status_code, by_new.status_code) == (201, 201)
    assert_error(no_name, 400, "SWR.4000014")
    assert_error(forbidden, 403, "S2I.4039002")


def test_login_in_development(dev: AccountServer) -> None:
    """With `--dev` admin logs in to the account default with the password admin."""
    right = dev.ask_token(token_body("admin", "admin", "default"))
    wrong = dev.ask_token(token_body("admin", "other", "default"))

    token = right.headers["X-Subject-Token"]
    assert (right.status_code, wrong.status_code) == (201, 401)
    assert dev.call("POST", GROUPS, token=token, content=b'{"group":"one"}').status_code == 201


def test_role_counts_in_development(dev: AccountServer) -> None:
    """With `--dev` somebody's place in the account still decides what they may do."""
    dev.native("PUT", "/projects/default/members/viv", {"role": "viewer"})

    answer = dev.raw("POST", GROUPS, b'{"group":"one"}', {"X-DEVOPS-UID": "viv"})

    assert_error(answer, 403, "S2I.4039002")
    assert dev.raw("GET", GROUPS, None, {"X-DEVOPS-UID": "viv"}).status_code == 200


# --- signatures ---------------------------------------------------------------------------------


def test_signed_requests(swr: AccountServer, key: Json) -> None:
    """A signed request acts as the key's user in the key's account, with its body read."""
    body = b'{"group":"signed"}'
    made = swr.raw("POST", GROUPS, body, signed(key, "POST", GROUPS + "/", "", body, now=now(swr)))
    query = "limit=5&offset=0"
    found = swr.raw(
        "GET",
        f"{GROUPS}?offset=0&limit=5",
        None,
        signed(key, "GET", GROUPS + "/", query, now=now(swr)),
    )

    assert made.status_code == 201
    assert "signed" in group_names(found.json())


def test_other_sets_of_signed_headers(swr: AccountServer, key: Json) -> None:
    """A further signed header counts; the host may be left out."""
    more = signed(key, "GET", GROUPS + "/", now=now(swr), content_type="application/json")
    less = signed(key, "GET", GROUPS + "/", now=now(swr), host="")

    for headers in (more, less):
        assert swr.raw("GET", GROUPS, None, headers).status_code == 200


def test_signature_that_does_not_fit(swr: AccountServer, key: Json) -> None:
    """Another body, path, query, method, host or date than signed is refused."""
    at = now(swr)
    body = b'{"group":"x"}'
    headers = signed(key, "POST", GROUPS + "/", "", body, now=at)
    get = signed(key, "GET", GROUPS + "/", now=at)
    moved = (at + timedelta(seconds=1)).strftime("%Y%m%dT%H%M%SZ")
    tries = (
        ("POST", GROUPS, b'{"group":"y"}', headers),
        ("GET", "/v3/manage/pipelines", None, get),
        ("GET", GROUPS + "?limit=1", None, get),
        ("GET", GROUPS, None, {**get, "X-Sdk-Date": moved}),
    )

    for method, target, content, sent in tries:
        assert_error(swr.raw(method, target, content, sent), 401, "SWR.4010000")
    assert swr.raw("GET", GROUPS, None, get).status_code == 200


def test_old_signature(swr: AccountServer, key: Json) -> None:
    """A signature is good for 15 minutes before and after its date."""
    for minutes, status in ((14, 200), (-14, 200), (16, 401), (-16, 401)):
        at = now(swr) + timedelta(minutes=minutes)
        answer = swr.raw("GET", GROUPS, None, signed(key, "GET", GROUPS + "/", now=at))
        assert answer.status_code == status


def test_malformed_signature(swr: AccountServer, key: Json) -> None:
    """Headers that can't be read are 400, an unknown key and an unsigned date 401."""
    date = now(swr).strftime("%Y%m%dT%H%M%SZ")
    cases = (
        ("SDK-HMAC-SHA256 nonsense", date, 400, "SWR.4000031"),
        (authorization("", "x-sdk-date", ZEROS), date, 400, "SWR.4002047"),
        (authorization(key["access"], "x-sdk-date", ZEROS), "", 400, "SWR.4002047"),
        (authorization("NOBODY", "x-sdk-date", ZEROS), date, 401, "SWR.4010000"),
        (authorization(key["access"], "host", ZEROS), date, 401, "SWR.4010000"),
    )

    for header, sent, status, code in cases:
        headers = {"Authorization": header} | ({"X-Sdk-Date": sent} if sent else {})
        assert_error(swr.raw("GET", GROUPS, None, headers), status, code)


def test_large_signed_body(swr: AccountServer, key: Json) -> None:
    """More than 12 MiB can't be signed."""
    body = b" " * (12 * 1024 * 1024 + 1)

    answer = swr.raw(
        "POST", GROUPS, body, signed(key, "POST", GROUPS + "/", "", body, now=now(swr))
    )

    assert_error(answer, 413, "SWR.4131001")


def test_key_is_locked_for_five_minutes(swr: AccountServer, key: Json) -> None:
    """Five wrong signatures in a row lock the key, also for right ones, for five minutes."""
    wrong = {**key, "secret": "wrong"}
    for _ in range(5):
        swr.raw("GET", GROUPS, None, signed(wrong, "GET", GROUPS + "/", now=now(swr)))

    locked = swr.raw("GET", GROUPS, None, signed(key, "GET", GROUPS + "/", now=now(swr)))
    swr.advance(301)
    free = swr.raw("GET", GROUPS, None, signed(key, "GET", GROUPS + "/", now=now(swr)))

    assert "locked" in assert_error(locked, 401, "SWR.4010000")
    assert free.status_code == 200


def test_key_ends_with_its_users_place(swr: AccountServer, key: Json) -> None:
    """A key of somebody who is taken out of the account is refused."""
    swr.native("DELETE", "/projects/acme/members/dev1")

    answer = swr.raw("GET", GROUPS, None, signed(key, "GET", GROUPS + "/", now=now(swr)))

    assert_error(answer, 401, "SWR.4010000")


def test_access_keys_of_the_own_api(swr: AccountServer, key: Json) -> None:
    """A key is listed without its secret, and refused once it is deleted."""
    token = swr.log_in("dev1")

    listed = swr.native("GET", "/access-keys", token=token)["items"]
    swr.native("DELETE", f"/access-keys/{key['access']}", token=token)

    assert [set(item) for item in listed] == [{"access", "project", "created_at"}]
    assert listed[0]["access"] == key["access"]
    assert swr.native("GET", "/access-keys", token=token)["items"] == []
    answer = swr.raw("GET", GROUPS, None, signed(key, "GET", GROUPS + "/", now=now(swr)))
    assert_error(answer, 401, "SWR.4010000")


def test_key_survives_a_restart(tmp_path: Path) -> None:
    """The secret is derived again after a restart; it is in no file of the data directory."""
    with AccountServer(tmp_path) as swr:
        made = swr.staff().native("POST", "/access-keys", {"project": "acme"})

    with AccountServer(tmp_path) as swr:
        answer = swr.raw("GET", GROUPS, None, signed(made, "GET", GROUPS + "/", now=now(swr)))

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert answer.status_code == 200
    assert tmp_path / "secret.key" in files
    assert not [path for path in files if made["secret"].encode() in path.read_bytes()]
