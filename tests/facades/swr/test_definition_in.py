"""What is taken in of a definition, and with which code a wrong one is refused."""

from copy import deepcopy
from typing import Any

import pytest
from definition_texts import (
    HANDLER,
    IMAGE,
    PACKAGE,
    Json,
    build,
    definition,
    deploy,
    gray,
    image,
    resource,
    review,
    rules,
    shop,
    source,
)

from mulligan.facades.swr.definition_in import assign_ids, missing_ids, read_new
from mulligan.facades.swr.errors import SwrError


def refusal(body: object, *, allows_private: bool = False) -> tuple[str, str]:
    """Return code and detail with which a body is refused."""
    with pytest.raises(SwrError) as caught:
        read_new(body, rules(allows_private=allows_private))
    return caught.value.code, caught.value.detail


def params_of(stage: Json, *, allows_private: bool = False) -> Any:
    """Return the params of a stage as they are stored."""
    document = read_new(definition(stage), rules(allows_private=allows_private))
    return document["stages"][0]["params"]


def with_hook(**trigger: object) -> Json:
    """Return a pipeline whose only trigger is the given one."""
    return definition(pre_operation={"operator": "or", "triggers": [trigger]})


def after_stage(**trigger: object) -> Json:
    """Return a pipeline whose stage sends the given message."""
    return definition(build(post_operation={"triggers": [trigger]}))


def told(**config: object) -> Json:
    """Return a pipeline that tells somebody of its result."""
    person = {"user_id": "u1", "user_name": "ann", "condition": 0, "pattern": 1, **config}
    return definition(post_operation={"notifications": [{"type": 7, "config": person}]})


def test_server_fills_in_what_is_left_out() -> None:
    """Handler, git_repo, enable_cache, basic_env, build_way and source are the server's."""
    document = read_new(shop(), rules())

    code, compiled, made, _release = document["stages"]
    assert code["params"]["git_repo"] == "shop"
    assert compiled["params"]["enable_cache"] is False
    assert (made["params"]["basic_env"], made["params"]["build_way"]) == (
        "dockerfile",
        "system_custom",
    )
    assert [stage["exception_handler"] for stage in document["stages"]] == [HANDLER] * 4
    assert [stage["is_task"] for stage in document["stages"]] == [False] * 4
    assert document["source"] == "swr"


def test_system_variables_come_first_and_unknown_fields_are_dropped() -> None:
    """The two system variables are in the document; what nobody knows is not."""
    body = definition(params=[{"name": "ENV", "colour": "red"}], colour="red")

    document = read_new(body, rules())

    names = [(each["name"], each["is_template"]) for each in document["params"]]
    assert names == [("SYS_INCREMENT", True), ("SYS_TIMESTAMP", True), ("ENV", False)]
    assert "colour" not in document
    assert document["params"][2] == {
        "name": "ENV",
        "description": "",
        "value": "",
        "id": 0,
        "is_template": False,
    }


def test_ids_are_given_in_order_to_what_has_none() -> None:
    """Stages and variables get ascending numbers; those that have one keep it."""
    document = read_new(shop(), rules())
    document["stages"][1]["id"] = 7

    numbered = assign_ids(document, 40, 90)

    assert missing_ids(document) == (3, 3)
    assert [stage["id"] for stage in numbered["stages"]] == [40, 7, 41, 42]
    assert [each["id"] for each in numbered["params"]] == [90, 91, 92]
    assert missing_ids(numbered) == (0, 0)


def test_input_info_stays_byte_for_byte() -> None:
    """The settings of a target are a text that is kept as it came."""
    info = '{ "driver" : "command",\n"application":"shop", "deploy":"true", "é":"中" }\n'

    assert params_of(deploy(info))["input_info"] == info


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"dockerfile_content": "FROM a"}, {"basic_env": "dockerfile"}),
        ({"dockerfile_path": "./Dockerfile"}, {"basic_env": "dockerfile_path"}),
        (
            {"dockerfile_path": "a/D", "basic_env": "dockerfile_go", "build_path": "a"},
            {"basic_env": "dockerfile_go", "build_path": "a"},
        ),
    ],
)
def test_params_of_image_builds(params: Json, expected: Json) -> None:
    """What the image build is based on follows from what was given."""
    found = params_of(image(**params))

    assert found == {"build_way": "system_custom", **params, **expected}


@pytest.mark.parametrize("operation", [{"notifications": []}, {"notification": {}}, {}])
def test_a_notification_of_nobody_is_none(operation: Json) -> None:
    """An empty post_operation is not kept."""
    assert "post_operation" not in read_new(definition(post_operation=operation), rules())


def test_both_forms_of_the_notification_mean_the_same() -> None:
    """`notifications` may stand directly in post_operation; the nested form is stored."""
    config = {
        "user_id": "u1",
        "user_name": "ann",
        "email": "ann@example.com",
        "condition": 2,
        "pattern": 1,
    }
    one = [{"type": 7, "config": config}]

    direct = read_new(definition(post_operation={"notifications": one}), rules())
    nested = read_new(definition(post_operation={"notification": {"notifications": one}}), rules())

    assert direct["post_operation"] == nested["post_operation"]
    assert direct["post_operation"] == {
        "notification": {"media_type": "", "notifications": one, "version": ""}
    }


def test_no_triggers_make_one_webhook() -> None:
    """An empty list of triggers is one webhook with an id of its own."""
    body = definition(pre_operation={"operator": "and", "triggers": []})

    found = read_new(body, rules())["pre_operation"]

    assert found["operator"] == "and"
    assert [list(trigger) for trigger in found["triggers"]] == [["webhook"]]


def test_a_push_trigger_has_a_hook_with_a_secret() -> None:
    """A code trigger gets an address and a secret, which are not the same."""
    trigger = {"trigger_tag_create_event": True, "branchs": ["main"]}

    params = params_of(source(code_trigger=trigger))

    assert params["code_trigger"] == trigger
    assert len(params["code_hook"]["secret"]) == 32
    assert params["code_hook"]["id"].replace("-", "") != params["code_hook"]["secret"]


@pytest.mark.parametrize(
    ("body", "code", "place"),
    [
        (None, "SWR.4000014", "body"),
        ([], "SWR.4000014", "body"),
        ({"stages": [build()]}, "SWR.4001014", "name"),
        ({"name": "shop"}, "SWR.4001014", "stages"),
        ({"name": "shop", "stages": []}, "SWR.4000014", "stages"),
        ({"name": "shop", "stages": {}}, "SWR.4000014", "stages"),
        ({"name": "shop", "stages": [1]}, "SWR.4000014", "stages[0]"),
        (definition(*[build()] * 51), "SWR.4000014", "stages"),
        ({"name": "Shop", "stages": [build()]}, "SWR.4001142", "name"),
        ({"name": "a_-b", "stages": [build()]}, "SWR.4001142", "name"),
        ({"name": 7, "stages": [build()]}, "SWR.4001142", "name"),
        (definition(description="x" * 256), "SWR.4001093", "description"),
        (definition(build("two words")), "SWR.4001141", "stages[0].name"),
        (definition(build("")), "SWR.4001141", "stages[0].name"),
        (definition({"name": "a", "params": {}}), "SWR.4001014", "stages[0].service_name"),
        (
            definition({"name": "a", "service_name": "jenkins_build"}),
            "SWR.4001014",
            "stages[0].params",
        ),
        (
            definition({"name": "a", "service_name": "offcial_deploy", "params": {}}),
            "SWR.4000014",
            "stages[0].service_name",
        ),
        (
            definition({"name": "a", "service_name": "template_deploy", "params": {}}),
            "SWR.4001143",
            "stages[0].params",
        ),
    ],
)
def test_refused_pipelines(body: object, code: str, place: str) -> None:
    """A broken rule of the pipeline has its code, and the detail begins with the place."""
    found = refusal(body)

    assert found[0] == code
    assert found[1].startswith(place)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ([{"value": "x"}], "SWR.4001014"),
        ([{"name": "9lives"}], "SWR.4000014"),
        ([{"name": "a-b"}], "SWR.4000014"),
        ([{"name": "SYS_MINE"}], "SWR.4000014"),
        ([{"name": "SYS_TIMESTAMP"}], "SWR.4000014"),
        ([{"name": "A", "value": 5}], "SWR.4000014"),
        ([{"name": "A"}, {"name": "A"}], "SWR.4091134"),
        ([{"name": "A", "description": "x" * 256}], "SWR.4001093"),
        ("A", "SWR.4000014"),
    ],
)
def test_refused_variables(params: object, code: str) -> None:
    """A wrong global variable is refused with its code."""
    assert refusal(definition(params=params))[0] == code


def test_system_variables_of_an_answer_may_come_back() -> None:
    """A detail can be sent as a new definition: its system variables are the server's."""
    body = definition(params=[{"name": "SYS_INCREMENT", "value": "9", "is_template": True}])

    names = [each["name"] for each in read_new(body, rules())["params"]]

    assert names == ["SYS_INCREMENT", "SYS_TIMESTAMP"]


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        ({"type": "timeout_reset"}, "SWR.4000014"),
        ({"type": "timeout_reset", "params": {}}, "SWR.4000014"),
        ({"type": "timeout_reset", "params": {"timespan": 0}}, "SWR.4000014"),
        ({"type": "timeout_reset", "params": {"timespan": 721}}, "SWR.4000014"),
        ({"type": "timeout_reset", "params": {"timespan": "72"}}, "SWR.4000014"),
        ({"type": "timeout_reset", "params": {"timespan": True}}, "SWR.4000014"),
        ({"type": "give_up"}, "SWR.4000014"),
        ({"params": {}}, "SWR.4001014"),
    ],
)
def test_refused_handlers(handler: Json, code: str) -> None:
    """A wrong exception handler is refused with its code."""
    assert refusal(definition(build(exception_handler=handler)))[0] == code


@pytest.mark.parametrize("kind", ["return_to_start", "ignore_error"])
def test_handlers_without_a_time(kind: str) -> None:
    """Only `timeout_reset` has a timespan; elsewhere it is ignored."""
    handler = {"type": kind, "params": {"timespan": 9999}}

    stage = read_new(definition(build(exception_handler=handler)), rules())["stages"][0]

    assert stage["exception_handler"] == {"type": kind}


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        (source(git_type="svn"), "SWR.4000014"),
        (source(git_type=None), "SWR.4001014"),
        (source(url=None), "SWR.4001014"),
        (source(url="https://example.com/acme/shop"), "SWR.4000014"),
        (source(url="ftp://example.com/acme/shop.git"), "SWR.4000014"),
        (source(url="file:///srv/shop.git"), "SWR.4000014"),
        (source(url="http://127.0.0.1/shop.git"), "SWR.4000014"),
        (source(url="http://[::1]/shop.git"), "SWR.4000014"),
        (source(url="http://2130706433/shop.git"), "SWR.4000014"),
        (source(url="--upload-pack=x"), "SWR.4000014"),
        (source(url="git@example.com:acme/shop.git"), "SWR.4000014"),
        (source(branch=None), "SWR.4000014"),
        (source(tag="v1"), "SWR.4000014"),
        (source(branch="--all"), "SWR.4000014"),
        (source(branch="a b"), "SWR.4000014"),
        (source(code_trigger={}), "SWR.4001014"),
        (source(code_trigger={"trigger_tag_create_event": "yes"}), "SWR.4000014"),
        (image(build_way="x"), "SWR.4000014"),
        (image(dockerfile_content="FROM a", dockerfile_path="./D"), "SWR.4000014"),
        (image(dockerfile_path="../D"), "SWR.4000014"),
        (image(dockerfile_path="/etc/passwd"), "SWR.4000014"),
        (image(dockerfile_path="D", build_path="a/../../b"), "SWR.4000014"),
        (image(dockerfile_path="D", basic_env="cobol"), "SWR.4000014"),
        (review("some"), "SWR.4000014"),
        (review("all", "ann", "ann"), "SWR.4000014"),
        (review("all", *[f"u{number}" for number in range(21)]), "SWR.4000014"),
        ({**review(), "params": {"review_mode": "all", "review_users": []}}, "SWR.4000014"),
        ({**review(), "params": {"review_mode": "all"}}, "SWR.4001014"),
        ({**build(), "params": {"basic_env": "java"}}, "SWR.4001014"),
        ({**build(), "params": {"basic_env": "perl", "jenkins_shell": "x"}}, "SWR.4000014"),
        ({**build(), "params": {"basic_env": "SelfPkgBuild", "jenkins_shell": "x"}}, "SWR.4001014"),
        ({**deploy(), "params": {"input_info": ""}}, "SWR.4001014"),
        ({**deploy(), "params": {"input_info": {}, "deploy_mode": "cceMode"}}, "SWR.4000014"),
        ({**deploy(), "params": {"input_info": "", "deploy_mode": "cce"}}, "SWR.4000014"),
        ({**gray(), "params": {"input_info": "", "deploy_mode": "cceMode"}}, "SWR.4001014"),
    ],
)
def test_refused_params(stage: Json, code: str) -> None:
    """Wrong params of a stage are refused with their code."""
    assert refusal(definition(stage))[0] == code


@pytest.mark.parametrize(
    "info",
    [
        '{"driver":"docker","application":"a"}',
        '{"driver":"process","application":"a"}',
        '{"driver":"process","start":"true"}',
        '{"driver":"process","application":"a","start":"true","env":{"A":[]}}',
        '{"driver":"process","application":"a","start":"true","health":{}}',
        '{"driver":"process","application":"a","start":"true","health":{"url":"x"}}',
        '{"driver":"process","application":"a","start":"true","artifact":"../x"}',
        '{"driver":"command","application":"a"}',
        '{"driver":"command","application":"a","deploy":" "}',
        '{"driver":"command","application":"a","deploy":"x","timeout_s":0}',
        '{"namespace":"prod"}',
        '{"application":"a","replicas":0}',
        '{"application":"a","replicas":"many"}',
        '{"application":"a","max_unavailable":"101%"}',
        '{"application":"a","strategy":"hope"}',
        '{"application":"a","gray":{"strategy":"red"}}',
        '{"application":"a","gray":{"policy":{"type":"weight","weight":101}}}',
    ],
)
def test_refused_targets(info: str) -> None:
    """What is understood of `input_info` is checked."""
    code, detail = refusal(definition(deploy(info)))

    assert code == "SWR.4000014"
    assert detail.startswith("stages[0].params.input_info")


@pytest.mark.parametrize(
    "info",
    [
        "",
        "apiVersion: v1\nkind: Service",
        "{not json",
        '{"anything":"else"}',
        '{"application":"a","replicas":"${N}","max_unavailable":"25%"}',
        '{"environment":"prod","strategy":"rolling","resources":{"cpu":{}}}',
        '{"driver":"process","environment":"prod","start":"exec x","env":{"PORT":8080}}',
    ],
)
def test_taken_targets(info: str) -> None:
    """What is not understood, or decided only at the start, is somebody else's business."""
    assert params_of(deploy(info))["input_info"] == info


@pytest.mark.parametrize("driver", ["process", "command"])
def test_a_grey_release_says_how(driver: str) -> None:
    """The drivers with commands need those of the grey release, too."""
    info = f'{{"driver":"{driver}","application":"a","start":"x","deploy":"x"}}'

    assert refusal(definition(gray(info)))[0] == "SWR.4000014"


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        (build(input_resources=[resource("image", **IMAGE)]), "SWR.4000014"),
        (build(input_resources=[{"name": "a", "type": "package"}]), "SWR.4001014"),
        (build(input_resources=[resource("code_source", stage_index="0")]), "SWR.4000014"),
        (
            build(input_resources=[resource("package", **{**PACKAGE, "package": "shop"})]),
            "SWR.4001030",
        ),
        (
            build(input_resources=[resource("package", **{**PACKAGE, "namespace": "A"})]),
            "SWR.4001028",
        ),
        (build(input_resources=[resource("package", **{**PACKAGE, "version": ""})]), "SWR.4000014"),
        (build(input_resources=[resource("package", "a\nb", **PACKAGE)]), "SWR.4000014"),
        (build(output_resources=[resource("package", **PACKAGE)]), "SWR.4001014"),
        (
            build(output_resources=[resource("package", **PACKAGE, local_file_path="../x")]),
            "SWR.4000014",
        ),
        (build(output_resources=[resource("image", **IMAGE)]), "SWR.4000014"),
        (deploy(input_resources=[resource("image", **{**IMAGE, "tag": ""})]), "SWR.4001021"),
        (deploy(input_resources=[resource("image", **{**IMAGE, "tag": "a b"})]), "SWR.4000016"),
        (
            deploy(input_resources=[resource("image", **{**IMAGE, "repository": "A"})]),
            "SWR.4001029",
        ),
        (deploy(input_resources=[resource("image", **IMAGE)] * 2), "SWR.4000014"),
        (deploy(output_resources=[resource("image", **IMAGE)]), "SWR.4000014"),
    ],
)
def test_refused_resources(stage: Json, code: str) -> None:
    """A wrong input or output is refused with its code."""
    assert refusal(definition(stage))[0] == code


@pytest.mark.parametrize("index", ["1", "2", "-1", "x", "", 1, True, None])
def test_a_source_is_an_earlier_stage_of_that_type(index: object) -> None:
    """`stage_index` names an earlier code_source stage."""
    body = definition(source(), build(), build("again"))
    body["stages"][2]["input_resources"] = [resource("code_source", stage_index=index)]

    assert refusal(body)[0] in {"SWR.4000014", "SWR.4001014"}


def test_an_output_package_is_named_after_its_file() -> None:
    """Without `file_path` the archived file keeps its name."""
    given = {key: value for key, value in PACKAGE.items() if key != "file_path"}
    output = resource("package", **given, local_file_path="target/shop.war")

    stage = read_new(definition(build(output_resources=[output])), rules())["stages"][0]

    assert stage["output_resources"][0]["params"]["file_path"] == "shop.war"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (definition(pre_operation={"triggers": []}), "SWR.4001014"),
        (definition(pre_operation={"operator": "or"}), "SWR.4001014"),
        (definition(pre_operation={"operator": "xor", "triggers": []}), "SWR.4000014"),
        (with_hook(), "SWR.4000014"),
        (with_hook(webhook={}, channel={"name": "c"}), "SWR.4000014"),
        (with_hook(channel={}), "SWR.4001014"),
        (with_hook(channel={"name": "a b"}), "SWR.4000014"),
        (
            with_hook(
                webhook={}, pipeline_param_converts=[{"name": "a", "pipeline_param_name": "NO"}]
            ),
            "SWR.4001133",
        ),
        (
            with_hook(
                webhook={},
                pipeline_param_converts=[{"name": "a", "pipeline_param_name": "SYS_INCREMENT"}],
            ),
            "SWR.4000014",
        ),
        (after_stage(webhook={"url": "https://example.com"}), "SWR.4001014"),
        (after_stage(webhook={"method": "POST"}), "SWR.4001014"),
        (after_stage(webhook={"method": "DELETE", "url": "https://example.com"}), "SWR.4000014"),
        (after_stage(webhook={"method": "GET", "url": "javascript:1"}), "SWR.4000014"),
        (after_stage(webhook={"method": "GET", "url": "http://localhost/x"}), "SWR.4000014"),
        (after_stage(webhook={"method": "GET", "url": "http://10.0.0.1/x"}), "SWR.4000014"),
        (after_stage(webhook={"method": "GET", "url": "http://169.254.169.254/"}), "SWR.4000014"),
        (
            after_stage(webhook={"method": "GET", "url": "http://[::ffff:127.0.0.1]/"}),
            "SWR.4000014",
        ),
        (after_stage(channel={"name": "c"}, condition=3), "SWR.4000014"),
        (
            after_stage(
                webhook={"method": "GET", "url": "https://a.example", "headers": {"a\nb": "x"}}
            ),
            "SWR.4000014",
        ),
        (definition(post_operation={"notifications": [{"type": 7}]}), "SWR.4001014"),
        (told(), "SWR.4001145"),
        (told(email="nobody"), "SWR.4001145"),
        (told(email="ann@example.com", pattern=0), "SWR.4001145"),
        (told(pattern=3), "SWR.4001145"),
        (told(email="ann@example.com", condition="0"), "SWR.4001145"),
    ],
)
def test_refused_triggers_and_messages(body: Json, code: str) -> None:
    """A wrong trigger, message or notification is refused with its code."""
    assert refusal(body)[0] == code


def test_this_machine_may_be_named_where_the_server_allows_it() -> None:
    """With private targets, loopback repositories, files and messages are taken."""
    message = {"webhook": {"method": "POST", "url": "http://127.0.0.1:9/x"}}
    body = definition(
        source(url="file:///srv/shop.git"),
        {**source(url="http://localhost:8/shop.git"), "post_operation": {"triggers": [message]}},
    )

    document = read_new(body, rules(allows_private=True))

    assert document["stages"][1]["post_operation"]["triggers"] == [message]


def test_a_null_counts_as_absent() -> None:
    """Fields that are null are as if they were not there."""
    body = definition(
        build(pre_operation=None, input_resources=None, exception_handler=None),
        description=None,
        params=None,
        pre_operation=None,
    )

    document = read_new(body, rules())

    assert "pre_operation" not in document
    assert document["stages"][0]["exception_handler"] == HANDLER


def test_the_request_is_not_changed() -> None:
    """Reading leaves the body as it was: a repeat gets the same."""
    body = shop()
    before = deepcopy(body)

    read_new(body, rules())

    assert body == before
