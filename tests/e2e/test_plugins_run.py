"""Plugins on a real server, as clients of the BK-CI API see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from e2e.plugin_pipelines import Puppet, install, plugin_task, run

if TYPE_CHECKING:
    from pathlib import Path

    from mulligan.testing.bkci import BkciClient
    from mulligan.testing.models import Workbench
    from mulligan.testing.server import ServerProcess

USER, THIRD_PARTY, PLUGIN = 1, 2, 3
MASK = "******"
BY_HAND = {"continueWhenFailed": True, "manualSkip": True}


@pytest.fixture(scope="module", autouse=True)
def _installed(server: ServerProcess) -> None:
    """Install the plugins of this module."""
    install(server, "obey")
    install(server, "tidy", post={"postEntryParam": "True", "postCondition": "always()"})


def test_errors_of_plugins(client: BkciClient, bench: Workbench, tmp_path: Path) -> None:
    """Each failed task shows the plugin's own type, code and message; the rest went on."""
    answers: dict[str, dict[str, Any]] = {
        "user": {"errorType": USER, "errorCode": 100_001, "message": "no branch"},
        "other": {"errorType": THIRD_PARTY, "errorCode": 100_002, "message": "no answer"},
        "plugin": {"message": "a bug"},
    }
    tasks = []
    for name, answer in answers.items():
        puppet = Puppet(tmp_path)
        puppet.answers("failure", **answer)
        options = {"continueWhenFailed": True}
        tasks.append(plugin_task(name, "obey", puppet, options=options))
    gone = plugin_task("gone", "gone", options={"continueWhenFailed": True})

    build = run(client, bench, *tasks, gone)

    status = build.status()
    assert status["status"] == "SUCCEED"
    errors = {
        each["taskName"]: (each["errorType"], each["errorCode"], each["errorMsg"])
        for each in status["errorInfoList"]
    }
    assert errors == {
        "user": (USER, 100_001, "no branch"),
        "other": (THIRD_PARTY, 100_002, "no answer"),
        "plugin": (PLUGIN, 2199001, "a bug"),
        "gone": (PLUGIN, 2189503, "the plugin gone is not installed on this server"),
    }
    shown = build.detail().task("other")
    assert (shown["errorType"], shown["errorCode"]) == (THIRD_PARTY, 100_002)


def test_retry_and_skip(client: BkciClient, bench: Workbench, tmp_path: Path) -> None:
    """A failed plugin runs again in place; one that may be skipped is; outputs are the newest."""
    first, second = Puppet(tmp_path), Puppet(tmp_path)
    first.answers("failure", data={"count": {"value": "old"}})
    second.answers("failure")
    build = run(
        client,
        bench,
        plugin_task("first", "obey", first),
        plugin_task("second", "obey", second, options=BY_HAND),
    )
    assert build.status()["status"] == "FAILED"

    first.answers(data={"count": {"value": "new"}})
    assert build.repair("first").status == "FAILED"
    view = build.repair("second", skip=True)

    assert view.statuses("first", "second") == ["SUCCEED", "SKIP"]
    assert (len(first.calls), len(second.calls)) == (2, 1)
    assert build.status()["variables"]["jobs.build.steps.first.outputs.count"] == "new"


def test_post_actions(client: BkciClient, bench: Workbench, tmp_path: Path) -> None:
    """They run at the end of the job, also after a failure, in reverse order of their plugins."""
    one, two, three = Puppet(tmp_path), Puppet(tmp_path), Puppet(tmp_path)
    three.answers("failure")

    build = run(
        client,
        bench,
        plugin_task("one", "tidy", one),
        plugin_task("two", "tidy", two),
        plugin_task("three", "obey", three),
    )

    assert build.status()["status"] == "FAILED"
    assert one.calls == two.calls == ["", "--postAction=True"]
    elements = build.detail().job("1")["elements"]
    names = [element["name"] for element in elements]
    assert names == ["one", "two", "three", "POST\uff1atwo", "POST\uff1aone"]
    assert [element["status"] for element in elements[3:]] == ["SUCCEED", "SUCCEED"]
    post = elements[3]["additionalOptions"]["elementPostInfo"]
    assert post["parentElementId"] == elements[1]["id"]


def test_secrets_stay_secret(client: BkciClient, bench: Workbench, tmp_path: Path) -> None:
    """A sensitive output is masked in answers and in the logs of later steps."""
    first, second = Puppet(tmp_path), Puppet(tmp_path)
    first.answers(data={"token": {"value": "t0p-s3cret", "isSensitive": True}})
    second.answers("failure", message="refused t0p-s3cret and hunter2")
    build = run(
        client,
        bench,
        plugin_task("first", "obey", first),
        plugin_task("second", "obey", second, input={"pw": "hunter2"}),
    )

    status = build.status()
    logs = client.logs(build.scenario.project, "after_line", build.id, start=1)

    assert status["variables"]["token"] == MASK
    (error,) = status["errorInfoList"]
    assert error["errorMsg"] == f"refused {MASK} and {MASK}"
    text = str((status, logs))
    assert "t0p-s3cret" not in text
    assert "hunter2" not in text
