"""Orders for the driver `kubernetes`, run as the real program against the fake API server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fake_kubernetes import FakeKubernetes

import mulligan.executors.deploy

DRIVER = Path(mulligan.executors.deploy.__file__).with_name("kubernetes_driver.py")
V1, V2, V3 = "registry.test/acme/shop:1", "registry.test/acme/shop:2", "registry.test/acme/shop:3"

Document = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """How the program ended."""

    code: int
    log: str
    result: Document

    @property
    def record(self) -> Document:
        """What the ledger keeps of it."""
        return {"id": "d", "info": {}, "image_name": "", "files": {}, "result": self.result}


class Driver:
    """Run orders for one environment."""

    def __init__(self, fake: FakeKubernetes, folder: Path) -> None:
        self.fake = fake
        self.folder = folder
        self.info: Document = {
            "driver": "kubernetes",
            "server": fake.url,
            "token": "good",
            "namespace": "prod",
            "application": "shop",
            "timeout_s": 30,
            "unreachable_s": 5,
            "failure_grace_s": 0.1,
        }
        self._count = 0

    def order(self, act: str, image: str = "", **changes: Any) -> Path:
        """Write an order; `info` among the changes is merged into the usual one."""
        self._count += 1
        order = {
            "act": act,
            "deployment": f"d-{self._count}",
            "key": "default/prod/shop",
            "driver": "kubernetes",
            "image": image,
            "root": str(self.folder / "environment"),
            "result": str(self.folder / f"result-{self._count}.json"),
            "private_ok": True,
            "timeout_s": 600,
            **changes,
            "info": {**self.info, **changes.get("info", {})},
        }
        file = self.folder / f"order-{self._count}.json"
        file.write_text(json.dumps(order))
        return file

    def start(self, file: Path) -> subprocess.Popen[str]:
        """Start the program."""
        environment = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
        return subprocess.Popen(
            [sys.executable, str(DRIVER), str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**environment, "HOME": str(self.folder)},
        )

    def end(self, program: subprocess.Popen[str], file: Path) -> Outcome:
        """Wait for the program's end and read what it left."""
        log, _ = program.communicate(timeout=100)
        result = Path(json.loads(file.read_text())["result"])
        kept = json.loads(result.read_text()) if result.exists() else {}
        return Outcome(code=program.returncode, log=log, result=kept)

    def run(self, act: str, image: str = "", **changes: Any) -> Outcome:
        """Run an order to its end."""
        file = self.order(act, image, **changes)
        return self.end(self.start(file), file)

    def workload(self, name: str = "shop", plural: str = "deployments") -> Document:
        """Return a workload of the cluster."""
        return self.fake.cluster.objects[plural][name]

    def image(self, name: str = "shop", plural: str = "deployments") -> str:
        """Return the image of a workload's first container."""
        template = self.workload(name, plural)["spec"]["template"]
        return str(template["spec"]["containers"][0]["image"])

    def add_existing(self, replicas: int = 3, image: str = "nginx:1") -> None:
        """Make a workload and its service as a person did with kubectl, and let it come up."""
        labels = {"app": "shop", "tier": "web"}
        container = {"name": "web", "image": image, "env": [{"name": "MODE", "value": "live"}]}
        self.fake.cluster.create(
            "deployments",
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "shop", "namespace": "prod"},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": {"app": "shop"}},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {"containers": [container]},
                    },
                },
            },
        )
        self.add_service()
        for _ in range(replicas + 2):
            self.fake.cluster.tick()

    def add_service(self) -> None:
        """Make the service in front of the workload."""
        self.fake.cluster.create(
            "services",
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "shop", "namespace": "prod"},
                "spec": {"selector": {"app": "shop"}, "ports": [{"port": 80}]},
            },
        )
