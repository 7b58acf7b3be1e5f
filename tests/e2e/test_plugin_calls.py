"""What a plugin may ask of the server while its step runs, and who is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e.plugin_pipelines import Json, Puppet, begin, install, plugin_task
from mulligan.testing.http_client import Answer, HttpClient
from mulligan.testing.server import poll_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.scenario import Build
    from mulligan.testing.bkci import BkciClient
    from mulligan.testing.models import Workbench
    from mulligan.testing.server import ServerProcess


class Sdk:
    """Calls as a plugin does, with what stands in its `.sdk.json`."""

    def __init__(self, keys: Json) -> None:
        self.keys = keys
        self.headers = {
            "X-DEVOPS-BUILD-TYPE": keys["buildType"],
            "X-DEVOPS-PROJECT-ID": keys["projectId"],
            "X-DEVOPS-BUILD-ID": keys["buildId"],
            "X-DEVOPS-VM-SID": keys["vmSeqId"],
            "X-DEVOPS-AGENT-ID": keys["agentId"],
            "X-DEVOPS-AGENT-SECRET-KEY": keys["secretKey"],
        }
        self.http = HttpClient(keys["gateway"])

    def send(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send a call; a body of bytes goes as it is."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        fields = {**self.headers, **changed}
        return self.http.send(method, path, None if body is None else content, fields)

    def data(self, method: str, path: str, body: object = None) -> Any:
        """Return the data of a call that must succeed."""
        answer = self.send(method, path, body)
        assert (answer.http, answer.body["status"]) == (200, 0), str(answer)
        return answer.body["data"]


class Held:
    """A build whose plugin waits, so that its keys are good."""

    def __init__(self, client: BkciClient, bench: Workbench, root: Path) -> None:
        self.puppet = Puppet(root)
        self.puppet.hold()
        task = plugin_task("held", "obey", self.puppet, input={"words": "x"})
        self.build: Build = begin(client, bench, task)
        self.client = client
        self.sdk = Sdk(poll_until(lambda: self.puppet.sdk, what="the plugin has its keys"))

    @property
    def head(self) -> Json:
        """Return build, project, pipeline and task of the step."""
        scenario = self.build.scenario
        return {
            "project": scenario.project,
            "pipeline": scenario.pipeline,
            "build": self.build.id,
            "task": self.sdk.keys["taskId"],
        }

    def end(self) -> None:
        """Let the plugin end."""
        self.puppet.release()
        self.build.wait()


@pytest.fixture(scope="module", autouse=True)
def _installed(server: ServerProcess) -> None:
    install(server, "obey")


@pytest.fixture
def held(client: BkciClient, bench: Workbench, tmp_path: Path) -> Iterator[Held]:
    """Give a build that waits."""
    found = Held(client, bench, tmp_path)
    yield found
    found.end()
    found.sdk.http.close()


def test_answers_about_the_build(held: Held) -> None:
    """Settings, variables and addresses come in every form of the path."""
    sdk, head = held.sdk, held.head

    for path in (
        "/ms/store/api/build/store/sensitiveConf/types/ATOM/codes/obey",
        "//ms/store/api/build/store/sensitiveConf/types/ATOM/codes/obey",
        "/store/api/build/store/sensitiveConf/types/ATOM/codes/obey",
    ):
        assert sdk.data("GET", path) == []
    values = sdk.data("GET", "/process/api/build/variable/getBuildVariable")
    assert values["BK_CI_BUILD_ID"] == values["pipeline.build.id"] == head["build"]
    context = "/process/api/build/variable/get_build_context?contextName="
    assert sdk.data("GET", f"{context}ci.build_id") == head["build"]
    assert sdk.data("GET", f"{context}no.such.name") is None
    gateway = sdk.data("GET", "/artifactory/api/build/fileGateway/get")
    assert gateway["fileDevnetGateway"] == sdk.keys["gateway"]


def test_credentials_and_repositories_of_the_project(held: Held) -> None:
    """A secret gives its fields, a repository its address; of the own project only."""
    sdk, project = held.sdk, held.head["project"]
    secret = {
        "credentialId": "login",
        "credentialType": "USERNAME_PASSWORD",
        "v1": "robot",
        "v2": "p4ssw0rd",
    }
    held.client.data("POST", project, "credentials/credential", body=secret)
    repository = {"@type": "codeGit", "aliasName": "shop", "url": "https://example.com/shop.git"}
    path = f"/api/apigw-user/v4/repositories/projects/{project}/repository"
    made = held.client.http.request("POST", path, body=repository)
    assert made.http == 200, str(made)

    detail = sdk.data("GET", "/ticket/api/build/credentials/login/detail")
    missing = sdk.send("GET", "/ticket/api/build/credentials/other/detail")
    named = "/repository/api/build/repositories/?repositoryId=shop&repositoryType=NAME"
    found = sdk.data("GET", named)

    assert detail == {"username": "robot", "password": "p4ssw0rd"}
    assert (missing.http, missing.body["status"]) == (404, 404)
    assert found["url"] == "https://example.com/shop.git"
    assert sdk.send("GET", named.replace("=shop", "=gone")).http == 404


def test_files_reports_and_records(held: Held) -> None:
    """Files come back as they were put; pages become a report; commits are found later."""
    sdk, head = held.sdk, held.head
    own = f"{head['pipeline']}/{head['build']}"
    generic = f"/bkrepo/api/build/generic/{head['project']}"
    reports = f"/process/api/build/reports/{head['task']}"
    commit = {"commit": "abc", "elementId": head["task"]}

    for path in (f"pipeline/{own}/dist/app.bin", "custom/tools/app.bin"):
        put = sdk.send("PUT", f"{generic}/{path}", b"\x00\x01bytes")
        assert (put.http, put.body["data"]["size"]) == (200, 7)
        assert sdk.send("GET", f"{generic}/{path}").content == b"\x00\x01bytes"
    assert sdk.send("GET", f"{generic}/custom/gone").http == 404
    sdk.send("PUT", f"{generic}/report/{own}/{head['task']}/index.html", b"<html>")
    assert sdk.data("POST", f"{reports}?indexFile=index.html&name=Tests&reportType=INTERNAL")
    url = "https%3A%2F%2Fexample.com"
    assert sdk.data("POST", f"{reports}?indexFile={url}&name=Web&reportType=THIRDPARTY")
    root = sdk.data("GET", f"{reports}/rootUrl")
    assert sdk.data("POST", "/repository/api/build/commit/addCommit", [commit]) == 0
    assert sdk.data("POST", "/process/api/build/repository/saveBuildMaterial", [{"a": 1}]) == 1
    tell = "/quality/api/build/metadata/saveHisMetadata?elementType"
    assert sdk.data("POST", f"{tell}=x", {"r": 1})
    assert sdk.data("POST", f"{tell}=y", {"r": 2})
    assert sdk.send("POST", f"{tell}=z", {"r": "NaN"}).http == 400
    assert sdk.data("POST", "/monitoring/api/build/atom/metrics/report/obey", {"t": 1})
    latest = "/repository/api/build/commit/getLatestCommit"
    asked = f"{latest}?pipelineId={head['pipeline']}&elementId={head['task']}"
    assert sdk.data("GET", asked) == [commit]

    held.end()
    http = held.client.http
    runs = f"/api/v1/projects/{head['project']}/runs/{head['build']}"
    listed = http.request("GET", f"{runs}/reports").body["items"]
    assert [(each["name"], each["index"], each["url"]) for each in listed] == [
        ("Tests", "index.html", None),
        ("Web", None, "https://example.com"),
    ]
    first = http.request("GET", f"{runs}/metrics?limit=1").body
    rest = http.request("GET", f"{runs}/metrics?limit=1&cursor={first['next_cursor']}").body
    assert [(each["name"], each["values"]) for each in (*first["items"], *rest["items"])] == [
        ("x", {"r": 1}),
        ("y", {"r": 2}),
    ]
    assert rest["next_cursor"] is None
    assert http.request("GET", f"{runs}/reports/{head['task']}/x/index.html").http == 404
    page = http.request("GET", f"{listed[0]['pages']}/index.html")
    assert root == f"{sdk.keys['gateway']}{listed[0]['pages']}"
    assert (page.content, page.headers["content-type"]) == (b"<html>", "text/html; charset=utf-8")
    assert "sandbox" in page.headers["content-security-policy"]
    found = held.client.data(
        "GET",
        head["project"],
        "artifactories/file_info",
        query={"pipelineId": head["pipeline"], "buildId": head["build"]},
    )
    assert [each["fullPath"] for each in found["records"]] == [f"/{own}/dist/app.bin"]


def test_who_is_refused(held: Held, client: BkciClient, bench: Workbench, tmp_path: Path) -> None:
    """Wrong and missing keys, keys of another build, and keys whose step has ended."""
    sdk, head = held.sdk, held.head
    path = "/process/api/build/variable/getBuildVariable"
    other = Held(client, bench, tmp_path)
    key = other.sdk.keys["secretKey"]
    own, attempt = sdk.keys["secretKey"].rsplit(".", 1)

    refused = [
        sdk.send("GET", path, X_DEVOPS_AGENT_SECRET_KEY=""),
        sdk.send("GET", path, X_DEVOPS_AGENT_SECRET_KEY="x"),
        sdk.send("GET", path, X_DEVOPS_AGENT_SECRET_KEY=f"{own}.{attempt[::-1]}"),
        sdk.send("GET", path, X_DEVOPS_AGENT_SECRET_KEY=f"{own}0.{attempt}"),
    ]
    foreign = [
        sdk.send("GET", path, X_DEVOPS_AGENT_SECRET_KEY=key),
        sdk.send("GET", path, X_DEVOPS_PROJECT_ID="default"),
        sdk.send("GET", path, X_DEVOPS_VM_SID="2"),
        sdk.send("GET", "/bkrepo/api/build/generic/other/custom/x"),
        sdk.send("PUT", f"/bkrepo/api/build/generic/{head['project']}/pipeline/p/b/x", b"x"),
        sdk.send("POST", "/process/api/build/reports/e-other?indexFile=x&name=n", {}),
    ]
    other.end()
    over = other.sdk.send("GET", path)
    other.sdk.http.close()

    assert [answer.http for answer in refused] == [401] * 4
    assert [answer.http for answer in foreign] == [403] * 6, [str(each) for each in foreign]
    assert (over.http, over.body["message"]) == (401, "the step of the key does not run any more")
    assert all(answer.body["status"] for answer in (*refused, *foreign, over))


def test_what_is_not_served(held: Held) -> None:
    """Other calls of the platform say so, with their names; wrong ones say what is wrong."""
    sdk, project = held.sdk, held.head["project"]
    generic = f"/bkrepo/api/build/generic/{project}"

    for method, path in (
        ("POST", "/ms/dispatch-kubernetes/api/build/job/create"),
        ("GET", "/ticket/api/build/credentials/login?publicKey=x"),
        ("POST", "/bkrepo/api/build/generic/temporary/token/create"),
        ("PUT", f"{generic}/log/x"),
    ):
        answer = sdk.send(method, path, {})
        assert (answer.http, answer.body["status"]) == (501, 501), str(answer)
        assert "not served" in answer.body["message"]
    assert sdk.send("PUT", f"{generic}/custom/a/../../x", b"x").http == 400
    assert sdk.send("POST", "/repository/api/build/commit/addCommit", {"a": 1}).http == 400
    assert sdk.send("GET", "/repository/api/build/repositories/").http == 400
