"""Why a stage was not carried out at all stands in its log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from e2e.swr.definitions import build, definition, gray
from e2e.swr.scenario import Pipeline

if TYPE_CHECKING:
    from e2e.swr.client import SwrClient
    from e2e.swr.target import Target
    from mulligan.testing.bkci import Json

IMAGE = {"namespace": "acme", "repository": "shop", "tag": "1"}
PACKAGE = {"namespace": "acme", "package": "no%20thing", "version": "1", "file_path": "gone"}


def log_of(pipeline: Pipeline) -> str:
    """Return the lines of the newest log of the first stage."""
    records = pipeline.client.get(pipeline.stage_path(0, "/jobs/latest/logs")).json["log"]
    return "\n".join(json.loads(record["content"])[0]["Message"] for record in records)


def image_stage() -> Json:
    """Return an image build; the test server has no registry."""
    return {
        "name": "image",
        "service_name": "dockerfile_build",
        "params": {"dockerfile_content": "FROM scratch"},
        "output_resources": [{"name": "img", "type": "image", "params": IMAGE}],
    }


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        (image_stage(), "images.registry"),
        (
            build(
                "one",
                ":",
                input_resources=[{"name": "p", "type": "package", "params": PACKAGE}],
            ),
            "no such package file: acme/no%20thing/1/gone",
        ),
    ],
    ids=["no registry", "no package"],
)
def test_reason_is_in_the_log(dev1: SwrClient, stage: Json, reason: str) -> None:
    """A stage whose program was never started says why in its log."""
    pipeline = Pipeline(dev1, definition([stage]))

    pipeline.run("stage_exception")

    assert reason in log_of(pipeline)


def test_grey_release_without_a_live_one(dev1: SwrClient, target: Target) -> None:
    """It is refused before its driver is started, and the log says so."""
    pipeline = Pipeline(dev1, definition([gray(target.gray_info())]))

    pipeline.run("stage_exception")

    assert "a grey release needs that" in log_of(pipeline)
