"""The second half of the demonstration: a release goes wrong and is rolled back in place.

Version 1 is deployed as a live process; version 2 fails its health check; the stage is rolled back
by the call of the seed, and version 1 answers again. All calls are those of the SWR dialect.
"""

import json
import socket
import sys
import time
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import msgspec

from mulligan.demo.client import Call, CallError, fetch, short
from mulligan.demo.observe import InterruptedDemoError, NotEndedError
from mulligan.demo.scene import Scene

Json = dict[str, Any]

ACCOUNT, USER, PASSWORD = "default", "admin", "admin"  # of every development server
GROUP = "demo"
FIRST, SECOND = "1.0.0", "2.0.0"
DEPLOY_STAGE = 1
ENDS_WITHIN_S = 120.0
LOG_LINES_SHOWN = 4
_LOOK_AGAIN_S = 0.05
_UNDER_WAY = {"running", "rollbacking", "waiting"}
# Version 2 gives a setting a new name, and nobody told the deployment.
_PACKAGE = """\
set -eu
cp -R "${source}/shop" "${source}/ci" .
if [ "${VERSION}" != 1.0.0 ]; then
    printf '%s\\n' "${VERSION}" >shop/VERSION
    sed 's/SHOP_FEED/SHOP_FEED_URL/' shop/__main__.py >renamed && mv renamed shop/__main__.py
fi
"${python}" -m ci.package
mv dist/shop-*.pyz dist/shop.pyz
"""
_FILE = {
    "namespace": "demo",
    "package": "shop%20server",
    "version": "${VERSION}",
    "file_path": "shop.pyz",
}


class SwrClient:
    """Calls of the SWR dialect with a token of its own token service."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._token = ""

    def log_in(self) -> str:
        """Get a token, as every client of this API does; return when it is over."""
        user = {"name": USER, "password": PASSWORD, "domain": {"name": ACCOUNT}}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = {"auth": {"identity": identity, "scope": {"domain": {"name": ACCOUNT}}}}
        call = self.call("POST", "/v3/auth/tokens", body)
        parts = urlsplit(call.url)
        connection = HTTPConnection(parts.netloc, timeout=30.0)
        try:
            connection.request("POST", parts.path, body=call.body, headers=call.headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            raise CallError(f"{short(call)}: {error or type(error).__name__}") from error
        finally:
            connection.close()
        self._token = response.getheader("X-Subject-Token") or ""
        if response.status != 201 or not self._token:
            text = content[:300].decode(errors="replace")
            raise CallError(f"{short(call)}: HTTP {response.status}, {text}")
        return str(json.loads(content)["token"]["expires_at"])

    def call(self, method: str, path: str, body: Any = None) -> Call:
        """Return the request without sending it."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["X-Auth-Token"] = self._token
        content = None if body is None else json.dumps(body).encode()
        return Call(method=method, url=self.url + path, headers=headers, body=content)

    def send(self, call: Call, *expected: int) -> Any:
        """Send a request; return the document of the answer.

        Raises:
            CallError: No answer, or one with another status than those expected.
        """
        status, content = fetch(call)
        if status not in (expected or (200, 201)):
            text = content[:300].decode(errors="replace")
            raise CallError(f"{short(call)}: HTTP {status}, {text}", code=status)
        return json.loads(content) if content else None

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the document of the answer."""
        return self.send(self.call(method, path, body))


class Release(msgspec.Struct, kw_only=True):
    """The pipeline of the release and what it deploys."""

    client: SwrClient
    pipeline: int
    url: str  # where the deployed program answers

    @property
    def path(self) -> str:
        """Return the path of the pipeline."""
        return f"/v3/manage/pipelines/{self.pipeline}"

    def status(self) -> Json:
        """Return the status of the pipeline."""
        found: Json = self.client.ask("GET", self.path)["status"]
        return found

    def answers(self) -> str:
        """Return the version that answers; "" = nothing does."""
        try:
            status, content = fetch(Call(method="GET", url=f"{self.url}/healthz", headers={}))
        except CallError:
            return ""
        return str(json.loads(content).get("version", "")) if status == 200 else ""

    def log_lines(self) -> list[str]:
        """Return the log of the newest execution of the deploying stage."""
        path = f"{self.path}/stages/{DEPLOY_STAGE}/jobs/latest/logs"
        records = self.client.ask("GET", path)["log"]
        entries = [json.loads(record["content"])[0] for record in records]
        return [entry["Message"] for entry in entries if entry["Type"] == "content"]


def deploy_first(scene: Scene) -> None:
    """Deploy version 1 as a live process."""
    client = SwrClient(scene.client.url)
    client.log_in()
    release = make_release(scene, client)
    scene.release = release
    scene.printer.line(f"deploy shop {FIRST}")
    status = run(scene, release, FIRST)
    scene.checks.verify(
        status["status"] == "success", f"version {FIRST} is deployed, it is {status['status']}"
    )
    scene.checks.verify(release.answers() == FIRST, f"version {FIRST} answers at {release.url}")
    scene.printer.line(f"deployed: shop {FIRST} answers at {release.url}/healthz")


def make_release(scene: Scene, client: SwrClient) -> Release:
    """Create the pipeline that packages and deploys the sample project."""
    groups = {group["group"] for group in client.ask("GET", "/v3/manage/pipelinegroups")}
    if GROUP not in groups:
        client.ask("POST", "/v3/manage/pipelinegroups", {"group": GROUP})
    port = free_port()
    body = definition(scene, port)
    for number in range(1, 100):
        body["name"] = "shop-release" if number == 1 else f"shop-release-{number}"
        call = client.call("POST", f"/v3/manage/pipelinegroups/{GROUP}/pipelines", body)
        try:
            made = client.send(call)
        except CallError as error:
            if error.code != 409:
                raise
            continue
        url = f"http://127.0.0.1:{port}"
        return Release(client=client, pipeline=made["id"], url=url)
    raise CallError("no name is free for the pipeline of the release")


def definition(scene: Scene, port: int) -> Json:
    """Return the pipeline: package, then deploy with a health check."""
    target = {
        "driver": "process",
        "environment": f"demo-{port}",
        "application": "shop",
        "start": f'exec "{sys.executable}" shop.pyz --port {port}',
        "env": {"SHOP_FEED": scene.feed.url},
        "health": {"url": f"http://127.0.0.1:{port}/healthz", "timeout_s": 20},
    }
    resource = {"name": "server", "type": "package"}
    values = {"VERSION": FIRST, "source": str(scene.source_folder), "python": sys.executable}
    return {
        "description": "The release of the demonstration",
        "params": [{"name": name, "value": value} for name, value in values.items()],
        "stages": [
            {
                "name": "package",
                "service_name": "jenkins_build",
                "params": {"basic_env": "go", "jenkins_shell": _PACKAGE},
                "output_resources": [
                    {**resource, "params": {**_FILE, "local_file_path": "dist/shop.pyz"}}
                ],
            },
            {
                "name": "deploy",
                "service_name": "official_deploy",
                "params": {"deploy_mode": "cceMode", "input_info": json.dumps(target)},
                "input_resources": [{**resource, "params": _FILE}],
            },
        ],
    }


def deploy_second(scene: Scene) -> None:
    """Deploy version 2, which fails its health check."""
    release = release_of(scene)
    scene.printer.line(f"deploy shop {SECOND}")
    status = run(scene, release, SECOND)
    stage = status["stages"][DEPLOY_STAGE]["status"]
    scene.checks.verify(
        stage == "stage_exception", f"version {SECOND} fails its health check, it is {stage}"
    )
    scene.printer.line(f"failed: deploy of shop {SECOND}: its health check does not pass")
    lines = release.log_lines()
    for line in lines[-LOG_LINES_SHOWN:]:
        scene.printer.line(f"  | {line}")
    reason = "no price feed"
    scene.checks.verify(any(reason in line for line in lines), "the log says why it failed")
    scene.checks.verify(release.answers() == "", f"nothing answers at {release.url}")


def roll_back(scene: Scene) -> None:
    """Roll the stage back with the call of the seed: version 1 answers again."""
    release = release_of(scene)
    scene.printer.line("roll the stage back to what was live before:")
    path = f"{release.path}/stages/{DEPLOY_STAGE}?mode=rollback&source=rollback::true"
    call = release.client.call("POST", path)
    scene.printer.line(call.as_curl())

    answer = release.client.send(call, 201)

    verify = scene.checks.verify
    verify(answer == {}, "the rollback is accepted")
    status = wait_for_end(scene, release)
    verify(
        status["status"] == "rollback_success",
        f"the rollback succeeds, it is {status['status']}",
    )
    verify(release.answers() == FIRST, f"version {FIRST} answers again")
    scene.printer.line(f"live: {FIRST} {release.url}/healthz")


def run(scene: Scene, release: Release, version: str) -> Json:
    """Start the pipeline for a version and wait for its end; return its status."""
    params = [{"name": "VERSION", "value": version}]
    release.client.ask("POST", f"{release.path}/start", {"params": params})
    status = wait_for_end(scene, release)
    for stage, name in zip(status["stages"], ("package", "deploy"), strict=True):
        if stage["status"] != "waiting":
            scene.printer.result(good=stage["status"] == "success", text=name)
    return status


def wait_for_end(scene: Scene, release: Release) -> Json:
    """Poll until the pipeline's run has ended.

    Raises:
        InterruptedDemoError: Somebody ended the demonstration.
        NotEndedError: It takes too long.
    """
    deadline = time.monotonic() + ENDS_WITHIN_S
    while time.monotonic() < deadline:
        status = release.status()
        if status["status"] not in _UNDER_WAY:
            return status
        if scene.stop.wait(_LOOK_AGAIN_S):
            raise InterruptedDemoError
    raise NotEndedError(f"pipeline {release.pipeline} did not end within {ENDS_WITHIN_S:g} s")


def release_of(scene: Scene) -> Release:
    """Return the release that was made."""
    if not isinstance(scene.release, Release):
        raise CallError("no release has been made")
    return scene.release


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number
