"""A Kubernetes API server for tests: real HTTP, threads, standard library only.

`FakeKubernetes` listens on a loopback port. Its `cluster` can be looked at and changed by tests;
`faults` make the next matching requests go wrong; `drop_watches` cuts streams in the middle.
"""

from __future__ import annotations

import copy
import json
import re
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fake_kubernetes_controller import Controller, Outcome, defaulted
from fake_kubernetes_fields import Managers, shown

Document = dict[str, Any]
_PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+/[^/]+))/namespaces/(?P<ns>[^/]+)/"
    r"(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?P<log>/log)?"
)
KINDS = {
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "replicasets": "ReplicaSet",
    "pods": "Pod",
    "events": "Event",
    "services": "Service",
    "configmaps": "ConfigMap",
    "virtualservices": "VirtualService",
    "destinationrules": "DestinationRule",
    "horizontalpodautoscalers": "HorizontalPodAutoscaler",
    "ingresses": "Ingress",
}
TICK_S = 0.02


class RefusedRequestError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, reason: str, message: str, causes: Any = ()) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": status,
            "reason": reason,
            "message": message,
            "details": {"causes": list(causes)},
        }


@dataclass
class Fault:
    """Answer the next `times` requests that match with `status`; 0 closes the connection."""

    method: str
    path: str
    status: int
    times: int = 1
    message: str = "injected"
    headers: dict[str, str] = field(default_factory=dict)


class Cluster:
    """The objects of one namespace, their versions and the events of watches."""

    def __init__(self) -> None:
        self.condition = threading.Condition(threading.RLock())
        self.objects: dict[str, dict[str, Document]] = defaultdict(dict)
        self.managers: dict[tuple[str, str], Managers] = defaultdict(Managers)
        self.outcomes: dict[str, Outcome] = {}
        self.history: list[tuple[int, str, str, Document]] = []
        self.version = 100
        self.oldest = 0
        self.ticks = 0
        self._controller = Controller(self)

    def tick(self) -> None:
        """Let the controllers do one step."""
        with self.condition:
            self.ticks += 1
            self._controller.tick()

    def store(self, plural: str, thing: Document) -> Document:
        """Write an object as it is and tell the watchers."""
        with self.condition:
            metadata = thing["metadata"]
            name = metadata["name"]
            is_new = name not in self.objects[plural]
            self.version += 1
            there = self.objects[plural].get(name, {}).get("metadata", {})
            metadata.setdefault("uid", there.get("uid") or str(uuid.uuid4()))
            metadata["resourceVersion"] = str(self.version)
            self.objects[plural][name] = thing
            self._tell("ADDED" if is_new else "MODIFIED", plural, thing)
            return thing

    def drop(self, plural: str, name: str) -> bool:
        """Delete an object and tell the watchers."""
        with self.condition:
            thing = self.objects[plural].pop(name, None)
            if thing is None:
                return False
            self.managers.pop((plural, name), None)
            self.version += 1
            thing["metadata"]["resourceVersion"] = str(self.version)
            self._tell("DELETED", plural, thing)
            return True

    def compact(self) -> None:
        """Forget all events: a watch from before is answered with 410."""
        with self.condition:
            self.history.clear()
            self.oldest = self.version
            self.condition.notify_all()

    def create(self, plural: str, thing: Document, manager: str = "kubectl-create") -> Document:
        """Write an object as another client does."""
        return self.change(plural, thing["metadata"]["name"], lambda _: thing, manager)

    def change(
        self,
        plural: str,
        name: str,
        edit: Callable[[Document], Document | None],
        manager: str = "kubectl-edit",
        subresource: str = "",
    ) -> Document:
        """Change an object as another client does; `edit` returns it, or changes it in place."""
        with self.condition:
            before = self.objects[plural].get(name) or {"metadata": {}}
            after = copy.deepcopy(before)
            after = edit(after) or after
            self.managers[plural, name].update(before, after, manager, subresource)
            return self._admit(plural, name, before, after)

    def apply(
        self, plural: str, thing: Document, manager: str, *, force: bool, dry: bool
    ) -> Document:
        """Apply on the server's side."""
        with self.condition:
            name = thing["metadata"]["name"]
            before = self.objects[plural].get(name) or {
                "apiVersion": thing["apiVersion"],
                "kind": thing["kind"],
                "metadata": {key: thing["metadata"][key] for key in ("name", "namespace")},
            }
            after = copy.deepcopy(before)
            managers = copy.deepcopy(self.managers[plural, name])
            conflicts = managers.apply(after, thing, manager, force=force)
            if conflicts:
                causes = [
                    {
                        "reason": "FieldManagerConflict",
                        "field": shown(path),
                        "message": f'conflict with "{other}" using {thing["apiVersion"]}',
                    }
                    for other, path in conflicts
                ]
                text = f"Apply failed with {len(causes)} conflicts"
                raise RefusedRequestError(409, "Conflict", text, causes)
            if dry:
                return defaulted(after)
            self.managers[plural, name] = managers
            return self._admit(plural, name, before, after)

    def _admit(self, plural: str, name: str, before: Document, after: Document) -> Document:
        """Check, default, count the generation and store."""
        old_selector = before.get("spec", {}).get("selector")
        if plural in ("deployments", "statefulsets"):
            _check_workload(after, old_selector)
        after = defaulted(after)
        metadata = after["metadata"]
        metadata["generation"] = before["metadata"].get("generation", 0)
        if after.get("spec") != before.get("spec"):
            metadata["generation"] += 1
        metadata["managedFields"] = self.managers[plural, name].render(after["apiVersion"])
        if after == before:
            return after
        return self.store(plural, after)

    def _tell(self, kind: str, plural: str, thing: Document) -> None:
        self.history.append((self.version, kind, plural, copy.deepcopy(thing)))
        self.condition.notify_all()


def _check_workload(workload: Document, old_selector: Any) -> None:
    spec = workload["spec"]
    selector, labels = spec.get("selector"), spec["template"].get("metadata", {}).get("labels", {})
    problems = []
    if old_selector is not None and selector != old_selector:
        problems.append("spec.selector: field is immutable")
    if not selector or any(labels.get(k) != v for k, v in selector["matchLabels"].items()):
        problems.append("`selector` does not match template `labels`")
    for container in spec["template"].get("spec", {}).get("containers", []):
        if not container.get("image"):
            problems.append("spec.template.spec.containers[0].image: Required value")
    if problems:
        name = workload["metadata"]["name"]
        text = f"{workload['kind']} {name!r} is invalid: {'; '.join(problems)}"
        raise RefusedRequestError(422, "Invalid", text)


class FakeKubernetes:
    """The server; use `running()`."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.token = "good"
        self.drop_watches: list[int] = []  # after as many events the next streams break
        self.compact_on_drop = False
        self._stopped = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @contextmanager
    def running(self) -> Iterator[FakeKubernetes]:
        """Serve, and let the controllers work, until the block ends."""
        threads = [
            threading.Thread(target=self._http.serve_forever, args=(0.05,)),
            threading.Thread(target=self._control),
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            self._http.shutdown()
            self._http.server_close()
            for thread in threads:
                thread.join()

    def _control(self) -> None:
        while not self._stopped.wait(TICK_S):
            self.cluster.tick()

    def count(self, method: str, path: str) -> int:
        """Count the requests that came for a path (a part of it)."""
        return sum(1 for found in self.requests if found[0] == method and path in found[1])

    def fault_of(self, method: str, path: str) -> Fault | None:
        """Take the fault that this request meets."""
        with self.cluster.condition:
            for fault in self.faults:
                if fault.times and fault.method in (method, "*") and fault.path in path:
                    fault.times -= 1
                    return fault
        return None

    def is_stopped(self) -> bool:
        """Say whether streams shall end."""
        return self._stopped.is_set()


def _handler(server: FakeKubernetes) -> type[BaseHTTPRequestHandler]:
    from fake_kubernetes_http import Handler

    return type("BoundHandler", (Handler,), {"server_object": server})


def query_of(path: str) -> dict[str, str]:
    """Read the query of a request."""
    return {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}


def parts_of(path: str) -> dict[str, str | None]:
    """Read the path of a request."""
    match = _PATH.fullmatch(urlsplit(path).path)
    if match is None:
        raise RefusedRequestError(404, "NotFound", f"the server could not find {path}")
    return match.groupdict()


def dump(value: Any) -> bytes:
    """Write JSON."""
    return json.dumps(value).encode()
