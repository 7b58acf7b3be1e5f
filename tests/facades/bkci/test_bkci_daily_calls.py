"""Daily calls on pipelines and projects: settings, copies, names, recycle bin, searches."""

from typing import Any

import pytest

from bkci.calling import Caller
from bkci.scenes import minimal_model
from mulligan.core.ids import RunId
from mulligan.core.run import RunHead
from mulligan.engine.commands import StartRun, StopRun

PIPELINES = "projects/{p}/pipelines"


def both(name: str = "demo", **setting: Any) -> dict[str, Any]:
    """Return a `PipelineModelAndSetting`."""
    return {"model": {**minimal_model(), "name": name}, "setting": setting}


def setting_of(alice: Caller, pipeline: str) -> dict[str, Any]:
    """Return the settings of a pipeline."""
    return dict(alice.call("GET", f"{PIPELINES}/setting", pipelineId=pipeline))


def test_a_pipeline_with_its_settings(alice: Caller) -> None:
    """Made and changed in one act; the name of the settings wins."""
    body = both(pipelineName="Shop", desc="sells", maxQueueSize=3, runLockType="SINGLE")
    pipeline = alice.call("POST", f"{PIPELINES}/pipeline_with_setting", body)["id"]

    setting = setting_of(alice, pipeline)
    assert (setting["pipelineName"], setting["desc"]) == ("Shop", "sells")
    assert (setting["maxQueueSize"], setting["runLockType"]) == (3, "SINGLE")

    body = both("again", maxQueueSize=4)
    done = alice.call("PUT", f"{PIPELINES}/pipeline_with_setting", body, pipelineId=pipeline)
    assert (done["version"], done["pipelineName"]) == (2, "again")
    setting = setting_of(alice, pipeline)
    assert (setting["maxQueueSize"], setting["runLockType"]) == (4, "SINGLE")

    bad = both("again", maxQueueSize=201)
    path = f"{PIPELINES}/pipeline_with_setting"
    assert alice.refused("PUT", path, bad, pipelineId=pipeline) == (400, 2100015)
    assert alice.refused("PUT", path, {"setting": {}}, pipelineId=pipeline) == (400, 400)
    assert alice.refused("POST", path, both("again")) == (409, 2101013)
    assert setting_of(alice, pipeline)["version"] == 2


def test_several_pipelines_at_once(alice: Caller) -> None:
    """With their models; unknown ids are just missing, and so are those of other projects."""
    one, two = alice.make_pipeline("one"), alice.make_pipeline("two")
    path = f"{PIPELINES}/pipeline_batch_get"

    found = alice.call("POST", path, [two, "p-" + "0" * 32, one, two])

    assert [(row["pipelineName"], row["model"]["name"]) for row in found] == [
        ("two", "two"),
        ("one", "one"),
    ]
    assert alice.refused("POST", path, []) == (400, 2100015)
    assert alice.refused("POST", path, ["p-1"] * 101) == (400, 2100015)
    other = Caller(alice.http, alice.server, "alice", "default")
    assert other.call("POST", path, [one]) == []


def test_copy(alice: Caller) -> None:
    """A copy has the model and the settings; it lives on its own."""
    body = both("first", maxQueueSize=5)
    pipeline = alice.call("POST", f"{PIPELINES}/pipeline_with_setting", body)["id"]
    path = f"{PIPELINES}/pipeline_copying"

    copy = alice.call("POST", path, {"name": "second", "desc": "a copy"}, pipelineId=pipeline)

    setting = setting_of(alice, copy["id"])
    assert (setting["pipelineName"], setting["desc"], setting["maxQueueSize"]) == (
        "second",
        "a copy",
        5,
    )
    model = alice.call("GET", f"{PIPELINES}/pipeline", pipelineId=copy["id"])
    assert len(model["stages"]) == 4
    assert alice.refused("POST", path, {"name": "second"}, pipelineId=pipeline) == (409, 2101013)
    assert alice.refused("POST", path, {"name": "x" * 129}, pipelineId=pipeline) == (400, 2100015)
    assert alice.refused("POST", path, {}, pipelineId=pipeline) == (400, 400)


def test_rename(alice: Caller) -> None:
    """The name is checked as at any save; the versions stay."""
    pipeline, _ = alice.make_pipeline("one"), alice.make_pipeline("two")
    path = f"{PIPELINES}/pipeline_name"

    assert alice.call("POST", path, {"name": "three"}, pipelineId=pipeline) is True

    setting = setting_of(alice, pipeline)
    assert (setting["pipelineName"], setting["version"]) == ("three", 1)
    assert alice.refused("POST", path, {"name": "two"}, pipelineId=pipeline) == (409, 2101013)
    assert alice.refused("POST", path, {"name": "x" * 256}, pipelineId=pipeline) == (400, 2100015)


def test_the_recycle_bin(alice: Caller) -> None:
    """A restored pipeline starts again with what it had; its name must be free."""
    pipeline = alice.make_pipeline()
    build = alice.call("POST", "projects/{p}/build_start", pipelineId=pipeline)["id"]
    alice.call("POST", "projects/{p}/build_stop", buildId=build)
    path = f"{PIPELINES}/pipeline_restore"
    assert alice.refused("PUT", path, pipelineId=pipeline) == (404, 2101038)
    alice.call("DELETE", f"{PIPELINES}/pipeline", pipelineId=pipeline)
    assert alice.refused("POST", "projects/{p}/build_start", pipelineId=pipeline)[0] == 404
    taker = alice.make_pipeline()
    assert alice.refused("PUT", path, pipelineId=pipeline) == (409, 2101013)
    alice.call("POST", f"{PIPELINES}/pipeline_name", {"name": "other"}, pipelineId=taker)

    assert alice.call("PUT", path, pipelineId=pipeline) is True

    alice.call("POST", "projects/{p}/build_start", pipelineId=pipeline)
    page = alice.call("GET", "projects/{p}/build_histories", pipelineId=pipeline)
    assert page["count"] == 2
    other = Caller(alice.http, alice.server, "alice", "default")
    assert other.refused("PUT", path, pipelineId=pipeline) == (404, 2101038)


def test_status_of_a_pipeline_that_is_not_there(alice: Caller) -> None:
    """Nothing is answered, as for one that is deleted or of another project."""
    pipeline = alice.make_pipeline()
    path = f"{PIPELINES}/pipeline_status"
    other = Caller(alice.http, alice.server, "alice", "default")
    assert alice.call("GET", path, pipelineId=pipeline)["pipelineId"] == pipeline

    assert other.call("GET", path, pipelineId=pipeline) is None
    assert alice.call("GET", path, pipelineId="p-" + "0" * 32) is None
    alice.call("DELETE", f"{PIPELINES}/pipeline", pipelineId=pipeline)
    assert alice.call("GET", path, pipelineId=pipeline) is None


def test_search_by_name(alice: Caller) -> None:
    """A part of the name is enough; without one everything is found."""
    for name in ("build web", "build api", "deploy"):
        alice.make_pipeline(name)

    found = alice.call("GET", f"{PIPELINES}/search_by_name", pipelineName="build")
    assert sorted(row["pipelineName"] for row in found) == ["build api", "build web"]
    assert len(alice.call("GET", f"{PIPELINES}/search_by_name")) == 3
    page = alice.call(
        "GET", f"{PIPELINES}/paging_search_by_name", pipelineName="build", page=2, pageSize=1
    )
    assert (page["count"], page["totalPages"]) == (2, 2)
    assert page["records"][0]["pipelineName"] == "build web"


def test_options_of_a_start_parameter(alice: Caller) -> None:
    """Those of the property, and names of pipelines; nothing is fetched from elsewhere."""
    pipeline = alice.make_pipeline()
    path = "projects/{p}/build_manual_startup_options"
    options = [{"key": "dev", "value": "Development"}, {"key": "prod", "value": "Production"}]
    given = {"id": "env", "type": "ENUM", "options": options}

    assert alice.call("POST", path, given, pipelineId=pipeline) == options
    assert alice.call("POST", path, given, pipelineId=pipeline, search="devel") == options[:1]
    sub = {"id": "sub", "type": "SUB_PIPELINE"}
    assert alice.call("POST", path, sub, pipelineId=pipeline) == [{"key": "demo", "value": "demo"}]
    remote = {"id": "env", "payload": {"type": "remote", "url": "http://127.0.0.1:1/"}}
    assert alice.refused("POST", path, remote, pipelineId=pipeline) == (400, 2100015)


def test_projects(alice: Caller) -> None:
    """A project is renamed, keeps its id, and its name is nobody else's."""
    body = {"projectName": f"{alice.project} shop", "description": "all of it", "deptName": "ops"}
    assert alice.call("PUT", "projects/project/{p}", body) is True

    shown = alice.call("GET", "projects/project/{p}")
    assert (shown["projectName"], shown["englishName"]) == (body["projectName"], alice.project)
    assert (shown["description"], shown["deptName"]) == ("all of it", "ops")

    alice.call("PUT", "projects/project/{p}", {"deptName": "dev"})
    shown = alice.call("GET", "projects/project/{p}")
    assert (shown["projectName"], shown["deptName"]) == (body["projectName"], "dev")
    assert shown["description"] == "all of it"

    path = "projects/project/project_name_validation"
    free = {"validateType": "project_name", "name": "free name"}
    assert alice.call("GET", path, **free) is True
    taken = {"validateType": "project_name", "name": body["projectName"]}
    assert alice.refused("GET", path, **taken) == (409, 409)
    assert alice.call("GET", path, **taken, english_name=alice.project) is True
    for name, wanted in (("free-id", None), (alice.project, 409), ("Bad_Id", 400)):
        query = {"validateType": "english_name", "name": name}
        if wanted is None:
            assert alice.call("GET", path, **query) is True
        else:
            assert alice.refused("GET", path, **query)[0] == wanted
    assert alice.refused("PUT", "projects/project/{p}", {"projectName": "default"}) == (409, 409)
    assert alice.refused("PUT", "projects/project/{p}", {"projectName": "x" * 65})[0] == 400
    assert alice.refused("PUT", "projects/project/none-such", body)[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"{PIPELINES}/pipeline_with_setting", both()),
        ("PUT", f"{PIPELINES}/pipeline_with_setting", both()),
        ("POST", f"{PIPELINES}/pipeline_copying", {"name": "x"}),
        ("POST", f"{PIPELINES}/pipeline_name", {"name": "x"}),
        ("PUT", f"{PIPELINES}/pipeline_restore", None),
        ("POST", "projects/{p}/version/save_draft", {"modelAndSetting": both()}),
        ("POST", "projects/{p}/version/release_version", {}),
        ("POST", "projects/{p}/version/rollback_draft", None),
        ("POST", "projects/{p}/pipelineGroups/group", {"name": "x"}),
        ("POST", "projects/{p}/pipelineView/", {"name": "x", "projected": True}),
        ("PUT", "projects/project/{p}", {"projectName": "x"}),
    ],
)
def test_who_may_not_change_anything(
    served: Caller, alice: Caller, method: str, path: str, body: object
) -> None:
    """A viewer is refused with 403, and nothing is changed."""
    pipeline = alice.make_pipeline()
    viewer = alice.as_viewer()

    status = viewer.refused(method, path, body, pipelineId=pipeline, version=1)

    assert status == (403, 403)
    page = viewer.call("GET", f"{PIPELINES}/pipeline_list")
    assert [row["pipelineName"] for row in page["records"]] == ["demo"]
    assert setting_of(viewer, pipeline)["version"] == 1


def test_builds_by_when_they_started(alice: Caller) -> None:
    """The two bounds have Chinese names in the API; instants are numbers or texts."""
    pipeline = alice.make_pipeline()
    build = alice.call("POST", "projects/{p}/build_start", pipelineId=pipeline)["id"]
    started = int(alice.call("GET", "projects/{p}/build_status", buildId=build)["queueTime"])
    path = "projects/{p}/batch_get_build_status"

    def found(**query: object) -> int:
        return len(alice.call("POST", path, [build], **query))

    assert found() == 1
    assert found(构建开始时间=started + 3_600_000) == 0
    assert found(构建结束时间="2001-01-01 00:00:00") == 0
    assert alice.refused("POST", path, [build], 构建开始时间="soon")[0] == 400


def test_a_start_leaves_out_what_the_form_lets_it(alice: Caller) -> None:
    """Only where the manual trigger has canElementSkip; a refused start starts nothing."""
    model = minimal_model()
    step = model["stages"][1]["containers"][0]["elements"][0]["id"]
    given = {f"devops_container_condition_skip_atoms_{step}": "true"}
    strict = alice.make_pipeline("strict", stages=model["stages"])
    for trigger in model["stages"][0]["containers"][0]["elements"]:
        trigger["canElementSkip"] = True
    free = alice.make_pipeline("free", stages=model["stages"])
    start = "projects/{p}/build_start"

    assert alice.refused("POST", start, given, pipelineId=strict) == (400, 2100015)
    assert alice.call("POST", start, {}, pipelineId=strict)["num"] == 1
    build = alice.call("POST", start, given, pipelineId=free)["id"]

    assert alice.http.portal is not None
    head = alice.http.portal.call(alice.server.store.find_head, build)
    assert head is not None
    assert head.disabled_steps == {step}


def test_a_restart_that_another_was_faster_than(
    alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told that the build is being restarted, not that the new build fills the queue."""
    pipeline = alice.make_pipeline()
    setting = {**setting_of(alice, pipeline), "runLockType": "SINGLE", "maxQueueSize": 0}
    alice.call("PUT", f"{PIPELINES}/setting", setting, pipelineId=pipeline)
    build = alice.call("POST", "projects/{p}/build_start", {}, pipelineId=pipeline)["id"]
    engine = alice.server.engine
    check = engine.check_start
    made: list[RunHead] = []

    async def late(command: StartRun) -> None:
        if not made:
            stop = StopRun(actor=command.actor, run_id=RunId(build))
            await engine.stop_run(stop)
            made.append(await engine.start_run(command))
        await check(command)

    monkeypatch.setattr(engine, "check_start", late)
    refused = alice.refused("POST", "projects/{p}/build_restart", buildId=build)

    assert len(made) == 1
    assert refused == (400, 2101141)
