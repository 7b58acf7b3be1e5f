"""Calls on groups and definitions over the whole server."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from account_server import AccountServer, assert_error
from definition_client import GROUPS, PIPELINES, DefinitionClient
from definition_texts import Json, build, definition, shop, source

SECRET_URL = "https://ann:s3cret@example.com/acme/shop.git"
ZERO = "0001-01-01T00:00:00Z"
SCRIPT = "echo hello"


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


def bkci_model(name: str, *scripts: str) -> Json:
    """Return a BK-CI model with one stage with one job."""
    trigger = {
        "containers": [
            {"@type": "trigger", "name": "t", "elements": [{"@type": "manualTrigger", "name": "m"}]}
        ]
    }
    elements = [
        {"@type": "linuxScript", "name": f"s{number}", "script": script}
        for number, script in enumerate(scripts)
    ]
    job = {"@type": "vmBuild", "name": "job", "baseOS": "LINUX", "elements": elements}
    return {"name": name, "stages": [trigger, {"containers": [job]}]}


def make_foreign(server: AccountServer, model: Json) -> None:
    """Make a pipeline by the own API, in the dialect of the other facade."""
    server.native("POST", "/projects/acme/pipelines", model)


def test_create_answer(dev1: DefinitionClient) -> None:
    """The answer has the documented fields in their order, and neither status nor SYS_*."""
    made = dev1.create(shop())

    assert list(made) == [
        "id",
        "group_id",
        "group_name",
        "name",
        "description",
        "pre_operation",
        "params",
        "stages",
        "bk_pipeline_id",
    ]
    assert made["bk_pipeline_id"].startswith("p-")
    assert [each["name"] for each in made["params"]] == ["ENV"]
    first, second = made["pre_operation"]["triggers"]
    assert re.fullmatch(r"http://[^/]+/v2/manage/webhooks/[0-9a-f-]{36}", first["webhook"]["url"])
    assert second == {"channel": {"name": "base-image-ready"}}
    ids = [stage["id"] for stage in made["stages"]]
    assert ids == sorted(set(ids))


def test_detail_of_a_pipeline_that_never_ran(dev1: DefinitionClient) -> None:
    """The detail is the create answer with source, status and the system variables."""
    made = dev1.create(shop())

    detail = dev1.detail(made["id"])

    status = detail["status"]
    assert (status["status"], status["start_time"], status["end_time"]) == ("waiting", ZERO, ZERO)
    assert len(status["stages"]) == 4
    values = {each["name"]: each["value"] for each in detail["params"]}
    assert values["SYS_INCREMENT"] == "0"
    assert re.fullmatch(r"\d{18}", values["SYS_TIMESTAMP"])
    assert detail["source"] == "swr"
    assert {key: detail[key] for key in made if key != "params"} == {
        key: made[key] for key in made if key != "params"
    }


def test_numbers_are_never_given_twice(dev1: DefinitionClient) -> None:
    """Stages and variables of the whole server have different numbers."""
    one, other = dev1.create({**shop(), "name": "one"}), dev1.create({**shop(), "name": "other"})

    stages = [stage["id"] for made in (one, other) for stage in made["stages"]]
    params = [param["id"] for made in (one, other) for param in dev1.detail(made["id"])["params"]]

    assert len(set(stages)) == 8
    assert len(set(params)) == 6


def test_a_name_is_taken_once(dev1: DefinitionClient) -> None:
    """The same name in the same group is a conflict; after a delete it is free."""
    made = dev1.create(definition())
    path = f"{GROUPS}/team-a/pipelines"

    again = dev1.call("POST", path, definition())
    deleted = dev1.call("DELETE", f"{PIPELINES}/{made['id']}")

    assert_error(again, 409, "SWR.4090236")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert dev1.create(definition())["id"] > made["id"]
    assert_error(dev1.call("DELETE", f"{PIPELINES}/{made['id']}"), 404, "SWR.4040162")


def test_a_key_creates_once(dev1: DefinitionClient) -> None:
    """The same Idempotency-Key gets the first answer; with another body it is refused."""
    path = f"{GROUPS}/team-a/pipelines"

    first = dev1.call("POST", path, definition(), Idempotency_Key="k1")
    repeat = dev1.call("POST", path, definition(), Idempotency_Key="k1")
    other = dev1.call("POST", path, definition(name="other"), Idempotency_Key="k1")

    assert repeat.content == first.content
    assert repeat.headers["Idempotency-Replayed"] == "true"
    assert_error(other, 400, "SWR.4000014")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"{PIPELINES}/x", 400, "SWR.4000014"),
        ("GET", f"{PIPELINES}/-1", 400, "SWR.4000014"),
        ("GET", f"{PIPELINES}/99999", 404, "SWR.4040162"),
        ("GET", f"{PIPELINES}/{10**30}", 404, "SWR.4040162"),
        ("PUT", f"{PIPELINES}/99999", 404, "SWR.4040162"),
        ("DELETE", f"{PIPELINES}/99999", 404, "SWR.4040162"),
        ("POST", f"{GROUPS}/nowhere/pipelines", 404, "SWR.4040162"),
        ("DELETE", f"{GROUPS}/nowhere", 404, "SWR.4040162"),
        ("GET", "/v3/manage/nothing", 404, "SWR.4040083"),
        ("GET", "/v2/manage", 404, "SWR.4040083"),
        ("PATCH", GROUPS, 405, "SWR.4000014"),
        ("GET", f"{GROUPS}/team-a/pipelines", 405, "SWR.4000014"),
        ("GET", f"{PIPELINES}?filter=%ff", 400, "SWR.4001024"),
    ],
)
def test_wrong_paths(
    dev1: DefinitionClient, method: str, path: str, status: int, code: str
) -> None:
    """What is not there is said in the dialect's shape."""
    assert_error(dev1.call(method, path), status, code)


def test_order_of_the_checks(server: AccountServer, dev1: DefinitionClient) -> None:
    """Credential, then pipeline and account, then right, then body."""
    number = dev1.create(definition())["id"]
    path = f"{PIPELINES}/{number}"
    other, viewer = DefinitionClient(server, "other", "globex"), DefinitionClient(server, "dev3")

    nobody = server.raw("PUT", path, b"{", {})
    answers = [
        dev1.call("PUT", path, content=b"{", X_Auth_Token="x" * 40),
        other.call("PUT", path, content=b"{"),
        viewer.call("PUT", path, content=b"{"),
        dev1.call("PUT", path, content=b"{"),
    ]

    assert_error(nobody, 401, "SWR.4012000")
    assert_error(answers[0], 401, "SWR.4010000")
    assert_error(answers[1], 401, "SWR.4011064")
    assert_error(answers[2], 403, "S2I.4039002")
    assert_error(answers[3], 400, "SWR.4000014")


def test_rights_on_definitions(server: AccountServer, dev1: DefinitionClient) -> None:
    """A viewer and a runner see; only with a right in the group they create and change."""
    number = dev1.create(definition())["id"]
    runner, viewer = DefinitionClient(server, "dev2"), DefinitionClient(server, "dev3")
    create = f"{GROUPS}/team-a/pipelines"

    seen = [client.get(f"{PIPELINES}/{number}").status_code for client in (runner, viewer)]
    refused = [client.call("POST", create, definition(name="a")) for client in (runner, viewer)]
    dev1.call("POST", f"{GROUPS}/team-a/auths", {"user_name": "dev3", "auth": 3})
    created = viewer.call("POST", create, definition(name="a"))
    may_not_change = viewer.update(number)
    dev1.call("PUT", f"{GROUPS}/team-a/auths", {"user_name": "dev3", "auth": 7})
    changed = viewer.update(number)

    assert seen == [200, 200]
    for answer in (*refused, may_not_change):
        assert_error(answer, 403, "S2I.4039002")
    assert (created.status_code, changed.status_code) == (201, 201)


def test_who_makes_a_group_manages_it(server: AccountServer) -> None:
    """A developer may not change pipelines elsewhere, but does in an own group."""
    server.native("PUT", "/projects/acme/members/dev2", {"role": "developer"})
    maker, other = DefinitionClient(server, "dev2"), DefinitionClient(server)
    other.group("theirs")
    maker.group("mine")
    theirs = maker.create(definition(name="a"), "theirs")["id"]
    mine = maker.create(definition(name="b"), "mine")["id"]

    answers = [maker.update(theirs), maker.update(mine)]

    assert_error(answers[0], 403, "S2I.4039002")
    assert answers[1].status_code == 201
    assert maker.get(f"{GROUPS}/mine/auths").json() == [{"user_name": "dev2", "auth": 7}]
    assert maker.call("DELETE", f"{GROUPS}/theirs").status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"user_name": "dev3"}, 400, "SWR.4001014"),
        ({"user_name": "dev3", "auth": 2}, 400, "SWR.4007003"),
        ({"user_name": "dev3", "auth": True}, 400, "SWR.4007003"),
        ({"user_name": "nobody", "auth": 1}, 400, "SWR.4007003"),
        ({"user_name": "other", "auth": 1}, 400, "SWR.4007003"),
    ],
)
def test_wrong_rights(dev1: DefinitionClient, body: Json, status: int, code: str) -> None:
    """A right is 1, 3 or 7, of a member of the account."""
    assert_error(dev1.call("POST", f"{GROUPS}/team-a/auths", body), status, code)


def test_rights_are_granted_changed_and_taken(dev1: DefinitionClient) -> None:
    """POST gives, PUT changes, DELETE takes; each says when there is nothing to do."""
    path, given = f"{GROUPS}/team-a/auths", {"user_name": "dev3", "auth": 1}

    early = dev1.call("PUT", path, given)
    added, again = dev1.call("POST", path, given), dev1.call("POST", path, given)
    changed = dev1.call("PUT", path, {**given, "auth": 3})
    listed = dev1.get(path).json()
    gone = [dev1.call("DELETE", f"{path}?user_name=dev3") for _ in range(2)]

    assert_error(early, 404, "SWR.4040162")
    assert_error(again, 409, "SWR.4097005")
    assert (added.status_code, changed.status_code, changed.json()["auth"]) == (201, 201, 3)
    assert listed == [{"user_name": "dev1", "auth": 7}, {"user_name": "dev3", "auth": 3}]
    assert gone[0].status_code == 204
    assert_error(gone[1], 404, "SWR.4040162")


def test_groups_have_counts_and_are_deleted_when_empty(dev1: DefinitionClient) -> None:
    """The list counts live pipelines; both base paths list; a full group stays."""
    number = dev1.create(definition())["id"]

    full = dev1.call("DELETE", f"{GROUPS}/team-a")
    listed = dev1.get("/v2/manage/pipelinegroups").json()
    dev1.call("DELETE", f"{PIPELINES}/{number}")
    empty = dev1.call("DELETE", f"{GROUPS}/team-a")

    assert_error(full, 409, "SWR.4090236")
    assert [(each["group"], each["pipeline_count"]) for each in listed] == [("team-a", 1)]
    assert empty.status_code == 204
    assert dev1.get(GROUPS).json() == []


def test_update_keeps_addresses_and_says_what_is_new(dev1: DefinitionClient) -> None:
    """Sent back as it was shown, a definition stays; a new stage gets a new id."""
    made = dev1.create(shop())

    same = dev1.update(made["id"])
    more = dev1.update(made["id"], stages=[*made["stages"], build("last")])

    assert (same.status_code, same.json()) == (201, made)
    ids = [stage["id"] for stage in more.json()["stages"]]
    assert ids[:4] == [stage["id"] for stage in made["stages"]]
    assert ids[4] > max(ids[:4])
    assert more.json()["pre_operation"] == made["pre_operation"]


def test_update_after_a_rename_by_the_other_dialect(
    server: AccountServer, dev1: DefinitionClient
) -> None:
    """The name that is shown is the one that an update must have."""
    made = dev1.create(definition())
    path = f"/v4/apigw-user/projects/acme/pipelines/setting?pipelineId={made['bk_pipeline_id']}"
    headers = {"Authorization": f"Bearer {server.admin_token}", "Content-Type": "application/json"}
    renamed = server.raw("PUT", path, json.dumps({"pipelineName": "renamed"}).encode(), headers)

    answer = dev1.update(made["id"])

    assert renamed.status_code == 200, renamed.text
    assert (answer.status_code, answer.json()["name"]) == (201, "renamed")


def test_credentials_are_shown_to_nobody(server: AccountServer, dev1: DefinitionClient) -> None:
    """Passwords in URLs are masked in every answer; secrets of push hooks need edit."""
    trigger = {"trigger_tag_create_event": True, "branchs": ["main"]}
    made = dev1.create(definition(source(url=SECRET_URL, code_trigger=trigger)))
    path = f"{PIPELINES}/{made['id']}"
    viewer = DefinitionClient(server, "dev3")

    answers = [dev1.get(path), dev1.get(PIPELINES), viewer.get(path)]

    assert "s3cret" not in json.dumps(made) + "".join(answer.text for answer in answers)
    assert made["stages"][0]["params"]["url"] == "https://ann:******@example.com/acme/shop.git"
    hooks = [stage_of(answer.json())["code_trigger"]["webhook"] for answer in answers]
    assert [set(hook) for hook in hooks] == [{"url", "secret"}, {"url"}, {"url"}]
    assert "/v2/manage/codehooks/" in hooks[0]["url"]


def stage_of(value: Any) -> Any:
    """Return the params of the first stage of a detail or a list."""
    return (value[0] if isinstance(value, list) else value)["stages"][0]["params"]


def test_pipelines_of_the_other_dialect(server: AccountServer, dev1: DefinitionClient) -> None:
    """They stand in the group `default`: a script is a jenkins_build, more is a bkci_stage."""
    make_foreign(server, bkci_model("One script", SCRIPT))
    make_foreign(server, bkci_model("Two scripts", SCRIPT, SCRIPT))

    groups = {each["group"]: each["pipeline_count"] for each in dev1.get(GROUPS).json()}
    listed = dev1.get(PIPELINES, filter="group_name::default").json()
    details = {each["name"]: dev1.detail(each["id"]) for each in listed}

    assert groups == {"team-a": 0, "default": 2}
    one, two = details["One script"]["stages"][0], details["Two scripts"]["stages"][0]
    assert (one["service_name"], one["params"]["jenkins_shell"]) == ("jenkins_build", SCRIPT)
    assert (two["service_name"], two["params"]["tasks"][0]["steps"]) == (
        "bkci_stage",
        ["s0", "s1"],
    )
    assert {each["group_name"] for each in details.values()} == {"default"}
    refused = dev1.update(details["One script"]["id"])
    assert "bkci" in assert_error(refused, 400, "SWR.4000014")
    assert_error(dev1.call("DELETE", f"{GROUPS}/default"), 409, "SWR.4090236")


def test_too_large_bodies(dev1: DefinitionClient) -> None:
    """More than 1 MiB is 413 in this dialect, also where the guard in front refuses it."""
    path = f"{GROUPS}/team-a/pipelines"
    answers = [
        dev1.call("POST", path, content=b" " * (2 * 1024 * 1024)),
        dev1.call("POST", path, content=b" " * (17 * 1024 * 1024)),
    ]

    for answer in answers:
        assert_error(answer, 413, "SWR.4131001")


def test_a_slash_at_the_end_does_not_matter(dev1: DefinitionClient) -> None:
    """A path may end in a slash, as signed requests write it."""
    assert dev1.get(f"{GROUPS}/").json() == dev1.get(GROUPS).json()
