"""Tasks that pause before they run: other inputs for one attempt, and what tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from e2e.scenario import BAD_REQUEST, OK, Build, Scenario, assert_refused
from mulligan.testing.models import job, one_job, pipeline, stage, step
from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from mulligan.testing.bkci import BkciClient
    from mulligan.testing.models import Workbench

Json = dict[str, Any]


def answer(build: Build, **body: object) -> tuple[int, Json]:
    """Answer the pause of task `t1`."""
    scenario = build.scenario
    whole = {"taskId": scenario.ids["t1"], "stageId": "stage-2", "containerId": "1", **body}
    return scenario.client.call(
        "POST",
        scenario.project,
        "build_execute_pause",
        query={"buildId": build.id},
        body=whole,
    ).pair


def test_a_paused_task_runs_with_other_inputs_once(client: BkciClient, bench: Workbench) -> None:
    """The given script runs, detail and log show the change; a retry has the original again."""
    elements = [step("t1", bench.script("t1"), pauseBeforeExec=True)]
    scenario = Scenario(client, bench, one_job("example", elements))
    build = scenario.start()
    build.wait_task("t1", "PAUSE")
    element = build.detail().task("t1")

    said = answer(build, isContinue=True, element={**element, "script": "echo other; exit 3"})
    view = build.wait()

    lines = [line["message"] for line in client.logs(scenario.project, "init", build.id)["logs"]]
    operator = f"BK_CI_OPERATOR_{scenario.ids['t1']}"
    assert (said[0], said[1]["data"]) == (OK, True)
    assert (view.status, view.task("t1")["script"]) == ("FAILED", "echo other; exit 3")
    assert "plugin: t1, params script updated:" in lines
    assert "after: echo other; exit 3" in lines
    assert "other" in lines
    assert build.status()["variables"][operator] == "alice"

    build.retry("t1")
    build.wait_task("t1", "PAUSE")
    answer(build, isContinue=True)
    again = build.wait()

    assert (again.status, again.task("t1")["script"]) == ("SUCCEED", elements[0]["script"])
    assert bench.ran("t1") == 1
    assert_refused(answer(build, isContinue=True), BAD_REQUEST, 2101012)


def test_a_paused_copy_of_a_matrix_job_runs_with_other_inputs(
    client: BkciClient, bench: Workbench
) -> None:
    """The inputs of one copy are changed; the other copy keeps those that its job has."""
    option = {"strategyStr": "word: [one, two]", "maxConcurrency": 2}
    task = step("t1", "echo as defined ${matrix.word}", pauseBeforeExec=True)
    copied = job("copied", [task], matrixGroupFlag=True, matrixControlOption=option)
    scenario = Scenario(client, bench, pipeline("matrix", [stage("all", [copied])]))
    build = scenario.start()
    poll_until(
        lambda: [each.get("status") for each in copies(build)] == ["PAUSE", "PAUSE"],
        what="both copies paused",
    )
    changes: list[Json] = [{"script": "echo other ${matrix.word}"}, {}]

    for copy, more in zip(copies(build), changes, strict=True):
        element = copy["elements"][0]
        ids = {"taskId": element["id"], "containerId": copy["id"]}
        assert answer(build, **ids, isContinue=True, element={**element, **more})[0] == OK
    view = build.wait()

    lines = [line["message"] for line in client.logs(scenario.project, "init", build.id)["logs"]]
    assert view.status == "SUCCEED"
    assert [line for line in lines if line.startswith("plugin:")] == [
        "plugin: t1, params script updated:"
    ]
    assert {"other one", "as defined two"} <= set(lines)
    assert "as defined one" not in lines


def copies(build: Build) -> list[Json]:
    """Return the containers of the copies of the first job."""
    found: list[Json] = build.detail().job("1").get("groupContainers", [])
    return found


def test_a_review_that_nobody_answers(own_client: BkciClient, bench: Workbench) -> None:
    """It waits without a machine until its time is over; the detail says so."""
    ask = {
        "@type": "manualReviewUserTask",
        "id": f"e-{1:032x}",
        "name": "ask",
        "reviewUsers": ["alice"],
        "additionalOptions": {"timeout": 30},
    }
    after = step("t1", bench.script("t1"))
    scenario = Scenario(own_client, bench, one_job("example", [ask, after]))
    build = scenario.start()
    build.wait_task("ask", "REVIEWING")

    own_client.advance_clock(1800)
    view = build.wait()

    task = view.task("ask")
    assert (view.status, task["status"]) == ("FAILED", "EXEC_TIMEOUT")
    assert bench.ran("t1") == 0
