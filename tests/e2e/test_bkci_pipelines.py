"""Keeping pipelines: ids, versions, names, rules of structure, kinds of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.scenario import BAD_REQUEST, Scenario, assert_refused, new_project
from mulligan.testing.models import (
    finally_stage,
    job,
    one_job,
    pipeline,
    retry_model,
    stage,
    step,
)

if TYPE_CHECKING:
    from mulligan.testing.bkci import BkciClient, Json
    from mulligan.testing.models import Workbench

CONFLICT = 409


@pytest.fixture
def demo(client: BkciClient, bench: Workbench) -> Scenario:
    """Give the shared pipeline in a project of its own."""
    return Scenario(client, bench, retry_model(bench))


def test_pipeline_keeps_its_task_ids(client: BkciClient, bench: Workbench) -> None:
    """A saved model comes back with the task ids it had, and numbers by position."""
    project = new_project(client)
    model = retry_model(bench)

    saved = client.pipeline_get(project, client.pipeline_create(project, model))

    assert [each["id"] for each in saved["stages"]] == [f"stage-{n}" for n in range(1, 5)]
    jobs = [job for each in saved["stages"] for job in each["containers"]]
    assert [each["id"] for each in jobs] == ["0", "1", "2", "3", "4"]
    assert [each["containerId"] for each in jobs] == ["0", "1", "2", "3", "4"]
    wanted = [e["id"] for s in model["stages"] for c in s["containers"] for e in c["elements"]]
    assert [e["id"] for c in jobs for e in c["elements"]] == wanted


def test_pipeline_edit_makes_a_version(demo: Scenario) -> None:
    """A new build runs the edited model under the next version."""
    demo.run()
    model = retry_model(demo.bench)

    demo.client.pipeline_edit(demo.project, demo.pipeline, model)
    build = demo.run()

    assert build.status()["pipelineVersion"] == 2
    assert build.detail().task("e12")["id"] != demo.ids["e12"]


def test_pipeline_name_is_unique_in_its_project(demo: Scenario) -> None:
    """A second pipeline of the same name is refused until the first is deleted."""
    model = retry_model(demo.bench)

    answer = demo.client.call("POST", demo.project, "pipelines/pipeline", body=model)
    demo.client.pipeline_delete(demo.project, demo.pipeline)
    again = demo.client.pipeline_create(demo.project, model)

    assert_refused(answer.pair, CONFLICT, 2101013)
    assert again != demo.pipeline


def test_pipeline_list(demo: Scenario) -> None:
    """The list of a project has its pipelines and not those of other projects."""
    other = demo.client.pipeline_create(demo.project, retry_model(demo.bench, "other"))

    data = demo.client.data("GET", demo.project, "pipelines/pipeline_list")

    assert data["count"] == 2
    assert {each["pipelineId"] for each in data["records"]} == {demo.pipeline, other}


@pytest.mark.parametrize(
    ("stages", "code"),
    [
        ([stage("empty", [])], 2101025),
        ([stage("build", [job("empty", [])])], 2101067),
        (
            [
                finally_stage([job("clean", [step("clean", "true")])]),
                stage("build", [job("build", [step("build", "true")])]),
            ],
            2101064,
        ),
    ],
    ids=["stage without job", "job without task", "finally stage not last"],
)
def test_invalid_model_is_refused(client: BkciClient, stages: list[Json], code: int) -> None:
    """A model that breaks a rule of structure is not saved."""
    project = new_project(client)

    answer = client.call("POST", project, "pipelines/pipeline", body=pipeline("bad", stages))

    assert_refused(answer.pair, BAD_REQUEST, code)
    assert client.data("GET", project, "pipelines/pipeline_list")["count"] == 0


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"baseOS": "LINUX"},
        {"baseOS": "LINUX", "dispatchType": {"buildType": "DOCKER", "value": "bkci/ci:latest"}},
    ],
    ids=["normal", "machine", "machine with dispatch type"],
)
def test_scripts_run_in_every_kind_of_job(
    client: BkciClient, bench: Workbench, fields: Json
) -> None:
    """A script task runs in a job without machine and in one with, dispatch type or not."""
    kind = "vmBuild" if fields else "normal"
    only = job("build", [step("only", bench.script("only"))], kind=kind, **fields)
    scenario = Scenario(client, bench, pipeline("kinds", [stage("build", [only])]))

    build = scenario.run()

    assert build.status()["status"] == "SUCCEED"
    assert bench.ran("only") == 1


def test_tasks_of_a_job_share_its_folder(client: BkciClient, bench: Workbench) -> None:
    """What one task leaves in the working directory the next one finds."""
    write, read = step("write", "echo 42 > answer"), step("read", "[ $(cat answer) = 42 ]")
    scenario = Scenario(client, bench, one_job("folder", [write, read]))

    build = scenario.run()

    assert build.detail().statuses("write", "read") == ["SUCCEED", "SUCCEED"]
