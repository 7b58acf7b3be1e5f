"""Cases 1 to 11 of the thirty: tokens, groups, definitions, lists."""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import yaml

from e2e.swr.client import CREATED, JSON_TYPE, YAML_TYPE, SwrClient, token_request
from e2e.swr.definitions import (
    DEFAULT_HANDLER,
    build,
    builds,
    definition,
    shop,
    triggers,
    webhook,
)
from e2e.swr.scenario import (
    BAD,
    CONFLICT,
    INVALID,
    NO_CONTENT,
    NO_CREDENTIAL,
    NOT_AUTHENTICATED,
    OK,
    PASSWORD,
    ZERO_TIME,
    Pipeline,
    World,
    new_group,
    new_name,
)
from mulligan.testing.server import ServerProcess

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.swr.client import Reply
    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

GROUPS = "/v3/manage/pipelinegroups"
DAY_S = 86400
TAKEN = (CONFLICT, "SWR.4090236")
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def create(client: SwrClient, group: str, body: object) -> Reply:
    """Create a pipeline in a group, asking for JSON."""
    return client.post(f"{GROUPS}/{group}/pipelines", body)


def test_01_token_call(world: World) -> None:
    """The token call answers 201, the token in a header, and a life of 24 hours."""
    body = token_request("dev1", PASSWORD, "acme")

    answer = world.anonymous().post("/v3/auth/tokens", body)

    assert answer.http == CREATED
    assert len(answer.headers["x-subject-token"]) >= 32
    token = answer.json["token"]
    life = datetime.fromisoformat(token["expires_at"]) - datetime.fromisoformat(token["issued_at"])
    assert life == timedelta(hours=24)
    assert token["methods"] == ["password"]
    assert token["user"]["name"] == "dev1"
    assert token["user"]["domain"]["name"] == "acme"
    assert token["project"]["name"] == "cn-north-4"


def test_02_no_credential(tmp_path: Path) -> None:
    """A call without any credential is 401 SWR.4012000 as an array of one error."""
    with ServerProcess(tmp_path / "data", dev=False) as server:
        answer = SwrClient(server.url).get(GROUPS)

        assert answer.error == NO_CREDENTIAL


def test_02_expired_token(own_world: World) -> None:
    """A token of 24 h + 1 s is 401 SWR.4010000; until then it is good."""
    old = SwrClient(own_world.server.url, {"X-Auth-Token": own_world.token("dev1")})
    before = old.get(GROUPS)
    own_world.advance(DAY_S + 1)

    answer = old.get(GROUPS)

    assert before.http == OK
    assert answer.error == NOT_AUTHENTICATED
    assert own_world.login("dev1").get(GROUPS).http == OK


def test_03_group_names(dev1: SwrClient) -> None:
    """A group name follows the rule; an answer of 201 has its id."""
    made = dev1.post(GROUPS, {"group": "a__b-c1", "description": "demo"})

    wrong = [dev1.post(GROUPS, {"group": n}) for n in ("a___b", "a_-b", "A", "a-", "a" * 65)]

    assert made.http == CREATED
    assert isinstance(made.json["id"], int)
    assert made.json == {"id": made.json["id"], "group": "a__b-c1", "description": "demo"}
    assert [answer.error for answer in wrong] == [INVALID] * 5


def test_04_duplicate_group(dev1: SwrClient, group: str) -> None:
    """The name of a group that exists is 409 SWR.4090236."""
    answer = dev1.post(GROUPS, {"group": group})

    assert answer.error == TAKEN


def test_05_delete_group(dev1: SwrClient, bench: Workbench) -> None:
    """A group is deleted only when it is empty; both deletes have no body."""
    pipeline = Pipeline(dev1, builds(bench, "one"))
    path = f"{GROUPS}/{pipeline.group}"

    refused = dev1.delete(path)
    deletes = [pipeline.delete(), dev1.delete(path)]

    assert refused.error == TAKEN
    assert [(each.http, each.content) for each in deletes] == [(NO_CONTENT, b"")] * 2


def test_06_create_answers_as_accept_says(
    dev1: SwrClient, group: str, bench: Workbench, target: Target, repository: str
) -> None:
    """The create answer is YAML unless JSON is asked for, and says so."""
    found = []
    for accept in ("", "*/*", "application/json"):
        body = {**shop(bench, target, repository), "name": new_name("shop")}
        headers = {"Content-Type": JSON_TYPE, "Accept": accept}
        path = f"{GROUPS}/{group}/pipelines"
        found.append(dev1.raw("POST", path, json.dumps(body).encode(), headers))

    assert [answer.http for answer in found] == [CREATED] * 3
    assert [answer.media_type for answer in found] == [YAML_TYPE, YAML_TYPE, JSON_TYPE]
    assert [len(answer.yaml["stages"]) for answer in found[:2]] == [4, 4]
    assert len(found[2].json["stages"]) == 4


def without_ids(value: Any) -> Any:
    """Return a definition without what differs between two pipelines."""
    if isinstance(value, dict):
        dropped = {"id", "name", "url", "bk_pipeline_id"}
        return {k: without_ids(v) for k, v in value.items() if k not in dropped}
    return [without_ids(each) for each in value] if isinstance(value, list) else value


def test_07_create_with_a_yaml_body(
    dev1: SwrClient, group: str, bench: Workbench, target: Target, repository: str
) -> None:
    """A YAML body makes the same pipeline as JSON, with all that the server fills in."""
    given = shop(bench, target, repository)
    from_json = Pipeline(dev1, given, group=group).created
    text = yaml.safe_dump({**given, "name": new_name("shop")}, allow_unicode=True).encode()

    headers = {"Content-Type": YAML_TYPE, "Accept": "application/json"}
    answer = dev1.raw("POST", f"{GROUPS}/{group}/pipelines", text, headers)

    assert answer.http == CREATED
    made = answer.json
    assert without_ids(made) == without_ids(from_json)
    url = made["pre_operation"]["triggers"][0]["webhook"]["url"]
    assert re.fullmatch(rf"http://[^/]+/v2/manage/webhooks/{UUID}", url)
    assert all(isinstance(stage["id"], int) for stage in made["stages"])
    assert [stage["is_task"] for stage in made["stages"]] == [False] * 4
    assert made["stages"][0]["params"]["git_repo"] == "shop"
    assert made["stages"][1]["params"]["enable_cache"] is False
    assert made["stages"][0]["exception_handler"] == DEFAULT_HANDLER
    assert made["group_name"] == group
    assert "status" not in made
    assert [param["name"] for param in made["params"]] == ["ENV"]


def test_08_empty_triggers_make_one_webhook(dev1: SwrClient, bench: Workbench) -> None:
    """An empty list of triggers makes the server create exactly one webhook."""
    pipeline = Pipeline(dev1, builds(bench, "one", pre_operation=triggers("and")))

    found = pipeline.created["pre_operation"]

    assert found["operator"] == "and"
    assert len(found["triggers"]) == 1
    assert uuid.UUID(pipeline.hook_path().rpartition("/")[2]).version == 4


IMAGE_STAGE = {
    "name": "image",
    "service_name": "dockerfile_build",
    "params": {"dockerfile_content": "FROM scratch", "dockerfile_path": "./Dockerfile"},
}
NO_TIMESPAN = {"type": "timeout_reset", "params": {}}


@pytest.mark.parametrize(
    ("stage", "more", "error"),
    [
        ({**build("a", "true"), "service_name": "offcial_deploy"}, {}, INVALID),
        (build("two words", "true"), {}, (BAD, "SWR.4001141")),
        (IMAGE_STAGE, {}, INVALID),
        (build("a", "true", exception_handler=NO_TIMESPAN), {}, INVALID),
        (
            build("a", "true"),
            {"pre_operation": triggers("or", webhook(env="NOWHERE"))},
            (BAD, "SWR.4001133"),
        ),
    ],
    ids=["service", "stage-name", "two-dockerfiles", "no-timespan", "unknown-variable"],
)
def test_09_bad_definitions(
    dev1: SwrClient, group: str, stage: Json, more: Json, error: tuple[int, str]
) -> None:
    """A wrong definition is refused with its own code and makes nothing."""
    name = new_name("shop")

    answer = create(dev1, group, {**definition([stage], **more), "name": name})

    assert answer.error == error
    assert dev1.get("/v3/manage/pipelines", filter=f"name::{name}").json == []


def test_10_detail_of_a_new_pipeline(
    dev1: SwrClient, bench: Workbench, target: Target, repository: str
) -> None:
    """A pipeline that never ran is waiting at 0, with zero times and its system variables."""
    pipeline = Pipeline(dev1, shop(bench, target, repository))

    detail = pipeline.detail()

    status = detail["status"]
    assert (status["status"], status["stage_index"]) == ("waiting", 0)
    assert (status["start_time"], status["end_time"]) == (ZERO_TIME, ZERO_TIME)
    assert len(status["stages"]) == 4
    for stage in status["stages"]:
        assert (stage["status"], stage["tasks"]) == ("waiting", None)
        assert (stage["start_time"], stage["end_time"]) == (ZERO_TIME, ZERO_TIME)
        assert stage["pre_operation"] == {"triggers_status": []}
    latches = status["pre_operation"]["triggers_status"]
    assert [latch["is_satisfied"] for latch in latches] == [False, False]
    assert latches[0]["webhook"] == {"input_params": {}}
    assert "channel" in latches[1]
    variables = {param["name"]: param for param in detail["params"]}
    assert variables["SYS_INCREMENT"]["value"] == "0"
    assert re.fullmatch(r"\d{18}", variables["SYS_TIMESTAMP"]["value"])
    assert [variables[name]["is_template"] for name in ("SYS_INCREMENT", "ENV")] == [True, False]
    assert detail["source"] == "swr"


def test_11_list_with_filter_and_page(dev1: SwrClient, bench: Workbench) -> None:
    """Filters combine with AND, a page says where it is, and wrong values are refused."""
    mine, old = new_group(dev1), new_group(dev1)
    mark = uuid.uuid4().hex[:6]
    web, _api = (
        Pipeline(dev1, builds(bench, "one"), group=mine, name=f"s{mark}hop-{kind}")
        for kind in ("web", "api")
    )
    Pipeline(dev1, builds(bench, "one"), group=old, name=f"s{mark}hop-old")
    listing, filters = "/v3/manage/pipelines", f"name::{mark}hop|group_id::"
    filters += str(web.created["group_id"])

    page = dev1.get(listing, filter=filters, limit=1, offset=1)
    whole = dev1.get(listing, filter=filters)
    wrong = [dev1.get(listing, filter="foo::1"), dev1.get(listing, limit=0, offset=0)]

    assert page.http == OK
    assert [entry["name"] for entry in page.json] == [f"s{mark}hop-web"]  # the newest is first
    assert page.headers["content-range"] == "1-1/2"
    assert len(whole.json) == 2
    assert "content-range" not in whole.headers
    assert [entry["status"]["stages"] for entry in whole.json] == [None, None]
    assert [len(entry["stages"]) for entry in whole.json] == [1, 1]
    assert [answer.error for answer in wrong] == [(BAD, "SWR.4001035"), (BAD, "SWR.4001070")]


def test_11_limit_alone_is_checked(dev1: SwrClient) -> None:
    """A limit of 0 is refused without an offset too."""
    answer = dev1.get("/v3/manage/pipelines", limit=0)

    assert answer.error == (BAD, "SWR.4001070")


def test_webhook_address_is_the_servers(dev1: SwrClient, bench: Workbench) -> None:
    """Without a public address the generated one begins with what the server listens on."""
    pipeline = Pipeline(dev1, builds(bench, "one", pre_operation=triggers("or")))

    url = pipeline.created["pre_operation"]["triggers"][0]["webhook"]["url"]

    assert urlsplit(url)[:2] == urlsplit(dev1.url)[:2]
