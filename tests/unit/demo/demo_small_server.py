"""A server of the few calls that the demonstration makes; it breaks promises on demand.

It runs steps with `sh` and stands in for the real one on the wire, so that the demonstration itself
can be tested: it must pass against a server that keeps its promises and fail against one that
breaks one of them.
"""

import copy
import json
import os
import re
import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

PREFIX = "/api/apigw-user/v4/projects/"


class SmallServer:
    """One project, any number of pipelines, runs in place with retry of one step.

    Args:
        folder: For workspaces and artifacts.
        broken_promise: `""`, `rerun-kept` (a retry runs everything again),
            `rerun-secretly` (it does so without showing it), `new-run` (a retry gets
            another id), `lost-log` (a retry drops the log of attempt 1), `stale-attempt` (a retry
            says attempt 1), `exit-code` (errors don't name it) or `no-finally`.
        name_taken: A pipeline of this name exists.
        idle_steps: Names of shell steps of which only the first line, the journal's, is run.
    """

    def __init__(
        self,
        folder: Path,
        *,
        broken_promise: str = "",
        name_taken: str = "",
        idle_steps: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.idle_steps = idle_steps
        self.broken_promise = broken_promise
        self.names = {name_taken}
        self.models: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.logs: dict[tuple[str, int], list[str]] = {}
        self.seen: list[tuple[str, str, dict[str, str]]] = []
        self.threads: list[threading.Thread] = []
        small_server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                small_server.handle(self)

            def do_POST(self) -> None:
                small_server.handle(self)

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.threads.append(threading.Thread(target=self.http.serve_forever, args=[0.01]))
        self.threads[0].start()

    def close(self) -> None:
        """End it and wait for its threads."""
        self.http.shutdown()
        self.http.server_close()
        for thread in self.threads:
            thread.join(30)

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request in the wrapper of the dialect."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        parts = urlsplit(request.path)
        self.seen.append((request.command, request.path, dict(request.headers.items())))
        action = "/".join(parts.path.removeprefix(PREFIX).split("/")[1:]) or parts.path[1:]
        status, answer = self.act(action, dict(parse_qsl(parts.query)), json.loads(body or b"null"))
        content = json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def act(self, action: str, query: dict[str, str], body: Any) -> tuple[int, dict[str, Any]]:
        """Do what a call asks for."""
        if action == "pipelines/pipeline" and body is not None:
            if body["name"] in self.names:
                return 409, {"status": 2101013, "message": "name is taken"}
            self.names.add(body["name"])
            self.models["p-1"] = body
            return done({"id": "p-1"})
        if action == "pipelines/pipeline":
            return done(self.models[query["pipelineId"]])
        if action == "build_start":
            return done(self.start(query["pipelineId"]))
        if action == "build_retry":
            return done(self.retry(self.runs[query["buildId"]], query["taskId"]))
        if action == "build_detail":
            return done(copy.deepcopy(self.runs[query["buildId"]]))
        if action == "logs/init_logs":
            lines = self.logs.get((query["tag"], int(query["executeCount"])), [])
            return done({"logs": [{"message": line} for line in lines]})
        return done({})  # readyz, project_create

    def start(self, pipeline_id: str) -> dict[str, Any]:
        """Start the first attempt of a run."""
        model = copy.deepcopy(self.models[pipeline_id])
        for element in elements(model["stages"]):
            element |= {"status": "QUEUE", "executeCount": 1}
        run = {"id": "b-1", "buildNum": 1, "executeCount": 1, "status": "QUEUE", "model": model}
        self.runs["b-1"] = run
        return self.go(run)

    def retry(self, run: dict[str, Any], task_id: str) -> dict[str, Any]:
        """Start another attempt from one step on, in place."""
        if self.broken_promise == "stale-attempt":
            return {"id": "b-1", "num": 1, "executeCount": 1}
        if self.broken_promise == "lost-log":
            self.logs.clear()
        run |= {"executeCount": run["executeCount"] + 1, "status": "QUEUE"}
        for stage in run["model"]["stages"][1:]:
            for job in stage["containers"]:
                again = stage.get("finally", False) or self.broken_promise == "rerun-kept"
                for element in job["elements"]:
                    again = again or element["id"] == task_id or element["status"] == "UNEXEC"
                    if again:
                        element |= {"status": "QUEUE", "executeCount": run["executeCount"]}
                    elif self.broken_promise == "rerun-secretly":
                        self.script(run, self.folder / "workspaces" / job["id"], element)
        answer = self.go(run)
        return answer | {"id": "b-2"} if self.broken_promise == "new-run" else answer

    def go(self, run: dict[str, Any]) -> dict[str, Any]:
        """Run an attempt in a thread."""
        thread = threading.Thread(target=self.work, args=[run])
        self.threads.append(thread)
        thread.start()
        return {"id": run["id"], "num": run["buildNum"], "executeCount": run["executeCount"]}

    def work(self, run: dict[str, Any]) -> None:
        """Run the queued steps of all stages, in order."""
        failed = False
        for stage in run["model"]["stages"][1:]:
            if stage.get("finally") and self.broken_promise == "no-finally":
                continue
            for job in stage["containers"]:
                go_on = stage.get("finally", False) or not failed
                for element in job["elements"]:
                    if element["status"] == "QUEUE":
                        go_on = self.step(run, job["id"], element) if go_on else unexec(element)
                failed = failed or not go_on
        run["status"] = "FAILED" if failed else "SUCCEED"

    def step(self, run: dict[str, Any], job_id: str, element: dict[str, Any]) -> bool:
        """Run one step in its job's workspace; tell whether it succeeded."""
        workspace = self.folder / "workspaces" / job_id
        workspace.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        element |= {"status": "RUNNING", "startEpoch": time.time_ns() // 1_000_000}
        if element["@type"] == "linuxScript":
            code = self.script(run, workspace, element)
        else:
            code = self.plugin(workspace, element["atomCode"], element["data"]["input"])
        element["elapsed"] = max(1, round((time.monotonic() - began) * 1000))
        if code:
            text = "script failed" if self.broken_promise == "exit-code" else f"exit code {code}"
            element["errorMsg"] = text
        element["status"] = "FAILED" if code else "SUCCEED"
        return code == 0

    def script(self, run: dict[str, Any], workspace: Path, element: dict[str, Any]) -> int:
        """Run a shell step with the start parameters as environment."""
        text = element["script"]
        if element["name"] in self.idle_steps:
            text = text.splitlines()[0]
        params = run["model"]["stages"][0]["containers"][0]["params"]
        done = subprocess.run(
            ["sh", "-e", "-c", text],
            cwd=workspace,
            env={**os.environ, **{param["id"]: param["defaultValue"] for param in params}},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        self.logs[element["id"], element["executeCount"]] = done.stdout.splitlines()
        return done.returncode

    def plugin(self, workspace: Path, code: str, inputs: dict[str, str]) -> int:
        """Run one of the three plugins that the pipeline uses."""
        artifacts = self.folder / "artifacts"
        if code == "checkout":
            reference, url = inputs["refName"], inputs["repositoryUrl"]
            command = ["git", "clone", "--quiet", "--branch", reference, url, "."]
            return subprocess.run(command, cwd=workspace, timeout=60, check=False).returncode
        if code == "uploadArtifact":
            return copied(workspace.glob(inputs["filePath"]), artifacts)
        return copied(artifacts.glob(inputs["srcPaths"]), workspace / inputs["destPath"])


def done(data: Any) -> tuple[int, dict[str, Any]]:
    """Wrap an answer."""
    return 200, {"status": 0, "data": data}


def elements(stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return all elements of all stages."""
    return [
        element for stage in stages for job in stage["containers"] for element in job["elements"]
    ]


def unexec(element: dict[str, Any]) -> bool:
    """Mark a step that was never reached."""
    element["status"] = "UNEXEC"
    return False


def copied(files: Any, folder: Path) -> int:
    """Copy files into a folder; 1 when there are none."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [shutil.copy2(file, folder) for file in files if not re.match(r"\.", file.name)]
    return 0 if names else 1
