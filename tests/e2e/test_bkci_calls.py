"""Sub-pipelines over the API: what parent and child show, and a crash while the parent waits."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from e2e.scenario import BAD_REQUEST, Build, Scenario, new_project
from mulligan.testing.models import one_job, parameter, pipeline, step

if TYPE_CHECKING:
    from mulligan.testing.bkci import BkciClient
    from mulligan.testing.models import Workbench

Json = dict[str, Any]


def task(name: str, **fields: object) -> Json:
    """Return a task that is no script."""
    return {"id": f"e-{uuid.uuid4().hex}", "name": name, **fields}


def built_in_call(pipeline_id: str, **fields: object) -> Json:
    """Return a `subPipelineCall`."""
    return task("call", **{"@type": "subPipelineCall", "subPipelineType": "ID"}) | {
        "subPipelineId": pipeline_id,
        **fields,
    }


def plugin_call(pipeline_id: str, project: str) -> Json:
    """Return the plugin that does the same."""
    fields = {
        "projectId": project,
        "subPipelineType": "ID",
        "subPip": pipeline_id,
        "params": '[{"key": "color", "value": "${tone}"}]',
        "runMode": "syn",
        "fieldNamespace": "sub",
    }
    return task("call", **{"@type": "marketBuildLess", "atomCode": "SubPipelineExec"}) | {
        "version": "1.*",
        "data": {"input": fields, "output": {}, "namespace": ""},
    }


def child_scenario(client: BkciClient, bench: Workbench) -> Scenario:
    """Make a pipeline that says what it was started with."""
    model = one_job("child", [step("work", bench.script("work", bench.note("color ${color}")))])
    model["stages"][0]["containers"][0]["params"] = [parameter("color", "red")]
    return Scenario(client, bench, model, new_project(client))


def parent_of(scenario: Scenario, call: Json) -> Scenario:
    """Make a pipeline in the same project that starts another one."""
    model = one_job("parent", [call, step("after", scenario.bench.script("after"))])
    model["stages"][0]["containers"][0]["params"] = [parameter("tone", "blue")]
    return Scenario(scenario.client, scenario.bench, model, scenario.project)


def test_the_plugin_waits_and_shows_its_child(client: BkciClient, bench: Workbench) -> None:
    """The plugin's inputs are read; parent and child name each other."""
    child = child_scenario(client, bench)
    parent = parent_of(child, plugin_call(child.pipeline, child.project))
    bench.hold("work")
    build = parent.start()
    build.wait_ran("work")

    waiting = build.detail().task("call")["status"]
    bench.release("work")
    view = build.wait()

    shown = view.task("call")["subPipelineBuildInfo"]
    status = client.status(child.project, shown["buildId"])
    assert (waiting, view.status) == ("CALL_WAITING", "SUCCEED")
    assert bench.journal() == ["work", "color blue", "after"]
    assert (shown["projectId"], shown["pipelineId"]) == (child.project, child.pipeline)
    assert status["webhookInfo"]["parentBuildId"] == build.id
    assert status["variables"]["BK_CI_START_TYPE"] == "PIPELINE"
    assert status["variables"]["BK_CI_PARENT_BUILD_NUM"] == "1"
    assert build.status()["variables"]["sub_sub_pipeline_buildId"] == shown["buildId"]


def test_a_failed_child_is_repaired_by_a_retry_of_its_task(
    client: BkciClient, bench: Workbench
) -> None:
    """The task has the child's error; retried, it starts a new build of the child."""
    child = child_scenario(client, bench)
    parent = parent_of(child, built_in_call(child.pipeline, parameters={"color": "green"}))
    bench.break_steps("work")
    build: Build = parent.start()
    failed = build.wait().task("call")
    bench.repair("work")

    view = build.repair("call")

    assert (failed["status"], failed["errorCode"]) == ("FAILED", 2199011)
    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert view.task("call")["subPipelineBuildInfo"]["buildNum"] == 2


def test_a_circle_is_refused(client: BkciClient, bench: Workbench) -> None:
    """A pipeline that would start itself is not saved."""
    child = child_scenario(client, bench)
    model = pipeline("child", one_job("child", [built_in_call(child.pipeline)])["stages"][1:])
    query: Json = {"pipelineId": child.pipeline}

    answer = client.call("PUT", child.project, "pipelines/pipeline", query=query, body=model)

    assert (answer.http, answer.body["status"]) == (BAD_REQUEST, 2100015)
