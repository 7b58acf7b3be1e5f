"""Names, limits, lists and updates of groups and pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.client import CREATED
from e2e.swr.definitions import (
    build,
    builds,
    channel,
    definition,
    deploy,
    package,
    review,
    source,
    source_input,
    triggers,
    webhook,
)
from e2e.swr.scenario import (
    BAD,
    CONFLICT,
    INVALID,
    NO_CONTENT,
    NOT_FOUND,
    OK,
    UNKNOWN,
    Pipeline,
    World,
    new_group,
    new_name,
)

if TYPE_CHECKING:
    from e2e.swr.client import SwrClient
    from e2e.swr.target import Target
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

GROUPS = "/v3/manage/pipelinegroups"
PIPELINES = "/v3/manage/pipelines"
BAD_NAME = (BAD, "SWR.4001142")
BAD_STAGE_NAME = (BAD, "SWR.4001141")
MISSING = (BAD, "SWR.4001014")
TAKEN = (CONFLICT, "SWR.4090236")
HTTP_URL = "https://git.example.com/acme/shop.git"


@pytest.mark.parametrize("name", ["a", "a1-b_c__d--e", "a" * 64, "x-1"])
def test_good_pipeline_names(dev1: SwrClient, name: str) -> None:
    """Names that follow the rule are taken."""
    pipeline = Pipeline(dev1, definition([build("a", "true")]), name=name)

    assert pipeline.detail()["name"] == name


@pytest.mark.parametrize(
    "name", ["1a", "a_", "a.b", "A", "a___b", "a-_b", "", "ä", "a" * 65, "a\n"]
)
def test_bad_pipeline_names(dev1: SwrClient, group: str, bench: Workbench, name: str) -> None:
    """Names that break the rule are 400 SWR.4001142."""
    body = {**builds(bench, "one"), "name": name}

    answer = dev1.post(f"{GROUPS}/{group}/pipelines", body)

    assert answer.error == BAD_NAME


@pytest.mark.parametrize("name", ["构建", "a.b-c_D9", "x" * 64, "1"])
def test_good_stage_names(dev1: SwrClient, name: str) -> None:
    """Stage names may be Chinese, and hold dots, dashes and digits."""
    pipeline = Pipeline(dev1, definition([build(name, "true")]))

    assert pipeline.detail()["stages"][0]["name"] == name


@pytest.mark.parametrize("name", ["", "x" * 65, "a/b", "é", "a\n"])
def test_bad_stage_names(dev1: SwrClient, group: str, name: str) -> None:
    """Other stage names are 400 SWR.4001141."""
    body = {**definition([build(name, "true")]), "name": "web"}

    answer = dev1.post(f"{GROUPS}/{group}/pipelines", body)

    assert answer.error == BAD_STAGE_NAME


def with_params(*params: Json) -> Json:
    """Return a pipeline with these global variables."""
    return definition([build("a", "true")], params=[*params])


def with_trigger(trigger: Json) -> Json:
    """Return a pipeline with one trigger."""
    return definition([build("a", "true")], pre_operation=triggers("or", trigger))


V = {"name": "V", "value": "1"}
LATE_SOURCE = [build("a", "true", input_resources=[source_input(1)]), source(HTTP_URL)]
NOT_A_SOURCE = [build("a", "true"), build("b", "true", input_resources=[source_input(0)])]
NO_WAY = {"type": "give_up"}
LONG_WAIT = {"type": "timeout_reset", "params": {"timespan": 721}}
BOTH_WAYS = {"webhook": {}, "channel": {"name": "c"}}
INFO = "{}"
MODES = {"deploy_mode": "vmMode", "input_info": INFO}
PHONE = {"user_id": "u", "user_name": "dev1", "condition": 0, "pattern": 2}
POST = {"notifications": [{"type": 7, "config": {**PHONE, "email": "a@example.com"}}]}
BAD_ENV = {"basic_env": "cobol", "jenkins_shell": "true"}
OTHER_OPERATOR = {"operator": "xor", "triggers": []}
FILE_HOOK = {"webhook": {"method": "POST", "url": "ftp://example.com/x"}}
METHOD_HOOK = {"webhook": {"method": "PATCH", "url": "https://example.com/x"}}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (definition([]), INVALID),
        ({"description": ""}, MISSING),
        (definition([build("a", "true")] * 51), INVALID),
        (definition([build("a", "true")], description="x" * 256), (BAD, "SWR.4001093")),
        (with_params(V, V), (CONFLICT, "SWR.4091134")),
        (with_params({"name": "SYS_X", "value": "1"}), INVALID),
        (with_params({"name": "1V", "value": "1"}), INVALID),
        (definition(LATE_SOURCE), INVALID),
        (definition(NOT_A_SOURCE), INVALID),
        (definition([build("a", "true", exception_handler=NO_WAY)]), INVALID),
        (definition([build("a", "true", exception_handler=LONG_WAIT)]), INVALID),
        (with_trigger(BOTH_WAYS), INVALID),
        (with_trigger({}), INVALID),
        (definition([build("a", "true")], pre_operation=OTHER_OPERATOR), INVALID),
        (definition([source(HTTP_URL, tag="v1")]), INVALID),
        (definition([source(HTTP_URL, branch=None)]), INVALID),
        (definition([source(HTTP_URL, git_type="svn")]), INVALID),
        (definition([{**build("a", ""), "params": BAD_ENV}]), INVALID),
        (definition([{**deploy(INFO), "params": MODES}]), INVALID),
        (definition([review("most", "dev1")]), INVALID),
        (definition([review("one")]), INVALID),
        (definition([review("one", "dev1", "dev1")]), INVALID),
        (definition([build("a", "true")], post_operation=POST), (BAD, "SWR.4001145")),
        (definition([build("a", "true", post_operation={"triggers": [FILE_HOOK]})]), INVALID),
        (definition([build("a", "true", post_operation={"triggers": [METHOD_HOOK]})]), INVALID),
    ],
    ids=[
        *("no-stages", "stages-absent", "51-stages", "description", "same-variable"),
        *("system-variable", "variable-name", "later-source", "source-of-a-build", "handler"),
        *("timespan", "two-triggers", "no-trigger", "operator", "branch-and-tag", "no-branch"),
        *("git-type", "basic-env", "deploy-mode", "review-mode", "no-reviewers"),
        *("same-reviewer", "no-phone", "message-url", "message-method"),
    ],
)
def test_bad_definitions(dev1: SwrClient, group: str, body: Json, error: tuple[int, str]) -> None:
    """Each wrong part of a definition has its own answer."""
    answer = dev1.post(f"{GROUPS}/{group}/pipelines", {**body, "name": new_name("shop")})

    assert answer.error == error


def test_description_of_255(dev1: SwrClient) -> None:
    """A description of 255 characters is taken."""
    text = "说" * 255

    pipeline = Pipeline(dev1, definition([build("a", "true")], description=text))

    assert pipeline.detail()["description"] == text


def test_pipeline_names_are_unique_in_their_group(
    dev1: SwrClient, group: str, bench: Workbench
) -> None:
    """The same name is 409 in the same group and free in another one."""
    name = new_name("shop")
    first = Pipeline(dev1, builds(bench, "one"), group=group, name=name)

    again = dev1.post(f"{GROUPS}/{group}/pipelines", first.definition)

    assert again.error == TAKEN
    assert Pipeline(dev1, builds(bench, "one"), name=name).name == name


def test_unknown_group(dev1: SwrClient, bench: Workbench) -> None:
    """A pipeline can't be made in, nor a group deleted, that does not exist."""
    group, body = new_name("none"), {**builds(bench, "one"), "name": "web"}

    found = [dev1.post(f"{GROUPS}/{group}/pipelines", body), dev1.delete(f"{GROUPS}/{group}")]

    assert [answer.error for answer in found] == [UNKNOWN, UNKNOWN]


def test_group_without_name(dev1: SwrClient) -> None:
    """A group needs a name."""
    assert dev1.post(GROUPS, {"description": "x"}).error == MISSING


def test_groups_by_page(world: World, bench: Workbench) -> None:
    """Groups are listed by id, with counts; pages only when both values are sent."""
    client = world.login("dev1", world.account(new_name("acc")))
    names = [new_group(client) for _ in range(3)]
    Pipeline(client, builds(bench, "one"), group=names[1])

    whole, page = client.get(GROUPS), client.get(GROUPS, limit=2, offset=1)
    past, alone = client.get(GROUPS, limit=2, offset=9), client.get(GROUPS, limit=2)

    assert [(g["group"], g["pipeline_count"]) for g in whole.json if g["group"] in names] == [
        (names[0], 0),
        (names[1], 1),
        (names[2], 0),
    ]
    assert all(type(entry["id"]) is int for entry in whole.json)
    assert "content-range" not in whole.headers
    assert page.headers["content-range"] == f"1-2/{len(whole.json)}"
    assert page.json == whole.json[1:3]
    assert (past.http, past.json) == (OK, [])
    assert past.headers["content-range"] == f"9-0/{len(whole.json)}"
    assert "content-range" not in alone.headers


def test_older_path_of_groups(dev1: SwrClient) -> None:
    """Groups can be made and listed by the older path too."""
    name = new_name("team")

    made = dev1.post("/v2/manage/pipelinegroups", {"group": name})
    listed = dev1.get("/v2/manage/pipelinegroups")

    assert made.http == CREATED
    assert name in [entry["group"] for entry in listed.json]


@pytest.mark.parametrize("path", [GROUPS, PIPELINES, "/v3/manage/pipelinetemplates"])
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0&offset=0", "SWR.4001070"),
        ("limit=1001&offset=0", "SWR.4001070"),
        ("limit=x&offset=0", "SWR.4001070"),
        ("limit=1&offset=-1", "SWR.4001072"),
        ("limit=1&offset=x", "SWR.4001072"),
    ],
)
def test_bad_pages(dev1: SwrClient, path: str, query: str, code: str) -> None:
    """Values of pages have bounds."""
    assert dev1.get(f"{path}?{query}").error == (BAD, code)


@pytest.mark.parametrize("text", ["foo::1", "name", "group_id::x", "name::a|foo::b", "name:a"])
def test_bad_filters(dev1: SwrClient, text: str) -> None:
    """A filter of another grammar or key is 400 SWR.4001035."""
    assert dev1.get(PIPELINES, filter=text).error == (BAD, "SWR.4001035")


def test_filters(dev1: SwrClient, bench: Workbench) -> None:
    """Filters: part of a name in any case, exact group name, an empty value means nothing."""
    pipeline = Pipeline(dev1, builds(bench, "one"))
    part, group = pipeline.name[2:].upper(), pipeline.group

    found = [
        dev1.get(PIPELINES, filter=f"name::{part}"),
        dev1.get(PIPELINES, filter=f"group_name::{group}"),
        dev1.get(f"{PIPELINES}?filter=name%3A%3A{part}%7Cgroup_name%3A%3A{group}"),
        dev1.get(f"{PIPELINES}?filter=name::{part}|group_name::{group}"),
        dev1.get(PIPELINES, filter=f"name::{part}|group_id::"),
    ]
    empty = dev1.get(PIPELINES, filter=f"group_name::{group[:-1]}")

    assert [[entry["id"] for entry in answer.json] for answer in found] == [[pipeline.id]] * 5
    assert empty.json == []


def test_entry_of_the_list(dev1: SwrClient, bench: Workbench) -> None:
    """An entry has the fields of the list and its stages with their addresses."""
    given = builds(bench, "one", pre_operation=triggers("or"))
    given["stages"][0]["pre_operation"] = triggers("or")
    pipeline = Pipeline(dev1, given)

    [entry] = dev1.get(PIPELINES, filter=f"name::{pipeline.name}").json

    assert (entry["id"], entry["name"]) == (pipeline.id, pipeline.name)
    assert (entry["group_name"], entry["source"]) == (pipeline.group, "swr")
    assert entry["group_id"] == pipeline.created["group_id"]
    assert entry["stages"] == pipeline.created["stages"]
    assert entry["status"]["status"] == "waiting"
    assert entry["status"]["stages"] is None
    assert "pre_operation" not in entry["status"]
    assert entry["bk_pipeline_id"].startswith("p-")


def test_delete_is_final(dev1: SwrClient, bench: Workbench) -> None:
    """A deleted pipeline is gone, a second time too, and its webhooks with it."""
    pipeline = Pipeline(dev1, builds(bench, "one", pre_operation=triggers("or")))
    pipeline.run("success")

    gone = pipeline.delete()

    assert (gone.http, gone.content) == (NO_CONTENT, b"")
    assert [pipeline.delete().error, dev1.get(pipeline.path).error] == [UNKNOWN, UNKNOWN]
    assert pipeline.fire().error == (NOT_FOUND, "SWR.4040126")


# --- update -----------------------------------------------------------------------------------


def test_update_keeps_what_is_not_named(dev1: SwrClient, bench: Workbench) -> None:
    """Absent parts stay; an empty list of variables leaves only the system's."""
    converted = triggers("or", webhook(v="VERSION"))
    pipeline = Pipeline(dev1, builds(bench, "one", pre_operation=converted))

    kept = pipeline.update(params=None, pre_operation=None, description="new")
    names = set(pipeline.variables())
    emptied = pipeline.update(params=[], pre_operation=triggers("or"))

    assert [kept.http, emptied.http] == [CREATED, CREATED]
    assert kept.json["pre_operation"] == pipeline.created["pre_operation"]
    assert kept.json["description"] == "new"
    assert "status" not in kept.json
    assert names == {"SYS_INCREMENT", "SYS_TIMESTAMP", "VERSION"}
    assert set(pipeline.variables()) == {"SYS_INCREMENT", "SYS_TIMESTAMP"}


def test_update_keeps_addresses_of_triggers(dev1: SwrClient, bench: Workbench) -> None:
    """An unchanged trigger keeps its address, a new or foreign one gets a new address."""
    pipeline = Pipeline(dev1, builds(bench, "one", pre_operation=triggers("or", webhook())))
    [old] = addresses(pipeline.created)
    foreign: Json = {"webhook": {"url": old[:-12] + "0" * 12}}

    same = addresses(pipeline.update().json)
    more: list[Json] = [{"webhook": {"url": old}}, {"webhook": {}}, foreign]
    changed = addresses(pipeline.update(pre_operation=triggers("or", *more)).json)

    assert same == [old]
    assert changed[0] == old
    assert len(set(changed)) == 3
    assert foreign["webhook"]["url"] not in changed


def addresses(found: Json) -> list[str]:
    """Return the addresses of the pipeline's webhooks."""
    return [each["webhook"]["url"] for each in found["pre_operation"]["triggers"]]


def test_update_repairs_a_held_stage(dev1: SwrClient, bench: Workbench) -> None:
    """With the same stages the status stays, and a retry runs the repaired definition."""
    pipeline = Pipeline(dev1, builds(bench, "one", "two"))
    bench.break_steps("two")
    held = pipeline.run("stage_exception")
    stages = pipeline.detail()["stages"]
    stages[1]["params"]["jenkins_shell"] = bench.script("repaired")

    answer = pipeline.update(stages=stages)

    assert answer.http == CREATED
    assert pipeline.status()["stages"] == held["stages"]
    assert pipeline.retry(1).http == CREATED
    pipeline.settle("success")
    assert bench.counts("one", "two", "repaired") == [1, 1, 1]


def test_update_of_the_stage_list_resets(dev1: SwrClient, bench: Workbench) -> None:
    """With other stages the pipeline waits at 0 and the failed run can't be retried."""
    pipeline = Pipeline(dev1, builds(bench, "one", "two"))
    bench.break_steps("two")
    pipeline.run("stage_exception")
    stages = pipeline.detail()["stages"]

    answer = pipeline.update(stages=[stages[1], stages[0], build("three", bench.script("three"))])

    assert answer.http == CREATED
    ids = [stage["id"] for stage in answer.json["stages"]]
    assert ids[:2] == [stages[1]["id"], stages[0]["id"]]
    assert ids[2] not in ids[:2]
    status = pipeline.status()
    assert (status["status"], status["stage_index"]) == ("waiting", 0)
    assert [pipeline.retry(index).error for index in range(2)] == [INVALID, INVALID]
    bench.repair("two")
    pipeline.run("success")


def test_bad_updates(dev1: SwrClient, bench: Workbench, target: Target) -> None:
    """What identifies a pipeline or a stage can't be changed."""
    pipeline = Pipeline(dev1, builds(bench, "one"))
    other = Pipeline(dev1, builds(bench, "one"))
    [stage], [foreign] = pipeline.detail()["stages"], other.detail()["stages"]
    retyped = {**deploy(target.info()), "id": stage["id"], "name": stage["name"]}

    found = [
        pipeline.update(name="another"),
        pipeline.update(id=other.id),
        pipeline.update(group_id=other.created["group_id"]),
        pipeline.update(group_name=other.group),
        pipeline.update(group_id=None),
        pipeline.update(stages=[retyped]),
        pipeline.update(stages=[foreign]),
        pipeline.update(stages=[{**stage, "service_name": "nothing"}]),
    ]

    expected = [INVALID] * 4 + [(BAD, "SWR.4001150")] + [INVALID] * 3
    assert [answer.error for answer in found] == expected
    assert pipeline.detail()["stages"] == [stage]


def test_texts_come_back_as_they_were(dev1: SwrClient, target: Target) -> None:
    """`input_info` round-trips byte for byte, also when it is no JSON."""
    texts = ["  not: json\n\ttext ", '{ "b":1,  "a":"ü\\u00fc" }', target.info()]

    stages = [deploy(text, name=f"s{i}") for i, text in enumerate(texts)]
    pipeline = Pipeline(dev1, definition(stages))

    got = [stage["params"]["input_info"] for stage in pipeline.detail()["stages"]]
    assert got == texts


def test_resources_and_triggers_come_back(dev1: SwrClient) -> None:
    """Resources, channels and messages are answered as they were sent."""
    made = package("V${SYS_INCREMENT}", "a.txt", "out/a.txt")
    message = {"triggers": [{"webhook": {"method": "PUT", "url": "https://example.com/x"}}]}
    stages = [
        source(HTTP_URL),
        build(
            "one",
            "true",
            input_resources=[source_input()],
            output_resources=[made],
            pre_operation=triggers("and", channel("base")),
            post_operation=message,
        ),
    ]

    detail = Pipeline(dev1, definition(stages)).detail()

    stage = detail["stages"][1]
    assert stage["input_resources"][0]["params"] == {"stage_index": "0"}
    assert stage["output_resources"][0]["params"] == made["params"]
    assert stage["pre_operation"] == triggers("and", channel("base"))
    assert stage["post_operation"]["triggers"][0]["webhook"]["url"] == "https://example.com/x"


def test_notifications_are_answered_nested(dev1: SwrClient) -> None:
    """Both published shapes of result notifications are taken; the answer is the nested one."""
    config = {"user_id": "u", "user_name": "dev1", "email": "a@example.com", "condition": 0}
    entry = {"type": 7, "config": {**config, "pattern": 1}}
    flat, nested = {"notifications": [entry]}, {"notification": {"notifications": [entry]}}

    found = [
        Pipeline(dev1, definition([build("a", "true")], post_operation=given)).detail()
        for given in (flat, nested)
    ]

    for detail in found:
        [notification] = detail["post_operation"]["notification"]["notifications"]
        assert notification["type"] == 7
        assert notification["config"]["email"] == "a@example.com"
