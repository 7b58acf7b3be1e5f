"""`PipelineSetting`: what comes out of defaults, ranges, and members that are only kept."""

from typing import Any

import pytest

from bkci.scenes import ALICE, BOB, at
from mulligan.core.errors import InvalidError
from mulligan.core.ids import PipelineId, ProjectId
from mulligan.core.records import Pipeline, PipelineSettings
from mulligan.core.spec import Dialect
from mulligan.facades.bkci.settings_io import NEW_PIPELINE, read_setting, render_setting

CONSTRAINED = {"enable": False, "inheritedDialect": False, "pipelineDialect": "CONSTRAINED"}


def pipeline(settings: PipelineSettings = NEW_PIPELINE) -> Pipeline:
    """Return a pipeline with these settings."""
    return Pipeline(
        id=PipelineId("p-1"),
        project=ProjectId("demo"),
        name="demo",
        created_by=ALICE,
        created_at=at(0),
        updated_by=BOB,
        updated_at=at(1),
        description="d",
        version=3,
        settings=settings,
    )


def test_defaults_of_a_new_pipeline() -> None:
    """A new pipeline has the published defaults."""
    setting = render_setting(pipeline())

    expected = {
        "projectId": "demo",
        "pipelineId": "p-1",
        "pipelineName": "demo",
        "desc": "d",
        "version": 3,
        "labels": [],
        "runLockType": "MULTIPLE",
        "waitQueueTimeMinute": 10,
        "maxQueueSize": 10,
        "maxConRunningQueueSize": 50,
        "concurrencyGroup": "${{ci.pipeline_id}}",
        "concurrencyCancelInProgress": False,
        "failIfVariableInvalid": False,
        "buildCancelPolicy": "RESTRICTED",
        "cleanVariablesWhenRetry": False,
        "maxPipelineResNum": 50,
        "pipelineAsCodeSettings": {
            "enable": False,
            "inheritedDialect": True,
            "pipelineDialect": "CLASSIC",
        },
        "creator": "alice",
        "updater": "bob",
        "createdTime": 1_787_300_000_000,
        "updateTime": 1_787_300_001_000,
    }
    assert {key: setting.get(key) for key in expected} == expected


def test_saving_what_was_read_changes_nothing() -> None:
    """GET, then PUT of the same body, leaves the settings as they are."""
    settings = PipelineSettings(
        run_lock="SINGLE", max_queue_size=0, dialect=Dialect.CONSTRAINED, kept_versions=7
    )
    body = render_setting(pipeline(settings))

    change = read_setting(body, settings)

    assert render_setting(pipeline(change.settings)) == body
    assert (change.name, change.description) == ("demo", "d")


def test_absent_members_stay() -> None:
    """A body with one member changes only that."""
    before = PipelineSettings(run_lock="SINGLE", wait_queue_minutes=5, extra={"labels": ["a"]})

    change = read_setting({"cleanVariablesWhenRetry": True}, before)

    assert change.settings.clean_variables_on_retry
    assert change.settings.run_lock == "SINGLE"
    assert change.settings.wait_queue_minutes == 5
    assert change.settings.extra == {"labels": ["a"]}
    assert (change.name, change.description) == (None, None)


def test_all_members_are_read() -> None:
    """Every member that the engine obeys has its field."""
    change = read_setting(
        {
            "pipelineName": " renamed ",
            "desc": "",
            "runLockType": "GROUP_LOCK",
            "waitQueueTimeMinute": 1440,
            "maxQueueSize": 200,
            "maxConRunningQueueSize": 200,
            "concurrencyGroup": "g",
            "concurrencyCancelInProgress": True,
            "failIfVariableInvalid": "true",
            "buildCancelPolicy": "EXECUTE_PERMISSION",
            "maxPipelineResNum": 5,
            "pipelineAsCodeSettings": CONSTRAINED,
            "buildNumRule": "${{YEAR}}",
        }
    )

    settings = change.settings
    assert settings == PipelineSettings(
        run_lock="GROUP_LOCK",
        wait_queue_minutes=1440,
        max_queue_size=200,
        max_running=200,
        concurrency_group="g",
        concurrency_cancel=True,
        fail_on_long_values=True,
        cancel_policy="EXECUTE_PERMISSION",
        kept_versions=5,
        dialect=Dialect.CONSTRAINED,
        alias_rule="${{YEAR}}",
        extra={"pipelineAsCodeSettings": CONSTRAINED},
    )
    assert (change.name, change.description) == ("renamed", "")


def test_unknown_members_come_back() -> None:
    """What this server does not obey is kept and shown."""
    change = read_setting({"successSubscriptionList": [{"types": ["EMAIL"]}], "envName": None})

    shown = render_setting(pipeline(change.settings))

    assert shown["successSubscriptionList"] == [{"types": ["EMAIL"]}]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"waitQueueTimeMinute": 0}, "out-of-range"),
        ({"waitQueueTimeMinute": 1441}, "out-of-range"),
        ({"maxQueueSize": -1}, "out-of-range"),
        ({"maxQueueSize": 201}, "out-of-range"),
        ({"maxConRunningQueueSize": 0}, "out-of-range"),
        ({"maxConRunningQueueSize": 201}, "out-of-range"),
        ({"runLockType": "NONE"}, "bad-value"),
        ({"buildCancelPolicy": "ANYBODY"}, "bad-value"),
        ({"pipelineName": "n" * 256}, "text-too-long"),
        ({"desc": "d" * 256}, "text-too-long"),
        ({"pipelineAsCodeSettings": []}, "bad-type"),
        ({"pipelineAsCodeSettings": {**CONSTRAINED, "pipelineDialect": "X"}}, "bad-value"),
        ([], "bad-type"),
    ],
)
def test_values_out_of_range(body: object, code: str) -> None:
    """Each range and word is checked."""
    with pytest.raises(InvalidError) as caught:
        read_setting(body)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("given", "of_project", "expected"),
    [
        (CONSTRAINED, None, Dialect.CONSTRAINED),
        ({"inheritedDialect": False}, Dialect.CONSTRAINED, Dialect.CLASSIC),
        ({"inheritedDialect": True, "pipelineDialect": "CONSTRAINED"}, None, Dialect.CLASSIC),
        ({}, Dialect.CONSTRAINED, Dialect.CONSTRAINED),
    ],
)
def test_dialect(given: dict[str, Any], of_project: Dialect | None, expected: Dialect) -> None:
    """The pipeline's own dialect counts only when it does not inherit the project's."""
    change = read_setting({"pipelineAsCodeSettings": given}, project_dialect=of_project)

    assert change.settings.dialect is expected
