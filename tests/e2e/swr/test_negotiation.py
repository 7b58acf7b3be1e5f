"""What a body may be, and what comes back: types, limits, unknown paths."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from e2e.swr.client import CREATED, JSON_TYPE, YAML_TYPE, Reply, SwrClient
from e2e.swr.definitions import build, builds, definition
from e2e.swr.scenario import (
    BAD,
    NOT_FOUND,
    OK,
    TOO_LARGE,
    UNKNOWN,
    UNSUPPORTED,
    Pipeline,
    new_name,
)

if TYPE_CHECKING:
    from mulligan.testing.models import Workbench

Json = dict[str, Any]

GROUPS = "/v3/manage/pipelinegroups"
METHOD_NOT_ALLOWED = 405

ACCEPTS = [
    ("", YAML_TYPE),
    ("*/*", YAML_TYPE),
    ("text/html", YAML_TYPE),
    ("application/yaml", YAML_TYPE),
    ("application/json", JSON_TYPE),
    ("application/json;charset=utf8", JSON_TYPE),
    ("application/json, */*;q=0.1", JSON_TYPE),
    ("application/yaml;q=0.4, application/json;q=0.5", JSON_TYPE),
    ("application/yaml, application/json;q=0.5", YAML_TYPE),
    ("application/json;q=0", YAML_TYPE),
]


def read(reply: Reply) -> Any:
    """Return the body by its type."""
    return reply.json if reply.media_type == JSON_TYPE else reply.yaml


@pytest.mark.parametrize(("accept", "media_type"), ACCEPTS)
def test_detail_and_update_answer_as_accept_says(
    dev1: SwrClient, bench: Workbench, accept: str, media_type: str
) -> None:
    """Detail and update answer YAML unless JSON is asked for."""
    pipeline = Pipeline(dev1, builds(bench, "one"))
    content = json.dumps(pipeline.created).encode()

    detail = dev1.raw("GET", pipeline.path, None, {"Accept": accept})
    headers = {"Accept": accept, "Content-Type": JSON_TYPE}
    update = dev1.raw("PUT", pipeline.path, content, headers)

    assert (detail.http, detail.media_type) == (OK, media_type)
    assert (update.http, update.media_type) == (CREATED, media_type)
    assert read(detail)["name"] == read(update)["name"] == pipeline.name


def test_yaml_is_plain_and_keeps_strings(dev1: SwrClient) -> None:
    """YAML holds unescaped text, literal blocks, and strings where JSON has strings."""
    given = definition([build("编译", "echo 你好\necho two\n")])
    pipeline = Pipeline(dev1, {**given, "description": "商店"})

    answer = dev1.raw("GET", pipeline.path)

    assert "商店" in answer.text
    assert "编译" in answer.text
    assert "jenkins_shell: |" in answer.text
    assert answer.yaml == pipeline.detail()


@pytest.mark.parametrize(
    "path",
    ["/v3/manage/pipelines", GROUPS, "/v3/manage/pipelinetemplates", "/v2/manage/packages"],
)
def test_lists_are_json(dev1: SwrClient, path: str) -> None:
    """Lists are JSON, whatever is asked for."""
    found = [dev1.raw("GET", path, None, {"Accept": accept}) for accept in ("", "application/yaml")]

    assert [answer.http for answer in found] == [OK, OK]
    assert all(answer.media_type.startswith("application/json") for answer in found)
    assert all(isinstance(answer.json, list) for answer in found)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json;charset=utf8",
        "application/json; charset=utf-8",
        "application/json",
        "application/yaml;charset=utf8",
        "application/yaml",
        "text/yaml",
        "application/x-yaml",
        "",
    ],
)
def test_types_of_the_body(
    dev1: SwrClient, group: str, bench: Workbench, content_type: str
) -> None:
    """JSON and YAML are read by their type; without a type the body is JSON."""
    given = {**builds(bench, "one"), "name": new_name("shop")}
    text = yaml.safe_dump(given) if "yaml" in content_type else json.dumps(given)
    headers = {"Content-Type": content_type, "Accept": "application/json"}

    answer = dev1.raw("POST", f"{GROUPS}/{group}/pipelines", text.encode(), headers)

    assert answer.http == CREATED, answer
    assert answer.json["name"] == given["name"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml"])
def test_other_types_of_the_body(dev1: SwrClient, group: str, content_type: str) -> None:
    """Another type is 415 SWR.4000014."""
    headers = {"Content-Type": content_type}

    answer = dev1.raw("POST", f"{GROUPS}/{group}/pipelines", b"{}", headers)

    assert answer.error == (UNSUPPORTED, "SWR.4000014")


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        (JSON_TYPE, b"{"),
        (JSON_TYPE, b"[]"),
        (JSON_TYPE, b'"x"'),
        (JSON_TYPE, b"\xff\xfe"),
        (YAML_TYPE, b"a: [1"),
        (YAML_TYPE, b"- a"),
        (YAML_TYPE, b"name: !!python/object/apply:os.system ['true']"),
        (YAML_TYPE, b"a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" + b"".join(
            b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in b"cdefghi"
        )),
    ],
    ids=["json", "list", "text", "bytes", "yaml", "yaml-list", "yaml-tag", "yaml-bomb"],
)  # fmt: skip
def test_bodies_that_cannot_be_read(
    dev1: SwrClient, group: str, content_type: str, text: bytes
) -> None:
    """A body that is no object, or dangerous, is 400 with a JSON error."""
    path, headers = f"{GROUPS}/{group}/pipelines", {"Content-Type": content_type}

    answer = dev1.raw("POST", path, text, headers)

    assert answer.http == BAD
    assert answer.error[1].startswith("SWR.400")


def test_body_over_the_limit(dev1: SwrClient, group: str) -> None:
    """A body over 1 MB is 413 SWR.4131001."""
    given = definition([build("one", "x" * (1024 * 1024 + 1))])

    answer = dev1.post(f"{GROUPS}/{group}/pipelines", {**given, "name": "big"})

    assert answer.error == (TOO_LARGE, "SWR.4131001")


def test_unknown_paths_and_methods(dev1: SwrClient) -> None:
    """An unknown path is 404 SWR.4040083, a wrong method 405; both in the dialect's shape."""
    found = [dev1.get("/v3/manage/nothing"), dev1.get("/v2/manage/nothing")]
    wrong = [dev1.put(GROUPS, {}), dev1.delete("/v3/manage/pipelines")]

    assert [answer.error for answer in found] == [(NOT_FOUND, "SWR.4040083")] * 2
    assert [answer.error[0] for answer in wrong] == [METHOD_NOT_ALLOWED] * 2


def test_errors_are_json(dev1: SwrClient) -> None:
    """An error is JSON where YAML is asked for, too."""
    answer = dev1.raw("GET", "/v3/manage/pipelines/999999", None, {"Accept": "application/yaml"})

    assert answer.error == UNKNOWN
    assert answer.json[0]["errorMessage"] == "Not found database data"


def test_unknown_fields_are_ignored(dev1: SwrClient, bench: Workbench) -> None:
    """Fields that the dialect does not know are ignored."""
    pipeline = Pipeline(dev1, {**builds(bench, "one"), "surprise": {"a": 1}})

    assert "surprise" not in pipeline.created
    assert pipeline.detail()["description"] == ""
