"""Matrix jobs in this API: what is read and refused, and how their copies are shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bkci.scenes import compiled
from mulligan.core.errors import InvalidError
from mulligan.core.ids import StepId
from mulligan.core.matrix import child_step_id
from mulligan.core.run import Job, Run, Stage, Step
from mulligan.core.spec import MatrixSpec
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.detail_out import render_detail
from mulligan.facades.bkci.run_out import Surroundings
from mulligan.facades.bkci.run_parts import render_errors, render_failed_tasks
from mulligan.ports import NodeHistory
from mulligan.testing.models import BuildView, job, pipeline, stage, step
from mulligan.testing.simulate import START, Simulation

Json = dict[str, Any]
AROUND = Surroundings(
    now=START + timedelta(hours=1),
    pipeline_name="demo",
    latest_version=1,
    latest_number=1,
    may_cancel=True,
)
OPTION = {"strategyStr": "os: [win, mac]\npower: [{url: c1}]", "maxConcurrency": 3}


def model(option: Json | None, *, flag: bool = True, **fields: Any) -> Json:
    """Return a model of one matrix job with two steps."""
    elements = [step("build", "true"), step("test", "true", step_id="t", manualSkip=True)]
    if option is not None:
        fields["matrixControlOption"] = option
    return pipeline("m", [stage("s", [job("grid", elements, matrixGroupFlag=flag, **fields)])])


def failing(*failed: tuple[str, int]) -> tuple[Simulation, Json, dict[str, StepId]]:
    """Give the run of a model some steps of whose copies fail in their first attempt."""
    index, source = compiled(model(OPTION))
    ids = {spec.name: spec.id for spec in index.steps.values()}
    bad = {child_step_id(ids[name], number) for name, number in failed}
    run = Simulation(index.spec, lambda step_id, attempt: attempt > 1 or step_id not in bad)
    run.finish()
    return run, source, ids


def history_of(simulation: Simulation) -> NodeHistory:
    """Return all records of a run, oldest attempt first."""
    found: dict[str, dict[str, dict[int, Any]]] = {"stages": {}, "jobs": {}, "steps": {}}
    for decision in simulation.decisions:
        rows: tuple[Stage | Job | Step, ...]
        for kind, rows in (
            ("stages", decision.stages),
            ("jobs", decision.jobs),
            ("steps", decision.steps),
        ):
            for row in rows:
                found[kind].setdefault(row.id, {})[row.attempt] = row
    all_of = {
        kind: {node: tuple(rows.values()) for node, rows in nodes.items()}
        for kind, nodes in found.items()
    }
    return NodeHistory(
        stages=all_of["stages"], jobs=all_of["jobs"], steps=all_of["steps"], gates={}
    )


def shown(run: Run, source: Json, history: NodeHistory, number: int | None = None) -> Json:
    """Return the container of the matrix job as an attempt shows it."""
    view = AttemptView(run, history, number)
    return BuildView(render_detail(view, AROUND, source=source)).job("1")


def test_a_matrix_is_read() -> None:
    """Its texts as they are, its limits with their defaults; without the flag there is none."""
    full = {
        "strategyStr": "a: ${{ fromJSON(variables.m) }}",
        "includeCaseStr": "- {a: 1}",
        "excludeCaseStr": "- {a: 2}",
        "fastKill": True,
        "maxConcurrency": "50",
    }

    (read,) = compiled(model(full))[0].jobs.values()
    (least,) = compiled(model({"includeCaseStr": "- {a: 1}", "maxConcurrency": 0}))[0].jobs.values()
    (none,) = compiled(model(OPTION, flag=False))[0].jobs.values()

    assert read.matrix == MatrixSpec(
        strategy="a: ${{ fromJSON(variables.m) }}",
        include="- {a: 1}",
        exclude="- {a: 2}",
        fast_kill=True,
        max_parallel=50,
    )
    assert least.matrix == MatrixSpec(include="- {a: 1}")
    assert none.matrix is None


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (None, "needs its matrixControlOption"),
        ({}, "needs a strategy"),
        ({"strategyStr": " "}, "needs a strategy"),
        ({**OPTION, "maxConcurrency": 51}, "at most 50"),
        ({"strategyStr": "a: 1"}, "not a list"),
        ({"strategyStr": "a: [1"}, "neither YAML nor JSON"),
        ({"strategyStr": f"a: {list(range(257))}"}, "257 combinations; at most 256"),
        ({**OPTION, "includeCaseStr": "a: 1"}, "not a list of maps"),
    ],
)
def test_a_matrix_that_can_never_work_is_refused(option: Json | None, message: str) -> None:
    """When the model is saved, with the place and what is wrong."""
    with pytest.raises(InvalidError, match=message) as caught:
        compiled(model(option))

    assert caught.value.code == "matrix"
    assert caught.value.pointer.startswith("/stages/1/containers/0/matrixControlOption")


def test_copies_stand_in_the_container_of_their_job() -> None:
    """With ids and values of their own, counts, statuses and buttons."""
    simulation, source, ids = failing(("test", 2))

    found = shown(simulation.run, source, history_of(simulation))

    option = found["matrixControlOption"]
    assert option == {**OPTION, "totalCount": 2, "finishCount": 2}
    assert (found["status"], found["canRetry"], found["matrixGroupFlag"]) == ("FAILED", True, True)
    assert [element.get("status") for element in found["elements"]] == [None, None]
    good, bad = found["groupContainers"]
    assert {key: bad[key] for key in ("@type", "id", "containerId", "jobId", "matrixGroupId")} == {
        "@type": "normal",
        "id": "1002",
        "containerId": "1002",
        "jobId": "grid.1",
        "matrixGroupId": "1",
    }
    assert bad["matrixContext"] == {
        "matrix.os": "mac",
        "matrix.power": '{"url":"c1"}',
        "matrix.power.url": "c1",
    }
    assert (bad["matrixGroupFlag"], "matrixControlOption" in bad) == (False, False)
    assert good["containerHashId"] != bad["containerHashId"]
    assert [(each["status"], each["executeCount"]) for each in (good, bad)] == [
        ("SUCCEED", 1),
        ("FAILED", 1),
    ]
    assert bad["elements"][1] | {"timeCost": None} == {
        "@type": "matrixStatus",
        "id": child_step_id(ids["test"], 2),
        "name": "test",
        "stepId": "t",
        "originClassType": "linuxScript",
        "originAtomCode": "linuxScript",
        "status": "FAILED",
        "executeCount": 1,
        "startEpoch": bad["elements"][1]["startEpoch"],
        "elapsed": bad["elements"][1]["elapsed"],
        "timeCost": None,
        "errorType": 1,
        "errorCode": 2199011,
        "errorMsg": "",
        "canRetry": True,
    }


def test_failed_tasks_and_errors_say_that_they_are_of_a_matrix() -> None:
    """With the container of the copy and the task of it."""
    simulation, _, ids = failing(("test", 2))
    view = AttemptView(simulation.run, history_of(simulation))

    (task,), (error,) = render_failed_tasks(view), render_errors(view)

    expected = ("1002", child_step_id(ids["test"], 2), True)
    assert (task["jobId"], task["taskId"], task["matrixFlag"]) == expected
    assert (error["containerId"], error["taskId"], error["matrixFlag"]) == expected
    assert error["stageId"] == "stage-2"


def test_an_earlier_attempt_shows_its_own_copies() -> None:
    """Of each the record of then; its errors stay known when the job is split anew."""
    simulation, source, ids = failing(("build", 1))
    simulation.retry("1")
    while_anew = render_errors(AttemptView(simulation.run, history_of(simulation)))
    simulation.finish()
    history = history_of(simulation)

    before = shown(simulation.run, source, history, 1)
    after = shown(simulation.run, source, history)
    errors = render_errors(AttemptView(simulation.run, history, 1))

    assert [each["status"] for each in before["groupContainers"]] == ["FAILED", "SUCCEED"]
    assert [each["status"] for each in after["groupContainers"]] == ["SUCCEED"] * 2
    assert [each["executeCount"] for each in after["groupContainers"]] == [2, 2]
    assert [error["taskId"] for error in errors] == [child_step_id(ids["build"], 1)]
    assert [error["containerId"] for error in while_anew] == ["1001"]


def test_a_matrix_that_has_not_begun_shows_no_copies() -> None:
    """Nor one that gave none; that says why."""
    index, source = compiled(model({"strategyStr": "a: []"}))
    simulation = Simulation(index.spec)

    found = shown(simulation.run, source, history_of(simulation))

    assert (found["status"], found["groupContainers"]) == ("SKIP", [])
    assert found["errorMsg"] == "the matrix gives no combination"
    assert "totalCount" not in found["matrixControlOption"]


def test_parts_that_only_a_run_gives_are_not_taken_from_a_definition() -> None:
    """A model that was copied from a build brings copies that mean nothing."""
    copied = model({**OPTION, "totalCount": 9, "finishCount": 7}, groupContainers=[{"id": "1001"}])
    index, source = compiled(copied)
    simulation = Simulation(index.spec)

    found = shown(simulation.run, source, history_of(simulation))

    assert [each["id"] for each in found["groupContainers"]] == ["1001", "1002"]
    assert found["matrixControlOption"] == {**OPTION, "totalCount": 2, "finishCount": 0}
