"""Values of variables that break the texts they are put into: a clear failure, nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e.swr.definitions import build, definition, deploy, package, release_only
from e2e.swr.scenario import OK, Pipeline

if TYPE_CHECKING:
    from e2e.swr.client import SwrClient
    from e2e.swr.target import Target

Json = dict[str, Any]


def log_text(pipeline: Pipeline, index: int = 0) -> str:
    """Return the contents of the newest log of a stage."""
    return "\n".join(record["content"] for record in pipeline.log(index)["log"])


@pytest.mark.parametrize("value", ['a"b', "a\\", "a\nb", '","driver":"process"}'])
def test_value_that_breaks_the_settings_of_a_target(
    dev1: SwrClient, target: Target, value: str
) -> None:
    """The stage fails and says why; what is live stays, and a rollback applies it again."""
    stage = deploy(target.info(note="${NOTE}"), tag="v1")
    pipeline = Pipeline(dev1, definition([stage], params=[{"name": "NOTE", "value": ""}]))
    pipeline.run("success", NOTE="good")

    pipeline.run("stage_exception", NOTE=value)

    assert "the target is no JSON object any more" in log_text(pipeline)
    assert target.live == "v1"
    pipeline.roll_back()
    assert target.live == "v1"


@pytest.mark.parametrize(
    ("version", "file"), [("${VERSION}", "a.txt"), ("1", "${VERSION}"), ("1", "x/${VERSION}")]
)
def test_value_that_is_no_name_of_an_output(dev1: SwrClient, version: str, file: str) -> None:
    """The build does not begin: it would succeed without the file that others wait for."""
    name = "libs%20odd"
    made = package(version, file, "a.txt", name)
    stage = build("one", "echo one > a.txt", output_resources=[made])
    pipeline = Pipeline(dev1, definition([stage]))

    pipeline.run("stage_exception", VERSION="../../etc")

    assert "the output acme/libs%20odd" in log_text(pipeline)
    found = dev1.get("/v2/manage/packages", package_name=name)
    assert (found.http, found.json) == (OK, [])


def test_two_package_files_of_one_name(dev1: SwrClient, target: Target) -> None:
    """A release of two different files with the same name is refused, not guessed."""
    one, two = (package("1", "app.txt", "app.txt", f"libs%20{name}") for name in ("one", "two"))
    stages = [
        build("one", "echo one > app.txt", output_resources=[one]),
        build("two", "echo two > app.txt", output_resources=[two]),
    ]
    inputs = [{**one, "name": "one"}, {**two, "name": "two"}]
    release = deploy(target.info(), tag=None, input_resources=inputs)
    pipeline = Pipeline(dev1, definition([*stages, release]))

    status = pipeline.run("stage_exception")

    assert status["stage_index"] == 2
    assert "two package inputs are files named 'app.txt'" in log_text(pipeline, 2).replace("\\", "")
    assert target.live == ""


@pytest.mark.parametrize("value", ["", "v1;id", "-rf", "a b"])
def test_value_that_is_no_tag_of_an_image(dev1: SwrClient, target: Target, value: str) -> None:
    """The release does not begin."""
    pipeline = Pipeline(dev1, release_only(target))

    pipeline.run("stage_exception", VERSION=value)

    assert "is no tag" in log_text(pipeline)
    assert target.live == ""


def test_page_of_very_long_lines(dev1: SwrClient) -> None:
    """A page may end early; it has no line that is not there, and the next one goes on."""
    script = "head -c 20000000 /dev/zero | tr '\\0' x"
    pipeline = Pipeline(dev1, definition([build("one", script)]))
    pipeline.run("success")
    path = pipeline.stage_path(0, "/jobs/latest/logs")

    texts: list[str] = []
    while len(texts) < pipeline.jobs(0)[0]["log_num"]:
        answer = dev1.get(path, limit=1000, offset=len(texts))
        page = [json.loads(record["content"])[0]["Message"] for record in answer.json["log"]]
        assert page
        texts += page

    assert all(texts)
    assert "".join(texts[1:-1]) == "x" * 20_000_000
