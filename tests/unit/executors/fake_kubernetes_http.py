"""The HTTP side of the fake API server: one handler for all paths."""

from __future__ import annotations

import copy
import json
import socket
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, ClassVar

from fake_kubernetes import KINDS, RefusedRequestError, dump, parts_of, query_of

if TYPE_CHECKING:
    from fake_kubernetes import FakeKubernetes

Document = dict[str, Any]


class Handler(BaseHTTPRequestHandler):
    """Answer one connection."""

    protocol_version = "HTTP/1.1"
    server_object: ClassVar[FakeKubernetes]

    def do_GET(self) -> None:
        """Read, list or watch."""
        self._answer()

    def do_PATCH(self) -> None:
        """Apply or patch."""
        self._answer()

    def do_DELETE(self) -> None:
        """Delete."""
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        fake = self.server_object
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = query_of(self.path)
        value = json.loads(body) if body else None
        fake.requests.append((self.command, self.path, query, value))
        try:
            fault = fake.fault_of(self.command, self.path)
            if fault is not None:
                if fault.status == 0:
                    self._hang_up()
                    return
                error = RefusedRequestError(fault.status, "Injected", fault.message)
                self._send(fault.status, error.body, fault.headers)
                return
            self._check_token()
            parts = parts_of(self.path)
            if query.get("watch") == "true":
                self._watch(str(parts["plural"]), query)
                return
            with fake.cluster.condition:
                answer = copy.deepcopy(self._act(parts, query, value))
            self._send(200, answer)
        except RefusedRequestError as error:
            self._send(error.status, error.body)

    def _check_token(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {self.server_object.token}":
            raise RefusedRequestError(401, "Unauthorized", "Unauthorized")

    def _act(self, parts: dict[str, str | None], query: dict[str, str], body: Any) -> Any:
        cluster = self.server_object.cluster
        plural, name = str(parts["plural"]), parts["name"]
        if plural not in KINDS:
            raise RefusedRequestError(404, "NotFound", "the server could not find the resource")
        if name is None:
            items = [one for one in cluster.objects[plural].values() if matches(one, query)]
            bare = [
                {k: v for k, v in one.items() if k not in ("kind", "apiVersion")} for one in items
            ]
            return {
                "kind": KINDS[plural] + "List",
                "items": bare,
                "metadata": {"resourceVersion": str(cluster.version)},
            }
        if self.command == "PATCH" and "apply" in self.headers["Content-Type"]:
            manager, force = query["fieldManager"], query.get("force") == "true"
            return cluster.apply(plural, body, manager, force=force, dry="dryRun" in query)
        if name not in cluster.objects[plural]:
            raise RefusedRequestError(404, "NotFound", f'{plural} "{name}" not found')
        if parts["log"]:
            return "first line\nboom: no such table"
        if self.command == "PATCH":
            return cluster.change(
                plural, name, lambda thing: json_patch(thing, body), query["fieldManager"]
            )
        if self.command == "DELETE":
            cluster.drop(plural, name)
            return {"kind": "Status", "status": "Success"}
        return cluster.objects[plural][name]

    def _send(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        data = value.encode() if isinstance(value, str) else dump(value)
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _watch(self, plural: str, query: dict[str, str]) -> None:
        fake, reached = self.server_object, int(query["resourceVersion"])
        with fake.cluster.condition:
            limit = fake.drop_watches.pop(0) if fake.drop_watches else None
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        sent = 0
        while not fake.is_stopped():
            events, reached = self._events(plural, query, reached)
            for event in events:
                data = dump(event) + b"\n"
                if limit is not None and sent >= limit:
                    self._chunk(data[: len(data) // 2])
                    if fake.compact_on_drop:
                        fake.cluster.compact()
                    self._hang_up()
                    return
                self._chunk(data)
                sent += 1
                if event["type"] == "ERROR":
                    self._chunk(b"")
                    return

    def _events(
        self, plural: str, query: dict[str, str], reached: int
    ) -> tuple[list[Document], int]:
        cluster = self.server_object.cluster
        with cluster.condition:
            if reached < cluster.oldest:
                text = f"too old resource version: {reached} ({cluster.oldest})"
                error = RefusedRequestError(410, "Expired", text)
                return [{"type": "ERROR", "object": error.body}], reached
            cluster.condition.wait_for(lambda: cluster.version > reached, timeout=0.2)
            found = [
                {"type": kind, "object": copy.deepcopy(thing)}
                for version, kind, where, thing in cluster.history
                if version > reached and where == plural and matches(thing, query)
            ]
            return found, cluster.version

    def _chunk(self, data: bytes) -> None:
        try:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()
        except OSError:
            self.close_connection = True


def matches(thing: Document, query: dict[str, str]) -> bool:
    """Say whether an object is selected by the labels and fields of a query."""
    labels = thing["metadata"].get("labels") or {}
    for pair in filter(None, query.get("labelSelector", "").split(",")):
        key, _, value = pair.partition("=")
        if labels.get(key) != value:
            return False
    for pair in filter(None, query.get("fieldSelector", "").split(",")):
        path, _, value = pair.partition("=")
        here: Any = thing
        for name in path.split("."):
            here = (here or {}).get(name)
        if here != value:
            return False
    return True


def json_patch(thing: Document, operations: list[Document]) -> None:
    """Carry out the operations `add` and `replace` of a JSON patch."""
    for operation in operations:
        *parents, last = [
            name.replace("~1", "/").replace("~0", "~") for name in operation["path"].split("/")[1:]
        ]
        here = thing
        for name in parents:
            if name not in here:
                raise RefusedRequestError(422, "Invalid", f"no path {operation['path']}")
            here = here[name]
        here[last] = operation["value"]
