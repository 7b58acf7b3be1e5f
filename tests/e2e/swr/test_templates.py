"""Templates: what the server ships, and what an account makes of its pipelines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from e2e.swr.client import CREATED, JSON_TYPE, YAML_TYPE, SwrClient
from e2e.swr.definitions import builds
from e2e.swr.scenario import (
    BAD,
    CONFLICT,
    INVALID,
    NO_RIGHT,
    OK,
    UNKNOWN,
    Pipeline,
    new_name,
)

if TYPE_CHECKING:
    from mulligan.testing.models import Workbench

TEMPLATES = "/v3/manage/pipelinetemplates"
SAMPLES = "template_category::sample_template"
MINE = "template_category::my_template"
SAMPLE_COUNT = 10
ANY_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


def test_samples(dev1: SwrClient) -> None:
    """The sample templates of the market are there, ordered by id, with short stages."""
    found = dev1.get(TEMPLATES, filter=SAMPLES).json

    assert len(found) >= SAMPLE_COUNT
    assert [entry["id"] for entry in found] == sorted(entry["id"] for entry in found)
    for entry in found:
        assert entry["template_category"] == "sample_template"
        assert re.fullmatch(ANY_TIME, entry["created_at"])
        assert {"name", "description", "template_type_ch", "template_type_en"} <= set(entry)
        assert all(set(stage) == {"name", "service_name", "is_task"} for stage in entry["stages"])
        assert all({"id", "name", "describe"} <= set(each) for each in entry["pipeline_labels"])
    assert any(
        [stage["service_name"] for stage in entry["stages"]] == ["code_source", "dockerfile_build"]
        for entry in found
    )


def test_detail_of_a_sample(dev1: SwrClient) -> None:
    """A template's detail is YAML by default and has whole stages."""
    first = dev1.get(TEMPLATES, filter=SAMPLES).json[0]
    path = f"{TEMPLATES}/{first['id']}"

    plain, asked = dev1.raw("GET", path), dev1.get(path)

    assert (plain.http, plain.media_type) == (OK, YAML_TYPE)
    assert (asked.http, asked.media_type) == (OK, JSON_TYPE)
    assert plain.yaml == asked.json
    assert all(isinstance(stage["id"], int) for stage in asked.json["stages"])
    assert all("params" in stage for stage in asked.json["stages"])
    assert isinstance(asked.json["params"], list)


def test_export_of_a_pipeline(
    dev1: SwrClient, dev2: SwrClient, eve: SwrClient, bench: Workbench
) -> None:
    """A pipeline becomes a template of the account by name, once."""
    pipeline, name = Pipeline(dev1, builds(bench, "one")), new_name("tpl")
    body = {"name": name, "label": "image build", "description": "mine"}

    made = dev1.post(f"{pipeline.path}/template", body)
    again = dev1.post(f"{pipeline.path}/template", body)
    refused = dev2.post(f"{pipeline.path}/template", {**body, "name": new_name("tpl")})

    assert made.http == CREATED
    assert again.error == (CONFLICT, "SWR.4090254")
    assert refused.error == NO_RIGHT
    [entry] = [each for each in dev1.get(TEMPLATES, filter=MINE).json if each["name"] == name]
    assert (entry["template_category"], entry["description"]) == ("my_template", "mine")
    detail = dev1.get(f"{TEMPLATES}/{entry['id']}").json
    assert detail["stages"][0]["params"]["jenkins_shell"] == bench.script("one")
    assert name not in [each["name"] for each in eve.get(TEMPLATES).json]


def test_unknown_templates(dev1: SwrClient) -> None:
    """Unknown and wrong ids, and filters of another grammar, have their own answers."""
    found = [
        dev1.get(f"{TEMPLATES}/99999999"),
        dev1.get(f"{TEMPLATES}/abc"),
        dev1.get(TEMPLATES, filter="foo::1"),
    ]

    assert [answer.error for answer in found] == [UNKNOWN, INVALID, (BAD, "SWR.4001035")]


def test_page_of_templates(dev1: SwrClient) -> None:
    """Templates are paged like all lists."""
    whole = dev1.get(TEMPLATES, filter=SAMPLES).json

    page = dev1.get(TEMPLATES, filter=SAMPLES, limit=3, offset=2)

    assert page.json == whole[2:5]
    assert page.headers["content-range"] == f"2-3/{len(whole)}"
