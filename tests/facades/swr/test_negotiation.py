"""Which format a request is taken in, and which one its answer has."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from account_server import AccountServer, assert_error
from definition_client import (
    GROUPS,
    JSON_TYPE,
    PIPELINES,
    YAML_TYPE,
    DefinitionClient,
)
from definition_texts import build, definition, shop
from hypothesis import given
from hypothesis import strategies as st

from mulligan.facades.swr.errors import SwrError
from mulligan.facades.swr.negotiate import is_yaml, wants_json
from mulligan.facades.swr.yaml_io import load_yaml
from mulligan.pipeline_yaml.dump import dump_yaml

PIPELINES_OF_A = f"{GROUPS}/team-a/pipelines"
TEMPLATE = "/v3/manage/pipelinetemplates/1"
_TEXTS = st.text(st.characters(codec="utf-8"))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**16), 10**16) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def dev1(tmp_path: Path) -> Iterator[DefinitionClient]:
    """Give a maintainer of acme, with a group `team-a`."""
    with AccountServer(tmp_path) as server:
        client = DefinitionClient(server.staff())
        client.group()
        yield client


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        ("", False),
        ("*/*", False),
        ("text/html", False),
        ("application/*", False),
        ("application/json", True),
        ("Application/JSON;charset=utf8", True),
        ("application/json;q=0", False),
        ("application/json;q=0.1", True),
        ("application/json;q=oops", False),
        ("application/yaml", False),
        ("application/json, application/yaml", True),
        ("application/json;q=0.5, application/yaml;q=0.6", False),
        ("application/json;q=0.6, text/yaml;q=0.5", True),
        ("text/html, application/json;q=0.2, */*;q=0.9", True),
    ],
)
def test_accept(accept: str, found: bool) -> None:
    """JSON is given when it is named, not excluded, and not below a named YAML type."""
    assert wants_json(accept) is found


@pytest.mark.parametrize(
    ("content_type", "found"),
    [
        ("", False),
        ("application/json", False),
        ("application/json;charset=utf8", False),
        ("application/json; charset=UTF-8", False),
        ("application/yaml;charset=utf8", True),
        ("text/yaml", True),
        ("application/x-yaml", True),
    ],
)
def test_content_types(content_type: str, found: bool) -> None:
    """Both formats have several names; without a type it is JSON."""
    assert is_yaml(content_type, takes_yaml=True) is found


@pytest.mark.parametrize(
    ("content_type", "takes_yaml"),
    [("text/plain", True), ("application/json;charset=gbk", True), ("application/yaml", False)],
)
def test_other_content_types(content_type: str, takes_yaml: bool) -> None:
    """Another type is 415."""
    with pytest.raises(SwrError) as caught:
        is_yaml(content_type, takes_yaml=takes_yaml)

    assert (caught.value.status, caught.value.code) == (415, "SWR.4000014")


@given(_VALUES)
def test_yaml_that_is_written_reads_the_same(value: Any) -> None:
    """What is written is read as it was, by this server and by another parser."""
    text = dump_yaml(value)

    assert load_yaml(text) == value
    assert yaml.safe_load(text) == value


def test_yaml_is_plain() -> None:
    """Blocks, the order of the fields, unescaped text, quoted instants, literal scripts."""
    value = {
        "time": "2020-03-02T08:00:00.000000Z",
        "name": "流水线 😀",
        "script": "mvn package\necho done\n",
        "list": [{"a": 1}],
    }

    assert dump_yaml(value).decode() == (
        "time: '2020-03-02T08:00:00.000000Z'\n"
        "name: 流水线 😀\n"
        "script: |\n  mvn package\n  echo done\n"
        "list:\n- a: 1\n"
    )


def test_instants_of_a_request_stay_texts() -> None:
    """Dates, times and words of older YAML are texts."""
    text = b"a: 2020-03-02T08:00:00Z\nb: 2020-03-02\nc: on\nd: 12:30"

    assert load_yaml(text) == {
        "a": "2020-03-02T08:00:00Z",
        "b": "2020-03-02",
        "c": "on",
        "d": "12:30",
    }


@pytest.mark.parametrize(
    "text",
    [
        b"a: [",
        b"a: 1\na: 2",
        b"\xff",
        b"a: 1\n---\nb: 2",
        b'!!python/object/apply:os.system ["true"]',
        b"a: !mine x",
        b"a: !!binary aGk=",
        b"[" * 5000,
        b"a: &a [*a]",
        b"a: &a [1,1,1,1,1,1,1,1,1,1]\n"
        + b"".join(
            b"%c: &%c [%s]\n" % (letter, letter, b",".join([b"*%c" % (letter - 1)] * 10))
            for letter in range(ord("b"), ord("i"))
        ),
    ],
    ids=["open", "twice", "bytes", "two", "python", "tag", "binary", "deep", "loop", "bomb"],
)
def test_dangerous_yaml(text: bytes) -> None:
    """Tags, loops, bombs and broken texts are refused."""
    with pytest.raises(SwrError) as caught:
        load_yaml(text)

    assert caught.value.code == "SWR.4000014"


def test_a_yaml_request_means_the_same_as_json(dev1: DefinitionClient) -> None:
    """A YAML body makes what the same JSON body makes."""
    text = yaml.safe_dump({**shop(), "name": "from-yaml"}, allow_unicode=True).encode()
    from_json = dev1.create(shop())

    answer = dev1.call("POST", PIPELINES_OF_A, content=text, Content_Type=YAML_TYPE)

    assert (answer.status_code, answer.headers["Content-Type"]) == (201, JSON_TYPE)
    names = [stage["params"] for stage in from_json["stages"]]
    assert [stage["params"] for stage in answer.json()["stages"]] == names


def test_yaml_is_the_default_of_four_calls(dev1: DefinitionClient) -> None:
    """Create, update, detail and template detail answer YAML unless JSON is asked for."""
    body = json.dumps(definition()).encode()
    created = dev1.call("POST", PIPELINES_OF_A, content=body, Accept="*/*")
    found = yaml.safe_load(created.content)
    path = f"{PIPELINES}/{found['id']}"
    keys = ("id", "group_id", "group_name", "name", "stages")
    changed = json.dumps({key: found[key] for key in keys}).encode()

    answers = [
        created,
        dev1.call("PUT", path, content=changed, Accept=""),
        dev1.call("GET", path, Accept="*/*"),
        dev1.call("GET", TEMPLATE, Accept="text/html"),
    ]

    assert [answer.status_code for answer in answers] == [201, 201, 200, 200]
    assert [answer.headers["Content-Type"] for answer in answers] == [YAML_TYPE] * 4
    assert yaml.safe_load(answers[2].content) == dev1.get(path).json()


@pytest.mark.parametrize("path", [GROUPS, PIPELINES, "/v3/manage/pipelinetemplates"])
def test_json_everywhere_else(dev1: DefinitionClient, path: str) -> None:
    """Other calls answer JSON whatever is asked for."""
    answer = dev1.call("GET", path, Accept="application/yaml")

    assert answer.headers["Content-Type"] == JSON_TYPE
    assert isinstance(answer.json(), list)


def test_errors_are_json(dev1: DefinitionClient) -> None:
    """An error is JSON although YAML is the default of the call."""
    answer = dev1.call("POST", PIPELINES_OF_A, content=b"a: [", Content_Type=YAML_TYPE, Accept="")

    assert_error(answer, 400, "SWR.4000014")
    assert answer.headers["Content-Type"] == JSON_TYPE


def test_unsupported_types(dev1: DefinitionClient) -> None:
    """Another type is 415, on groups YAML too."""
    xml = dev1.call("POST", PIPELINES_OF_A, content=b"<a/>", Content_Type="text/xml")
    group = dev1.call("POST", GROUPS, content=b"group: a", Content_Type=YAML_TYPE)

    assert_error(xml, 415, "SWR.4000014")
    assert_error(group, 415, "SWR.4000014")


def test_a_stage_name_may_be_chinese(dev1: DefinitionClient) -> None:
    """Text beyond ASCII goes in and out as it is."""
    made = dev1.create(definition(build("编译"), description="网店 😀"))

    answer = dev1.call("GET", f"{PIPELINES}/{made['id']}", Accept="")

    assert "编译" in answer.content.decode()
    assert "网店 😀" in answer.content.decode()
