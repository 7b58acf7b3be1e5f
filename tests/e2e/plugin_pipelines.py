"""A server with a plugin that obeys the test, and pipelines that use it."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from e2e.scenario import Build, Scenario
from mulligan.testing.http_client import HttpClient
from mulligan.testing.models import one_job
from plugin_zips import manifest, plugin_zip

if TYPE_CHECKING:
    from pathlib import Path

    from mulligan.testing.bkci import BkciClient
    from mulligan.testing.models import Workbench
    from mulligan.testing.server import ServerProcess

Json = dict[str, Any]

# Gives its keys away, waits while it is told to, and answers what lies in the file `answer`.
OBEDIENT = """#!/bin/sh
cp .sdk.json "$obey/sdk" 2>/dev/null
echo "called with: $*"
echo "$*" >> "$obey/calls"
while [ -e "$obey/hold" ]; do sleep 0.05; done
cat "$obey/answer" > "$bk_data_dir/$bk_data_output"
"""
INPUTS = {"words": {"default": "hello"}, "pw": {"isSensitive": True}}


def install(server: ServerProcess, code: str, version: str = "1.0.0", **execution: Any) -> None:
    """Install the obedient plugin under a code."""
    task = manifest(code, **execution) | {"input": INPUTS}
    http = HttpClient(server.url)
    try:
        answer = http.send(
            "POST",
            f"/api/v1/plugins?version={version}",
            plugin_zip(task, run_sh=OBEDIENT),
            {"Content-Type": "application/zip", "X-DEVOPS-UID": "admin"},
        )
    finally:
        http.close()
    assert answer.http == 201, str(answer)


class Puppet:
    """What the test tells one step; its folder is a variable of the step."""

    def __init__(self, root: Path) -> None:
        self.folder = root / uuid.uuid4().hex
        self.folder.mkdir()
        self.answers()

    def answers(self, status: str = "success", **more: Any) -> None:
        """Say what the plugin answers from now on."""
        (self.folder / "answer").write_text(json.dumps({"status": status, **more}))

    def hold(self) -> None:
        """Let it wait."""
        (self.folder / "hold").touch()

    def release(self) -> None:
        """Let it go on."""
        (self.folder / "hold").unlink(missing_ok=True)

    @property
    def calls(self) -> list[str]:
        """With which arguments it was called so far."""
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def sdk(self) -> Json | None:
        """Its keys, once it runs."""
        try:
            found: Json = json.loads((self.folder / "sdk").read_bytes())
        except (OSError, ValueError):
            return None
        return found


def plugin_task(name: str, code: str, puppet: Puppet | None = None, **more: Any) -> Json:
    """Return a task that runs a plugin; `options` stands for `additionalOptions`."""
    given = {"words": "a b", **more.pop("input", {})}
    options = {"timeout": 5, **more.pop("options", {})}
    env = [{"key": "obey", "value": str(puppet.folder)}] if puppet else []
    return {
        "@type": more.pop("kind", "marketBuild"),
        "name": name,
        "id": f"e-{uuid.uuid4().hex}",
        "stepId": name,
        "atomCode": code,
        "version": more.pop("version", "1.*"),
        "data": {"input": given, "output": {}, "namespace": more.pop("namespace", "")},
        "customEnv": env,
        "additionalOptions": options,
        **more,
    }


def run(client: BkciClient, bench: Workbench, *tasks: Json) -> Build:
    """Run tasks in one job to the end."""
    build = begin(client, bench, *tasks)
    build.wait()
    return build


def begin(client: BkciClient, bench: Workbench, *tasks: Json) -> Build:
    """Start tasks in one job."""
    return Scenario(client, bench, one_job("plugins", tasks)).start()
