"""Orders for the deploy drivers, run as the step host runs them, and files in a store."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.keeper_bench import DEADLINE_S, KEY
from mulligan.executors.deploy import common

_DRIVERS = Path(common.__file__).parent

# Answers with its version. What it is told to break in, it breaks in.
APP = """
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"/": open("version").read(), "/env": repr(dict(os.environ))}.get(self.path, "ok")
        self.send_response(500 if self.path == "/healthz" and os.path.exists("sick") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *words):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("listening as", open("version").read(), flush=True)
server.serve_forever()
"""


def tar(files: Mapping[str, str]) -> bytes:
    """Make a .tar.gz; the same files give the same bytes."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(target.getvalue(), mtime=0)


class Ended:
    """How a driver ended: its exit code, what it printed, and the result that it wrote."""

    def __init__(self, code: int, output: str, result: Path) -> None:
        self.code = code
        self.output = output
        self.result: dict[str, Any] = json.loads(result.read_text()) if result.exists() else {}


class DeployBench:
    """A store and an environment below a folder.

    Args:
        folder: of both.
        driver: `process` or `command`.
        data: of the keeper.
    """

    def __init__(self, folder: Path, driver: str, data: Path) -> None:
        self.driver = driver
        self.data = data
        self.store = folder / "store"
        self.root = folder / "environment"
        self._orders = folder / "orders"
        self._orders.mkdir(parents=True)

    def put(self, content: bytes) -> str:
        """Put bytes into the store; return their digest."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.store / digest[:2] / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return digest

    def app(self, version: str, **more: str) -> dict[str, str]:
        """Put a release of the sample into the store; return the files of the order."""
        return {"app.tar.gz": self.put(tar({"app.py": APP, "version": version} | more))}

    def order(self, act: str, deployment: str, info: dict[str, Any], **changes: Any) -> Path:
        """Write an order."""
        order: dict[str, Any] = {
            "act": act,
            "resume": False,
            "deployment": deployment,
            "key": KEY,
            "driver": self.driver,
            "info": {"driver": self.driver} | info,
            "text": "",
            "deploy_mode": "cceMode",
            "gray_mode": "",
            "image": "",
            "image_name": "",
            "previous_image_name": "",
            "files": {},
            "store": os.fspath(self.store),
            "root": os.fspath(self.root),
            "keeper": {
                "socket": os.fspath(self.data / "keeper.sock"),
                "data": os.fspath(self.data),
            },
            "target": None,
            "live": None,
            "gray": None,
            "private_ok": False,
            "timeout_s": 60,
            "result": os.fspath(self._orders / f"{deployment}.result.json"),
        }
        path = self._orders / f"{deployment}.json"
        path.write_text(json.dumps(order | changes))
        return path

    def begin(self, order: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start the driver."""
        return subprocess.Popen(
            [sys.executable, _DRIVERS / f"{self.driver}.py", order],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin"} if env is None else dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str], order: Path) -> Ended:
        """Wait for the end of the driver."""
        try:
            output, _none = process.communicate(timeout=3 * DEADLINE_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Ended(process.returncode, output, Path(json.loads(order.read_text())["result"]))

    def run(self, act: str, deployment: str, info: dict[str, Any], **changes: Any) -> Ended:
        """Run the driver to its end."""
        env = changes.pop("env", None)
        order = self.order(act, deployment, info, **changes)
        return self.finish(self.begin(order, env), order)
