"""Who may call: tokens, access keys, rights in groups, borders between accounts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.client import CREATED, AccessKey, Reply, SwrClient, token_request
from e2e.swr.definitions import builds, release_only, triggers
from e2e.swr.scenario import (
    BAD,
    CONFLICT,
    FOREIGN,
    NO_CONTENT,
    NO_RIGHT,
    NOT_AUTHENTICATED,
    NOT_FOUND,
    OK,
    PASSWORD,
    UNAUTHORIZED,
    Pipeline,
    World,
    assert_empty_object,
    new_group,
    new_name,
)

if TYPE_CHECKING:
    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

GROUPS = "/v3/manage/pipelinegroups"
TOKENS = "/v3/auth/tokens"


# --- tokens -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "password", "domain"),
    [
        ("dev1", "wrong", "acme"),
        ("nobody", PASSWORD, "acme"),
        ("dev1", PASSWORD, "other"),
        ("dev1", PASSWORD, "nowhere"),
    ],
    ids=["password", "user", "not-a-member", "domain"],
)
def test_token_is_refused(world: World, user: str, password: str, domain: str) -> None:
    """A wrong password, user or account is 401 in the shape of the token service."""
    answer = world.anonymous().post(TOKENS, token_request(user, password, domain))

    assert answer.http == UNAUTHORIZED
    assert answer.json["error"]["code"] == UNAUTHORIZED
    assert answer.json["error"]["title"] == "Unauthorized"
    assert answer.json["error"]["message"]
    assert "x-subject-token" not in answer.headers


@pytest.mark.parametrize("text", [b"{", b"[]", b"{}", b'{"auth": {"identity": {}}}', b""])
def test_token_call_without_its_fields(world: World, text: bytes) -> None:
    """A malformed body is 400 in the shape of the token service."""
    headers = {"Content-Type": "application/json;charset=utf8"}

    answer = world.anonymous().raw("POST", TOKENS, text, headers)

    assert answer.http == BAD
    assert answer.json["error"]["code"] == BAD


def test_domain_scope_and_no_catalog(world: World) -> None:
    """A token may be scoped to the account; `nocatalog` leaves the catalog empty."""
    body = token_request("dev1", PASSWORD, "acme", {"domain": {"name": "acme"}})

    answer = world.anonymous().post(f"{TOKENS}?nocatalog=true", body)

    assert answer.http == CREATED
    assert answer.json["token"]["catalog"] == []
    token = answer.headers["x-subject-token"]
    assert SwrClient(world.server.url, {"X-Auth-Token": token}).get(GROUPS).http == OK


def test_newer_token_leaves_older_ones(world: World) -> None:
    """A new token does not end an older one."""
    older, newer = world.login("dev1"), world.login("dev1")

    assert [client.get(GROUPS).http for client in (older, newer)] == [OK, OK]


@pytest.mark.parametrize("header", ["X-Auth-Token", "Authorization"])
def test_credential_that_is_sent_is_checked(world: World, header: str) -> None:
    """An unknown token is 401 SWR.4010000, in development too."""
    value = "no-such-token" if header == "X-Auth-Token" else "Bearer no-such-token"

    answer = SwrClient(world.server.url, {header: value}).get(GROUPS)

    assert answer.error == NOT_AUTHENTICATED


def test_token_decides_who_acts(world: World, dev1: SwrClient, bench: Workbench) -> None:
    """With a token the acting user is the token's, whatever X-DEVOPS-UID says."""
    pipeline = Pipeline(dev1, builds(bench, "one"))

    answer = dev1.raw("POST", f"{pipeline.path}/start", None, {"X-DEVOPS-UID": "admin"})

    assert_empty_object(answer)
    pipeline.settle("success")
    assert pipeline.jobs(0)[0]["creator_name"] == "dev1"
    assert world.login("dev4").get(pipeline.path).http == OK


def test_without_credential_in_development(world: World, bench: Workbench) -> None:
    """In development a request without a credential acts in the account `default`."""
    client = SwrClient(world.server.url, {"X-DEVOPS-UID": "admin"})
    pipeline = Pipeline(client, builds(bench, "one"))

    pipeline.run("success")

    assert pipeline.jobs(0)[0]["creator_name"] == "admin"
    assert world.login("dev1").get(pipeline.path).error == FOREIGN


def test_look_at_and_revoke_a_token(world: World) -> None:
    """A token can be looked at and revoked by the calls of the token service."""
    caller, subject = world.login("dev1"), world.token("dev1")
    headers = {"X-Subject-Token": subject}

    shown = caller.call("GET", TOKENS, headers=headers)
    gone = caller.call("DELETE", TOKENS, headers=headers)

    assert shown.http == OK
    assert shown.json["token"]["user"]["name"] == "dev1"
    assert (gone.http, gone.content) == (NO_CONTENT, b"")
    refused = SwrClient(world.server.url, {"X-Auth-Token": subject}).get(GROUPS)
    assert refused.error == NOT_AUTHENTICATED
    assert caller.get(GROUPS).http == OK


def test_projects_of_a_token(dev1: SwrClient) -> None:
    """The list of projects names the region."""
    answer = dev1.get("/v3/projects")

    assert answer.http == OK
    names = {project["name"]: project for project in answer.json["projects"]}
    project = names["cn-north-4"]
    assert (project["is_domain"], project["enabled"]) == (False, True)
    assert {"id", "domain_id", "parent_id", "links"} <= set(project)
    assert "links" in answer.json


def test_token_of_the_own_api(world: World) -> None:
    """A token of the own API is good in this dialect, by both headers."""
    token = world.api_token("dev1", "acme")

    found = [
        SwrClient(world.server.url, {"X-Auth-Token": token}).get(GROUPS),
        SwrClient(world.server.url, {"Authorization": f"Bearer {token}"}).get(GROUPS),
    ]

    assert [answer.http for answer in found] == [OK, OK]


@pytest.mark.parametrize("change", [{"password": "An0ther!-and-long"}, {"disabled": True}])
def test_change_of_a_user_ends_tokens(world: World, change: Json) -> None:
    """A new password, or the end of an account, ends the user's tokens at once."""
    user, domain = new_name("user"), new_name("acc")
    world.account(domain, {user: "owner"})
    client = world.login(user, domain)
    before = client.get(GROUPS)

    changed = world.admin.call("PATCH", f"/api/v1/users/{user}", change)

    assert (before.http, changed.http) == (OK, OK)
    assert client.get(GROUPS).error == NOT_AUTHENTICATED


def test_removed_member_loses_tokens(world: World) -> None:
    """Who is removed from the account has no token for it any more, and gets no new one."""
    user, domain = new_name("user"), new_name("acc")
    world.account(domain, {user: "owner"})
    client = world.login(user, domain)

    gone = world.admin.delete(f"/api/v1/projects/{domain}/members/{user}")

    assert gone.http == NO_CONTENT
    assert client.get(GROUPS).error == NOT_AUTHENTICATED
    refused = world.anonymous().post(TOKENS, token_request(user, PASSWORD, domain))
    assert refused.http == UNAUTHORIZED


# --- access keys ------------------------------------------------------------------------------


@pytest.fixture
def key(dev1: SwrClient) -> AccessKey:
    """Give an access key of dev1."""
    answer = dev1.post("/api/v1/access-keys", {"project": "acme"})
    assert answer.http == CREATED, answer
    return AccessKey(access=answer.json["access"], secret=answer.json["secret"])


def signed(
    key: AccessKey, world: World, method: str, target: str, body: object = None, **more: Any
) -> Reply:
    """Send a signed request."""
    content = b"" if body is None else json.dumps(body).encode()
    headers = key.headers(method, world.server.url + target, content, **more)
    fields = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    return world.anonymous().raw(method, target, content or None, fields)


def test_signed_calls(world: World, key: AccessKey, bench: Workbench) -> None:
    """Signed requests work with a query, with a body and with percent-encoding."""
    group, given = new_name("team"), {**builds(bench, "one"), "name": new_name("web")}

    made = signed(key, world, "POST", GROUPS, {"group": group})
    created = signed(key, world, "POST", f"{GROUPS}/{group}/pipelines", given)
    listed = signed(key, world, "GET", "/v3/manage/pipelines?limit=5&filter=name::web&offset=0")

    assert [made.http, created.http, listed.http] == [CREATED, CREATED, OK]
    path = f"/v3/manage/pipelines/{created.json['id']}"
    seed = f"{path}/stages/0?mode=rollback&source=rollback%3A%3Atrue"
    assert_empty_object(signed(key, world, "POST", f"{path}/start"))
    assert signed(key, world, "POST", seed).http == BAD


def test_wrong_signatures(world: World, key: AccessKey) -> None:
    """A wrong secret, a changed query and an unknown key are 401 SWR.4010000."""
    wrong = AccessKey(access=key.access, secret="not-the-secret")
    unknown = AccessKey(access="AKUNKNOWN", secret=key.secret)
    headers = key.headers("GET", f"{world.server.url}{GROUPS}?limit=1&offset=0")

    found = [
        signed(wrong, world, "GET", GROUPS),
        signed(unknown, world, "GET", GROUPS),
        world.anonymous().raw("GET", f"{GROUPS}?limit=2&offset=0", None, headers),
    ]

    assert [answer.error for answer in found] == [NOT_AUTHENTICATED] * 3


@pytest.mark.parametrize("minutes", [-16, 16])
def test_date_of_a_signature(world: World, key: AccessKey, minutes: int) -> None:
    """A date more than 15 minutes off is 401 SWR.4010000; one of 10 minutes is not."""
    now = datetime.now(UTC)

    off = signed(key, world, "GET", GROUPS, now=now + timedelta(minutes=minutes))
    near = signed(key, world, "GET", GROUPS, now=now + timedelta(minutes=minutes // 2))

    assert off.error == NOT_AUTHENTICATED
    assert near.http == OK


def test_signature_of_a_changed_body(world: World, key: AccessKey) -> None:
    """The signature covers the body."""
    content = json.dumps({"group": new_name("team")}).encode()
    headers = key.headers("POST", f"{world.server.url}{GROUPS}", content)

    answer = world.anonymous().raw("POST", GROUPS, content + b" ", headers)

    assert answer.error == NOT_AUTHENTICATED


def test_signature_header_without_its_parts(world: World) -> None:
    """An authorization header without its parts is a bad request or not authenticated."""
    headers = {"Authorization": "SDK-HMAC-SHA256 nothing", "X-Sdk-Date": "20200101T000000Z"}

    answer = world.anonymous().raw("GET", GROUPS, None, headers)

    assert answer.error in {(BAD, "SWR.4000031"), (BAD, "SWR.4001013"), NOT_AUTHENTICATED}


# --- rights -----------------------------------------------------------------------------------


def test_what_a_reader_may(dev1: SwrClient, dev2: SwrClient, bench: Workbench) -> None:
    """Read: see, start, webhook, retry; not create, change, delete."""
    pipeline = Pipeline(dev1, builds(bench, "one", pre_operation=triggers("or")))
    create = f"{GROUPS}/{pipeline.group}/pipelines"
    bench.break_steps("one")

    allowed = [dev2.get(pipeline.path), pipeline.fire(client=dev2)]
    pipeline.settle("stage_exception")
    bench.repair("one")
    allowed.append(pipeline.retry(0, client=dev2))
    pipeline.settle("success")
    allowed.append(pipeline.try_start(client=dev2))
    pipeline.settle("success")

    refused = [
        dev2.post(create, {**builds(bench, "two"), "name": "two"}),
        dev2.put(pipeline.path, pipeline.created),
        pipeline.delete(client=dev2),
        dev2.delete(f"{GROUPS}/{pipeline.group}"),
    ]
    assert [answer.http for answer in allowed] == [OK, CREATED, CREATED, CREATED]
    assert [answer.error for answer in refused] == [NO_RIGHT] * 4
    assert pipeline.jobs(0)[0]["creator_name"] == "dev2"


def test_stop_by_a_reader(dev1: SwrClient, dev2: SwrClient, bench: Workbench) -> None:
    """A reader may stop what they started themselves."""
    pipeline = Pipeline(dev1, builds(bench, "one"))
    bench.hold("one")
    assert_empty_object(pipeline.try_start(client=dev2))

    answer = pipeline.stop(client=dev2)

    assert_empty_object(answer)
    pipeline.settle("cancel")


def test_what_an_editor_may(dev1: SwrClient, dev3: SwrClient, bench: Workbench) -> None:
    """Edit: also create; not delete in another's group; everything in one's own."""
    theirs, own = Pipeline(dev1, builds(bench, "one")), new_group(dev3)

    made = Pipeline(dev3, builds(bench, "two"), group=theirs.group)
    refused = theirs.delete(client=dev3)
    mine = Pipeline(dev3, builds(bench, "three"), group=own)

    assert made.created["group_name"] == theirs.group
    assert refused.error == NO_RIGHT
    assert mine.delete().http == NO_CONTENT
    assert dev3.delete(f"{GROUPS}/{own}").http == NO_CONTENT


def test_rollback_needs_manage(
    dev1: SwrClient, dev2: SwrClient, dev3: SwrClient, target: Target
) -> None:
    """Only who manages may roll back."""
    pipeline = Pipeline(dev1, release_only(target))
    for version in ("v1", "v2"):
        pipeline.run("success", VERSION=version)

    refused = [pipeline.rollback(0, client=client) for client in (dev2, dev3)]

    assert [answer.error for answer in refused] == [NO_RIGHT, NO_RIGHT]
    assert target.live == "v2"
    pipeline.roll_back()


def test_viewer_only_sees(world: World, dev1: SwrClient, bench: Workbench) -> None:
    """A viewer sees a pipeline and can't start it."""
    pipeline, viewer = Pipeline(dev1, builds(bench, "one")), world.login("dev4")

    seen, refused = viewer.get(pipeline.path), pipeline.try_start(client=viewer)

    assert seen.http == OK
    assert refused.error == NO_RIGHT


def test_border_between_accounts(dev1: SwrClient, eve: SwrClient, bench: Workbench) -> None:
    """Nothing of another account can be read, started, changed or seen in lists."""
    pipeline = Pipeline(dev1, builds(bench, "one", pre_operation=triggers("or")))
    path = pipeline.path

    refused = [
        eve.get(path),
        eve.put(path, pipeline.created),
        eve.delete(path),
        eve.post(f"{path}/start"),
        eve.post(f"{path}/stop"),
        eve.get(f"{path}/stages/0/jobs"),
        eve.get(f"{path}/stages/0/jobs/latest/logs"),
        eve.post(f"{path}/stages/0?mode=rollback&source=rollback::true"),
    ]

    assert [answer.error for answer in refused] == [FOREIGN] * len(refused)
    assert pipeline.fire(client=eve).error in {FOREIGN, (NOT_FOUND, "SWR.4040126")}
    assert eve.get("/v3/manage/pipelines").json == []
    assert pipeline.status()["status"] == "waiting"


def test_same_group_name_in_two_accounts(dev1: SwrClient, eve: SwrClient) -> None:
    """Group names are unique in their account only."""
    name = new_name("team")

    new_group(dev1, name)
    new_group(eve, name)

    assert [g["group"] for g in eve.get(GROUPS).json if g["group"] == name] == [name]


# --- rights in groups -------------------------------------------------------------------------


def test_rights_of_a_group(world: World, dev1: SwrClient, group: str, bench: Workbench) -> None:
    """A right given in a group counts there: a viewer with edit may create in it."""
    viewer, path = world.login("dev4"), f"{GROUPS}/{group}/auths"
    create, given = f"{GROUPS}/{group}/pipelines", {**builds(bench, "one"), "name": new_name("w")}

    before = viewer.post(create, given)
    added = dev1.post(path, {"user_name": "dev4", "auth": 3})
    listed = dev1.get(path)
    after = viewer.post(create, given)

    assert before.error == NO_RIGHT
    assert added.http == CREATED
    assert listed.http == OK
    assert {e["user_name"]: e["auth"] for e in listed.json}["dev4"] == 3
    assert after.http == CREATED
    refused = viewer.delete(f"/v3/manage/pipelines/{after.json['id']}")
    assert refused.error == NO_RIGHT
    assert dev1.put(path, {"user_name": "dev4", "auth": 7}).http == CREATED
    assert viewer.delete(f"/v3/manage/pipelines/{after.json['id']}").http == NO_CONTENT
    assert dev1.delete(path, {"user_name": "dev4"}).http == NO_CONTENT
    assert viewer.post(create, given).error == NO_RIGHT


def test_bad_rights_of_a_group(dev1: SwrClient, dev2: SwrClient, group: str) -> None:
    """A right that exists, one of another number, and a caller who doesn't manage are refused."""
    path, right = f"{GROUPS}/{group}/auths", {"user_name": "dev4", "auth": 1}
    dev1.post(path, right)

    found = [
        dev1.post(path, right),
        dev1.post(path, {"user_name": "dev3", "auth": 2}),
        dev2.post(path, {"user_name": "dev2", "auth": 7}),
    ]

    expected = [(CONFLICT, "SWR.4097005"), (BAD, "SWR.4007003"), NO_RIGHT]
    assert [answer.error for answer in found] == expected
