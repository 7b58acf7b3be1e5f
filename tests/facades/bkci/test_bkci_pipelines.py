"""Pipelines, projects and the start form as this API shows them."""

from typing import Any

from msgspec.structs import replace

from bkci.scenes import ALICE, BOB, at, b1, compiled, head, minimal_model
from mulligan.core.ids import PipelineId, ProjectId
from mulligan.core.records import Pipeline, Project
from mulligan.core.run import StartParameter
from mulligan.facades.bkci.attempt_view import AttemptView
from mulligan.facades.bkci.pipeline_out import (
    PipelineFacts,
    render_pipeline,
    render_pipeline_id,
    render_project,
    render_start_form,
)

PIPELINE = Pipeline(
    id=PipelineId("p-7d0c3b2a19e84f5d8c6b7a9e0f1d2c3b"),
    project=ProjectId("demo"),
    name="demo",
    created_by=ALICE,
    created_at=at(0),
    updated_by=BOB,
    updated_at=at(1),
    version=7,
)


def test_pipeline_id() -> None:
    """Creating answers with the id alone."""
    assert render_pipeline_id(PIPELINE) == {"id": "p-7d0c3b2a19e84f5d8c6b7a9e0f1d2c3b"}


def test_pipeline_that_never_ran() -> None:
    """Without a run all members of the latest run are left out."""
    index, _ = compiled()

    shown = render_pipeline(PIPELINE, PipelineFacts(now=at(9), spec=index.spec))

    assert (shown["pipelineName"], shown["taskCount"], shown["version"]) == ("demo", 6, 7)
    assert (shown["lock"], shown["canManualStartup"]) == (False, True)
    assert (shown["creator"], shown["updater"]) == ("alice", "bob")
    assert shown["createTime"] == 1_787_300_000_000
    assert not [key for key in shown if key.startswith("latestBuild")]


def test_pipeline_with_its_latest_run() -> None:
    """The latest run is shown with its status, and with its stages when it is at hand."""
    run, source = b1()
    facts = PipelineFacts(
        now=at(9),
        spec=run.index.spec,
        latest=run.head,
        view=AttemptView(run),
        source=source,
        run_count=42,
        running_count=1,
    )

    shown = render_pipeline(replace(PIPELINE, locked=True), facts)

    assert (shown["latestBuildStatus"], shown["latestBuildNum"]) == ("FAILED", 42)
    assert shown["latestBuildId"] == run.head.id
    assert (shown["buildCount"], shown["runningBuildCount"], shown["lock"]) == (42, 1, True)
    assert [stage["status"] for stage in shown["latestBuildStageStatus"]] == [
        "SUCCEED",
        "FAILED",
        "UNEXEC",
        "SUCCEED",
    ]
    assert shown["lastBuildMsg"] == "Openapi启动"


def form(*params: dict[str, Any], **trigger: Any) -> dict[str, Any]:
    """Render the start form of a model with these parameters and trigger members."""
    model = minimal_model()
    container = model["stages"][0]["containers"][0]
    container["params"] = list(params)
    container["elements"][0].update(trigger)
    last = head(
        parameters=(
            StartParameter(name="env", value="prod"),
            StartParameter(name="key", value="s3cret", sensitive=True),
        )
    )
    _, source = compiled(model)
    return render_start_form(source, last)


def test_start_form() -> None:
    """Values are those of the latest run, constants are fixed, secrets stay away."""
    shown = form(
        {"id": "env", "type": "STRING", "defaultValue": "test", "desc": "target"},
        {"id": "key", "type": "PASSWORD", "defaultValue": "hunter2"},
        {"id": "fixed", "type": "STRING", "constant": True, "defaultValue": 5},
        {"id": "new", "type": "LONG", "defaultValue": 7},
        canElementSkip=True,
    )

    env, key, fixed, new = shown["properties"]
    assert (env["value"], env["defaultValue"], env["desc"]) == ("prod", "test", "target")
    assert (key["value"], key["defaultValue"]) == ("", "")
    assert (fixed["value"], fixed["readOnly"]) == ("5", True)
    assert new["value"] == "7"
    assert (shown["canManualStartup"], shown["canElementSkip"]) == (True, True)
    assert shown["useLatestParameters"] is False
    assert "buildNo" not in shown


def test_start_form_without_manual_trigger() -> None:
    """A disabled manual trigger lets nobody start by hand."""
    shown = form(additionalOptions={"enable": False}, useLatestParameters=True)

    assert (shown["canManualStartup"], shown["useLatestParameters"]) == (False, False)


def test_project() -> None:
    """A project is shown under its id, with what was given at its creation."""
    project = Project(
        id=ProjectId("demo"),
        name="Demo",
        created_by=ALICE,
        created_at=at(0),
        number=3,
        extra={"bgId": 7, "projectName": "older", "productId": None},
    )

    shown = render_project(project)

    assert (shown["id"], shown["projectCode"], shown["projectName"]) == (3, "demo", "Demo")
    assert (shown["bgId"], shown["enabled"]) == (7, True)
    assert "productId" not in shown
