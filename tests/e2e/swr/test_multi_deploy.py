"""Several deployments in one stage, one after the other or side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from e2e.swr.definitions import definition
from e2e.swr.scenario import Pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.swr.client import SwrClient
    from mulligan.testing.bkci import Json


def multi(folder: Path, mode: str, **texts: str) -> Json:
    """Return a stage with a deployment for each text, which writes its name into a journal."""
    journal = folder / "journal"
    tasks = [
        {
            "name": name,
            "deploy_mode": "cceMode",
            "input_info": json.dumps(
                {
                    "driver": "command",
                    "application": f"{folder.name}-{name}",
                    "deploy": f"{text}\necho {name} >>'{journal}'",
                }
            ),
        }
        for name, text in texts.items()
    ]
    params = {"mode": mode, "tasks": tasks}
    return definition([{"name": "all", "service_name": "multi_deploy", "params": params}])


def done(folder: Path) -> list[str]:
    """Return which deployments were carried out, in their order."""
    journal = folder / "journal"
    return journal.read_text().split() if journal.exists() else []


@pytest.mark.parametrize("mode", ["serial", "parallel"])
def test_all_are_deployed(dev1: SwrClient, tmp_path: Path, mode: str) -> None:
    """The stage succeeds with all of them, and shows each as a task."""
    pipeline = Pipeline(dev1, multi(tmp_path, mode, one=":", two=":", three=":"))

    status = pipeline.run("success")

    tasks = status["stages"][0]["tasks"]
    assert [(task["name"], task["status"]) for task in tasks] == [
        ("one", "success"),
        ("two", "success"),
        ("three", "success"),
    ]
    assert sorted(done(tmp_path)) == ["one", "three", "two"]
    assert mode == "parallel" or done(tmp_path) == ["one", "two", "three"]


def test_serial_ones_stop_at_a_failure(dev1: SwrClient, tmp_path: Path) -> None:
    """What follows a failed one is not begun; the retry of the stage deploys all again."""
    broken = tmp_path / "broken"
    broken.touch()
    body = multi(tmp_path, "serial", one=":", two=f"test ! -e '{broken}'", three=":")
    pipeline = Pipeline(dev1, body)

    status = pipeline.run("stage_exception")

    statuses = [task["status"] for task in status["stages"][0]["tasks"]]
    assert statuses == ["success", "stage_exception", "waiting"]
    assert done(tmp_path) == ["one"]
    broken.unlink()
    assert pipeline.retry(0).http == 201
    pipeline.settle("success")
    assert done(tmp_path) == ["one", "one", "two", "three"]


def test_it_can_not_be_rolled_back(dev1: SwrClient, tmp_path: Path) -> None:
    """Only official and grey releases can."""
    pipeline = Pipeline(dev1, multi(tmp_path, "serial", one=":"))
    pipeline.run("success")

    answer = pipeline.rollback(0)

    assert answer.error == (400, "SWR.4000014")
