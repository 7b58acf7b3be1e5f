"""`BuildId`, `build_status`, history, pages: the published example and what is left out."""

from typing import Any

import pytest
from immutables import Map
from msgspec.structs import replace

from bkci.scenes import ALICE, BOB, E12, FIRST, at, attempt, b1, b1_retried, compiled, golden, head
from bkci.scenes import run_of as run_with
from mulligan.core.cause import Cause
from mulligan.core.ids import RunId, StepId
from mulligan.core.records import Artifact
from mulligan.core.run import Gate, StartParameter, Write
from mulligan.core.status import Status
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.result import ok_body
from mulligan.facades.bkci.run_out import (
    Surroundings,
    execute_millis,
    mask_variables,
    render_build_id,
    render_build_status,
    render_history,
    render_history_page,
    render_page,
    render_variables,
)

Json = dict[str, Any]
AROUND = Surroundings(now=at(100))


def status(language: str = "zh", **changes: Any) -> Json:
    """Render `build_status` of B1 with changes of its head."""
    run, source = b1()
    run = replace(run, head=replace(run.head, **changes))
    around = replace(AROUND, language=language)
    variables = {"env": "test", "BK_CI_BUILD_NUM": "42"}
    return render_build_status(AttemptView(run), around, source=source, variables=variables)


def test_build_id() -> None:
    """`build_start` and `build_retry` answer with the published five members."""
    assert render_build_id(head()) == {
        "id": "b-2f1c9a0e7d1b4c6b8a5e3f7d90c1e2a4",
        "executeCount": 1,
        "projectId": "demo",
        "pipelineId": "p-7d0c3b2a19e84f5d8c6b7a9e0f1d2c3b",
        "num": 42,
    }


def test_published_example_of_the_status() -> None:
    """All members of the published answer are there, with its values where the run is the same."""
    expected = golden("build_status")

    got = status()

    assert expected.keys() <= got.keys()
    same = expected.keys() - {"stageStatus", "errorInfoList", "executeTime"}
    assert {key: got[key] for key in same} == {key: expected[key] for key in same}
    assert "executeCount" not in got
    wanted_trigger, wanted_build, _ = expected["stageStatus"]
    assert got["stageStatus"][0] == wanted_trigger
    assert wanted_build.keys() - {"tag"} <= got["stageStatus"][1].keys()
    assert got["stageStatus"][1]["startEpoch"] == wanted_build["startEpoch"]
    assert got["stageStatus"][1]["elapsed"] == wanted_build["elapsed"]
    error = got["errorInfoList"][0]
    assert error.keys() == expected["errorInfoList"][0].keys()
    assert error["atomCode"] == "linuxScript"


def test_stage_that_was_not_reached_has_no_status() -> None:
    """Stages of a running build that have not begun carry id and name only."""
    index, source = compiled()
    running = head(status=Status.RUNNING, cause=None, stage=0, ended_at=None, errors=())

    got = render_build_status(
        AttemptView(run_with(index, running)), AROUND, source=source, variables={}
    )

    assert got["stageStatus"][2] == {"stageId": "stage-3", "name": "deploy"}
    assert got["status"] == "RUNNING"
    assert got["errorInfoList"] == []
    assert "endTime" not in got
    assert "totalTime" not in got


@pytest.mark.parametrize(
    ("kind", "zh", "en", "element"),
    [
        ("service", "Openapi启动", "Openapi start", "remoteTrigger"),
        ("pipeline", "流水线调用", "Pipeline start", "remoteTrigger"),
        ("manual", "手动触发", "Manual start", "manualTrigger"),
        ("timer", "定时触发", "Timer start", "timerTrigger"),
        ("unheard-of", "Openapi启动", "Openapi start", "remoteTrigger"),
    ],
)
def test_what_started_the_run(kind: str, zh: str, en: str, element: str) -> None:
    """The start type has a text in both languages and the class of a trigger element."""
    assert status(start_kind=kind)["trigger"] == zh
    assert status("en", start_kind=kind)["trigger"] == en
    assert status(start_kind=kind)["startType"] == element


def test_message_and_remark() -> None:
    """The message of the start is shown at the trigger stage too."""
    got = status(message="nightly", remark="flaky")

    assert (got["buildMsg"], got["remark"]) == ("nightly", "flaky")
    assert got["stageStatus"][0]["showMsg"] == "nightly"


def test_parameters_of_a_retried_run() -> None:
    """A retry adds its count to the start parameters; secret values are not shown."""
    run, history, source = b1_retried()
    parameters = (
        StartParameter(name="env", value="test", default="dev", desc="target"),
        StartParameter(name="key", value="s3cret", kind="PASSWORD", sensitive=True, default="x"),
        StartParameter(name="fixed", value="1", read_only=True),
    )
    run = replace(run, head=replace(run.head, parameters=parameters))

    got = render_build_status(AttemptView(run, history), AROUND, source=source, variables={})

    assert got["retry"] is True
    assert got["buildParameters"] == [
        {
            "key": "env",
            "value": "test",
            "valueType": "STRING",
            "desc": "target",
            "defaultValue": "dev",
        },
        {"key": "key", "value": "******", "valueType": "PASSWORD", "sensitive": True},
        {"key": "fixed", "value": "1", "valueType": "STRING", "readOnly": True},
        {"key": "BK_CI_RETRY_COUNT", "value": "1", "valueType": "STRING", "readOnly": True},
    ]


def test_secrets_in_variables_are_masked() -> None:
    """A secret is masked as a whole value and inside others; a short one only as a whole."""
    run, _ = b1()
    writes = {
        "long": (Write(name="long", value="hunter22", sensitive=True),),
        "short": (Write(name="short", value="1", sensitive=True),),
    }
    run = replace(run, writes=Map(writes))

    masked = mask_variables(
        run, {"long": "hunter22", "url": "https://u:hunter22@x", "short": "1", "n": "21"}
    )

    assert masked == {"long": "******", "url": "https://u:******@x", "short": "******", "n": "21"}


def test_variables_by_name() -> None:
    """Unknown names have an empty value."""
    run, _ = b1()

    assert render_variables(run, {"a": "1", "b": "2"}, ["a", "c"]) == {"a": "1", "c": ""}


def test_artifacts_of_a_run() -> None:
    """Archived files are listed with name, path and size."""
    run, source = b1()
    artifact = Artifact(
        run=RunId("b-1"),
        step=StepId("e-1"),
        attempt=1,
        run_attempt=1,
        path="dist/app.pyz",
        size=7,
        digest="0" * 64,
        created_at=at(9),
    )

    got = render_build_status(
        AttemptView(run), AROUND, source=source, variables={}, artifacts=[artifact]
    )

    [shown] = got["artifactList"]
    assert (shown["name"], shown["fullPath"], shown["size"]) == ("app.pyz", "/dist/app.pyz", 7)


def test_history_item() -> None:
    """An item of the history has the attempt and no variables, with or without the stages."""
    run, source = b1()

    full = render_history(run.head, AROUND, view=AttemptView(run), source=source)
    short = render_history(run.head, AROUND)

    assert full["executeCount"] == 1
    assert full["updateTime"] == 1_787_300_065_000
    assert full["pipelineVersionName"] == "V7(P7.T1.1)"
    assert not {"variables", "currentQueuePosition"} & full.keys()
    assert full["stageStatus"][1]["status"] == "FAILED"
    assert "stageStatus" not in short
    assert short["status"] == "FAILED"


def test_run_at_a_review_in_the_history() -> None:
    """With its snapshot at hand a waiting run shows as STAGE_SUCCESS without an end."""
    check_in = {"manualTrigger": True, "reviewGroups": [{"reviewers": ["alice"]}]}
    model = golden("minimal_model")
    model["stages"][2]["checkIn"] = check_in
    index, source = compiled(model)
    waiting = head(status=Status.RUNNING, cause=None, stage=1, ended_at=None)
    gate = Gate(node="stage-3", number=1, kind="stage-review", run_attempt=1, opened_at=at(64))
    run = run_with(index, waiting, *FIRST, gate)

    got = render_history(waiting, AROUND, view=AttemptView(run), source=source)

    assert got["status"] == "STAGE_SUCCESS"
    assert "endTime" not in got


def test_execute_time_leaves_waiting_out() -> None:
    """Neither the time between attempts nor that of reviews counts as work."""
    run_head = head(
        attempt=2,
        attempts=(attempt(1, ALICE, -1, 0, 65), attempt(2, BOB, 200, 210, 260, target=E12)),
    )
    gate = Gate(
        node="stage-3",
        number=1,
        kind="stage-review",
        run_attempt=1,
        opened_at=at(20),
        closed_at=at(30),
        state="approved",
    )
    pause = replace(gate, node="e-1", kind="pause")

    assert execute_millis(run_head, [], at(999)) == 115_000
    assert execute_millis(run_head, [gate, pause], at(999)) == 105_000


@pytest.mark.parametrize(("count", "pages"), [(0, 0), (1, 1), (20, 1), (21, 2)])
def test_pages(count: int, pages: int) -> None:
    """A page says how many rows and pages there are in all."""
    page = render_page([], count=count, page=1, page_size=20)

    assert page == {
        "count": count,
        "page": 1,
        "pageSize": 20,
        "totalPages": pages,
        "records": [],
    }


def test_history_page() -> None:
    """The page of a history names the latest version of the pipeline."""
    page = render_history_page([{"id": "b"}], count=1, page=1, page_size=20, latest_version=8)

    assert (page["pipelineVersion"], page["hasDownloadPermission"]) == (8, True)
    assert page["records"] == [{"id": "b"}]


def test_run_that_waited_too_long() -> None:
    """A run that left the queue by its time-out says so."""
    got = status(cause=Cause.QUEUE_TIMEOUT)

    assert got["status"] == "QUEUE_TIMEOUT"
    assert got["errorInfoList"][0]["errorMsg"] == "排队超时，取消运行!"


def test_result_wrapper() -> None:
    """Every good answer has status 0; without data the member is left out."""
    assert ok_body({"id": "构建"}) == '{"status":0,"data":{"id":"构建"}}'.encode()
    assert ok_body() == b'{"status":0}'
    assert ok_body(data=False) == b'{"status":0,"data":false}'
