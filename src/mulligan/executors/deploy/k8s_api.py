"""The requests that the driver makes, with bounded repetition and clear errors.

All of them may be repeated: an apply, a replaced field and a removal have the same end if they
are made twice. What is transient (connection, 429, 5xx) is tried again for `patience_s`.
"""

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from mulligan.executors.deploy.k8s_answers import (
    gave_up,
    judge,
    lines_of,
    read_event,
    retry_after,
    short,
    watch_error,
)
from mulligan.executors.deploy.k8s_connect import client_module
from mulligan.executors.deploy.k8s_errors import ApiError, UnreachableError, WatchDroppedError
from mulligan.executors.deploy.k8s_order import Document, say

FIELD_MANAGER = "mulligan"
APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 8.0
_CONNECT_S = 10.0
_READ_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Resource:
    """Where the objects of a kind live."""

    api_version: str
    plural: str

    def path(self, namespace: str, name: str = "") -> str:
        """Return the path of the collection or of one object."""
        group = "/api/v1" if self.api_version == "v1" else f"/apis/{self.api_version}"
        return f"{group}/namespaces/{namespace}/{self.plural}" + (f"/{name}" if name else "")


RESOURCES = {
    "ConfigMap": Resource(api_version="v1", plural="configmaps"),
    "Event": Resource(api_version="v1", plural="events"),
    "PersistentVolumeClaim": Resource(api_version="v1", plural="persistentvolumeclaims"),
    "Pod": Resource(api_version="v1", plural="pods"),
    "Service": Resource(api_version="v1", plural="services"),
    "ServiceAccount": Resource(api_version="v1", plural="serviceaccounts"),
    "Deployment": Resource(api_version="apps/v1", plural="deployments"),
    "ReplicaSet": Resource(api_version="apps/v1", plural="replicasets"),
    "StatefulSet": Resource(api_version="apps/v1", plural="statefulsets"),
    "HorizontalPodAutoscaler": Resource(
        api_version="autoscaling/v2", plural="horizontalpodautoscalers"
    ),
    "Ingress": Resource(api_version="networking.k8s.io/v1", plural="ingresses"),
    "PodDisruptionBudget": Resource(api_version="policy/v1", plural="poddisruptionbudgets"),
    "DestinationRule": Resource(
        api_version="networking.istio.io/v1beta1", plural="destinationrules"
    ),
    "VirtualService": Resource(api_version="networking.istio.io/v1beta1", plural="virtualservices"),
}


class Api:
    """One cluster, spoken to in plain JSON objects through the official client."""

    def __init__(self, client: Any, *, patience_s: float = 30.0) -> None:
        dynamic = client_module("kubernetes.dynamic")
        # Without discovery: the kinds that we touch are known, and it writes a shared cache file.
        self._client = dynamic.DynamicClient(client, discoverer=lambda _client, _cache: None)
        self._failures = (
            client_module("kubernetes.client").ApiException,
            client_module("urllib3").exceptions.HTTPError,
            OSError,
        )
        self._patience_s = patience_s

    def find(self, kind: str, namespace: str, name: str) -> Document | None:
        """Return an object, or None when there is none."""
        try:
            return self._send("GET", RESOURCES[kind].path(namespace, name))
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def list_all(
        self, kind: str, namespace: str, *, labels: str = "", fields: str = ""
    ) -> tuple[list[Document], str]:
        """Return the objects that match the selectors, and the version to watch from."""
        answer = self._send(
            "GET", RESOURCES[kind].path(namespace), label_selector=labels, field_selector=fields
        )
        return list(answer.get("items") or []), str(answer["metadata"]["resourceVersion"])

    def apply(self, document: Document, *, force: bool, dry_run: bool = False) -> Document:
        """Apply on the server's side as the field manager `mulligan`; returns the object.

        Raises:
            ApiError: With `conflicts` if fields belong to other managers and `force` is off.
        """
        kind, metadata = str(document["kind"]), document["metadata"]
        resource = Resource(api_version=str(document["apiVersion"]), plural=RESOURCES[kind].plural)
        return self._send(
            "PATCH",
            resource.path(metadata["namespace"], metadata["name"]),
            body=document,
            content_type=APPLY,
            field_manager=FIELD_MANAGER,
            force_conflicts="true" if force else "false",
            dry_run="All" if dry_run else None,
        )

    def patch(self, kind: str, namespace: str, name: str, operations: list[Document]) -> Document:
        """Change an object by a JSON patch; returns the object."""
        return self._send(
            "PATCH",
            RESOURCES[kind].path(namespace, name),
            body=operations,
            content_type=JSON_PATCH,
            field_manager=FIELD_MANAGER,
        )

    def delete(self, kind: str, namespace: str, name: str) -> bool:
        """Delete an object and, in the background, what it owns; False when there is none."""
        try:
            path = RESOURCES[kind].path(namespace, name)
            self._send("DELETE", path, propagation_policy="Background")
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def pod_log(self, namespace: str, pod: str, container: str, *, lines: int) -> str:
        """Return the last lines that a container wrote before it ended; empty if unknown."""
        query = [("container", container), ("previous", "true"), ("tailLines", lines)]
        path = RESOURCES["Pod"].path(namespace, pod) + "/log"
        try:
            answer = self._once("GET", path, query_params=query, header_params={"Accept": "*/*"})
        except self._failures:
            return ""
        return answer.decode(errors="replace")

    def watch(
        self, kind: str, namespace: str, *, fields: str, version: str, seconds: int
    ) -> Iterator[Document]:
        """Yield the events after `version` until the server ends the stream.

        Raises:
            WatchDroppedError: The stream broke, or `version` is too old (`gone`).
            UnreachableError, ApiError: The server refuses us.
        """
        try:
            stream = self._client.request(
                "GET",
                RESOURCES[kind].path(namespace),
                serialize=False,
                watch="true",
                field_selector=fields,
                resource_version=version,
                timeout_seconds=seconds,
                allow_watch_bookmarks="true",
                _request_timeout=(_CONNECT_S, seconds + _READ_S),
            )
        except self._failures as error:
            raise watch_error(error) from None
        try:
            for line in lines_of(stream):
                yield read_event(line)
        except (self._failures[1], OSError) as error:
            raise WatchDroppedError(short(error)) from None
        finally:
            stream.close()

    def _send(self, method: str, path: str, **parameters: Any) -> Document:
        """Make a request until it is answered, refused or our patience ends."""
        end = time.monotonic() + self._patience_s
        pause = _FIRST_PAUSE_S
        while True:
            try:
                answer = self._once(method, path, **parameters)
                return dict(json.loads(answer)) if answer else {}
            except self._failures as error:
                refusal = judge(error)
                if refusal is not None:
                    raise refusal from None
                wait = max(pause * random.uniform(0.8, 1.2), retry_after(error))  # noqa: S311
                if time.monotonic() + wait > end:
                    raise UnreachableError(gave_up(error, self._patience_s)) from None
                say(f"{method} {path}: {short(error)}; again in {wait:.1f} s")
                time.sleep(wait)
                pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _once(self, method: str, path: str, **parameters: Any) -> bytes:
        answer = self._client.request(
            method,
            path,
            serialize=False,
            _request_timeout=(_CONNECT_S, _READ_S),
            **{name: value for name, value in parameters.items() if value not in (None, "")},
        )
        return bytes(answer.data or b"")
