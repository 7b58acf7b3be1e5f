"""The published call `build_retry` as its document writes it, and what surrounds it."""

from __future__ import annotations

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from e2e.scenario import (
    BAD_REQUEST,
    NOT_FOUND,
    OK,
    Build,
    Reply,
    Scenario,
    assert_refused,
    assert_retried,
    new_project,
)
from mulligan.testing.bkci import BkciClient
from mulligan.testing.models import retry_model
from mulligan.testing.server import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mulligan.testing.http_client import QueryValue
    from mulligan.testing.models import Workbench

FORMS = ["/{}/v4", "/api/{}/v4", "/v4/{}", "/prod/v4/{}"]
TYPES = ["apigw", "apigw-user", "apigw-app"]
PREFIXES = [form.format(kind) for form in FORMS for kind in TYPES]
# What a retry of one task may find while the winner's attempt is queued or runs.
BUSY_CODES = {2100002, 2101110, 2101114, 2101129, 2101273, 2101277}
UNAUTHORIZED, FORBIDDEN, UNSUPPORTED_MEDIA = 401, 403, 415


@pytest.fixture
def demo(client: BkciClient, bench: Workbench) -> Scenario:
    """Give the shared pipeline in a project of its own."""
    return Scenario(client, bench, retry_model(bench))


@pytest.fixture
def failed(demo: Scenario) -> Build:
    """Give a build that failed at e12, with the cause repaired since."""
    build = demo.run_broken("e12")
    demo.bench.repair("e12")
    return build


def seed_call(
    demo: Scenario, build: Build, prefix: str, *, task: str, skip: str = "false", failed: str
) -> dict[str, Any]:
    """Send the document's `curl` line with every parameter filled in and return the body."""
    address = f"{demo.client.http.url}{prefix}/projects/{demo.project}/build_retry"
    query = (
        f"buildId={build.id}&buildNumber={build.num}&failedContainer={failed}"
        f"&pipelineId={demo.pipeline}&skip={skip}&taskId={task}"
    )
    if shutil.which("curl") is None:
        with BkciClient(demo.client.http.url, "用户名") as client:
            path = address.removeprefix(client.http.url)
            return client.http.request("POST", f"{path}?{query}").body
    done = subprocess.run(
        [
            *("curl", "-X", "POST", f"{address}?{query}"),
            *("-H", "Content-Type: application/json"),
            *("-H", "X-DEVOPS-UID: 用户名"),
        ],
        capture_output=True,
        check=True,
        timeout=30,
    )
    return dict(json.loads(done.stdout))


def assert_seed_answer(body: dict[str, Any], demo: Scenario, build: Build) -> None:
    """Assert that the answer is the document's, field by field, for attempt 2."""
    assert set(body) <= {"data", "message", "status"}
    assert not body.get("message")
    assert body["status"] == 0
    assert body["data"] == {
        "executeCount": 2,
        "id": build.id,
        "num": build.num,
        "pipelineId": demo.pipeline,
        "projectId": demo.project,
    }


@pytest.mark.parametrize("prefix", PREFIXES)
def test_seed_call_under_every_prefix(demo: Scenario, failed: Build, prefix: str) -> None:
    """The document's call works under every published form of the path, and the task runs."""
    task = demo.ids["e12"]

    body = seed_call(demo, failed, prefix, task=task, failed="false")

    assert_seed_answer(body, demo, failed)
    assert failed.wait().status == "SUCCEED"
    assert demo.bench.counts("e11", "e12", "e13") == [1, 2, 1]
    assert failed.detail().data["startUserList"] == ["alice", "用户名"]


def test_seed_call_with_skip(demo: Scenario, failed: Build) -> None:
    """The document's call with `skip=true` skips the failed task and runs the next one."""
    task = demo.ids["e12"]

    body = seed_call(demo, failed, PREFIXES[0], task=task, skip="true", failed="false")

    assert_seed_answer(body, demo, failed)
    view = failed.wait()
    assert (view.status, view.statuses("e12")) == ("SUCCEED", ["SKIP"])
    assert demo.bench.counts("e11", "e12", "e13") == [1, 1, 1]


def test_seed_call_for_the_failed_jobs_of_a_stage(demo: Scenario, failed: Build) -> None:
    """The document's call with a stage and `failedContainer=true` runs its failed jobs only."""
    body = seed_call(demo, failed, PREFIXES[0], task="stage-2", failed="true")

    assert_seed_answer(body, demo, failed)
    assert failed.wait().status == "SUCCEED"
    assert demo.bench.counts("e11", "e12", "e13", "e21") == [2, 2, 1, 1]


def test_seed_call_with_a_step_id(demo: Scenario, failed: Build) -> None:
    """The document's call takes the user's own step id as `taskId`."""
    body = seed_call(demo, failed, PREFIXES[0], task="test", failed="false")

    assert_seed_answer(body, demo, failed)
    assert failed.wait().status == "SUCCEED"
    assert demo.bench.counts("e11", "e12") == [1, 2]


def test_build_number_alone_names_the_build(demo: Scenario, failed: Build) -> None:
    """Pipeline and build number, without a build id, name the build."""
    task = demo.ids["e12"]

    _, body = demo.client.retry(
        demo.project, pipelineId=demo.pipeline, buildNumber=failed.num, taskId=task
    )

    assert_seed_answer(body, demo, failed)
    assert failed.wait().status == "SUCCEED"


@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_task_is_no_task(demo: Scenario, failed: Build, blank: str) -> None:
    """A blank `taskId` asks for the whole rebuild."""
    view = failed.repair(blank)

    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert demo.bench.counts("e11", "e12", "e21") == [2, 2, 2]


@pytest.mark.parametrize(
    "wrong",
    [{"buildNumber": "abc"}, {"skip": "maybe"}, {"failedContainer": "7"}],
    ids=["buildNumber", "skip", "failedContainer"],
)
def test_wrong_type_is_refused_in_the_wrapper(
    demo: Scenario, failed: Build, wrong: dict[str, QueryValue]
) -> None:
    """A parameter of the wrong type is HTTP 400 in the dialect's shape and changes nothing."""
    before = demo.bench.journal()

    http, body = failed.retry("e12", user=None, **wrong)

    assert http == BAD_REQUEST
    assert_refused((http, body), BAD_REQUEST, body["status"])
    assert body["status"] != 0
    assert failed.detail().execute_count == 1
    assert demo.bench.journal() == before


def test_unknown_project(demo: Scenario, failed: Build) -> None:
    """A project that does not exist is 404 and named, and is not made."""
    client = demo.client

    replies = [client.retry("nowhere", buildId=failed.id) for _ in range(2)]

    for reply in replies:
        assert_refused(reply, NOT_FOUND, NOT_FOUND, "nowhere")


def test_retry_through_another_project_is_refused(demo: Scenario, failed: Build) -> None:
    """A build is not found below the path of another project, and stays as it is."""
    other = new_project(demo.client)

    http, body = demo.client.retry(other, buildId=failed.id)

    assert http == NOT_FOUND
    assert body["status"] != 0
    assert failed.detail().execute_count == 1
    assert demo.bench.ran("e11") == 1


def test_unknown_build(demo: Scenario) -> None:
    """An unknown build is 400 for `build_retry` and 404 for every other call."""
    unknown = "b-" + "0" * 32

    reply = demo.client.retry(demo.project, buildId=unknown)
    status = demo.client.call("GET", demo.project, "build_status", query={"buildId": unknown})

    assert_refused(reply, BAD_REQUEST, BAD_REQUEST, "PipelineId is invalid")
    assert_refused(status.pair, NOT_FOUND, 2101163)


@pytest.mark.parametrize(
    ("language", "message"),
    [
        (None, "stage非失败状态，不能进行重试"),
        ("zh-CN", "stage非失败状态，不能进行重试"),
        ("en", "stage is not in a failed state and cannot be retried"),
    ],
)
def test_messages_follow_the_language(
    demo: Scenario, failed: Build, language: str | None, message: str
) -> None:
    """A refusal is worded in Chinese unless the caller asks for English."""
    headers = {"Accept-Language": language} if language else {}

    reply = demo.client.retry(demo.project, headers=headers, buildId=failed.id, taskId="stage-1")

    assert_refused(reply, BAD_REQUEST, 2101114, message)


def test_content_type_matters_for_a_body_only(demo: Scenario, failed: Build) -> None:
    """A call without a body needs no `Content-Type`; a body of another type is 415."""
    path = f"{demo.client.prefix}/projects/{demo.project}/build_retry"
    query = {"buildId": failed.id, "taskId": demo.ids["e12"]}
    http = demo.client.http

    other = http.request(
        "POST", path, query={**query}, body={}, headers={"Content-Type": "text/plain"}
    )
    before = failed.detail().execute_count
    bare = http.request("POST", path, query={**query}, headers={"Content-Type": ""})

    assert other.http == UNSUPPORTED_MEDIA
    assert before == 1
    assert_retried(bare.pair, 2)
    assert failed.wait().status == "SUCCEED"


def test_idempotency_key_replays_the_first_answer(demo: Scenario, failed: Build) -> None:
    """The same key with the same call gets the first answer; with another call it is refused."""
    key = {"Idempotency-Key": f"key-{failed.id}"}
    query = {"buildId": failed.id, "taskId": demo.ids["e12"]}
    client = demo.client

    first = client.call("POST", demo.project, "build_retry", query={**query}, headers=key)
    failed.wait()
    again = client.call("POST", demo.project, "build_retry", query={**query}, headers=key)
    other = client.call(
        "POST", demo.project, "build_retry", query={"buildId": failed.id}, headers=key
    )

    assert_retried(first.pair, 2)
    assert "idempotency-replayed" not in first.headers
    assert (again.http, again.body) == (first.http, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert other.http == BAD_REQUEST
    assert other.body["status"] != 0
    assert failed.detail().execute_count == 2
    assert demo.bench.counts("e11", "e12") == [1, 2]


def test_idempotency_key_is_kept_over_a_restart(
    own_server: ServerProcess, bench: Workbench
) -> None:
    """A key is remembered by a server that was killed and started again."""
    with BkciClient(own_server.url) as client:
        scenario = Scenario(client, bench, retry_model(bench))
        build = scenario.run_broken("e12")
        query = {"buildId": build.id, "taskId": scenario.ids["e12"]}
        key = {"Idempotency-Key": "over-a-restart"}
        first = client.call("POST", scenario.project, "build_retry", query={**query}, headers=key)
        build.wait()

    own_server.restart()
    with BkciClient(own_server.url) as client:
        again = client.call("POST", scenario.project, "build_retry", query={**query}, headers=key)
        view = client.detail(scenario.project, build.id)

    assert (again.http, again.body) == (first.http, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    assert view.execute_count == 2
    assert bench.ran("e12") == 2


def _retry_once(demo: Scenario, build: Build, barrier: Barrier) -> Reply:
    with BkciClient(demo.client.http.url) as client:
        client.status(demo.project, build.id)
        barrier.wait()
        return client.retry(demo.project, buildId=build.id, taskId=demo.ids["e12"])


def test_ten_identical_retries_make_one_attempt(demo: Scenario, failed: Build) -> None:
    """Of ten identical retries at once exactly one makes an attempt, and the task runs once."""
    demo.bench.hold("e12")
    barrier = Barrier(10)

    with ThreadPoolExecutor(10) as pool:
        calls = [pool.submit(_retry_once, demo, failed, barrier) for _ in range(10)]
        replies = [call.result() for call in calls]
    failed.wait_ran("e12", 2)
    demo.bench.release("e12")
    view = failed.wait()

    accepted = [reply for reply in replies if reply[0] == OK]
    assert accepted
    for reply in accepted:
        assert_retried(reply, 2)
    for http, body in replies:
        assert http == OK or (http == BAD_REQUEST and body["status"] in BUSY_CODES), body
    assert (view.status, view.execute_count) == ("SUCCEED", 2)
    assert demo.bench.counts("e11", "e12", "e13") == [1, 2, 1]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Run a server that asks for credentials."""
    data = tmp_path_factory.mktemp("guarded") / "data"
    with ServerProcess(data, dev=False) as process:
        yield process


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def test_without_a_credential_nothing_is_answered(guarded: ServerProcess, bench: Workbench) -> None:
    """A user name alone authenticates nobody; the token of the data directory does."""
    admin = bearer(guarded.admin_token())
    with BkciClient(guarded.url, headers=admin) as client:
        scenario = Scenario(client, bench, retry_model(bench))
        build = scenario.run_broken("e12")
        with BkciClient(guarded.url) as stranger:
            refused = stranger.retry(scenario.project, buildId=build.id)
            unknown = stranger.retry("nowhere", buildId=build.id)
        wrong = BkciClient(guarded.url, headers=bearer("wrong"))
        bad = wrong.retry(scenario.project, buildId=build.id)
        wrong.close()
        before = build.detail().execute_count
        bench.repair("e12")

        view = build.repair("e12")

    assert_refused(refused, UNAUTHORIZED, UNAUTHORIZED)
    assert_refused(unknown, UNAUTHORIZED, UNAUTHORIZED)
    assert_refused(bad, UNAUTHORIZED, UNAUTHORIZED)
    assert before == 1
    assert (view.status, view.execute_count) == ("SUCCEED", 2)


def test_access_token_of_the_gateway_header(guarded: ServerProcess) -> None:
    """`X-Bkapi-Authorization` with an access token is a credential of its owner."""
    good = {"X-Bkapi-Authorization": json.dumps({"access_token": guarded.admin_token()})}
    bad = {"X-Bkapi-Authorization": json.dumps({"access_token": "wrong"})}

    with BkciClient(guarded.url, headers=good) as client:
        project = new_project(client)
        listed = client.call("GET", project, "pipelines/pipeline_list")
        refused = client.call("GET", project, "pipelines/pipeline_list", headers=bad)

    assert listed.http == OK, str(listed)
    assert refused.http == UNAUTHORIZED


def test_wrong_token_is_refused_by_a_development_server(demo: Scenario, failed: Build) -> None:
    """A credential that is sent is checked, also where none is needed."""
    reply = demo.client.retry(demo.project, headers=bearer("wrong"), buildId=failed.id)

    assert_refused(reply, UNAUTHORIZED, UNAUTHORIZED)
    assert failed.detail().execute_count == 1


def test_roles_decide_who_may_retry(guarded: ServerProcess, bench: Workbench) -> None:
    """A viewer may not retry; the same user as runner may."""
    admin = BkciClient(guarded.url, headers=bearer(guarded.admin_token()))
    build = Scenario(admin, bench, retry_model(bench)).run_broken("e12")
    project = build.scenario.project
    own = admin.http.request
    own("POST", "/api/v1/users", body={"name": "carol"})
    member = f"/api/v1/projects/{project}/members/carol"
    viewer = own("PUT", member, body={"role": "viewer"})
    token = own("POST", "/api/v1/tokens", body={"name": "t", "user": "carol"}).body["token"]
    carol = BkciClient(guarded.url, "carol", headers=bearer(token))

    seen = carol.status(project, build.id)
    refused, body = carol.retry(project, buildId=build.id)
    runner = own("PUT", member, body={"role": "runner"})
    reply = carol.retry(project, buildId=build.id)
    build.wait()

    assert (viewer.http, runner.http) == (OK, OK)
    assert seen["status"] == "FAILED"
    assert refused == FORBIDDEN
    assert body["status"] != 0
    assert_retried(reply, 2)
    carol.close()
    admin.close()
