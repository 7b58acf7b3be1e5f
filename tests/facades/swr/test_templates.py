"""Sample templates, and those that an account keeps."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from account_server import AccountServer, assert_error
from definition_client import GROUPS, PIPELINES, DefinitionClient
from definition_texts import IMAGE, INFO, Json, definition, rules, shop, source

from mulligan.facades.swr.definition_in import read_new
from mulligan.facades.swr.templates import SAMPLES, Sample

TEMPLATES = "/v3/manage/pipelinetemplates"
SECRET_URL = "https://ann:s3cret@example.com/acme/shop.git"


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


def export(client: DefinitionClient, number: int, name: str = "mine", **more: object) -> int:
    """Keep a pipeline as a template and return the id."""
    body = {"name": name, "label": "image-build", "description": "kept", **more}
    answer = client.call("POST", f"{PIPELINES}/{number}/template", body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def filled(sample: Sample) -> Json:
    """Return a definition made from a sample: all blanks filled in."""
    blanks = {
        "url": "https://example.com/acme/shop.git",
        "git_type": "github",
        "branch": "main",
        "dockerfile_content": "FROM scratch",
        "review_users": [{"user_name": "ann"}],
        "test_shell": "true",
        "namespace": "acme",
        "repository": "shop",
        "package": "libs%20shop",
        "version": "v1",
        "local_file_path": "target/shop.war",
        "input_info": INFO,
    }
    stages = []
    for stage in sample.stages:
        params = {key: blanks.get(key, value) for key, value in stage["params"].items()}
        if stage["service_name"] == "gray_deploy":
            params["input_info"] = "an opaque manifest"
        more: Json = {}
        for key in ("input_resources", "output_resources"):
            if key in stage:
                more[key] = [_filled_resource(each, blanks) for each in stage[key]]
        stages.append({**stage, "params": params, **more})
    return {"name": "from-template", "stages": stages, "params": sample.params}


def _filled_resource(resource: Json, blanks: Json) -> Json:
    found = {key: blanks.get(key, value) for key, value in resource["params"].items()}
    if resource["type"] == "image":
        found["tag"] = IMAGE["tag"]
    return {**resource, "params": found}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: str(sample.number))
def test_a_sample_with_its_blanks_filled_in_is_a_definition(sample: Sample) -> None:
    """A client reads a template, fills it in and creates a pipeline with it."""
    document = read_new(filled(sample), rules())

    services = [stage["service_name"] for stage in document["stages"]]
    assert services == [stage["service_name"] for stage in sample.stages]


def test_samples_are_numbered() -> None:
    """Ten samples with ids 1 to 10, names in both languages, stages with own ids."""
    stage_ids = [stage["id"] for sample in SAMPLES for stage in sample.stages]

    assert [sample.number for sample in SAMPLES] == list(range(1, 11))
    assert all(any("\u4e00" <= letter <= "\u9fa5" for letter in each.name) for each in SAMPLES)
    assert len(set(stage_ids)) == len(stage_ids)


def test_list_and_detail(dev1: DefinitionClient) -> None:
    """The list has short stages, the detail whole ones, triggers and variables."""
    entry = dev1.get(TEMPLATES).json()[0]
    detail = dev1.get(f"{TEMPLATES}/1").json()

    assert set(entry["stages"][0]) == {"name", "service_name", "is_task"}
    assert set(detail) - set(entry) == {"pre_operation", "params"}
    assert detail["stages"][0]["params"]["url"] == "//.git"
    assert isinstance(detail["params"], list)


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ("template_category::sample_template", 10),
        ("template_category::my_template", 1),
        ("template_category::other", 0),
        ("pipeline_label::image-build", 5),
        ("pipeline_label::灰度发布", 1),
        ("template_category::my_template|pipeline_label::image-build", 1),
    ],
)
def test_filters(dev1: DefinitionClient, wanted: str, count: int) -> None:
    """Templates are found by category and label."""
    export(dev1, dev1.create(definition())["id"])

    found = dev1.get(TEMPLATES, filter=wanted)

    assert len(found.json()) == count


def test_pages(dev1: DefinitionClient) -> None:
    """Templates come by id, in pages."""
    page = dev1.get(TEMPLATES, limit=2, offset=9)

    assert [entry["id"] for entry in page.json()] == [10]
    assert page.headers["Content-Range"] == "9-1/10"


def test_export_leaves_out_what_is_the_pipelines_own(dev1: DefinitionClient) -> None:
    """Addresses of hooks, credentials and system variables are not kept."""
    trigger = {"trigger_tag_create_event": True, "branchs": ["main"]}
    first = source(url=SECRET_URL, code_trigger=trigger)
    body = {**shop(), "stages": [first, *shop()["stages"][1:]]}

    number = export(dev1, dev1.create(body)["id"])

    detail = dev1.get(f"{TEMPLATES}/{number}").json()
    assert detail["stages"][0]["params"]["url"] == "https://example.com/acme/shop.git"
    assert detail["stages"][0]["params"]["code_trigger"] == trigger
    assert "code_hook" not in detail["stages"][0]["params"]
    assert detail["pre_operation"]["triggers"][0]["webhook"] == {}
    assert detail["pre_operation"]["triggers"][1] == {"channel": {"name": "base-image-ready"}}
    assert [each["name"] for each in detail["params"]] == ["ENV"]
    again = {key: detail[key] for key in ("pre_operation", "params", "stages")}
    made = dev1.call("POST", f"{GROUPS}/team-a/pipelines", {"name": "copy", **again})
    assert made.status_code == 201, made.text


def test_wrong_exports(server: AccountServer, dev1: DefinitionClient) -> None:
    """A name is needed and taken once; it needs the right to create."""
    number = dev1.create(definition())["id"]
    export(dev1, number)
    path = f"{PIPELINES}/{number}/template"

    taken = dev1.call("POST", path, {"name": "mine"})
    unnamed = dev1.call("POST", path, {})
    long = dev1.call("POST", path, {"name": "x", "description": "x" * 256})
    runner = DefinitionClient(server, "dev2").call("POST", path, {"name": "x"})

    assert_error(taken, 409, "SWR.4090254")
    assert_error(unnamed, 400, "SWR.4001014")
    assert_error(long, 400, "SWR.4001093")
    assert_error(runner, 403, "S2I.4039002")


def test_templates_of_another_account(server: AccountServer, dev1: DefinitionClient) -> None:
    """An account sees its own templates only."""
    number = export(dev1, dev1.create(definition())["id"])
    other = DefinitionClient(server, "other", "globex")

    assert len(other.get(TEMPLATES).json()) == 10
    assert_error(other.get(f"{TEMPLATES}/{number}"), 401, "SWR.4011064")
    assert_error(other.get(f"{TEMPLATES}/999"), 404, "SWR.4040162")
    assert dev1.get(f"{TEMPLATES}/{number}").status_code == 200
    assert_error(dev1.get(f"{TEMPLATES}/x"), 400, "SWR.4000014")
