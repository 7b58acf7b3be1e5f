"""The calls of every day: start, watch, look back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.scenario import (
    BAD_REQUEST,
    NOT_FOUND,
    OK,
    Scenario,
    assert_refused,
)
from mulligan.testing.models import (
    job,
    parameter,
    pipeline,
    retry_model,
    stage,
    step,
)
from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from mulligan.testing.bkci import BkciClient
    from mulligan.testing.http_client import Query
    from mulligan.testing.models import Json, Workbench

UNKNOWN_BUILD = "b-" + "0" * 32
UNKNOWN_PIPELINE = "p-" + "0" * 32


@pytest.fixture
def demo(client: BkciClient, bench: Workbench) -> Scenario:
    """Give the shared pipeline in a project of its own."""
    return Scenario(client, bench, retry_model(bench))


def seen_values(bench: Workbench) -> list[str]:
    """Return what the steps noted about their variables."""
    return [line.removeprefix("saw ") for line in bench.journal() if line.startswith("saw ")]


@pytest.fixture
def parameters(client: BkciClient, bench: Workbench) -> Scenario:
    """Give a pipeline with an ordinary, a hidden, a constant and a mandatory parameter."""
    show = step("show", bench.script("show", bench.note("saw $env/$hidden/$fixed/$must")))
    params = [
        parameter("env", "test"),
        parameter("hidden", "default", required=False),
        parameter("fixed", "constant", constant=True),
        parameter("must", "", valueNotEmpty=True),
    ]
    stages = [stage("build", [job("build", [show])])]
    return Scenario(client, bench, pipeline("parameters", stages, params=params))


def test_start_with_parameters(parameters: Scenario) -> None:
    """Defined parameters are taken, also hidden ones; constants stay; unknown names are dropped."""
    given = {"env": "prod", "hidden": "shown", "fixed": "changed", "must": "m", "other": "x"}

    build = parameters.run(given)

    status = build.status()
    assert status["status"] == "SUCCEED"
    assert seen_values(parameters.bench) == ["prod/shown/constant/m"]
    assert status["variables"]["env"] == "prod"
    address = parameters.client.http.url
    assert status["variables"]["BK_CI_BUILD_URL"] == f"{address}/runs/{build.id}"
    assert "other" not in status["variables"]
    assert {each["key"]: each["value"] for each in status["buildParameters"]}["env"] == "prod"


def test_start_with_defaults(parameters: Scenario) -> None:
    """Parameters that are not given have their default values."""
    parameters.run({"must": "m"})

    assert seen_values(parameters.bench) == ["test/default/constant/m"]


def test_start_without_a_mandatory_value_is_refused(parameters: Scenario) -> None:
    """A parameter that may not be empty must be given."""
    client, project = parameters.client, parameters.project

    reply = client.try_start(project, parameters.pipeline, {"env": "prod"})

    assert_refused(reply, BAD_REQUEST, 2101254, "must")
    assert client.histories(project, parameters.pipeline)["count"] == 0


def test_start_without_a_body(demo: Scenario) -> None:
    """A start needs no body, and the answer names the build completely."""
    query = {"pipelineId": demo.pipeline}

    answer = demo.client.call("POST", demo.project, "build_start", query={**query})

    data = answer.data
    assert (data["executeCount"], data["num"]) == (1, 1)
    assert (data["projectId"], data["pipelineId"]) == (demo.project, demo.pipeline)
    assert data["id"].startswith("b-")
    assert len(data["id"]) == 34
    assert demo.client.wait_finished(demo.project, data["id"]).status == "SUCCEED"


def test_numbers_count_up(demo: Scenario) -> None:
    """Each build of a pipeline has the next number, whatever became of the one before."""
    numbers = [demo.start().num for _ in range(3)]

    assert numbers == [1, 2, 3]


def test_start_of_a_pipeline_that_cannot_start(demo: Scenario) -> None:
    """An unknown pipeline and a locked one are refused; unlocking helps."""
    client, project = demo.client, demo.project

    unknown = client.try_start(project, UNKNOWN_PIPELINE)
    client.pipeline_lock(project, demo.pipeline, enable=False)
    locked = client.try_start(project, demo.pipeline)
    client.pipeline_lock(project, demo.pipeline, enable=True)
    http, _ = client.try_start(project, demo.pipeline)

    assert_refused(unknown, NOT_FOUND, 2101038)
    assert_refused(locked, BAD_REQUEST, 2101047)
    assert http == OK


def test_start_needs_no_manual_trigger(client: BkciClient, bench: Workbench) -> None:
    """A start over this API works with the manual trigger disabled; a restart does not."""
    stages = [stage("build", [job("build", [step("only", bench.script("only"))])])]
    scenario = Scenario(client, bench, pipeline("quiet", stages, manual_trigger=False))

    bench.hold("only")
    build = scenario.start()
    build.wait_ran("only")
    query = {"buildId": build.id}
    running = client.call("POST", scenario.project, "build_restart", query={**query})
    bench.release("only")
    build.wait()
    again = client.call("POST", scenario.project, "build_restart", query={**query})

    assert_refused(running.pair, BAD_REQUEST, 2101021)
    assert build.status()["status"] == "SUCCEED"  # a refused restart has not stopped it
    assert_refused(again.pair, BAD_REQUEST, 2101021)


def test_restart_starts_a_new_build(demo: Scenario) -> None:
    """A restart of a finished build is a new build with the same start parameters."""
    build = demo.run({"env": "prod"})
    query = {"buildId": build.id}

    new = demo.client.data("POST", demo.project, "build_restart", query={**query})

    view = demo.client.wait_finished(demo.project, new)
    assert new != build.id
    assert (view.status, view.execute_count, view.data["buildNum"]) == ("SUCCEED", 1, 2)
    assert demo.client.variables(demo.project, new, "env") == {"env": "prod"}


def test_status_of_a_running_build(demo: Scenario) -> None:
    """A running build has no end, and stages that have not started have no status."""
    demo.bench.hold("e12")
    build = demo.start()
    build.wait_ran("e12")

    status = build.status()
    demo.bench.release("e12")
    build.wait()

    stages = {each["stageId"]: each for each in status["stageStatus"]}
    assert status["status"] == "RUNNING"
    assert status.get("endTime") is None
    assert status["startTime"] >= status["queueTime"]
    assert status["currentQueuePosition"] == 0
    assert stages["stage-1"]["status"] == "SUCCEED"
    assert stages["stage-2"]["status"] == "RUNNING"
    assert stages["stage-3"].get("status") is None


def test_status_of_a_failed_build(demo: Scenario) -> None:
    """A failed build says who ran it, when, with which model, and which tasks failed why."""
    build = demo.run_broken("e12", "e21")

    status = build.status()

    assert (status["id"], status["buildNum"], status["status"]) == (build.id, 1, "FAILED")
    assert (status["userId"], status["startType"]) == ("alice", "remoteTrigger")
    assert status["pipelineVersion"] == 1
    assert status["retry"] is False
    assert "executeCount" not in status
    assert status["queueTime"] <= status["startTime"] <= status["endTime"]
    assert status["totalTime"] == status["endTime"] - status["startTime"]
    assert status["currentTimestamp"] >= status["endTime"]
    assert status["variables"]["BK_CI_BUILD_NUM"] == "1"
    errors = {error["taskName"]: error for error in status["errorInfoList"]}
    assert set(errors) == {"e12", "e21"}
    wanted = {
        "stageId": "stage-2",
        "containerId": "1",
        "taskId": demo.ids["e12"],
        "atomCode": "linuxScript",
        "errorType": 1,
        "errorCode": 2199011,
    }
    assert {key: errors["e12"][key] for key in wanted} == wanted


def test_status_of_a_retried_build(demo: Scenario) -> None:
    """After a retry the build says so, keeps its user, and carries the number of retries."""
    build = demo.run_broken("e12")

    build.retry("e12", user="bob")
    build.wait()

    status = build.status()
    assert (status["retry"], status["userId"]) == (True, "alice")
    parameters = {each["key"]: each["value"] for each in status["buildParameters"]}
    assert parameters["BK_CI_RETRY_COUNT"] in {1, "1"}
    names = ["BK_CI_RETRY_COUNT", "BK_CI_RETRY_BUILD_ID", "BK_CI_RETRY_TASK_ID", "unknown"]
    assert demo.client.variables(demo.project, build.id, *names) == {
        "BK_CI_RETRY_COUNT": "1",
        "BK_CI_RETRY_BUILD_ID": build.id,
        "BK_CI_RETRY_TASK_ID": demo.ids["e12"],
        "unknown": "",
    }


def test_detail_of_each_attempt(demo: Scenario) -> None:
    """An earlier attempt stays readable as it was, and the latest one is the default."""
    build = demo.run_broken("e12", "e21")
    demo.bench.repair("e12")
    build.retry("e12", user="bob")
    build.wait()

    first, latest, second = build.detail(1), build.detail(), build.detail(2)

    assert (first.execute_count, latest.execute_count) == (1, 2)
    assert first.statuses("e11", "e12", "e13", "e21") == ["SUCCEED", "FAILED", "UNEXEC", "FAILED"]
    assert first.attempts("e11", "e12", "e21", "e41") == [1, 1, 1, 1]
    assert latest.statuses("e11", "e12", "e13", "e21")[1:3] == ["SUCCEED", "SUCCEED"]
    assert second.statuses("e12", "e13") == latest.statuses("e12", "e13")
    assert not any(first.task(name).get("canRetry") for name in ("e12", "e21"))
    assert latest.task("e21")["canRetry"] is True
    assert latest.stage("stage-2")["canRetry"] is True
    assert not latest.stage("stage-4").get("canRetry")
    assert latest.data["startUserList"] == ["alice", "bob"]
    assert [each["startUser"] for each in latest.data["recordList"]] == ["alice", "bob"]
    assert latest.data["triggerUser"] == "alice"


def test_detail_offers_retry_and_skip(demo: Scenario) -> None:
    """A failed task with manual skip offers both, one without only the retry."""
    view = demo.run_broken("e12", "e21").detail()

    assert (view.task("e12")["canRetry"], view.task("e12")["canSkip"]) == (True, True)
    assert view.task("e21")["canRetry"] is True
    assert not view.task("e21").get("canSkip")
    assert view.job("1")["canRetry"] is True
    assert (view.data["curVersion"], view.data["latestVersion"]) == (1, 1)
    assert (view.data["pipelineName"], view.data["latestBuildNum"]) == ("demo", 1)


def test_failed_tasks(demo: Scenario) -> None:
    """The failed tasks of a build are listed with their ids."""
    build = demo.run_broken("e12", "e21")

    tasks = {t["taskName"]: t for t in demo.client.failed_tasks(demo.project, build.id)}

    assert set(tasks) == {"e12", "e21"}
    assert tasks["e12"]["taskId"] == demo.ids["e12"]
    assert tasks["e12"]["stepId"] == "test"


def test_unknown_build_is_404_everywhere(demo: Scenario) -> None:
    """Every call that names a build answers the same for one that does not exist."""
    calls = [
        ("GET", "build_status"),
        ("GET", "build_detail"),
        ("POST", "build_stop"),
        ("GET", "build_failed_tasks"),
        ("GET", "logs/init_logs"),
    ]

    replies = [
        demo.client.call(method, demo.project, tail, query={"buildId": UNKNOWN_BUILD}).pair
        for method, tail in calls
    ]

    for reply in replies:
        assert_refused(reply, NOT_FOUND, 2101163)


def read_status(scenario: Scenario, build: str) -> Json:
    """Return `build_status` as it came."""
    query: Query = {"buildId": build}
    return dict(scenario.client.data("GET", scenario.project, "build_status", query=query))


def test_histories_are_paged_newest_first(demo: Scenario) -> None:
    """The history has whole pages, newest build first, and cuts a page size above 100."""
    demo.bench.break_steps("e12")
    builds = [demo.run() for _ in range(2)]
    demo.bench.repair("e12")
    builds += [demo.run() for _ in range(3)]
    builds[0].repair("e12")
    read = demo.client.histories

    first = read(demo.project, demo.pipeline, page=1, pageSize=2)
    last = read(demo.project, demo.pipeline, page=3, pageSize=2)
    failed = read(demo.project, demo.pipeline, status="FAILED")
    wide = read(demo.project, demo.pipeline, pageSize=1000)

    assert (first["count"], first["page"], first["totalPages"]) == (5, 1, 3)
    assert [record["buildNum"] for record in first["records"]] == [5, 4]
    assert [record["buildNum"] for record in last["records"]] == [1]
    assert [record["buildNum"] for record in failed["records"]] == [2]
    assert wide["pageSize"] == 100
    assert [record["id"] for record in wide["records"]] == [b.id for b in reversed(builds)]
    assert [record["executeCount"] for record in wide["records"]] == [1, 1, 1, 1, 2]
    for record in wide["records"]:  # the same facts, wherever one looks
        shown = read_status(demo, record["id"])
        for name in ("status", "stageStatus", "errorInfoList"):
            assert record[name] == shown[name], name
    assert [record["retry"] for record in wide["records"]] == [False] * 4 + [True]


def test_histories_by_several_statuses(demo: Scenario) -> None:
    """A list parameter is given by repeating its key."""
    demo.run()
    demo.run_broken("e12")
    query: Query = {"pipelineId": demo.pipeline, "status": ["FAILED", "SUCCEED"]}

    data = demo.client.data("GET", demo.project, "build_histories", query=query)

    assert [record["status"] for record in data["records"]] == ["FAILED", "SUCCEED"]


@pytest.mark.parametrize("size", [0, 101])
def test_simple_history_checks_its_page_size(demo: Scenario, size: int) -> None:
    """The light history refuses a page size outside 1 to 100."""
    query: Query = {"pipelineId": demo.pipeline, "page": 1, "pageSize": size}

    answer = demo.client.call("GET", demo.project, "build_histories/simple", query=query)

    assert_refused(answer.pair, BAD_REQUEST, 2100015)


def test_batch_status_leaves_out_unknown_builds(demo: Scenario) -> None:
    """The status of several builds comes in one answer, unknown ids are just missing."""
    builds = [demo.run(), demo.run_broken("e12")]
    ids = [build.id for build in builds]

    data = demo.client.data(
        "POST", demo.project, "batch_get_build_status", body=[*ids, UNKNOWN_BUILD]
    )

    assert {each["id"]: each["status"] for each in data} == dict(
        zip(ids, ["SUCCEED", "FAILED"], strict=True)
    )


def test_remark(demo: Scenario) -> None:
    """A remark is stored with the build; one of 4096 characters is refused."""
    build = demo.run()
    call, query = demo.client.call, {"buildId": build.id}

    stored = call("POST", demo.project, "update_remark", query={**query}, body={"remark": "好"})
    long = {"remark": "x" * 4096}
    refused = call("POST", demo.project, "update_remark", query={**query}, body=long)

    assert stored.http == OK
    assert build.status()["remark"] == "好"
    assert_refused(refused.pair, BAD_REQUEST, 2101281)


def test_progress_is_shown_while_a_task_runs(client: BkciClient, bench: Workbench) -> None:
    """What a script tells of its progress is in the detail at once; at the end its last word."""
    bench.hold("slow")
    script = "\n".join(
        ("echo '::set-progress-rate 0.25'", bench.script("slow", "echo '::set-progress-rate 1'"))
    )
    model = pipeline("rates", [stage("build", [job("build", [step("slow", script)])])])
    build = Scenario(client, bench, model).start()

    def rate() -> object:
        return build.detail().task("slow").get("progressRate")

    poll_until(lambda: rate() == 0.25, what="the progress of the task")
    assert build.detail().task("slow")["status"] == "RUNNING"
    bench.release("slow")

    assert build.wait().status == "SUCCEED"
    assert rate() == 1
