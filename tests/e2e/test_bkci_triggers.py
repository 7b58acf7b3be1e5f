"""Triggers of a real server: signed deliveries, a remote start, a timer – across `kill -9`."""

import http.client
import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import hook_payloads as h
from message_servers import Received, web_server
from mulligan.testing import models
from mulligan.testing.bkci import BkciClient
from mulligan.testing.server import ServerProcess, poll_until

Json = dict[str, Any]
REPORT = 'echo "sha=$GIT_CI_SHA branch=$BK_REPO_GIT_WEBHOOK_BRANCH who=$WHO"'


def call(
    url: str, body: object = None, headers: dict[str, str] | None = None, method: str = "POST"
) -> tuple[int, Json]:
    """Send a request; return status and answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, None if method == "GET" else data, given, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def model(*triggers: Json) -> Json:
    """Give a pipeline of one step with these triggers."""
    made = models.one_job("build", [models.step("report", REPORT)])
    container = made["stages"][0]["containers"][0]
    container["params"] = [models.parameter("WHO", "nobody")]
    container["elements"].extend({"name": "trigger", **each} for each in triggers)
    return made


def test_triggers_across_a_kill(own_server: ServerProcess) -> None:
    """What was delivered is known after a kill; the remote trigger and the timer go on, too."""
    server = own_server
    git = {"@type": "codeGitWebHookTrigger", "eventType": "PUSH", "repositoryName": "shop/api"}
    timer = {"@type": "timerTrigger", "advanceExpression": ["0 0 * * *"]}
    with BkciClient(server.url) as client:
        client.project_create("shop")
        pipeline = client.pipeline_create("shop", model({"@type": "remoteTrigger"}, timer, git))
    own = f"{server.url}/api/v1/projects/shop"
    _, hook = call(f"{own}/pipelines/{pipeline}/hooks", {"kind": "github", "secret": h.SECRET})
    headers, body = h.github(h.push())
    bad, _ = h.github(h.push(), secret="wrong")
    _, token = call(f"{own}/pipelines/{pipeline}/remote-token", {})

    refused, _ = call(hook["url"], body, bad)
    status, taken = call(hook["url"], body, headers)
    assert (refused, status) == (401, 202)

    server.restart()
    own = f"{server.url}/api/v1/projects/shop"
    path = hook["url"].partition("/api/v1")[2]
    status, again = call(f"{server.url}/api/v1{path}", body, headers)
    assert (status, again["run"]) == (200, taken["run"])
    _, listed = call(f"{own}/hooks/{hook['id']}/deliveries", method="GET")
    assert [each["state"] for each in listed["items"]] == ["done", "refused"]

    remote = f"{server.url}/ms/process/api/external/pipelines/{token['token']}/build"
    status, started = call(remote, {"WHO": "ann"})
    assert (status, started["status"]) == (200, 0)
    unknown, _ = call(remote.replace(token["token"], "0" * 48), {})
    assert unknown == 404
    with BkciClient(server.url) as client:
        now = datetime.now(UTC)
        midnight = now.replace(hour=0, minute=0, second=0) + timedelta(days=1)
        client.advance_clock(int((midnight - now).total_seconds()) + 2)

        def kinds() -> list[str] | None:
            _, found = call(f"{own}/runs", method="GET")
            is_over = all(run["status"] == "succeeded" for run in found["items"])
            named = [run["start_kind"] for run in found["items"]]
            return named if is_over and len(named) == 3 else None

        assert poll_until(kinds, what="three green runs") == ["timer", "remote", "webhook"]
        assert log_of(own, taken["run"]) == f"sha={h.NEW} branch=main who=nobody"
        assert log_of(own, started["data"]["id"]).endswith("who=ann")
        shown = client.status("shop", taken["run"])
        assert shown["startType"] == "codeGitWebHookTrigger"
        assert shown["webhookInfo"]["webhookCommitId"] == h.NEW
        names = ("ci.sha", "ci.event", "matchBranch", "BK_CI_START_TYPE")
        found = client.variables("shop", taken["run"], *names)
        assert found == dict(zip(names, (h.NEW, "push", "main", "WEB_HOOK"), strict=True))
        again = client.data("POST", "shop", "build_restart", query={"buildId": taken["run"]})
        assert client.variables("shop", again, *names) == found
        model_shown = client.pipeline_get("shop", pipeline)
        elements = model_shown["stages"][0]["containers"][0]["elements"]
        assert elements[1]["remoteToken"] == token["token"]
        tail = "webhook/pipeline_webhook_list"
        [webhook] = client.data("GET", "shop", tail, query={"pipelineId": pipeline})
        assert (webhook["repoName"], webhook["eventType"]) == ("shop/api", "PUSH")


def test_the_host_is_told_how_it_went(server: ServerProcess) -> None:
    """A Gitea server gets the status of the commit at the start and at the end of the run."""
    with BkciClient(server.url) as client, web_server() as host:
        client.project_create("told")
        pipeline = client.pipeline_create("told", model())
        own = f"{server.url}/api/v1/projects/told"
        call(f"{own}/secrets/bot", {"value": "t0ken"}, method="PUT")
        body = {"kind": "gitea", "secret": h.SECRET, "credential": "bot", "api": host.url}
        _, hook = call(f"{own}/pipelines/{pipeline}/hooks", body)
        headers, content = h.gitea(h.push())

        _, taken = call(hook["url"], content, headers)
        client.wait_finished("told", taken["run"])

        def told_all() -> list[Received] | None:
            found = host.received
            return found if found and b"success" in found[-1].body else None

        told = poll_until(
            told_all,
            what="the host hears of the end",
        )

    assert {each.path for each in told} == {f"/repos/shop/api/statuses/{h.NEW}"}
    assert {each.headers["authorization"] for each in told} == {"token t0ken"}
    assert json.loads(told[-1].body)["context"] == "mulligan/build"


def test_a_trigger_that_asks_first(server: ServerProcess) -> None:
    """TRIGGER_REVIEWING until a reviewer answers; a refusal is a failure that a retry passes by."""
    trigger = {"@type": "codeGithubWebHookTrigger", "eventType": "PUSH", "reviewers": ["bob", "al"]}
    with BkciClient(server.url) as client:
        client.project_create("asks")
        pipeline = client.pipeline_create("asks", model(trigger))
        own = f"{server.url}/api/v1/projects/asks"
        _, hook = call(f"{own}/pipelines/{pipeline}/hooks", {"kind": "github", "secret": h.SECRET})
        taken = []
        for key in ("d-1", "d-2", "d-3"):
            headers, body = h.github(h.push(), key=key)
            taken.append(call(hook["url"], body, headers)[1]["run"])
        passed, refused, stopped = taken

        detail = client.detail("asks", passed).data
        assert client.status("asks", passed)["status"] == "TRIGGER_REVIEWING"
        assert (detail["status"], detail["triggerReviewers"]) == (
            "TRIGGER_REVIEWING",
            ["bob", "al"],
        )
        with client.acting_as("eve") as eve, client.acting_as("bob") as bob:
            assert eve.review("asks", passed, "stage-1")[0] == 403
            assert bob.review("asks", passed, "stage-1")[1]["data"] is True
            assert bob.review("asks", refused, "stage-1", cancel=True)[1]["data"] is True
        client.stop("asks", stopped)

        assert client.wait_finished("asks", passed).status == "SUCCEED"
        assert client.wait_finished("asks", stopped).status == "CANCELED"
        detail = client.detail("asks", refused).data
        [error] = detail["errorInfoList"]
        assert (detail["status"], detail["cancelUserId"]) == ("FAILED", "bob")
        assert (error["errorCode"], error["errorMsg"]) == (2101169, "触发审核未通过")
        client.retry("asks", buildId=refused)
        assert client.wait_finished("asks", refused).status == "SUCCEED"


@pytest.mark.parametrize("point", ["delivery.stored", "start.after_commit"])
def test_a_kill_in_the_middle_of_a_delivery(tmp_path: Path, point: str) -> None:
    """Before the start or after it: the run is there once, and the host's next try is told it."""
    dying = ServerProcess(tmp_path / "data", environment={"MULLIGAN_FAILPOINT": point})
    with dying, BkciClient(dying.url) as client:
        client.project_create("shop")
        pipeline = client.pipeline_create("shop", model())
        path = f"/api/v1/projects/shop/pipelines/{pipeline}/hooks"
        _, hook = call(dying.url + path, {"kind": "github", "secret": h.SECRET})
        headers, body = h.github(h.push())
        with pytest.raises((OSError, http.client.HTTPException)):
            call(hook["url"], body, headers)

    with ServerProcess(tmp_path / "data") as server:

        def only() -> Json | None:
            _, found = call(f"{server.url}/api/v1/projects/shop/runs", method="GET")
            return found["items"][0] if len(found["items"]) == 1 else None

        run = poll_until(only, what="the one run")
        address = server.url + "/api/v1" + hook["url"].partition("/api/v1")[2]
        status, again = call(address, body, headers)
        assert (status, again["run"]) == (200, run["id"])
        assert only() is not None


def log_of(own: str, run: str) -> str:
    """Return the line that the step of a run prints."""
    _, steps = call(f"{own}/runs/{run}/steps", method="GET")
    step = steps["items"][0]["id"]
    request = urllib.request.Request(f"{own}/runs/{run}/steps/{step}/log")
    with urllib.request.urlopen(request, timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    return str(next(line for line in lines if line.startswith("sha=")))
