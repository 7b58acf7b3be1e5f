"""Where the deployments of a storm go: files that texts write, and a program that answers.

Every text notes its start and its end, with what it was told and a token of its own process.
"""

from __future__ import annotations

import json
import socket
import sys
import textwrap
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e.swr.definitions import build, definition, deploy, package, review
from e2e.swr.definitions import gray as gray_stage

if TYPE_CHECKING:
    import random
    from pathlib import Path

Json = dict[str, Any]

IMAGE = "acme/shop"
ARTIFACT = "app.tar.gz"
ANSWER_TIMEOUT_S = 5.0

PROGRAM = textwrap.dedent(
    """\
    import os
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    VERSION = open("version").read().strip()


    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = f"{VERSION} {os.environ['MULLIGAN_DEPLOYMENT']}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass


    ThreadingHTTPServer(("127.0.0.1", int(os.environ["APP_PORT"])), Handler).serve_forever()
    """
)


@dataclass(frozen=True, kw_only=True)
class Note:
    """Hold what a text noted: `start` or `end`, and what it was told."""

    kind: str
    site: str
    action: str
    version: str
    deployment: str
    token: str


class Journal:
    """Own the file to which all texts append."""

    def __init__(self, path: Path, shown: str = "") -> None:
        """Write to `path`, which texts know as `shown` where that is a variable's value."""
        self.path = path
        self._shown = shown or str(path)

    def notes(self) -> list[Note]:
        """Return what was noted, in order."""
        if not self.path.exists():
            return []
        return [Note(**json.loads(line)) for line in self.path.read_text().splitlines()]

    def starts(self, deployment: str) -> int:
        """Return how often a text of a deployment was started."""
        return [(note.kind, note.deployment) for note in self.notes()].count(("start", deployment))

    def line(self, kind: str, site: str) -> str:
        """Return the shell line that notes something; `token` is a variable of the text."""
        version = f"${{MULLIGAN_IMAGE#{IMAGE}:}}"
        fields = {
            "kind": kind,
            "site": site,
            "action": "$MULLIGAN_ACTION",
            "version": version,
            "deployment": "$MULLIGAN_DEPLOYMENT",
            "token": "$token",
        }
        text = json.dumps(fields).replace('"', '\\"')
        return f'echo "{text}" >> "{self._shown}"'


class CommandSite:
    """Own what one environment of the driver `command` has released.

    It is one file: the image that is live, and in a second line that of a grey release. So each
    text has one effect that is there or not, whenever it is cut off.
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        journal: Journal,
        chance: random.Random,
        shown: str = "",
    ) -> None:
        """Use `directory`; texts take a random short time before and after their effect.

        Args:
            directory: where the environment gets a folder of its own.
            name: of the site.
            journal: where texts note themselves.
            chance: for the times.
            shown: how texts name the directory, if that is a variable's value.
        """
        self.name = name
        self.directory = directory / name
        self.directory.mkdir(parents=True, exist_ok=True)
        self.application = f"{name}-{uuid.uuid4().hex[:8]}"
        self._shown = f"{shown or directory}/{name}"
        self._journal = journal
        self._chance = chance

    @property
    def live(self) -> str:
        """Return the version that is live, empty when there is none."""
        return self._line(0)

    @property
    def gray(self) -> str:
        """Return the version of the grey release, empty when there is none."""
        return self._line(1)

    def set_broken(self, *, is_broken: bool) -> None:
        """Let the texts fail before their effect, or not."""
        flag = self.directory / "broken"
        if is_broken:
            flag.touch()
        else:
            flag.unlink(missing_ok=True)

    def release(self) -> list[Json]:
        """Return the stages of a pipeline that only deploys."""
        return [deploy(json.dumps(self._info()))]

    def gray_release(self) -> list[Json]:
        """Return grey release, review by dev1, official release."""
        live = f'"$(head -n 1 {self._path("released")})"'
        gray = {
            "strategy": "canary",
            "deploy": self._text(self._write(f'{live} "$MULLIGAN_IMAGE"')),
            "abort": self._text(self._write(live)),
        }
        info = self._info() | {"gray": gray}
        del info["status"]  # it can't tell a grey release from one that was taken away
        return [gray_stage(json.dumps(info)), review("one", "dev1"), deploy("", tag=None)]

    def _info(self) -> Json:
        effect = self._write('"$MULLIGAN_IMAGE"')  # it ends a grey release
        return {
            "driver": "command",
            "environment": "prod",
            "application": self.application,
            "deploy": self._text(effect),
            "rollback": self._text(effect),
            "status": f'[ "$(cat {self._path("released")})" = "$MULLIGAN_IMAGE" ]',
        }

    def _text(self, effect: str) -> str:
        before, after = (f"sleep {self._chance.uniform(0.02, 0.12):.3f}" for _ in range(2))
        return "\n".join(
            [
                "token=$(cat /proc/sys/kernel/random/uuid)",
                self._journal.line("start", self.name),
                before,
                f"[ ! -e {self._path('broken')} ]",
                effect,
                after,
                self._journal.line("end", self.name),
            ]
        )

    def _write(self, lines: str) -> str:
        new = self._path("released.$token")
        return f"printf '%s\\n' {lines} > {new}\nmv {new} {self._path('released')}"

    def _path(self, name: str) -> str:
        return f'"{self._shown}/{name}"'

    def _line(self, number: int) -> str:
        path = self.directory / "released"
        lines = path.read_text().splitlines() if path.exists() else []
        return lines[number].removeprefix(f"{IMAGE}:") if number < len(lines) else ""


class ProgramSite:
    """Own the port of one environment of the driver `process`."""

    def __init__(self) -> None:
        """Choose a free port."""
        self.application = f"program-{uuid.uuid4().hex[:8]}"
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self._port = int(found.getsockname()[1])

    def release(self) -> list[Json]:
        """Return a stage that packs the program and one that deploys it."""
        info = {
            "driver": "process",
            "environment": "prod",
            "application": self.application,
            "start": f"exec {sys.executable} -u app.py",
            "env": {"APP_PORT": str(self._port)},
            "health": {"url": f"http://127.0.0.1:{self._port}/healthz", "timeout_s": 20},
        }
        lines = ["cat > app.py <<'END'", f"{PROGRAM}END", "echo ${VERSION} > version"]
        script = "\n".join([*lines, f"tar czf {ARTIFACT} app.py version"])
        made = package("current", ARTIFACT, ARTIFACT, name="libs%20storm")
        used = package("current", ARTIFACT, name="libs%20storm")
        stage = deploy(json.dumps(info), tag=None, input_resources=[used])
        return [build("pack", script, output_resources=[made]), stage]

    def answer(self) -> list[str]:
        """Return version and deployment that the program answers, nothing when it is away."""
        url = f"http://127.0.0.1:{self._port}/"
        try:
            with urllib.request.urlopen(url, timeout=ANSWER_TIMEOUT_S) as got:
                return str(got.read().decode()).split()
        except (urllib.error.URLError, OSError):
            return []


def stages_of(stages: list[Json]) -> Json:
    """Return a pipeline of these stages with a variable VERSION."""
    return definition(stages)
