"""Tokens, users, members, applications, audit: who may do what, and for how long."""

from pathlib import Path

import pytest
from native_client import NativeApi, NativeClient, two_steps
from native_server import NativeServer

from mulligan.testing import models

OWN_API = ("/tokens", "/projects", "/projects/shop/runs", "/runs/b-1", "/events?project=shop")


def test_without_credential(api: NativeApi) -> None:
    """Nothing but the description answers anybody."""
    nobody = api.acting_as("")

    for path in OWN_API:
        answer = nobody.call("GET", path, expect=401)
        assert answer.headers["www-authenticate"] == "Bearer"
    nobody.call("GET", "/metrics", expect=401)
    nobody.call("GET", "/openapi.json")
    nobody.call("DELETE", "/projects", expect=401)
    nobody.call("DELETE", "/openapi.json", expect=405)


def test_wrong_credential(api: NativeApi) -> None:
    """An unknown token and an unknown scheme are refused alike."""
    api.acting_as("mlg_wrong").get("/tokens", expect=401)
    api.call("GET", "/tokens", headers={"Authorization": "Basic YTpi"}, expect=401)


def test_wrong_credential_in_development(dev_api: NativeApi) -> None:
    """Without a credential anybody is let in, with a wrong one nobody."""
    dev_api.get("/projects")

    dev_api.acting_as("mlg_wrong").get("/projects", expect=401)


def test_token_lets_in_until_it_is_revoked(api: NativeApi) -> None:
    """A revoked token is refused from that moment."""
    made = api.post("/tokens", {"name": "ci"}, expect=201)
    holder = api.acting_as(made["token"])

    holder.get("/projects/shop")
    api.call("DELETE", f"/tokens/{made['id']}", expect=204)

    holder.get("/projects/shop", expect=401)
    api.call("DELETE", f"/tokens/{made['id']}", expect=404)


def test_token_ends_with_its_time(api: NativeApi) -> None:
    """A token with a time to live is refused when that is over."""
    token = api.post("/tokens", {"name": "short", "ttl_s": 60}, expect=201)["token"]
    holder = api.acting_as(token)
    holder.get("/projects")

    api.server.clock.advance(61)

    holder.get("/projects", expect=401)


@pytest.mark.parametrize("ttl", [0, -1, 2**40])
def test_bad_time_to_live(api: NativeApi, ttl: int) -> None:
    """A time to live must be some seconds."""
    api.post("/tokens", {"name": "x", "ttl_s": ttl}, expect=422)


@pytest.mark.parametrize("name", ["", " ", "a" * 129, "two\nlines"])
def test_bad_name_of_a_token(api: NativeApi, name: str) -> None:
    """It is refused, not cut off or kept empty: people choose by it which one to revoke."""
    problem = api.post("/tokens", {"name": name}, expect=422)

    assert problem["errors"][0]["pointer"] == "/name"


def test_secret_is_shown_once(api: NativeApi) -> None:
    """No later answer holds the secret of a token."""
    token = api.post("/tokens", {"name": "ci"}, expect=201)["token"]

    listed = api.call("GET", "/tokens").text

    assert token not in listed
    assert '"ci"' in listed


def test_tokens_of_others(api: NativeApi) -> None:
    """One sees and revokes one's own tokens; another user's only as an admin."""
    rudi = api.make_user("rudi", "runner")
    own = rudi.post("/tokens", {"name": "mine"}, expect=201)
    of_admin = api.post("/tokens", {"name": "admin's"}, expect=201)

    names = [item["name"] for item in rudi.get("/tokens")["items"]]

    assert names == ["test", "mine"]
    rudi.call("DELETE", f"/tokens/{of_admin['id']}", expect=404)
    rudi.post("/tokens", {"name": "x", "user": "admin"}, expect=403)
    assert {"mine", "admin's"} <= {item["name"] for item in api.get("/tokens")["items"]}
    api.call("DELETE", f"/tokens/{own['id']}", expect=204)


def test_bound_token_knows_one_project(api: NativeApi) -> None:
    """A token bound to projects is forbidden any other, unknown and foreign alike."""
    api.post("/projects", {"name": "other"}, expect=201)
    body = {"name": "bound", "projects": ["shop"]}
    bound = api.acting_as(api.post("/tokens", body, expect=201)["token"])

    bound.get("/projects/shop/runs")

    bound.get("/projects/other/runs", expect=403)
    bound.get("/projects/nothing/runs", expect=403)
    bound.post("/users", {"name": "x"}, expect=403)
    bound.post("/tokens", {"name": "wider", "projects": ["other"]}, expect=403)
    assert [item["id"] for item in bound.get("/projects")["items"]] == ["shop"]
    narrow = bound.acting_as(bound.post("/tokens", {"name": "same"}, expect=201)["token"])
    narrow.get("/projects/other/runs", expect=403)


def test_bound_token_revokes_none_that_reaches_further(api: NativeApi) -> None:
    """A credential that is bound neither sees nor ends wider ones, not even of the same user."""
    wide = api.get("/tokens")["items"][0]["id"]
    body = {"name": "bound", "projects": ["shop"], "role": "viewer"}
    made = api.post("/tokens", body, expect=201)
    bound = api.acting_as(made["token"])

    assert [item["id"] for item in bound.get("/tokens")["items"]] == [made["id"]]
    bound.call("DELETE", f"/tokens/{wide}", expect=404)

    api.get("/users")
    bound.call("DELETE", f"/tokens/{made['id']}", expect=204)


def test_default_of_a_secret_is_for_editors(api: NativeApi) -> None:
    """Who may not edit a definition gets it without the defaults of sensitive parameters."""
    model = two_steps()
    key = models.parameter("key", "hunter2", type="PASSWORD")
    model["stages"][0]["containers"][0]["params"] = [key]
    path = f"/projects/shop/pipelines/{api.make_pipeline(model)}/definition"

    seen = {who: api.make_user(who, who).call("GET", path).text for who in ("viewer", "developer")}

    assert "hunter2" not in seen["viewer"]
    assert "hunter2" in seen["developer"]


def test_token_of_a_role_does_no_more(api: NativeApi) -> None:
    """A token's role bounds even an admin's rights."""
    pipeline = api.make_pipeline()
    made = api.post("/tokens", {"name": "read", "role": "viewer"}, expect=201)
    viewer = api.acting_as(made["token"])

    viewer.get("/projects/shop/runs")

    viewer.post(f"/projects/shop/pipelines/{pipeline}/runs", {}, expect=403)
    viewer.post("/users", {"name": "x"}, expect=403)
    wider = viewer.post("/tokens", {"name": "more", "role": "owner"}, expect=201)
    viewer.acting_as(wider["token"]).post(
        f"/projects/shop/pipelines/{pipeline}/runs", {}, expect=403
    )


def test_foreign_project_is_not_found(api: NativeApi) -> None:
    """For a user without membership a project looks like one that does not exist."""
    eve = api.make_user("eve")

    foreign = eve.get("/projects/shop/runs", expect=404)
    unknown = eve.get("/projects/nothing/runs", expect=404)

    assert foreign["detail"].replace("shop", "X") == unknown["detail"].replace("nothing", "X")
    assert eve.get("/projects")["items"] == []


def test_roles(api: NativeApi) -> None:
    """Each role can what the one before can, and its own acts."""
    pipeline = api.make_pipeline()
    start = f"/projects/shop/pipelines/{pipeline}/runs"
    users = {role: api.make_user(f"u-{role}", role) for role in ("viewer", "runner", "developer")}

    users["viewer"].get("/projects/shop/runs")
    users["viewer"].post(start, {}, expect=403)
    users["runner"].post(start, {}, expect=201)
    users["runner"].call("DELETE", f"/projects/shop/pipelines/{pipeline}", expect=403)
    users["developer"].put("/projects/shop/members/eve", {"role": "viewer"}, expect=403)
    users["developer"].get("/projects/shop/audit", expect=403)
    users["developer"].call("DELETE", f"/projects/shop/pipelines/{pipeline}", expect=204)


def test_membership_ends_at_once(api: NativeApi) -> None:
    """Who is taken out of a project does not see it any more."""
    rudi = api.make_user("rudi", "runner")
    rudi.get("/projects/shop")

    api.call("DELETE", "/projects/shop/members/rudi", expect=204)

    rudi.get("/projects/shop", expect=404)
    api.call("DELETE", "/projects/shop/members/rudi", expect=404)


def test_members_are_listed(api: NativeApi) -> None:
    """The list shows roles and granted permissions."""
    api.make_user("rudi", "runner")

    items = api.get("/projects/shop/members")["items"]

    assert items == [
        {"user": "admin", "role": "owner", "permissions": []},
        {"user": "rudi", "role": "runner", "permissions": []},
    ]
    api.put("/projects/shop/members/rudi", {"role": "king"}, expect=422)
    api.put("/projects/shop/members/ghost", {"role": "viewer"}, expect=404)


def test_disabled_user_is_out_at_once(api: NativeApi) -> None:
    """Disabling a user stops their tokens from that moment; enabling lets them in again."""
    rudi = api.make_user("rudi", "runner")
    rudi.get("/projects/shop")

    assert api.call("PATCH", "/users/rudi", {"disabled": True}).json()["disabled"] is True
    rudi.get("/projects/shop", expect=401)

    api.call("PATCH", "/users/rudi", {"disabled": False})
    rudi.get("/projects/shop")


def test_user_changes_own_language_only(api: NativeApi) -> None:
    """The rest of a user is changed by admins; nobody locks themselves out."""
    rudi = api.make_user("rudi", "runner")

    assert rudi.call("PATCH", "/users/rudi", {"language": "zh"}).json()["language"] == "zh"

    rudi.call("PATCH", "/users/rudi", {"disabled": False}, expect=403)
    rudi.call("PATCH", "/users/rudi", {"password": "x"}, expect=403)
    rudi.call("PATCH", "/users/admin", {"language": "zh"}, expect=403)
    api.call("PATCH", "/users/rudi", {"language": "xx"}, expect=422)
    api.call("PATCH", "/users/admin", {"disabled": True}, expect=422)
    api.call("PATCH", "/users/ghost", {"language": "zh"}, expect=404)


def test_users(api: NativeApi) -> None:
    """Only admins make and list users; a name is taken once; no password is ever shown."""
    api.post("/users", {"name": "用户名", "password": "geheim"}, expect=201)
    rudi = api.make_user("rudi")

    listed = api.call("GET", "/users").text

    assert "geheim" not in listed
    assert "argon2" not in listed
    assert [item["name"] for item in api.get("/users")["items"]] == ["admin", "rudi", "用户名"]
    assert api.post("/users", {"name": "rudi"}, expect=409)["code"] == "user"
    api.post("/users", {"name": "a/b"}, expect=422)
    rudi.get("/users", expect=403)
    rudi.post("/users", {"name": "x"}, expect=403)


def test_lists_of_people_are_paged(api: NativeApi) -> None:
    """A page by position continues where the one before ended."""
    for name in ("a", "b", "c"):
        api.post("/users", {"name": name}, expect=201)

    first = api.get("/users?limit=3")
    second = api.get(f"/users?limit=3&cursor={first['next_cursor']}")

    assert [item["name"] for item in first["items"]] == ["a", "admin", "b"]
    assert [item["name"] for item in second["items"]] == ["c"]
    assert second["next_cursor"] is None


def test_applications(api: NativeApi) -> None:
    """An application belongs to projects that its maker manages."""
    made = api.post("/apps", {"code": "deployer", "projects": ["shop"]}, expect=201)
    dora = api.make_user("dora", "developer")

    assert made["code"] == "deployer"
    assert len(made["secret"]) > 20
    assert (
        api.post("/apps", {"code": "deployer", "projects": ["shop"]}, expect=409)["code"] == "app"
    )
    api.post("/apps", {"code": "x", "projects": []}, expect=422)
    api.post("/apps", {"code": "x", "projects": ["nothing"]}, expect=404)
    dora.post("/apps", {"code": "x", "projects": ["shop"]}, expect=403)


def test_audit(api: NativeApi) -> None:
    """Every act is in the trail: who, what, from where, why; newest first, by pages."""
    run = api.start(api.make_pipeline())
    api.wait(run)
    api.post(f"/projects/shop/runs/{run}/recovery/apply", {"reason": "once more"})

    newest = api.get("/projects/shop/audit?limit=1")
    older = api.get(f"/projects/shop/audit?limit=1&cursor={newest['next_cursor']}")

    (retry,), (start,) = newest["items"], older["items"]
    assert (retry["action"], retry["actor"], retry["target"]) == ("run.retry", "admin", run)
    assert retry["reason"] == "once more"
    assert retry["origin"] == "testclient api"
    assert start["action"] == "run.start"
    actions = [item["action"] for item in api.get("/projects/shop/audit")["items"]]
    assert actions == ["run.retry", "run.start", "pipeline.create", "project.create"]


def test_projects(api: NativeApi) -> None:
    """An id is made of the name when none is given; both are taken once."""
    made = api.post("/projects", {"name": "My Shop 2"}, expect=201)

    assert made["id"] == "my-shop-2"
    assert made["created_by"] == "admin"
    assert api.get("/projects/my-shop-2")["name"] == "My Shop 2"
    assert api.post("/projects", {"name": "shop"}, expect=409)["code"] == "project"
    assert api.post("/projects", {"name": "商店"}, expect=422)["errors"][0]["pointer"] == "/id"
    assert api.post("/projects", {"name": "商店", "id": "cn"}, expect=201)["name"] == "商店"
    api.post("/projects", {"name": "x", "id": "Bad Id"}, expect=422)
    api.make_user("rudi").post("/projects", {"name": "mine"}, expect=403)


def test_anybody_makes_projects_in_development(dev_api: NativeApi) -> None:
    """With `--dev` a user is made on first sight and owns the projects that they make."""
    alice = {"X-DEVOPS-UID": "alice"}

    made = dev_api.post("/projects", {"name": "hers"}, headers=alice, expect=201)

    assert made["created_by"] == "alice"
    members = dev_api.get("/projects/hers/members")["items"]
    assert members == [{"user": "alice", "role": "owner", "permissions": []}]


def test_clock_moves_in_development_only(api: NativeApi, dev_api: NativeApi) -> None:
    """The clock moves forward with `--dev`, and is not there without."""
    assert dev_api.post("/dev/clock", {"advance": 3600}) == {"now": "2026-11-22T13:00:00Z"}

    dev_api.post("/dev/clock", {"advance": -1}, expect=422)
    dev_api.post("/dev/clock", {"advance": "soon"}, expect=422)
    api.post("/dev/clock", {"advance": 1}, expect=404)


def test_revoked_token_stays_out_after_restart(tmp_path: Path) -> None:
    """What was revoked stays revoked when the server starts again."""
    with NativeClient(NativeServer(tmp_path)) as first:
        made = first.post("/tokens", {"name": "ci"}, expect=201)
        first.call("DELETE", f"/tokens/{made['id']}", expect=204)

    with NativeClient(NativeServer(tmp_path)) as second:
        second.acting_as(made["token"]).get("/projects", expect=401)


def test_a_project_tells_what_one_may_do_there(api: NativeApi) -> None:
    """A page disables what is not among it; a bound token has less than its user."""
    users = {role: api.make_user(f"{role}-here", role) for role in ("viewer", "runner")}
    narrow = api.post("/tokens", {"name": "narrow", "role": "viewer"}, expect=201)["token"]

    viewer = set(users["viewer"].get("/projects/shop")["permissions"])
    runner = set(users["runner"].get("/projects/shop")["permissions"])
    admin = set(api.get("/projects/shop")["permissions"])

    assert viewer == {"view", "view-log", "download"}
    assert runner == viewer | {"start", "stop-own", "retry"}
    assert set(api.acting_as(narrow).get("/projects/shop")["permissions"]) == viewer
    assert {"approve", "delete", "manage"} <= admin
    assert not {"administer", "api_operate"} & admin


def test_address_with_a_bound_token(api: NativeApi) -> None:
    """A token that only looks can't have the mail of its user sent elsewhere."""
    rudi = api.make_user("rudi", "developer")
    for bound in ({"role": "viewer"}, {"projects": ["shop"]}):
        token = rudi.post("/tokens", {"name": "bound", **bound}, expect=201)["token"]
        acting = api.acting_as(token)
        acting.call("PATCH", "/users/rudi", {"email": "eve@example.com"}, expect=403)
        acting.call("PATCH", "/users/rudi", {"email": ""}, expect=403)
        acting.call("PATCH", "/users/rudi", {"language": "zh"})

    rudi.call("PATCH", "/users/rudi", {"email": "rudi@example.com"})
